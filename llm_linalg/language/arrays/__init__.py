"""NumPy as programs use it: arrays over tensors, with NumPy's dtypes, promotion and text, without NumPy."""
