"""Text in large letters: each character on two columns and three rows, made of quarter blocks.

A letter is 3 × 5 dots with one row below the line; a quarter block is one dot, so two columns hold a letter
and the gap after it. A letter with a mark, such as ö, is the letter with dots for the mark. What is not
in the font stands as itself in the middle row.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

from rich.cells import cell_len

from tui.text.rows import Row, TextSpan

ACROSS, DOWN = 2, 3

_QUARTERS = " ▗▖▄▝▐▞▟▘▚▌▙▀▜▛█"  # by the bits: upper left 8, upper right 4, lower left 2, lower right 1

# Six rows of three dots, each an octal digit.
_FONT = {
    " ": "000000", "!": "222020", '"': "550000", "#": "575750", "%": "512450", "'": "220000", "(": "122210",
    ")": "422240", "*": "052500", "+": "027200", ",": "000024", "-": "007000", "−": "007000", ".": "000020",
    "/": "112440", ":": "020200", ";": "020024", "<": "124210", "=": "070700", ">": "421240", "?": "612020",
    "@": "257430", "[": "644460", "\\": "442110", "]": "311130", "^": "250000", "_": "000070", "`": "420000",
    "{": "326230", "|": "222220", "}": "623260", "~": "036000", "·": "002000", "×": "052500", "…": "000050",
    "ᵀ": "722000", "°": "252000", "²": "612700", "√": "115520", "░": "525252", "±": "272070", "–": "007000",
    "≤": "124217", "≥": "421247", "→": "217120", "←": "247420", "↑": "272220", "↓": "222720", "≈": "360360",
    "✓": "001520", "✗": "052500", "⋯": "005000", "‖": "555550",
    "│": "222222", "─": "007000", "╭": "003222", "╰": "223000", "├": "223222", "┼": "227222", "┬": "007222",
    "┴": "227000", "┃": "222222", "━": "007000", "┏": "003222", "┗": "223000", "┣": "223222", "╋": "227222",
    "┳": "007222", "┻": "227000", "▸": "467640", "›": "042400",
    "0": "755570", "1": "262270", "2": "717470", "3": "717170", "4": "557110", "5": "747170", "6": "747570",
    "7": "711220", "8": "757570", "9": "757170",
    "A": "257550", "B": "656560", "C": "344430", "D": "655560", "E": "746470", "F": "746440", "G": "345530",
    "H": "557550", "I": "722270", "J": "111520", "K": "556550", "L": "444470", "M": "575550", "N": "655550",
    "O": "255520", "P": "656440", "Q": "255730", "R": "656550", "S": "342160", "T": "722220", "U": "555570",
    "V": "555520", "W": "555750", "X": "552550", "Y": "552220", "Z": "712470",
    "a": "063570", "b": "465560", "c": "034430", "d": "135530", "e": "037430", "f": "127220", "g": "035316",
    "h": "465550", "i": "202220", "j": "101152", "k": "456650", "l": "622270", "m": "077550", "n": "065550",
    "o": "025520", "p": "065564", "q": "035531", "r": "034440", "s": "036360", "t": "272230", "u": "055530",
    "v": "055520", "w": "055750", "x": "052250", "y": "055316", "z": "073670",
    "ß": "256564", "æ": "067630", "œ": "037630", "ø": "035560", "ı": "002220", "«": "036300", "»": "063600",
    "„": "000055", "“": "550000", "”": "550000", "’": "220000", "‘": "220000", "—": "007000", "•": "002000",
}  # fmt: skip

# What stands over a letter: dieresis, acute, grave, circumflex, tilde, ring, macron, caron, dot.
# What stands under it: cedilla, ogonek.
_MARKS = {
    "\u0308": "5", "\u0301": "1", "\u0300": "4", "\u0302": "2", "\u0303": "3", "\u030a": "2", "\u0304": "7",
    "\u030c": "5", "\u0307": "2", "\u0327": "2", "\u0328": "1",
}  # fmt: skip
_BELOW = frozenset("\u0327\u0328")


def enlarge(text: str) -> tuple[str, str, str]:
    """Return a line of text as three lines, each twice as wide as it."""
    letters = [_letter(letter) for letter in _letters(text)]
    top, middle, bottom = ("".join(letter[k] for letter in letters) for k in range(DOWN))
    return top, middle, bottom


def enlarge_rows(rows: Sequence[Row]) -> list[Row]:
    """Return rows of spans in large letters, three rows each."""
    enlarged: list[Row] = []
    for spans in rows:
        letters = [enlarge(span.text) for span in spans]
        enlarged += [
            tuple(TextSpan(lines[k], span.role, span.do) for span, lines in zip(spans, letters, strict=True))
            for k in range(DOWN)
        ]
    return enlarged


def in_font(text: str) -> bool:
    """Return whether each of its letters is large in large letters."""
    return all(_dots(letter) is not None for letter in _letters(text))


def _letters(text: str) -> list[str]:
    """Return the characters, each with the marks that stand over or under it."""
    letters: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        if letters and not cell_len(character):
            letters[-1] += character
        else:
            letters.append(character)
    return letters


@cache
def _dots(letter: str) -> str | None:
    """Return six rows of dots; None if it is not in the font."""
    if letter in _FONT:
        return _FONT[letter]
    apart = unicodedata.normalize("NFD", letter)
    base, marks = apart[0], apart[1:]
    dots = _FONT.get(base)
    if dots is None or not marks or not set(marks) <= _MARKS.keys():
        return None
    for mark in marks:
        row = _MARKS[mark]
        if mark in _BELOW:
            dots = dots[:5] + row
        elif base.islower() and dots[0] == "0":  # it stands lower, so that a gap is left
            dots = f"{row}0{dots[1:5] if dots[5] == '0' else dots[2:]}"
        elif dots[1] == "0":  # a dot, which the mark takes the place of
            dots = row + dots[1:]
        else:
            dots = row + (dots[0] if dots[0] != row else "0") + dots[1:5]
    return dots


def _letter(letter: str) -> tuple[str, str, str]:
    dots = _dots(letter)
    if dots is None:
        room = ACROSS * cell_len(letter)
        return " " * room, letter + " " * (room - cell_len(letter)), " " * room
    rows = [int(dot) << 1 for dot in dots]  # four dots wide: the fourth is the gap
    top, middle, bottom = (
        "".join(_QUARTERS[(rows[k] >> at & 3) << 2 | (rows[k + 1] >> at & 3)] for at in (2, 0))
        for k in (0, 2, 4)
    )
    return top, middle, bottom
