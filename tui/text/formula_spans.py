"""Formulas as spans of text: on a line, or in rows of one width."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tui.text.rows import Row, TextSpan

if TYPE_CHECKING:
    from llm_linalg.lessons.formulas.formula_layout import FormulaPiece

NameHues = tuple[tuple[str, str], ...]
"""The role of the colour of each name: a formula's names have those of the tensors in the picture."""
NO_HUES: NameHues = ()


def formula_spans(tex: str, hues: NameHues = NO_HUES) -> Row:
    """Return a formula in TeX on a line; nothing for one that can't be read."""
    from llm_linalg.lessons.formulas.formula_layout import formula_line
    from llm_linalg.lessons.formulas.tex_tree import FormulaError

    try:
        return _spans(formula_line(tex), hues)
    except FormulaError:
        return ()


def spans_in_rows(tex: str, hues: NameHues = NO_HUES) -> list[Row]:
    """Return a formula in TeX in rows; none for one that can't be read."""
    from llm_linalg.lessons.formulas.formula_layout import formula_rows
    from llm_linalg.lessons.formulas.tex_tree import FormulaError

    try:
        return [_spans(line, hues) for line in formula_rows(tex)]
    except FormulaError:
        return []


def hue_of_names(names: Iterable[str], hues: NameHues) -> str:
    """Return the colour of the first name that has one; empty if none has."""
    colours = dict(hues)
    return next((colours[name] for name in names if name in colours), "")


def _spans(line: Iterable[FormulaPiece], hues: NameHues) -> Row:
    return tuple(TextSpan(piece.text, hue_of_names(piece.names, hues)) for piece in line)
