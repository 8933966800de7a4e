"""A modal screen that is closed once, however many keys of one moment ask for it."""

from __future__ import annotations

from typing import Any

from textual import screen
from textual.await_complete import AwaitComplete


class ModalScreen(screen.ModalScreen[Any]):
    """A screen above the explorer."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close this screen; Textual would close whichever is on top, and end the app at the last."""
        return super().dismiss(result) if self.is_active else AwaitComplete()
