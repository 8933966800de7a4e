"""The reference page of the language, generated from its tables."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from llm_linalg.language import (
    allowlist,
    arithmetic,
    attribute_functions,
    budget,
    containers,
    expressions,
    module_count,
    modules,
    printing,
    source,
    suggestions,
    suspension,
    value_methods,
)
from llm_linalg.language.arrays import array_members
from llm_linalg.ops import levels, price

WIDTH = 100
# Every kind of syntax that `source` allows, and how it is written. A test checks that none is left out.
SYNTAX: tuple[tuple[str, str], ...] = (
    ("Module Expr Pass", "statements one a line, or parted by `;`; `pass`"),
    ("Assign Name expr_context", "`Y = x @ W`, `a = b = 1`"),
    ("Tuple List Starred", "`q, k, v = parts`, `first, *rest = xs`, `(1, 2)`, `[1, 2]`, `[*xs, 3]`"),
    ("AnnAssign", "`x: Tensor = torch.ones(2)`"),
    ("AugAssign", "`x += 1`"),
    ("Subscript Slice", "`x[0, 1:]`, `x[mask]`; `x[i] = y` is an operation of its own"),
    ("Attribute", "`x.T`, `x.shape`, `layer.weight`; `W.grad = None`, `W.data -= 0.1`"),
    ("Call keyword", "`x.sum(dim=1)`, `f(*xs, **options)`"),
    ("Lambda", "`lambda x: 2 * x`"),
    ("NamedExpr", "`(n := len(xs))`"),
    ("Constant", "numbers, text, `True`, `False`, `None`, `...`"),
    ("BinOp operator", "`+ - * / // % ** @ & | ^ << >>`"),
    ("UnaryOp unaryop", "`-x`, `+x`, `~x`, `not x`"),
    ("BoolOp boolop", "`a and b`, `a or b`"),
    ("Compare cmpop", "`< <= > >= == != is in`, also `0 <= i < n`"),
    ("IfExp", "`a if n > 1 else b`"),
    ("Dict Set", '`{"q": Q}`, `{**options, "lr": 0.1}`, `{1, 2}`'),
    ("JoinedStr FormattedValue", '`f"{x.shape} {loss:.3f} {n=}"`'),
    (
        "ListComp GeneratorExp comprehension",
        "`[h.sum() for h in heads if ok]`, `sum(x for x in parts)`",
    ),
    ("DictComp SetComp", "`{word: i for i, word in enumerate(words)}`, `{len(word) for word in words}`"),
    (
        "Import ImportFrom alias",
        "`import torch.nn as nn`, `from torch.nn import functional as F`, `from math import *`",
    ),
    ("If", "`if n > 1:` … `elif` … `else:`"),
    (
        (
            "Match match_case MatchValue MatchSingleton MatchSequence MatchStar MatchMapping MatchClass"
            " MatchAs MatchOr"
        ),
        (
            "`match xs:` … `case [] | [0]:`, `case [first, *rest] if rest:`, `case {1: found, **rest}:`,"
            " `case Point(0, y) as p:`, `case _:`"
        ),
    ),
    ("For Break Continue", "`for i in range(3):` … `break`, `continue`, `else:`"),
    ("While", "`while n < 9:` … `break`, `continue`, `else:`"),
    ("Delete", "`del n, xs[0]`"),
    ("Assert", '`assert n > 0, "why"`'),
    ("With withitem", "`with torch.no_grad():`, `with a as b, c:`, and `@torch.no_grad()` above a `def`"),
    (
        "FunctionDef arguments arg Return",
        "`def head(x, *rest, W, scale=1.0, **options):` … `return x @ W`, with decorators",
    ),
    (
        "ClassDef",
        "`class Head(nn.Module):` … `super().__init__()`, `def forward(self, x):`, `@property`",
    ),
    ("Yield YieldFrom", "`yield x`, `yield from xs`, alone on a line or in `x = yield y`"),
    ("Global Nonlocal", "`global n`, `nonlocal n`"),
    (
        "Raise Try ExceptHandler",
        (
            '`raise ValueError("why")`; `try:` … `except (ValueError, KeyError) as error:` … `else:` …'
            " `finally:`; what the language refuses can't be caught"
        ),
    ),
)


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# The tensor language"
    yield ""
    yield from _wrapped(
        "A part of Python, over torch. A program is checked against these lists and interpreted, never "
        "handed to Python, so anyone's text may be run. What is not here is an error that says so, and "
        "where there is one, what to write instead."
    )
    yield from _section("Syntax", ())
    yield from (line for _, said in SYNTAX for line in _wrapped(said, "- "))
    yield from _section("Not in the language", ())
    yield from (line for said in _refusals() for line in _wrapped(said, "- "))
    for name, module in allowlist.MODULES.items():
        yield from _section(f"`import {name}`", module.members)
    yield from _section("Methods of a tensor", allowlist.METHODS)
    yield from _section("Attributes of a tensor", allowlist.ATTRIBUTES)
    yield from _section("Methods of an array", array_members.METHODS)
    yield from _section("Attributes of an array", array_members.ATTRIBUTES)
    yield from _section("Attributes of a layer", modules.ATTRIBUTES)
    for kind, methods in value_methods.METHODS.items():
        yield from _section(f"Methods of a {kind.__name__}", methods)
    yield from _section("Python's own", [*allowlist.BUILTINS, *attribute_functions.FUNCTIONS])
    yield from _section("Arguments that no call takes", suggestions.ARGUMENTS)
    yield from _section("Bounds", ())
    yield from (line for said in _bounds() for line in _wrapped(said, "- "))


def _refusals() -> list[str]:
    """Return the advice for what the language lacks, one line each."""
    lacking = {name: said for name, said in suggestions.ATTRIBUTES.items() if name not in allowlist.METHODS}
    of_names = (suggestions.NAMES, suggestions.MEMBERS, suggestions.PACKAGES)
    said = [line for table in of_names for line in _advice(table, "`{}`")]
    said += [*_advice(lacking, "`x.{}`"), *_advice(suggestions.ARGUMENTS, "`{}=`")]
    rules = {
        *suggestions.SYNTAX.values(),
        suggestions.DECORATOR,
        suggestions.YIELD,
        suggestions.UNDERSCORES,
    }
    return [
        *sorted({*rules, *suggestions.CONSTANTS.values()}),
        *said,
    ]


def _advice(table: Mapping[str, str], form: str) -> list[str]:
    """Return one line for each piece of advice, with all the names that it is for."""
    names: dict[str, list[str]] = {}
    for name, advice in sorted(table.items()):
        names.setdefault(advice, []).append(form.format(name))
    return [f"{', '.join(those)}: {advice}" for advice, those in names.items()]


def _section(title: str, names: Iterable[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from _wrapped(" ".join(sorted(names, key=lambda name: (name.lower(), name))))


def _wrapped(text: str, lead: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False
    )


def _bounds() -> Iterator[str]:
    most = budget.Budget()
    text = source
    yield f"a program: {text.MAX_CHARACTERS:,} characters, {text.MAX_NODES:,} parts, {text.MAX_DEPTH} deep"
    yield f"brackets, commas and other signs of a program: {text.MAX_SIGNS:,}"
    yield f"a run: {most.seconds:g} s (--time-limit SECONDS), {most.steps:,} steps, {most.tensors:,} tensors"
    yield "a step: a statement or an expression; a torch call counts as some 40, a layer and a text as more"
    yield f"a function: calls that are {suspension.MAX_CALLS} deep"
    cells = f"{most.call_elements:,} cells, {price.MAX_AXES} axes"
    yield f"a tensor: {cells}; all of them: {most.elements:,} cells"
    yield f"a tensor without cells: {price.MAX_EMPTY:,} rows"
    yield f"a call: {most.call_multiplications:,} multiplications; all of them: {most.multiplications:,}"
    yield "what takes as long as so many multiplications, such as a sort, counts like them"
    yield f"a text: {containers.MAX_TEXT:,} characters"
    yield f"what it shows of tensors: {printing.MAX_SHOWN:,} cells of {printing.MAX_TENSORS}"
    yield f"a layer: {module_count.MAX_LAYERS:,} layers within it, {module_count.MAX_DEPTH} deep"
    parts, places = expressions.MAX_KEY_PARTS, expressions.MAX_KEY_PLACES
    yield f"a key: {parts} parts, {places:,} places in lists and ranges"
    yield f"sizes in a call: {price.MAX_SIZES}; numbers in a torch.Size: {arithmetic.MAX_SIZE_NUMBERS}"
    yield f"operands of an einsum: {price.MAX_FACTORS}; lists in lists of a call: {levels.MOST_LEVELS} deep"
    yield f"what a layer is made with: {modules.MOST_SIZES} numbers, or letters of a word"
    yield f"a whole number: {arithmetic.MAX_BITS} bits; a list or a range: {arithmetic.MAX_ITEMS:,} items"
