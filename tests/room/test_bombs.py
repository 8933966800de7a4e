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
# What is promised of each: these may take as long as it takes, and end in no other way.
PROMISED = {
    "memory by size": "memory",
    "memory by many small sizes": "memory",
    "memory by strings": "memory",
    "memory by a dict": "memory",
    "memory by a tensor's size": "counts",
    "memory by many tensors": "counts",
    "memory by broadcast": "counts",
    "time within torch": "counts",
    "values without end in the log": "counts",
    "a flood of prints": "counts",
    "one large print": "counts",
    "prints without an end of the line": "counts",
}


@pytest.mark.slow
def test_each_bomb_ends_in_time_and_leaves_the_app_whole(locked: None, tmp_path: Path) -> None:
    wrong: list[str] = []
    numbers = list(range(len(BOMBS)))
    late: dict[int, str] = {}
    for again in ("first", "second", "third"):  # a machine that was busy is asked again
        folder = tmp_path / again
        folder.mkdir()
        made = report("bombs", numbers, SECONDS, folder)
        wrong += [f"{BOMBS[number].name}: the app ended, {how}" for number, how in made.deaths.items()]
        late = {}
        for number, told in made.told.items():
            bomb = BOMBS[number]
            within = (bomb.seconds or SECONDS) + WITHIN + BUSY * (told["check"] + told["processor"])
            if told["effects"] or told["faults"]:
                wrong.append(f"{bomb.name}: {told['effects']} {told['faults']}")
            elif told["processor"] > WITHIN:
                wrong.append(f"{bomb.name}: the app worked for {told['processor']:.1f} s")
            elif told["ending"] not in bomb.shows.split() or told["took"] > within:
                late[number] = f"{bomb.name}: {told['ending']} after {told['took']:.1f} s, {told['how']}"
        numbers = list(late)
        if not numbers:
            break
    wrong += late.values()
    assert not wrong, "\n".join(wrong)


def test_there_are_bombs_of_each_kind() -> None:
    assert len({one.name for one in BOMBS}) == len(BOMBS) >= 100
    for kind in ("memory", "time", "death"):
        assert sum(one.name.startswith(kind) for one in BOMBS) >= 10, kind


@pytest.mark.parametrize("name", PROMISED)
def test_what_the_limits_promise_is_asked_of_a_bomb(name: str) -> None:
    assert [one.shows for one in BOMBS if one.name == name] == [PROMISED[name]]
