"""What all tests of the app share."""

from __future__ import annotations

import re

import pytest

from tui.compose import error_frame
from tui.model.frame import ErrorView


@pytest.fixture(autouse=True)
def words_of_any_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later releases of torch name the kernel first (``mm: mat1 and …``): compared without."""

    def view(*, detail: str, **rest: object) -> ErrorView:
        return ErrorView(detail=re.sub(r"\A\w+: ", "", detail), **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(error_frame, "ErrorView", view)
