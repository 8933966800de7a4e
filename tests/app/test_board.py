"""Boards: the live cells of a run, as values, as text, and in the app by keys and the mouse."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from llm_linalg.base.text import clean
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import find, parse
from tests.app.driving import lesson, opened
from tests.app.talks import done, started, where
from tests.common import file_at, known
from tui.cli.main import main
from tui.cli.parser import app_parser
from tui.compose import cursor_moves
from tui.compose.view_runner import open_view
from tui.headless import render
from tui.model.board_view import BoardView, LiveRow
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.model.view_words import command, view_of
from tui.navigation.steps import last, over, position
from tui.panes.board_pane import board_rows
from tui.render.json_text import to_json
from tui.render.plain import to_plain
from tui.session.presentation.stage_moves import require_talk
from tui.text.glyphs import ASCII, UNICODE, Glyphs
from tui.text.rows import width_of

BOARD = parse(
    """\
+++
title = "A board"
[controls.n]
range = [1, 9]
default = 3
+++
Numbers.

```python show="Y"
x = torch.arange(1.0, n + 1)
Y = torch.outer(x, x)
total, many = Y.sum(), torch.tensor(1_000_000 * n)
big, nothing = torch.ones(n, n, n), torch.ones(0)
if n > 8:
    extra = x + 1
```

```board
Vector | x | lesson:vector | one axis
Matrix | Y | lesson:matrix |
Number | total | lesson:scalar | Σ of all
Whole | many | lesson:scalar | with commas
Shape | big | lesson:tensor3 | too many cells
Empty | nothing | lesson:vector | no cells
Sometimes | extra | lesson:scale | made for n = 9
Words | | lesson:board | only words, of its own lesson
```
""",
    "board.md",
)


def board_of(lesson: Lesson, stop: int = 1, **controls: str) -> BoardView:
    view = View.opening(lesson, stop)
    for name, text in controls.items():
        view = view.set(name, text)
    return known(open_view(view).frame(view).stage.board)


def drawn(board: BoardView, width: int, height: int, glyphs: Glyphs = UNICODE) -> list[str]:
    rows = board_rows(board, width, height, glyphs)
    assert len(rows) <= height
    assert all(width_of(row) <= width for row in rows)
    return ["".join(span.text for span in row).rstrip() for row in rows]


def test_a_row_holds_what_its_tensor_holds_in_this_run() -> None:
    board = board_of(BOARD)
    assert [(row.brief, row.full) for row in board.rows] == [
        ("(3,)", "[1. 2. 3.]"),
        ("(3, 3)", "[[1. 2. 3.] [2. 4. 6.] [3. 6. 9.]]"),
        ("36.", "36."),
        ("3,000,000", "3,000,000"),
        ("(3, 3, 3)", "(3, 3, 3)"),
        ("(0,)", "(0,)"),
        ("?", "?"),
        ("", ""),
    ]
    assert [row.title for row in board.rows[:2]] == [find("vector").title, find("matrix").title]
    assert board.rows[-1].title == "A board"


def test_of_a_tensor_as_much_is_shown_as_fits() -> None:
    for row in board_of(BOARD).rows:
        texts = {row.value_in(width, "…"): width for width in reversed(range(40))}
        assert all(text == row.brief or cell_len(text) == width for text, width in texts.items())


def test_the_map_counts_and_computes_the_fraction() -> None:
    d, t = 64 * 16, 25 * 8
    rows = {str(row.label): row for row in board_of(find("why"), 7, d_model="16", seq_len="8").rows}
    products = 12 * t * d * d + 2 * t * t * d
    rest = 12 * t * d + 2 * (d // 64) * t * t + 6 * t * d
    assert rows["Attention"].values == 2 * t * t * d + 2 * (d // 64) * t * t
    assert rows["Linear layers"].full == f"{12 * t * d * d + 12 * t * d:,}"
    assert rows["Matrix products"].values == pytest.approx(products / (products + rest), abs=1e-6)


def test_the_board_stands_for_the_stops_own_node_and_nothing_else() -> None:
    view = View.opening(find("why"), 7)
    run = open_view(view)
    navigation = run.navigation(view)
    assert run.frame(view).stage.panels == ()
    assert run.frame(last(view, navigation)).stage.board is not None
    assert run.frame(replace(view, path=("fraction",))).stage.board is not None
    for other in (
        over(view, navigation, -1),
        replace(view, depth="operations"),
        cursor_moves.onto_tensor(run, view, "in_norms"),
    ):
        frame = run.frame(other)
        assert frame.stage.board is None
        assert frame.stage.panels
    assert cursor_moves.onto_tensor(run, view, "nothing") == view


def test_a_board_without_a_program_has_a_frame() -> None:
    lesson = parse('+++\ntitle = "T"\n+++\nWords.\n```board\nA | | lesson:dot | b\n```\n', "t.md")
    view = View.opening(lesson)
    frame = open_view(view).frame(view)
    assert frame.node is None
    assert frame.stage.board is not None
    assert "A: b; lesson dot" in to_plain(frame)
    assert json.loads(to_json(frame))["board"] == [{"label": "A", "name": None, "lesson": "dot", "text": "b"}]


def test_plain_reads_the_rows_in_order() -> None:
    view = View.opening(BOARD)
    text = to_plain(open_view(view).frame(view))
    assert "Vector: one axis; value [1. 2. 3.]; lesson vector\n" in text
    assert "Matrix; value [[1. 2. 3.] [2. 4. 6.] [3. 6. 9.]]; lesson matrix\n" in text
    assert "Number: Σ of all; value 36.; lesson scalar\n" in text
    assert "Shape: too many cells; shape (3, 3, 3), begins 1. 1. 1.; lesson tensor3\n" in text
    assert "Words: only words, of its own lesson; lesson board\n" in text
    assert "Y (3, 3)" not in text


def test_json_has_the_rows_beside_the_usual_keys() -> None:
    view = View.opening(BOARD)
    made = json.loads(to_json(open_view(view).frame(view)))
    assert made["node"]["name"] == "Y"
    assert made["steps"] == 0
    assert made["board"][0] == {
        "label": "Vector",
        "name": "x",
        "shape": [3],
        "value": [1.0, 2.0, 3.0],
        "lesson": "vector",
        "text": "one axis",
    }
    assert made["board"][3]["value"] == 3_000_000
    assert made["board"][4]["shape"] == [3, 3, 3]
    assert "shape" not in made["board"][6]
    assert "board" not in json.loads(
        to_json(open_view(View.opening(find("dot"))).frame(View.opening(find("dot"))))
    )


def test_ascii_is_ascii() -> None:
    view = replace(View.opening(BOARD), row=2)
    board = known(open_view(view).frame(view, ascii_only=True).stage.board)
    for chain in (False, True):
        for height in (8, 10, 17, 31):
            text = "\n".join(drawn(replace(board, chain=chain), 80, height, ASCII))
            assert text.isascii()
            assert "> Matrix" in text
            assert "sum of all" in text


def live_row(label: str, title: str, words: str, apart: bool, *rest: Any) -> LiveRow:
    return LiveRow(clean(label), "x", "dot", clean(title), clean(words), apart, *rest)


CHAIN = BoardView(
    tuple(
        live_row(f"Box {k}", "Dot product", "a few words", k == 5, (), k, f"{k:,}", f"{k:,}")
        for k in range(1, 6)
    ),
    chain=True,
    row=2,
    has_digits=True,
)


def test_a_chain_is_as_roomy_as_its_height_allows() -> None:
    assert drawn(CHAIN, 40, 5) == [
        "1   │  Box 1 │  1  a few words",
        "2 ↓ │▸ Box 2 │  2  a few words",
        "3 ↓ │  Box 3 │  3  a few words",
        "4 ↓ │  Box 4 │  4  a few words",
        "5      Box 5    5  a few words",
    ]
    assert drawn(CHAIN, 40, 7)[:3] == [
        "    ┌────────┐",
        "1   │  Box 1 │  1  a few words",
        "2 ↓ │▸ Box 2 │  2  a few words",
    ]
    assert drawn(CHAIN, 40, 11)[:4] == [
        "    ┌────────┐",
        "1   │  Box 1 │  1  a few words",
        "    ├────↓───┤",
        "2   │▸ Box 2 │  2  a few words",
    ]
    assert drawn(CHAIN, 40, 17)[1:6] == [
        "1   │  Box 1 │  1  a few words",
        "    └────────┘",
        "         ↓",
        "    ┌────────┐",
        "2   │▸ Box 2 │  2  a few words",
    ]
    assert drawn(CHAIN, 40, 17)[-2:] == ["", "5      Box 5    5  a few words"]


@pytest.mark.parametrize("chain", [False, True])
@pytest.mark.parametrize("width", [20, 39, 59, 120])
def test_the_selected_row_is_always_in_view_and_nothing_is_wider_than_the_stage(
    chain: bool, width: int
) -> None:
    for height in range(1, 24):
        for row in range(1, 9):
            board = replace(board_of_eight(), chain=chain, row=row)
            text = drawn(board, width, height)
            assert sum("▸" in line for line in text) == 1
            assert f"▸ {board.selection.label}"[:8] in "\n".join(text)


def board_of_eight() -> BoardView:
    rows = tuple(
        live_row(f"Label {k}", "Dot", "word " * k, False, (k,), None, f"({k},)", "[1. 2. 3.]")
        for k in range(1, 9)
    )
    return BoardView(rows, chain=False, row=1, has_digits=True)


def test_cells_are_shown_where_there_is_room_and_shapes_elsewhere() -> None:
    board = board_of_eight()
    assert "[1. 2. 3.]" in "\n".join(drawn(board, 120, 10))
    assert "[1. 2. 3.]" not in "\n".join(drawn(board, 59, 10))
    assert "(3,)" in "\n".join(drawn(board, 59, 10))


def test_digits_are_the_rows_where_the_text_has_links_too() -> None:
    assert board_of(BOARD).has_digits
    text = "See [a dot product](lesson:dot).\n```board\nA | | lesson:dot | b\n```\n"
    board = board_of(parse(f'+++\ntitle = "T"\n+++\n{text}', "t.md"))
    assert board.has_digits
    assert drawn(board, 40, 3) == ["", "1 ▸ A  b"]


def test_the_selected_row_is_part_of_the_view() -> None:
    view = replace(View.opening(find("why"), 7), row=3)
    assert command(view) == "llm-linalg why --stop 7 --row 3"
    assert view_of(app_parser().read(["why", "--stop", "7", "--row", "3"])) == view
    with pytest.raises(UsageError, match="rows 1 to 7: there is no row 8"):
        view_of(app_parser().read(["why", "--stop", "7", "--row", "8"]))
    with pytest.raises(UsageError, match="has no board"):
        view_of(app_parser().read(["dot", "--row", "1"]))


SIX_LINES = """+++
title = "Six lines"
minutes = 3
+++
## Board
Words.

```python show="Y"
a = torch.arange(1.0, 17).reshape(4, 4)
b = a + 1
c = b + 1
d = c + 1
e = d + 1
Y = e @ a
```
```board
Result | Y | lesson:matmul | a product
Other | a | lesson:matrix | numbers
```

## After it
Words.
"""


def test_a_board_is_one_picture_without_steps() -> None:
    view = View.opening(parse(SIX_LINES, "six.md"))
    run = open_view(view)
    assert position(view, run.navigation(view)) == (0, 0)
    made = json.loads(to_json(run.frame(view)))
    assert (made["step"], made["steps"], made["terms"], made["writes"]) == (0, 0, [], [])
    below = cursor_moves.onto_tensor(run, view, "Y")  # its cells are stepped through as ever
    assert position(below, run.navigation(below))[1] == 16


def test_on_a_stage_a_board_is_a_step_opens_nothing_and_shows_numbers(tmp_path: Path) -> None:
    file = file_at(tmp_path, "six.md", SIX_LINES)
    session = started(file)
    assert where(done(session, "stage.next")) == (2, 0)
    talk = require_talk(session)
    screen = render(session.view, (80, 24), "screen", talk=talk)
    assert "opens" not in screen
    assert "row 1" not in screen
    assert "steps" not in screen
    assert "cell of Y" not in screen  # of a node that is not shown
    assert [line for line in "abcde" if f"   {line} = " not in screen] == []
    assert re.search(r"^ +Result +\(4, 4\) +\d+\. \d+\. \d+\. \d+\. … +a product", screen, re.MULTILINE)


def test_check_reports_a_board_that_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = file_at(tmp_path, "six.md", SIX_LINES)
    assert main(["check", str(file)]) == 0
    rows = "".join(f"More {k} | a | lesson:matrix | numbers\n" for k in range(12))
    file.write_text(SIX_LINES.replace("Other | a", f"{rows}Other | a"), encoding="utf-8")
    assert main(["check", str(file)]) == 1
    assert "the board has 14 rows; there is room for 11" in capsys.readouterr().out


LINKED = lesson(
    "See [the dot product](lesson:dot).\n\n```python\nx = torch.ones(3)\n```\n"
    "```board\nRow | x | lesson:matmul | a row\nNext | | lesson:own | nowhere\n```\n"
)


@pytest.mark.slow
async def test_a_row_is_selected_by_arrows_and_enter_opens_its_lesson() -> None:
    async with opened("summary") as d:
        assert "1 ▸ Axes" in d.screen
        await d.press("up")
        assert d.view.row == 1
        await d.press("down", "down")
        assert "3 ▸ Matmul" in d.screen
        assert "opens Matrix × matrix" in d.screen
        assert "row 3 of 6" in d.screen
        await d.press(*["down"] * 9)
        assert d.view.row == 6
        await d.press("up", "up", "up", "enter")
        assert d.view.lesson.slug == "matmul"
        assert d.view.board is None


@pytest.mark.parametrize("key", ["backspace", "u"])
@pytest.mark.slow
async def test_one_comes_back_to_the_row(key: str) -> None:
    async with opened("summary") as d:
        before = d.rows
        await d.press("down", "down", "enter")
        assert d.view.lesson.slug == "matmul"
        await d.press("right", "right", key)
        assert (d.view.lesson.slug, d.view.row) == ("summary", 3)
        assert "3 ▸ Matmul" in d.screen
        await d.press("up", "up")
        assert d.rows[2:22] == before[2:22]
        assert "go back" not in d.rows[-1]


async def test_a_lesson_opened_otherwise_forgets_the_way_back() -> None:
    async with opened("summary") as d:
        await d.press("3", "l", "down", "enter")
        assert d.view.lesson.slug not in ("matmul", "summary")
        slug = d.view.lesson.slug
        await d.press("backspace")
        assert d.view.lesson.slug == slug


@pytest.mark.slow
async def test_digits_and_clicks_open_rows() -> None:
    async with opened("why", stop=7) as d:
        await d.press("9")
        assert "There is no row 9" in d.rows[-1]
        await d.press("4")
        assert d.view.lesson.slug == "attention"
        await d.press("backspace")
        assert d.view.row == 4
        y = next(y for y, text in enumerate(d.rows) if "Linear layers" in text)
        for x in (d.rows[y].index("Linear"), d.rows[y].index("matrix")):
            await d.pilot.click(offset=(x, y))
            await d.settle()
            assert d.view.lesson.slug == "linear"
            await d.press("backspace")


async def test_a_lesson_that_is_not_listed_is_said() -> None:
    async with opened(LINKED) as d:
        await d.press("down", "enter")
        assert d.view.lesson is LINKED
        assert "There is no lesson own" in d.rows[-1]
        await d.press("c")
        assert "Next has no cells to ask" in d.rows[-1]


@pytest.mark.slow
async def test_the_cells_behind_a_row_are_asked_and_closed() -> None:
    async with opened("summary") as d:
        await d.press("down", "down", "c")
        assert d.view.cursor == ("Y", (0, 0))
        assert "made from A[0, :], B[:, 0]" in d.screen
        await d.press("escape")
        assert "3 ▸ Matmul" in d.screen
        await d.press("c", "tab", "backspace")
        assert "3 ▸ Matmul" in d.screen
        await d.press("down", "c", "enter")
        assert d.view.cursor == ("ones_6", (0, 0))
        await d.press("escape")
        assert "4 ▸ Transpose" in d.screen
