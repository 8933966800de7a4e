"""Motion: a plane moves from one step to the next in pictures, and ends where it would without them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.app.driving import Driver, lesson, opened
from tui.app import Options
from tui.panes.stage_pane import StagePane
from tui.text.rows import Row

GRID = """
## Grid
It moves.

```python look="plane"
A = torch.tensor([[2.0, -1], [1, 1]])
y = A @ torch.tensor([1.0, 2])
```

## Again
It moves as well.

```python look="plane"
z = A.T @ y
```
"""


def watched(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Row, ...]]:
    """The pictures that the stage shows from now on."""
    stage = driver.app.explorer.page.query_one(StagePane)
    pictures: list[tuple[Row, ...]] = []
    show = stage.show

    def note(rows: Sequence[Row]) -> None:
        pictures.append(tuple(rows))
        show(rows)

    monkeypatch.setattr(stage, "show", note)
    return pictures


async def test_a_plane_moves_to_where_a_step_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(lesson(GRID)) as driver, opened(lesson(GRID), options=Options(motion=False)) as still:
        moving, alone = watched(driver, monkeypatch), watched(still, monkeypatch)
        # The last two are another stop's: to it nothing moves.
        for key, count in (("right", 4), ("right", 4), ("0", 8), ("f", 8), (".", 1), ("f", 8)):
            moving.clear()
            alone.clear()
            await driver.press(key)
            await still.press(key)
            assert len(set(moving)) - len(set(alone)) == count - 1, key
            assert moving[-1] == alone[-1]
            assert driver.screen == still.screen


async def test_a_key_during_a_motion_is_served_at_once() -> None:
    async with opened(lesson(GRID)) as driver:
        await driver.pilot.press("right", "right", "left", "right")
        assert driver.view.step == 2
        await driver.settle()
        moved = driver.screen
        await driver.press("0", "f")
        assert driver.screen == moved
