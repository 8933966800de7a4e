"""Scripts: sessions as plain text, a line for what is done between two pictures."""
