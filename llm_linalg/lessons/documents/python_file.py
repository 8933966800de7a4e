"""Python files as cells: at `# %%` lines if there are any, else at blank lines between statements.

What only imports has nothing to show: it stands in one cell with the code below it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from llm_linalg.base.syntax import statements
from llm_linalg.lessons.documents.code_cells import DocumentCell

_MARK = re.compile(r"#[ \t]?%%+(.*)")
_PROSE = re.compile(r"(.*?)\[(markdown|md)\](.*)", re.IGNORECASE)
_HEAD = re.compile(r"#!|#.*?coding[:=]")


def read(text: str) -> list[DocumentCell]:
    """The cells of a Python file; comments that stand alone or begin a cell are its prose."""
    lines = text.split("\n")
    for place in range(min(2, len(lines))):
        if _HEAD.match(lines[place]):
            lines[place] = ""
    if any(_MARK.fullmatch(line) for line in lines):
        return list(_marked(lines))
    return [cell for start, end in _shown(lines) for cell in _block(lines[start:end], start)]


def _marked(lines: list[str]) -> Iterator[DocumentCell]:
    """Cells that begin at `# %%`, with a title behind it; `# %% [markdown]` makes one prose."""
    starts = [place for place, line in enumerate(lines) if _MARK.fullmatch(line)]
    if starts[0] > 0:
        yield from _block(lines[: starts[0]], 0)
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        mark = _MARK.fullmatch(lines[start])
        title = mark[1].strip() if mark else ""
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
    """The prose and the code of one cell whose lines begin at place `first`, from 0."""
    place = 0
    while place < len(lines) and (not lines[place].strip() or lines[place].startswith("#")):
        place += 1
    yield DocumentCell("prose", _said(lines[:place]), first + 1)
    code = lines[place:]
    words, length = _docstring(code)
    if words:
        yield DocumentCell("prose", words, first + place + 1)
        yield from _block(code[length:], first + place + length)
        return
    while code and not code[-1].strip():
        code.pop()
    yield DocumentCell("code", "\n".join(code), first + place)


def _said(lines: list[str]) -> str:
    """Comment lines, or a string, as Markdown."""
    text = "\n".join(line[1:].removeprefix(" ") if line.startswith("#") else line for line in lines).strip()
    for quotes in ('"""', "'''"):
        if text.startswith(quotes) and text.endswith(quotes) and len(text) >= 6:
            return text[3:-3].strip()
    return text


def _docstring(lines: list[str]) -> tuple[str, int]:
    """The text of a string that stands alone at the beginning, and how many lines it takes."""
    if not lines or not lines[0].startswith(('"""', "'''", 'r"""', '"', "'")):
        return "", 0
    tree = _parsed("\n".join(lines))
    match tree.body[0] if tree and tree.body else None:
        case ast.Expr(value=ast.Constant(value=str() as words), end_lineno=int() as end):
            later = tree.body[1].lineno if tree and len(tree.body) > 1 else end + 1
            return (words.strip(), end) if later > end else ("", 0)
    return "", 0


def _blocks(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Where blocks begin and end: blank lines part them, but not inside a statement."""
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
    """Where blocks begin and end; one that only imports goes on to the end of another, not over prose."""
    first: int | None = None
    ended = 0
    for start, end in _blocks(lines):
        if first is not None and lines[start].startswith(("#", '"', "'")):
            yield first, ended
            first = None
        first = start if first is None else first
        ended = end
        if not _imports(lines[first:end]):
            yield first, end
            first = None
    if first is not None:
        yield first, ended


def _imports(lines: list[str]) -> bool:
    """Whether a block only imports, below what it says."""
    tree = _parsed("\n".join(lines))
    parts = [] if tree is None else tree.body[bool(ast.get_docstring(tree)) :]
    return bool(parts) and all(isinstance(part, ast.Import | ast.ImportFrom) for part in parts)


def _inside(lines: list[str]) -> set[int]:
    """The places of lines within a statement, so that a blank one there parts nothing."""
    tree = _parsed("\n".join(lines))
    if tree is not None:
        spans = [(statement.lineno, statement.end_lineno or statement.lineno) for statement in tree.body]
        return {place for first, last in spans for place in range(first - 1, last)}
    # Not Python as a whole: a blank line parts what is followed by a line that is not indented.
    found: set[int] = set()
    for place in range(len(lines) - 1, -1, -1):
        below = next((line for line in lines[place + 1 : place + 20] if line.strip()), "")
        if not lines[place].strip() and below.startswith((" ", "\t")):
            found.add(place)
    return found


def _parsed(text: str) -> ast.Module | None:
    try:
        return statements(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
