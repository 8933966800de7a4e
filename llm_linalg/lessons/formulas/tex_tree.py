"""Read a formula in TeX as a tree of MathML: pages show it, and the layout in rows of text goes through it.

docutils reads it, as Sphinx does: what it makes is MathML Core, which browsers draw, and it refuses what it
does not know. It is imported when the first formula is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LONGEST = 2000  # characters of a formula: the time to read it grows with their square
DEEPEST = 24  # groups within groups
PRIME = "′"
APPLIED = "\u2061"  # stands between a function's name and what it is applied to
INCOMPLETE = "something is missing in it, such as an argument"

# Commands and environments of LaTeX and amsmath that docutils lacks, by what it has.
_MACROS = {
    "dots": r"\ldots", "iff": r"\Longleftrightarrow", "lt": "<", "gt": ">", "degree": r"^\circ",
    "stackrel": r"\overset", "bm": r"\boldsymbol", "mathds": r"\mathbb", "mathbbm": r"\mathbb",
    "argmax": r"\operatorname{argmax}", "argmin": r"\operatorname{argmin}", "underbar": r"\underline",
    **dict.fromkeys(("textbf", "textit", "texttt", "textsf", "textnormal", "emph", "hbox"), r"\text"),
    **dict.fromkeys(("space", "enspace", "enskip", "nobreakspace"), r"\ "),
    **dict.fromkeys(("big", "Big", "bigg", "Bigg", "middle", "mathop", "smash", "cancel"), ""),
    **dict.fromkeys(("nonumber", "notag", "hline", "hfill"), ""),
}  # fmt: skip
_ENVIRONMENTS = {
    **dict.fromkeys(("equation", "math", "displaymath"), ""),
    **dict.fromkeys(("align", "split", "gather", "gathered", "eqnarray", "multline"), "aligned"),
    **dict.fromkeys(("dcases", "rcases"), "cases"),
    "array": "matrix",
}
_COMMAND = re.compile(r"\\(?:([A-Za-z]+)\s*\*?|.)", re.DOTALL)
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([A-Za-z]+)\*?\}")
_COLUMNS = re.compile(r"(\\begin\s*\{array\})\s*(?:\[\w\]\s*)?\{[^{}]*\}")
_LEFT_OUT = re.compile(r"\\(?:tag|label|color|textcolor)\*?\s*\{[^{}]*\}")
_SUBSTACK = re.compile(r"\\substack\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_DIGITS = (  # an argument without braces is one digit
    (re.compile(r"(\\[dt]?frac)\s*(\d)(\d)"), r"\1{\2}{\3}"),
    (re.compile(r"([\^_])\s*(\d)(?=\d)"), r"\1{\2}"),
)
_SPACE = re.compile(r"\\[,;:! ]|~")  # in text, which docutils leaves as it is
_LENGTH = re.compile(r"-?\d{0,3}(?:\.\d{0,6})?(?:em|ex|mu|pt)")
_PARTS = {
    **dict.fromkeys(("mfrac", "mroot", "msub", "msup", "munder", "mover"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
}
_TOKENS = frozenset(("mi", "mn", "mo", "mtext", "mspace"))
_FRAMES = "⏟⏞"  # braces below and above, which take a label

# What stands over one letter, by the character that docutils puts there: as combining marks.
ACCENTS = {
    "´": "\u0301", "ˉ": "\u0304", "˘": "\u0306", "ˇ": "\u030c", "˙": "\u0307", "¨": "\u0308", "`": "\u0300",
    "ˆ": "\u0302", "^": "\u0302", "˚": "\u030a", "~": "\u0303", "→": "\u20d7", "_": "\u0305",
}  # fmt: skip
_KEPT = frozenset((
    "stretchy", "form", "movablelimits", "accent", "linethickness", "displaystyle", "scriptlevel", "class",
    "minsize", "maxsize", "symmetric", "mathvariant", "lspace", "rspace", "columnalign",
))  # fmt: skip


class FormulaError(ValueError):
    """A formula that can't be read; its text is the reason, a sentence without a full stop."""


@lru_cache(256)
def tree(tex: str) -> Element:
    """Return a formula as the element `math`, with clean texts and attributes that do nothing.

    Nobody may change it.

    Raises:
        FormulaError: If it has what is unknown, or is no formula.
    """
    source = _in_known_commands(tex)
    from docutils.utils.math import MathError
    from docutils.utils.math.latex2mathml import math, parse_latex_math

    try:
        element: Element = parse_latex_math(math(), _rows(source))
    except MathError as error:
        reason = clean(str(error).rstrip("."), 200)
        raise FormulaError(
            INCOMPLETE if reason.startswith("Last node") else reason[:1].lower() + reason[1:]
        ) from None
    except (AttributeError, LookupError, NameError, RecursionError, TypeError, ValueError):
        raise FormulaError(INCOMPLETE) from None
    if not len(element):
        raise FormulaError("there is nothing in it")
    return _element(element)


def fault(tex: str) -> str:
    """Return why a formula can't be read; empty if it can."""
    try:
        tree(tex)
    except FormulaError as error:
        return str(error)
    return ""


def _in_known_commands(tex: str) -> str:
    """Return a formula in the commands that docutils knows; raise `FormulaError` for one without end."""
    if len(tex) > LONGEST:
        raise FormulaError(f"it has more than {LONGEST} characters")
    depth = deepest = 0
    for brace in re.findall(r"\\.|[{}]", tex, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        deepest = max(deepest, depth)
        if depth < 0:
            break
    if depth:
        raise FormulaError("its braces don't match")
    if deepest > DEEPEST:
        raise FormulaError(f"it is deeper than {DEEPEST} braces")
    if tex.count(r"\begin") != tex.count(r"\end"):
        raise FormulaError("an environment has no end, or no beginning")
    if not tex.isascii():
        from docutils.utils.math.unichar2tex import uni2tex_table

        tex = tex.translate(uni2tex_table)
    tex = _SUBSTACK.sub(r"{\\begin{matrix}\1\\end{matrix}}", _LEFT_OUT.sub("", tex))
    tex = _ENVIRONMENT.sub(_environment, _COLUMNS.sub(r"\1", tex))
    tex = _COMMAND.sub(_command, tex)
    for digits, braced in _DIGITS:
        tex = digits.sub(braced, tex)
    return tex


def _rows(tex: str) -> str:
    """Return a formula whose lines are ended without an environment as one of such lines."""
    from docutils.utils.math import toplevel_code

    return rf"\begin{{aligned}}{tex}\end{{aligned}}" if r"\\" in toplevel_code(tex) else tex


def _environment(match: re.Match[str]) -> str:
    name = _ENVIRONMENTS.get(match[2], match[2])
    return f"\\{match[1]}{{{name}}}" if name else ""


def _command(match: re.Match[str]) -> str:
    macro = _MACROS.get(match[1] or "")
    if macro is None:
        return match[0].replace("*", "") if match[1] == "operatorname" else match[0]
    return macro + " " * macro[1:].isalpha()


def _element(node: Element) -> Element:
    """Return what docutils made, with the places of marks, limits and primes as TeX has them."""
    if not len(node) and node.tag in _TOKENS:
        return _token(node)
    made = _made(node.tag, {key: value for key, value in node.attrib.items() if key in _KEPT})
    children = [_element(child) for child in node if child.text != APPLIED or _is_apart(child, node)]
    if node.tag in ("math", "mrow", "msqrt", "mtd", "mphantom", "menclose"):
        made.extend(_with_primes(children))
        return made
    if len(children) != _PARTS.get(node.tag, len(children)):
        raise FormulaError(INCOMPLETE)
    made.extend(children)
    return _with_own_index(made)


def _is_apart(applied: Element, row: Element) -> bool:
    """Return whether a space stands between a function and what follows: not before a bracket."""
    places = [*row]
    after = places[places.index(applied) + 1 :][:1]
    while after and len(after[0]):
        after = after[0][:1]
    return bool(after) and (after[0].text or " ") not in "([{|‖"


def _token(node: Element) -> Element:
    """Return a token with clean text; raise `FormulaError` for text with commands in it."""
    made = _made(node.tag, {key: value for key, value in node.attrib.items() if key in _KEPT})
    text = node.text or ""
    if text == APPLIED:
        return _made("mspace", {"width": "0.1667em"})
    if node.tag == "mspace":
        width = node.get("width", "")
        made.set("width", width if _LENGTH.fullmatch(width) else "0em")
    elif re.search(r"[\\{}$]", text) and len(text) > 1:
        text = _SPACE.sub(" ", text)
        if re.search(r"[\\{}$]", text):
            raise FormulaError(f"commands don't work in the text {text!r}")
    made.text = clean(text, 200)
    return made


def _with_primes(children: Sequence[Element]) -> Iterator[Element]:
    """Yield the children of a row, primes as scripts of what they follow."""
    kept: list[Element] = []
    for child in children:
        first = child[0] if child.tag == "msub" and len(child) else child
        if first.tag != "mo" or first.text != "'" or not kept:
            kept.append(child)
        elif kept[-1].tag == "msup" and (kept[-1][1].text or "").strip(PRIME) == "":
            kept[-1][1].text = f"{kept[-1][1].text}{PRIME}"
        else:
            tag = "msup" if child is first else "msubsup"
            kept.append(_parent(tag, kept.pop(), *([] if child is first else [child[1]]), _prime()))
    return iter(kept)


def _prime() -> Element:
    prime = _made("mo", {})
    prime.text = PRIME
    return prime


def _parent(tag: str, *children: Element) -> Element:
    parent = _made(tag, {})
    parent.extend(children)
    return parent


def _made(tag: str, attributes: dict[str, str]) -> Element:
    from xml.etree.ElementTree import Element  # which takes its time to import

    return Element(tag, attributes)


def _with_own_index(node: Element) -> Element:
    """Return an element whose index stands beside its letter with an accent, and a brace's label at that."""
    if node.tag == "munderover" and node[2].get("stretchy") == "false" and node[2].text in ACCENTS:
        accent = _parent("mover", node[0], node[2])
        accent.set("accent", "true")
        return _parent("msub", accent, node[1])
    if node.tag in ("msub", "msup") and node[0].tag == {"msub": "munder", "msup": "mover"}[node.tag]:
        frame = node[0][1] if len(node[0]) > 1 else node[0]
        if frame.text and frame.text in _FRAMES:
            return _parent(node[0].tag, *node)
    return node
