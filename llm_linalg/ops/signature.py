"""Signatures as text: `input, dim=None, keepdim=False, *, dtype=None`."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from llm_linalg.base.syntax import expression

# torch accepts numpy's parameter names too, names the operands of torch.linalg as textbooks do, and others
# by what they mean in one function.
_NUMPY = {"axis": "dim", "keepdims": "keepdim"}
_TEXTBOOK = {"A": "input", "B": "other", "x": "input", "y": "other"}
_BY_MEANING = {
    "real": "input",
    "imag": "other",
    "abs": "input",
    "angle": "other",
    "mat2": "other",
    "vec": "other",
    "size": "shape",
    "indices": "indices_or_sections",
    "sections": "indices_or_sections",
}
_SYNONYMS = {**_NUMPY, **_TEXTBOOK, **_BY_MEANING}


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a signature, bound at every call; `inspect` takes twenty times as long."""

    positional: tuple[str, ...]
    keyword: tuple[str, ...]  # the keyword-only parameters
    defaults: Mapping[str, Any]
    rest: str | None  # the parameter of extra positional arguments (`*args`), or None
    others: str | None  # the parameter of extra keyword arguments (`**kwargs`), or None

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return each parameter's value, in the order of the signature; `TypeError` if they don't fit."""
        count = len(args)
        bound = dict(zip(self.positional, args, strict=False))
        if count > len(self.positional) and self.rest is None:
            raise TypeError("too many positional arguments")
        left = {self._own(name): value for name, value in kwargs.items()} if kwargs else {}
        for name in self.positional[count:]:
            bound[name] = self._taken(name, left)
        if self.rest is not None:
            rest = args[len(self.positional) :]
            if self.rest in left:  # it may also be one keyword: `permute(dims=(1, 0))`
                if rest:
                    raise TypeError(f"two values for {self.rest}")
                rest = (left.pop(self.rest),)
            is_list = len(rest) == 1 and isinstance(rest[0], list | tuple)  # `view((2, 3))` is `view(2, 3)`
            bound[self.rest] = tuple(rest[0] if is_list else rest)
        for name in self.keyword:
            bound[name] = self._taken(name, left)
        if self.others is not None:
            bound[self.others] = left
        elif left:
            raise TypeError(f"got an unexpected argument {next(iter(left))!r}")
        return bound

    def _own(self, name: str) -> str:
        """Return what the signature calls a parameter that a call names."""
        own = name in self.positional or name in self.keyword or name == self.rest
        return name if own else _SYNONYMS.get(name, name)

    def _taken(self, name: str, left: dict[str, Any]) -> Any:
        if name in left:
            return left.pop(name)
        if name in self.defaults:
            return self.defaults[name]
        raise TypeError(f"missing a required argument: {name!r}")


@cache
def parse_signature(text: str) -> Parameters:
    """Parse a signature such as `input, dim=None, *, dtype=None`."""
    function = expression(f"lambda {text}: 0")
    args = next(node for node in ast.walk(function) if isinstance(node, ast.arguments))
    positional = tuple(arg.arg for arg in args.args)
    given = positional[len(positional) - len(args.defaults) :]
    defaults = {name: ast.literal_eval(value) for name, value in zip(given, args.defaults, strict=True)}
    for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        if value is not None:
            defaults[arg.arg] = ast.literal_eval(value)
    keyword = tuple(arg.arg for arg in args.kwonlyargs)
    rest = args.vararg.arg if args.vararg else None
    return Parameters(positional, keyword, defaults, rest, args.kwarg.arg if args.kwarg else None)
