"""Parse program text into syntax trees, one at a time."""

from __future__ import annotations

import ast
import gc
import re
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from threading import RLock
from typing import Any

# For a syntax error Python reads the line from the file of this name if it exists, not from the text. No file
# system can have this name, so no file is ever read.
_NOWHERE = "\ud800"
# CPython counts the depth of a tree across threads (python/cpython#106905): when two threads build trees at
# the same time, one may fail with a SystemError.
_ONE_AT_A_TIME = RLock()

LAST_TREES = 32  # whose nodes are kept in a row
LEAVES = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
"""Node types without children."""
_CHILDREN: Mapping[type[ast.AST], Callable[[Any], Iterable[ast.AST]]] = {
    **{
        kind: lambda _: () for kind in (ast.Constant, ast.Load, ast.Store, ast.Add, ast.Sub, ast.Mult, ast.Lt)
    },
    ast.Name: lambda node: (node.ctx,),
    ast.Attribute: lambda node: (node.value, node.ctx),
    ast.Tuple: lambda node: (*node.elts, node.ctx),
    ast.List: lambda node: (*node.elts, node.ctx),
    ast.UnaryOp: lambda node: (node.op, node.operand),
    ast.keyword: lambda node: (node.value,),
    ast.BinOp: lambda node: (node.left, node.op, node.right),
    ast.Call: lambda node: (node.func, *node.args, *node.keywords),
    ast.Compare: lambda node: (node.left, *node.ops, *node.comparators),
    ast.Expr: lambda node: (node.value,),
    ast.Subscript: lambda node: (node.value, node.slice, node.ctx),
    ast.BoolOp: lambda node: (node.op, *node.values),
    ast.Assign: lambda node: (*node.targets, node.value),
    ast.AugAssign: lambda node: (node.target, node.op, node.value),
    ast.For: lambda node: (node.target, node.iter, *node.body, *node.orelse),
    ast.If: lambda node: (node.test, *node.body, *node.orelse),
    ast.Return: lambda node: _there(node.value),
    ast.FunctionDef: lambda node: (
        *(node.args, *node.body, *node.decorator_list, *_there(node.returns)),
        *getattr(node, "type_params", ()),  # since Python 3.12
    ),
    ast.arguments: lambda node: (
        *(*node.posonlyargs, *node.args, *_there(node.vararg)),
        *(*node.kwonlyargs, *filter(None, node.kw_defaults), *_there(node.kwarg), *node.defaults),
    ),
    ast.arg: lambda node: _there(node.annotation),
}

_FORMATTED = re.compile(r"""\b[rR]?[fF][rR]?['"]""")
_ASIDE = re.compile(
    r"""(?:(?<!\w)([rRbBuUfF]{1,2}))?(\'\'\'|\"\"\"|['"])(?:\\.|(?!\2).)*(?:\2|\Z)|\#[^\n]*""", re.DOTALL
)  # string literals and comments
# What is in no name: Python allows marks that \\w does not match. Written the other way round, as the range
# of what may be in one, it takes `re` many milliseconds to compile.
_APART = r"\x00-/:-@\[-\^`{-\x7f"
_NAME = re.compile(rf"(\.\s*)?(?<![^{_APART}])(?!\d)[^{_APART}]+")
_DOTTED = re.compile(r"(?:\.\s*[^\W\d]\w*\s*){200}")
_SCANNED = 20_000_000  # characters

_IN_WORDS = bytes(code for code in range(256) if code >= 128 or chr(code).isalnum() or chr(code) == "_")
_NO_SIGNS = _IN_WORDS + bytes(code for code in range(128) if chr(code).isspace())
_NO_SIGNS_OR_POINTS = _NO_SIGNS + b"."


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Switch garbage collection off: parsing makes no garbage, and a pass over torch's objects is slow."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def statements(text: str) -> ast.Module:
    """Return the tree of a program.

    Raises:
        SyntaxError: If the text is not a program.
        ValueError: If it contains null characters or lone surrogates.
        MemoryError, RecursionError: If it is nested too deeply.
    """
    with _ONE_AT_A_TIME, no_garbage_collection(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
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


def _there(node: ast.AST | None) -> tuple[ast.AST, ...]:
    return () if node is None else (node,)


def children(node: ast.AST) -> Iterable[ast.AST]:
    """Return a node's children like `ast.iter_child_nodes`, for most nodes in a third of the time."""
    return _CHILDREN.get(node.__class__, ast.iter_child_nodes)(node)


def descendants(*nodes: ast.AST) -> Iterator[ast.AST]:
    """Yield nodes and all their descendants like `ast.walk`, faster and in no particular order."""
    return chain.from_iterable(map(_all_below, nodes))


@lru_cache(LAST_TREES)
def _all_below(root: ast.AST) -> tuple[ast.AST, ...]:
    """Return a node and all its descendants, kept: of one statement many questions are asked in a row."""
    found, todo = [], [root]
    while todo:
        node = todo.pop()
        found.append(node)
        todo += children(node)
    return tuple(found)


def split_comment(line: str) -> tuple[str, str]:
    """Return the code of a line, and the comment behind it from its `#` on: empty where there is none."""
    for found in _ASIDE.finditer(line):
        if found[0].startswith("#"):
            return line[: found.start()], found[0]
    return line, ""


def signs(text: str, many: int) -> int:
    """Return the number of brackets, commas, operators and the like in a text: the parser's work.

    Signs in comments and string literals don't count, except in f-strings, which contain expressions. This is
    worked out only if there are more than `many` in all. Dots don't count, since most belong to numbers.
    """
    count = _count_signs(text)
    if count > many:
        count = _count_signs(
            _ASIDE.sub(lambda aside: aside[0] if "f" in (aside[1] or "").lower() else "''", text)
        )
    return count


def _count_signs(text: str) -> int:
    return len(text.encode(errors="surrogatepass").translate(None, _NO_SIGNS_OR_POINTS))


def slow_to_parse(text: str) -> bool:
    """Return whether parsing a text takes quadratic time.

    That is so for very long dotted names, and before Python 3.12 for long f-strings with many braces, each of
    which is searched from the string's start.
    """
    if _DOTTED.search(text):
        return True
    if sys.version_info >= (3, 12) or not _FORMATTED.search(text):
        return False
    asides = [aside[0] for aside in _ASIDE.finditer(text) if "f" in (aside[1] or "").lower()]
    return any(aside.count("{") * len(aside) > _SCANNED for aside in asides)


def ambiguous_name(text: str) -> tuple[str, int, int] | None:
    """Return the first name that Python would normalise to another one (NFKC), with its line and column.

    Names in comments and string literals don't count. Neither do those that stay foreign, such as the two
    spellings of the Greek phi. None if there is no such name.
    """
    if text.isascii():
        return None
    blank = _ASIDE.sub(lambda aside: " " * len(aside[0]), text)
    for found in _NAME.finditer(blank):
        name = found[0][len(found[1] or "") :]
        normal = unicodedata.normalize("NFKC", name)
        if normal != name and normal.isascii():
            place = found.end() - len(name)
            return name, text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place) - 1
    return None


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
