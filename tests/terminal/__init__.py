"""The program on a real pty, under the conditions in which people run it."""
