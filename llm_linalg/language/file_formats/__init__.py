"""Files of tensors, read as data: each format's bytes are checked and never obeyed."""
