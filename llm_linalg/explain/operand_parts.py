"""Find the part of a failing expression that each operand of its call comes from."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from llm_linalg.base.errors import Span
from llm_linalg.base.source import Source
from llm_linalg.recording.failed_call import FailedCall, FailedOperand

Code = ast.expr | ast.stmt


def code_at(source: Source, span: Span | None) -> Code | None:
    """Return what stands at a span: an expression, or a statement that assigns; None if nothing does."""
    nodes = [node for node in ast.walk(source.tree) if isinstance(node, Code) and source.span(node) == span]
    return nodes[-1] if nodes else None  # of a statement that is an expression, the expression


def operand_parts(failed: FailedCall, source: Source, code: Code | None) -> list[ast.expr | None]:
    """Return for each operand the part of the failing expression that it comes from, where there is one.

    An argument that stands in the text is known by its position. Other operands, such as a layer's input, are
    known by the place of the expression that made them, or by a name that is bound to them.
    """
    given_by: list[ast.expr | None] = [None] * len(failed.operands)
    if code is None:
        return given_by
    parts = [part for part in ast.walk(code) if part is not code and isinstance(part, ast.expr)]
    if isinstance(code, ast.Call) and not isinstance(code.func, ast.Attribute):
        callee = set(ast.walk(code.func))  # the layer in `nn.Linear(4, 2)(x)`, where its weights were made
        parts = [part for part in parts if part not in callee]
    own = source.span(code)
    arguments = list(_arguments(code, failed.call.args, failed.call.kwargs))
    for place, (operand, tensor) in enumerate(zip(failed.operands, failed.call.tensors, strict=True)):
        at = (part for part, value in arguments if value is tensor)
        by_text = (part for part in parts if _is_made_by(operand, part, source))
        for part in (*at, *by_text):
            if part not in given_by and _is_possible(operand, part, own):
                given_by[place] = part
                break
    match code:
        case ast.Call(args=[rest], keywords=[]) if not isinstance(rest, ast.Starred):
            first = failed.call.order.index(0) if 0 in failed.call.order else None
            if first is not None and given_by[first] is None and rest not in given_by:
                made = failed.operands[first].node
                if made is not None and made.span != own and made.op != "parameter":
                    given_by[first] = rest
    return given_by


def _is_made_by(operand: FailedOperand, part: ast.expr, source: Source) -> bool:
    """Return whether a part of the text made an operand, or is a name of it."""
    made = operand.node
    if made is not None and made.span is not None and made.span == source.span(part):
        return True
    match part:
        case ast.Name():
            return part.id in operand.names
        case ast.Attribute():
            return source.text_of(part) in (*operand.names, operand.label, made and made.bound_name)
    return False


def _is_possible(operand: FailedOperand, part: ast.expr, own: Span | None) -> bool:
    """Return whether an operand may come from a part: what the failing expression made is no argument of it.

    Only in a loop does a name in it stand for what the same expression made in the turn before.
    """
    made = operand.node
    is_named = isinstance(part, ast.Name) and part.id in operand.names
    return is_named or made is None or made.span != own


def _arguments(
    code: Code, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Iterator[tuple[ast.expr, Tensor]]:
    """Yield the parts of the text that are written as arguments, each with the call's own tensor there."""
    parts: Sequence[ast.expr] = ()
    named: dict[str, ast.expr] = {}
    match code:
        case ast.BinOp(left=first, right=second) | ast.AugAssign(target=first, value=second):
            parts = first, second
        case ast.Compare(left=first, comparators=[second]):
            parts = first, second
        case ast.Subscript(value=first, slice=second):
            parts = first, second
        case ast.Assign(targets=[ast.Subscript(value=first, slice=second)], value=third):
            parts = first, second, third
        case ast.Call(func=ast.Attribute(value=first)) if len(args) == len(code.args) + 1:
            parts = first, *code.args
        case ast.Call():
            parts = code.args
    if isinstance(code, ast.Call):
        named = {part.arg: part.value for part in code.keywords if part.arg and part.arg in kwargs}
    yield from _matches(parts, args)
    yield from _matches(list(named.values()), [kwargs[name] for name in named])


def _matches(parts: Sequence[ast.expr], values: Sequence[Any]) -> Iterator[tuple[ast.expr, Tensor]]:
    """Yield the expressions whose values are tensors, those in lists and tuples among them."""
    if len(parts) != len(values) or any(isinstance(part, ast.Starred) for part in parts):
        return
    for part, value in zip(parts, values, strict=True):
        if isinstance(value, Tensor):
            yield part, value
        elif isinstance(part, ast.List | ast.Tuple) and isinstance(value, list | tuple):
            yield from _matches(part.elts, value)
