"""What was held back for a slow terminal is drawn when it is asked for, wherever that comes from."""

from __future__ import annotations

from contextvars import Context
from typing import Any

import pytest
from textual._context import active_app

from tests.app.test_playground import bench
from tui.terminal import terminal_app
from tui.terminal.textual_private import whole_update


@pytest.mark.asyncio
async def test_the_thread_that_writes_may_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as d:
        found = list[Any]()

        def drawn(*shown: Any) -> Any:
            found.append(active_app.get(None))  # which lines of a list ask for, as they are drawn
            return whole_update(*shown)

        monkeypatch.setattr(terminal_app, "whole_update", drawn)
        d.app._late = True
        Context().run(d.app.catch_up)
        assert found == [d.app]
