"""Clean and measure foreign text for a terminal.

Programs, names, paths, messages: whatever comes from outside goes through `clean` before it is shown.
Clean text contains no character that a terminal obeys, hides, or reorders text by. Brackets stay, so it must
be passed on as text and never as markup.

`CleanText` is its type. What shows text asks for that type, and only this module makes it: so mypy finds what
has been left out.
"""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NewType

CleanText = NewType("CleanText", str)
"""Text that may be shown: `clean` made it, or something here that is as strict."""

NOTHING = CleanText("")
_REPLACEMENT = "�"
_TAB = 4
# Combining marks allowed on a character: enough for any language, too few to reach into other rows.
_MARKS = 2
_BRACKETS = re.compile(r"\((?!…\))(?:[^()]|\(…\))+\)")  # the inner ones
_DOTTED = re.compile(r"\w+(?:\.\w+)+")  # what begins as one: `h.0.weightᵀ[1]`
# These begin only where blanks begin and give none back: a long run of blanks is gone through once.
_LINE_BREAK = re.compile(r"(?:(?<![ \t])[ \t]*+\\?|\\)[ \t]*+\n\s*+")
_MARGIN = re.compile(  # of what stands in brackets
    r"(?<=[(\[{])[^\S\n]*+\n\s*+|(?<!\s)[^\S\n]*+\n\s*+(?=[)\]}])"
)

# Terminals obey or hide these, or their width is unknown. Control characters (Cc) are shown as pictures.
_UNSAFE = frozenset({"Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARK = frozenset({"Mn", "Me", "Mc"})
# Letters without a glyph: Hangul fillers and Khmer inherent vowels.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5")
# Variation selectors and skin tones change the width of the character before them, and terminals differ.
_STYLE = frozenset(
    map(chr, (*range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400), *range(0xE0100, 0xE01F0), 0x34F))
)
# They join what stands around them into one glyph, or part it: Persian, Hindi and many emoji need them.
_JOINERS = frozenset("\u200c\u200d")
_IS_PLAIN = re.compile("[ -~\n\t]*").fullmatch


def clean(text: str, limit: int | None = 10_000, *, lines: bool = False, tabs: bool = False) -> CleanText:
    """Return foreign text made safe to show, and cut to a limit.

    Every unsafe character becomes one visible character of one column, so that carets stay aligned. A control
    character becomes its picture (ESC is `␛`); C1 and bidi controls, zero-width and invisible characters,
    surrogates, private and unassigned characters become `�`. Tabs advance to the next fourth column. Marks
    beyond two on a character, marks on nothing, variation selectors, skin tones, and joiners after what is
    not ASCII are dropped: they take no column. A line break becomes a space.

    Args:
        text: Anything at all.
        limit: The most characters of the result, including the `…` of a cut; None for no limit.
        lines: Keep line breaks.
        tabs: Keep tabs.
    """
    if is_ordinary(text, lines=lines, tabs=tabs):
        return CleanText(text if limit is None or len(text) <= limit else _cut(text, limit))
    # Tabs and dropped characters change the length, so more than `limit` is read, but not all of a huge text.
    source = text if limit is None else text[: 4 * limit + 4]
    out: list[str] = []
    column = marks = 0
    for char in source.replace("\r\n", "\n"):
        if char == "\n":
            out.append("\n" if lines else " ")
            column, marks = 0 if lines else column + 1, _MARKS
            continue
        if char in _JOINERS and out and not out[-1].isascii():
            continue
        tab = char if tabs else " " * (_TAB - column % _TAB)
        safe = tab if char == "\t" else _safe(char)
        if _is_mark(safe):
            marks += 1
            if marks > _MARKS or column == 0:
                continue
        elif safe:
            marks = 0
        out.append(safe)
        column += width(safe)
    cleaned = "".join(out)
    if limit is None or (len(cleaned) <= limit and len(source) == len(text)):
        return CleanText(cleaned)
    return CleanText(_cut(cleaned, limit))


def unshown(text: str) -> str:
    r"""Return the first character of a line that can't be shown, and its place; empty if there is none.

    >>> unshown("a\x07b")
    'U+0007 (character 2)'
    """
    for place, char in enumerate(text, 1):
        if not char.isprintable() and char not in _JOINERS:
            return f"U+{ord(char):04X} (character {place})"
    return ""


def clean_lines(text: str) -> CleanText:
    """Return a whole text made safe to write, with its line breaks and tabs."""
    return clean(text, None, lines=True, tabs=True)


def one_line(text: str) -> str:
    r"""Return an expression of several lines on one.

    >>> one_line("torch.ones(\n    2,\n    3\n)")
    'torch.ones(2, 3)'
    """
    return _LINE_BREAK.sub(" ", _MARGIN.sub("", text)) if "\n" in text else text


def elide_middle(text: str, limit: int) -> str:
    """Return a text of at most so many characters: of a longer one both ends, which tell it from others."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail].rstrip()}…{text[len(text) - tail :].lstrip()}"


def elide_expression(text: str, limit: int) -> str:
    """Return an expression of at most so many characters: of a longer one without what stands in brackets.

    >>> elide_expression("dP - (dP * P).sum(1, keepdim=True)", 24)
    'dP - (dP * P).sum(…)'
    """
    while len(text) > limit and (inner := _BRACKETS.findall(text)):
        text = text.replace(max(inner, key=len), "(…)")
    return elide_middle(text, limit)


def elide_title(text: str, limit: int) -> str:
    """Return a title of at most so many characters: of a dotted name the end, which tells it from others.

    `transformer.ln_f.weight` becomes `…ln_f.weight` or `…weight`; anything else is an expression.
    """
    if len(text) <= limit or not _DOTTED.fullmatch(text.partition("[")[0].rstrip("ᵀ")):
        return elide_expression(text, limit)
    parts = text.split(".")
    ends = (".".join(parts[place:]) for place in range(1, len(parts)))
    end = next((end for end in ends if len(end) < limit), text[len(text) - limit + 1 :])
    return f"…{end}"


def is_ordinary(text: str, *, lines: bool = False, tabs: bool = False) -> bool:
    """Return whether a text is as `clean` would leave it, as far as its characters tell one by one."""
    known = _IS_PLAIN(text) or all(map(_is_ordinary_character, set(text)))
    return bool(known and (lines or "\n" not in text) and (tabs or "\t" not in text))


@lru_cache(4096)
def _is_ordinary_character(char: str) -> bool:
    return char in "\n\t" or (_safe(char) == char and not _is_mark(char))


def escape_json(text: str) -> CleanText:
    r"""Return JSON in which every character that `clean` would take is escaped, as `\u001b`.

    It means the same: such characters stand nowhere in JSON but within strings.
    """
    if is_ordinary(text, lines=True):
        return CleanText(text)
    out: list[str] = []
    marks = 0
    for char in text:
        safe = char if char == "\n" else _safe(char)
        marks = marks + 1 if _is_mark(char) else 0
        out.append(char if safe == char and marks <= _MARKS else json.dumps(char)[1:-1])
    return CleanText("".join(out))


def width(text: str) -> int:
    """Return the columns of one line of clean text: wide and full-width characters take two, marks none.

    This uses Python's Unicode tables. The app measures with `rich.cells.cell_len`, whose newer tables lay out
    Textual's screen: the two differ for characters that Unicode made wide since.
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def characters(line: str, offset: int) -> int:
    """Return the number of characters before a byte offset, which `ast` and code objects use."""
    return min(offset, len(line)) if line.isascii() else bisect_right(_ends(line), offset)


@lru_cache(64)
def _ends(line: str) -> Sequence[int]:
    """Return the byte offset at which each character ends."""
    return list(accumulate(len(char.encode(errors="surrogatepass")) for char in line))


MOST_COMPARED = 40_000  # pairs of letters that `nearest` compares


def nearest(word: str, choices: Iterable[str], least: float = 0.6) -> str | None:
    """Return the choice spelled most like a word, ignoring case; None if none is near.

    `least` says how alike they have to be, from 0 to 1.
    """
    asked = word[:64].casefold()  # difflib's time grows with the square of the length
    room, by_key = MOST_COMPARED, dict[str, str]()
    for choice in sorted(choices, key=lambda choice: abs(len(choice) - len(asked))):
        room -= len(asked) * len(choice)
        if room < 0:
            break
        by_key[choice.casefold()] = choice
    close = difflib.get_close_matches(asked, by_key, n=1, cutoff=least)
    return by_key[close[0]] if close else None


def _safe(char: str) -> str:
    """Return a safe text for a character other than tab and newline: itself, its picture, `�`, or nothing."""
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code < 0x7F:
        return char
    if code == 0x7F:
        return "␡"
    if char in _STYLE:
        return ""
    unsafe = code < 0xA0 or char in _BLANK or unicodedata.category(char) in _UNSAFE
    return _REPLACEMENT if unsafe else char


def _is_mark(char: str) -> bool:
    return len(char) == 1 and char > "\x7f" and _columns(char) == 0


def _columns(char: str) -> int:
    # Conjoining vowels and final consonants of Hangul stand inside the syllable that they follow.
    if unicodedata.category(char) in _MARK or "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7fb":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cut(text: str, limit: int) -> str:
    return text[: limit - 1] + "…" if limit > 0 else ""
