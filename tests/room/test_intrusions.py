"""Programs that attempt what a room must not let them do: each is judged by what is to be seen outside."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from tests.room.intruders import report
from tests.room.intrusion_programs import BOMBS, INTRUSIONS, KINDS

SECONDS = 2.0
NOT_TRIED = 77  # the exit code of a program that has not found what it attacks
_EACH = 6
_FREE = 40


def _numbers() -> list[int]:
    here = platform.machine() == "x86_64"
    return [number for number, one in enumerate(INTRUSIONS) if here or not one.is_machine_code]


QUICK = {number for number in range(len(INTRUSIONS)) if number % 12 == 0}
SHARES = {
    "quick": QUICK,
    "own": {number for number in range(len(INTRUSIONS)) if number % 2 == 0} - QUICK,
    "nobody": {number for number in range(len(INTRUSIONS)) if number % 2 == 1},
}
"""By whose process, and when, each program is run: every second one by the caller's, the rest by nobody's."""


@pytest.mark.parametrize(
    ("share", "user"),
    [("quick", "own"), *(pytest.param(user, user, marks=pytest.mark.slow) for user in ("own", "nobody"))],
)
def test_no_program_reaches_the_outside(
    share: str, user: str, locked: None, own_temporary_folder: Path
) -> None:
    folder = own_temporary_folder / share
    folder.mkdir(mode=0o711)
    numbers = [number for number in _numbers() if number in SHARES[share]]
    made = report("room", numbers, SECONDS, folder, nobody=user == "nobody")
    through = [f"{INTRUSIONS[number].key}: the app ended, {how}" for number, how in made.deaths.items()]
    for number, told in made.told.items():
        through += [f"{INTRUSIONS[number].key}: {what}" for what in (*told["effects"], *told["faults"])]
        if f"with code {NOT_TRIED}" in told.get("how", ""):
            through.append(f"{INTRUSIONS[number].key}: it was not tried")
    assert not through, "\n".join(through)
    assert not made.words, made.words
    assert sorted(made.told) == numbers
    assert (made.user == os.getuid()) == (user == "own")


@pytest.mark.slow
def test_without_a_lock_programs_reach_the_outside(own_temporary_folder: Path) -> None:
    free = [number for number in _numbers() if INTRUSIONS[number].is_free]
    made = report("unlocked", free, SECONDS, own_temporary_folder)
    assert len(made.told) == len(free) >= _FREE
    assert not [INTRUSIONS[number].key for number, told in made.told.items() if not told["effects"]]


def test_each_class_of_attempts_has_several() -> None:
    assert len(KINDS) >= 14
    assert set.union(*SHARES.values()) == {*range(len(INTRUSIONS))}
    for numbers in (SHARES["quick"] | SHARES["own"], SHARES["nobody"]):
        assert len(numbers) >= 150
        for kind in KINDS:
            assert sum(INTRUSIONS[number].kind == kind for number in numbers) >= _EACH, kind
    assert len({one.key for one in INTRUSIONS}) == len(INTRUSIONS)


BOMBS_SECONDS = 0.4
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
        made = report("bombs", numbers, BOMBS_SECONDS, folder)
        wrong += [f"{BOMBS[number].name}: the app ended, {how}" for number, how in made.deaths.items()]
        late = {}
        for number, told in made.told.items():
            bomb = BOMBS[number]
            within = (bomb.seconds or BOMBS_SECONDS) + WITHIN + BUSY * (told["check"] + told["processor"])
            if told["effects"] or told["faults"]:
                wrong.append(f"{bomb.name}: {told['effects']} {told['faults']}")
            elif told["processor"] > WITHIN:  # half a gigabyte that it maps costs more where others do so
                late[number] = f"{bomb.name}: the app worked for {told['processor']:.1f} s"
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
