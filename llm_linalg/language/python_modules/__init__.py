"""Modules of Python's that a program can import, as far as they compute and reach nothing outside."""
