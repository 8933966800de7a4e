"""Split Python files into cells: at `# %%` lines if there are any, else at blank lines between statements.

A block of imports has nothing to show, so it is joined with the code below it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import groupby

from llm_linalg.base.syntax import statements
from llm_linalg.lessons.documents.code_cells import DocumentCell

_MARK = re.compile(r"#[ \t]?%%+(.*)")
_PROSE = re.compile(r"(.*?)\[(markdown|md)\](.*)", re.IGNORECASE)
_METADATA = re.compile(
    r"""(?<!\S)[\w.-]{1,60}=(?:"[^"]{0,500}"|'[^']{0,500}'|\[[^\]]{0,500}\]|\{[^}]{0,500}\}|\S++)"""
)  # as jupytext writes it
_HEAD = re.compile(r"#!|#.*?coding[:=]")
_HEADER = re.compile(r"\A\s*# ---[ \t]*\n(?:#.*\n){0,98}?# ---[ \t]*$", re.MULTILINE)  # jupytext's
_COMMAND_ASIDE = re.compile(r"#\s*#\s*[!%]\w")
_QUOTES = ('"""', "'''", 'r"""', '"', "'")
_MOST_PARSED = 100_000  # characters: no text of so many keeps the parser busy for long


def read(text: str) -> list[DocumentCell]:
    """Return the cells of a Python file; comments on their own or at the start of a cell are prose."""
    lines = text.split("\n")
    for place in range(min(2, len(lines))):
        if _HEAD.match(lines[place]):
            lines[place] = ""
    text = _HEADER.sub(lambda found: "\n" * found[0].count("\n"), "\n".join(lines))
    lines = text.split("\n")
    if any(_MARK.fullmatch(line) for line in lines):
        return list(_marked(lines))
    return [cell for start, end in _blocks(lines) for cell in _block(lines[start:end], start)]


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
    place = _end_of_comments(lines, 0)
    yield DocumentCell("prose", _said(lines[:place]), first + 1)
    at_string = place < len(lines) and lines[place].startswith(_QUOTES)
    tree = _parsed("\n".join(lines[place:])) if at_string else None
    words = ast.get_docstring(tree, clean=False) if tree is not None else None
    if tree is not None and words and words.strip():
        own, *others = tree.body
        end = place + (own.end_lineno or 1)
        if not others or place + others[0].lineno > end:
            yield DocumentCell("prose", words.strip(), first + place + 1)
            place = _end_of_comments(lines, end)
            yield DocumentCell("prose", _said(lines[end:place]), first + end + 1)
    code = "\n".join(lines[place:]).rstrip()
    yield DocumentCell("code", code, first + place)


def _end_of_comments(lines: list[str], place: int) -> int:
    """Return the first line from a place on that is neither a comment nor blank."""
    shown = (k for k in range(place, len(lines)) if lines[k].strip() and not lines[k].startswith("#"))
    return next(shown, len(lines))


def _said(lines: list[str]) -> str:
    """Return comment lines, or a string literal, as Markdown; commands that are commented out are code."""
    if any(map(_COMMAND_ASIDE.match, lines)):
        return "\n".join(["```", *(line.lstrip("# ") for line in lines), "```"])
    text = "\n".join(line[1:].removeprefix(" ") if line.startswith("#") else line for line in lines).strip()
    for quotes in ('"""', "'''"):
        if text.startswith(quotes) and text.endswith(quotes) and len(text) >= 6:
            return text[3:-3].strip()
    return text


def _blocks(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the first line and the end of each block; blank lines outside statements separate blocks.

    A block of imports is joined with the next, unless prose intervenes.
    """
    inside = _inside(lines)
    held: tuple[int, int] | None = None  # a block of imports
    for is_block, run in groupby(range(len(lines)), lambda k: bool(lines[k].strip()) or k in inside):
        places = list(run)
        if not is_block:
            continue
        if held is not None and lines[places[0]].startswith(("#", '"', "'")):
            yield held
            held = None
        block = places[0] if held is None else held[0], places[-1] + 1
        held = block if _imports(lines[places[0] : block[1]]) else None
        if held is None:
            yield block
    if held is not None:
        yield held


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
    inside: set[int] = set()
    for place in range(len(lines) - 1, -1, -1):
        below = next((line for line in lines[place + 1 : place + 20] if line.strip()), "")
        if not lines[place].strip() and below.startswith((" ", "\t")):
            inside.add(place)
    return inside


def _parsed(text: str) -> ast.Module | None:
    """Return the tree of a text; None if it is not Python, or would keep the parser busy."""
    if len(text) > _MOST_PARSED:
        return None
    try:
        return statements(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
