"""The tests: engine, app, the real terminal, the repository itself."""
