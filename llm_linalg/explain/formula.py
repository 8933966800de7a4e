"""Write a step as one line of arithmetic: `done + [current] + (pending) = value`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any, TypeVar

import torch
from torch import Tensor

from llm_linalg.analysis.parts import parts_of
from llm_linalg.base.arithmetic import comes_to
from llm_linalg.base.axes import Axes
from llm_linalg.base.cells import Box, Cells, Diagonal, Index
from llm_linalg.base.numbers import Formatter, adds_up
from llm_linalg.explain.combination import MOST_NUMBERS, Combination, CombinationTerm, combination_of
from llm_linalg.ops.mask import MASK_PARAMETERS, Mask
from llm_linalg.ops.pointwise import Pointwise
from llm_linalg.ops.reads import OpaqueReads
from llm_linalg.ops.reduction import Reduction
from llm_linalg.ops.terms import Number, State, Term
from llm_linalg.recording.record_node import N, Operand, RecordNode
from llm_linalg.walks.orders import orders_of
from llm_linalg.walks.walk import Step, Walk

SHOWN_POWERS = 3  # of a row that is written whole
SHOWN_TERMS = 6
LONGEST_SUM = 56  # characters of a sum of vectors that are written in numbers, not by their names
T = TypeVar("T")
S = TypeVar("S", bound=str)
_MADE = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_WHOLE = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}
_BARE_POINT = re.compile(r"\.(?=[+j-]|$)")
_SIGN = re.compile(r"(?<=[^e])[+-]")
_PLACE = re.compile(r"\{(\w+)\}")


def format_number(value: Any) -> str:
    """Return a number as a formula shows it: four decimals, whole numbers bare."""
    if isinstance(value, bool) or value is None or not isinstance(value, int | float | complex):
        return str(value)
    return _BARE_POINT.sub("", Formatter.of([value]).token(value))


def cell_name(name: str, index: Index) -> str:
    """Return a cell's name: `Y[1,1]`; a scalar is its name alone."""
    return f"{name}[{','.join(map(str, index))}]" if index else name


def node_cell(node: RecordNode, index: Index) -> str:
    """Return the name of a node's cell: `Y[1,1]`, `(x * y)[0]`; of a scalar its title alone."""
    return cell_name(node.title_of_cells, index) if index else node.title


def walk_of(node: RecordNode, order: str | None = None) -> Walk:
    """Return a node's walk in a loop order, by default the first.

    Raises:
        ValueError: If the node has no such order.
        LookupError: If its values were dropped.
    """
    node.require_values()
    orders = orders_of(node)
    chosen = orders[0] if order is None else order
    if chosen not in orders:
        raise ValueError(f"{node.op} has no order {chosen!r}: it has {', '.join(orders)}")
    return Walk(node, chosen, step_text)


def step_text(walk: Walk, step: Step) -> str:
    """Return one line on what a step does: `Y[1,1] = -2.1788·0.8380 + [0.5684·0.1820] = -1.7224`."""
    if step.cell is None:
        return block_text(walk, step)
    return f"{node_cell(walk.node, step.cell)} = {right_side(walk.node, step.cell, step)}"


def right_side(node: RecordNode, index: Index, step: Step) -> str:
    """Return the right-hand side of a cell's formula."""
    rule = node.mask_rule(index)
    value = format_number(node.value[index].item())
    if rule:
        return f"{value}   {rule}"
    if node.kind in ("creation", "input"):
        return value
    if node.term_count is not None:
        return sum_text(step, divisor(node))
    made = phrase(node, index)
    if made is None:
        made = ", ".join(_sources(node, index))
        if node.kind not in ("movement", "mask"):
            return f"{value}   from {made}" if made else value
        call = node.call
        passing = call.operation.pass_rule(call, index) if call and isinstance(call.operation, Mask) else ""
        return f"{made} = {value}{passing and f', as {passing}'}" if made else value
    if _wraps(node, index) or _overflows(node, index):
        return f"{made} → {value} in {node.dtype}"
    return f"{made} {'≈' if comes_to(made, value) is False else '='} {value}"


def _overflows(node: RecordNode, index: Index) -> bool:
    """Return whether a pointwise cell is infinite only since its dtype has no number so large."""
    call = node.call
    if call is None or not isinstance(call.operation, Pointwise) or not node.value[index].isinf().item():
        return False
    read = zip(node.operands, node.reads(index), strict=True)
    wide = [operand.value[cell].double() for operand, cells in read for cell in cells]
    return len(wide) == len(node.operands) and bool(call.replay(wide).isfinite().item())


def _wraps(node: RecordNode, index: Index) -> bool:
    """Return whether a cell is no longer what its signs say, since its dtype has no number so large."""
    call, operation = node.call, node.call.operation if node.call else None
    dtypes = {tensor.dtype for tensor in (node.value, *(operand.value for operand in node.operands))}
    if call is None or not isinstance(operation, Pointwise) or not dtypes <= _WHOLE:
        return False
    if node.dtype != "int64":
        read = zip(node.operands, node.reads(index), strict=True)
        wide = [operand.value[cell].long() for operand, cells in read for cell in cells]
        return len(wide) == len(node.operands) and call.replay(wide).item() != node.value[index].item()
    sign = operation.operator_for(call)
    if sign not in ("+", "-", "*"):
        return False
    values = operation.values(call, index)
    return bool(_MADE[sign](values["input"], values["other"]) != node.value[index].item())


def divisor(node: RecordNode) -> int | None:
    """Return the number by which an average divides the sum of its terms; None if it is no average."""
    operation = node.call.operation if node.call else None
    averages = isinstance(operation, Reduction) and operation.averages
    return node.term_count or None if averages else None


def sum_text(step: Step, count: int | None = None) -> str:
    """Return a step's terms with their states, elided in the middle, and their sum.

    An average divides it by its count: `(0.25 + 1 + [4]) / 3`.
    """
    terms: Sequence[Term] = step.terms
    current = step.current
    short = format_number(step.value)
    if current is None or (len(terms) == 1 and len(terms[0].factors) == 1):
        return short
    if count is not None:  # the terms of an average without their common factor
        terms = [Term(term.factors[:1], term.factors[0], term.state) for term in terms]
    write = format_number if count is None else short_writer(format_number)
    shown = elide_terms(terms, current)
    items = [one if isinstance(one, int) else (factors_text(one.factors, write), one.state) for one in shown]
    added = "".join(text for text, _ in sum_pieces(items, "done"))
    sign = "≈"
    if len(terms) <= SHOWN_TERMS:
        values = [format_number(term.value) for term in terms if term.state != "pending"]
        is_exact = adds_up(values, short) if count is None else averages_to(values, count, short)
        sign = "=" if is_exact else "≈"
    total = added if count is None else f"({added}) / {count}"
    if step.exceeded:
        return f"{total} → {short} in {step.exceeded}"
    return f"{total} {sign} {short}{' so far' if current < len(terms) - 1 else ''}"


def sum_pieces(items: Iterable[tuple[str, S] | int], gap: S, *, brackets: bool = True) -> list[tuple[str, S]]:
    """Return terms as they are added up, each with its state: `1·2`, ` - [3·4]`, ` + … 5 more …`.

    A number among the items stands for so many that are left out, whose state is `gap`.
    """
    pieces: list[tuple[str, S]] = []
    for item in items:
        text, state = (f"… {item} more …", gap) if isinstance(item, int) else item
        if brackets and state in ("current", "pending"):
            text = f"[{text}]" if state == "current" else f"({text})"
        if pieces:  # what is negative is taken off
            text = f" - {text[1:]}" if text.startswith("-") else f" + {text}"
        pieces.append((text, state))
    return pieces


def averages_to(values: Sequence[str], count: int, total: str) -> bool:
    """Return whether displayed numbers, added and divided by `count`, give a displayed number."""
    try:
        return sum(map(Fraction, values)) == Fraction(total) * count
    except ValueError:
        return adds_up(values, total)  # NaN and infinities stay what they are


def short_writer(write: Callable[[Number], str]) -> Callable[[Number], str]:
    """Return a function that writes a number without the zeros at the end of its decimals."""
    return lambda value: _without_zeros(write(value))


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def elide_terms(terms: Sequence[T], current: int) -> list[T | int]:
    """Return at most `SHOWN_TERMS` items: terms, always with the current one and its neighbours.

    An integer stands for that many terms left out.
    """
    if len(terms) <= SHOWN_TERMS:
        return list(terms)
    count, last = SHOWN_TERMS - 2, len(terms) - 1
    start = min(max(current - count // 2, 1), last - count)
    left, right = start - 1, last - start - count
    middle = terms[start : start + count]
    return [terms[0], *[left] * bool(left), *middle, *[right] * bool(right), terms[-1]]


def factors_text(factors: Sequence[Number], write: Callable[[Number], str]) -> str:
    """Return numbers that are multiplied: `0.5684·(-1.5091)`."""
    if len(factors) == 1:
        return write(factors[0])
    first, *others = map(write, factors)
    inner = [f"({other})" if other.startswith("-") or _is_sum(other) else other for other in others]
    return "·".join([f"({first})" if _is_sum(first) else first, *inner])


def _is_sum(text: str) -> bool:
    """Return whether a number is written with two parts, as a complex one is."""
    return text.endswith("j") and bool(_SIGN.search(text))


Piece = tuple[str, State]


def combination_pieces(combination: Combination, write: Callable[[Number], str]) -> list[Piece]:
    """Return a weighted sum of vectors as pieces of text with their states: `1·[1 4]`, ` + [2·[2 5]]`.

    The vectors stand there in numbers if that is short and they have no words of their own, else by name.
    """
    # A word that a mask hides has weight 0 exactly, and no part in the sum.
    weighted = [term for term in combination.terms if not (term.is_word and term.weight == 0)]
    terms = weighted or combination.terms
    current = next((k for k, term in enumerate(terms) if term.state == "current"), len(terms) - 1)
    shown = elide_terms(terms, current)
    in_numbers = all(term.numbers and not term.is_word for term in terms if term.weight is not None)
    written = _pieces(shown, write, in_numbers)
    if in_numbers and sum(len(text) for text, _ in written) > LONGEST_SUM:
        return _pieces(shown, write, False)
    return written


def _pieces(
    shown: Sequence[CombinationTerm | int], write: Callable[[Number], str], in_numbers: bool
) -> list[Piece]:
    items: list[Piece | int] = []
    for item in shown:
        if isinstance(item, int):
            items.append(item)
        elif item.weight is None:
            items.append((item.name, item.state))
        else:
            vector = vector_text(item.numbers, write) if in_numbers else item.name
            items.append((f"{write(item.weight)}·{vector}", item.state))
    return sum_pieces(items, "done")


def vector_text(numbers: Sequence[Number], write: Callable[[Number], str]) -> str:
    """Return a vector in one line: `[1 4]`."""
    return f"[{' '.join(map(write, numbers))}]"


def phrase(node: RecordNode, index: Index) -> str | None:
    """Return the operation's phrase with a cell's numbers filled in; None if it has no phrase."""
    operation = node.call.operation if node.call else None
    if operation is None or node.call is None or not operation.phrase:
        return None
    text = operation.phrase_for(node.call)
    if not text:
        return None
    if isinstance(operation, Pointwise):
        call, values = node.call, operation.values(node.call, index)

        def write(name: str) -> str:
            shown = format_number(values.get(name))
            return shown if call.place(name) is not None else _without_zeros(shown)

        return _fill(text, write)
    return _fill(text, lambda name: _part(node, name, index))


def _part(node: RecordNode, name: str, index: Index) -> str:
    """Return what to fill into a phrase: the cells read, their powers, a number, or a cell."""
    if name == "powers":  # as softmax is defined; what is taken off first is seen inside
        cells = node.reads(index)[0]
        powers = [node.operands[0].value[cell].item() for cell in islice(cells, SHOWN_POWERS)]
        shown = powers if len(cells) <= SHOWN_POWERS else powers[:1]
        return " + ".join([f"exp({format_number(one)})" for one in shown] + ["…"] * (len(cells) > len(shown)))
    if name == "cells":
        cells = node.reads(index)[0]
        read = node.operands[0].value
        if node.call and node.call.arguments.get("dtype") is not None:  # they are cast before
            read = read.to(node.value.dtype)
        values = [format_number(read[cell].item()) for cell in islice(cells, SHOWN_TERMS)]
        more = [f"… {len(cells) - SHOWN_TERMS} more"] if len(cells) > SHOWN_TERMS else []
        return ", ".join(values + more)
    place = node.call.place(name) if node.call else None
    number = node.call.arguments.get(name) if node.call else None
    if isinstance(number, int | float):
        return _without_zeros(format_number(number))
    inner: Tensor = (
        next(part.value for part in parts_of(node) if part.name == name)
        if place is None
        else node.operands[place].value
    )
    own = index[len(index) - inner.dim() :]
    at = tuple(0 if size == 1 else i for i, size in zip(own, inner.shape, strict=True))
    return format_number(inner[at].item())


def _fill(text: str, value: Callable[[str], str]) -> str:
    def put(match: re.Match[str]) -> str:
        shown = value(match[1])
        before, after = text[: match.start()].rstrip()[-1:], text[match.end() :].lstrip()
        inside = before in tuple("+-·/^") or after.startswith(("^", "²"))
        is_sum = _is_sum(shown)
        is_open = inside and (is_sum or shown.startswith("-"))
        is_open = is_open or (is_sum and (before == "√" or after.startswith(("·", "/"))))
        return f"({shown})" if is_open else shown

    return _PLACE.sub(put, text)


def _sources(node: RecordNode, index: Index) -> Iterator[str]:
    deciding = _deciding(node)
    for place, (operand, cells) in enumerate(zip(node.operands, node.reads(index), strict=True)):
        if 0 < len(cells) <= 2 and place not in deciding:
            yield from (cell_name(operand.title_of_cells, cell) for cell in cells)
        elif cells and place not in deciding:
            yield f"{len(cells)} cells of {operand.title}"


def _deciding(node: RecordNode) -> set[int | None]:
    """Return the positions of operands that only decide what passes, or where to: a mask, an index."""
    call = node.call
    if node.kind == "movement":
        return {place for place, reads in enumerate(node.operand_reads) if isinstance(reads, OpaqueReads)}
    if call is None or not isinstance(call.operation, Mask):
        return set()
    return {call.place(name) for name in MASK_PARAMETERS if name in call.arguments}


def block_text(walk: Walk, step: Step) -> str:
    """Return one line on a step that writes several cells: `y = 1·[1 4] + [2·[2 5]] = [5 14]`."""
    node = walk.node
    combination = combination_of(walk, step)
    if combination is not None:
        added = "".join(piece for piece, _ in combination_pieces(combination, format_number))
        left = "" if combination.is_complete else " so far"
        total = f" = {vector_text(combination.values, format_number)}" if combination.values else ""
        return f"{combination.target} = {added}{total}{left}"
    left = block_name(node.title_of_cells, step.writes, node.shape)
    if node.kind == "mask":
        passing = len(step.reads[0]) if step.reads else 0
        return f"{left}: {passing} of {len(step.writes)} cells pass"
    if node.kind != "contraction":
        sources = [
            _block_of(operand, cells)
            for operand, cells in zip(node.operands, step.reads, strict=True)
            if cells
        ]
        return f"{left} from {', '.join(sources)}" if sources else f"{left}: {len(step.writes)} cells"
    if isinstance(step.writes, Diagonal):
        return f"{left} = {_front_text(node, step.writes)}"
    factors = [
        _block_of(operand, cells) + _turned(walk, place)
        for place, (operand, cells) in enumerate(zip(node.operands, step.reads, strict=True))
        if place != node.bias_position and cells
    ]
    beside = node.bias_position
    if walk.order == "outer":
        added = " ⊗ ".join(factors)
        if not factors and beside is not None:
            added = _block_of(node.operands[beside], step.reads[beside])
        rest = "" if step.index == len(walk) - 1 else f"   (so far {step.index + 1} of {len(walk)})"
        return f"{left} += {added}{rest}"
    bias = "" if beside is None else f" + {node.operands[beside].title}"
    return f"{left} = {' · '.join(factors)}{bias}"


def _block_of(operand: Operand[N], cells: Cells) -> str:
    return block_name(operand.title_of_cells, cells, tuple(operand.value.shape))


def _front_text(node: RecordNode, front: Diagonal) -> str:
    """Return how each cell on the front of a wave is made: `x[i, :] · W[:, j]`, with a bias `+ b[j]`."""
    axes = node.axes
    if axes is None:
        return ""
    names = dict(zip(axes.output, [*map(str, front.prefix), "i", "j"], strict=True))

    def named(place: int) -> str:
        operand = node.operands[place]
        sizes = zip(axes.operands[place], operand.value.shape, strict=True)
        own = ["0" if size == 1 and label in names else names.get(label, ":") for label, size in sizes]
        return f"{operand.title_of_cells}[{', '.join(own)}]" if own else operand.title

    beside = node.bias_position
    factors = [named(place) for place in range(len(node.operands)) if place != beside]
    return " · ".join(factors) + ("" if beside is None else f" + {named(beside)}")


def numbers_below(walk: Walk, step: Step) -> list[list[Number]]:
    """Return the numbers below the text of a step; [] where there are none, or too many.

    Of an outer product they are the two vectors, of the front of a wave its values, from the first row on.
    """
    node = walk.node
    read = [(node.value, step.writes)]
    if walk.order == "outer":
        operands = enumerate(zip(node.operands, step.reads, strict=True))
        read = [
            (operand.value, cells)
            for place, (operand, cells) in operands
            if place != node.bias_position and cells
        ]
    is_shown = (walk.order, len(read)) in (("outer", 2), ("wave", 1))
    if not is_shown or not all(0 < len(cells) <= MOST_NUMBERS for _, cells in read):
        return []
    return [[value[cell].item() for cell in cells] for value, cells in read]


@dataclass(frozen=True, slots=True)
class BlockNumbers:
    """A step that writes several cells, in numbers."""

    left: str  # the name of the cells that are written
    values: tuple[Number, ...]  # their numbers: all, or the first ones and the last
    is_whole: bool = True  # whether they are all
    sign: str = ""  # the operator between two operands whose cells are paired; empty for any other operation
    operands: tuple[tuple[Number, ...], ...] = ()  # the cells of those two, one number where it is repeated


def block_numbers(walk: Walk, step: Step) -> BlockNumbers | None:
    """Return the numbers of a step that writes several cells; None if it is a step of a product."""
    node, writes = walk.node, step.writes
    if step.cell is not None or node.kind == "contraction" or walk.order == "wave" or not len(writes):
        return None
    left = block_name(node.title_of_cells, writes, node.shape)
    if len(writes) > MOST_NUMBERS:
        if not isinstance(writes, Box):
            return None
        ends = [*islice(writes, MOST_NUMBERS - 2), tuple(r[-1] for r in writes.ranges)]
        return BlockNumbers(left, tuple(node.value[cell].item() for cell in ends), is_whole=False)
    values = tuple(node.value[cell].item() for cell in step.writes)
    operation = node.call.operation if node.call else None
    sign = ""
    if isinstance(operation, Pointwise) and node.call:
        sign = operation.symbol or operation.operator_for(node.call)
    pair = tuple(
        tuple(operand.value[cell].item() for cell in cells)
        for operand, cells in zip(node.operands, step.reads, strict=True)
        if len(cells) <= MOST_NUMBERS
    )
    if sign not in _MADE or len(pair) != 2 or len(node.operands) != 2:
        return BlockNumbers(left, values)
    one, other = (numbers * (len(values) if len(numbers) == 1 else 1) for numbers in pair)
    paired = len(one) == len(other) == len(values) and all(
        _agree(sign, a, b, value) for a, b, value in zip(one, other, values, strict=True)
    )
    return BlockNumbers(left, values, True, sign, pair) if paired else BlockNumbers(left, values)


def _agree(sign: str, one: Number, other: Number, value: Number) -> bool:
    """Return whether a value is made by a sign alone: not so with `alpha`, or a rounding mode."""
    if isinstance(one, complex) or isinstance(other, complex) or isinstance(value, complex):
        return False
    if not all(map(math.isfinite, (one, other, value))) or (not other and sign == "/"):
        return False
    return math.isclose(_MADE[sign](one, other), value, rel_tol=1e-3, abs_tol=1e-6)


def is_turned(axes: Axes, place: int) -> bool:
    """Return whether the rows of an operand run along the inner axis of a product, and no columns do."""
    labels, inner = axes.operands[place], axes.reduction_labels
    return len(labels) >= 2 and labels[-1] in inner and labels[-2] not in inner


def _turned(walk: Walk, place: int) -> str:
    """Return the sign of a transpose for a second matrix that is used as its transpose."""
    node, axes = walk.node, walk.node.axes
    last = [p for p in range(len(node.operands)) if p != node.bias_position][-1:]
    turned = axes is not None and [place] == last and is_turned(axes, place)
    return "ᵀ" if turned and walk.order != "outer" else ""


def block_name(name: str, cells: Cells, shape: tuple[int, ...]) -> str:
    """Return the name of a block of cells: `W[:, 2]`, `x[0:3, 1]`, or the front of a wave."""
    if isinstance(cells, Diagonal):
        prefix = "".join(f"{i}," for i in cells.prefix)
        return f"{name}[{prefix}i+j={cells.total}]"
    if not isinstance(cells, Box):
        return f"{len(cells)} cell{'s' * (len(cells) != 1)} of {name}"
    if not shape:
        return name
    return f"{name}[{', '.join(_span(r, size) for r, size in zip(cells.ranges, shape, strict=True))}]"


def _span(span: range, size: int) -> str:
    if len(span) == size and size != 1:
        return ":"
    return str(span.start) if len(span) == 1 else f"{span.start}:{span.stop}"
