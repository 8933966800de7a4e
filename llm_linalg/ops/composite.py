"""Composites: single calls, often fused by torch, that equal a small program of simpler ones.

Tests compare the program with torch. The reads of a composite are composed from those of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.ops.fallback import FallbackOperation, attention_work, broadcast_peak, fallback
from llm_linalg.ops.operation import Call, Operation, Work, literal


@dataclass(frozen=True, eq=False)
class Composite(Operation):
    """A call with its program.

    Attributes:
        write_program: Returns the program of a call, over its parameters' names; it binds the result last.
        covers: Says of a call's arguments whether the program describes them; if not, the call is measured.
    """

    write_program: Callable[[Call], str] = field(kw_only=True)
    covers: Callable[[Mapping[str, Any]], bool] = field(kw_only=True)
    kind: str = "composite"

    def own_work(self, call: Call, shape: Shape | None) -> Work:
        return Work(broadcast_peak(call, shape))

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        return self if self.covers(arguments) else self._measured

    @cached_property
    def _measured(self) -> Operation:
        """The operation for calls that the program doesn't cover; they cost what the others do."""
        if self.price is None:
            return fallback(self.name)
        return FallbackOperation(
            self.name, self.signature, price=self.price, output_count_for_call=self.output_count_for_call
        )

    def program_for(self, call: Call) -> str:
        return self.write_program(call)


def attention(call: Call) -> str:
    """Return softmax(Q Kᵀ/√d + mask) V as a program; a fully masked row gives 0, as in torch."""
    width, length, seen = call.shapes[0][-1], call.shapes[0][-2], call.shapes[1][-2]
    scale = (
        call["scale"] if call["scale"] is not None else max(width, 1) ** -0.5
    )  # without features all scores are 0
    lines = ["scores = query @ key.transpose(-2, -1)", f"scaled = scores * {literal(scale)}"]
    weights = "weights = torch.softmax({}, dim=-1)"
    mask = call["attn_mask"]
    if call["is_causal"]:
        lines.append(f"future = torch.ones({length}, {seen}).tril() == 0")
        lines.append("masked = scaled.masked_fill(future, float('-inf'))")
    elif isinstance(mask, Tensor) and not mask.dtype.is_floating_point:
        lines.append("masked = scaled.masked_fill(attn_mask.logical_not(), float('-inf'))")
    elif isinstance(mask, Tensor):
        lines.append("masked = scaled + attn_mask")
    lines.append(weights.format("masked" if len(lines) > 2 else "scaled"))
    if isinstance(mask, Tensor):
        lines.append("shares = weights.masked_fill(weights.isnan(), 0.0)")
    lines.append(f"attention = {lines[-1].split(' = ')[0]} @ value")
    return "\n".join(lines)


def cross_entropy(call: Call) -> str:
    """Return a cross-entropy as a program: the mean of −ln p of each row's target."""
    reduced = {"mean": ".mean()", "sum": ".sum()", "none": ""}[call["reduction"]]
    return (
        "log_probs = torch.log_softmax(input, dim=-1)\n"
        "chosen = log_probs.gather(-1, target.unsqueeze(-1)).squeeze(-1)\n"
        f"loss = (-chosen){reduced}"
    )


def cross_entropy_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of a cross-entropy: the predicted shares minus the one-hot targets."""
    *rows, classes = call.shapes[0]
    right = f"torch.nn.functional.one_hot({{target}}, {classes})"
    lines = ["said = torch.softmax({input}, dim=-1)", f"right = {right}"]
    each = call["reduction"] == "none" and rows
    over = f" / {rows[0]}" if call["reduction"] == "mean" and rows else ""
    lines.append(f"{'{d}.unsqueeze(-1)' if each else '{d}'} * (said - right){over}")
    return {"input": "\n".join(lines)}


def squared_error(call: Call) -> str:
    """Return a squared error as a program: the mean of the squared differences."""
    reduced = {"mean": ".mean()", "sum": ".sum()", "none": ""}[call["reduction"]]
    return f"error = input - target\nsquare = error * error\nloss = square{reduced or ' + 0'}"


def _plain_attention(arguments: Mapping[str, Any]) -> bool:
    both = arguments["is_causal"] and arguments["attn_mask"] is not None
    return not arguments["dropout_p"] and not arguments["enable_gqa"] and not both


def is_reduced_by_name(arguments: Mapping[str, Any]) -> bool:
    """Return whether a loss is reduced as its `reduction` says, and not by torch's older flags."""
    return arguments.get("size_average") is None and arguments.get("reduce") is None


def _plain_error(arguments: Mapping[str, Any]) -> bool:
    return arguments["weight"] is None and is_reduced_by_name(arguments)


def _plain_entropy(arguments: Mapping[str, Any]) -> bool:
    values, target = arguments["input"], arguments["target"]
    if not (isinstance(values, Tensor) and isinstance(target, Tensor) and is_reduced_by_name(arguments)):
        return False
    classes = target.dim() == values.dim() - 1 < 2 and not target.dtype.is_floating_point
    plain = arguments["weight"] is None and not arguments["label_smoothing"]
    return classes and plain and bool((target != arguments["ignore_index"]).all())


REDUCTION = "size_average=None, reduce=None, reduction='mean'"
COMPOSITES: tuple[Operation, ...] = (
    Composite(
        "scaled_dot_product_attention",
        "query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False",
        spellings=("torch.nn.functional.scaled_dot_product_attention",),
        write_program=attention,
        price=attention_work,
        covers=_plain_attention,
    ),
    Composite(
        "cross_entropy",
        "input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, "
        "reduction='mean', label_smoothing=0.0",
        write_program=cross_entropy,
        vjp_for_call=cross_entropy_vjp,
        vjp_explanation="All that softmax and logarithm do comes down to this: the gradient of a logit is "
        "its probability, less 1 where the class was right.",
        covers=_plain_entropy,
        chosen_by_cells=True,
        shapes_suffice=lambda _: True,
    ),
    Composite(
        "mse_loss",
        f"input, target, {REDUCTION}, weight=None",
        write_program=squared_error,
        covers=_plain_error,
        shapes_suffice=lambda _: True,
    ),
)
