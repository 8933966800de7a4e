"""A formula as text: on one line, or in rows as it is written by hand, with a baseline.

Both are the same layout, of boxes beside and above each other; on one line a fraction is `a/b`, in brackets
before a factor, and a matrix `[a b; c d]`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from llm_linalg.base.text import clean, width
from llm_linalg.lessons.formulas.tex_tree import ACCENTS, tree

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Kind = Literal[
    "factor", "word", "apart", "fraction", "binary", "slash", "relation", "comma", "open", "close", "sign",
    "space",
]  # fmt: skip
Side = Literal["left", "center", "right"]
Names = tuple[str, ...]


class FormulaPiece(NamedTuple):
    """A piece of a line, and the names that it may be in a program, the likeliest first."""

    text: str
    names: Names = ()


Line = tuple[FormulaPiece, ...]


@dataclass(frozen=True, slots=True)
class FormulaBox:
    """Rows of text of one width.

    Attributes:
        rows: The rows, at least one.
        base: The row, from 0, that stands on the line of what is beside it.
        kind: What it is to its neighbours, which decides the spaces between them.
        joined: How loosely it is joined: 0 a letter, or all in brackets, 1 a product, 2 a sum or a relation.
        loose: Whether what follows would seem to be part of it, as of `W_Q`.
    """

    rows: tuple[Line, ...]
    base: int = 0
    kind: Kind = "factor"
    joined: int = 0
    loose: bool = False

    @property
    def width(self) -> int:
        """Its columns."""
        return sum(width(piece.text) for piece in self.rows[0])

    @property
    def text(self) -> str:
        """Its first row, as text."""
        return "".join(piece.text for piece in self.rows[0])


# Operators by their characters; those of no kind stand close to their neighbours, as letters do.
_RELATIONS = "=<>≤≥≠≈≡∼≃≅∝∈∉∋⊂⊃⊆⊇∣∥⊢⊨≔≜≪≫∶⟶⟵⟷⟹⟸⟺⟼" + "".join(map(chr, range(0x2190, 0x2200)))
_OPEN, _CLOSE = "([{⟨⌊⌈⟦", ")]}⟩⌋⌉⟧"
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(_RELATIONS, "relation"),
    **dict.fromkeys("+−±∓×÷⋅·∗*∘⊗⊕⊙⊖∪∩∖⧵∧∨⋆•", "binary"),
    **dict.fromkeys("∑∏∐∫∬∮⋃⋂⨁⨂⋁⋀", "apart"),
    **dict.fromkeys(_OPEN, "open"),
    **dict.fromkeys(_CLOSE + "!?", "close"),
    **dict.fromkeys(",;", "comma"),
    "/": "slash",
}
_SIGNS = str.maketrans("∑∏⋅∣∶*⧵\\\xa0", "ΣΠ·|:∗∖∖ ")
_HIGH = "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺−⁻=⁼(⁽)⁾nⁿiⁱjʲkᵏlˡmᵐTᵀtᵗaᵃbᵇcᶜdᵈeᵉfᶠgᵍhʰoᵒpᵖrʳsˢuᵘvᵛwʷxˣyʸzᶻ⊤ᵀ′′∗*∘°††"
_LOW = "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊−₋=₌(₍)₎aₐeₑhₕiᵢjⱼkₖlₗmₘnₙoₒpₚrᵣsₛtₜuᵤvᵥxₓβᵦγᵧρᵨφᵩχᵪ"
_SMALL = {sign: dict(zip(row[::2], row[1::2], strict=True)) for sign, row in (("^", _HIGH), ("_", _LOW))}
# Brackets of several rows: the first, those between, the last; in the middle of three or more.
_TALL = {
    "(": "⎛⎜⎝", ")": "⎞⎟⎠", "[": "⎡⎢⎣", "]": "⎤⎥⎦", "⌈": "⎡⎢⎢", "⌉": "⎤⎥⎥", "⌊": "⎢⎢⎣", "⌋": "⎥⎥⎦",
    "|": "│││", "‖": "‖‖‖", "{": "⎧⎪⎩", "}": "⎫⎪⎭",
}  # fmt: skip
_MIDDLE = {"{": "⎨", "}": "⎬"}
_BARS = ("|", "‖")
_OPENINGS = _OPEN + "⎛⎡⎢⎧⎰"
_BRACES = {"⏟": "╰┴╯", "⏞": "╭┬╮"}
_STACKED = frozenset(("mfrac", "mtable", "munder", "munderover"))
_BEFORE_SIGNS = frozenset(("open", "relation", "binary", "comma", "word", "slash", "sign"))
_AROUND_FRACTIONS = frozenset(("relation", "binary", "comma", "open", "close", "sign", "space"))
_LINE = "─"


@lru_cache(512)
def formula_line(tex: str) -> Line:
    """Return a formula on one line; raise `FormulaError` for one that can't be read."""
    return _clean(_Layout(tall=False).row(tree(tex)).rows[0])


@lru_cache(128)
def formula_rows(tex: str) -> tuple[Line, ...]:
    """Return a formula in rows of one width, as few as it takes; raise `FormulaError` as `formula_line`."""
    root = tree(tex)
    if not any(element.tag in _STACKED for element in root.iter()):
        return (formula_line(tex),)
    return tuple(map(_clean, _Layout(tall=True).row(root).rows))


def line_text(tex: str) -> str:
    """Return a formula on one line, as text; raise `FormulaError` for one that can't be read."""
    return "".join(piece.text for piece in formula_line(tex))


def element_names(element: Element) -> Names:
    """Return the names that an element may be in a program: `W_Q` is W_Q, WQ or W."""
    if element.tag in ("mi", "mtext"):
        text = _without_weight(element.text or "")
        plain = unicodedata.normalize("NFKC", text)
        greek = unicodedata.name(plain, "").rpartition(" LETTER ")[2].lower() if len(plain) == 1 else ""
        return (text, greek) if greek.isalpha() and not text.isascii() else (text,)
    if element.tag in ("msub", "msubsup") and (base := element_names(element[0])):
        index = _Layout(tall=False, tight=True).box(element[1]).text
        if index.isalnum():
            return *(f"{name}{joint}{index}" for name in base for joint in ("_", "")), *base
    return ()


class _Layout:
    """The layout of elements: `tall` in rows, else on one line; a `tight` one has few spaces, as an index."""

    def __init__(self, *, tall: bool, tight: bool = False) -> None:
        self.tall = tall
        self.tight = tight

    def box(self, element: Element) -> FormulaBox:
        """Return the box of an element."""
        made = _BOXES.get(element.tag)
        return self.row(element) if made is None else made(self, element)

    def row(self, element: Element) -> FormulaBox:
        """Return the box of an element's children beside each other, between their brackets."""
        fenced = element.tag == "mrow" and len(element) > 1
        first, last = (_fence(element[place]) if fenced else "" for place in (0, -1))
        boxes = [self.box(child) for child in element]
        if first == last and first in _BARS and [child.text for child in element].count(first) == 2:
            boxes[0], boxes[-1] = replace(boxes[0], kind="open"), replace(boxes[-1], kind="close")
        if not self.tall and len(boxes) == 2 and element[1].get("class") == "cases":
            return boxes[1]
        inner = self.beside(boxes[bool(first) : len(boxes) - bool(last)])
        if len(inner.rows) > 1 and (first or last):
            signs = [[_bracket(sign, inner)] if sign else [] for sign in (first, last)]
            return _beside([*signs[0], inner, *signs[1]])
        one_sided = bool(last) and not first and inner.joined  # a value at a place, such as (a/b)|₀
        return _beside([_in_brackets(inner), boxes[-1]]) if one_sided else self.beside(boxes)

    def beside(self, neighbours: Iterable[FormulaBox]) -> FormulaBox:
        """Return boxes beside each other, with the spaces between them that make them readable."""
        boxes: list[FormulaBox] = []
        for box in neighbours:
            after_word = bool(boxes) and boxes[-1].kind == "word" and box.kind == "space" and box.width < 2
            boxes += [box] if box.width and not after_word else []  # a word has its own space
        for place, box in enumerate(boxes):
            if box.kind == "binary" and (not place or boxes[place - 1].kind in _BEFORE_SIGNS):
                boxes[place] = replace(box, kind="sign")
        if len(boxes) < 2:
            return boxes[0] if boxes else _box("")
        for place, box in enumerate(boxes):
            around = {_kind_at_end(boxes[:place][::-1]), _kind_at_end(boxes[place + 1 :])}
            if box.kind == "fraction" and not around <= _AROUND_FRACTIONS:
                boxes[place] = replace(_in_brackets(box), loose=True)
        spaced = [boxes[0]]
        for left, right in pairwise(boxes):
            spaced += [_box(" "), right] if self._are_apart(left, right) else [right]
        return replace(_beside(spaced), joined=_joined(boxes), loose=boxes[-1].loose)

    def _are_apart(self, left: FormulaBox, right: FormulaBox) -> bool:
        """Return whether there is a space between two neighbours."""
        kinds = {left.kind, right.kind}
        if left.kind in ("open", "sign") or right.kind in ("close", "comma") or "space" in kinds:
            return False
        if kinds & {"binary", "relation"} or left.kind == "comma":
            return not self.tight
        opens = right.text[:1] in _OPENINGS
        if left.kind == "word" and opens and not left.loose and len(left.rows) == 1:
            return False
        if len(left.rows) > 1 or len(right.rows) > 1 or "slash" in kinds:
            return len(left.rows) + len(right.rows) > 2
        return bool(kinds & {"word", "apart"}) or (left.loose and right.kind != "open")

    def token(self, element: Element) -> FormulaBox:
        """Return the box of a letter, a number, a sign or a text."""
        text = _without_weight(element.text or "").translate(_SIGNS)
        is_word = element.tag == "mtext" or (len(text) > 1 and text.replace(" ", "").isalpha())
        if is_word and not (element.tag == "mo" and text == "mod"):
            return _box(text.strip(), "word", element_names(element))
        if element.tag == "mo":
            return _box(text, "binary" if is_word else _KINDS.get(element.text or "", "factor"))
        return _box(text, names=element_names(element))

    def space(self, element: Element) -> FormulaBox:
        """Return a space: none, one or more columns."""
        size = re.match(r"[\d.]+", element.get("width", ""))
        columns = 0 if size is None or self.tight else round(2 * float(size[0]) + 0.4)
        return _box(" " * min(columns, 4), "space")

    def phantom(self, element: Element) -> FormulaBox:
        """Return the room of what is not shown."""
        return _box(" " * self.row(element).width)

    def fraction(self, element: Element) -> FormulaBox:
        """Return a fraction, or a number of choices, which has no line."""
        over, under = map(self.box, element)
        has_line = element.get("linethickness") != "0"
        if self.tall:
            columns = max(over.width, under.width) + 2 * (len(over.rows) + len(under.rows) > 2)
            line = _box((_LINE if has_line else " ") * columns)
            return replace(_above([over, line, under], 1), kind="apart")
        if not has_line:
            return _beside([over, _box(" choose "), under])
        over = _in_brackets(over) if over.joined > 1 or over.kind == "fraction" else over
        under = _in_brackets(under) if under.joined else under
        return replace(_beside([over, _box("/"), under]), kind="fraction", joined=1)

    def root(self, element: Element) -> FormulaBox:
        """Return a root, with a line above where what it is taken of has several rows."""
        is_square = element.tag == "msqrt"
        inner = self.row(element) if is_square else self.box(element[0])
        degree = _box("" if is_square else _script("^", self._on_line(element[1])))
        if len(inner.rows) == 1:
            return _beside([degree, _box("√"), _in_brackets(inner) if inner.joined else inner])
        whole = _beside([_column([*"│" * (len(inner.rows) - 1), "√"], inner.base), inner])
        line = _box("┌" + _LINE * inner.width)
        return _beside([degree, _above([line, whole], 1, whole.base)])

    def scripts(self, element: Element) -> FormulaBox:
        """Return a base with what stands at its lower and its upper right."""
        low = None if element.tag == "msup" else element[1]
        high = None if element.tag == "msub" else element[-1]
        return self._with_scripts(self.box(element[0]), low, high, element_names(element))

    def _with_scripts(
        self, base: FormulaBox, low: Element | None, high: Element | None, names: Names = ()
    ) -> FormulaBox:
        """Return a base with scripts, in small characters if there are such, else lowered and raised."""
        base = _in_brackets(base) if base.joined else base
        below = "" if low is None else _script("_", self._on_line(low))
        above = "" if high is None else _script("^", self._on_line(high))
        marked = [text for text in (below, above) if text[:1] in ("_", "^")]
        if len(base.rows) > 1:
            ends = (above.lstrip("^"), *[""] * (len(base.rows) - 2), below.lstrip("_"))
            columns = max(map(width, ends))
            side = _column([text.ljust(columns) for text in ends], base.base)
            return replace(_beside([base, side]), kind=base.kind)
        whole = _beside([_named(base, names), _named(_box(below), names)])
        if self.tall and high is not None and above in marked:
            raised = self._in_small(high)
            side = _above([raised, _box(" " * raised.width)], 1)
            return replace(_beside([whole, side]), kind=base.kind)
        return replace(_beside([whole, _box(above)]), kind=base.kind, loose=(above or below) in marked)

    def limits(self, element: Element) -> FormulaBox:
        """Return a base with what stands below and above it: limits, a mark, or a brace."""
        base, mark = self.box(element[0]), element[-1].text or ""
        if element.tag != "munderover" and element[-1].tag == "mo" and mark in ACCENTS:
            return _accented(base, ACCENTS[mark] if element.tag == "mover" else "\u0332")
        if mark in _BRACES:
            if not self.tall:
                return base
            first, middle, last = [*_BRACES[mark]]
            brace = _box(first + middle.center(max(1, base.width - 2), _LINE) + last)
            return _above([base, brace], 0, base.base) if mark == "⏟" else _above([brace, base], 1, base.base)
        low = None if element.tag == "mover" else element[1]
        high = None if element.tag == "munder" else element[-1]
        if not self.tall:
            return self._with_scripts(base, low, high)
        parts = [*([] if high is None else [self._in_small(high)]), base]
        parts += [] if low is None else [self._in_small(low)]
        return replace(_above(parts, int(high is not None), base.base), kind=base.kind)

    def _on_line(self, element: Element) -> FormulaBox:
        """Return the box of a script on one line."""
        return _Layout(tall=False, tight=True).box(element)

    def _in_small(self, element: Element) -> FormulaBox:
        """Return the box of a script in rows of its own."""
        return _Layout(tall=self.tall, tight=True).box(element)

    def table(self, element: Element) -> FormulaBox:
        """Return a matrix, cases, or equations below each other."""
        kind = element.get("class", "matrix")
        rows = [[self.row(cell) for cell in row] for row in element]
        if self.tall:
            return _grid(rows, kind)
        if kind == "ams-align":
            lines = [self.beside(self.box(one) for cell in row for one in cell) for row in element]
            joints = ["; " if any(len(cell) for cell in row[:1]) else " " for row in element]
            parts = [part for joint, line in zip(joints, lines, strict=True) for part in (_box(joint), line)]
            return replace(_beside(parts[1:]), joined=2)
        if kind == "cases":
            return _in_brackets(_joined_by("; ", [_joined_by(_word_of(row), row) for row in rows]))
        joint = ", " if any(" " in box.text for row in rows for box in row) else " "
        return _joined_by("; ", [_joined_by(joint, row) for row in rows])


_BOXES: dict[str, Callable[[_Layout, Element], FormulaBox]] = {
    **dict.fromkeys(("mi", "mn", "mo", "mtext"), _Layout.token),
    **dict.fromkeys(("msub", "msup", "msubsup"), _Layout.scripts),
    **dict.fromkeys(("munder", "mover", "munderover"), _Layout.limits),
    **dict.fromkeys(("msqrt", "mroot"), _Layout.root),
    "mspace": _Layout.space,
    "mphantom": _Layout.phantom,
    "mfrac": _Layout.fraction,
    "mtable": _Layout.table,
}


def _box(text: str, kind: Kind = "factor", names: Names = ()) -> FormulaBox:
    return FormulaBox(((FormulaPiece(text, names),),), 0, kind)


def _kind_at_end(boxes: Sequence[FormulaBox]) -> Kind:
    """Return the kind of the first of some boxes that is no thin space."""
    return next((box.kind for box in boxes if box.kind != "space" or box.width > 1), "open")


def _column(texts: Iterable[str], base: int) -> FormulaBox:
    """Return texts of one width above each other."""
    return FormulaBox(tuple((FormulaPiece(text),) for text in texts), base)


def _beside(boxes: Sequence[FormulaBox]) -> FormulaBox:
    """Return boxes beside each other on one line."""
    above = max(box.base for box in boxes)
    below = max(len(box.rows) - box.base for box in boxes)
    rows: list[Line] = []
    for place in range(-above, below):
        line: list[FormulaPiece] = []
        for box in boxes:
            own = place + box.base
            line += box.rows[own] if 0 <= own < len(box.rows) else (FormulaPiece(" " * box.width),)
        rows.append(tuple(line))
    return FormulaBox(tuple(rows), above)


def _above(boxes: Sequence[FormulaBox], place: int, row: int = 0) -> FormulaBox:
    """Return boxes above each other; row `row` of the one at `place` is the baseline."""
    columns = max(box.width for box in boxes)
    rows = tuple(line for box in boxes for line in _padded(box, columns).rows)
    return FormulaBox(rows, sum(len(box.rows) for box in boxes[:place]) + row)


def _padded(box: FormulaBox, columns: int, side: Side = "center") -> FormulaBox:
    """Return a box of so many columns, with what is in it at one side."""
    space = columns - box.width
    left = FormulaPiece(" " * {"left": 0, "center": space // 2, "right": space}[side])
    right = FormulaPiece(" " * (space - len(left.text)))
    return replace(box, rows=tuple((left, *line, right) for line in box.rows)) if space > 0 else box


def _grid(cells: Sequence[Sequence[FormulaBox]], kind: str) -> FormulaBox:
    """Return cells in columns: of equations those before and after each sign stand at it."""
    count = max(map(len, cells))
    filled = [[*row, *[_box("")] * (count - len(row))] for row in cells]
    columns = [max(box.width for box in column) for column in zip(*filled, strict=True)]
    sides: Sequence[Side] = ("center",) if kind == "matrix" else ("left",)
    gaps: Sequence[int] = (2,)
    if kind == "ams-align" and count > 1:
        sides, gaps = ("right", "left"), (3, 1)
    lines = []
    for row in filled:
        line: list[FormulaBox] = []
        for place, (box, wide) in enumerate(zip(row, columns, strict=True)):
            gap = _box(" " * (gaps[place % len(gaps)] if place else 0))
            line += [gap, _padded(box, wide, sides[place % len(sides)])]
        lines.append(_beside(line))
    whole = _above(lines, 0)
    return replace(whole, base=(len(whole.rows) - 1) // 2)


def _bracket(sign: str, box: FormulaBox) -> FormulaBox:
    """Return a bracket as high as a box."""
    height = len(box.rows)
    if height == 1 or sign not in _TALL:
        return _box(sign)
    first, between, last = [*_TALL[sign]]
    signs = [first, *between * (height - 2), last]
    if sign in _MIDDLE and height > 2:
        signs[height // 2] = _MIDDLE[sign]
    elif sign in _MIDDLE:
        signs = ["⎰", "⎱"] if sign == "{" else ["⎱", "⎰"]
    return _column(signs, box.base)


def _fence(element: Element) -> str:
    """Return the bracket that an element is, if it grows with what is in it; else nothing."""
    sign = element.text or ""
    grows = element.tag == "mo" and element.get("stretchy") != "false"
    return sign if grows and len(sign) == 1 and sign in (*_OPEN, *_CLOSE, *_BARS) else ""


def _in_brackets(box: FormulaBox) -> FormulaBox:
    return _beside([_bracket("(", box), replace(box, kind="factor"), _bracket(")", box)])


def _joined(boxes: Sequence[FormulaBox]) -> int:
    """Return how loosely a row is joined; a call, such as `f(x)`, a derivative and brackets are not."""
    depth, parted = 0, False
    for place, box in enumerate(boxes):
        depth += {"open": 1, "close": -1}.get(box.kind, 0) if box.text not in "!?" else 0
        if not depth and box.kind in ("binary", "relation", "comma", "slash", "sign"):
            return 2
        parted |= not depth and 0 < place < len(boxes) - 1
    is_call = "open" in (boxes[0].kind, boxes[1].kind) and boxes[-1].kind == "close" and not parted
    return 0 if is_call or (boxes[0].text in ("∂", "d") and len(boxes) == 2) else 1


def _script(sign: str, box: FormulaBox) -> str:
    """Return an index or an exponent on a line: in small characters, or after a sign."""
    text, small = box.text, _SMALL[sign]
    if all(char in small for char in text):
        return "".join(small[char] for char in text)
    is_word = (
        text.isalnum() and unicodedata.normalize("NFKC", text) == text and (sign == "_" or not box.joined)
    )
    is_closed = text.startswith("(") and not box.joined
    return sign + (text if len(text) == 1 or is_word or is_closed else f"({text})")


def _named(box: FormulaBox, names: Names) -> FormulaBox:
    """Return a box all of which is one name."""
    if not names:
        return box
    rows = (tuple(FormulaPiece(piece.text, names) for piece in line) for line in box.rows)
    return replace(box, rows=tuple(rows))


def _accented(box: FormulaBox, mark: str) -> FormulaBox:
    """Return a box of one row with a mark at each of its letters."""
    if len(box.rows) > 1:
        return box
    line = tuple(
        FormulaPiece("".join(char + mark * (not char.isspace()) for char in text), names)
        for text, names in box.rows[0]
    )
    return replace(box, rows=(line,))


def _joined_by(joint: str, boxes: Sequence[FormulaBox]) -> FormulaBox:
    """Return boxes on a line, parted by a text."""
    parts = [part for box in boxes for part in (_box(joint), box) if box.width][1:]
    return replace(_beside(parts or [_box("")]), joined=2 if len(boxes) > 1 else 1)


def _word_of(row: Sequence[FormulaBox]) -> str:
    """Return what stands between a case and its condition, which may have a word of its own."""
    return " " if len(row) < 2 or row[1].text[:2].isalpha() or row[0].text.endswith(",") else " if "


def _without_weight(text: str) -> str:
    """Return text without the styles of letters that only weigh them, such as bold: 𝐱 is x."""
    return "".join(
        unicodedata.normalize("NFKC", char)
        if "\U0001d400" <= char <= "\U0001d7ff" and not re.search("DOUBLE|SCRIPT", unicodedata.name(char, ""))
        else char
        for char in text
    )


def _clean(line: Line) -> Line:
    """Return a line as it is shown, neighbours of the same names as one piece."""
    pieces: list[FormulaPiece] = []
    for piece in line:
        if pieces and pieces[-1].names == piece.names:
            pieces[-1] = FormulaPiece(pieces[-1].text + piece.text, piece.names)
        elif piece.text:
            pieces.append(piece)
    return tuple(
        FormulaPiece(clean(unicodedata.normalize("NFC", text), None), names) for text, names in pieces
    )
