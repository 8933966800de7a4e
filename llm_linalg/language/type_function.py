"""Types as a program sees them: those that it calls, those that it only names, and several as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.tensor_types import TensorType

MAX_KINDS = 50  # types in a union


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


class TypeHint:
    """A name for annotations, alone or with others in brackets, such as `Union[int, float]`."""

    __slots__ = ()

    def __getitem__(self, _key: object) -> TypeHint:
        return self

    def __or__(self, _other: object) -> TypeHint:
        return self

    __ror__ = __or__


HINT = TypeHint()


@dataclass(frozen=True, slots=True, repr=False)
class TypeUnion:
    """What `int | str` gives, for `isinstance`.

    Attributes:
        kinds: The types as the program names them; None for that of None.
    """

    kinds: tuple[Any, ...]

    def __repr__(self) -> str:
        return " | ".join("None" if kind is None else _name_of(kind) for kind in self.kinds)


def _name_of(value: Any) -> str:
    kind = kind_of(value)
    if kind is None:
        return repr(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def union_of(left: Any, right: Any) -> TypeUnion | None:
    """Return `left | right` of two types, or of one and None; None for anything else."""
    parts: list[Any] = []
    for side in (left, right):
        if isinstance(side, TypeUnion):
            parts += side.kinds
        elif side is None or kind_of(side) is not None:
            parts.append(side)
        else:
            return None
    kinds = tuple(dict.fromkeys(parts))
    return TypeUnion(kinds[:MAX_KINDS]) if kinds != (None,) else None


def kind_of(value: Any) -> type | None:
    """Return the Python type that a value of the language stands for; None if it stands for none."""
    if isinstance(value, type):
        return value
    if isinstance(value, RunFunction | TypeFunction | TensorType) and isinstance(value.kind, type):
        return value.kind
    return None
