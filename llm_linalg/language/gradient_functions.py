"""What autograd remembers of a tensor: the function that its gradient goes back through, and those behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.language.classes.program_class import caller


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GradientFunction:
    """A function of autograd's graph, such as `MulBackward0`; programs see its name and what is behind it."""

    function: Any

    def __repr__(self) -> str:
        # Now and then torch adds the namespace that the class has in C++.
        title = repr(self.function).partition(" object at")[0].replace("<torch::autograd::", "<")
        try:
            return f"{title} object at {caller().address_of(self.function):#014x}>"
        except TypeError:  # the run that knows its address has ended
            return f"{title} object>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GradientFunction) and self.function is other.function

    def __hash__(self) -> int:
        return hash(self.function)


# Torch lets go of such functions one within the other, and some 40,000 in a row overflow the stack.
_STEPS = 300


def of_tensor(tensor: Tensor) -> GradientFunction | None:
    """Return what `tensor.grad_fn` is; None for a leaf."""
    caller().budget.step(_STEPS)
    with untraced():
        return None if tensor.grad_fn is None else GradientFunction(tensor.grad_fn)


def _behind(function: GradientFunction) -> tuple[tuple[GradientFunction | None, int], ...]:
    behind = function.function.next_functions
    caller().budget.step(_STEPS * len(behind))
    return tuple([(None if other is None else GradientFunction(other), place) for other, place in behind])


def _variable(function: GradientFunction) -> Tensor:
    """Return the leaf to which a function adds the gradient.

    Raises:
        AttributeError: If it adds to none.
    """
    with untraced():
        found = getattr(function.function, "variable", None)
    if not isinstance(found, Tensor):
        raise AttributeError(f"'{function.function.name()}' object has no attribute 'variable'")
    return found


ATTRIBUTES: Mapping[str, Callable[[GradientFunction], Any]] = {
    "next_functions": _behind,
    "variable": _variable,
}
METHODS: Mapping[str, Callable[[GradientFunction], Any]] = {"name": lambda function: function.function.name()}
