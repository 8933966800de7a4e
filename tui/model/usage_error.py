"""The error for a command line or a script that can't be carried out."""

from __future__ import annotations

from llm_linalg.base.text import clean


class UsageError(Exception):
    """Words that can't be carried out; one line says why, in clean text."""

    def __init__(self, reason: str) -> None:
        super().__init__(clean(reason))
