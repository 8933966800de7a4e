"""What was held back for a slow terminal is drawn when it is asked for, wherever that comes from."""

from __future__ import annotations

from contextvars import Context
from typing import Any

import pytest
from textual._context import active_app

from tests.app.test_playground import bench


@pytest.mark.asyncio
async def test_the_thread_that_writes_may_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as d:
        whole, found = d.app._whole, list[Any]()

        def drawn(screen: Any) -> Any:
            found.append(active_app.get(None))  # which lines of a list ask for, as they are drawn
            return whole(screen)

        monkeypatch.setattr(d.app, "_whole", drawn)
        d.app._late = True
        Context().run(d.app.catch_up)
        assert found == [d.app]
