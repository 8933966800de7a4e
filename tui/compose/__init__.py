"""Frames from a view and the run of its program: the only part of the app that knows nodes."""
