"""Signatures as text: ``input, dim=None, keepdim=False, *, dtype=None``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from inspect import Parameter, Signature
from typing import Any


def flat_arguments(value: Any) -> tuple[Any, ...]:
    """Return ``(2, 3)`` for both ``view(2, 3)`` and ``view((2, 3))``."""
    if len(value) == 1 and isinstance(value[0], list | tuple):
        return tuple(value[0])
    return tuple(value)


_PARSED: dict[str, Signature] = {}


def parsed(text: str) -> Signature:
    """Return the signature that a text such as ``input, dim=None, *, dtype=None`` describes."""
    if text not in _PARSED:
        function = ast.parse(f"lambda {text}: 0", mode="eval").body
        arguments = next(node for node in ast.walk(function) if isinstance(node, ast.arguments))
        _PARSED[text] = Signature(list(_parameters(arguments)))
    return _PARSED[text]


def _parameters(args: ast.arguments) -> Iterator[Parameter]:
    gap = len(args.args) - len(args.defaults)
    for position, arg in enumerate(args.args):
        default = ast.literal_eval(args.defaults[position - gap]) if position >= gap else Parameter.empty
        yield Parameter(arg.arg, Parameter.POSITIONAL_OR_KEYWORD, default=default)
    if args.vararg:
        yield Parameter(args.vararg.arg, Parameter.VAR_POSITIONAL)
    for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        default = Parameter.empty if value is None else ast.literal_eval(value)
        yield Parameter(arg.arg, Parameter.KEYWORD_ONLY, default=default)
    if args.kwarg:
        yield Parameter(args.kwarg.arg, Parameter.VAR_KEYWORD)
