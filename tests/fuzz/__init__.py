"""Random keys, bad peers, random programs: `python -m tests.fuzz keys` and so on are the long runs."""
