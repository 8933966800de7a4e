"""Text for terminals without UTF-8: every glyph that the app draws, in ASCII."""

from __future__ import annotations

GLYPHS = {
    "·": "*",
    "×": "x",
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
    "ᵀ": ".T",
    "Σ": "sum",
    "√": "sqrt",
    "∂": "d",
    "›": ">",
    "▸": ">",
    "░": "#",
    "²": "^2",
    "“": '"',
    "”": '"',
    "’": "'",
    **{chr(0x2080 + digit): str(digit) for digit in range(10)},
}
_TABLE = str.maketrans(GLYPHS)


def ascii_text(text: str) -> str:
    """The text in ASCII; a character without a spelling of its own becomes ``?``."""
    return text if text.isascii() else text.translate(_TABLE).encode("ascii", "replace").decode("ascii")
