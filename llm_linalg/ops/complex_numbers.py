"""Complex numbers: made of pairs, taken apart, turned. Autograd gives their gradients, by its convention."""

from __future__ import annotations

from dataclasses import dataclass

from llm_linalg.base.axes import Axes, ShapeMismatch, align_right
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.pointwise import Pointwise


@dataclass(frozen=True, eq=False)
class Pairs(Operation):
    """Numbers whose two parts are an axis of their own, or complex ones made of such: no cell is copied.

    Attributes:
        apart: Whether the parts are taken apart.
    """

    apart: bool = False
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
    Pointwise("complex", "input, other", phrase="{input} + {other}·i"),
    Pointwise("polar", "input, other", phrase="{input}·exp(i·{other})", multiplications_per_cell=2),
    *(
        Pointwise(name, "input", spellings=(f"torch.Tensor.{name}",), phrase=f"{part} part of {{input}}")
        for name, part in (("real", "real"), ("imag", "imaginary"))
    ),
    Pointwise("angle", "input", phrase="angle of {input}"),
    *(Pointwise(name, "input", phrase="conjugate of {input}") for name in ("conj", "conj_physical")),
    *(Pointwise(name, "input", phrase="{input}") for name in ("resolve_conj", "resolve_neg")),
    Pairs("view_as_real", "input", apart=True),
    Pairs("view_as_complex", "input"),
)
