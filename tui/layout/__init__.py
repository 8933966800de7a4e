"""Geometry: where panels, labels and panes are on the screen."""
