"""An answer as it is typed: code, numbers, or a list of numbers with brackets and commas or without."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, NamedTuple

from llm_linalg.base.code_names import code_names
from llm_linalg.base.errors import LimitError, ProgramError
from llm_linalg.base.source import Source

LONGEST_ANSWER = 2_000  # characters
MOST_NUMBERS = 64  # of a list
MODULES = frozenset(["torch", "math", "F", "nn"])

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_SPACED = re.compile(rf"[\[(]?\s*({_NUMBER}(?:(?:\s*,\s*|\s+){_NUMBER})+)\s*,?\s*[\])]?")
_SIGNS: Mapping[str, str] = {"−": "-", "×": "*", "·": "*", "²": "**2", "³": "**3"}
PRINTED = re.compile(r"(?<![\w.])tensor\(")  # as torch prints one
_SIDE_BY_SIDE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)([^\W\d])")
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}

_FUNCTIONS: Mapping[str, Callable[[float], float]] = {"sqrt": math.sqrt, "exp": math.exp, "log": math.log}


class Numbers(NamedTuple):
    """Numbers that were typed in: one, or nested lists and tuples of them.

    Attributes:
        value: The numbers.
        halves: By how much each may be off, in the same lists: half a unit of the last digit that was typed,
            and what follows from that where they were reckoned with.
    """

    value: Any
    halves: Any


class AnswerText(NamedTuple):
    """An answer that can be read.

    Attributes:
        code: The expression that it is.
        reads: The names that it reads.
        attributes: The names behind its dots.
        numbers: The numbers, if it is made of nothing else.
    """

    code: str
    reads: frozenset[str]
    attributes: frozenset[str]
    numbers: Numbers | None

    @property
    def is_typed_in(self) -> bool:
        """Whether it reads nothing but modules: it is a value that was typed in."""
        return self.reads <= MODULES

    @property
    def tree(self) -> ast.expr:
        """Its syntax tree."""
        return _expression(Source(self.code))


def read_answer(text: str, *, several: bool = False) -> AnswerText:
    """Return what was typed as an answer; a result that is given a name is taken without the name.

    Where `several` numbers are asked for, `-2.63 -1.11` are two, and no subtraction.

    Raises:
        LimitError: If it is too long.
        ProgramError: If it is not one expression.
    """
    text = text.strip()
    if len(text) > LONGEST_ANSWER:
        raise LimitError(f"the answer has {len(text):,} characters; {LONGEST_ANSWER:,} are allowed")
    for typed, sign in _SIGNS.items():
        text = text.replace(typed, sign)
    text = PRINTED.sub("torch.tensor(", text)
    if several and (spaced := _SPACED.fullmatch(text)):
        text = f"[{', '.join(re.findall(_NUMBER, spaced[1]))}]"
    try:
        source = Source(text)
        tree = _expression(source)
    except ProgramError as error:
        raise ProgramError(_spelling_hint(text, error.message) or error.message) from None
    code = text if isinstance(source.tree.body[0], ast.Expr) else ast.unparse(tree)
    names = code_names(tree)
    attributes = frozenset(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return AnswerText(code, names.loads | names.later, attributes, numbers_in(tree))


def _spelling_hint(text: str, why: str) -> str:
    """Return how Python writes what formulas have and Python refuses, and says why; empty for all else."""
    if "√" in text:
        return "a root is written (…) ** 0.5, or torch.sqrt(…)"
    product = _SIDE_BY_SIDE.search(text) if "decimal literal" in why else None
    return "" if product is None else f"a product is written with its sign: {product[1]} * {product[2]}"


def _expression(source: Source) -> ast.expr:
    """Return the expression of an answer, or of its one assignment; raises `ProgramError` for any other."""
    match source.tree.body:
        case [ast.Expr(value=value)] | [ast.Assign(targets=[ast.Name()], value=value)]:
            return value
        case [ast.AugAssign(target=ast.Name(id=name), op=sign, value=value)]:
            return ast.fix_missing_locations(ast.BinOp(ast.Name(name, ast.Load()), sign, value))
    raise ProgramError("an answer is one expression, such as Y.sum()")


def numbers_in(node: ast.AST) -> Numbers | None:
    """Return the numbers that an expression writes down or reckons with; None if it is anything else."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return Numbers(value, _half(value)) if abs(value) < 1e15 else None
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            inner = [numbers_in(part) for part in parts[: MOST_NUMBERS + 1]]
            known = [part for part in inner if part is not None]
            if len(known) < len(inner) or len(inner) > MOST_NUMBERS:
                return None
            kind = tuple if isinstance(node, ast.Tuple) else list
            return Numbers(kind(part.value for part in known), kind(part.halves for part in known))
        case ast.Call(func=ast.Attribute(ast.Name("torch"), "tensor"), args=[inner], keywords=[]):
            return numbers_in(inner)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=inner):
            return _reckoned(lambda x: -x if isinstance(node.op, ast.USub) else x, inner)
        case ast.BinOp(left, sign, right) if type(sign) in _OPERATORS:
            return _reckoned(_OPERATORS[type(sign)], left, right)
        case ast.Call(func=ast.Attribute(ast.Name("math"), name), args=[inner], keywords=[]):
            return _reckoned(_FUNCTIONS[name], inner) if name in _FUNCTIONS else None
    return None


def _reckoned(reckon: Callable[..., Any], *parts: ast.expr) -> Numbers | None:
    """Return what is reckoned from single numbers, and by how much it is off if each is."""
    known = [numbers_in(part) for part in parts]
    numbers = [part for part in known if part is not None and isinstance(part.value, int | float)]
    if len(numbers) < len(parts) or (reckon is operator.pow and not _is_small_power(numbers)):
        return None
    values = [part.value for part in numbers]
    with suppress(ZeroDivisionError, OverflowError, ValueError):
        value, off = reckon(*values), 0.0
        for place, part in enumerate(numbers):
            if part.halves:
                moved = [*values[:place], part.value + part.halves, *values[place + 1 :]]
                off += abs(reckon(*moved) - value)
        return Numbers(value, off) if abs(value) < 1e15 else None
    return None


def _is_small_power(numbers: list[Numbers]) -> bool:
    base, exponent = (part.value for part in numbers)
    return abs(base) <= 1e6 and abs(exponent) <= 20 and (base > 0 or isinstance(exponent, int))


def _half(value: float) -> float:
    """Return half a unit of the last digit of a number as it is written; 0 for a whole one."""
    if isinstance(value, int) or not math.isfinite(value):
        return 0.0
    exponent = Decimal(repr(value)).as_tuple().exponent
    return 0.5 * 10.0**exponent if isinstance(exponent, int) else 0.0
