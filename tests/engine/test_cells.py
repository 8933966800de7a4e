"""Collections of cells behave as sets of index tuples, whatever they are stored as."""

from __future__ import annotations

from itertools import product
from math import prod

import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.cells import NO_CELLS, Box, Cells, Diagonal, Index, Runs, ravel, strides, unravel
from llm_linalg.ops.reads import cells_of, is_whole, values_at, whole

SHAPES = st.lists(st.integers(1, 4), max_size=4).map(tuple)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[Cells, set[Index]]:
    ranges = [range(draw(st.integers(0, 3)), draw(st.integers(0, 5))) for _ in range(draw(st.integers(0, 3)))]
    return Box(tuple(ranges)), set(product(*ranges))


@st.composite
def diagonals(draw: st.DrawFn) -> tuple[Cells, set[Index]]:
    prefix = tuple(draw(st.lists(st.integers(0, 3), max_size=2)))
    rows, columns, total = draw(st.integers(0, 4)), draw(st.integers(0, 4)), draw(st.integers(0, 8))
    cells = {(*prefix, i, j) for i, j in product(range(rows), range(columns)) if i + j == total}
    return Diagonal(prefix, total, rows, columns), cells


@st.composite
def runs(draw: st.DrawFn) -> tuple[Cells, set[Index]]:
    shape = draw(SHAPES)
    every = list(product(*map(range, shape)))
    chosen = draw(st.sets(st.integers(0, len(every) - 1)))
    starts = sorted(place for place in chosen if place - 1 not in chosen)
    ends = sorted(place + 1 for place in chosen if place + 1 not in chosen)
    return Runs(shape, starts, ends), {every[position] for position in chosen}


@given(SHAPES, st.data())
def test_a_mask_is_stored_as_the_ranges_that_it_has(shape: tuple[int, ...], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.booleans(), min_size=prod(shape), max_size=prod(shape)))
    mask = torch.tensor(chosen, dtype=torch.bool).reshape(shape)
    cells = cells_of(mask)
    assert cells == {tuple(index) for index in mask.nonzero().tolist()}
    values = torch.arange(prod(shape)).reshape(shape)
    assert values_at(values, cells).tolist() == values[mask].tolist()


@given(SHAPES.filter(bool), st.data())
def test_ranges_of_each_axis_are_a_box(shape: tuple[int, ...], data: st.DataObject) -> None:
    firsts = [data.draw(st.integers(0, size - 1)) for size in shape]
    spans = [
        slice(first, data.draw(st.integers(first + 1, size)))
        for first, size in zip(firsts, shape, strict=True)
    ]
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[tuple(spans)] = True
    assert isinstance(cells_of(mask), Box)
    assert isinstance(cells_of(whole(shape)), Box)
    assert is_whole(whole(shape))
    assert cells_of(whole(shape)) == Box.whole(shape)


@given(st.one_of(boxes(), diagonals(), runs()), st.data())
def test_they_are_sets(pair: tuple[Cells, set[Index]], data: st.DataObject) -> None:
    cells, wanted = pair
    assert cells == wanted
    assert wanted == cells
    assert len(cells) == len(wanted) == len(list(cells))
    assert bool(cells) is bool(wanted)
    assert all(index in cells for index in wanted)
    rank = len(next(iter(wanted))) if wanted else 2
    other = data.draw(st.tuples(*[st.integers(-1, 6)] * rank))
    assert (other in cells) is (other in wanted)
    strange: list[object] = ["a", 3, True, None, (*other, 0), ("a",) * (rank or 1)]
    assert not any(item in cells for item in strange)
    assert cells & wanted == wanted
    assert cells | {other} == wanted | {other}
    assert cells - wanted == frozenset()
    assert cells <= wanted
    assert isinstance(cells & wanted, frozenset)
    assert hash(cells) == hash(frozenset(wanted))
    assert repr(cells)


@given(SHAPES)
def test_indices_and_positions(shape: tuple[int, ...]) -> None:
    every = list(product(*map(range, shape)))
    assert [unravel(position, shape) for position in range(len(every))] == every
    assert [ravel(index, shape) for index in every] == list(range(len(every)))
    assert len(strides(shape)) == len(shape)


def test_nothing_and_much() -> None:
    assert set(NO_CELLS) == NO_CELLS == frozenset()
    huge = Box((range(4096), range(4096)))
    assert len(huge) == 4096**2
    assert (4095, 4095) in huge
    assert (4096, 0) not in huge
    assert set(Box.cell((1, 2))) == {(1, 2)}
    assert set(Box.cell(())) == {()}
    assert set(Box.whole((2, 0))) == set()
