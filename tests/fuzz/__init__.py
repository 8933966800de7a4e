"""Keys, programs, damaged files, bad peers: `python -m tests.fuzz keys` and so on are the long runs."""
