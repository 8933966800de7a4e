"""An operation in general, as a textbook writes it: `yᵢ = aᵢ₁·x₁ + aᵢ₂·x₂ + … + aᵢₙ·xₙ`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from llm_linalg.base.axes import Axes, Labels
from llm_linalg.base.cells import Index
from llm_linalg.ops.pointwise import Pointwise
from llm_linalg.ops.reduction import Reduction
from llm_linalg.recording.record_node import RecordNode

LETTERS = ("i", "j")
LONGEST = 120  # characters of a right-hand side
MOST_CELLS = 64  # of a movement that are looked at
_PLACE = re.compile(r"\{(\w+)\}")
_IN_LETTERS = re.compile(r"[ij] [≥≤<>=≠] [ij]\b")
_POWERS = str.maketrans("0123456789mnp", "⁰¹²³⁴⁵⁶⁷⁸⁹ᵐⁿᵖ")
_SUBSCRIPTS = str.maketrans("0123456789ijkmn,", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₘₙ,")


def entry(name: str, places: Sequence[str]) -> str:
    """Return an entry of a tensor: `aᵢⱼ`, `table₂₁`, `(W.T)ᵢⱼ`; of a number its name alone.

    Its places are a letter or a number, from 1, for each axis.
    """
    if not places:
        return name
    plain = name.isidentifier() or (name.startswith("(") and name.endswith(")"))
    low = name.lower() if len(name) == 1 else name if plain else f"({name})"
    between = "," if any(len(place) > 1 for place in places) else ""
    return low + between.join(places).translate(_SUBSCRIPTS)


def general_formula(node: RecordNode) -> str:
    """Return how an entry of a vector or a matrix is made, in letters; empty if there is no such line."""
    axes = node.axes
    if len(node.shape) > len(LETTERS) or any(operand.value.dim() > 2 for operand in node.operands):
        return ""
    letters: Sequence[str] = _own(LETTERS, node.shape)
    if node.kind == "reduction" and axes is not None:
        own = dict(zip(axes.operands[0], LETTERS, strict=False))
        letters = [own.get(label, "1") for label in axes.output]
    made = entry(node.title_of_cells if node.shape else node.title, letters)
    right = _right_side(node)
    return f"{made} = {right}" if right and len(right) <= LONGEST else ""


def spaces(node: RecordNode) -> str:
    """Return the spaces that operands and result are from: `A ∈ ℝᵐˣⁿ, x ∈ ℝⁿ, y ∈ ℝᵐ with m = 2, n = 3`.

    Where the axes have no labels, or more than there are letters, the sizes stand there: `A ∈ ℝ²ˣ³`.
    """
    axes = node.axes
    tensors = [(operand.title_of_cells, tuple(operand.value.shape)) for operand in node.operands]
    tensors.append((node.title_of_cells, node.shape))
    labelled: list[Labels] = []
    if axes is not None and len(axes.operands) == len(node.operands):
        labelled = [*axes.operands, axes.output]
    elif not node.operands:
        labelled = [tuple(map(str, range(len(node.shape))))]
    sizes = {
        label: size
        for labels, (_, shape) in zip(labelled, tensors, strict=False)
        for label, size in zip(labels, shape, strict=True)
        if size != 1
    }
    letters = dict(zip(sizes, "n" if len(sizes) == 1 else "mnp", strict=False))
    in_letters = bool(labelled) and len(letters) == len(sizes)
    members: dict[str, None] = {}
    for place, (name, shape) in enumerate(tensors):
        if shape:
            power = list(map(str, shape))
            if in_letters:
                pairs = zip(labelled[place], shape, strict=True)
                power = ["1" if size == 1 else letters[label] for label, size in pairs]
            members[f"{name} ∈ ℝ{'ˣ'.join(power).translate(_POWERS)}"] = None
    known = ", ".join(f"{letter} = {sizes[label]}" for label, letter in letters.items())
    listed = ", ".join(members)
    return f"{listed} with {known}" if known and in_letters else listed


def _right_side(node: RecordNode) -> str:
    axes = node.axes
    operation = node.call.operation if node.call else None
    if node.kind == "contraction" and axes is not None:
        return _product(node, axes)
    if isinstance(operation, Reduction) and operation.adds and axes is not None:
        return _total(node, axes, average=operation.averages)
    if isinstance(operation, Pointwise) and axes is not None:
        return _pointwise(node, axes)
    if node.kind == "mask":
        return _masked(node)
    return _moved(node) if node.kind == "movement" else ""


def _letters(axes: Axes) -> dict[str, str]:
    """Return a letter for each label: those of the result in order, then the one that is summed."""
    letters = dict(zip(axes.output, LETTERS, strict=False))
    free = [letter for letter in ("j", "k", "m", "n") if letter not in letters.values()]
    if len(axes.output) > 1 or not axes.output:
        free = ["k", *free] if axes.output else ["i", *free]
    for label in axes.reduction_labels:
        letters[label] = free.pop(0) if free else "k"
    return letters


def _entry_of(node: RecordNode, place: int, labels: Labels, letters: Mapping[str, str]) -> str:
    operand = node.operands[place]
    sizes = tuple(operand.value.shape)
    own = ["1" if size == 1 else letters.get(label, "1") for label, size in zip(labels, sizes, strict=True)]
    return entry(operand.title_of_cells if own else operand.title, own)


def _product(node: RecordNode, axes: Axes) -> str:
    beside = node.bias_position
    factors = [place for place in range(len(axes.operands)) if place != beside]
    inner = axes.reduction_labels
    letters = _letters(axes)
    added = "" if beside is None else f" + {_entry_of(node, beside, axes.operands[beside], letters)}"

    def factor(place: int, at: Mapping[str, str]) -> str:
        own = _entry_of(node, place, axes.operands[place], {**letters, **at})
        call = node.call
        is_other = call is not None and call.operation.factor(call, place) is not call.tensors[place]
        return f"conj({own})" if is_other else own

    def term(at: Mapping[str, str]) -> str:
        return "·".join(factor(place, at) for place in factors)

    if not inner:
        return term({}) + added
    if len(inner) != 1:
        return ""
    count = axes.sizes[inner[0]]
    if count <= 3:
        return " + ".join(term({inner[0]: str(k + 1)}) for k in range(count)) + added
    first, second, last = (term({inner[0]: k}) for k in ("1", "2", "n"))
    return f"{first} + {second} + … + {last}{added}"


def _total(node: RecordNode, axes: Axes, *, average: bool) -> str:
    letters = dict(zip(axes.operands[0], LETTERS, strict=False))  # a column's sum keeps the column's letter
    gone = "".join(letters[label] for label in axes.reduction_labels).translate(_SUBSCRIPTS)
    total = f"Σ{gone} {_entry_of(node, 0, axes.operands[0], letters)}"
    return f"({total}) / {axes.terms}" if average else total


def _pointwise(node: RecordNode, axes: Axes) -> str:
    """Return an operation's own phrase with entries in the place of numbers."""
    call = node.call
    if call is None or not call.operation.phrase:
        return ""
    letters = _letters(axes)

    def put(match: re.Match[str]) -> str:
        place = call.place(match[1])
        if place is not None and place < len(axes.operands):
            return _entry_of(node, place, axes.operands[place], letters)
        value = call.arguments.get(match[1])
        return f"{value:g}" if isinstance(value, float) else str(value)

    return _PLACE.sub(put, call.operation.phrase_for(call))


def _masked(node: RecordNode) -> str:
    """Return which entries a mask keeps, by its rule: `aᵢⱼ if j ≥ i + 1, else 0`."""
    if len(node.shape) != 2 or not node.operands or not node.value.numel():
        return ""
    rows, columns = node.shape
    cells = ((i, j) for i in range(min(rows, 8)) for j in range(min(columns, 8)))
    hidden = next(((cell, rule) for cell in cells if (rule := node.mask_rule(cell))), None)
    source = node.operands[0]
    if hidden is None or tuple(source.value.shape) != node.shape:
        return ""
    cell, rule = hidden
    kept = rule.partition(":")[0]
    value = node.value[cell].item()
    fill = "−∞" if value == -float("inf") else f"{value:g}"
    sentence = f"{entry(source.title_of_cells, LETTERS)} if {kept}, else {fill}"
    return sentence if _IN_LETTERS.match(kept) else ""


def _moved(node: RecordNode) -> str:
    """Return which entry of the operand stands where: `wⱼᵢ`, `xᵢ`, `dᵢ if i = j, else 0`.

    Each index of that entry is one of the result's, or the same at all of them.
    """
    if len(node.operands) != 1 or not 0 < node.value.numel() <= MOST_CELLS:
        return ""
    cells = list(product(*map(range, node.shape)))
    read = {cell: next(iter(node.reads(cell)[0]), None) for cell in cells}
    taken = {cell: source for cell, source in read.items() if source is not None}
    filled = [cell for cell in cells if cell not in taken]
    if not taken:
        return ""
    source = node.operands[0]
    letters = _own(LETTERS, node.shape)
    own = [_index(taken, axis, letters) for axis in range(source.value.dim())]
    only = _diagonal(taken, node.shape) if filled else ""
    if "" in own or (filled and not only):
        return ""
    made = entry(source.title_of_cells if own else source.title, own)
    return f"{made} if {only}, else {node.value[filled[0]].item():g}" if filled else made


def _own(letters: Sequence[str], shape: Sequence[int]) -> list[str]:
    """Return a letter for each axis, and 1 for one that has a single position."""
    return ["1" if size == 1 else letter for letter, size in zip(letters, shape, strict=False)]


def _index(taken: Mapping[Index, Index], axis: int, letters: Sequence[str]) -> str:
    """Return an index of the entries taken: a letter of the result, or a number; empty if neither."""
    for place, letter in enumerate(letters):
        if letter != "1" and all(source[axis] == cell[place] for cell, source in taken.items()):
            return letter
    first, *others = {source[axis] for source in taken.values()}
    return "" if others else str(first + 1)


def _diagonal(taken: Iterable[Index], shape: Sequence[int]) -> str:
    """Return which diagonal of a matrix these cells are, as `i = j`; empty if they are no whole one."""
    cells = set(taken)
    shifts = {cell[1] - cell[0] for cell in cells if len(cell) == 2}
    if len(shape) != 2 or len(shifts) != 1:
        return ""
    (shift,) = shifts
    if cells != {(i, j) for i, j in product(*map(range, shape)) if j - i == shift}:
        return ""
    return "i = j" if not shift else f"j = i {'+' if shift > 0 else '-'} {abs(shift)}"
