"""The lessons without a screen: a line in, one frame as text out."""
