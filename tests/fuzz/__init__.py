"""Random keys and random programs: `python -m tests.fuzz keys` and `… programs` are the long runs."""
