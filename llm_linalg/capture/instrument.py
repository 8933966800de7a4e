"""Add calls to a program's tree that note what torch calls alone don't tell: names, lines, turns, functions.

The tree is added to, never changed: what the program computes, prints and raises is what it would by itself.
Where a torch call stands in the text needs nothing of that (`sites`). An added part has the place of the
statement that it belongs to, and is called by a name that no program can write.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

Node = TypeVar("Node", bound=ast.AST)
_PLAIN = (
    *(ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda),
)  # what is never a tensor or a module, whatever the program does
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_OF_THE_CLASS = frozenset(["__init__", "__call__"])  # special methods whose calls are called after the class
_OWN_BODY = (*_FUNCTIONS, ast.ClassDef, ast.Lambda)


class LoopPlace(NamedTuple):
    """A loop of the program."""

    line: int
    may_leave: bool  # whether it may end before its last turn, by `break` or `return`


def instrument(tree: ast.Module, *, lines: bool = False) -> list[LoopPlace]:
    """Add the calls to a tree, and return its loops, by the numbers that the calls have for them.

    With `lines` the program stores the running line as well.
    """
    instrumenter = _Instrumenter(lines=lines)
    first = next((n for n, node in enumerate(tree.body) if not _must_stand_first(node)), len(tree.body))
    tree.body[first:] = instrumenter.block(tree.body[first:])
    return instrumenter.loops


class _Instrumenter(ast.NodeTransformer):
    """Goes through the tree, each statement with its block."""

    def __init__(self, *, lines: bool) -> None:
        self.loops: list[LoopPlace] = []
        self._lines = lines
        self._within: tuple[ast.AST, ...] = ()  # the functions and classes around, the innermost last

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Return the statements of a block with what is noted before and after each."""
        block: list[ast.stmt] = []
        for statement in statements:
            runs = not isinstance(statement, ast.Global | ast.Nonlocal | ast.Pass) and not _is_text(statement)
            if self._lines and runs:
                block.append(_store_line(statement))
            changed = self.visit(statement)
            block += changed if isinstance(changed, list) else [changed]
            block += self._after(statement)
        return block

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Visit the expressions of a node, and the blocks of a statement."""
        for name in node._fields:
            part = getattr(node, name, None)
            if isinstance(part, list):
                is_block = bool(part) and isinstance(part[0], ast.stmt)
                visited = (self.visit(item) if isinstance(item, ast.AST) else item for item in part)
                part[:] = self.block(part) if is_block else visited
            elif isinstance(part, ast.AST) and part.__class__ not in _LEAVES:
                setattr(node, name, self.visit(part))
        return node

    # What follows a statement

    def _after(self, node: ast.stmt) -> Iterator[ast.stmt]:
        """Yield the calls that say what a statement has bound."""
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from self._bindings(node, target, value)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target, value=ast.expr()):
                yield from self._bindings(node, target)

    def _bindings(
        self, place: ast.stmt, target: ast.expr, value: ast.expr | None = None
    ) -> Iterator[ast.stmt]:
        """Yield calls for the names, items and attributes of a target; `value` is what is assigned to it."""
        line = place.lineno
        match target:
            case ast.Name(id=name):
                if not isinstance(value, _PLAIN):
                    yield _statement(place, ".bound", name, _name(name), line)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                values = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(items) else ()
                for number, item in enumerate(items):
                    yield from self._bindings(place, item, values[number] if values else None)
            case ast.Subscript(value=ast.Name(id=owner)):
                yield _statement(place, ".bound", owner, _name(owner), line)
            case ast.Attribute():
                root, *path = _path(target)
                if root and not isinstance(value, _PLAIN):
                    yield _statement(place, ".stored", _name(root), ".".join(path), ast.unparse(target), line)

    # Statements

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        """Note the value of a statement that is an expression."""
        self.generic_visit(node)
        if not isinstance(node.value, ast.Constant):
            node.value = _call(node, ".result", node.value, node.lineno)
        return node

    def visit_Return(self, node: ast.Return) -> ast.Return:
        """Note the value that a function returns."""
        self.generic_visit(node)
        if node.value is not None and not isinstance(node.value, _PLAIN):
            node.value = _call(node, ".result", node.value, node.lineno)
        return node

    def visit_For(self, node: ast.For) -> ast.For:
        """Note how many turns there are to be, each turn, and what it binds."""
        place = self._loop(node)
        bindings = [*self._bindings(node, node.target, _item_of(node.iter, node.target))]
        self.generic_visit(node)
        node.iter = _call(node, ".loop", place, node.iter)
        node.body[:0] = bindings
        return node

    def visit_While(self, node: ast.While) -> ast.AST | list[ast.stmt]:
        """Note each turn, and when there are no more."""
        generator = self._within and _yields(self._within[-1])
        place = self._loop(node)
        self.generic_visit(node)
        if generator:  # other parts of the program run between its turns
            return node
        node.body.insert(0, _statement(node, ".turn"))
        end = _statement(node, ".close")
        return [_statement(node, ".open", place), _placed(ast.Try([node], [], [], [end]), node)]

    def _loop(self, node: ast.For | ast.While) -> int:
        self.loops.append(LoopPlace(node.lineno, _may_leave(node)))
        return len(self.loops) - 1

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Note when the function begins and ends; what a generator does is a part of what resumes it."""
        is_method = bool(self._within) and isinstance(self._within[-1], ast.ClassDef)
        self._inside(node)
        if _yields(node):
            return node
        name = node.name
        if is_method and name.startswith("__") and name.endswith("__"):
            name = "" if name in _OF_THE_CLASS else name.strip("_")
        head = 1 if ast.get_docstring(node, clean=False) is not None else 0
        body = node.body[head:] or [_placed(ast.Pass(), node)]
        owner = _owner(node) if is_method else None
        arguments: list[Any] = [name, _name(owner)] if owner else [node.name]
        hooks = (".forward", ".leave_forward") if owner and name == "forward" else (".enter", ".leave")
        begin, end = _statement(node, hooks[0], *arguments), _statement(node, hooks[1])
        node.body[head:] = [begin, _placed(ast.Try(body, [], [], [end]), node)]
        return node

    def _inside(self, node: Node) -> Node:
        """Visit what stands in a function or a class."""
        outer, self._within = self._within, (*self._within, node)
        self.generic_visit(node)
        self._within = outer
        return node

    # Expressions

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        """Note what `:=` binds."""
        self.generic_visit(node)
        return _call(node, ".bound", node.target.id, node, node.lineno)

    def visit(self, node: ast.AST) -> Any:
        """Visit a node; of a comprehension note what each turn binds, by a condition that is always true."""
        if isinstance(node, ast.ClassDef | ast.AsyncFunctionDef | ast.Lambda):
            return self._inside(node)
        if not isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            return super().visit(node)
        self.generic_visit(node)
        for part in node.generators:
            is_plain = isinstance(_item_of(part.iter, part.target), ast.Constant)
            names = () if is_plain else _names(part.target)
            part.ifs[:0] = [_call(node, ".each", name, _name(name)) for name in names]
        return node


_LEAVES = frozenset([ast.Load, ast.Store, ast.Del, ast.Name, ast.Constant])
_NUMBER = ast.Constant(0)


def _must_stand_first(node: ast.stmt) -> bool:
    """Return whether a statement is a docstring or an import from `__future__`."""
    return _is_text(node) or (isinstance(node, ast.ImportFrom) and node.module == "__future__")


def _is_text(node: ast.AST) -> bool:
    """Return whether a statement is a constant alone, as what documents a function is."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _placed(new: Node, place: ast.AST) -> Node:
    return ast.copy_location(new, place)


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _call(place: ast.AST, hook: str, *arguments: Any) -> ast.Call:
    """Return a call of one of our functions; what is no expression among its arguments becomes a constant."""
    put = partial(_placed, place=place)
    parts = [item if isinstance(item, ast.expr) else ast.Constant(item) for item in arguments]
    parts = [part if hasattr(part, "lineno") else put(part) for part in parts]
    return put(ast.Call(put(_name(hook)), parts, []))


def _statement(place: ast.stmt, hook: str, *arguments: Any) -> ast.stmt:
    return _placed(ast.Expr(_call(place, hook, *arguments)), place)


def _store_line(place: ast.stmt) -> ast.stmt:
    """Return a statement that stores the line of the one behind it."""
    put = partial(_placed, place=place)
    target = ast.Subscript(put(_name(".line")), put(ast.Constant(0)), ast.Store())
    return put(ast.Assign([put(target)], put(ast.Constant(place.lineno))))


def _names(target: ast.expr) -> Iterator[str]:
    """Yield the names that a target binds."""
    names = (part for part in ast.walk(target) if isinstance(part, ast.Name))
    return (name.id for name in names if isinstance(name.ctx, ast.Store))


def _path(target: ast.expr) -> Sequence[str]:
    """Return the parts of `a.b.c`; a first part that is empty if it begins with another expression."""
    parts: list[str] = []
    while isinstance(target, ast.Attribute):
        parts.insert(0, target.attr)
        target = target.value
    return [target.id if isinstance(target, ast.Name) else "", *parts]


def _is_call(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _item_of(items: ast.expr, target: ast.expr) -> ast.expr | None:
    """Return an expression like an item of those that a loop goes through; None if nothing is known of it."""
    if isinstance(items, ast.Constant) or _is_call(items, "range"):
        return _NUMBER
    if isinstance(target, ast.Tuple) and target.elts and _is_call(items, "enumerate"):
        return ast.Tuple([_NUMBER, *target.elts[1:]], ast.Load())
    return None


def _own_parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all parts of a function but those of functions and classes within it."""
    todo: list[ast.AST] = [*ast.iter_child_nodes(node)]
    while todo:
        part = todo.pop()
        yield part
        if not isinstance(part, _OWN_BODY):
            todo += ast.iter_child_nodes(part)


def _yields(node: ast.AST) -> bool:
    """Return whether a function is a generator."""
    parts = _own_parts(ast.Module(node.body, [])) if isinstance(node, _FUNCTIONS) else ()
    return any(isinstance(part, ast.Yield | ast.YieldFrom) for part in parts)


def _owner(node: ast.FunctionDef) -> str | None:
    """Return the parameter of a method that is its object; None for a static method."""
    is_static = any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in node.decorator_list)
    first = next(iter((*node.args.posonlyargs, *node.args.args)), None)
    return None if first is None or is_static else first.arg


def _may_leave(loop: ast.For | ast.While) -> bool:
    """Return whether a loop may end before its last turn, by `break` or `return`."""
    parts = [*_own_parts(ast.Module(loop.body, []))]
    inner = [part for part in parts if isinstance(part, ast.For | ast.While)]
    of_inner = {part for own in inner for part in _own_parts(ast.Module(own.body, []))}
    return any(
        isinstance(part, ast.Return) or (isinstance(part, ast.Break) and part not in of_inner)
        for part in parts
    )
