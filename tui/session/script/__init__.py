"""Scripts: sessions as plain text, a line for what was done between two pictures."""
