"""Work out arithmetic as it is written, so that `=` stands only where the numbers shown are equal."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction

MOST_POWER = 16
_PLAIN = re.compile(r"[-+−·×*/^²() \d.]|(?<=\d)e(?=[-+]?\d)")
_SPELLINGS = str.maketrans({"−": "-", "·": "*", "×": "*", "^": "**", "²": "**2"})
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def worked_out(arithmetic: str) -> Fraction | None:
    """Return what numbers with + - · / ^ and brackets come to; None if there are other signs, or it is none.

    Powers are whole ones up to `MOST_POWER`.
    """
    if _PLAIN.sub("", arithmetic):
        return None
    try:
        return _value(ast.parse(arithmetic.strip().translate(_SPELLINGS), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None


def comes_to(arithmetic: str, total: str) -> bool | None:
    """Return whether arithmetic with displayed numbers comes to a displayed total, rounded as that is.

    A total without a point is not rounded. None if it is no plain arithmetic, or no finite total.
    """
    value = worked_out(arithmetic)
    try:
        shown = Decimal(total.strip().replace("−", "-"))
    except InvalidOperation:
        return None
    if value is None or not shown.is_finite():
        return None
    unit = Fraction(Decimal((0, (1,), int(shown.as_tuple().exponent)))) if "." in total else Fraction(0)
    return abs(value - Fraction(shown)) <= unit / 2


def _value(node: ast.expr) -> Fraction:
    """Return the value of a parsed expression.

    Raises:
        ValueError: If it holds more than numbers and their operators.
        ZeroDivisionError: If it divides by 0.
    """
    match node:
        case ast.Constant(value=int() | float() as number):
            return Fraction(repr(number))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=int() as power)):
            if power > MOST_POWER:
                raise ValueError(f"a power above {MOST_POWER}")
            return _value(base) ** power
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(left), _value(right))
        case _:
            raise ValueError("no plain arithmetic")
