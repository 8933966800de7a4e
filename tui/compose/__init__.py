"""From a view and the run of its program to a frame: the only part of the app that meets nodes."""
