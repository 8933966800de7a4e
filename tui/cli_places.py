"""What flags say of a place in a picture: a step, a cell, a slice, a box, a control's value."""

from __future__ import annotations

import argparse
import re

from llm_linalg.spelling import quoted, unknown


def step(text: str) -> int | str:
    """A step's number, or first, last, all."""
    if text in ("first", "last", "all"):
        return text
    if re.fullmatch(r"[0-9]{1,30}", text):
        return int(text)
    raise argparse.ArgumentTypeError(unknown("step", text, ["a number", "first", "last", "all"]))


def setting(text: str) -> tuple[str, str]:
    """A control and its value."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not NAME=VALUE")
    return name.strip(), value


def cursor(text: str) -> tuple[str, tuple[int, ...]]:
    """A cell, such as Y[1,2]."""
    found = re.fullmatch(r"(.{1,200})\[((?:[0-9]{1,9}(?:,\s*[0-9]{1,9})*)?)\]", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a cell, such as Y[1,2]")
    return found[1], tuple(int(part) for part in found[2].split(",") if part.strip())


def boxes(text: str) -> tuple[str, ...]:
    """The names that lead to a box of the map."""
    return tuple(filter(None, text.split("/")))


def followed(text: str) -> tuple[str, tuple[int, ...]] | str:
    """A cell that is followed through the program, or none."""
    return text if text == "none" else cursor(text)


def place(text: str) -> tuple[int, ...]:
    """The index of a slice, such as 0,1."""
    if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*", text):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not the index of a slice, such as 0,1")
    return tuple(int(part) for part in text.split(","))
