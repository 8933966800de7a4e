"""Every glyph that the app draws, in ASCII, for terminals without UTF-8."""

from __future__ import annotations

from typing import TypeVar, cast

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
    **dict(zip("ⁿᵢⱼₖₙₘ⁻", ("^n", "_i", "_j", "_k", "_n", "_m", "^-"), strict=True)),
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
