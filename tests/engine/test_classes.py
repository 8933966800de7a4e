"""Classes of a program: they do what they do in Python, and their modules are boxes of the map."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest
import torch
from torch import Tensor

from llm_linalg import ProgramError, ShapeError, run, trace
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
    made = run(SINGLE_HEAD, seconds=None)
    assert list(made.map.level(["blocks", "0", "sa"]).own) == ["heads", "out", "linear_43"]


def test_lineage_and_gradients_go_through_modules() -> None:
    found = run(SINGLE_HEAD, seconds=None)
    token = (1, 2)
    made_by = found.lineage("y", (*token, 0))
    inputs = next(node for node in found.nodes if node.op == "randn" and node.shape == (2, 5, 8))
    assert {index[:2] for index in made_by[inputs]} == {(1, place) for place in range(3)}
    grad, steps = found["g"].value, found.backward("loss").nodes
    assert any(node.shape == grad.shape and torch.allclose(node.value, grad) for node in steps)


WRONG = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)
        self.out = nn.Linear(5, 2)

    def forward(self, x):
        h = self.fc(x)
        return self.out(h)

net = Net()
x = torch.ones(2, 3)
y = net(x)"""


def test_a_shape_error_tells_the_line_in_the_method_and_the_line_of_the_call() -> None:
    with pytest.raises(ShapeError) as caught:
        run(WRONG)
    error = caught.value
    assert (error.line, error.column) == (9, 15)
    assert [operand.name for operand in error.operands[:2]] == ["h", "net.out.weight"]
    assert [str(frame) for frame in error.frames] == ["line 13: net(x)"]
    assert error.repairs


def test_a_weight_has_the_name_that_the_module_was_given_and_stands_in_the_box_that_reads_it() -> None:
    made = run(WRONG.replace("nn.Linear(5, 2)", "nn.Linear(4, 2)"))
    assert made["net.out.weight"].scope == "net"
    assert "net" in made.map.level().own


PROGRAM_OF_BOXES = """
class Part(nn.Module):
    def forward(self, x):
        return torch.relu(x) + 1

class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Part()
        self.rest = nn.ModuleDict({"a": Part(), "b": nn.Sequential(Part(), Part())})

    def helper(self, x):
        return x * 2

    def forward(self, x):
        x = self.first(x)
        for part in self.rest.values():
            x = part(x)
        return self.helper(x)

whole = Whole()
y = whole(whole(torch.ones(2)))
"""


def test_scopes_are_the_paths_of_modules_as_in_a_trace_of_python() -> None:
    found = {node.scope for node in run(PROGRAM_OF_BOXES).nodes}
    parts = ["", ".first", ".rest.a", ".rest.b.0", ".rest.b.1", ".helper"]
    assert {f"whole:{turn}{part}" for turn in (1, 2) for part in parts[1:]} <= found
    names: dict[str, Any] = {}
    exec("import torch\nfrom torch import nn\n" + PROGRAM_OF_BOXES, names)  # noqa: S102  it is ours
    traced = {node.scope for node in trace(names["whole"], torch.ones(2)).nodes}
    assert {part.removeprefix(".") for part in parts[1:-1]} <= traced


def test_a_missing_attribute_that_a_call_asks_for_is_named() -> None:
    with pytest.raises(ProgramError, match="gi_frame is not part of the language"):
        run('def g():\n    yield 1\ngetattr(g(), "gi_frame")')
