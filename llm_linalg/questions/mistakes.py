"""Known mistakes: what a wrong value is of the right one, and what small change would make it right."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from itertools import islice

from torch import Tensor

from llm_linalg.questions.value import close, plain_tensor

MOST_CHANGES = 60  # of an answer that are tried

TRANSPOSED = "transposed"
SIGN = "the sign is turned round"
SCALE = "off by a constant factor"
FACTOR = "one factor is not what it has to be"
OFF_BY_ONE = "off by one"
SHIFTED = "all is one place off"
PLACE = "an index is off by one"
AXIS = "the wrong axis"
LOST_AXIS = "an axis of size 1 is lost, or one too many"
ORDER = "the two stand the wrong way round"

REDUCED = frozenset(
    [
        "sum", "mean", "prod", "max", "min", "amax", "amin", "argmax", "argmin", "std", "var", "norm", "any",
        "all", "softmax", "log_softmax", "cumsum", "cumprod", "logsumexp", "stack", "cat", "flip",
        "unsqueeze", "squeeze",
    ]
)  # fmt: skip
"""Calls that take an axis."""


def known_mistake(got: object, asked: object) -> str:
    """Return what a value is of the one that was asked for; empty if it is nothing that is known.

    Any single number is a multiple of any other: whether it lacks a scale shows in more cases than one.

    >>> known_mistake(torch.ones(2, 3).cumsum(1), torch.ones(2, 3).cumsum(1).T)
    'transposed'
    """
    one, other = plain_tensor(got), plain_tensor(asked)
    if one is None or other is None or not one.numel():
        return ""
    if one.shape == other.shape and close(one, other):
        return ""
    if min(one.ndim, other.ndim) >= 2 and one.shape == other.mT.shape and close(one, other.mT):
        return TRANSPOSED
    if one.shape != other.shape:
        return ""
    if close(one, -other):
        return SIGN
    if close(one, other + 1) or close(one, other - 1):
        return OFF_BY_ONE
    if _is_shifted(one, other):
        return SHIFTED
    return SCALE if _is_multiple(one, other) and (other.numel() == 1 or int((other != 0).sum()) > 1) else ""


def _is_multiple(one: Tensor, other: Tensor) -> bool:
    """Return whether a tensor is a positive multiple of another of its shape."""
    ratio = (one * other).sum() / (other * other).sum()
    return bool(ratio > 0) and bool(ratio.isfinite()) and close(one, ratio * other)


def _is_shifted(one: Tensor, other: Tensor) -> bool:
    """Return whether a tensor is another moved by one cell along an axis of at least 3 cells."""
    for axis, size in enumerate(other.shape):
        inner = size - 1
        if size < 3:
            continue
        for ahead in (0, 1):
            a, b = one.narrow(axis, ahead, inner), other.narrow(axis, 1 - ahead, inner)
            if close(a, b) and not close(b, b.flip(axis)):
                return True
    return False


def mistake_in(tree: ast.expr, is_right: Callable[[str], bool]) -> str:
    """Return the name of a mistake whose correction in one place makes an answer right; else empty."""
    places = {id(node) for node in ast.walk(tree) for node in _places_in(node)}
    changes = ((node, *change) for node in ast.walk(tree) for change in _changes_of(node, places))
    for node, name, instead in islice(changes, MOST_CHANGES):
        if is_right(ast.unparse(deepcopy(tree, {id(node): instead}))):
            return name
    return ""


def _places_in(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the whole numbers in a node that say where something stands: an index, or a diagonal."""
    parts: list[ast.AST] = []
    match node:
        case ast.Subscript(slice=inside):
            parts = [inside]
        case ast.Call(func=ast.Attribute(attr="triu" | "tril" | "diag" | "diagonal"), args=args):
            parts = [*args, *(word.value for word in node.keywords)]
    for part in parts:
        whole = part.operand if isinstance(part, ast.UnaryOp) else part
        inner = ast.walk(part) if isinstance(node, ast.Subscript) else [whole]
        yield from (one for one in inner if isinstance(one, ast.Constant) and type(one.value) is int)


def _changes_of(node: ast.AST, places: Collection[int]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names of mistakes that may be made at a node, each with what would stand there without it."""
    match node:
        case ast.Attribute(value=inner, attr="T" | "mT"):
            yield TRANSPOSED, inner
        case ast.BinOp(left, ast.MatMult() as product, right):
            yield TRANSPOSED, ast.BinOp(left, product, _transpose(right))
            yield TRANSPOSED, ast.BinOp(_transpose(left), product, right)
            yield ORDER, ast.BinOp(right, product, left)
        case ast.BinOp(left, ast.Sub() | ast.Div() as sign, right):
            yield ORDER, ast.BinOp(right, sign, left)
        case ast.Call(func=ast.Attribute(attr=name)) if name in REDUCED:
            yield from _axes(node)
        case ast.Constant(value=int() as number) if id(node) in places:
            yield PLACE, ast.Constant(number + 1)
            yield PLACE, ast.Constant(number - 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Mult):
        yield FACTOR, node.left
        if isinstance(node.op, ast.Mult):
            yield FACTOR, node.right
        yield FACTOR, ast.BinOp(node.left, node.op, ast.BinOp(node.right, ast.Pow(), ast.Constant(0.5)))


def _transpose(node: ast.expr) -> ast.expr:
    return ast.Attribute(node, "mT")


def _axes(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Yield a call along other axes, along all, and with an axis kept that it drops, or the reverse."""
    kept = next((word for word in call.keywords if word.arg == "keepdim"), None)
    others = [word for word in call.keywords if word.arg not in ("dim", "axis", "keepdim")]
    args = (
        call.args[:-1] if call.args and isinstance(call.args[-1], ast.Constant | ast.UnaryOp) else call.args
    )
    keep = [] if kept is None else [kept]
    named = [word for word in call.keywords if word.arg != "keepdim"]
    if kept is not None:
        yield LOST_AXIS, ast.Call(call.func, call.args, named)
    else:
        yield LOST_AXIS, ast.Call(call.func, call.args, [*named, ast.keyword("keepdim", ast.Constant(True))])
    for axis in (0, 1, -1, -2):
        along = ast.keyword("dim", ast.Constant(axis))
        yield AXIS, ast.Call(call.func, args, [*others, along, *keep])
        yield AXIS, ast.Call(call.func, args, [*others, along, ast.keyword("keepdim", ast.Constant(True))])
    yield AXIS, ast.Call(call.func, args, others)
