"""Suggest repairs of a call whose shapes clash; each is run, and only those that work are offered."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import copy, deepcopy
from functools import reduce
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, Repair, ShapeError, Span
from llm_linalg.base.source import Source
from llm_linalg.base.syntax import expression
from llm_linalg.explain.operand_parts import code_at, operand_parts
from llm_linalg.recording.failed_call import FailedCall

MOST = 6
MOST_TRIED = 40
_MASK = 3  # the position of attention's mask among its operands
_ARITHMETIC = ast.Add | ast.Sub | ast.Mult | ast.Div
_WITH_WIDTHS = "(nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding)"
_REPEATING = (
    *(ast.For, ast.While, ast.AsyncFor, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)

Parts = Mapping[int, ast.expr]
"""The part of a failing expression that an operand comes from, by the operand's position."""


class Candidate(NamedTuple):
    """An expression that may work in place of one that fails."""

    tried: ast.expr  # the expression, which works if its value is a tensor
    why: str  # what it changes, in a few words
    repair: str = ""  # what then replaces the failing text, if not the expression itself
    needs: Shape | None = None  # the shape that its value must have; None for any
    gives: Shape | None = None  # the shape of the repair's result, if not its value's


def repairs_of(
    failed: FailedCall,
    source: Source,
    span: Span | None,
    error: ShapeError,
    value_of: Callable[[str], object],
) -> tuple[Repair, ...]:
    """Return texts that can replace the failing one, those that change least first.

    `value_of` evaluates an expression in the state at the failure, which it leaves as it is, or gives None.
    """
    code = code_at(source, span)
    expressions = operand_parts(failed, source, code)
    parts = {place: part for place, part in enumerate(expressions) if part is not None}
    working: dict[str, Repair] = {}
    if isinstance(code, ast.expr):
        candidates = _of_expression(code, parts, error, working)
    else:
        candidates = _of_statement(code, parts, error, working)
    try:
        as_it_is = "" if code is None else ast.unparse(code)
        for one in islice(candidates, MOST_TRIED):
            text = ast.unparse(one.tried)
            value = None if text in working or text == as_it_is else value_of(text)
            if isinstance(value, Tensor) and one.needs in (None, tuple(value.shape)):
                shape = tuple(value.shape) if one.gives is None else one.gives
                working[text] = Repair(one.repair or text, shape, one.why)
            if len(working) == MOST:
                break
    except RecursionError:  # in an expression of hundreds of terms
        return ()
    return tuple(working.values())


def lasting_repairs(error: ShapeError, source: Source, rerun: Callable[[str], object]) -> tuple[Repair, ...]:
    """Return the repairs of an error with which its line succeeds each time that the program comes by it.

    `rerun` runs a program, and raises `ProgramError` if it fails.
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


def _of_statement(
    node: ast.stmt | None, parts: Parts, error: ShapeError, working: Collection[str]
) -> Iterator[Candidate]:
    """Yield candidates for `x += b` and `x[mask] = 1`, derived from those for `x + b` and `x[mask]`."""
    match node:
        case ast.AugAssign(target=ast.Name() as target, op=op, value=value) if isinstance(op, _ARITHMETIC):
            sides = dict(enumerate([target, value][: len(error.operands)]))
            for one in _of_expression(ast.BinOp(target, op, value), sides, error, working):
                if isinstance(one.tried, ast.BinOp) and ast.unparse(one.tried.left) == target.id:
                    repair = ast.unparse(ast.AugAssign(target, op, one.tried.right))
                    yield one._replace(repair=repair, needs=error.operands[0].shape)
        case ast.Assign(targets=[ast.Subscript() as target], value=value) if len(error.operands) == 2:
            reading = copy(error)
            reading.operation = "getitem"
            key = {
                place: part for place, part in parts.items() if place == 1 and part in ast.walk(target.slice)
            }
            for one in _of_expression(target, key, reading, working) if key else ():
                repair = f"{ast.unparse(one.tried)} = {ast.unparse(value)}"
                yield one._replace(repair=repair, gives=error.operands[0].shape)


def _of_expression(
    code: ast.expr, parts: Parts, error: ShapeError, working: Collection[str]
) -> Iterator[Candidate]:
    """Yield what may work in place of an expression, what changes least first.

    It depends on the texts that have worked before.
    """
    shapes = {place: error.operands[place].shape for place in parts}
    turned = {place: _transpose(parts[place], shape) for place, shape in shapes.items() if len(shape) >= 2}
    places = sorted(parts)
    yield from _conversions(code, parts, error)
    yield from _along(code, error)
    for place in sorted(turned, reverse=True):
        yield Candidate(_with(code, {parts[place]: turned[place]}), f"transposes {ast.unparse(parts[place])}")
    if len(places) >= 2:
        a, b = (parts[place] for place in places[:2])
        yield Candidate(_with(code, {a: b, b: a}), "swaps the operands")
        if error.operation == "matmul" and isinstance(code, ast.Call):  # such as mm: no stack of matrices
            yield Candidate(ast.BinOp(a, ast.MatMult(), b), "multiplies each of the matrices")
    yield from _indices(code, parts, error)
    yield from _resized(code, error)
    yield from _relayered(code, error)
    for place in places:
        for axis in (-1, 0):
            new = _filled(f"_.unsqueeze({axis})", parts[place])
            yield Candidate(_with(code, {parts[place]: new}), f"gives {ast.unparse(parts[place])} a new axis")
    both = {parts[place]: turned[place] for place in places[:2] if place in turned}
    if len(both) == 2:
        yield Candidate(_with(code, both), "transposes both")
    yield from _cut(code, parts, error, working)


def _with(code: ast.expr, changes: Mapping[ast.expr, ast.expr]) -> ast.expr:
    """Return a copy of an expression with some of its parts replaced."""
    return deepcopy(code, {id(part): new for part, new in changes.items()})


def _filled(template: str, part: ast.expr) -> ast.expr:
    """Return an expression written with `_` for a part."""
    tree = expression(template)
    gap = next(node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "_")
    return _with(tree, {gap: part})


def _transpose(part: ast.expr, shape: Shape) -> ast.expr:
    if len(shape) > 2:
        return _filled("_.mT", part)
    return part.value if isinstance(part, ast.Attribute) and part.attr == "T" else _filled("_.T", part)


def _conversions(code: ast.expr, parts: Parts, error: ShapeError) -> Iterator[Candidate]:
    """Yield a product whose operands are all converted to the widest of their dtypes."""
    kinds = [tensor.dtype for tensor in error.values]
    if len(set(kinds)) < 2 or error.axes or error.operation not in ("matmul", "linear", "einsum", "dot"):
        return
    widest = reduce(torch.promote_types, kinds)
    method = "_.float()" if widest == torch.float32 else f"_.to({widest})"
    others = [part for place, part in parts.items() if kinds[place] != widest]
    words = f"makes {', '.join(map(ast.unparse, others))} {str(widest).removeprefix('torch.')}"
    yield Candidate(_with(code, {part: _filled(method, part) for part in others}), words)


def _along(code: ast.expr, error: ShapeError) -> Iterator[Candidate]:
    """Yield a cat along each axis."""
    if error.operation != "cat" or not isinstance(code, ast.Call) or not error.operands:
        return
    given = [*code.args[1:], *(keyword.value for keyword in code.keywords if keyword.arg in ("dim", "axis"))]
    for axis in range(len(error.operands[0].shape)):
        along = ast.Constant(axis)
        added = ast.Call(code.func, code.args, [*code.keywords, ast.keyword("dim", along)])
        yield Candidate(_with(code, {given[0]: along}) if given else added, f"joins along axis {axis}")


def _cut(code: ast.expr, parts: Parts, error: ShapeError, working: Collection[str]) -> Iterator[Candidate]:
    """Yield the longer of two clashing axes cut to the shorter; if that fails, its other axes too."""
    if len(error.axes) != 2:
        return
    longer, shorter = sorted(error.axes, key=lambda axis: -axis.size)
    part = parts.get(longer.operand)
    if part is None:
        return
    shape, other = (error.operands[axis.operand].shape for axis in (longer, shorter))
    offset = shorter.axis - longer.axis
    beside = {axis: axis + offset for axis in range(len(shape)) if 0 <= axis + offset < len(other)}
    every = {axis: other[there] for axis, there in beside.items() if 1 < other[there] < shape[axis]}
    if error.operation == "scaled_dot_product_attention" and longer.operand == _MASK < len(error.operands):
        queries, keys = (error.operands[place].shape[-2] for place in (0, 1))
        mask = _filled(f"_[..., :{queries}, :{keys}]", part)
        yield Candidate(_with(code, {part: mask}), f"takes the first {queries} queries and {keys} keys")
    for sizes in ({longer.axis: shorter.size}, every):
        if sizes:
            ends = [f":{sizes[axis]}" if axis in sizes else ":" for axis in range(max(sizes) + 1)]
            cuts = [f"{size} along axis {axis}" for axis, size in sizes.items()]
            edited = _with(code, {part: _filled(f"_[{', '.join(ends)}]", part)})
            yield Candidate(edited, f"takes the first {' and '.join(cuts)}")
            if ast.unparse(edited) in working:
                return


def _resized(code: ast.expr, error: ShapeError) -> Iterator[Candidate]:
    """Yield a reshape with -1 for one size, or for two neighbours, and other ways to reshape."""
    if error.operation not in ("view", "reshape", "expand", "broadcast_to") or not isinstance(code, ast.Call):
        return
    listed = code.args[0] if len(code.args) == 1 else None
    sizes = listed.elts if isinstance(listed, ast.Tuple | ast.List) else code.args
    for several in (1, 2):
        for first in range(len(sizes) - several + 1):
            new = [*sizes[:first], ast.Constant(-1), *sizes[first + several :]]
            text = ", ".join(map(ast.unparse, sizes[first : first + several]))
            call = ast.Call(code.func, new if sizes is code.args else [ast.Tuple(new)], code.keywords)
            yield Candidate(call, f"works out the size that stood as {text}")
    if error.operation == "view" and isinstance(code.func, ast.Attribute):
        tensor = code.func.value
        again = ast.Call(ast.Attribute(tensor, "reshape"), code.args, code.keywords)
        yield Candidate(again, "copies where a view can't be had")
        anew = _with(code, {tensor: _filled("_.contiguous()", tensor)})
        yield Candidate(anew, "lays the cells out anew first")


def _relayered(code: ast.expr, error: ShapeError) -> Iterator[Candidate]:
    """Yield a call of a new layer that has the right width, in place of a layer that has one."""
    if not isinstance(code, ast.Call) or not error.operands:
        return
    for layer, why in _layers(error):
        repair = ast.unparse(ast.Call(expression(layer), code.args, []))
        condition = f"isinstance({ast.unparse(code.func)}, {_WITH_WIDTHS})"
        tried = expression(f"{repair} if {condition} else None")
        yield Candidate(tried, f"a new layer with {why}", repair)


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


def _indices(code: ast.expr, parts: Parts, error: ShapeError) -> Iterator[Candidate]:
    """Yield indices converted to integers or clamped to the table's size; logits and targets flattened."""
    place = _INDICES.get(error.operation)
    if place is None or place not in parts or (error.operation in _ONE_BY_ONE and len(error.axes) > 1):
        return  # a mask, not an index
    index = parts[place]
    yield Candidate(_with(code, {index: _filled("_.long()", index)}), "takes whole numbers")
    if error.axes:
        most = error.axes[0].size - 1
        clamped = _filled(f"_.clamp(0, {most})", index)
        yield Candidate(_with(code, {index: clamped}), f"brings each into 0 to {most}")
    if place == 1 and 0 in parts and error.operation not in _ONE_BY_ONE:
        rows = {parts[0]: _filled("_.flatten(0, -2)", parts[0]), index: _filled("_.flatten()", index)}
        yield Candidate(_with(code, rows), "takes both as rows")
