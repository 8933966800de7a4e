"""Collections of cells behave as sets of index tuples, whatever they are stored as."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.cells import NO_CELLS, Box, Cells, Diagonal, Index, Points, ravel, strides, unravel

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
def some_points(draw: st.DrawFn) -> tuple[Cells, set[Index]]:
    shape = draw(SHAPES)
    every = list(product(*map(range, shape)))
    chosen = sorted(draw(st.sets(st.integers(0, len(every) - 1))))
    return Points(shape, tuple(chosen)), {every[position] for position in chosen}


@given(st.one_of(boxes(), diagonals(), some_points()), st.data())
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
