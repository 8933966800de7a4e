"""The shortest escape sequence from one style to another."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

RESET = "\x1b[0m"
# What takes a weight away. A terminal of 256 colours knows them all; older ones are sent a whole style.
OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "8": "28", "9": "29"}
LINES = frozenset({"4", "7", "9", "21", "53"})
"""Weights that a blank shows: lines under, through and over it, and the foreground as its background."""
INDEXED = "8;5;"  # in the parameters of a colour that only such a terminal was asked for


class SgrStyle(NamedTuple):
    """A style as a terminal knows it: weights, foreground, background, each in the parameters that set it."""

    weights: frozenset[str]
    foreground: str
    background: str


@lru_cache(4096)
def parse_sgr(parameters: str) -> SgrStyle:
    """Return the style that the parameters of a sequence such as `1;38;5;4;48;5;17` set."""
    weights: set[str] = set()
    foreground, background = "39", "49"
    words = parameters.split(";") if parameters else []
    while words:
        word = words.pop(0)
        number = int(word) if word.isdigit() else 0
        if number in (38, 48):
            size = 2 if words[:1] == ["5"] else 4
            word = ";".join([word, *words[:size]])
            del words[:size]
        if 30 <= number <= 39 or 90 <= number <= 97:
            foreground = word
        elif 40 <= number <= 49 or 100 <= number <= 107:
            background = word
        elif number == 0:
            weights, foreground, background = set(), "39", "49"
        elif word in OFF.values():
            weights = {weight for weight in weights if OFF.get(weight) != word}
        else:
            weights.add(word)
    return SgrStyle(frozenset(weights), foreground, background)


@lru_cache(4096)
def blank_style(parameters: str) -> str:
    """Return the parameters of which a blank shows something: its background, and lines or a reversal."""
    style = parse_sgr(parameters)
    if style.weights & LINES:
        return parameters
    return "" if style.background == "49" else style.background


@lru_cache(8192)
def change(old: str, new: str) -> str:
    """Return the shortest sequence that turns the style of `old` parameters into that of `new`."""
    if old == new:
        return ""
    before, after = parse_sgr(old), parse_sgr(new)
    anew = f"\x1b[0;{new}m" if new else "\x1b[m"
    gone = before.weights - after.weights
    if not gone <= OFF.keys() or (gone and INDEXED not in old + new):
        return anew
    off = {OFF[weight] for weight in gone}
    kept = {weight for weight in after.weights & before.weights if OFF.get(weight) not in off}
    words = sorted(off, key=int) + sorted(after.weights - kept, key=int)
    words += [after.foreground] if after.foreground != before.foreground else []
    words += [after.background] if after.background != before.background else []
    on_top = f"\x1b[{';'.join(words)}m" if words else ""
    return min(on_top, anew, key=len)
