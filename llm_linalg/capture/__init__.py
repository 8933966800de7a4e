"""What a program does, as Python itself runs it."""
