"""What a function of Python's does, and the same function here does not."""

from __future__ import annotations


class RefusalError(TypeError):
    """A call that Python would make, and the language refuses: no program can catch it."""
