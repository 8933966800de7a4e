r"""Formulas in LaTeX as a line of text: `\mathbf{x}^\top W_{ij}` becomes `xᵀ Wᵢⱼ`."""

from __future__ import annotations

import re
from html.entities import html5
from unicodedata import normalize

DEEPEST = 20  # groups within groups, in braces or not

# By the name of a command, its character, where HTML has another under that name, or none.
_SIGNS = """
    varepsilon ε varphi φ cdot · ast ∗ star ⋆ circ ∘ top ᵀ intercal ᵀ neq ≠ exists ∃ neg ¬ land ∧ lor ∨ to →
    sum Σ prod Π partial ∂ infty ∞ ldots … cdots … dots … vdots ⋮ ddots ⋱ lVert ‖ rVert ‖ | ‖ lvert | rvert |
    mid |
"""
_OWN = dict(zip(_SIGNS.split()[::2], _SIGNS.split()[1::2], strict=True))
_WORDS = ("Pr", "sup", "lg", "it", "par")  # of which HTML has signs that mean something else
_SPACES = (*",;:! ", "quad", "qquad", "space", "thinspace", "enspace", "displaystyle")
_LEFT_OUT = re.compile(r"left|right|[bB]igg?|big[lr]|(no)?limits|nonumber|textstyle")
_FIXED = {**_OWN, **dict.fromkeys(_SPACES, " "), "\\": "; "}

_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0304", "tilde": "\u0303",
    "widetilde": "\u0303", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308",
}  # fmt: skip
_LETTERS = {
    "mathbb": str.maketrans("CHNPQRZE1", "ℂℍℕℙℚℝℤ𝔼𝟙"),
    "mathcal": str.maketrans("BEFHILMRDNUXYTAVW", "ℬℰℱℋℐℒℳℛ𝒟𝒩𝒰𝒳𝒴𝒯𝒜𝒱𝒲"),
}
_HIGH = "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺-⁻=⁼(⁽)⁾nⁿiⁱjʲkᵏlˡmᵐTᵀtᵗaᵃbᵇcᶜdᵈeᵉfᶠgᵍhʰoᵒpᵖrʳsˢuᵘvᵛwʷxˣyʸzᶻᵀᵀ′′∗∗"
_LOW = "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊-₋=₌(₍)₎aₐeₑhₕiᵢjⱼkₖlₗmₘnₙoₒpₚrᵣsₛtₜuᵤvᵥxₓβᵦγᵧρᵨφᵩχᵪ"
_SMALL = {sign: dict(zip(row[::2], row[1::2], strict=True)) for sign, row in (("^", _HIGH), ("_", _LOW))}

_NAME = re.compile(r"\\(?:([A-Za-z]+)\*?|(.))", re.DOTALL)
_TAKES_WORDS = re.compile(
    r"[dt]?frac|sqrt|begin|end|label|tag|eqref|ref|cite|color|bm|(?:math|text|operator|bold|under|over)\w*"
)
_ARGUMENT = r"\s*(\{[^{}]*\}|[^\s{}\\^_])"
_COMMAND = re.compile(
    rf"\\[dt]?frac{_ARGUMENT}{_ARGUMENT}|\\sqrt(?:\[([^\[\]{{}}]*)\])?{_ARGUMENT}"
    rf"|\\(?![dt]?frac|sqrt)([A-Za-z]+){_ARGUMENT}|([\^_]){_ARGUMENT}"
)
_GROUP = re.compile(r"(?<![\w}\]^])\{([^{}]*)\}")
_SIMPLE = re.compile(r"[\w.′ᵀ⁰-⁹₀-₉ᵢⱼ\u0300-\u036f]+")
_HELD = "\ue000\ue001\ue002\ue003"  # stands for what is written as it is, and means nothing
_HOLD, _RELEASE = str.maketrans("{}^_", _HELD), str.maketrans(_HELD, "{}^_")


def tex_text(tex: str) -> str:
    """Return a formula as a line of text; what it knows no character for keeps its name.

    Names become characters first; then commands, exponents and indices whose arguments hold no others, from
    the innermost out.
    """
    text = _NAME.sub(_named, tex.replace("&", " ").replace("*", "∗"))
    for _ in range(DEEPEST):
        before = text
        text = _COMMAND.sub(_written, text)
        text = _GROUP.sub(r"\1", text) if text == before else text
        if text == before:
            break
    text = re.sub(r"[\\{}^_]", "", text).translate(_RELEASE)
    return normalize("NFC", " ".join(text.split()))


def _named(found: re.Match[str]) -> str:
    """Return the character of a name; without one the name, as a command if it takes an argument."""
    name = found[1] or found[2]
    if name in _FIXED:
        return _FIXED[name].translate(_HOLD)
    if not found[1]:
        return name.translate(_HOLD)
    if _LEFT_OUT.fullmatch(name):
        return ""
    if name in _ACCENTS or _TAKES_WORDS.fullmatch(name):
        return f"\\{name}"
    char = html5.get(f"{name};", "")
    return char if char and name not in _WORDS else f" {name} "


def _written(found: re.Match[str]) -> str:
    parts = (part.strip("{}") for part in found.groups(""))
    over, under, degree, root, name, inner, sign, script = parts
    if sign:
        return _script(script, sign)
    if name:
        return _of_command(name, inner)
    if found[0].startswith("\\sqrt"):
        return f"{_script(degree, '^')}√{_bracketed(root)}"
    return f"{_bracketed(over)}/{_bracketed(under)}"


def _of_command(name: str, inner: str) -> str:
    if name in ("begin", "end"):
        return ("[" if name == "begin" else "]") if "matrix" in inner else " "
    if name in ("label", "tag", "eqref", "ref", "cite", "color"):
        return ""
    if name in _ACCENTS:
        return inner + _ACCENTS[name] * (len(inner) == 1)
    return inner.translate(_LETTERS.get(name.replace("scr", "cal"), {}))


def _script(text: str, sign: str) -> str:
    """Return an exponent or an index, in small characters if there are such."""
    short = text.replace(" ", "").replace("−", "-")
    if all(char in _SMALL[sign] for char in short):
        return "".join(_SMALL[sign][char] for char in short)
    return sign.translate(_HOLD) + (short if len(short) < 2 or short.isalnum() else f"({text})")


def _bracketed(text: str) -> str:
    return text if _SIMPLE.fullmatch(text) else f"({text})"
