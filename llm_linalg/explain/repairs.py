"""Suggest repairs of a call whose shapes clash; each is run, and only those that work are offered."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from llm_linalg.base.axes import Shape
from llm_linalg.base.errors import HaltedError, ProgramError, Repair, ShapeError
from llm_linalg.base.rng import lock_rng
from llm_linalg.base.syntax import expression
from llm_linalg.base.text import characters
from llm_linalg.language.source import Source
from llm_linalg.ops import TABLE

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter

MOST = 6
_MARGINS = re.compile(r"(?<=[(\[{]) ++|(?<! ) ++(?=[)\]}])")  # left by a bracket at the end of a line
_MASK = 3  # the position of attention's mask among its operands
_ARITHMETIC = ast.Add | ast.Sub | ast.Mult | ast.Div
_WITH_WIDTHS = (nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding)
_BUDGET: Mapping[str, Any] = {"call_elements": 2**22, "elements": 2**23, "multiplications": 2**29}


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
    """Return texts that can replace the failing one, those that change least first.

    Args:
        interpreter: The interpreter, with the names as they were when the call failed.
        node: The failing expression or statement.
        error: The error; its operands are in the order of `found`.
        found: The sub-expressions of the operands; None for one that has none.
    """
    text = interpreter.source.text_of(node)
    if "\n" not in text:
        if isinstance(node, ast.expr):
            return _of_expression(interpreter, interpreter.source, node, error, found)
        return tuple(_of_statement(interpreter, node, error, found))
    if not isinstance(node, ast.expr) or any(mark in text for mark in "#'\""):
        return ()  # joining its lines might change a string or a comment
    lines = [line.removesuffix("\\").strip() for line in text.split("\n")]
    alike, one = _alone(_MARGINS.sub("", " ".join(lines)))
    return _of_expression(interpreter, alike, one, error, _in(one, node, found))


def _of_expression(
    interpreter: Interpreter,
    source: Source,
    node: ast.expr,
    error: ShapeError,
    found: Sequence[ast.expr | None],
) -> tuple[Repair, ...]:
    """Return repairs of an expression on one line of a source."""
    whole = source.text_of(node)
    pieces: dict[int, _Piece] = {}
    for place, piece in enumerate(found):
        if piece is not None:
            start = characters(whole, piece.col_offset - node.col_offset)
            text = source.text_of(piece)
            start, end = _with_brackets(whole, start, start + len(text))
            pieces[place] = _Piece(start, end, text, error.operands[place].shape)
    working: dict[str, Repair] = {}
    for text, why in _candidates(whole, pieces, error, node, interpreter, source, working):
        if text == whole or text in working:
            continue
        shape = _try(interpreter, text)
        if shape is not None:
            working[text] = Repair(text, shape, why)
        if len(working) == MOST:
            break
    return tuple(working.values())


def _of_statement(
    interpreter: Interpreter, node: ast.stmt, error: ShapeError, found: Sequence[ast.expr | None]
) -> Iterator[Repair]:
    """Yield repairs of `x += b` and `x[mask] = 1`, derived from those of `x + b` and `x[mask]`."""
    text = interpreter.source.text_of
    match node:
        case ast.AugAssign(target=ast.Name() as target, op=op, value=value) if isinstance(op, _ARITHMETIC):
            sign = TABLE.operator(error.operation)
            source, both = _alone(f"{text(target)} {sign} {_in_brackets(text(value))}")
            sides = [part for part in ast.iter_child_nodes(both) if isinstance(part, ast.expr)]
            for one in _of_expression(interpreter, source, both, error, sides[: len(error.operands)]):
                left, _, right = one.partition(f" {sign} ")
                if left == text(target) and one.shape == error.operands[0].shape:
                    yield Repair(f"{left} {sign}= {right}", one.shape, one.why)
        case ast.Assign(targets=[ast.Subscript() as target], value=value) if len(error.operands) == 2:
            (source, item), reading = _alone(text(target)), copy(error)
            reading.operation = "getitem"
            key = None if found[1] is None else _in(item, target, found)[1]
            for one in _of_expression(interpreter, source, item, reading, [None, key]) if key else ():
                yield Repair(f"{one} = {text(value)}", error.operands[0].shape, one.why)


def _alone(text: str) -> tuple[Source, ast.expr]:
    """Return an expression as a source of its own, and its tree."""
    source = Source(text)
    statement = source.tree.body[0]
    if not isinstance(statement, ast.Expr):
        raise TypeError(f"{text} is no expression")
    return source, statement.value


def _in(one: ast.expr, other: ast.AST, found: Sequence[ast.expr | None]) -> list[ast.expr | None]:
    """Return the nodes of an expression that correspond to nodes of one with the same structure."""
    same: dict[Any, Any] = dict(zip(ast.walk(other), ast.walk(one), strict=False))
    return [same.get(piece) for piece in found]


def _candidates(
    whole: str,
    pieces: dict[int, _Piece],
    error: ShapeError,
    node: ast.expr,
    interpreter: Interpreter,
    source: Source,
    working: Collection[str],
) -> Iterator[tuple[str, str]]:
    places = sorted(pieces)
    yield from _conversions(whole, pieces, error)
    yield from _along(whole, node, error)
    for place in reversed(places):
        if len(pieces[place].shape) >= 2:
            yield (
                _replace_pieces(whole, pieces, {place: _transpose_text(pieces[place])}),
                f"transposes {pieces[place].text}",
            )
    if len(places) >= 2:
        a, b = places[0], places[1]
        swapped = {a: _in_brackets(pieces[b].text), b: _in_brackets(pieces[a].text)}
        yield _replace_pieces(whole, pieces, swapped), "swaps the operands"
        if error.operation == "matmul" and isinstance(
            node, ast.Call
        ):  # such as mm, which takes no stack of matrices
            yield (
                f"{_in_brackets(pieces[a].text)} @ {_in_brackets(pieces[b].text)}",
                "multiplies each of the matrices",
            )
    yield from _indices(whole, pieces, error)
    yield from _resized(whole, node, error, source)
    yield from _relayered(node, error, interpreter, source)
    for place in places:
        for axis in (-1, 0):
            text = f"{_in_brackets(pieces[place].text)}.unsqueeze({axis})"
            yield _replace_pieces(whole, pieces, {place: text}), f"gives {pieces[place].text} a new axis"
    if len(places) >= 2:
        both = {
            place: _transpose_text(pieces[place]) for place in places[:2] if len(pieces[place].shape) >= 2
        }
        if len(both) == 2:
            yield _replace_pieces(whole, pieces, both), "transposes both"
    yield from _cut(whole, pieces, error, working)


def _conversions(whole: str, pieces: dict[int, _Piece], error: ShapeError) -> Iterator[tuple[str, str]]:
    """Yield a product whose operands are all converted to the widest of their dtypes."""
    kinds = [tensor.dtype for tensor in error.values]
    if len(set(kinds)) < 2 or error.axes or error.operation not in ("matmul", "linear", "einsum", "dot"):
        return
    widest = reduce(torch.promote_types, kinds)
    method = ".float()" if widest == torch.float32 else f".to({widest})"
    others = {place: piece for place, piece in pieces.items() if kinds[place] != widest}
    texts = {place: f"{_in_brackets(piece.text)}{method}" for place, piece in others.items()}
    said = ", ".join(piece.text for piece in others.values())
    yield _replace_pieces(whole, pieces, texts), f"makes {said} {str(widest).removeprefix('torch.')}"


def _along(whole: str, node: ast.expr, error: ShapeError) -> Iterator[tuple[str, str]]:
    """Yield a cat along each axis."""
    if error.operation != "cat" or not isinstance(node, ast.Call) or not error.operands:
        return
    given = [*node.args[1:], *(keyword.value for keyword in node.keywords if keyword.arg in ("dim", "axis"))]
    before, end = ", dim=", len(whole) - 1
    start = len(whole[:end].rstrip().removesuffix(","))
    if given:
        before, (start, end) = "", _place(whole, node, given[0])
    for axis in range(len(error.operands[0].shape)):
        yield f"{whole[:start]}{before}{axis}{whole[end:]}", f"joins along axis {axis}"


def _cut(
    whole: str, pieces: dict[int, _Piece], error: ShapeError, working: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield the longer of two clashing axes cut to the shorter; if that fails, its other axes too."""
    if len(error.axes) != 2:
        return
    longer, shorter = sorted(error.axes, key=lambda axis: -axis.size)
    if longer.operand not in pieces:
        return
    piece, other = pieces[longer.operand], error.operands[shorter.operand].shape
    offset = shorter.axis - longer.axis
    beside = {axis: axis + offset for axis in range(len(piece.shape)) if 0 <= axis + offset < len(other)}
    every = {axis: other[there] for axis, there in beside.items() if 1 < other[there] < piece.shape[axis]}
    if error.operation == "scaled_dot_product_attention" and longer.operand == _MASK < len(error.operands):
        queries, keys = (error.operands[place].shape[-2] for place in (0, 1))
        text = f"{_in_brackets(piece.text)}[..., :{queries}, :{keys}]"
        yield (
            _replace_pieces(whole, pieces, {_MASK: text}),
            f"takes the first {queries} queries and {keys} keys",
        )
    for sizes in ({longer.axis: shorter.size}, every):
        ends = [f":{sizes[axis]}" if axis in sizes else ":" for axis in range(max(sizes, default=-1) + 1)]
        said = [f"{size} along axis {axis}" for axis, size in sizes.items()]
        text = f"{_in_brackets(piece.text)}[{', '.join(ends)}]"
        edited = _replace_pieces(whole, pieces, {longer.operand: text})
        yield edited, f"takes the first {' and '.join(said)}"
        if edited in working:
            return


def _resized(whole: str, node: ast.expr, error: ShapeError, source: Source) -> Iterator[tuple[str, str]]:
    """Yield a reshape with -1 for one size, or for two neighbours, and other ways to reshape."""
    if error.operation in ("view", "reshape", "expand", "broadcast_to") and isinstance(node, ast.Call):
        sizes = node.args
        if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple | ast.List):
            sizes = sizes[0].elts
        places = [(characters(whole, size.col_offset - node.col_offset), size) for size in sizes]
        for several in (1, 2):
            for first, last in zip(places, places[several - 1 :], strict=False):
                end = last[0] + len(source.text_of(last[1]))
                text = whole[first[0] : end]
                yield whole[: first[0]] + "-1" + whole[end:], f"works out the size that stood as {text}"
        if error.operation == "view":
            yield whole.replace(".view(", ".reshape(", 1), "copies where a view can't be had"
            yield whole.replace(".view(", ".contiguous().view(", 1), "lays the cells out anew first"


def _relayered(
    node: ast.expr, error: ShapeError, interpreter: Interpreter, source: Source
) -> Iterator[tuple[str, str]]:
    """Yield a call of a new layer that has the right width."""
    if not isinstance(node, ast.Call) or not error.operands:
        return
    argument = ", ".join(source.text_of(item) for item in node.args)
    for layer, why in _layers(error):
        if isinstance(_value(interpreter, source.text_of(node.func)), _WITH_WIDTHS):
            yield f"{layer}({argument})", f"a new layer with {why}"


def _layers(error: ShapeError) -> Iterator[tuple[str, str]]:
    """Yield layers that would accept the input, each with its description."""
    shape = error.operands[0].shape
    weight = error.operands[1].shape if len(error.operands) > 1 else ()
    match error.operation:
        case "linear" if shape and len(weight) == 2:
            yield f"nn.Linear({shape[-1]}, {weight[0]})", f"in_features = {shape[-1]}"
        case "layer_norm" | "rms_norm" if shape:
            kind = "LayerNorm" if error.operation == "layer_norm" else "RMSNorm"
            yield f"nn.{kind}({shape[-1]})", f"the width {shape[-1]}"
        case "embedding" if len(weight) == 2 and error.most is not None and error.most >= weight[0]:
            yield f"nn.Embedding({error.most + 1}, {weight[1]})", f"num_embeddings = {error.most + 1}"


_ONE_BY_ONE = frozenset(["getitem", "gather", "index_select"])
_INDICES = {"embedding": 0, "cross_entropy": 1, "nll_loss": 1, **dict.fromkeys(_ONE_BY_ONE, 1)}


def _indices(whole: str, pieces: dict[int, _Piece], error: ShapeError) -> Iterator[tuple[str, str]]:
    """Yield indices converted to integers or clamped to the table's size; logits and targets flattened."""
    place = _INDICES.get(error.operation)
    if place is None or place not in pieces or (error.operation in _ONE_BY_ONE and len(error.axes) > 1):
        return  # a mask, not an index
    text = _in_brackets(pieces[place].text)
    yield _replace_pieces(whole, pieces, {place: f"{text}.long()"}), "takes whole numbers"
    if error.axes:
        most = error.axes[0].size - 1
        yield (
            _replace_pieces(whole, pieces, {place: f"{text}.clamp(0, {most})"}),
            f"brings each into 0 to {most}",
        )
    if place == 1 and 0 in pieces and error.operation not in _ONE_BY_ONE:
        rows = {0: f"{_in_brackets(pieces[0].text)}.flatten(0, -2)", 1: f"{text}.flatten()"}
        yield _replace_pieces(whole, pieces, rows), "takes both as rows"


def _replace_pieces(whole: str, pieces: dict[int, _Piece], texts: dict[int, str]) -> str:
    """Return the expression with some operands' texts replaced."""
    for place, text in sorted(texts.items(), key=lambda item: -pieces[item[0]].start):
        piece = pieces[place]
        whole = whole[: piece.start] + text + whole[piece.end :]
    return whole


def _place(whole: str, node: ast.expr, inner: ast.expr) -> tuple[int, int]:
    """Return the start and the end of an inner expression in the text of the outer one."""
    ends = inner.col_offset, inner.end_col_offset or inner.col_offset
    start, end = (characters(whole, offset - node.col_offset) for offset in ends)
    return start, end


def _with_brackets(whole: str, start: int, end: int) -> tuple[int, int]:
    """Return a range of the text extended by brackets around it, unless they belong to a call."""
    opened = whole[start - 1 : start] == "(" and whole[end : end + 1] == ")"
    called = start > 1 and (whole[start - 2].isidentifier() or whole[start - 2] in ")]0123456789")
    return (start - 1, end + 1) if opened and not called else (start, end)


def _transpose_text(piece: _Piece) -> str:
    if len(piece.shape) == 2:
        if piece.text.endswith(".T"):
            return piece.text.removesuffix(".T")
        return f"{_in_brackets(piece.text)}.T"
    return f"{_in_brackets(piece.text)}.mT"


def _in_brackets(text: str) -> str:
    """Return the text in brackets unless its syntax holds it together."""
    whole = isinstance(expression(text), ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    return text if whole else f"({text})"


def _try(interpreter: Interpreter, text: str) -> Shape | None:
    """Run a candidate and return its result's shape; None if it fails as well."""
    value = _value(interpreter, text)
    return tuple(value.shape) if isinstance(value, Tensor) else None


def _value(interpreter: Interpreter, text: str) -> Any:
    """Return the value of an expression over the names as they are, and stay; None if it fails."""
    budget = interpreter.budget.trial(len(text), **_BUDGET)
    if interpreter.budget.trials <= 0:
        return None
    try:
        trial = interpreter.fork(Source(text), budget)
        statement = trial.source.tree.body[0]
        if not isinstance(statement, ast.Expr):
            return None
        with lock_rng(), trial.recorder.undoing_writes(), trial.recording():
            return trial.evaluate(statement.value)
    except HaltedError:
        raise
    except ProgramError:
        return None
    finally:
        interpreter.budget.trials -= budget.steps_used
