"""Programs that attempt what a room must not let them do: each is judged by what is to be seen outside."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from tests.room.intruders import report
from tests.room.intrusion_programs import INTRUSIONS, KINDS

SECONDS = 2.0
_EACH = 6
_FREE = 40


def _numbers() -> list[int]:
    here = platform.machine() == "x86_64"
    return [number for number, one in enumerate(INTRUSIONS) if here or not one.is_machine_code]


@pytest.mark.parametrize("user", ["own", pytest.param("nobody", marks=pytest.mark.slow)])
def test_no_program_reaches_the_outside(user: str, locked: None, own_temporary_folder: Path) -> None:
    folder = own_temporary_folder / user
    folder.mkdir(mode=0o711)
    made = report("room", _numbers(), SECONDS, folder, nobody=user == "nobody")
    through = [f"{INTRUSIONS[number].key}: the app ended, {how}" for number, how in made.deaths.items()]
    for number, told in made.told.items():
        through += [f"{INTRUSIONS[number].key}: {what}" for what in (*told["effects"], *told["faults"])]
    assert not through, "\n".join(through)
    assert not made.words, made.words
    assert sorted(made.told) == _numbers()
    assert (made.user == os.getuid()) == (user == "own")


def test_without_a_lock_programs_reach_the_outside(own_temporary_folder: Path) -> None:
    free = [number for number in _numbers() if INTRUSIONS[number].is_free]
    made = report("unlocked", free, SECONDS, own_temporary_folder)
    assert len(made.told) == len(free) >= _FREE
    assert not [INTRUSIONS[number].key for number, told in made.told.items() if not told["effects"]]


def test_each_class_of_attempts_has_several() -> None:
    assert len(KINDS) >= 14
    for kind in KINDS:
        assert sum(one.kind == kind for one in INTRUSIONS) >= _EACH, kind
    names = [one.key for one in INTRUSIONS]
    assert len(set(names)) == len(names) >= 150
