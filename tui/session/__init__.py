"""The state of the explorer, and the commands that change it."""
