"""A program that is recorded does what it does in plain Python: it prints the same, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_linalg import run
from tests.engine.alike import SETUP, assert_alike, printed
from tests.engine.test_classes import SINGLE_HEAD

PROGRAMS = {  # by subject; a line of dashes parts them
    path.stem: path.read_text(encoding="utf-8").split("\n----\n")
    for path in sorted((Path(__file__).parent / "plain").glob("*.txt"))
}
TENSORS = "\nfor name in sorted(k for k, v in globals().items() if isinstance(v, torch.Tensor)):\n"
TENSORS += "    print(name, globals()[name].dtype, globals()[name].tolist())"


@pytest.mark.parametrize("subject", PROGRAMS)
def test_programs_print_what_they_print_in_python(subject: str) -> None:
    for program in PROGRAMS[subject]:
        assert_alike(program)


def test_so_does_a_program_with_a_model_here_and_in_a_room() -> None:
    program = SINGLE_HEAD + TENSORS
    assert_alike(program)
    assert run(SETUP + program, seconds=None).printed == printed(program)
