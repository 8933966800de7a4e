"""The backward pass of a trace as a program of its own, in torch terms."""
