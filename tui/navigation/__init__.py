"""Moves from a view to a view: steps, the map, the playground."""
