"""The benchmarks' own arithmetic: a figure is worth what its ruler is worth."""

from __future__ import annotations

import pytest

from tests.bench.stats import Row, late, middle, number, table


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (4.5678, "4.57"), (45.678, "45.7"), (456.7, "457"), (12345.6, "12346")],
)
def test_a_figure_has_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_row_knows_its_ratio_and_whether_its_promise_is_kept() -> None:
    row = Row("paint", 500, "ms", 250, "an empty app", most_ratio=1.8)
    assert row.ratio == 2
    assert row.kept is False
    assert Row("step", 900, "B", 450, "the least", most=1000).kept is True
    assert Row("step", 900, "B", 450, "the least").kept is None
    assert Row("idle", 0, "B", 0, "an empty app", most=0).ratio is None


def test_the_table_has_a_line_a_row_and_says_what_is_broken() -> None:
    rows = [
        Row("paint", 500, "ms", 250, "an empty app", most_ratio=1.8),
        Row("idle", 0, "B", 0, "it", most=0),
    ]
    header, paint, idle = table(rows).splitlines()
    assert header.startswith("benchmark")
    assert "2.00 ×" in paint
    assert "BROKEN" in paint
    assert "kept" in idle


def test_the_median_of_nothing_is_nothing() -> None:
    assert middle([]) == 0
    assert middle([3, 1, 2]) == 2


def test_the_95th_percentile_leaves_out_one_in_twenty() -> None:
    assert late([]) == 0
    assert late([5]) == 5
    assert late(range(20, 0, -1)) == 19
    assert late([*range(19), 1000]) == 18
