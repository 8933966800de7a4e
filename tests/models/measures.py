"""What the trace of a model is held to: its own output, autograd's gradients, a rule for each call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg import Node, Trace, trace
from llm_linalg.base.rng import seed_rng
from llm_linalg.base.untraced import untraced
from llm_linalg.recording.tensor_index import gives_its_value
from tests.models.programs import Build

BESIDE = ("outside", "autograd", "opaque")
"""The evidences of what is known by no rule."""


class Weighed(nn.Module):
    """A number that each cell of a model's output goes into, each with another weight."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, **inputs: Any) -> Tensor:
        """Run the model, and weigh its first output of real numbers."""
        output = next(own for own in _tensors(self.model(**inputs)) if own.is_floating_point())
        weights = torch.linspace(0.5, 1.5, output.numel()).sin().view(output.shape)
        return (output * weights).sum()


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


@dataclass(frozen=True)
class Measure:
    """What holds of the trace of a model.

    Attributes:
        nodes: Its nodes.
        operations: Those of them that are no inputs and no parameters.
        unknown: Operations that no rule describes, by evidence and name.
        untrue: Nodes whose operation on their shown operands does not give what they show.
        output: How it compares with the output without a trace: `same` to the last bit, `close`, `other`.
        gradients: The parameters of which torch has a gradient.
        wrong: Those of them whose gradient is another, or refused.
        refusal: Why there are no gradients; or empty.
    """

    nodes: int
    operations: int
    unknown: Mapping[tuple[str, str], int]
    untrue: tuple[str, ...]
    output: str
    gradients: int
    wrong: tuple[str, ...]
    refusal: str = ""


def measure(build: Build) -> Measure:
    """Trace a model, and hold its trace against torch."""
    with seed_rng(0):
        program = build()
    model = Weighed(program.model)
    plain = deepcopy(model)  # training writes buffers
    with seed_rng(0):
        loss = plain(**program.inputs)
    t = trace(model, **program.inputs)
    called = [node for node in t.nodes if node.call is not None or node.op == "outside"]
    unknown = Counter((node.evidence, node.op) for node in called if node.evidence in BESIDE)
    with untraced():
        untrue = tuple([repr(node) for node in called if not _is_true(node)])
    wanted = {} if not loss.requires_grad else _gradients(plain, loss)
    wrong, refusal = _wrong(t, wanted)
    found, given = t.nodes[-1].value, loss.detach()
    output = (
        "same"
        if torch.equal(found, given)
        else "close"
        if torch.allclose(found, given, rtol=1e-4)
        else "other"
    )
    return Measure(len(t.nodes), len(called), unknown, untrue, output, len(wanted), wrong, refusal)


def _is_true(node: Node) -> bool:
    """Return whether a node's call gives what it shows, up to rounding; what `empty` makes can't be told."""
    if node.call is None or "empty" in node.op or gives_its_value(node):
        return True
    made, shown = node.call.replay([operand.value for operand in node.operands]), node.value
    rounding = 1e-5 * max(float(shown.abs().max()), 1e-6)  # of a sum in another order
    return (
        made.dtype == shown.dtype
        and made.shape == shown.shape
        and bool(((made - shown).abs() <= rounding).all())
    )


def _gradients(model: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    """Return autograd's gradients of parameters, by name, where one arrives."""
    named = {name: own for name, own in model.named_parameters() if own.requires_grad}
    found: tuple[Tensor | None, ...] = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return {name: own for name, own in zip(named, found, strict=True) if own is not None}


def _wrong(t: Trace, wanted: Mapping[str, Tensor]) -> tuple[tuple[str, ...], str]:
    """Return the names of the gradients that differ from those wanted, and why there are none."""
    if not wanted:
        return (), ""
    try:
        program = t.backward(t.nodes[-1])
    except LookupError as error:
        return tuple(wanted), str(error)
    scale = max(float(own.abs().max()) for own in wanted.values())
    found = {name: program.names.get(f"d{name}") for name in wanted}
    wrong = [name for name, own in wanted.items() if not _alike(found[name], own, scale)]
    return tuple(wrong), ""


def _alike(found: Node | None, wanted: Tensor, scale: float) -> bool:
    """Return whether a gradient is autograd's, up to the rounding of sums in another order.

    That of a bias that softmax takes away again, of a key, is nothing but rounding.
    """
    if found is None or found.shape != wanted.shape:
        return False
    allowed = 1e-4 * wanted.abs().max() + 1e-7 * scale
    return bool(((found.value - wanted).abs() <= allowed).all())
