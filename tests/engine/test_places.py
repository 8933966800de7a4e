"""What is known of trusted Python: the file, the line, the module, the frames that led to a failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from llm_linalg import ProgramError, ShapeError, trace
from llm_linalg.analysis.summary import MODULE, summary
from llm_linalg.api.node import Node


class Head(nn.Module):
    def __init__(self, wide: int = 3) -> None:
        super().__init__()
        self.proj = nn.Linear(3, 3)
        self.wide = wide

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.proj(x) @ torch.ones(self.wide, 3)
        return scores.softmax(dim=-1)


class Model(nn.Module):
    def __init__(self, wide: int = 3) -> None:
        super().__init__()
        self.transformer = nn.ModuleDict({"h": nn.ModuleList([Head(), Head(wide)]), "ln": nn.LayerNorm(3)})

    def forward(self, x: Tensor) -> Tensor:
        start = x * 2
        for block in cast("nn.ModuleList", self.transformer["h"]):
            start = start + block(start)
        last: Tensor = self.transformer["ln"](start)
        return last


def made(node: Node) -> tuple[str, str]:
    return node.op, node.scope


def test_each_node_says_its_file_its_line_and_its_module() -> None:
    t = trace(Model(), torch.ones(2, 3))
    calls = [made(node) for node in t.nodes if node.operands]
    head = [("linear", ".proj"), ("matmul", ""), ("softmax", "")]
    inside = [(op, f"transformer.h.{k}{more}") for k in range(2) for op, more in head]
    assert calls == [
        ("mul", ""), *inside[:3], ("add", ""), *inside[3:], ("add", ""), ("layer_norm", "transformer.ln"),
    ]  # fmt: skip
    (product, _) = (node for node in t.nodes if node.op == "matmul")
    assert Path(product.file).name == "test_places.py"
    lines = Path(product.file).read_text(encoding="utf-8").splitlines()
    assert product.span is not None
    assert product.span.text("\n".join(lines)) == product.source == "self.proj(x) @ torch.ones(self.wide, 3)"


def test_an_operation_is_called_by_its_own_expression_and_the_variable_that_took_it() -> None:
    def function(x: Tensor) -> Tensor:
        for _ in range(2):
            x = (x * 2).exp() + 1  # twice
        x += 3
        layer = nn.TransformerEncoderLayer(2, 1, 4)
        x = layer(x)
        return torch.cat([
            x, x,
        ])  # fmt: skip

    t = trace(function, torch.ones(2, 2))
    titles = [(node.op, node.title) for node in t.nodes if node.file and not node.scope]
    assert titles[:7] == [
        ("mul", "x * 2"), ("exp", "(x * 2).exp()"), ("add", "x"),
        ("mul", "x * 2"), ("exp", "(x * 2).exp()"), ("add", "x"), ("add", "x"),
    ]  # fmt: skip
    named = [(node.op, t.labels[node]) for node in t.nodes if node.name == "x"]
    assert named == [("input", "x:1"), ("add", "x:2"), ("add", "x:3"), ("add", "x:4"), ("layer_norm", "x")]


def test_what_goes_on_in_another_line_has_no_part_of_itself_for_its_text() -> None:
    def over_two_lines(x: Tensor) -> Tensor:
        return (x + 1
                + x * 2)  # fmt: skip

    assert [node.source for node in trace(over_two_lines, torch.ones(2)).nodes] == ["", "x + 1", "x * 2", ""]


def test_a_module_of_torchs_own_has_no_lines_of_whoever_traces_it() -> None:
    t = trace(nn.Sequential(nn.Linear(3, 2)), torch.ones(1, 3))
    assert [(node.file, node.line, node.scope) for node in t.nodes] == [
        ("", None, ""), ("", None, "0"), ("", None, "0"), ("", None, "0"),
    ]  # fmt: skip


def test_the_modules_are_a_tree() -> None:
    t = trace(Model(), torch.ones(2, 3))
    assert [scope.path for scope in t.scopes] == [
        "", "transformer", "transformer.h", "transformer.h.0", "transformer.h.0.proj", "transformer.h.1",
        "transformer.h.1.proj", "transformer.ln",
    ]  # fmt: skip
    assert t.scopes.size == len(t.nodes)
    inner = t.scopes["transformer.h.1"]
    assert (inner.name, list(inner.children)) == ("1", ["proj"])
    assert inner.first is inner["proj"].first
    assert {node.scope for node in inner.nodes} == {"transformer.h.1"}
    with pytest.raises(KeyError):
        t.scopes["transformer.g"]


def test_a_module_that_the_function_makes_is_named_by_its_class() -> None:
    def function(x: Tensor) -> Tensor:
        return nn.Sequential(nn.Linear(3, 2), nn.ReLU())(x)  # type: ignore[no-any-return]

    t = trace(function, torch.ones(1, 3))
    assert [node.scope for node in t.nodes if node.operands and node.op in ("linear", "relu")] == [
        "Sequential.0", "Sequential.1",
    ]  # fmt: skip


def test_a_failure_is_explained_at_the_guilty_call_with_the_frames_that_led_to_it() -> None:
    with pytest.raises(ShapeError) as caught:
        trace(Model(wide=4), torch.ones(2, 3))
    error = caught.value
    assert [(axis.operand, axis.size) for axis in error.axes] == [(0, 3), (1, 4)]
    assert [frame.function for frame in error.frames] == ["Model.forward", "Head.forward"]
    assert error.expression == "self.proj(x) @ torch.ones(self.wide, 3)"
    assert error.line == error.frames[-1].line
    assert "\n" not in str(error.frames[0])


def test_its_operands_have_the_names_that_they_have_there() -> None:
    def swapped(x: Tensor, y: Tensor) -> Tensor:
        x, y = y, x
        return x @ y

    def other(x: Tensor, y: Tensor) -> Tensor:
        h = x * 2
        rest, h = h, h[:, :1]
        return torch.cat([rest, y, rest]) + h

    with pytest.raises(ShapeError, match=r"a row of x \(5, 4\) has 4 .* column of y \(2, 3\) has 2"):
        trace(swapped, torch.ones(2, 3), torch.ones(5, 4))
    with pytest.raises(ShapeError, match=r"axis 1 of rest \(2, 3\) .* axis 1 of y \(5, 4\)"):
        trace(other, torch.ones(2, 3), torch.ones(5, 4))
    with pytest.raises(ShapeError, match=r"a row of input \(2, 3\) has 3 .* row of 0.weight \(4, 5\) has 5"):
        trace(nn.Sequential(nn.Linear(5, 4)), torch.ones(2, 3))


def test_no_hook_and_no_mode_is_left_behind_by_a_failure() -> None:
    model = Model(wide=4)
    with pytest.raises(ProgramError):
        trace(model, torch.ones(2, 3))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        model(torch.ones(2, 3))
    assert {node.scope for node in trace(Head(), torch.ones(1, 3)).nodes} == {"", "proj"}
    assert not [module for module in model.modules() if module._forward_hooks or module._forward_pre_hooks]


def test_inputs_have_the_names_that_they_are_given_by() -> None:
    held = {"tok": torch.ones(5, 3), "layers": [{"q": torch.ones(3, 3)}]}

    def function(ids: Tensor, weights: dict[str, Any], scale: float = 1.0, *, mask: Tensor) -> Tensor:
        x = weights["tok"][ids]
        own = {"shift": {"by": torch.from_numpy(np.ones(3, dtype="float32"))}}
        found: Tensor = (x @ weights["layers"][0]["q"] + own["shift"]["by"]) * mask * scale
        return found

    ids = torch.tensor([1, 2])
    made = trace(function, ids, held, mask=torch.full((3,), 2.0), scale=0.5)
    inputs = [node.name for node in made.nodes if node.is_input]
    assert inputs == ["ids", "mask", "tok", "layers.0.q", "shift.by"]
    assert made.nodes[-1].value.tolist() == [[4.0] * 3] * 2


HELD = {"table": torch.ones(4, 2)}


def test_a_dict_of_the_module_names_what_it_holds() -> None:
    def function(ids: Tensor) -> Tensor:
        x = HELD["table"][ids]
        return x * 2

    assert [node.name for node in trace(function, torch.tensor([1])).nodes][:3] == ["ids", "table", "x"]


def test_each_call_of_a_module_is_a_box() -> None:
    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.linear(self.linear(x)).relu()
            return found

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        def forward(self, x: Tensor) -> Tensor:
            for _ in range(3):
                x = self.inner(x) + 1
            return x

    made = trace(Outer(), torch.ones(2, 3))
    scopes = list(dict.fromkeys(node.scope for node in made.nodes if node.call is not None))
    assert scopes == [
        *("inner.linear", "inner.linear:2", "inner", ""),
        *("inner:2.linear", "inner:2.linear:2", "inner:2"),
        *("inner:3.linear", "inner:3.linear:2", "inner:3"),
    ]
    boxes = [box.label for box in made.map.level().boxes if box.scope is not None]
    assert boxes == ["inner", "inner:2", "inner:3"]


def test_a_module_is_no_part_of_one_whose_name_its_own_begins_with() -> None:
    class Borrower(nn.Module):
        def __init__(self, *borrowed: nn.Module) -> None:
            super().__init__()
            self.borrowed = borrowed

        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.borrowed[0](x) * 2
            return made

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block10 = nn.Linear(3, 3)
            self.block1 = Borrower(self.block10)

        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.block1(x)
            return made

    nodes = trace(Outer(), torch.ones(2, 3)).nodes
    assert [(node.op, node.scope) for node in nodes if node.operands] == [
        ("linear", "block10"),
        ("mul", "block1"),
    ]


def test_a_module_that_failed_is_left() -> None:
    class Failing(nn.Module):
        def forward(self, _: Tensor) -> Tensor:
            raise ValueError("no")

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Failing()

        def forward(self, x: Tensor) -> Tensor:
            with pytest.raises(ValueError, match="no"):
                self.inner(x)
            return x * 2

    assert trace(Outer(), torch.ones(2)).nodes[-1].scope == ""


class Shared(nn.Module):
    """A block that is a part of another, and used by itself as well."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 4), nn.GELU())
        self.classifier = nn.Sequential(self.encoder, nn.Linear(4, 2))

    def forward(self, x: Tensor) -> Tensor:
        """Returns two numbers a row."""
        made: Tensor = self.classifier(x) + self.encoder(x).sum()
        return made


def test_what_runs_within_a_module_is_in_it_whatever_it_is_called_elsewhere() -> None:
    made = trace(Shared(), torch.ones(1, 4))
    scopes = [node.scope for node in made.nodes if node.op in ("linear", "gelu")]
    assert scopes == ["classifier.0.0", "classifier.0.1", "classifier.1", "encoder.0", "encoder.1"]
    rows = {row.path: row.parameters for row in summary(made) if row.op == MODULE}
    assert (rows["classifier"], rows["classifier.0"], rows["encoder"]) == (30, 20, 20)
