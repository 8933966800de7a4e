"""Notebooks as people write them: how many of their cells run, and give what plain Python gives."""
