"""The error that a person's words bring about, on the command line or in a script."""

from __future__ import annotations


class UsageError(Exception):
    """Something that was written can't be used; one line says what."""
