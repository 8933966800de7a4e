"""The user's files and folders, and where data is written."""
