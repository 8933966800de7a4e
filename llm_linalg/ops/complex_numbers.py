"""Complex numbers: made of pairs, taken apart, turned. Autograd gives their gradients, by its convention."""

from __future__ import annotations

from dataclasses import dataclass

from llm_linalg.base.axes import Axes, ShapeMismatch, align_right
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.pointwise_table import entry, unary


@dataclass(frozen=True, eq=False)
class Pairs(Operation):
    """Numbers whose two parts are an axis of their own, or complex ones made of such: no cell is copied."""

    apart: bool = False  # whether the parts are taken apart
    kind: str = "matrix"

    def axes(self, call: Call) -> Axes:
        (shape,) = call.shapes
        labels = align_right(len(shape), len(shape))
        if self.apart:
            return Axes.solve((*labels, "parts"), (labels,), call.shapes, given={"parts": 2})
        if not shape or shape[-1] != 2:
            raise ShapeMismatch("complex numbers are made of pairs: the last axis has the size 2", at=0)
        return Axes.solve(labels[:-1], (labels,), call.shapes)


COMPLEX_NUMBERS: tuple[Operation, ...] = (
    entry("complex", "input, other", "{input} + {other}·i"),
    entry("polar", "input, other", "{input}·exp(i·{other})", multiplications_per_cell=2),
    *(
        unary(name, f"{part} part of {{input}}", spellings=(f"torch.Tensor.{name}",))
        for name, part in (("real", "real"), ("imag", "imaginary"))
    ),
    unary("angle", "angle of {input}"),
    *(unary(name, "conjugate of {input}") for name in ("conj", "conj_physical")),
    *(unary(name, "{input}") for name in ("resolve_conj", "resolve_neg")),
    Pairs("view_as_real", "input", apart=True),
    Pairs("view_as_complex", "input"),
)
