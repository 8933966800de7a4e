"""Split Python files into cells: at `# %%` lines if there are any, else at blank lines between statements.

A block of imports has nothing to show, so it is joined with the code below it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import zip_longest

from llm_linalg.base.syntax import statements
from llm_linalg.lessons.documents.code_cells import DocumentCell

_MARK = re.compile(r"#[ \t]?%%+(.*)")
_PROSE = re.compile(r"(.*?)\[(markdown|md)\](.*)", re.IGNORECASE)
_METADATA = re.compile(
    r"""(?<!\S)[\w.-]{1,60}=(?:"[^"]{0,500}"|'[^']{0,500}'|\[[^\]]{0,500}\]|\{[^}]{0,500}\}|\S++)"""
)  # as jupytext writes it
_HEAD = re.compile(r"#!|#.*?coding[:=]")
_COMMAND_ASIDE = re.compile(r"#\s*#\s*[!%]\w")
_QUOTES = ('"""', "'''", 'r"""', '"', "'")
_MOST_PARSED = 100_000  # characters: no text of so many keeps the parser busy for long


def read(text: str) -> list[DocumentCell]:
    """Return the cells of a Python file; comments on their own or at the start of a cell are prose."""
    lines = text.split("\n")
    for place in range(min(2, len(lines))):
        if _HEAD.match(lines[place]):
            lines[place] = ""
    _drop_header(lines)
    if any(_MARK.fullmatch(line) for line in lines):
        return list(_marked(lines))
    return [cell for start, end in _shown(lines) for cell in _block(lines[start:end], start)]


def _drop_header(lines: list[str]) -> None:
    """Empty the lines of jupytext's header: comments between two lines `# ---` at the top."""
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    if lines[first].strip() != "# ---":
        return
    for place in range(first + 1, min(first + 100, len(lines))):
        if not lines[place].startswith("#"):
            return
        if lines[place].strip() == "# ---":
            lines[first : place + 1] = [""] * (place + 1 - first)
            return


def _marked(lines: list[str]) -> Iterator[DocumentCell]:
    """Yield cells that begin at `# %%`, which a title may follow; `# %% [markdown]` is a prose cell."""
    starts = [place for place, line in enumerate(lines) if _MARK.fullmatch(line)]
    if starts[0] > 0:
        yield from _block(lines[: starts[0]], 0)
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        mark = _MARK.fullmatch(lines[start])
        title = _METADATA.sub("", mark[1]).strip() if mark else ""
        prose = _PROSE.fullmatch(title)
        if prose:
            title = (prose[1] + prose[3]).strip()
        if title:
            yield DocumentCell("prose", f"## {title}", start + 1)
        body = lines[start + 1 : end]
        if prose:
            yield DocumentCell("prose", _said(body), start + 1)
        else:
            yield from _block(body, start + 1)


def _block(lines: list[str], first: int) -> Iterator[DocumentCell]:
    """Yield the prose and the code of one cell, whose lines start at line `first`, from 0."""
    place = 0
    strings: dict[int, tuple[str, int]] | None = None
    while True:
        start = place
        while place < len(lines) and (not lines[place].strip() or lines[place].startswith("#")):
            place += 1
        yield DocumentCell("prose", _said(lines[start:place]), first + start + 1)
        if strings is None:
            strings = _docstrings(lines, place)
        if place not in strings:
            break
        words, end = strings[place]
        yield DocumentCell("prose", words, first + place + 1)
        place = end
    code = lines[place:]
    while code and not code[-1].strip():
        code.pop()
    yield DocumentCell("code", "\n".join(code), first + place)


def _said(lines: list[str]) -> str:
    """Return comment lines, or a string literal, as Markdown; commands that are commented out are code."""
    if any(map(_COMMAND_ASIDE.match, lines)):
        return "\n".join(["```", *(line.lstrip("# ") for line in lines), "```"])
    text = "\n".join(line[1:].removeprefix(" ") if line.startswith("#") else line for line in lines).strip()
    for quotes in ('"""', "'''"):
        if text.startswith(quotes) and text.endswith(quotes) and len(text) >= 6:
            return text[3:-3].strip()
    return text


def _docstrings(lines: list[str], place: int) -> dict[int, tuple[str, int]]:
    """Return the string statements at the start of a cell's code, found by parsing it once.

    Returns:
        By the line of a string, its text and the line after it.
    """
    if place == len(lines) or not lines[place].startswith(_QUOTES):
        return {}
    tree = _parsed("\n".join(lines[place:]))
    found: dict[int, tuple[str, int]] = {}
    body = [] if tree is None else tree.body
    for statement, later in zip_longest(body, body[1:]):
        match statement:
            case ast.Expr(value=ast.Constant(value=str() as words), lineno=line, end_lineno=int() as end):
                alone = later is None or later.lineno > end
                if not alone or not words.strip() or not lines[place + line - 1].startswith(_QUOTES):
                    break
                found[place + line - 1] = words.strip(), place + end
            case _:
                break
    return found


def _blocks(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the first line and the end of each block; blank lines outside statements separate blocks."""
    inside = _inside(lines)
    start: int | None = None
    for place, line in enumerate(lines):
        if line.strip() or place in inside:
            start = place if start is None else start
        elif start is not None:
            yield start, place
            start = None
    if start is not None:
        yield start, len(lines)


def _shown(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the blocks to show: a block of imports is joined with the next, unless prose intervenes."""
    first: int | None = None
    ended = 0
    for start, end in _blocks(lines):
        if first is not None and lines[start].startswith(("#", '"', "'")):
            yield first, ended
            first = None
        first = start if first is None else first
        ended = end
        if not _imports(lines[start:end]):  # nor, then, are those above: each block is parsed once
            yield first, end
            first = None
    if first is not None:
        yield first, ended


def _imports(lines: list[str]) -> bool:
    """Return whether a block contains only imports, besides a docstring."""
    tree = _parsed("\n".join(lines))
    parts = [] if tree is None else tree.body[bool(ast.get_docstring(tree)) :]
    return bool(parts) and all(isinstance(part, ast.Import | ast.ImportFrom) for part in parts)


def _inside(lines: list[str]) -> set[int]:
    """Return the lines inside statements, where a blank line separates nothing."""
    tree = _parsed("\n".join(lines))
    if tree is not None:
        spans = [(statement.lineno, statement.end_lineno or statement.lineno) for statement in tree.body]
        return {place for first, last in spans for place in range(first - 1, last)}
    # The file as a whole is not valid Python: a blank line separates if the next line is not indented.
    found: set[int] = set()
    for place in range(len(lines) - 1, -1, -1):
        below = next((line for line in lines[place + 1 : place + 20] if line.strip()), "")
        if not lines[place].strip() and below.startswith((" ", "\t")):
            found.add(place)
    return found


def _parsed(text: str) -> ast.Module | None:
    """Return the tree of a text; None if it is not Python, or would keep the parser busy."""
    if len(text) > _MOST_PARSED:
        return None
    try:
        return statements(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
