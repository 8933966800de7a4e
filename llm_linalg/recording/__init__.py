"""What torch did: a function mode, nodes, aliases of memory, dropped values."""
