"""Which names of a program follow others, by its text: what a control can change, and what it can't."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from llm_linalg.base.code_names import code_names

Reads = Mapping[str, frozenset[str]]
GENERATOR = "torch's generator"
"""What each draw reads and changes, beside the names."""
_DRAWS = re.compile(r"rand|seed|nn\.|normal|uniform|bernoulli|multinomial|dropout")


@lru_cache(maxsize=256)
def can_change(program: str, own: str, shown: tuple[str, ...], given: frozenset[str]) -> bool:
    """Return whether names given can change what lines at a program's end read or make, or what is shown.

    Args:
        program: The program; what can't be read may depend on anything.
        own: The lines at its end, or an expression that is read behind it.
        shown: The names of what is shown; without them the last results are.
        given: The names.
    """
    try:
        lines, body = code_names(ast.parse(own)), ast.parse(program).body
    except (SyntaxError, ValueError):
        return True
    last = lines.binds or code_names(body[-1:]).binds
    names = frozenset(shown) or last
    bound = code_names(body).binds
    return bool(not names <= bound or followers(body, given) & (lines.loads | lines.later | names))


def followers(body: Sequence[ast.stmt], given: frozenset[str]) -> frozenset[str]:
    """Return the names of a program whose values may depend on those given, these among them.

    A name that is bound again follows what it is bound to then, and what is changed in place follows what
    changes it, with all that it was made of. Where the text can't tell, a name follows.
    """
    following, made_of, functions = set(given), dict[str, frozenset[str]](), dict[str, frozenset[str]]()
    for statement in body:
        names = code_names(statement)
        if isinstance(statement, ast.FunctionDef):
            functions[statement.name] = names.later
            continue
        read, bound = _with_all(names.loads | names.later, functions), names.binds | names.rebinds
        drawn = {GENERATOR} if _DRAWS.search(ast.unparse(statement)) else set[str]()
        if (read | drawn) & following:
            following |= bound | drawn | _with_all(frozenset(_changed_in_place(statement)), made_of)
        elif isinstance(statement, ast.Assign):
            following -= bound
        made_of |= {name: read | made_of.get(name, frozenset()) for name in bound}
    calling = {name for name, inner in functions.items() if _with_all(inner, functions) & following}
    return frozenset(following | calling)


def _with_all(names: frozenset[str], made_of: Reads) -> frozenset[str]:
    """Return names with all those that they are made of, however far back."""
    reached, todo = set(names), [*names]
    while todo:
        new = made_of.get(todo.pop(), frozenset()) - reached
        reached |= new
        todo += new
    return frozenset(reached)


def _changed_in_place(statement: ast.stmt) -> Iterator[str]:
    """Yield the names of what a statement may change: `losses.append(x)`, `adam.step()`, `W[0] = x`."""
    for node in ast.walk(statement):
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute() as changed)):
                yield from _root(changed)
            case ast.Call(func=ast.Attribute(attr=name) as changed) if name.endswith("_"):
                yield from _root(changed)
            case ast.Subscript(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
                yield from _root(node)


def _root(node: ast.expr) -> Iterator[str]:
    """Yield the name at the beginning of `name.part[0].other`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id
