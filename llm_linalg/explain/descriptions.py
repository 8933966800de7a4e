"""Describe an operation: its shapes in one line, and one sentence on how its cells are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llm_linalg.base.axes import Axes, axes_text
from llm_linalg.explain.formula import is_turned
from llm_linalg.explain.shape_errors import shape_text
from llm_linalg.ops import TABLE
from llm_linalg.ops.arrangement import IndexedSum
from llm_linalg.ops.complex_numbers import Pairs
from llm_linalg.ops.creation import Draw
from llm_linalg.ops.mask import Mask, number_text
from llm_linalg.ops.movement import CONJUGATE, Movement
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.randomness import makes_random_numbers
from llm_linalg.ops.reads import IndexReads
from llm_linalg.ops.rowwise import Cumulative, Rowwise
from llm_linalg.ops.searches import Search
from llm_linalg.recording.record_node import OUTSIDE, RecordNode

_FEW = 3  # operands that a sentence names
_LONG = 40  # columns of operand shapes that leave room for the result's
_REDUCED = {"sum": "adds up", "mean": "is the mean of", "prod": "multiplies"}
_KINDS = {
    "movement": "Each cell of {out} is a cell of {first}: the same number under another index.",
    "mask": "A cell keeps its value where the rule lets it; elsewhere it {filled}.",
    "creation": "{out} is {made}: no other tensor goes into it.",
    "input": "{out} comes from outside: it is an input.",
    "rowwise": "Each cell of {out} depends on {line}.",
    "reduction": "Each cell of {out} {made} {line}.",
    "composite": "{out} is made in several simpler steps. Go in to see them.",
    "matrix": "A cell of {out} is made from a whole matrix of {first}.",
    "search": "A cell of {out} is counted or looked for among the cells of {first}.",
    "measured": "What a cell of {out} depends on is measured, by one backward pass.",
    "pairs": "Each cell of {out} is a part of a complex number of {first}, its real or its imaginary one.",
}

_LIKE = "{out} is {made}: no cell of {first} goes into it."
_RUNNING = "Each cell of {out} is made from the cells of {first} up to its own."
_PAIRED = "A cell of {out} is made from two cells of {first}: its real and its imaginary part."
_DRAWN = "Each cell of {out} is drawn at random around the same cell of {first}."
_SUMMED = (
    "A cell of {out} is made from the same cell of {first} and those of {source} that {index} puts there."
)
_REPLACED = (
    "A cell of {out} is made from those of {source} that {index} puts there; without one it is {first}'s."
)
_TURNED = "Each cell of {out} is the conjugate of a cell of {first} under another index."
_DROPPED = "Some cells of {first}, drawn at random, become 0. The others grow: the mean stays about the same."
_UNKNOWN = "What a cell of {out} depends on is not known."
_WRITES = {  # the parameter that is written, and the sentence
    "setitem": ("value", "What is written {becomes} {value}; the other cells of {out} stay as they were."),
    "fill": ("value", "Every cell of {out} becomes {value}."),
    "init_constant": ("val", "Every cell of {out} becomes {value}."),
    "zero": ("", "Every cell of {out} becomes 0."),
    "copy": ("src", "Every cell of {out} becomes a cell of {value}."),
    "set_data": ("new_data", "{out} lies where {value} does from now on; its gradient goes on as before."),
    **dict.fromkeys(
        (
            *("uniform", "normal_", "random", "exponential", "bernoulli_"),
            *("init_uniform", "init_normal", "init_kaiming_uniform"),
        ),
        ("", "Every cell of {out} is drawn at random, whatever stood there."),
    ),
}


def shape_line(node: RecordNode) -> str:
    """Return the shapes in one line: `(3, 2) @ (2, 4) → (3, 4)   inner 2 = 2 ✓`."""
    shapes = [shape_text(tuple(operand.value.shape)) for operand in node.operands]
    result, operation = shape_text(node.shape), TABLE.operations.get(node.op)
    if not shapes:
        axes = len(node.shape)
        return f"{node.op} → {result}   {axes} {'axis' if axes == 1 else 'axes'}"
    if node.op == "linear":
        # The weight is stored (out, in) and used transposed: that is what the line shows.
        shapes[1] = f"{shapes[1]}ᵀ"
        left = f"{shapes[0]} @ {shapes[1]}" + (f" + {shapes[2]}" if len(shapes) > 2 else "")
    elif operation and (sign := _sign(operation, node.call)) and len(shapes) == 2:
        left = f" {sign} ".join(shapes)
    else:
        left = f"{node.op} {', '.join(shapes[:4])}" + (" …" if len(shapes) > 4 else "")
        if len(left) > _LONG and len(set(shapes)) == 1:
            left = f"{node.op} {len(shapes)} × {shapes[0]}"
    note = _note(node)
    return f"{left} → {result}" + (f"   {note}" if note else "")


def _sign(operation: Operation, call: Call | None) -> str:
    """Return what stands between the shapes of two operands; empty where the call means no sign."""
    return (operation.operator_for(call) if call else operation.operator) or operation.symbol


def _note(node: RecordNode) -> str:
    axes = node.axes
    if axes is None or not node.operands:
        return ""
    if node.kind == "contraction" and len(axes.reduction_labels) == 1 and len(axes.operands) > 1:
        size = axes.sizes[axes.reduction_labels[0]]
        return f"inner {size} = {size} ✓"
    if node.kind == "reduction" or (node.kind == "contraction" and len(axes.operands) == 1):
        gone = _gone(axes)
        is_sum = node.op == "sum" or node.kind == "contraction"
        one, two = ("is summed away", "are summed away") if is_sum else ("disappears", "disappear")
        if len(axes.output) == len(axes.operands[0]):  # keepdim=True
            one, two = "shrinks to 1", "shrink to 1"
        return f"{axes_text(gone)} {one if len(gone) == 1 else two}" if gone else ""
    if node.kind not in ("pointwise", "mask"):
        return ""
    repeated = [
        (operand.title, along)
        for place, operand in enumerate(node.operands[: len(axes.operands)])
        if (along := _repeats(axes, place))
    ]
    if not repeated:
        return ""
    title, along = repeated[0]
    if len(repeated) == 1:
        return f"{title} repeats along {axes_text(along)}"
    # Two are described in fewer words, to fit into 80 columns.
    other, across = repeated[1]
    return f"{title} repeats on {axes_text(along)}, {other} on {', '.join(map(str, across))}"


def _gone(axes: Axes) -> list[int]:
    """Return the axes of a reduction's operand that its result lacks, or has with one cell."""
    return [axis for axis, label in enumerate(axes.operands[0]) if label in axes.reduction_labels]


def _repeats(axes: Axes, operand: int) -> list[int]:
    """Return the axes of the output along which an operand is broadcast."""
    own = dict(zip(axes.operands[operand], axes.broadcast(operand), strict=True))
    return [
        axis
        for axis, label in enumerate(axes.output)
        if axes.sizes[label] > 1 and (own.get(label, label not in own))
    ]


_UNMADE = {
    "parameter": "is a parameter: training changes it",
    OUTSIDE: "was written from outside: what made its cells was not recorded",
}


def sentence(node: RecordNode, order: str) -> str:
    """Return one sentence on how a step of an order computes its cells."""
    operation = node.call.operation if node.call else None
    if node.gap is not None:
        return f"{node.title} is as turn {node.gap.last:,} left it: {node.gap.says}."
    if unmade := _UNMADE.get(OUTSIDE if node.is_made_outside else node.op):
        return f"{node.title} {unmade}."
    if node.kind == "contraction" and node.axes is not None:
        return _contraction(node, node.axes, order)
    if node.call and isinstance(operation, IndexedSum):
        return _indexed(node, node.call, operation)
    if node.kind == "pointwise" and not node.shape:  # which has no cells
        made = " and ".join(dict.fromkeys(operand.title for operand in node.operands))
        return f"{node.title} is made from {made}."
    if node.kind == "pointwise":
        return f"A cell of {node.title} is made from {_pointwise(node)}."
    if node.kind == "reduction" and not (node.shape and node.axes is not None and _gone(node.axes)):
        return f"{node.title} is made from all of {_source(node)}."
    if node.kind == "movement" and (words := _movement(node)):
        return words
    return _words(node).format(out=node.title, first=_source(node), **_parts(node))


def _parts(node: RecordNode) -> Mapping[str, str]:
    """Return what else stands in the sentence of a kind."""
    call, operation = node.call, node.call.operation if node.call else None
    if node.kind == "creation":
        is_drawn = call is not None and makes_random_numbers(call.function)
        return {"made": "drawn at random" if is_drawn else "made from plain numbers"}
    if node.kind == "reduction" and node.axes is not None:
        line = _line(node, _gone(node.axes), "one {} of", "the cells of")
        return {"made": _REDUCED.get(node.op, "is made from"), "line": line}
    if call and isinstance(operation, Rowwise):
        return {"line": _line(node, operation.dims(call), "its whole {} in", "all cells of")}
    if node.kind == "mask":
        value = operation.filled_with(call) if call and isinstance(operation, Mask) else ""
        return {"filled": f"becomes {value}" if value else "is replaced, whatever stood there"}
    return {}


def _indexed(node: RecordNode, call: Call, operation: IndexedSum) -> str:
    first, index, source = (
        node.operands[call.place(name) or 0].title for name in ("input", "index", operation.source)
    )
    words = _SUMMED if call.arguments.get("include_self", True) else _REPLACED
    return words.format(out=node.title, first=first, index=index, source=source)


def _words(node: RecordNode) -> str:
    """Return the sentence of a kind of operation, or of one that differs from its kind."""
    operation = node.call.operation if node.call else None
    if isinstance(operation, Cumulative):
        return _RUNNING
    if isinstance(operation, Pairs) and not operation.apart:
        return _PAIRED
    if node.kind == "creation" and node.operands:  # such as ones_like
        return _LIKE
    if isinstance(operation, Draw):
        return _DRAWN
    if node.op == "dropout" and node.kind == "mask":
        return _DROPPED
    if node.evidence == "opaque" and node.kind == "measured":
        return _UNKNOWN
    return _KINDS.get(node.kind, _UNKNOWN)


def _line(node: RecordNode, axes: Sequence[int], line: str, otherwise: str) -> str:
    """Return the cells of the first operand along some axes: `one row of x`, or with the axes' numbers.

    Args:
        node: The node that reads them.
        axes: The axes.
        line: The words for a row or a column, which takes the place of `{}`.
        otherwise: The words for cells along axes with numbers.
    """
    of, rank = _source(node), node.operands[0].value.dim()
    if tuple(axes) == (rank - 1,):
        return f"{line.format('row')} {of}"
    if tuple(axes) == (0,) and rank == 2:
        return f"{line.format('column')} {of}"
    return f"{otherwise} {of} along {axes_text(axes)}" if len(axes) < rank else f"all of {of}"


def tells_more(node: RecordNode) -> bool:
    """Return whether the sentence says more than a formula with the cells in it does.

    It doesn't where each cell is made from the same cells of its operands, or is one of them.
    """
    if node.gap is not None:
        return True
    if node.kind == "pointwise":
        places = range(len(node.operands) if node.axes is None else len(node.axes.operands))
        return bool(node.shape) and node.axes is not None and any(_repeats(node.axes, k) for k in places)
    return node.kind != "movement" or (bool(node.shape) and bool(_movement(node)))


def _movement(node: RecordNode) -> str:
    """Return the sentence of a movement whose cells are not just those of another tensor; else nothing."""
    call = node.call
    if call and call.operation.phrase_for(call) == CONJUGATE:
        return _TURNED.format(out=node.title, first=_source(node))
    if node.op in _WRITES and call is not None:
        name, words = _WRITES[node.op]
        place = call.place(name)
        value = node.operands[place].title if place is not None else number_text(call[name]) if name else ""
        becomes = "becomes" if place is None else "comes from"
        return words.format(out=node.title, value=value, becomes=becomes)
    if not node.dropped and any(
        isinstance(reads, IndexReads) and bool((reads.source == 0).any()) for reads in node.operand_reads
    ):  # such as those beside a diagonal
        return f"Each cell of {node.title} is a cell of {_source(node)}, or it is filled in."
    if node.op == "stack" and not any(operand.value.dim() for operand in node.operands):
        return f"Each cell of {node.title} is one of the numbers that are stacked."
    if not node.shape:
        return f"{node.title} is a cell of {_source(node)}: the same number under another index."
    return ""


def _pointwise(node: RecordNode) -> str:
    """Return which cells an elementwise result reads: the same one, except in broadcast operands."""
    axes = node.axes
    repeated = {
        operand.title: None
        for place, operand in enumerate(node.operands)
        if axes is not None and place < len(axes.operands) and _repeats(axes, place)
    }
    same = dict.fromkeys(operand.title for operand in node.operands if operand.title not in repeated)
    parts = [f"the same cell of {' and '.join(same)}"] if same else []
    parts += [
        f"one of {title}" if parts or place else f"one cell of {title}"
        for place, title in enumerate(repeated)
    ]
    if not repeated:
        return " and ".join(parts)
    return f"{' and '.join(parts)}, which {'repeats' if len(repeated) == 1 else 'repeat'}"


def _source(node: RecordNode) -> str:
    """Return where a movement's cells come from: the table of a look-up, each operand of a cat."""
    operation = node.call.operation if node.call else None
    places = [0] if node.operands else []
    if node.call and isinstance(operation, Movement):
        places = [place for name in operation.data for place in node.call.places.get(name, ())]
    if node.call and isinstance(operation, Search):
        places = [*node.call.places[operation.among]]
    titles = dict.fromkeys(node.operands[place].title for place in places)
    if len(titles) > _FEW:
        return f"one of {len(places)} tensors"
    return " or ".join(titles) or node.title


def _contraction(node: RecordNode, axes: Axes, order: str) -> str:
    out = node.title
    cell = f"A cell of {out}" if node.shape else out
    factors = [place for place in range(len(node.operands)) if place != node.bias_position]
    if not axes.reduction_labels:
        if len(factors) == 1:
            return f"{cell} is one cell of {node.operands[0].title}."
        return f"{cell} is one product: nothing is summed."
    along = ", ".join(axes.reduction_labels)
    if len(factors) == 1:
        return f"{cell} is a sum of cells of {node.operands[0].title} along {along}."
    if len(factors) != 2:
        return f"{cell} is a sum of products along {along}."
    left, right = (_slice_words(node, axes, place) for place in factors)
    one, two = (node.operands[place].title for place in factors)
    turned = is_turned(axes, factors[1])
    other = f"the transpose of {two}" if turned else f"the whole of {two}"
    column = f"a row of {two}" if turned else _slice_words(node, axes, factors[1])
    pairs = ", entry by entry" if all(len(axes.operands[place]) == 1 for place in factors) else ""
    whole = {
        "cells": f"{cell} is {left} times {right}{pairs}, summed.",
        "terms": f"{cell} is a sum of products, one term at a time.",
        "rows": f"A row of {out} is a row of {one} times {other}.",
        "columns": f"A column of {out} is the whole of {one} times {column}.",
        "outer": _outer_words(node, factors, turned),
        "wave": f"The cells of {out} with equal i + j can be made at the same time.",
    }
    text = whole[order]
    beside = node.bias_position
    if beside is not None and order != "wave":
        text = f"{text[:-1]}; {node.operands[beside].title} is added."
    return text


def _outer_words(node: RecordNode, factors: list[int], turned: bool) -> str:
    first, second = (node.operands[place] for place in factors)
    if len(node.shape) == 1:
        side, matrix, vector = ("columns", first, second)
        if first.value.dim() == 1:
            side, matrix, vector = ("columns" if turned else "rows", second, first)
        return (
            f"{node.title} is a sum of {side} of {matrix.title}, each scaled by an entry of {vector.title}."
        )
    row = f"{'column' if turned else 'row'} of {second.title}"
    return f"{node.title} is a sum of outer products: a column of {first.title} ⊗ a {row}."


def _slice_words(node: RecordNode, axes: Axes, place: int) -> str:
    """Return the part of an operand that a cell reads: `a row of x`, `a column of W`, or a vector itself."""
    labels, name = axes.operands[place], node.operands[place].title
    if len(labels) < 2:
        return name
    if is_turned(axes, place):
        return f"a row of {name}"
    if labels[-2] in axes.reduction_labels and labels[-1] not in axes.reduction_labels:
        return f"a column of {name}"
    return f"a slice of {name}"
