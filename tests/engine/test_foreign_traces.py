"""Of a trace that somebody else wrote nothing is compiled: neither its names, nor its constants and texts."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
import torch

from llm_linalg import HaltedError, LimitError, Node, ProgramError, Trace, run, trace
from llm_linalg.analysis import own_programs
from llm_linalg.ops import operation
from llm_linalg.ops.arguments import PLAIN
from llm_linalg.recording.record_node import Operand, Origin
from tests.ops.laws import traced
from tests.ops.listed import LISTED, listed_sample
from tests.thinning import thin

MARK = "zq"
HOSTILE = [
    f"__import__('os').system('{MARK}')",
    f"x); import {MARK}; (",
    f"0]; {MARK}(); [",
    f"'); {MARK}('",
    f"{{d}} @ {MARK}\n{MARK}",
    f"{MARK}.{MARK}",
]
WORDS = {
    word
    for path in Path(operation.__file__).parent.glob("*.py")
    for word in re.findall(r"\w+", path.read_text())
}
PARTS = 8


def forged(t: Trace, change: Callable[[Any], Any] = lambda value: value, *, named: bool = True) -> Trace:
    """Returns a trace with other nodes, whose names are hostile and whose plain arguments are changed."""
    nodes: dict[Node, Node] = {}
    for place, old in enumerate(t.nodes):
        text = HOSTILE[place % len(HOSTILE)]
        operands = tuple(Operand(item.value, nodes[item.node]) for item in old.operands)
        call = old.call
        if call is not None:
            arguments = {name: changed(value, change) for name, value in call.arguments.items()}
            call = replace(call, arguments=arguments)
        origin = Origin(old.span, text, "", text, text) if named else Origin(old.span, old.source)
        name = f"{text}{place}" if named and old.bound_name else old.bound_name
        nodes[old] = type(old)(old.index, old.op, old.value, operands, call, origin, name)
    return Trace(list(nodes.values()), {node.name: node for node in nodes.values()})


def changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """Returns an argument with its plain values changed."""
    return change(value) if value is None or type(value) in PLAIN else value


def instead(_: Any, value: Any) -> Any:
    """Returns the value that stands in the place of another."""
    return value


def look_at(t: Trace) -> None:
    """Asks a trace for all that is worked out of it, whether or not it can be."""
    for node in t.nodes:
        for fact in ("parts", "operand_reads", "multiplications", "axes"):
            with suppress(Exception):
                getattr(node, fact)
        for ask_cell in (t.lineage, t.reach, t.influence):
            with suppress(Exception):
                ask_cell(node, (0,) * len(node.shape))
    with suppress(Exception):
        t.backward(t.nodes[-1])


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yields the texts that are compiled or read as Python, by anybody, and the names in code that is run."""
    texts: list[str] = []

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(source: Any, *args: Any, **kwargs: Any) -> Any:
            texts.append(" ".join(source.co_names) if isinstance(source, CodeType) else str(source))
            return function(source, *args, **kwargs)

        return noted

    own_programs._compiled.cache_clear()
    for name in ("compile", "exec", "eval"):
        monkeypatch.setattr(builtins, name, noting(getattr(builtins, name)))
    monkeypatch.setattr(ast, "parse", noting(ast.parse))
    yield texts
    own_programs._compiled.cache_clear()


def templates(texts: list[str]) -> list[str]:
    """Returns those of some texts that are templates of ours, after a look at all of them.

    A template consists of placeholders, of words of the table, and of operators.
    """
    assert not [text for text in texts if MARK in text]
    found = [text for text in texts if re.search(r"\b_\d", text)]
    for text in found:
        words = re.findall(r"[^\W\d]\w*", text)
        assert all(re.fullmatch(r"_c?\d+", word) or word in WORDS for word in words), text
        assert not re.search(r"(?<!\w)\d|['\"{}\n]", text), text
    return found


MODEL = """
import torch
from torch.nn import functional as F
torch.manual_seed(0)
x, W, g = torch.randn(4, 6), torch.randn(6, 6), torch.randn(6)
h = F.layer_norm(x @ W.T, (6,), weight=g)
q = h.view(1, 4, 2, 3).transpose(1, 2)
a = F.scaled_dot_product_attention(q, q, q, is_causal=True)
y = torch.einsum('bhtd,bhtd->bt', a, a) * 0.5 + x[:2, 1:5].mean(0)
loss = F.cross_entropy(y.expand(3, 4), torch.tensor([0, 1, 2])) + torch.cat([x, x]).std() ** 1.5
"""


def test_names_that_are_python_are_names(compiled: list[str]) -> None:
    honest = run(MODEL)
    foreign = forged(honest)
    compiled.clear()
    gradients = foreign.backward(foreign.nodes[-1])
    assert len(templates(compiled)) > 30
    wanted = honest.backward("loss")
    assert len(gradients.nodes) == len(wanted.nodes) > 30
    for own, other in zip(gradients.nodes, wanted.nodes, strict=True):
        assert own.op == other.op
        assert torch.equal(own.value, other.value)
        assert re.fullmatch(r"\w+", own.name)
    for own, other in zip(foreign.nodes, honest.nodes, strict=True):
        assert [part.op for part in own.parts] == [part.op for part in other.parts]
        assert own.multiplications == other.multiplications
        for cell in [(0,) * len(own.shape)]:
            assert [set(cells) for cells in own.reads(cell)] == [set(cells) for cells in other.reads(cell)]
    look_at(foreign)
    templates(compiled)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", thin(range(PARTS), 2))
def test_arguments_that_are_python_are_values(part: int, compiled: list[str]) -> None:
    for name in sorted(LISTED)[part::PARTS]:
        t = traced(name, listed_sample(LISTED[name][0])).trace
        for value in (HOSTILE[0], (HOSTILE[1],), {HOSTILE[0]: 1}):
            compiled.clear()
            look_at(forged(t, partial(instead, value=value), named=False))
            templates(compiled)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("hostile", HOSTILE)
def test_texts_among_the_arguments_are_values(hostile: str, compiled: list[str]) -> None:
    foreign = forged(run(MODEL), lambda value: hostile if isinstance(value, str) else value, named=False)
    compiled.clear()
    look_at(foreign)
    templates(compiled)
    foreign = forged(run(MODEL), lambda value: hostile if isinstance(value, int | float) else value)
    compiled.clear()
    look_at(foreign)
    templates(compiled)


@pytest.mark.parametrize(
    "value", [*HOSTILE, (HOSTILE[0],), [1, HOSTILE[1]], {"a": 1}, b"a", torch.float32, slice(1)]
)
def test_only_numbers_are_written_into_programs(value: object) -> None:
    with pytest.raises(TypeError):
        operation.literal(value)


@pytest.mark.parametrize(
    "line",
    [
        "x = __import__('os')",
        "x = a.__class__",
        "x = [c for c in b]",
        "import os",
        "x = (lambda: 0)()",
        "x = f''",
    ],
)
def test_what_is_no_template_is_not_run(line: str) -> None:
    with pytest.raises(ProgramError):
        own_programs.run_over(line, {}, names={"a": 1, "b": [2]}, node_type=Node)


def test_a_shape_that_promises_too_much_is_refused_before_anything_is_made() -> None:
    """The numbers of a trace may lie on one another: a shape of terabytes takes four bytes."""

    def program(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (x * y).sum()

    huge = torch.ones(1).expand(2**20, 2**20)
    t = trace(program, torch.ones(2, 2), torch.ones(2, 2))
    for node in t.nodes[:-1]:
        node.value = huge
        node.operands = tuple(replace(item, value=huge) for item in node.operands)
        if node.call is not None:
            node._call = node.call.with_tensors([huge] * len(node.operands)).with_output(huge)
    last = t.nodes[-1]
    last.operands = tuple(replace(item, value=huge) for item in last.operands)
    assert last.call is not None
    last._call = last.call.with_tensors([huge])
    with pytest.raises(LimitError):
        t.backward(last)
    with pytest.raises(LimitError):
        t.influence(last, ())


def test_a_backward_pass_can_be_stopped() -> None:
    t = run(MODEL)
    asked = []

    def halt() -> bool:
        asked.append(1)
        return len(asked) > stop

    for stop in (0, 3, len(t.nodes) + 5):
        asked.clear()
        with pytest.raises(HaltedError):
            t.backward("loss", halt=halt)
        assert len(asked) == stop + 1
    assert t.backward("loss")["dW"].shape == (6, 6)
