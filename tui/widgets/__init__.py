"""Widgets on the Line API: rows of styled text, and a matrix of cells."""
