"""`operator`: the operators as functions, charged as they are in an expression."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from llm_linalg.language.expressions import apply_sign, charge_lookup, combine, compare, item_of
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.run_function import RunFunction

_BINARY: Mapping[str, type[ast.operator]] = {
    "add": ast.Add,
    "sub": ast.Sub,
    "mul": ast.Mult,
    "truediv": ast.Div,
    "floordiv": ast.FloorDiv,
    "mod": ast.Mod,
    "pow": ast.Pow,
    "matmul": ast.MatMult,
    "and_": ast.BitAnd,
    "or_": ast.BitOr,
    "xor": ast.BitXor,
    "lshift": ast.LShift,
    "rshift": ast.RShift,
    "concat": ast.Add,
}
_COMPARING: Mapping[str, ast.cmpop] = {
    "eq": ast.Eq(),
    "ne": ast.NotEq(),
    "lt": ast.Lt(),
    "le": ast.LtE(),
    "gt": ast.Gt(),
    "ge": ast.GtE(),
    "is_": ast.Is(),
    "is_not": ast.IsNot(),
}


def _binary(name: str, kind: type[ast.operator]) -> RunFunction:
    return RunFunction(name, lambda run, left, right: combine(run, kind, left, right))


def _comparing(name: str, operator: ast.cmpop) -> RunFunction:
    return RunFunction(name, lambda run, left, right: compare(run, operator, left, right))


def _getitem(run: Interpreter, owner: Any, key: Any) -> Any:
    charge_lookup(key, run.budget)
    return item_of(run, owner, key, run.current)


def _itemgetter(_run: Interpreter, *keys: Any) -> RunFunction:
    def get(run: Interpreter, owner: Any) -> Any:
        found = [_getitem(run, owner, key) for key in keys]
        return found[0] if len(keys) == 1 else tuple(found)

    return RunFunction("itemgetter", get)


MEMBERS: Mapping[str, RunFunction] = {
    **{name: _binary(name, kind) for name, kind in _BINARY.items()},
    **{name: _comparing(name, operator) for name, operator in _COMPARING.items()},
    "neg": RunFunction("neg", lambda run, value: apply_sign(run, ast.USub, value)),
    "pos": RunFunction("pos", lambda run, value: apply_sign(run, ast.UAdd, value)),
    "contains": RunFunction("contains", lambda run, items, item: compare(run, ast.In(), item, items)),
    "getitem": RunFunction("getitem", _getitem),
    "itemgetter": RunFunction("itemgetter", _itemgetter),
}
