"""Text that the project did not write, made fit for a screen: cleaned and measured.

Programs, names, paths, messages: whatever comes from outside goes through `clean` before it is shown.
Cleaned text holds no character that a terminal obeys, reorders by, or hides. Brackets are left alone, so a
caller hands the text on as text and never as markup.
"""

from __future__ import annotations

import difflib
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate

_REPLACEMENT = "�"
_TAB = 4
# Marks that one character may carry: enough for any language's common text, too few to write over other rows.
_MARKS = 2
# Cc is left out: control characters have pictures. The rest is obeyed, hidden, or of unknown width.
_UNSAFE = frozenset({"Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARK = frozenset({"Mn", "Me", "Mc"})
# Letters that are drawn as nothing: the fillers of Hangul and Khmer's inherent vowels.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5")
# They alter the picture before them, in its width too, and terminals differ: variants and skin tones.
_STYLE = frozenset(
    map(chr, (*range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400), *range(0xE0100, 0xE01F0), 0x34F))
)


def clean(text: str, limit: int | None = 10_000, *, lines: bool = False) -> str:
    """Makes foreign text safe to show, and cuts it.

    Every unsafe character becomes one visible character of one column, so that a caret keeps its place: a
    control character its picture (ESC is `␛`), and C1 and bidi controls, zero-width and invisible
    characters, surrogates, private and unassigned ones `�`. Tabs are expanded to every fourth column. Marks
    beyond two on a character, marks on nothing, variation selectors and skin tones, which take no column,
    are dropped. A line break becomes a space.

    Args:
        text: Anything at all.
        limit: The most characters of the result, the `…` of a cut included; None for no limit.
        lines: Keep line breaks.
    """
    if text.isascii() and text.isprintable():
        return text if limit is None or len(text) <= limit else _cut(text, limit)
    # Expanding and dropping change the length; what is far beyond the limit is not even looked at.
    source = text if limit is None else text[: 4 * limit + 4]
    out: list[str] = []
    column = marks = 0
    for char in source.replace("\r\n", "\n"):
        if char == "\n":
            out.append("\n" if lines else " ")
            column, marks = 0 if lines else column + 1, _MARKS
            continue
        safe = " " * (_TAB - column % _TAB) if char == "\t" else _safe(char)
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
        return cleaned
    return _cut(cleaned, limit)


def width(text: str) -> int:
    """Display columns of a cleaned text's one line: wide and full-width characters take two, marks none.

    By the tables of this Python. The app measures with `rich.cells.cell_len`, by whose tables Textual lays
    out the screen and which are newer: the two differ in characters that Unicode made wide since.
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def characters(line: str | bytes, offset: int) -> int:
    """The characters before a place that is given in bytes, as `ast` and code objects give it."""
    if isinstance(line, str):
        return min(offset, len(line)) if line.isascii() else bisect_right(_ends(line), offset)
    return len(line[:offset].decode(errors="ignore"))


@lru_cache(64)
def _ends(line: str) -> Sequence[int]:
    """Where each character ends, in bytes."""
    return list(accumulate(len(char.encode(errors="surrogatepass")) for char in line))


MOST_COMPARED = 40_000  # letters with letters


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice spelled most like the word, whatever the case; None if none is near."""
    asked = word[:64].casefold()  # difflib's time grows with the square of the length
    room, by_key = MOST_COMPARED, dict[str, str]()
    for choice in sorted(choices, key=lambda choice: abs(len(choice) - len(asked))):
        room -= len(asked) * len(choice)
        if room < 0:
            break
        by_key[choice.casefold()] = choice
    found = difflib.get_close_matches(asked, by_key, n=1, cutoff=0.6)
    return by_key[found[0]] if found else None


def _safe(char: str) -> str:
    """What stands for a character other than tab and newline: itself, its picture, `�`, or nothing."""
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
