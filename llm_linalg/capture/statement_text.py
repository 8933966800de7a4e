"""What a statement does by its text: the names that it touches, those that may come to hold each other."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from llm_linalg.base.code_names import code_names

_OWN_STATE = frozenset(["type", "cls", "__class__"])
_CALLS = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom)
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def has_state(statement: Definition) -> bool:
    """Return whether a function or a class may itself be changed by being called."""
    parts = [*ast.walk(statement)]
    words = {part.id for part in parts if isinstance(part, ast.Name)}
    words |= {part.attr for part in parts if isinstance(part, ast.Attribute) and part.attr == "__class__"}
    if isinstance(statement, ast.ClassDef):
        values = [part.value for part in statement.body if isinstance(part, ast.Assign | ast.AnnAssign)]
    else:
        values = [value for part in parts if isinstance(part, ast.arguments) for value in part.defaults]
        values += [value for part in parts if isinstance(part, ast.arguments) for value in part.kw_defaults]
    values += statement.decorator_list
    own = {*_OWN_STATE, statement.name}
    plain = ast.Constant | ast.Name | ast.Attribute | None
    return not own.isdisjoint(words) or not all(isinstance(value, plain) for value in values)


def calls_in(statement: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls in a statement."""
    return (part for part in ast.walk(statement) if isinstance(part, ast.Call))


def called(call: ast.Call) -> tuple[str, str]:
    """Return the first and the last name of what is called: of `np.random.seed(0)` `np` and `seed`."""
    func: ast.expr = call.func
    last = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    return root_of(func), last


def root_of(node: ast.AST) -> str:
    """Return the name from which attributes, items and calls lead on; empty if it is none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def seeding_root(part: ast.AST) -> str:
    """Return the first name of the call by which a statement seeds a generator; empty if it doesn't."""
    value = part.value if isinstance(part, ast.Expr | ast.Assign) else None
    if not isinstance(value, ast.Call) or not value.args or "seed" not in called(value)[1]:
        return ""
    return "" if "cuda" in ast.unparse(value.func) else called(value)[0]


def loaded(node: ast.AST) -> frozenset[str]:
    """Return the names that are read in a part of a statement, if by functions in it."""
    names = code_names(node)
    return names.loads | names.later


def touched_by(statement: ast.stmt) -> set[str]:
    """Return the names whose values a statement may change by its text."""
    found: set[str] = set()
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        if isinstance(node, _CALLS):
            found |= loaded(node)
            continue
        match node:
            case ast.For(iter=value) | ast.AsyncFor(iter=value) | ast.comprehension(iter=value):
                found |= loaded(value)
            case ast.withitem(context_expr=value):
                found |= loaded(value)
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                found.add(root_of(node))
            case ast.AugAssign(target=ast.Name(id=name)):
                found.add(name)
        todo += ast.iter_child_nodes(node)
    return found


def sharing_in(statement: ast.stmt, is_own: Callable[[str], bool]) -> Iterator[list[str]]:
    """Yield names whose values may come to hold each other, the one that surely may first."""
    for node in ast.walk(statement):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield sorted(code_names(targets).binds)
                for target in targets:
                    if isinstance(target, ast.Attribute | ast.Subscript):
                        yield [root for root in (root_of(target), *sorted(loaded(value))) if root]
            case ast.AugAssign(target=target, value=value):
                yield [root for root in (root_of(target), *sorted(loaded(value))) if root]
            case ast.Expr(value=ast.Call() as call):
                yield [*dict.fromkeys([root_of(call.func) or "", *sorted(loaded(call))])]
            case ast.Call() if is_own(root_of(node.func)):
                yield [*dict.fromkeys([root_of(node.func), *sorted(loaded(node))])]
