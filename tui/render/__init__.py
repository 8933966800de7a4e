"""A frame as text without a screen: in reading order, or as JSON."""
