"""What code would do that is not run: what it binds, changes, reads and draws."""
