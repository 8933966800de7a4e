"""The terminal as it is: what is sent to it, what comes from it, what it can do."""
