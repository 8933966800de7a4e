"""The panes of the explorer: each turns a part of the frame into rows, and repaints what changed."""
