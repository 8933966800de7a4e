"""A colour is a thing: the same for a tensor in picture and formula, and never all that tells it apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.constants import HUES
from llm_linalg.lessons.lesson import Lesson, LessonError
from llm_linalg.lessons.reader import parse
from tests.app.lessons import opened
from tests.common import known
from tui.compose.view_runner import open_view
from tui.model.frame import CellMark, Frame
from tui.model.view import View
from tui.text.prose import formula, formula_row, least_rows, with_hues
from tui.text.rows import TextSpan
from tui.text.themes import THEMES

HEAD = """\
+++
title = "Colours"
part = 9
[colours]
Q = "blue"
K = "green"
V = "pink"
+++
"""


def of(code: str, head: str = HEAD) -> Lesson:
    return parse(f"{head}Text.\n\n```python\n{code}\n```\n", "colours.md")


def frame_of(lesson: Lesson, step: int = 0) -> Frame:
    view = replace(View.opening(lesson), step=step)
    return open_view(view).frame(view)


def hues(frame: Frame) -> dict[str, str]:
    return {panel.title: HUES[int(panel.hue[-1])] if panel.hue else "" for panel in frame.stage.panels}


QKV = "Q, K, V = torch.randn(3, 4), torch.randn(3, 4), torch.randn(3, 4)\n"


def test_a_tensor_keeps_its_colour_through_a_program() -> None:
    assert hues(frame_of(of(QKV + "S = Q @ K.T"))) == {"Q": "blue", "K.T": "green", "S": "violet"}
    assert hues(frame_of(of(QKV + "out = torch.softmax(Q @ K.T, -1) @ V")))["V"] == "pink"
    assert hues(frame_of(of(QKV + "heads = Q.view(3, 2, 2).transpose(0, 1)\nfirst = heads[0].T"))) == {
        "heads[0]": "blue",
        "first": "blue",
    }
    assert set(hues(frame_of(of(QKV + "y = Q + 1"))).values()) == {"blue", ""}


def test_row_column_and_result_of_any_product_have_one_each() -> None:
    view, run = opened("x, W = torch.randn(3, 2), torch.randn(2, 4)\ny = x @ W")
    assert list(hues(run.frame(view)).values()) == ["blue", "green", "violet"]
    in_lesson = hues(frame_of(of(QKV + "x, W = torch.randn(3, 2), torch.randn(2, 4)\ny = x @ W")))
    assert not set(in_lesson.values()) & {"blue", "green", "pink"}
    assert len(set(in_lesson.values())) == 3


def test_the_formula_has_the_colours_of_the_picture() -> None:
    view, run = opened("x, W = torch.tensor([[1.5, -2.]]), torch.tensor([[3.], [-4.]])\ny = x @ W")
    frame = run.frame(replace(view, step=1))
    left, top, result = frame.stage.panels
    assert frame.stage.hues == (left.hue, top.hue, result.hue)
    first, second = (with_hues(formula_row(line), frame.stage.hues) for line in frame.captions.formula)
    said = {span.text: span.role.split()[-1] for span in first if "slice" in span.role}
    assert said == {"1.5": left.hue, "3": top.hue, "-2": left.hue, "(-4)": top.hue}
    assert [span.text for span in second if result.hue in span.role] == ["12.5"]
    assert left.role_of(CellMark.READ | CellMark.FACTOR) == f"read {left.hue}"
    assert result.role_of(CellMark.WRITE) == "write"


@pytest.mark.parametrize(
    ("order", "said", "total"),
    [
        ("rows", {"2": 0, "[3 1 4 2 7]": 1, "1": 0, "[1 1 2 0 9]": 1}, 1),
        ("columns", {"3": 1, "[2 5]": 0, "1": 1, "[-1 0.5]": 0}, 1),
        ("outer", {"x[:, 0]": 0, "W[0, :]": 1, "[2 5]": 0, "[3 1 4 2 7]": 1}, 0),
        ("wave", {"x[i, :]": 0, "W[:, j]": 1}, 1),
    ],
)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_so_has_the_formula_of_a_row_a_column_and_a_table(
    order: str, said: dict[str, int], total: int, ascii_only: bool
) -> None:
    view, run = opened(
        "x = torch.tensor([[2., -1], [5, 0.5]])\n"
        "W = torch.tensor([[3., 1, 4, 2, 7], [1, 1, 2, 0, 9]])\ny = x @ W"
    )
    frame = run.frame(replace(view, order=order, step=1), ascii_only=ascii_only)
    panels = {str(panel.title): panel.hue for panel in frame.stage.panels}
    lines = [with_hues(formula_row(line), frame.stage.hues) for line in frame.captions.formula]
    coloured = [(span.text, span.role.split()[-1]) for line in lines for span in line if "slice" in span.role]
    factors = {text: hue for text, hue in coloured if hue != panels["y"]}
    assert factors == {text: panels["xW"[place]] for text, place in said.items()}
    assert len(coloured) - len(factors) == total


def test_a_single_term_is_what_is_done_now() -> None:
    view, run = opened("x, W = torch.randn(1, 3), torch.randn(3, 1)\ny = x @ W")
    frame = run.frame(replace(view, depth="terms", step=2))
    left = frame.stage.panels[0]
    assert left.role_of(CellMark.READ | CellMark.FACTOR) == "factor"
    assert left.role_of(CellMark.READ) == f"read {left.hue}"
    row = with_hues(formula_row(frame.captions.formula[0]), frame.stage.hues, term_by_term=True)
    assert [span.role for span in row if " + [" in span.text] == ["current"]


@given(
    st.lists(
        st.tuples(
            st.text("0123456789.·()[]+-= ≈einfa", max_size=30),
            st.sampled_from(["", "done", "current", "pending"]),
        ),
        max_size=5,
    ),
    st.lists(st.sampled_from(["", "slice-0", "slice-1"]), max_size=4),
)
def test_colours_change_no_character(pieces: list[tuple[str, str]], roles: list[str]) -> None:
    line = tuple(TextSpan(text, role) for text, role in pieces)
    painted = with_hues(line, roles)
    assert "".join(span.text for span in painted) == "".join(text for text, _ in pieces)
    assert all(span in painted for span in line if span.role == "pending")


@pytest.mark.parametrize("name", THEMES)
def test_each_theme_tells_its_colours_apart(name: str) -> None:
    theme = THEMES[name]
    styles = [theme.style(f"read slice-{k}") for k in range(len(HUES))]
    now = theme.style("current")
    colours = {style.color for style in (*styles, now)}
    if theme.colourless:
        assert all(colour is None or colour.is_default for colour in colours)
    else:
        assert len(colours) == len(HUES) + 1
    assert all(style.bold for style in styles)


DEVICES = """\
+++
title = "Devices"
part = 9
[colours]
mine = ["blue", "green"]
[controls.rank]
range = [0, 1]
default = 0
+++
Text.

```python ranks=2
mine = torch.randn(2, 2)
out = dist.all_reduce(mine)
```
"""


def test_a_colour_may_be_a_device() -> None:
    view = View.opening(parse(DEVICES, "devices.md"))
    assert hues(open_view(view).frame(view)) == {"mine": "blue", "mine on device 1": "green", "out": ""}
    other = replace(view, controls=(("rank", "1"),))
    assert hues(open_view(other).frame(other)) == {"mine on device 0": "blue", "mine": "green", "out": ""}


def test_a_list_of_colours_has_one_at_least() -> None:
    with pytest.raises(LessonError, match=r"devices.md:5: .*for each device"):
        parse(DEVICES.replace('["blue", "green"]', "[]"), "devices.md")
    with pytest.raises(LessonError, match=r'devices.md:5: .*"mauve"'):
        parse(DEVICES.replace('"green"', '"mauve"'), "devices.md")


def test_what_is_no_colour_is_said_with_its_line() -> None:
    with pytest.raises(LessonError, match=r'colours.md:5: .*"mauve".*blue'):
        of("x = torch.zeros(2)", HEAD.replace('"blue"', '"mauve"'))


_PIECES = st.lists(
    st.tuples(st.text("Y1 =+.·(界", max_size=30), st.sampled_from(["plain", "done"])), max_size=6
)


@given(lines=st.lists(_PIECES, max_size=3), width=st.integers(8, 60))
def test_a_formula_takes_no_fewer_rows_than_its_characters_need(
    lines: list[list[tuple[str, str]]], width: int
) -> None:
    assert least_rows(lines, width) <= len(formula(lines, width))
    assert least_rows([[("x" * (3 * width + 1), "plain")]], width) == 4


def test_arrows_have_the_colours_of_their_tensors() -> None:
    program = "Q, W = torch.tensor([[2., 1.], [0., 2.]]), torch.tensor([[0., 1.], [1., 0.]])\nS = Q @ W"
    view = replace(View.opening(of(program)), look="plane", depth="operations")
    frame = open_view(view).frame(view)
    roles = {span.role for row in known(frame.stage.drawing).rows(60, 14) for span in row}
    assert {panel.hue for panel in frame.stage.panels} <= roles
    assert hues(frame)["Q"] == "blue"
