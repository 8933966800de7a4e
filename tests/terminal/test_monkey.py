"""A monkey at the keys: nothing it does breaks the app, which shows the right frame afterwards.

`python -m tests.fuzz keys` is the long run, of which this is a fiftieth.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.keys import LESSONS, TALK, press_in_lesson, write_deck
from tests.thinning import thin

# Lessons, seeds and keys; the first is the quick test.
RUNS = [("matmul", 2, 300), *((slug, 7, 500) for slug in [*LESSONS, TALK])]


@pytest.mark.parametrize(("slug", "seed", "count"), thin(RUNS, len(RUNS)))
@pytest.mark.slow
async def test_nothing_a_monkey_does_breaks_it(
    slug: str, seed: int, count: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # where it saves scripts
    write_deck(tmp_path)
    for crash in await press_in_lesson(slug, seed, count, motion=False):
        pytest.fail(f"{crash.lesson}, key {crash.key}: {crash.told}")
