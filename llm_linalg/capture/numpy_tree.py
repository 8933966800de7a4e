"""The syntax tree of a program that uses NumPy, with what looks at its arrays.

What may be done to an array becomes a call of ours that does it: `a + b` is `.add(a, b)`, and `a[i] = v`
is `.put(v, a, i)`. Where all operands are names, their types say first whether there is an array. A function
that is called is asked for, `.call(np.sum)(a)`, so that one of the program's is called as ever. Our names
begin with a dot, as no program can write them.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeVar

N = TypeVar("N", bound=ast.AST)


class ArrayOperation(NamedTuple):
    """What a program may do to an array.

    `name` is NumPy's, and `in_place` does it where `=` stands behind the operator.
    """

    name: str
    function: Callable[..., Any]
    in_place: Callable[..., Any] | None = None


OPERATORS: Mapping[type[ast.AST], ArrayOperation] = {
    ast.Add: ArrayOperation("add", operator.add, operator.iadd),
    ast.Sub: ArrayOperation("subtract", operator.sub, operator.isub),
    ast.Mult: ArrayOperation("multiply", operator.mul, operator.imul),
    ast.Div: ArrayOperation("divide", operator.truediv, operator.itruediv),
    ast.FloorDiv: ArrayOperation("floor_divide", operator.floordiv, operator.ifloordiv),
    ast.Mod: ArrayOperation("remainder", operator.mod, operator.imod),
    ast.Pow: ArrayOperation("power", operator.pow, operator.ipow),
    ast.MatMult: ArrayOperation("matmul", operator.matmul, operator.imatmul),
    ast.BitAnd: ArrayOperation("bitwise_and", operator.and_, operator.iand),
    ast.BitOr: ArrayOperation("bitwise_or", operator.or_, operator.ior),
    ast.BitXor: ArrayOperation("bitwise_xor", operator.xor, operator.ixor),
    ast.LShift: ArrayOperation("left_shift", operator.lshift, operator.ilshift),
    ast.RShift: ArrayOperation("right_shift", operator.rshift, operator.irshift),
    ast.Lt: ArrayOperation("less", operator.lt),
    ast.LtE: ArrayOperation("less_equal", operator.le),
    ast.Gt: ArrayOperation("greater", operator.gt),
    ast.GtE: ArrayOperation("greater_equal", operator.ge),
    ast.Eq: ArrayOperation("equal", operator.eq),
    ast.NotEq: ArrayOperation("not_equal", operator.ne),
    ast.USub: ArrayOperation("negative", operator.neg),
    ast.Invert: ArrayOperation("invert", operator.invert),
}
VIEWS = {
    "T": ArrayOperation("transpose", operator.attrgetter("T")),
    "mT": ArrayOperation("matrix_transpose", operator.attrgetter("mT")),
    "real": ArrayOperation("real", operator.attrgetter("real")),
    "imag": ArrayOperation("imag", operator.attrgetter("imag")),
}
"""Attributes that are arrays."""
ITEM = ArrayOperation("__getitem__", operator.getitem)
ARRAY_OPERATIONS = (*OPERATORS.values(), *VIEWS.values(), ITEM)
_ITEMWISE = frozenset([".loop", "enumerate", "zip"])  # what goes through the items of its arguments
_PLAIN = (ast.Constant, ast.Name, ast.Slice, ast.Tuple, ast.UnaryOp, ast.expr_context, ast.unaryop)


class NumpyTree(ast.NodeTransformer):
    """Adds what looks at arrays.

    `plain` are names of functions that are not NumPy's, such as `print`.
    """

    def __init__(self, plain: Collection[str] = ()) -> None:
        self._plain = plain
        self._count = 0
        self._in_class = False

    # Expressions

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Do an operator."""
        self.generic_visit(node)
        return _observed(node, OPERATORS[type(node.op)], node.left, node.right)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Do a comparison; one of several is never an array's."""
        self.generic_visit(node)
        if len(node.ops) > 1 or type(node.ops[0]) not in OPERATORS:
            return node
        return _observed(node, OPERATORS[type(node.ops[0])], node.left, *node.comparators)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """Do a sign."""
        self.generic_visit(node)
        if type(node.op) not in OPERATORS or isinstance(node.operand, ast.Constant):
            return node
        return _observed(node, OPERATORS[type(node.op)], node.operand)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Read an item."""
        self.generic_visit(node)
        return _observed(node, ITEM, node.value, node.slice) if isinstance(node.ctx, ast.Load) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Read what may be an array's view."""
        self.generic_visit(node)
        if node.attr not in VIEWS or not isinstance(node.ctx, ast.Load):
            return node
        return _observed(node, VIEWS[node.attr], node.value)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Ask for what is called; what is of ours is none of the program's."""
        func = node.func
        if isinstance(func, ast.Attribute):  # what is called is no view
            func.value = self.visit(func.value)
        else:
            node.func = func = self.visit(func)
        node.args = [self.visit(own) for own in node.args]
        node.keywords = [self.visit(own) for own in node.keywords]
        name = func.id if isinstance(func, ast.Name) else ""
        if name in _ITEMWISE:
            node.args = [own if isinstance(own, ast.Starred) else _items(own) for own in node.args]
        if not name.startswith(".") and name not in self._plain:
            node.func = _call(func, ".call", func)
        return node

    def visit_comprehension(self, node: N) -> N:
        """Look at the items that it goes through, as a loop does."""
        self.generic_visit(node)
        loop: Any = node
        loop.iter = _items(loop.iter)
        return node

    visit_For = visit_comprehension  # noqa: N815  as `ast` has it

    # Statements

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """Use no names of ours in its body, where they would be attributes."""
        outer, self._in_class = self._in_class, True
        self.generic_visit(node)
        self._in_class = outer
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Leave annotations as they are."""
        outer, self._in_class = self._in_class, False
        returns, node.returns = node.returns, None
        self.generic_visit(node)
        node.returns, self._in_class = returns, outer
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Leave annotations as they are."""
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        """Leave annotations as they are."""
        node.value = node.value and self.visit(node.value)
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.match_case:
        """Leave patterns as they are."""
        node.guard = node.guard and self.visit(node.guard)
        node.body = [self.visit(own) for own in node.body]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        """Look at items that are unpacked, and write those that are assigned to."""
        self.generic_visit(node)
        if any(isinstance(own, ast.Tuple | ast.List) for own in node.targets):
            node.value = _items(node.value)
        if self._in_class:
            return node
        match node.targets:
            case [ast.Subscript() as target]:
                return _put(node, node.value, target.value, target.slice)
        writes: list[ast.stmt] = []
        node.targets = [self._target(own, writes) for own in node.targets]
        return _block(node, node, *writes) if writes else node

    def _target(self, target: ast.expr, writes: list[ast.stmt]) -> ast.expr:
        if isinstance(target, ast.Tuple | ast.List):
            target.elts = [self._target(own, writes) for own in target.elts]
        elif isinstance(target, ast.Subscript):
            store, load = self._name(target)
            writes.append(_put(target, load, target.value, target.slice))
            return store
        return target

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        """Do what `+=` does; a text is left to Python, which extends it where it is."""
        self.generic_visit(node)
        target, amend = node.target, f".{OPERATORS[type(node.op)].name}="
        match target:
            case ast.Name(id=own):
                amended = _call(node, amend, ast.Name(own, ast.Load()), node.value)
                change = ast.Assign([target], amended)
                return _at(node, ast.If(_is_in(ast.Name(own, ast.Load()), ".texts"), [node], [change]))
            case ast.Attribute() if not self._in_class:
                store, load = self._name(target)
                old = ast.Attribute(load, target.attr, ast.Load())
                new = ast.Attribute(load, target.attr, ast.Store())
                change = ast.Assign([new], _call(node, amend, old, node.value))
                return _block(node, ast.Assign([store], target.value), change)
            case ast.Subscript() if not self._in_class:
                (thing, thing_again), (place, place_again) = self._name(target), self._name(target)
                item = _call(node, f".{ITEM.name}", thing_again, place_again)
                amended = _call(node, amend, item, node.value)
                return _block(
                    node,
                    ast.Assign([thing], target.value),
                    ast.Assign([place], _plain_index(target.slice)),
                    _put(node, amended, thing_again, place_again, ast.Constant(value=True)),
                )
        return node

    def _name(self, place: ast.AST) -> tuple[ast.expr, ast.expr]:
        """Return a name of ours, to be bound and to be read."""
        self._count += 1
        name = f".kept{self._count}"
        return _at(place, ast.Name(name, ast.Store())), _at(place, ast.Name(name, ast.Load()))


def _observed(node: ast.expr, operation: ArrayOperation, *operands: ast.expr) -> ast.expr:
    """Return an expression whose operands are looked at."""
    done = _call(node, f".{operation.name}", *operands)
    names = [own for own in operands if isinstance(own, ast.Name)]
    if not names or not all(isinstance(part, _PLAIN) for own in operands for part in ast.walk(own)):
        return done
    tests: list[ast.expr] = [_is_in(own, ".arrays") for own in names]
    return _at(node, ast.IfExp(ast.BoolOp(ast.Or(), tests) if tests[1:] else tests[0], done, node))


def _items(node: ast.expr) -> ast.expr:
    """Return what a loop goes through or what is unpacked, looked at item by item."""
    if isinstance(node, ast.Constant | ast.Tuple | ast.List):
        return node
    return _call(node, ".items", node)


def _put(place: ast.AST, value: ast.expr, thing: ast.expr, index: ast.expr, *more: ast.expr) -> ast.stmt:
    """Return the statement that writes an item."""
    return _at(place, ast.Expr(_call(place, ".put", value, thing, index, *more)))


def _call(place: ast.AST, name: str, *arguments: ast.expr) -> ast.Call:
    return _at(place, ast.Call(ast.Name(name, ast.Load()), [_plain_index(own) for own in arguments], []))


def _plain_index(node: ast.expr) -> ast.expr:
    """Return an index as an expression that may stand anywhere."""
    if isinstance(node, ast.Slice):
        parts = [own or ast.Constant(None) for own in (node.lower, node.upper, node.step)]
        return _at(node, ast.Call(ast.Name(".slice", ast.Load()), parts, []))
    if isinstance(node, ast.Tuple):
        return _at(node, ast.Tuple([_plain_index(own) for own in node.elts], ast.Load()))
    return node


def _is_in(value: ast.expr, kinds: str) -> ast.expr:
    kind = ast.Call(ast.Name(".type", ast.Load()), [value], [])
    return ast.Compare(kind, [ast.In()], [ast.Name(kinds, ast.Load())])


def _at(place: ast.AST, new: N) -> N:
    """Return a new node at the place of an old one, with whatever in it has no place."""
    for node in ast.walk(new):
        if "lineno" in type(node)._attributes and not hasattr(node, "lineno"):  # noqa: SLF001 - documented
            ast.copy_location(node, place)
    return new


def _block(place: ast.stmt, *statements: ast.stmt) -> ast.stmt:
    """Return one statement of several: a cell goes on with the next after one that fails."""
    return _at(place, ast.If(ast.Constant(value=True), [*statements], []))
