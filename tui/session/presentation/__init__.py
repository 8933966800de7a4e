"""A deck on stage: where it stands, how it is shown, how it is read again."""
