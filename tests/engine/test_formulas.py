"""Formulas in TeX on one line and in rows: a corpus of lectures, laws over it, and what no formula is."""

from __future__ import annotations

import random
from pathlib import Path
from xml.etree import ElementTree

import pytest

from llm_linalg.base.text import clean, width
from llm_linalg.lessons.formulas.formula_layout import FormulaPiece, formula_line, formula_rows, line_text
from llm_linalg.lessons.formulas.tex_tree import DEEPEST, INCOMPLETE, LONGEST, fault, tree
from llm_linalg.lessons.markdown import (
    blocks,
    first_sentence,
    formula_text,
    formulas,
    plain_text,
    text_runs,
    without_formulas,
)

LINES = Path(__file__).with_name("formulas.txt").read_text(encoding="utf-8").splitlines()
CORPUS = dict(zip(LINES[::2], (line.strip() for line in LINES[1::2]), strict=True))


def rows_text(tex: str) -> list[str]:
    return ["".join(piece.text for piece in row) for row in formula_rows(tex)]


@pytest.mark.parametrize(("tex", "line"), CORPUS.items())
def test_a_formula_of_a_lecture_is_a_line(tex: str, line: str) -> None:
    assert line_text(tex).strip() == line


def test_lines_and_rows_obey_their_laws() -> None:
    assert len(CORPUS) > 150
    for tex, line in CORPUS.items():
        assert "\\" not in line
        braces = [sign for sign in line if sign in "{}"]
        assert len(braces) == tex.count(r"\{") + tex.count(r"\}"), tex  # those of a set
        for opening, closing in ("()", "[]", "{}", "⟨⟩", "⌊⌋"):
            assert line.count(opening) == line.count(closing), tex
        drawn = rows_text(tex)
        assert len({width(row) for row in drawn}) == 1, tex
        assert not any(sign in row for row in drawn for sign in "\\&"), tex
        ElementTree.fromstring(ElementTree.tostring(tree(tex)))  # noqa: S314 - ours


ROWS = {
    r"\text{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right) V": [
        "       ⎛QKᵀ⎞  ",
        "softmax⎜───⎟ V",
        "       ⎝√dₖ⎠  ",
    ],
    r"\bar{x} = \frac{1}{n} \sum_{i=1}^n x_i": [
        "    1  n    ",
        "x̄ = ─  Σ  xᵢ",
        "    n i=1   ",
    ],
    r"\begin{bmatrix} a & b \\ c & d \end{bmatrix} x": ["⎡a  b⎤ x", "⎣c  d⎦  "],
    r"M = \begin{cases} 0 & i \ge j \\ -\infty & \text{else} \\ 1 \end{cases}": [
        "    ⎧0   i ≥ j",
        "M = ⎨−∞  else ",
        "    ⎩1        ",
    ],
    r"\sqrt{\frac{a}{b}}": ["┌─", "│a", "│─", "√b"],
    r"e^{x_i} / \frac{a}{b}": [" xᵢ   a", "e   / ─", "      b"],
    r"\begin{aligned} q &= x W_q \\ v_1 &= x \end{aligned}": [" q = xW_q", "v₁ = x   "],
    r"x^2 + W_Q": ["x² + W_Q"],
    r"\frac{\frac{a}{b}}{c}": [" a ", " ─ ", " b ", "───", " c "],
}


@pytest.mark.parametrize(("tex", "rows"), ROWS.items())
def test_what_would_lie_on_one_row_has_several(tex: str, rows: list[str]) -> None:
    assert rows_text(tex) == rows


MEANINGS = {
    r"\frac{1}{n}\sum_i x_i": "(1/n) Σᵢ xᵢ",
    r"\frac{1}{n} + 1": "1/n + 1",
    r"\frac{a + b}{c d}": "(a + b)/(cd)",
    r"\frac{a}{b}^2": "(a/b)²",
    r"\frac{\frac{a}{b}}{c}": "(a/b)/c",
    r"{a + b}^2": "(a + b)²",
    r"\sqrt{a + b} c": "√(a + b)c",
    r"f(\frac{a}{b})": "f(a/b)",
    r"\frac{f(x) - f(y)}{h}": "(f(x) − f(y))/h",
    r"W_Q x": "W_Q x",
    r"-x - -y": "−x − −y",
    r"\frac12 x_12": "(1/2) x₁2",
    "a*b": "a∗b",
    "α × β": "α × β",
    r"a \\ b": "a; b",
    r"x'_i": "xᵢ′",
}


@pytest.mark.parametrize(("tex", "line"), MEANINGS.items())
def test_a_line_means_what_the_formula_means(tex: str, line: str) -> None:
    assert line_text(tex).replace("a ∗ b", "a∗b") == line


def test_names_are_those_that_a_program_may_have() -> None:
    assert formula_line(r"W_Q \mathbf{x}^\top + \alpha") == (
        FormulaPiece("W_Q", ("W_Q", "WQ", "W")),
        FormulaPiece(" "),
        FormulaPiece("x", ("x",)),
        FormulaPiece("ᵀ + "),
        FormulaPiece("α", ("α", "alpha")),
    )


FAULTS = {
    r"\unknown{x}": r'unknown LaTeX command "\unknown"',
    r"\frac{a}": INCOMPLETE,
    "{{x}": "its braces don't match",
    "x}": "its braces don't match",
    "x^": INCOMPLETE,
    r"{x^}": INCOMPLETE,
    r"\begin{bmatrix} a": "an environment has no end, or no beginning",
    r"\text{a \textbf{b}}": None,
    "": "there is nothing in it",
    "{" * (DEEPEST + 1) + "}" * (DEEPEST + 1): f"it is deeper than {DEEPEST} braces",
    "x" * (LONGEST + 1): f"it has more than {LONGEST} characters",
}


@pytest.mark.parametrize(("tex", "reason"), FAULTS.items(), ids=range(len(FAULTS)))
def test_what_is_no_formula_says_why(tex: str, reason: str | None) -> None:
    assert fault(tex) == reason if reason is not None else fault(tex)
    assert formula_text(tex) is None


TOKENS = r"""
    \frac { } ^ _ \sqrt [ ] \left \right ( ) \begin{bmatrix} \end{bmatrix} & \\ \text{a $ \hat \not \mathbb
    x 1 \limits \sum \overbrace \operatorname \xrightarrow \hspace \begin{x} \begin \end \ < > ' \phantom
    \boxed \color \displaystyle \pmod \binom \stackrel \big % # ~ \begin{cases} \end{cases} \hspace{1e9em}
    \def \newcommand \href{javascript:} \style{x} \class{y} \verb|x| \unicode{x41} \mathop \substack{a\\b}
"""
CHARACTERS = ("\x1b[2J", "\u202e", "\u0301", "漢", "é", '"', "\n", " ", "\x00", "\U000e0041")
PIECES = (*TOKENS.split(), *CHARACTERS)


def nasty() -> list[str]:
    """Returns strings made of pieces of TeX, and formulas of the corpus with pieces put into them."""
    drawn = random.Random(7)  # noqa: S311 - no secret
    made = ["".join(drawn.choices(PIECES, k=drawn.randint(1, 40))) for _ in range(5_000)]
    for tex in drawn.choices([*CORPUS], k=5_000):
        at = drawn.randrange(len(tex))
        made.append(tex[:at] + drawn.choice(PIECES) + tex[at + drawn.randint(0, 3) :])
    for piece in PIECES:
        made += [piece * 400, (piece + "x") * 60, f"x^{piece}{piece}y", "{" * 20 + piece + "}" * 20]
    return made


def test_hostile_text_is_a_formula_or_none_and_never_more() -> None:
    shown = 0
    for tex in nasty():
        if reason := fault(tex):
            assert clean(reason) == reason
            continue
        shown += 1
        for row in (line_text(tex), *rows_text(tex)):
            assert clean(row, None) == row
            assert "\\" not in row
        assert len({width(row) for row in rows_text(tex)}) == 1
        root = ElementTree.fromstring(ElementTree.tostring(tree(tex)))  # noqa: S314 - ours
        names = {name for element in root.iter() for name in element.attrib}
        assert not names & {"href", "style", "onclick", "id"}
    assert shown > 1_000


def test_dollars_of_prices_and_of_code_are_no_formulas() -> None:
    for text in ("It costs $5 and $6.", "US$5, or 6$ more", r"an \$x$", "`$x$`", "$ x $", "$HOME and $PATH"):
        assert not [*formulas(text)], text
        assert without_formulas(text) == text
    assert plain_text("It costs $5 and $6.") == "It costs $5 and $6."
    assert plain_text(r"so $x_i$, `$x$` and $\unknown$") == r"so xᵢ, $x$ and $\unknown$"


def test_a_formula_on_lines_of_its_own_is_a_block() -> None:
    text = "So\n$$\nx^2\n+ 1\n$$\nand `$$`\n\n$$ a $$.\n\n    $$ code $$"
    kinds = [(block.kind, block.first, block.end, block.text) for block in blocks(text)]
    assert kinds == [
        ("text", 0, 1, "So"),
        ("formula", 1, 5, "x^2 + 1"),
        ("text", 5, 6, "and `$$`"),
        ("formula", 7, 8, "a."),
        ("code", 9, 10, "$$ code $$"),
    ]
    assert [*formulas(text)] == ["x^2 + 1", "a."]
    assert without_formulas("A\n$$\nx^2\n$$\nB") == "A\nx²\n\n\nB"


def test_no_markup_and_no_sentence_ends_in_a_formula() -> None:
    assert [run.text for run in text_runs("$a_1 * b_1$ and $a*b*c$") if run.kind == "formula"] == [
        "a_1 * b_1",
        "a*b*c",
    ]
    assert first_sentence("The mean $\\bar x. y$ it is. Then.") == ("The mean $\\bar x. y$ it is.", "Then.")
    assert first_sentence("$$ x. y $$\nThen.") == ("", "$$ x. y $$\nThen.")
