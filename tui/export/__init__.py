"""Exports: a lesson, a deck or a script as a file that stands alone. Nothing in one refers to the network."""
