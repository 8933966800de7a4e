"""Programs that take time, memory or their own life: each ends in time, and the app is whole afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.room.intruders import report
from tests.room.intrusion_programs import BOMBS

SECONDS = 0.4
WITHIN = 1.0  # of its time
# What a machine that has other things to do adds: so many times what the next, trivial program takes, and
# what the app worked.
BUSY = 6


@pytest.mark.slow
def test_each_bomb_ends_in_time_and_leaves_the_app_whole(locked: None, tmp_path: Path) -> None:
    wrong: dict[int, str] = {}
    numbers = list(range(len(BOMBS)))
    late: list[tuple[int, str]] = []
    for again in ("first", "second", "third"):
        folder = tmp_path / again
        folder.mkdir()
        made = report("bombs", numbers, SECONDS, folder)
        late = []
        for number, told in made.told.items():
            key, ends = BOMBS[number].name, BOMBS[number].shows.split()
            if told["ending"] not in ends:
                wrong[number] = f"{key}: it ended by {told['ending']}: {told['how']}"
            elif told["effects"] or told["faults"]:
                wrong[number] = f"{key}: {told['effects']} {told['faults']}"
            elif told["processor"] > WITHIN:
                wrong[number] = f"{key}: the app worked for {told['processor']:.1f} s"
            elif told["took"] > (BOMBS[number].seconds or SECONDS) + WITHIN + BUSY * (
                told["check"] + told["processor"]
            ):
                late.append(
                    (number, f"{key}: {told['took']:.1f} s, and {told['check']:.1f} s the next program")
                )
        wrong |= {
            number: f"{BOMBS[number].name}: the app ended, {how}" for number, how in made.deaths.items()
        }
        if not late:
            break
        numbers = [number for number, _ in late]  # a busy machine is asked again
    else:
        wrong |= dict(late)
    assert not wrong, "\n".join(wrong.values())


def test_there_are_bombs_of_each_kind() -> None:
    assert len({one.name for one in BOMBS}) == len(BOMBS) >= 100
    for kind in ("memory", "time", "death"):
        assert sum(one.name.startswith(kind) for one in BOMBS) >= 10, kind
