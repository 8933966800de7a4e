"""A deck in a presentation: its state, its moves, its display, reloading it."""
