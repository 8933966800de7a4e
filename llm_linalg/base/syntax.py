"""Texts into syntax trees, one at a time."""

from __future__ import annotations

import ast
import gc
import re
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any

# To tell of an error, Python reads its line from the file of this name, if there is one, and only else from
# the text. No file system can hold this name, so that none is asked.
_NOWHERE = "\ud800"
# CPython counts how deep a tree is for all threads at once (python/cpython#106905): of two threads that make
# trees at the same time, one may end with a SystemError.
_ONE_AT_A_TIME = RLock()

LEAVES = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
"""Nodes within which nothing stands."""
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
        *getattr(node, "type_params", ()),  # of Python 3.12 and later
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
)  # texts and comments
_PART = r"\w\x80-\U0010ffff"  # of a name: Python's have marks that \\w has not
_NAME = re.compile(rf"(\.\s*)?(?<![{_PART}])(?!\d)[{_PART}]+")
_DOTTED = re.compile(r"(?:\.\s*[^\W\d]\w*\s*){200}")
_SCANNED = 20_000_000  # characters

_IN_WORDS = bytes(code for code in range(256) if code >= 128 or chr(code).isalnum() or chr(code) == "_")
_NO_SIGNS = _IN_WORDS + bytes(code for code in range(128) if chr(code).isspace())
_NO_SIGNS_OR_POINTS = _NO_SIGNS + b"."


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Collect no garbage: there is none, and to look for it among all objects of torch takes long."""
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
        SyntaxError: If it is none.
        ValueError: If there are characters in it that Python does not take.
        MemoryError: If it is nested too deeply; or a `RecursionError`.
    """
    with _ONE_AT_A_TIME, no_garbage_collection(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, _NOWHERE)


def expression(text: str) -> ast.expr:
    """Return the tree of an expression; what it raises is as for `statements`."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, _NOWHERE, mode="eval").body


def _there(node: ast.AST | None) -> tuple[ast.AST, ...]:
    return () if node is None else (node,)


def children(node: ast.AST) -> Iterable[ast.AST]:
    """Return the nodes right within one, as `ast.iter_child_nodes` does; for most in a third of the time."""
    return _CHILDREN.get(node.__class__, ast.iter_child_nodes)(node)


def descendants(*nodes: ast.AST) -> Iterator[ast.AST]:
    """Yield nodes and all that stand within them, as `ast.walk` does, in less time and in no order."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        yield node
        todo += children(node)


def signs(text: str, many: int) -> int:
    """Return how many brackets, commas, operators and the like a text has, if they are more than many.

    Those in comments and texts are none, but for texts with braces: expressions stand in them. A parser takes
    a while for each, also for those of which it makes no node, such as brackets within brackets; points are
    not counted, since most stand within numbers.
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
    """Return whether a parser takes a time that grows with the square of a part of a text.

    So it is with an import of very many names with dots between them, and before Python 3.12 with a long text
    in which many braces are: it looks for each from the text's start.
    """
    if _DOTTED.search(text):
        return True
    if sys.version_info >= (3, 12) or not _FORMATTED.search(text):
        return False
    asides = [aside[0] for aside in _ASIDE.finditer(text) if "f" in (aside[1] or "").lower()]
    return any(aside.count("{") * len(aside) > _SCANNED for aside in asides)


def ambiguous_name(text: str) -> tuple[str, int, int] | None:
    """Return the first name that would be read as another one, with its line and column, if there is one.

    Names in other texts and comments are none.
    """
    if text.isascii():
        return None
    blank = _ASIDE.sub(lambda aside: " " * len(aside[0]), text)
    for found in _NAME.finditer(blank):
        name = found[0][len(found[1] or "") :]
        if unicodedata.normalize("NFKC", name) != name:
            place = found.end() - len(name)
            return name, text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place) - 1
    return None


def combining_marks(text: str) -> int:
    """Return how many marks stand one behind another, at most: they are sorted, which takes their square."""
    most = marks = 0
    for char in "" if text.isascii() else text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        most = max(most, marks)
    return most
