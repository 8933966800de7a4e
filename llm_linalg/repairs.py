"""Repairs of a call whose shapes clash: each is tried, and only what works is offered."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from llm_linalg.axes import Shape
from llm_linalg.errors import HaltedError, ProgramError, Repair, ShapeError
from llm_linalg.language.budget import Budget
from llm_linalg.language.source import Source
from llm_linalg.text import characters

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter

MOST = 6
_BUDGET = {"cells": 2**22, "multiplications": 2**28, "total": 2**23, "work": 2**28}


@dataclass(frozen=True, slots=True)
class _Piece:
    """An operand's text inside the failing expression."""

    start: int
    end: int
    text: str
    shape: Shape


def repairs(
    interpreter: Interpreter, node: ast.expr | ast.stmt, error: ShapeError, found: list[ast.expr | None]
) -> tuple[Repair, ...]:
    """Return expressions that can replace the failing one, in the order of how little they change.

    Args:
        interpreter: With the names as they were when the call failed.
        node: The failing expression.
        error: The error; its operands are in the order of ``found``.
        found: The sub-expressions that gave the operands.
    """
    whole = interpreter.source.text_of(node)
    if "\n" in whole or not isinstance(node, ast.expr):
        return ()
    base = node.col_offset
    pieces: dict[int, _Piece] = {}
    for place, piece in enumerate(found):
        if piece is not None:
            start = characters(whole, piece.col_offset - base)
            text = interpreter.source.text_of(piece)
            pieces[place] = _Piece(start, start + len(text), text, error.operands[place].shape)
    working: dict[str, Repair] = {}
    for text, why in _candidates(whole, pieces, error, node, interpreter):
        if text == whole or text in working:
            continue
        shape = _tried(interpreter, text)
        if shape is not None:
            working[text] = Repair(text, shape, why)
        if len(working) == MOST:
            break
    return tuple(working.values())


def _candidates(
    whole: str, pieces: dict[int, _Piece], error: ShapeError, node: ast.expr, interpreter: Interpreter
) -> Iterator[tuple[str, str]]:
    places = sorted(pieces)
    for place in reversed(places):
        if len(pieces[place].shape) >= 2:
            yield (
                _edited(whole, pieces, {place: _transposed(pieces[place])}),
                f"transposes {pieces[place].text}",
            )
    if len(places) >= 2:
        a, b = places[0], places[1]
        swapped = {a: _wrapped(pieces[b].text), b: _wrapped(pieces[a].text)}
        yield _edited(whole, pieces, swapped), "swaps the operands"
    yield from _resized(whole, node, error, interpreter)
    for place in places:
        for axis in (-1, 0):
            text = f"{_wrapped(pieces[place].text)}.unsqueeze({axis})"
            yield _edited(whole, pieces, {place: text}), f"gives {pieces[place].text} a new axis"
    if len(places) >= 2:
        both = {place: _transposed(pieces[place]) for place in places[:2] if len(pieces[place].shape) >= 2}
        if len(both) == 2:
            yield _edited(whole, pieces, both), "transposes both"
    yield from _cut(whole, pieces, error)


def _cut(whole: str, pieces: dict[int, _Piece], error: ShapeError) -> Iterator[tuple[str, str]]:
    """Yield the longer of two clashing axes cut to the size of the shorter."""
    if len(error.axes) != 2:
        return
    longer, shorter = sorted(error.axes, key=lambda axis: -axis.size)
    if longer.operand in pieces:
        piece = pieces[longer.operand]
        key = ", ".join([*([":"] * longer.axis), f":{shorter.size}"])
        text = f"{_wrapped(piece.text)}[{key}]"
        yield (
            _edited(whole, pieces, {longer.operand: text}),
            f"takes the first {shorter.size} along axis {longer.axis}",
        )


def _resized(
    whole: str, node: ast.expr, error: ShapeError, interpreter: Interpreter
) -> Iterator[tuple[str, str]]:
    """Yield other sizes: -1 in the place of each size of a reshape, and a layer of the right width."""
    if error.operation in ("view", "reshape", "expand", "broadcast_to") and isinstance(node, ast.Call):
        sizes = node.args
        if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple | ast.List):
            sizes = sizes[0].elts
        for size in sizes:
            text = interpreter.source.text_of(size)
            start = characters(whole, size.col_offset - node.col_offset)
            yield (
                whole[:start] + "-1" + whole[start + len(text) :],
                f"works out the size that stood as {text}",
            )
        if error.operation == "view":
            yield whole.replace(".view(", ".reshape(", 1), "copies where a view can't be had"
            yield whole.replace(".view(", ".contiguous().view(", 1), "lays the cells out anew first"
    if error.operation == "linear" and isinstance(node, ast.Call) and error.operands:
        weight = error.operands[1].shape
        if len(weight) == 2 and error.operands[0].shape:
            inner = error.operands[0].shape[-1]
            argument = ", ".join(interpreter.source.text_of(item) for item in node.args)
            yield f"nn.Linear({inner}, {weight[0]})({argument})", f"a new layer with in_features = {inner}"


def _edited(whole: str, pieces: dict[int, _Piece], texts: dict[int, str]) -> str:
    """Return the expression with some operands' texts replaced."""
    for place, text in sorted(texts.items(), key=lambda item: -pieces[item[0]].start):
        piece = pieces[place]
        whole = whole[: piece.start] + text + whole[piece.end :]
    return whole


def _transposed(piece: _Piece) -> str:
    if len(piece.shape) == 2:
        if piece.text.endswith(".T"):
            return piece.text.removesuffix(".T")
        return f"{_wrapped(piece.text)}.T"
    return f"{_wrapped(piece.text)}.mT"


def _wrapped(text: str) -> str:
    """Return the text in brackets unless it holds together by itself."""
    tree = ast.parse(text, mode="eval").body
    whole = isinstance(tree, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    return text if whole else f"({text})"


def _tried(interpreter: Interpreter, text: str) -> Shape | None:
    """Run a candidate and return its result's shape; None if it fails as well."""
    try:
        trial = interpreter.again(Source(text), Budget(**_BUDGET, halt=interpreter.budget.halt))
        statement = trial.source.tree.body[0]
        if not isinstance(statement, ast.Expr):
            return None
        with torch.random.fork_rng(devices=[]), trial.recorder:
            value = trial.evaluate(statement.value)
    except HaltedError:
        raise
    except ProgramError:
        return None
    return tuple(value.shape) if isinstance(value, Tensor) else None
