"""Classes of a program: their modules are boxes of the map."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from llm_linalg import ShapeError, run, trace
from tests.engine.class_programs import SINGLE_HEAD
from tests.engine.here import run as run_here


def test_modules_are_boxes_of_the_map() -> None:
    made = run_here(SINGLE_HEAD)
    assert list(made.map.level(["blocks", "0", "sa"]).own) == ["heads", "out", "linear_43"]


def test_lineage_and_gradients_go_through_modules() -> None:
    found = run_here(SINGLE_HEAD)
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
    made = run_here(WRONG.replace("nn.Linear(5, 2)", "nn.Linear(4, 2)"))
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
    found = {node.scope for node in run_here(PROGRAM_OF_BOXES).nodes}
    parts = ["", ".first", ".rest.a", ".rest.b.0", ".rest.b.1", ".helper"]
    assert {f"whole:{turn}{part}" for turn in (1, 2) for part in parts[1:]} <= found
    names: dict[str, Any] = {}
    exec("import torch\nfrom torch import nn\n" + PROGRAM_OF_BOXES, names)  # noqa: S102  it is ours
    traced = {node.scope for node in trace(names["whole"], torch.ones(2)).nodes}
    assert {part.removeprefix(".") for part in parts[1:-1]} <= traced


def test_a_decoder_is_opened_into_its_steps() -> None:
    trace = run_here(
        "d = nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8), 2)\n"
        "y = d(torch.randn(3, 1, 4), torch.randn(2, 1, 4))"
    )
    ops = [node.op for node in trace.nodes]
    assert ops.count("layer_norm") == 6
    assert ops.count("scaled_dot_product_attention") == 4
