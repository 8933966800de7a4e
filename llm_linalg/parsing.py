"""Texts into syntax trees, one at a time."""

from __future__ import annotations

import ast
import gc
import keyword
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

MARKS = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
"""Nodes within which nothing stands."""
_WITHIN: Mapping[type[ast.AST], Callable[[Any], Iterable[ast.AST]]] = {
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
_NUMBER = re.compile(rf"(?<![{_PART}.])\d(?:[{_PART}.]|(?<=[eE])[+-](?=\d))*")
_LINE = re.compile(r"[()\[\]{}]|(?:(?<!\\)\n|;)(?=[ \t]*(\w+|[^\s;\\]))")
_EMPTY = re.compile(r"\(\s*\)|(?<!\.)\.\.\.(?!\.)")  # brackets that hold nothing, and `...`
_FIRST_WORDS = "from def class async match case type global nonlocal else finally try except @"
_NO_NODES = frozenset(_FIRST_WORDS.split())  # of what one of its names counts for, or of no statement
_DOTTED = re.compile(r"(?:\.\s*[^\W\d]\w*\s*){1000}")
_KEYWORDS = frozenset(keyword.kwlist) - {"None", "True", "False"}  # those are nodes
_SCANNED = 20_000_000  # characters

_IN_WORDS = bytes(code for code in range(256) if code >= 128 or chr(code).isalnum() or chr(code) == "_")
_NO_SIGNS = _IN_WORDS + bytes(code for code in range(128) if chr(code).isspace())
_NO_SIGNS_OR_POINTS = _NO_SIGNS + b"."
_WORDS = bytes(code if code in _IN_WORDS else ord(" ") for code in range(256))


@contextmanager
def uncollected() -> Iterator[None]:
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
    with _ONE_AT_A_TIME, uncollected(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, _NOWHERE)


def expression(text: str) -> ast.expr:
    """Return the tree of an expression; what it raises is as for `statements`."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, _NOWHERE, mode="eval").body


def _there(node: ast.AST | None) -> tuple[ast.AST, ...]:
    return () if node is None else (node,)


def within(node: ast.AST) -> Iterable[ast.AST]:
    """Return the nodes right within one, as `ast.iter_child_nodes` does; for most in a third of the time."""
    return _WITHIN.get(node.__class__, ast.iter_child_nodes)(node)


def walk(*nodes: ast.AST) -> Iterator[ast.AST]:
    """Yield nodes and all that stand within them, as `ast.walk` does, in less time and in no order."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        yield node
        todo += within(node)


def parts(text: str) -> int:
    """Return how many words and signs a text has, of which a parser makes about as many nodes."""
    data = text.encode(errors="surrogatepass")
    return len(data.translate(_WORDS).split()) + len(data.translate(None, _NO_SIGNS))


def signs(text: str, many: int) -> int:
    """Return how many brackets, commas, operators and the like a text has, if they are more than many.

    Those in comments and texts are none, but for texts with braces: expressions stand in them. A parser takes
    a while for each, also for those of which it makes no node, such as brackets within brackets; points are
    not counted, since most stand within numbers.
    """
    count = _signs(text)
    if count > many:
        count = _signs(_ASIDE.sub(lambda aside: aside[0] if "f" in (aside[1] or "").lower() else "''", text))
    return count


def _signs(text: str) -> int:
    return len(text.encode(errors="surrogatepass").translate(None, _NO_SIGNS_OR_POINTS))


def fewest(text: str) -> int:
    """Return how many nodes the tree of a program has at least, told by its names, numbers and lines.

    That takes a tenth of the time that a parser takes.

    One that has texts with braces is left to a parser in which names and texts may stand within those; an
    earlier one takes long for them, and each brace is two nodes.
    """
    nodes = 0
    if _FORMATTED.search(text):
        if sys.version_info >= (3, 12):
            return 0
        nodes = sum(
            2 * _braces(aside[0]) for aside in _ASIDE.finditer(text) if "f" in (aside[1] or "").lower()
        )
    bare = _ASIDE.sub(lambda aside: "" if aside[0][0] == "#" else "''", text)
    if _DOTTED.search(bare):
        return sys.maxsize  # to import that, a parser takes a time that grows with its square
    names = [name[0] for name in _NAME.finditer(bare) if name[1] is None]  # such as a.b may be one
    nodes += sum(name not in _KEYWORDS for name in names) + sum(1 for _ in _NUMBER.finditer(bare))
    nodes += bare.count("[") + bare.count("{") + len(_EMPTY.findall(bare))
    nodes -= names.count("class") + names.count("from")  # what stands behind those may be no node
    return nodes - names.count("as") + _lines(bare)  # `a as b` is one, too


def _lines(bare: str) -> int:
    """Return how many statements a text has at least that are nodes beside the names in them."""
    depth = count = 0
    for found in _LINE.finditer(f"\n{bare}"):
        sign = found[0]
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= depth > 0
        elif depth == 0:
            count += found[1] not in _NO_NODES
    return count


def scanned_again(text: str) -> bool:
    """Return whether there is a text with braces that takes a parser long: it looks for each from its start.

    Later ones than Python 3.11 go through it once.
    """
    if sys.version_info >= (3, 12) or not _FORMATTED.search(text):
        return False
    asides = [aside[0] for aside in _ASIDE.finditer(text) if "f" in (aside[1] or "").lower()]
    return any(aside.count("{") * len(aside) > _SCANNED for aside in asides)


def misspelt(text: str) -> tuple[str, int, int] | None:
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


def marks(text: str) -> int:
    """Return how many marks stand one behind another, at most: they are sorted, which takes their square."""
    most = marks = 0
    for char in "" if text.isascii() else text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        most = max(most, marks)
    return most


def _braces(text: str) -> int:
    """Return how many parts a text has at least that are put into it."""
    return text.count("{") - 2 * text.count("{{") - text.count("\\N{")
