"""A node step by step, under a loop order."""
