"""Formulas, facts and names of cells, with the numbers of a step."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from llm_linalg.base.arithmetic import comes_to
from llm_linalg.base.cells import Box
from llm_linalg.base.numbers import Formatter, adds_up, tiny
from llm_linalg.base.text import CleanText, clean
from tui.model.frame import FormulaLine, Index, NodeFacts, Number, TermState

if TYPE_CHECKING:
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.api.tensor_view import TensorView
    from llm_linalg.explain.combination import Combination
    from llm_linalg.explain.formula import BlockNumbers
    from llm_linalg.ops.terms import Term
    from llm_linalg.walks.walk import Step

EXACT = 1e-6  # how far a number may be, relatively, from one that is written for it without zeros
MOST_TERMS = 8  # terms of a formula written out
MOST_NAMES = 4  # cells named one by one
_SIGNS = {"*": "·"}
LONGEST_TEXT = 4000  # characters of a step's own text


def cell_name(name: str, index: Index) -> CleanText:
    """Return a cell as formulas write it, `Y[1,2]`; a 0-d tensor's is its name."""
    shown = clean(name, 40)
    return clean(f"{shown}[{','.join(map(str, index))}]") if index else shown


def tensor_cell(tensor: TensorView, index: Index) -> CleanText:
    """Return a cell by the tensor's title: `Y[1,2]`, `(x * y)[0]`; of a scalar the title alone."""
    return cell_name(tensor.title_of_cells if index else tensor.title, index)


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def entry_name(name: str, index: Index) -> CleanText:
    """Return a cell as in mathematics, from 1: `y₂₃`, or `y₁₂,₃` where a digit is not enough."""
    low: str = clean(name, 40)
    low = low.lower() if len(low) == 1 else low
    numbers = [str(i + 1) for i in index]
    between = "," if any(len(number) > 1 for number in numbers) else ""
    return clean(low + between.join(numbers).translate(_SUBSCRIPTS))


def cells_name(name: str, cells: Collection[Index], shape: Sequence[int]) -> str:
    """Return many cells in few characters, as Python slices: `x[1, :]`."""
    if not cells:
        return ""
    if len(cells) == 1:
        return cell_name(name, next(iter(cells)))
    if isinstance(cells, Box):
        parts = [_slice(r, size) for r, size in zip(cells.ranges, shape, strict=True)]
        return f"{clean(name, 40)}[{', '.join(parts)}]"
    named = ", ".join(cell_name(name, index) for index in islice(cells, MOST_NAMES))
    more = len(cells) - MOST_NAMES
    return f"{named} and {more} more" if more > 0 else named


def _slice(r: range, size: int) -> str:
    if len(r) == 1:
        return str(r.start)
    return ":" if r == range(size) else f"{r.start}:{r.stop}"


def node_facts(node: NodeView) -> NodeFacts:
    """Return a node's name, operation, line, shape, dtype and evidence."""
    made = node.node
    return NodeFacts(
        clean(made.name, 60), made.op, node.line or 0, made.shape, made.dtype, made.evidence, made.kind
    )


def formula(node: NodeView) -> tuple[FormulaLine, ...]:
    """Return the formula of a view's step.

    `done + [current] + (pending)` with numbers, and below it what they come to.
    """
    from llm_linalg.explain.formula import factors_text

    step = node.step
    if step is None:
        return ()
    if node.combination is not None:
        return _combination(node.combination)
    terms = step.terms
    target = next(iter(step.writes), None) if len(step.writes) == 1 else None
    if node.node.term_count is None or not terms or target is None:
        if node.block is not None:
            return _block(node.block, clean(node.text, LONGEST_TEXT))
        text_lines = clean(node.text, LONGEST_TEXT, lines=True).splitlines()
        rows: tuple[FormulaLine, ...] = tuple(((line, "plain"),) for line in text_lines)
        return (*rows, *_below(node.numbers_below, node.text))
    shown = [(k, terms[k]) for k in _positions(len(terms), step.current)]
    head = f"{tensor_cell(node.result, target)} = "
    totals = [] if step.value is None else [step.value]
    text = writer([x for _, term in shown for x in (*term.factors, term.value)] + totals)
    if node.divisor is not None:
        return _average(shown, step, node.divisor, head, text)
    lines: list[FormulaLine] = []
    if any(len(term.factors) > 1 for _, term in shown):
        lines.append(((head, "plain"), *_sum(shown, lambda term: factors_text(term.factors, text))))
        head = "= ".rjust(len(head))
    computed = [(k, term) for k, term in shown if term.state != "pending"]
    if not computed or step.value is None:
        return tuple(lines)
    total = text(step.value)
    rest = _rest(step, is_whole=len(computed) == len(shown))
    if len(terms) == 1 or len(computed) == 1:
        return (*lines, ((head + total + rest, "done"),))
    values = [text(term.value) for _, term in computed]
    sign = _sign(step, len(shown) < len(terms) or adds_up(values, total))
    sums = _sum(computed, lambda term: text(term.value), brackets=False)
    return (*lines, ((head, "plain"), *sums, (f" {sign} {total}{rest}", "done")))


def _sign(step: Step, is_exact: bool) -> str:
    """Return what stands between terms and their sum: an arrow where the sum is not what the cell became."""
    return "→" if step.exceeded else "=" if is_exact else "≈"


def _rest(step: Step, *, is_whole: bool) -> str:
    """Return what stands behind a sum: in which dtype the cell is another, or that terms are missing."""
    return f" in {step.exceeded}" if step.exceeded else "" if is_whole else " so far"


_TOTAL = re.compile(r"(?P<sign>[=≈→]) (?P<total>[^=≈→]+)$")
_ROUNDED = re.compile(r"\.\d{4}")


def in_one_line(lines: Sequence[FormulaLine]) -> FormulaLine:
    """Return a formula's first line with what the last one comes to, without what stands between.

    Where factors are rounded, what they come to is as well.
    """
    if len(lines) < 2:
        return lines[0] if lines else ()
    first, last = ("".join(text for text, _ in line) for line in (lines[0], lines[-1]))
    total = _TOTAL.search(last)
    if total is None or _TOTAL.search(first) is None:
        return lines[0]
    sign = "≈" if _ROUNDED.search(first) and total["sign"] == "=" else total["sign"]
    return (*lines[0], (f" {sign} {total['total']}", lines[-1][-1][1]))


def _average(
    shown: Sequence[tuple[int, Term]],
    step: Step,
    count: int,
    head: str,
    text: Callable[[Number], str],
) -> tuple[FormulaLine, ...]:
    """Return the formula of an average: the sum of its cells in brackets, divided by their number."""
    from llm_linalg.explain.formula import averages_to, short_writer

    short = short_writer(text)
    sums = _sum(shown, lambda term: short(term.factors[0]))
    first = ((f"{head}(", "plain"), *sums, (f") / {count}", "plain"))
    computed = [text(term.factors[0]) for _, term in shown if term.state != "pending"]
    if step.value is None or not computed:
        return (first,)
    total = text(step.value)
    sign = _sign(step, len(shown) < count or averages_to(computed, count, total))
    rest = _rest(step, is_whole=len(computed) == len(shown))
    return (first, (("= ".rjust(len(head)).replace("=", sign) + total + rest, "done"),))


def _combination(combination: Combination) -> tuple[FormulaLine, ...]:
    """Return the formula of a step that adds up vectors, and below it what they come to."""
    from llm_linalg.explain.formula import combination_pieces, vector_text

    head = f"{clean(combination.target, 40)} = "
    weights = [term.weight for term in combination.terms if term.weight is not None]
    text = writer([*weights, *(x for term in combination.terms for x in term.numbers)], 2)
    pieces = combination_pieces(combination, text)
    first: FormulaLine = ((head, "plain"), *((clean(piece, 200), state) for piece, state in pieces))
    if not combination.values:
        return (first,)
    total = vector_text(combination.values, writer(combination.values, 2))
    rest = "" if combination.is_complete else " so far"
    return (first, (("= ".rjust(len(head)) + total + rest, "done"),))


def _below(vectors: Sequence[Sequence[Number]], step: str) -> tuple[FormulaLine, ...]:
    """Return an outer product in numbers, or what the front of a wave comes to, below a step's text."""
    from llm_linalg.explain.formula import vector_text

    if not vectors:
        return ()
    sign = "+=" if len(vectors) > 1 else "="
    target, _, _ = step.partition(f" {sign} ")
    text = writer([x for vector in vectors for x in vector], 2)
    product = " ⊗ ".join(vector_text(vector, text) for vector in vectors)
    state: TermState = "current" if len(vectors) > 1 else "done"
    return (((f"{sign} ".rjust(len(target) + len(sign) + 2) + product, state),),)


def _block(block: BlockNumbers, step: str) -> tuple[FormulaLine, ...]:
    """Return a step that writes several cells in numbers: what made them, where that is a sign, and them."""
    from llm_linalg.explain.formula import vector_text

    text = writer([*block.values, *(x for numbers in block.operands for x in numbers)], 2)
    whole = vector_text(block.values, text) if len(block.values) > 1 else text(block.values[0])
    if not block.is_whole:
        *most, last = map(text, block.values)
        whole = f"[{' '.join(most)} … {last}]"
    left = clean(block.left, 80)
    if not block.sign:
        how = clean(step.removeprefix(block.left).lstrip(": "))
        return (((clean(f"{left} = "), "plain"), (whole, "done"), (f"   {how}", "plain")),)
    made = [
        vector_text(numbers, text) if len(numbers) > 1 else text(numbers[0]) for numbers in block.operands
    ]
    sign = "=" if _is_exact(block, text) else "≈"
    paired = all(len(numbers) > 1 for numbers in block.operands)  # a dot between vectors is their dot product
    between = block.sign if paired else _SIGNS.get(block.sign, block.sign)
    first = f"{left} = {made[0]} {between} {made[1]}"
    return ((clean(first), "plain"),), ((f"{sign} ".rjust(len(left) + 3) + whole, "done"),)


def _is_exact(block: BlockNumbers, text: Callable[[Number], str]) -> bool:
    """Return whether the pairs of numbers come to the results as they are written."""
    count = len(block.values)
    one, other = (numbers * (count if len(numbers) == 1 else 1) for numbers in block.operands)
    return all(
        comes_to(f"({text(a)}) {block.sign} ({text(b)})", text(value)) is not False
        for a, b, value in zip(one, other, block.values, strict=True)
    )


def _positions(count: int, current: int | None) -> list[int]:
    """Return the positions of the terms that are written out.

    All of a few; of many the first, the last, and those around the current one.
    """
    if count <= MOST_TERMS:
        return list(range(count))
    middle = count - 1 if current is None else current
    wanted = {0, 1, middle - 1, middle, middle + 1, count - 1}
    return sorted(k for k in wanted if 0 <= k < count)


def _sum(
    terms: Sequence[tuple[int, Term]], write: Callable[[Term], str], brackets: bool = True
) -> list[tuple[str, TermState]]:
    from llm_linalg.explain.formula import sum_pieces

    items: list[tuple[str, TermState] | int] = []
    expected = 0
    for k, term in terms:
        items += [k - expected] * (k > expected)
        items.append((write(term), term.state))
        expected = k + 1
    return sum_pieces(items, "plain", brackets=brackets and len(terms) > 1)


def scientific(sizes: Iterable[float]) -> bool | None:
    """Return False if numbers up to these sizes need no exponents, None to leave it to torch's rule.

    torch does so wherever the sizes are far apart; on a narrow stage the smallest then read better as 0.0007.
    """
    largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
    return False if 1e-3 <= largest < 1e5 else None


def writer(numbers: Sequence[Number], decimals: int = 4) -> Callable[[Number], str]:
    """Return a function that writes these numbers in one format, whole ones without a point.

    Zeros at the end are left out where the number is just that: `0.5`, but `0.8380` of 0.83803. What is too
    small for the decimals is written with an exponent: only 0 is written as 0.
    """
    formatter = Formatter.of(list(numbers), decimals, limit=14, scientific=scientific(map(abs, numbers)))

    def text(value: Number) -> str:
        if value == 0:
            return "0"
        token = formatter.token(value).strip()
        if "j" in token:  # of a complex number, or of a real one among such
            return token
        written = tiny(value, token)
        if "." not in written or "e" in written:
            return written
        short = written.rstrip("0").removesuffix(".")
        return short if abs(float(short) - value) <= EXACT * abs(value) else written.removesuffix(".")

    return text
