"""What follows a talk from other terminals, over a socket of the user's: notes, and an audience."""
