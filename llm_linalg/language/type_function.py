"""Types that are called by a function of the language's own, which makes their values within limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.tensor_types import TensorType


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TypeFunction:
    """A type of Python's or torch's as a program sees it, such as `dict` or `torch.Tensor`.

    Attributes:
        kind: The type, for `isinstance` and `type`.
        make: What a call of it does.
    """

    kind: type
    make: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Make a value of the type."""
        return self.make(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(self.kind)


@dataclass(frozen=True, slots=True, repr=False)
class TypeName:
    """A type that a program can print and compare, but not call, such as that of a function.

    Attributes:
        name: Its name.
    """

    name: str

    def __repr__(self) -> str:
        return f"<class '{self.name}'>"


def kind_of(value: Any) -> type | None:
    """Return the Python type that a value of the language stands for; None if it stands for none."""
    if isinstance(value, type):
        return value
    if isinstance(value, RunFunction | TypeFunction | TensorType) and isinstance(value.kind, type):
        return value.kind
    return None
