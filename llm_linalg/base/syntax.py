"""Parse program text into syntax trees, one at a time."""

from __future__ import annotations

import ast
import re
import tokenize
import unicodedata
import warnings
from io import BytesIO
from threading import RLock

# For a syntax error Python reads the line from the file of this name if it exists, not from the text. No file
# system can have this name, so no file is ever read.
_NOWHERE = "\ud800"
# CPython counts the depth of a tree across threads (python/cpython#106905): when two threads build trees at
# the same time, one may fail with a SystemError.
_ONE_AT_A_TIME = RLock()

_ASIDE = re.compile(
    r"""('''|\"\"\"|['"])(?:\\.|(?!\1).)*(?:\1|\Z)|\#[^\n]*""", re.DOTALL
)  # string literals and comments


def decode(data: bytes) -> str:
    """Return a file's text in the encoding that one of its first two lines names, as Python does; else UTF-8.

    Raises:
        UnicodeDecodeError: If the bytes are not in that encoding.
    """
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
        if encoding != "punycode":  # its time grows with the square of the length
            return data.decode(encoding)
    except UnicodeDecodeError:
        raise
    except (SyntaxError, LookupError, UnicodeError):  # no encoding of texts has this name
        pass
    return data.decode("utf-8-sig")


def statements(text: str) -> ast.Module:
    """Return the tree of a program.

    Raises:
        SyntaxError: If the text is not a program.
        ValueError: If it contains null characters or lone surrogates.
        MemoryError, RecursionError: If it is nested too deeply.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text, _NOWHERE)
        except SystemError:  # another thread has parsed without this lock, which confuses CPython
            return ast.parse(text, _NOWHERE)


def expression(text: str) -> ast.expr:
    """Return the tree of an expression; raises as `statements` does."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, _NOWHERE, mode="eval").body


def mistake_in(text: str) -> int | None:
    """Return how many characters of a line stand before the one at which it is no expression; else None."""
    begin = len(text) - len(text.lstrip())
    try:
        expression(text.strip())
    except SyntaxError as error:
        return min(begin + max(0, (error.offset or 1) - 1), len(text))
    except (ValueError, MemoryError, RecursionError):
        return begin
    return None


def split_comment(line: str) -> tuple[str, str]:
    """Return the code of a line, and the comment behind it from its `#` on: empty where there is none."""
    for match in _ASIDE.finditer(line):
        if match[0].startswith("#"):
            return line[: match.start()], match[0]
    return line, ""


def excess_mark(text: str, most: int) -> int | None:
    """Return the place of the first combining mark behind `most` others; None if there is none.

    Normalising sorts a run of marks, which takes quadratic time.
    """
    marks = 0
    for place, char in enumerate("" if text.isascii() else text):
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks > most:
            return place
    return None
