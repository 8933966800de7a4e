"""Formulas wherever a lesson's words are: on the stage, in the app, in plain text, JSON, pages, checks."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from llm_linalg.lessons.deck import load
from llm_linalg.lessons.formulas.tex_tree import INCOMPLETE
from llm_linalg.lessons.reader import parse
from tests.app.driving import opened
from tests.app.talks import deck_at, started
from tests.engine.test_formulas import CORPUS, TOKENS
from tui.cli.checks import check
from tui.cli.main import main
from tui.compose.hues import name_hues
from tui.compose.view_runner import open_view
from tui.export.html_parts import paragraphs as html_paragraphs
from tui.model.view import View
from tui.panes.slide_pane import row_count, slide_rows
from tui.render.json_text import to_json
from tui.render.mathml import mathml
from tui.render.plain import to_plain
from tui.text.glyphs import ASCII, UNICODE, ascii_text
from tui.text.prose import paragraphs, words_of
from tui.text.rows import Row

MEAN = r"\bar{x} = \frac{1}{n} \sum_{i=1}^n x_i"
ON_A_LINE = "x̄ = (1/n) Σᵢ₌₁ⁿ xᵢ"
TALK = rf"""+++
title = "Formulas"
[colours]
Q = "blue"
K = "green"
+++
## Attention
The scores are $QK^\top$ for $5 and $6.

$$ {MEAN} $$

## Scores
Here $S = QK^\top / \sqrt{{d}}$.

$$ {MEAN} $$

```python show="S"
d = 2
Q = torch.randn(3, d)
K = torch.randn(3, d)
S = Q @ K.T
```
"""


def texts(rows: list[Row]) -> list[str]:
    return ["".join(span.text for span in row).rstrip() for row in rows]


def coloured(rows: list[Row]) -> dict[str, str]:
    return {span.text: span.role for row in rows for span in row if span.role.startswith("slice")}


def test_a_formula_between_two_dollars_has_rows_as_far_as_there_is_room() -> None:
    prose = f"The mean\n\n$$ {MEAN} $$"
    drawn = ["The mean", "", "      1  n", "  x̄ = ─  Σ  xᵢ", "      n i=1"]
    assert texts(paragraphs(prose, 40)) == drawn
    assert texts(paragraphs(prose, 40, most=5)) == drawn
    assert texts(paragraphs(prose, 40, most=4)) == ["The mean", "", f"  {ON_A_LINE}"]
    assert texts(paragraphs(prose, 12))[2:] == ["  x̄ = (1/n)", "    Σᵢ₌₁ⁿ xᵢ"]
    assert words_of(prose, 40) == ["The mean", "", ON_A_LINE]


def test_a_slide_draws_its_formula_and_in_little_room_writes_it_on_a_line() -> None:
    prose = f"The mean is\n$$ {MEAN} $$"
    high = slide_rows("Mean", prose, 78, 10, big=False, glyphs=UNICODE)
    low = slide_rows("Mean", prose, 78, 5, big=False, glyphs=UNICODE)
    assert any("─" in row for row in texts(high))
    assert texts(low)[-1].strip() == ON_A_LINE
    assert row_count("Mean", prose, 78) == 4
    plain = texts(slide_rows("Mean", prose, 78, 10, big=False, glyphs=ASCII))
    assert all(row.isascii() for row in plain)


def test_what_can_not_be_read_stands_as_it_is_written() -> None:
    assert texts(paragraphs(r"So $\foo$ is" + "\n\n" + r"$$ \foo{x} $$", 40)) == [
        r"So $\foo$ is",
        "",
        r"  $$ \foo{x} $$",
    ]


def test_names_have_the_colours_that_their_tensors_have(tmp_path: Path) -> None:
    session = started(deck_at(tmp_path, TALK), 2)
    lesson, run, view = session.view.lesson, session.current, session.view
    assert run is not None
    frame = run.frame(view)
    hues = name_hues(lesson, frame)
    assert dict(hues)["Q"] == "slice-0"
    assert dict(hues)["K"] == "slice-1"
    panels = {panel.name: panel.hue for panel in frame.stage.panels if panel.hue}
    assert panels
    for name, hue in panels.items():
        assert dict(hues)[name] == hue
    shown = coloured(paragraphs(r"$S = QK^\top + W_Q$ and `Q`, Q", 60, hues))
    assert shown == {"S": panels["S"], "Q": "slice-0", "K": "slice-1"}
    assert dict(name_hues(lesson, None)) == {"Q": "slice-0", "K": "slice-1"}  # before it has run, on a slide
    page = html_paragraphs(r"$QK^\top$", hues)
    assert page == (
        '<p><math><mi class="slice-0">Q</mi><msup><mi class="slice-1">K</mi><mi>⊤</mi></msup></math></p>\n'
    )


async def test_the_stage_and_the_app_show_them(tmp_path: Path) -> None:
    lesson = load(deck_at(tmp_path, TALK)).lessons[0]
    async with opened(lesson) as app:
        await app.until_shown("The scores are QKᵀ for $5 and $6.")
        assert any("x̄ = ─  Σ  xᵢ" in row for row in app.rows)
        await app.press("full_stop")
        await app.until_shown("S = QKᵀ/√d")
        await app.until_shown("x̄ = ")


def test_plain_text_and_json_have_them_on_a_line(tmp_path: Path) -> None:
    lesson = load(deck_at(tmp_path, TALK)).lessons[0]
    view = View.opening(lesson, 2)
    run = open_view(view)
    plain = to_plain(run.frame(view))
    assert f"Here S = QKᵀ/√d.\n\n{ON_A_LINE}\n" in plain
    assert json.loads(to_json(run.frame(view)))["story"]["text"] == "Here S = QKᵀ/√d."
    in_ascii = to_plain(run.frame(view, ascii_only=True))
    assert in_ascii.isascii()
    assert "Here S = QK.T/sqrtd." in in_ascii
    assert ascii_text("xᵢⱼ¹⁰ + Σᵢ₌₁ⁿ αₜ ∈ ℝᵈ, ϵ") == "x_ij^10 + sum_(i=1)^n alpha_t in R^d, epsilon"


def test_check_says_which_formula_can_not_be_read_and_where(tmp_path: Path) -> None:
    text = TALK.replace(r"$QK^\top$ for", r"$\foo{x}$, $\frac{a}$ and `$\bar$` for")
    text += "\n```notes\nSay $x^$.\n```\n"
    found = [*check(load(deck_at(tmp_path, text)))]
    assert [(one.line, one.reason) for one in found if one.kind == "formula"] == [
        (8, r'the formula "\foo{x}" is shown as written: unknown LaTeX command "\foo"'),
        (8, rf'the formula "\frac{{a}}" is shown as written: {INCOMPLETE}'),
        (25, f'the formula "x^" is shown as written: {INCOMPLETE}'),
    ]
    assert main(["check", str(tmp_path / "talk.md")]) == 1
    assert not [*check(load(deck_at(tmp_path, TALK)))]


MATHML_NAMES = """
    math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mtable mtr mtd
    mphantom menclose p div
"""
MATHML = frozenset(MATHML_NAMES.split())
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=y>', r"\text{<b>\&amp;}", r"\hspace{1em\" onload=x}",
)  # fmt: skip


class Tags(HTMLParser):
    """The tags of a page, with their attributes, and whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_has_mathml_in_which_nothing_else_stands() -> None:
    for tex in CORPUS:
        ElementTree.fromstring(mathml(tex, display=True))  # noqa: S314 - ours
        page = Tags(html_paragraphs(f"$$ {tex} $$"))
        assert page.open == []
        assert page.names <= MATHML, tex
    for piece in (*TOKENS.split(), *HOSTILE):
        page = Tags(html_paragraphs(f"${piece}x$ and\n$$ {piece} $$"))
        assert page.open == []
        assert page.names <= MATHML, piece
        assert not page.attributes & {"style", "href", "src", "onerror", "onload"}


@pytest.mark.parametrize("suffix", ["md", "ipynb", "py"])
def test_documents_show_formulas_as_lessons_do(suffix: str) -> None:
    from llm_linalg.lessons.documents import parse as parse_document

    said = r"The mean \(\bar x\) and" + f"\n\n$$\n{MEAN}\n$$"
    cells = [{"cell_type": "markdown", "source": said, "metadata": {}}, {
        "cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": [], "execution_count": None,
    }]  # fmt: skip
    text = {
        "md": f"{said}\n\n```python\nx = 1\n```\n",
        "ipynb": json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}),
        "py": "\n".join(["# %% [markdown]", *(f"# {line}" for line in said.split("\n")), "# %%", "x = 1"]),
    }[suffix]
    (stop,) = parse_document(text.encode(), f"a.{suffix}").stops
    written = f"The mean $\\bar x$ and\n\n$$ {MEAN} $$"
    assert texts(paragraphs(stop.prose, 40)) == texts(paragraphs(written, 40))


def test_a_heading_is_a_title_of_text() -> None:
    lesson = parse('+++\ntitle = "A"\n+++\n## The price $\\mathbf{A}^\\top$ of $5\nWords.\n', "a.md")
    assert lesson.stops[0].title == "The price Aᵀ of $5"
