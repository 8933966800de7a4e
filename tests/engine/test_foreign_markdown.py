"""Notebooks' Markdown made readable: HTML, LaTeX and links become text, and code stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.lessons.documents import parse
from llm_linalg.lessons.documents.foreign_markdown import readable
from llm_linalg.lessons.documents.tex import tex_text

FORMULAS = {
    r"\mathbf{A}^\top": "Aᵀ",
    r"x_i \in \mathbb{R}^d": "xᵢ ∈ ℝᵈ",
    r"\frac{QK^T}{\sqrt{d_k}}": "QKᵀ/(√dₖ)",
    r"\sqrt{x + 1}": "√(x + 1)",
    r"\sqrt[3]{2}": "³√2",
    r"\begin{bmatrix} a & b \\ c & d \end{bmatrix}": "[ a b ; c d ]",
    r"\hat{y} = \sigma(\mathbf{w}^\top \mathbf{x} + b)": "ŷ = σ(wᵀ x + b)",
    r"\|\mathbf{x}\|_2^2": "‖x‖₂²",
    r"e^{-x}": "e⁻ˣ",
    r"\mathcal{L}(\theta)": "ℒ(θ)",
    r"\text{softmax}\left(z\right)": "softmax(z)",
    r"W_{Q}": "W_Q",
    r"\unknown{x}": "unknown x",
    "{{x}": "x",
    "x^": "x",
    "a*b": "a∗b",
}


@pytest.mark.parametrize(("tex", "text"), FORMULAS.items())
def test_a_formula_is_a_line_of_text(tex: str, text: str) -> None:
    assert tex_text(tex) == text


def test_a_sign_is_one_character_of_its_own() -> None:
    signs = {
        "alpha": "α",
        "Sigma": "Σ",
        "sum": "Σ",
        "to": "→",
        "leq": "≤",
        "odot": "⊙",
        "lVert": "‖",
        "ell": "ℓ",
    }
    assert all(tex_text(f"\\{name}") == sign for name, sign in signs.items())
    assert tex_text(r"\Pr(x) = \sup_y \sin y") == "Pr (x) = sup _y sin y"


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
}


@pytest.mark.parametrize(("text", "shown"), PROSE.values(), ids=list(PROSE))
def test_what_stands_between_programs_is_readable(text: str, shown: str) -> None:
    assert readable(text).strip() == shown


def test_fences_stay_as_they_are_and_lines_keep_their_places() -> None:
    text = "a\n$$\nx^2\n$$\n```python\ny = '$x$ <b>'\n```\n<div\n class='a'>b</div>\nend"
    made = readable(text).split("\n")
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
    assert tex_text(piece * 2_000) is not None


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
