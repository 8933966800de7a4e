"""The screens: the explorer, and what opens above it."""
