"""A trace as data: written while a program runs, or into a file, and read by who believes nothing of it."""
