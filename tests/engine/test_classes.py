"""Classes of a program: they do what they do in Python, and their modules are boxes of the map."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest
import torch
from torch import Tensor

from llm_linalg import run
from tests.engine.class_programs import PROGRAMS, SINGLE_HEAD


def in_python(program: str) -> tuple[str, dict[str, Any]]:
    """Returns what Python prints, and the names that it binds."""
    out, names = StringIO(), {"__name__": "__main__"}
    with redirect_stdout(out), torch.random.fork_rng():
        torch.manual_seed(0)
        exec(program, names)  # noqa: S102  it stands in a list of ours
    return out.getvalue(), names


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_does_what_it_does_in_python(program: str) -> None:
    printed, names = in_python(program)
    tensors = [name for name, value in names.items() if isinstance(value, Tensor)]
    shown = [f"{names[name].dtype} {names[name].tolist()}\n" for name in tensors]
    program += "".join(f"\nprint({name}.dtype, {name}.tolist())" for name in tensors)
    assert run(program, seconds=None).printed == printed + "".join(shown)


def test_modules_are_boxes_of_the_map() -> None:
    trace = run(SINGLE_HEAD, seconds=None)
    assert list(trace.map.level(["blocks", "0", "sa"]).own) == ["heads", "out", "linear_43"]
