"""Looks: which a node has, and drawings of any values at any size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from llm_linalg.base.constants import LOOK_NAMES
from tui.looks.bars import EIGHTHS, FULL, NEGATIVE, bar_text
from tui.looks.look_table import LOOKS
from tui.model.frame import CELL_LOOKS
from tui.text.rows import Row


def text_of(row: Row) -> str:
    return "".join(span.text for span in row)


def test_the_table_is_in_the_order_of_the_names() -> None:
    names = [look.name for look in LOOKS]
    assert names == [name for name in LOOK_NAMES if name in names]
    assert not set(names) & set(CELL_LOOKS)


@given(
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
    st.floats(min_value=1e-300, allow_infinity=False),
    st.integers(1, 60),
)
def test_a_bar_gives_its_number_back_within_an_eighth(number: float, scale: float, room: int) -> None:
    number = max(-scale, min(scale, number))
    bar = bar_text(number, scale, room)
    assert cell_len(bar) <= room
    eighths = sum(8 if part in (FULL, NEGATIVE) else EIGHTHS.index(part) for part in bar)
    assert abs(eighths / (8 * room) - abs(number) / scale) <= 0.5 / (8 * room) + 1e-12
    assert (NEGATIVE in bar) <= (number < 0)
    assert (FULL in bar) <= (number > 0)
