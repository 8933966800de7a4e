"""Looks: drawings of a node in the place of its numbers."""
