"""Programs that attempt what a room must not let them do: each is judged by what is to be seen outside."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from tests.room.intruders import report
from tests.room.intrusion_programs import INTRUSIONS, KINDS

SECONDS = 2.0
# Holes that are known and open, by the attempts that show them, with what there is to mend: not made here.
_UNBOUNDED = "the app reads a log without a clock, and takes as much memory for a record as it says"
_REPLAYED = "what a cell reads is asked of torch with forged arguments, and what that raises is let through"
OPEN = {
    "forged: a forged log: lines of a node, as many as fit": _UNBOUNDED,
    "forged: a forged log: stores without cells, as many as fit": _UNBOUNDED,
    "forged: a forged log: prints without text, as many as fit": _UNBOUNDED,
    "forged: a forged log: gaps, very many": _UNBOUNDED,
    "forged: a forged log: names of a node, as many as fit": _UNBOUNDED,
    "forged: a forged log: forms, as many as fit": _UNBOUNDED,
    "forged: a forged log: one store of all the memory": _UNBOUNDED,
    "forged: a forged log: lists, very many and long": _UNBOUNDED,
    "forged: a forged log: numbers that were missed, as many as a store holds": _UNBOUNDED,
    "forged: a forged log: nodes of very many operands": _UNBOUNDED,
    "forged: a forged log: views of all the memory": _UNBOUNDED,
    "forged: a forged log: records while it is read": _UNBOUNDED,
    "forged: a forged log: arguments that are text": _REPLAYED,
    "forged: a forged log: arguments of another type": _REPLAYED,
    "forged: a forged log: arguments that are nothing": _REPLAYED,
}
_EACH = 6


@pytest.mark.parametrize("user", ["own", pytest.param("nobody", marks=pytest.mark.slow)])
def test_no_program_reaches_the_outside(user: str, locked: None, own_temporary_folder: Path) -> None:
    numbers = [
        number
        for number, one in enumerate(INTRUSIONS)
        if one.key not in OPEN and (not one.is_machine_code or platform.machine() == "x86_64")
    ]
    folder = own_temporary_folder / user
    folder.mkdir(mode=0o711)
    made = report("room", numbers, SECONDS, folder, nobody=user == "nobody")
    through = [f"{INTRUSIONS[number].key}: the app ended, {how}" for number, how in made.deaths.items()]
    for number, told in made.told.items():
        through += [f"{INTRUSIONS[number].key}: {what}" for what in (*told["effects"], *told["faults"])]
    assert not through, "\n".join(through)
    assert not made.words, made.words
    assert sorted(made.told) == numbers
    assert (made.user == os.getuid()) == (user == "own")


def test_each_class_of_attempts_has_several() -> None:
    for kind in KINDS:
        assert sum(one.kind == kind for one in INTRUSIONS) >= _EACH, kind
    names = [one.key for one in INTRUSIONS]
    assert len(set(names)) == len(names) >= 150
    assert set(OPEN) <= set(names)
