"""Names and labels at the edges of the picture: where they stand, and what they give way to."""

from __future__ import annotations

import json
from dataclasses import replace
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from llm_linalg.base.axis_labels import AxisLabels
from llm_linalg.lessons.check import problems
from llm_linalg.lessons.lesson import Lesson, LessonError
from llm_linalg.lessons.reader import parse
from tests.app.fakes import draw, panel
from tests.common import known
from tui.compose.view_runner import open_view
from tui.layout.arrange import arrange
from tui.model.frame import Arrangement, Panel, Role
from tui.model.view import View
from tui.render.json_text import to_json
from tui.render.plain import to_plain

WORDS = ("the", "cat", "小さい", "extraordinary")
LESSON = """\
+++
title = "Scores"
[controls.n]
range = [1, 9]
default = 3
[axes]
Q = ["query", ""]
K = ["key", ""]
[labels]
query = "words"
key = ["p", "q", "r"]
+++
## Scores
Each with each.

```python show="S"
words = ["the", "cat", "saw"]
Q = torch.randn(n, 2)
K = torch.randn(n, 2)
S = Q @ K.T
```

## Shares
Softmax.

```python show="P" order="rows"
P = torch.softmax(S, dim=-1)
```
"""


def lesson(text: str = LESSON) -> Lesson:
    return parse(text, "scores.md")


def labelled(name: str, role: Role, rows: int, columns: int, sign: str = "") -> Panel:
    down, across = (AxisLabels(x, (WORDS * 3)[:n]) for x, n in (("query", rows), ("key", columns)))
    return replace(panel(name, role, rows, columns, sign=sign), edges=(down, across))


def product(m: int, k: int, n: int) -> list[Panel]:
    x, w, y = labelled("x", "left", m, k), labelled("W", "top", k, n), labelled("Y", "result", m, n)
    return [replace(x, edges=(x.edges[0], AxisLabels())), replace(w, edges=(AxisLabels(), w.edges[1])), y]


def drawn(panels: list[Panel], arrangement: Arrangement, columns: int, rows: int) -> list[str]:
    lines = draw(panels, arrange(panels, arrangement, columns, rows), columns, rows)
    return dedent("\n".join(line for line in lines if line)).splitlines()


def test_rows_are_labelled_at_the_left_and_columns_above_the_top() -> None:
    assert drawn(product(2, 1, 3), "falk", 70, 8) == [
        "                        the      cat   小さい",
        "      W (1, key 3)   0.0000   0.0100   0.0200",
        "    x (query 2, 1) Y (query 2, key 3)",
        "the   0.0000         0.0000   0.0100   0.0200",
        "cat   1.0000         1.0000   1.0100   1.0200",
    ]


@pytest.mark.parametrize("arrangement", ["falk", "row", "column"])
@given(
    m=st.integers(1, 9),
    k=st.integers(1, 9),
    n=st.integers(1, 9),
    columns=st.integers(20, 90),
    rows=st.integers(6, 24),
)
def test_labels_stand_beside_their_cells_and_overlap_nothing(
    arrangement: Arrangement, m: int, k: int, n: int, columns: int, rows: int
) -> None:
    panels = product(m, k, n)
    if arrangement != "falk":
        panels = [replace(panel, role="operand") for panel in panels]
    layout = arrange(panels, arrangement, columns, rows)
    taken: set[tuple[int, int]] = set()
    for slot in layout.slots:
        taken |= {
            (x, y) for x in range(slot.x, slot.x + slot.width) for y in range(slot.y, slot.y + slot.height)
        }
    for label in layout.labels:
        places = {(x, label.y) for x in range(label.x, label.x + cell_len(label.text))}
        assert not places & taken, label
        assert all(0 <= x < columns and 0 <= y < rows for x, y in places)
        taken |= places
    for label in (label for label in layout.labels if label.kind == "edge"):
        slot = next(slot for slot in layout.slots if slot.panel == label.panel)
        shown = panels[slot.panel]
        if label.y == slot.y - 1:
            at = (label.x + cell_len(label.text) - slot.x - 1) // slot.cell
            word = shown.column_edge.labels[slot.columns[at]]
        else:
            word = shown.row_edge.labels[slot.rows[label.y - slot.y]]
            assert label.x + cell_len(label.text) == slot.x - 1
        assert word.startswith(label.text.removesuffix("…"))


def test_the_names_come_with_the_shape_and_the_decimals_give_way_to_the_labels() -> None:
    layout = arrange(product(3, 2, 3), "falk", 46, 9)
    assert {label.text for label in layout.labels if label.kind == "title"} == {
        "x (query 3, 2)",
        "W (2, key 3)",
        "Y (query 3, key 3)",
    }
    assert {"the", "cat", "小さい"} <= {label.text for label in layout.labels if label.kind == "edge"}
    assert {slot.decimals for slot in layout.slots} < {2, 3}
    narrow = arrange(product(3, 2, 3), "falk", 30, 9)
    assert not [label for label in narrow.labels if label.kind == "edge"], "numbers come before labels"


def test_the_screen_plain_text_and_json_say_the_same() -> None:
    view = replace(View.opening(lesson()), step=5)
    frame = open_view(view).frame(view)
    left, top, result = frame.stage.panels
    assert left.label_with_names == "Q (query 3, 2)"
    assert top.label_with_names == "K.T (2, key 3)"
    assert (result.row_edge, result.column_edge) == (
        AxisLabels("query", ("the", "cat", "saw")),
        AxisLabels("key", ("p", "q", "r")),
    )
    plain = to_plain(frame).splitlines()
    at = plain.index("S (query 3, key 3)")
    assert plain[at + 1].split() == ["p", "q", "r"]
    assert [line.split()[0] for line in plain[at + 2 : at + 5]] == ["the", "cat", "saw"]
    record = json.loads(to_json(frame))
    assert record["output"]["axes"] == [
        {"name": "query", "labels": ["the", "cat", "saw"]},
        {"name": "key", "labels": ["p", "q", "r"]},
    ]
    assert record["operands"][0]["axes"][1] == {"name": "", "labels": []}


def test_the_cursor_says_which_query_and_which_key() -> None:
    view = replace(View.opening(lesson(), 2), cursor=("P", (1, 2)))
    frame = open_view(view).frame(view)
    assert known(frame.cursor).where == "query cat, key r"
    assert "query cat, key r" in to_plain(frame)


def test_a_program_without_names_has_no_edges() -> None:
    text = LESSON.replace("[axes]", '[axes]\nZ = ["row"]').replace('Q = ["query", ""]\n', "")
    with pytest.raises(LessonError, match="axis"):
        lesson(text)
    bare = LESSON[: LESSON.index("[axes]")] + LESSON[LESSON.index("+++\n##") :]
    view = View.opening(lesson(bare))
    frame = open_view(view).frame(view)
    assert not any(panel.edges for panel in frame.stage.panels)
    assert "axes" not in json.loads(to_json(frame))["output"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('Q = ["query", ""]', 'Q = "query"', ':7: Q takes a name for each axis: ["query", "feature"]'),
        (
            'query = "words"',
            'queri = "words"',
            ':10: unknown axis "queri": did you mean "query"? (query, key)',
        ),
        ('query = "words"', "query = 3", ":10: query is a text of one line"),
        ('Q = ["query", ""]', "Q = []", ":7: Q takes a name for each axis"),
    ],
)
def test_what_is_declared_wrongly_is_said_with_its_line(old: str, new: str, said: str) -> None:
    with pytest.raises(LessonError) as caught:
        lesson(LESSON.replace(old, new))
    assert said in str(caught.value)


def test_the_check_of_a_lesson_asks_for_the_tensors_and_lists_that_it_names() -> None:
    assert problems(lesson()) == ()
    found = problems(lesson(LESSON.replace('Q = ["query", ""]', 'Qs = ["query", ""]')))
    assert [error.reason.partition("?")[0] for error in found] == ['unknown name "Qs": did you mean "S"']
