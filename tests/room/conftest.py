"""What holds for all tests of the room: they need a lock, and leave no process."""

from __future__ import annotations

import pytest

from llm_linalg.room.tier import tier


@pytest.fixture
def locked() -> None:
    """Skips a test where this machine has no lock."""
    if tier().lock is None:
        pytest.skip(tier().reason)
