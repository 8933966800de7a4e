"""The glyphs that the app draws, and each in ASCII, for terminals without UTF-8."""

from __future__ import annotations

from typing import NamedTuple, TypeVar, cast

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
}
_TABLE = str.maketrans(GLYPHS)


_Text = TypeVar("_Text", bound=str)


def ascii_text(text: _Text) -> _Text:
    """Return the text in ASCII, a character that has no spelling as `?`; clean text stays clean."""
    if text.isascii():
        return text
    return cast(_Text, text.translate(_TABLE).encode("ascii", "replace").decode("ascii"))


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
