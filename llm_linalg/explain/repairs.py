"""Suggest repairs of a call whose shapes clash; each is run, and only those that work are offered."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, Repair, ShapeError, Span
from llm_linalg.base.source import Source
from llm_linalg.base.syntax import expression
from llm_linalg.base.text import characters
from llm_linalg.explain.operand_parts import Code, code_at, operand_parts
from llm_linalg.ops import TABLE
from llm_linalg.recording.failed_call import FailedCall

MOST = 6
MOST_TRIED = 40
_MARGINS = re.compile(r"(?<=[(\[{]) ++|(?<! ) ++(?=[)\]}])")  # left by a bracket at the end of a line
_MASK = 3  # the position of attention's mask among its operands
_ARITHMETIC = ast.Add | ast.Sub | ast.Mult | ast.Div
_WITH_WIDTHS = ("nn.Linear", "nn.LayerNorm", "nn.RMSNorm", "nn.Embedding")
_REPEATING = (
    *(ast.For, ast.While, ast.AsyncFor, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)

ValueOf = Callable[[str], object]
"""Evaluates an expression in the state at the failure; None if it fails."""


class Candidate(NamedTuple):
    """An expression that may work in place of one that fails.

    Attributes:
        text: The expression, which works if its value is a tensor.
        why: What it changes, in a few words.
        repair: What then replaces the failing text, if not the expression itself.
        needs: The shape that its value must have; None for any.
        gives: The shape of the repair's result, if not its value's.
    """

    text: str
    why: str
    repair: str = ""
    needs: Shape | None = None
    gives: Shape | None = None


@dataclass(frozen=True, slots=True)
class _Piece:
    """An operand's text inside the failing expression."""

    start: int
    end: int
    text: str
    shape: Shape


def repairs_of(
    failed: FailedCall, source: Source, span: Span | None, error: ShapeError, value_of: ValueOf
) -> tuple[Repair, ...]:
    """Return texts that can replace the failing one, those that change least first.

    Args:
        failed: The call.
        source: The program.
        span: The place of the expression that made the call.
        error: What `explain_failure` returns for these.
        value_of: Evaluates an expression in the state at the failure, which it leaves as it is.
    """
    code = code_at(source, span)
    return repairs_at(source, code, operand_parts(failed, source, code), error, value_of) if code else ()


def repairs_at(
    source: Source, code: Code, parts: Sequence[ast.expr | None], error: ShapeError, value_of: ValueOf
) -> tuple[Repair, ...]:
    """Return repairs, given the part of the failing code that each operand is."""
    working: dict[str, Repair] = {}
    for one in islice(candidates(source, code, parts, error, working), MOST_TRIED):
        value = None if one.text in working else value_of(one.text)
        if isinstance(value, Tensor) and one.needs in (None, tuple(value.shape)):
            shape = tuple(value.shape) if one.gives is None else one.gives
            working[one.text] = Repair(one.repair or one.text, shape, one.why)
        if len(working) == MOST:
            break
    return tuple(working.values())


def candidates(
    source: Source,
    code: Code,
    parts: Sequence[ast.expr | None],
    error: ShapeError,
    working: Collection[str],
) -> Iterator[Candidate]:
    """Yield what may work, what changes least first.

    Args:
        source: The program.
        code: The failing expression or statement.
        parts: For each operand, the part of the code that it comes from.
        error: The error.
        working: Those before that have worked; what is yielded depends on it.
    """
    text = source.text_of(code)
    if "\n" not in text:
        if isinstance(code, ast.expr):
            yield from _of_expression(source, code, error, parts, working)
        else:
            yield from _of_statement(source, code, error, parts, working)
    elif isinstance(code, ast.expr) and not any(mark in text for mark in "#'\""):
        # Joining the lines of any other might change a string or a comment.
        lines = [line.removesuffix("\\").strip() for line in text.split("\n")]
        alike, one = _alone(_MARGINS.sub("", " ".join(lines)))
        yield from _of_expression(alike, one, error, _in(one, code, parts), working)


def _of_expression(
    source: Source,
    node: ast.expr,
    error: ShapeError,
    parts: Sequence[ast.expr | None],
    working: Collection[str],
) -> Iterator[Candidate]:
    """Yield candidates for an expression on one line of a source."""
    whole = source.text_of(node)
    pieces: dict[int, _Piece] = {}
    for place, part in enumerate(parts):
        if part is not None:
            start = characters(whole, part.col_offset - node.col_offset)
            text = source.text_of(part)
            start, end = _with_brackets(whole, start, start + len(text))
            pieces[place] = _Piece(start, end, text, error.operands[place].shape)
    for one in _candidates(whole, pieces, error, node, source, working):
        if one[0] != whole:
            yield Candidate(*one)


def _of_statement(
    source: Source,
    node: ast.stmt,
    error: ShapeError,
    parts: Sequence[ast.expr | None],
    working: Collection[str],
) -> Iterator[Candidate]:
    """Yield candidates for `x += b` and `x[mask] = 1`, derived from those for `x + b` and `x[mask]`."""
    text = source.text_of
    match node:
        case ast.AugAssign(target=ast.Name() as target, op=op, value=value) if isinstance(op, _ARITHMETIC):
            sign, shape = TABLE.operator(error.operation), error.operands[0].shape
            alike, both = _alone(f"{text(target)} {sign} {_in_brackets(text(value))}")
            sides = [part for part in ast.iter_child_nodes(both) if isinstance(part, ast.expr)]
            for one in _of_expression(alike, both, error, sides[: len(error.operands)], working):
                left, _, right = one.text.partition(f" {sign} ")
                if left == text(target):
                    yield one._replace(repair=f"{left} {sign}= {right}", needs=shape)
        case ast.Assign(targets=[ast.Subscript() as target], value=value) if len(error.operands) == 2:
            (alike, item), reading = _alone(text(target)), copy(error)
            reading.operation = "getitem"
            key = None if parts[1] is None else _in(item, target, parts)[1]
            for one in _of_expression(alike, item, reading, [None, key], working) if key else ():
                yield one._replace(repair=f"{one.text} = {text(value)}", gives=error.operands[0].shape)


def lasting_repairs(error: ShapeError, source: Source, rerun: Callable[[str], object]) -> tuple[Repair, ...]:
    """Return the repairs of an error with which its line succeeds each time that the program comes by it.

    Args:
        error: The error, with repairs that work once.
        source: The program.
        rerun: Runs a program, and raises `ProgramError` if it fails.
    """
    line = error.line or 0
    again = any(
        isinstance(node, _REPEATING) and node.lineno <= line <= (node.end_lineno or line)
        for node in ast.walk(source.tree)
    )
    return tuple(one for one in error.repairs if _lasts(error, one, rerun)) if again else error.repairs


def _lasts(error: ShapeError, repair: Repair, rerun: Callable[[str], object]) -> bool:
    try:
        rerun(error.apply_repair(repair))
    except HaltedError:
        raise
    except LimitError:
        return True  # it was right as far as the trial got
    except ProgramError as other:
        return other.span is None or error.span is None or other.span[:2] != error.span[:2]
    return True


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
    source: Source,
    working: Collection[str],
) -> Iterator[tuple[str, str] | tuple[str, str, str]]:
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
    yield from _relayered(node, error, source)
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


def _relayered(node: ast.expr, error: ShapeError, source: Source) -> Iterator[tuple[str, str, str]]:
    """Yield a call of a new layer that has the right width, in place of a layer that has one."""
    if not isinstance(node, ast.Call) or not error.operands:
        return
    argument = ", ".join(source.text_of(item) for item in node.args)
    for layer, why in _layers(error):
        repair, layers = f"{layer}({argument})", f"({', '.join(_WITH_WIDTHS)})"
        condition = f"isinstance({source.text_of(node.func)}, {layers})"
        yield f"{repair} if {condition} else None", f"a new layer with {why}", repair


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
    whole = isinstance(expression(f"({text})"), ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    return text if whole else f"({text})"
