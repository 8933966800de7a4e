"""Notebooks' Markdown made readable: HTML and links become text, formulas and code stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.lessons.documents import parse
from llm_linalg.lessons.documents.foreign_markdown import readable
from llm_linalg.lessons.markdown import without_formulas

PROSE = {
    "HTML": ('<table style="width:100%"><tr><td>a <a href="x">b</a></td></tr></table>', "a b"),
    "an unknown tag": ("the token <eos>", "the token <eos>"),
    "a picture": ("![a cat](https://a.b/c.png) here", "(picture: a cat) here"),
    "a picture of HTML": ('<img src="a.png" alt="a cat">', ""),
    "a link": ('see [the docs](https://a.b/c(d) "t")', "see the docs"),
    "a link to a lesson": ("see [a product](lesson:matmul)", "see [a product](lesson:matmul)"),
    "a formula": (r"the matrix $\mathbf{A}$.", "the matrix A."),
    "prices": ("it costs $5 and $6", "it costs $5 and $6"),
    "a formula in brackets": (r"so \(x_1\) and \[x_2\]", "so x₁ and x₂"),
    "code": ("`$x$ <b> [a](b)` and $x$", "`$x$ <b> [a](b)` and x"),
    "a comment": ("a <!-- b\nc --> d", "a \n d"),
    "bold": ("<b>a</b>", "**a**"),
    "a heading": ('<center><h2 align="center">A <b>b</b></h2></center>', "## A **b**"),
    "a heading on lines of its own": ("<h1>\nA\n</h1>", "A"),
    "no heading": ("a <h1>b</h1>", "a b"),
}


@pytest.mark.parametrize(("text", "shown"), PROSE.values(), ids=list(PROSE))
def test_what_stands_between_programs_is_readable(text: str, shown: str) -> None:
    assert without_formulas(readable(text)).strip() == shown


def test_fences_stay_as_they_are_and_lines_keep_their_places() -> None:
    text = "a\n$$\nx^2\n$$\n```python\ny = '$x$ <b>'\n```\n<div\n class='a'>b</div>\nend"
    made = without_formulas(readable(text)).split("\n")
    lines = text.split("\n")
    assert made[1].strip() == "x²"
    for line in ("```python", "y = '$x$ <b>'", "end"):
        assert made.index(line) == lines.index(line)


@given(st.text(alphabet=st.sampled_from("$\\[]()<>`!{}_^&:a b\n-/*|"), max_size=300))
def test_whatever_stands_there_its_lines_are_no_fewer(text: str) -> None:
    assert readable(text).count("\n") >= text.count("\n")


OPENINGS = (
    "$",
    "$$",
    "\\[",
    "\\(",
    "<a ",
    "<!--",
    "<script>",
    "`",
    "![",
    "[a](",
    "[a",
    "\\begin{align}",
    "{",
    "^",
    r"\hat",
    r"\frac",
    r"\sqrt[",
)


@pytest.mark.parametrize("piece", OPENINGS)
def test_what_is_never_closed_is_read_in_one_go(piece: str) -> None:
    assert readable((piece + "a ") * 20_000).count("a") >= 20_000
    assert without_formulas((piece + "a ") * 2_000).count("a") >= 2_000


def test_a_notebooks_headings_and_prose_are_readable() -> None:
    lines = [
        "# ---", "# jupyter:", "#   jupytext:", "# ---", "", "# %% [markdown] tags=[]",
        "# # The $\\mathbf{A}$", "# Some <b>words</b>.",
        '# %% id="SX7UC" tags=["a"]', "x = torch.ones(1)", "",
    ]  # fmt: skip
    found = parse("\n".join(lines).encode(), "a.py")
    assert [heading.title for heading in found.outline] == ["The A"]
    (stop,) = found.stops
    assert (stop.title, stop.prose) == ("The A", "Some **words**.")
