"""The glyphs that the app draws, and each in ASCII, for terminals without UTF-8."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple, TypeVar, cast
from unicodedata import decomposition, name, normalize

GLYPHS = {
    "·": "*",
    "×": "x",
    "±": "+-",
    "…": "...",
    "≈": "~",
    "→": "->",
    "←": "<-",
    "↵": "Enter",
    "✓": "ok",
    "✗": "no",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "−": "-",
    "–": "-",
    "—": "-",
    "∞": "oo",
    "ℝ": "R",
    "⋯": "...",
    "⋮": ":",
    "ᵀ": ".T",
    "Σ": "sum",
    "√": "sqrt",
    "∂": "d",
    "›": ">",
    "▸": ">",
    "░": "#",
    "␣": "_",
    "“": '"',
    "”": '"',
    "’": "'",
    **{chr(0x2080 + digit): str(digit) for digit in range(10)},
    **{superscript: f"^{digit}" for digit, superscript in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **dict(
        zip(
            "│─┬━◀▶‖▒▓█↑↓⇧⌫",
            ("|", "-", "+", "=", "<", ">", "|", "%", "@", "@", "^", "v", "^", "bs"),
            strict=True,
        )
    ),
    **dict(zip("ⁿᵐᵖˣᵢⱼₖₙₘ⁻", ("^n", "^m", "^p", "x", "_i", "_j", "_k", "_n", "_m", "^-"), strict=True)),
    **dict(zip("θεσμ", ("theta", "eps", "sigma", "mu"), strict=True)),
    **dict(zip("⊙⊗∘∈½°", ("(*)", "(x)", "o", "in", "1/2", " deg"), strict=True)),
    **dict(zip("∗′∼≡∝⇒↦⊕", ("*", "'", "~", "==", "~", "=>", "|->", "(+)"), strict=True)),
    **dict(zip("∇∫Π∉∪∩⊆", ("grad ", "int", "prod", "not in", "u", "n", "sub"), strict=True)),
}
_TABLE = str.maketrans(GLYPHS)


_Text = TypeVar("_Text", bound=str)


def ascii_text(text: _Text) -> _Text:
    """Return the text in ASCII, a character that has no spelling as `?`; clean text stays clean."""
    if text.isascii():
        return text
    parts = (_spelling(kind, "".join(run)) for kind, run in groupby(text, _script))
    return cast(_Text, "".join(parts).encode("ascii", "replace").decode("ascii"))


@lru_cache(1024)
def _script(char: str) -> str:
    """Return the sign of a small letter that stands above the line or below it; else nothing."""
    kind, _, _ = ("", "", "") if char.isascii() or char == "ᵀ" else decomposition(char).partition(" ")
    return {"<super>": "^", "<sub>": "_"}.get(kind, "")


def _spelling(script: str, text: str) -> str:
    """Return text in ASCII as far as it has a spelling: indices and exponents after their sign."""
    if script and len(text) > 1:
        inside = normalize("NFKC", text).translate(_TABLE)
        return script + (inside if inside.isalnum() or inside.startswith("(") else f"({inside})")
    return "".join(char if char.isascii() else _letter(char) for char in text.translate(_TABLE))


def _letter(char: str) -> str:
    """Return the letter that a small or a styled one is, and the name of a Greek one."""
    plain = normalize("NFKC", char) if decomposition(char).startswith("<") else char
    match = re.fullmatch("GREEK (SMALL|CAPITAL) LETTER ([A-Z]+)", name(plain, "") if len(plain) == 1 else "")
    greek = "" if match is None else match[2].lower() if match[1] == "SMALL" else match[2].capitalize()
    return _script(char) + (greek or plain)


class Glyphs(NamedTuple):
    """The characters of the screen that are not in every terminal's font."""

    vertical: str = "│"
    horizontal: str = "─"
    cross: str = "┬"
    pointer: str = "▸"
    bar_full: str = "━"
    bar_empty: str = "─"
    back: str = "◀"
    forward: str = "▶"
    playing: str = "‖"
    dots: str = "…"
    shades: str = " ░▒▓█"
    up: str = "↑"
    down: str = "↓"
    stages: str = "○◐●"  # of a lesson: not begun, begun, done
    plain: bool = False

    def text(self, text: str) -> str:
        """Return `text` with the characters that this set does not have replaced."""
        return ascii_text(text) if self.plain else text


UNICODE = Glyphs()
ASCII = Glyphs(
    vertical="|", horizontal="-", cross="+", pointer=">", bar_full="=", bar_empty="-", back="<",
    forward=">", playing="|", dots="~", shades=" .:#@", up="^", down="v", stages="o+*",
    plain=True,
)  # fmt: skip
