"""The terminal app: views and frames as values, commands that change them, and the screens that draw them."""
