"""Complex numbers: made of pairs, taken apart, turned. Their gradients are by torch's convention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llm_linalg.base.axes import Axes, ShapeMismatch, align_right
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.pointwise_table import entry, unary


@dataclass(frozen=True, eq=False)
class Pairs(Operation):
    """Numbers whose two parts are an axis of their own, or complex ones made of such: no cell is copied."""

    apart: bool = False  # whether the parts are taken apart
    kind: str = "pairs"

    def axes(self, call: Call) -> Axes:
        (shape,) = call.shapes
        labels = align_right(len(shape), len(shape))
        if self.apart:
            return Axes.solve((*labels, "parts"), (labels,), call.shapes, given={"parts": 2})
        if not shape or shape[-1] != 2:
            raise ShapeMismatch("complex numbers are made of pairs: the last axis has the size 2", at=0)
        return Axes.solve(labels[:-1], (labels,), call.shapes)


def _part_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of a part: the other part's gradient is 0."""
    parts = ("{d}", "torch.zeros_like({d})")
    if not call.tensors[0].is_complex():
        return {"input": "{d}"}
    return {"input": f"torch.complex({', '.join(parts if call.operation.name == 'real' else parts[::-1])})"}


COMPLEX_NUMBERS: tuple[Operation, ...] = (
    entry("complex", "input, other", "{input} + {other}·i", "{d}.real", "{d}.imag"),
    entry(
        "polar",
        "input, other",
        "{input}·exp(i·{other})",
        "({d} * torch.sgn({out}).conj()).real",
        "({d} * {out}.conj()).imag",
    ),
    *(
        unary(name, f"{part} part of {{input}}", spellings=(f"torch.Tensor.{name}",), vjp_for_call=_part_vjp)
        for name, part in (("real", "real"), ("imag", "imaginary"))
    ),
    unary("angle", "angle of {input}"),
    *(unary(name, "conjugate of {input}", "{d}.conj()") for name in ("conj", "conj_physical")),
    *(unary(name, "{input}", "{d}") for name in ("resolve_conj", "resolve_neg")),
    Pairs("view_as_real", "input", apart=True, gradient={"input": "torch.complex({d}[..., 0], {d}[..., 1])"}),
    Pairs("view_as_complex", "input", gradient={"input": "torch.view_as_real({d}.resolve_conj())"}),
)
