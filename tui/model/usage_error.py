"""The error for a command line or a script that can't be carried out."""

from __future__ import annotations


class UsageError(Exception):
    """Words that can't be carried out; one line says why."""
