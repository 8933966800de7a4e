"""The syntax tree of a program that uses NumPy, with what looks at its arrays.

Each expression is evaluated by Python as it is, so that a warning or an error has the program's line. After
it a test of the result's type, inline, says whether there is an array to look at: `a + b` becomes

    .saw(7, r, a, b) if .type(r := a + b) in .arrays else r

Our names begin with a dot, as no program can write them; operands that are no names are kept in such ones.
Where Python forbids `:=`, in the body of a class and in what a comprehension goes through, one of our
functions evaluates it: `.do(7, a, b)`.
"""

from __future__ import annotations

import ast
from typing import NamedTuple, TypeVar

# What is an array's own, and changes no array; writers are below.
OPERATORS = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder",
    ast.Pow: "power",
    ast.MatMult: "matmul",
    ast.BitAnd: "bitwise_and",
    ast.BitOr: "bitwise_or",
    ast.BitXor: "bitwise_xor",
    ast.LShift: "left_shift",
    ast.RShift: "right_shift",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.USub: "negative",
    ast.Invert: "invert",
}
"""NumPy's names of the operators."""
VIEWS = {"T": "transpose", "mT": "matrix_transpose", "real": "real", "imag": "imag"}
"""Attributes that are arrays, with NumPy's functions for them."""
METHOD_WRITERS = frozenset(["fill", "sort", "partition", "put", "itemset", "resize", "setfield"])
"""Names of methods that write to their array."""
FUNCTION_WRITERS = frozenset(
    ["shuffle", "copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis", "at"]
)
"""Names of functions that write to their first argument."""
WRITERS = METHOD_WRITERS | FUNCTION_WRITERS
FROM_ARRAYS = frozenset(["tensor", "as_tensor", "asarray", "from_numpy"])
"""Names of torch's functions that make a tensor of an array."""
ITEMWISE = frozenset(["enumerate", "zip"])
WRITE_BACK = "__setitem__="
"""The name of the write that ends `a[i] += 1`."""
MARK = ".step"
"""What names of ours begin with that hold an operand."""
N = TypeVar("N", bound=ast.AST)


class StepSite(NamedTuple):
    """An expression or statement that is looked at.

    Attributes:
        name: NumPy's name of what it does; of a call, the attribute that is called, or empty.
        operator: Of an operator, its class.
    """

    name: str
    operator: type[ast.AST] | None = None


class KeptExpression(NamedTuple):
    """An operand: the expression that takes its place, and one that has the same value after it."""

    here: ast.expr
    again: ast.expr


class NumpyTree(ast.NodeTransformer):
    """Adds what looks at arrays.

    Attributes:
        sites: What is looked at, by the number that stands in the tree.
    """

    def __init__(self) -> None:
        self.sites: list[StepSite] = []
        self._count = 0
        self._bare = 0  # how deep within what may hold no `:=`

    # Expressions

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Look at the result of an operator."""
        self.generic_visit(node)
        site = self._site(OPERATORS[type(node.op)], node.op)
        if self._bare:
            return _call(node, ".do", site, node.left, node.right)
        left, right = self._operand(node.left), self._operand(node.right)
        node.left, node.right = left.here, right.here
        return self._seen(node, ".saw", site, left.again, right.again)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Look at the result of a comparison; one of several is never an array's."""
        self.generic_visit(node)
        kind = type(node.ops[0])
        if len(node.ops) > 1 or kind not in OPERATORS:
            return node
        site = self._site(OPERATORS[kind], node.ops[0])
        if self._bare:
            return _call(node, ".do", site, node.left, node.comparators[0])
        left, right = self._operand(node.left), self._operand(node.comparators[0])
        node.left, node.comparators = left.here, [right.here]
        return self._seen(node, ".saw", site, left.again, right.again)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """Look at the result of a sign."""
        self.generic_visit(node)
        if type(node.op) not in OPERATORS or isinstance(node.operand, ast.Constant):
            return node
        site = self._site(OPERATORS[type(node.op)], node.op)
        if self._bare:
            return _call(node, ".do", site, node.operand)
        operand = self._operand(node.operand)
        node.operand = operand.here
        return self._seen(node, ".saw", site, operand.again)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Look at what is read."""
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            return node
        site = self._site("__getitem__")
        if self._bare:
            return _call(node, ".do", site, node.value, _plain_index(node.slice))
        value, index = self._operand(node.value), self._index(node.slice)
        node.value, node.slice = value.here, index.here
        return self._seen(node, ".saw", site, value.again, index.again)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Look at an array's view."""
        self.generic_visit(node)
        if self._bare or node.attr not in VIEWS or not isinstance(node.ctx, ast.Load):
            return node
        value = self._operand(node.value)
        node.value = value.here
        return self._seen(node, ".saw", self._site(VIEWS[node.attr]), value.again)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Look at what a call gives, and say beforehand if it may write."""
        func = node.func
        if isinstance(func, ast.Attribute):  # what is called is no view
            func.value = self.visit(func.value)
        else:
            node.func = func = self.visit(func)
        node.args = [self.visit(own) for own in node.args]
        node.keywords = [self.visit(own) for own in node.keywords]
        name = func.attr if isinstance(func, ast.Attribute) else ""
        called = name or (func.id if isinstance(func, ast.Name) else "")
        if called.startswith("."):
            return node
        site, owner = self._site(name), func.value if isinstance(func, ast.Attribute) else func
        if self._bare or called in FROM_ARRAYS:
            return self._done(node, site, owner)
        kept = self._operand(owner)
        if isinstance(func, ast.Attribute):
            func.value = kept.here
        else:
            node.func = kept.here
        again = self._arguments(node)
        if called in WRITERS or any(own.arg == "out" for own in node.keywords):
            self._warn_of_write(node, site, kept, again)
        seen = _call(node, ".saw_call", site, kept.again, *again.args)
        seen.keywords = again.keywords
        return self._checked(node, seen, ".writes" if called in WRITERS else ".results")

    def _done(self, node: ast.Call, site: ast.expr, owner: ast.expr) -> ast.expr:
        """Return a call that a function of ours makes."""
        if isinstance(owner, ast.Name) and owner.id in ("super", "locals", "globals", "vars", "dir"):
            return node
        done = _call(node, ".do_call", site, owner, *node.args)
        done.keywords = node.keywords
        return done

    def _arguments(self, node: ast.Call) -> ast.Call:
        """Keep the arguments of a call; return a call with the same ones."""
        again = ast.Call(node.func, [], [])
        for place, own in enumerate(node.args):
            if isinstance(own, ast.Starred):  # an iterator gives its items only once
                own.value = _call(own.value, ".tuple", own.value)
                item = self._operand(own.value)
                own.value = item.here
                again.args.append(ast.Starred(item.again, ast.Load()))
            else:
                item = self._operand(own)
                node.args[place] = item.here
                again.args.append(item.again)
        for keyword in node.keywords:
            item = self._operand(keyword.value)
            keyword.value = item.here
            again.keywords.append(ast.keyword(keyword.arg, item.again))
        return again

    def _warn_of_write(self, node: ast.Call, site: ast.expr, owner: KeptExpression, again: ast.Call) -> None:
        """Say that a call may write, once its last argument is known."""
        args = [own for own in again.args if not isinstance(own, ast.Starred)]
        named = [own.value for own in again.keywords if own.arg is not None]
        if node.keywords:
            last = node.keywords[-1]
            last.value = _call(last.value, ".before", site, last.value, owner.again, *args, *named[:-1])
        elif node.args and not isinstance(node.args[-1], ast.Starred):
            node.args[-1] = _call(node, ".before", site, node.args[-1], owner.again, *args[:-1])
        elif isinstance(node.func, ast.Attribute):
            node.func.value = _call(node, ".before", site, node.func.value)

    # What may hold no `:=`, or is no expression of the program

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        """Look at the items."""
        self._pass_through(node.iter)
        self._bare += 1
        node.iter = self._items(self.visit(node.iter))
        self._bare -= 1
        node.ifs = [self.visit(own) for own in node.ifs]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """Look at functions of a class as at others, and use no names of ours in its body."""
        bare, self._bare = self._bare, 1
        node.body = self._block(node.body)
        self._bare = bare
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Leave annotations as they are."""
        self._function(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        """Leave annotations as they are."""
        self._function(node)
        return node

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = node.args
        arguments.defaults = [self.visit(own) for own in arguments.defaults]
        arguments.kw_defaults = [own and self.visit(own) for own in arguments.kw_defaults]
        bare, self._bare = self._bare, 0
        node.body = self._block(node.body)
        self._bare = bare

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        """Leave annotations as they are."""
        node.value = node.value and self.visit(node.value)
        return node

    def visit_Match(self, node: ast.Match) -> ast.Match:
        """Leave patterns as they are."""
        node.subject = self.visit(node.subject)
        for case in node.cases:
            case.guard = case.guard and self.visit(case.guard)
            case.body = self._block(case.body)
        return node

    # Statements

    def visit_For(self, node: ast.For) -> ast.For:
        """Look at the items."""
        self._pass_through(node.iter)
        self.generic_visit(node)
        node.iter = self._items(node.iter)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        """Look at items that are unpacked, and at what is written."""
        self.generic_visit(node)
        if any(isinstance(own, ast.Tuple | ast.List) for own in node.targets) and not isinstance(
            node.value, ast.Tuple | ast.List | ast.Constant
        ):
            node.value = _call(node.value, ".items", node.value)
        if self._bare:
            return node
        writes: list[ast.stmt] = []
        node.targets = [self._target(own, writes) for own in node.targets]
        return _block(node, node, *writes) if writes else node

    def _target(self, target: ast.expr, writes: list[ast.stmt]) -> ast.expr:
        if isinstance(target, ast.Tuple | ast.List):
            target.elts = [self._target(own, writes) for own in target.elts]
        elif isinstance(target, ast.Subscript):
            value = self._name()
            writes += self._write(target, ast.Name(value, ast.Load()))
            return ast.copy_location(ast.Name(value, ast.Store()), target)
        return target

    def _write(self, target: ast.Subscript, value: ast.expr) -> list[ast.stmt]:
        """Return the statements that write an item: an array is looked at before and after."""
        site, kept, index = self._site("__setitem__"), self._operand(target.value), self._index(target.slice)
        is_array = _is_in(kept.again, ".arrays")
        before = _call(target, ".before", site, value, kept.again, index.again)
        after = _call(target, ".wrote", site, kept.again, index.again, value)
        put = ast.Subscript(kept.again, index.again, ast.Store())
        return _placed(
            target,
            *(_kept(kept) + _kept(index)),
            ast.If(is_array, [ast.Expr(before)], []),
            ast.Assign([ast.copy_location(put, target)], value),
            ast.If(is_array, [ast.Expr(after)], []),
        )

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        """Look at a write in place, or at the result of one that is none."""
        node.value = self.visit(node.value)
        if self._bare:
            return node
        if isinstance(node.target, ast.Name):
            return _block(node, *self._augmented(node, node.target.id))
        owner = self._operand(self.visit(node.target.value))
        if isinstance(node.target, ast.Attribute):
            load: ast.expr = ast.Attribute(owner.again, node.target.attr, ast.Load())
            store: ast.expr = ast.Attribute(owner.again, node.target.attr, ast.Store())
            kept, put = _kept(owner), []
        else:
            index = self._index(_visited(self, node.target.slice))
            site = self._site("__getitem__")
            read = ast.copy_location(ast.Subscript(owner.again, index.again, ast.Load()), node.target)
            load = self._seen(read, ".saw", site, owner.again, index.again)
            store = ast.Subscript(owner.again, index.again, ast.Store())
            kept, put = _kept(owner) + _kept(index), [index.again]
        name = self._name()
        body = self._augmented(ast.AugAssign(ast.Name(name, ast.Store()), node.op, node.value), name, node)
        again: ast.expr = ast.Name(name, ast.Load())
        statements = [*kept, ast.Assign([ast.Name(name, ast.Store())], load), *body]
        if put:
            site = self._site(WRITE_BACK)
            wrote = _call(node, ".wrote", site, owner.again, *put, again)
            before = _call(node, ".before", site, again, owner.again, *put)
            is_array = _is_in(owner.again, ".arrays")
            statements += [
                ast.If(is_array, [ast.Expr(before)], []),
                ast.Assign([store], again),
                ast.If(is_array, [ast.Expr(wrote)], []),
            ]
        else:
            statements.append(ast.Assign([store], again))
        return _block(node, *statements)

    def _augmented(
        self, node: ast.AugAssign, name: str, place: ast.AugAssign | None = None
    ) -> list[ast.stmt]:
        """Return the statements for `name += value`; no text is kept, which Python extends in place."""
        own, old, new = ast.Name(name, ast.Load()), self._name(), self._name()
        kind = OPERATORS[type(node.op)]
        site = self._site(f"{kind}=", node.op)
        value = ast.NamedExpr(ast.Name(new, ast.Store()), node.value)
        before = ast.Name(old, ast.Load())
        said = _call(node.value, ".before", site, value, before)
        node.value = ast.IfExp(_is_in(before, ".arrays"), said, value)
        seen = _call(place or node, ".augmented", site, own, before, ast.Name(new, ast.Load()))
        none = ast.Constant(None)
        kept = ast.IfExp(_is_in(own, ".numbers"), own, none)
        return _placed(
            place or node,
            ast.Assign([ast.Name(old, ast.Store())], kept),
            node,
            ast.If(_is_in(own, ".arrays"), [ast.Expr(seen)], []),
        )

    # Parts

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for statement in body:
            new = self.visit(statement)
            found += new if isinstance(new, list) else [new]
        return found

    def _site(self, name: str, operator: ast.AST | None = None) -> ast.expr:
        self.sites.append(StepSite(name, type(operator) if operator is not None else None))
        return ast.Constant(len(self.sites) - 1)

    def _name(self) -> str:
        self._count += 1
        return f"{MARK}{self._count}"

    def _operand(self, node: ast.expr) -> KeptExpression:
        """Return an operand, kept in a name of ours unless it is a name or a constant itself."""
        if isinstance(node, ast.Constant | ast.Name):
            return KeptExpression(node, node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
            return KeptExpression(node, node)
        name = self._name()
        here = ast.copy_location(ast.NamedExpr(ast.Name(name, ast.Store()), node), node)
        return KeptExpression(here, ast.copy_location(ast.Name(name, ast.Load()), node))

    def _index(self, node: ast.expr) -> KeptExpression:
        """Return an index as an operand: its slices stay where they are."""
        if isinstance(node, ast.Slice):
            bounds = [own and self._operand(own) for own in (node.lower, node.upper, node.step)]
            cut = ast.copy_location(ast.Slice(*[own and own.here for own in bounds]), node)
            return KeptExpression(
                cut, ast.copy_location(ast.Slice(*[own and own.again for own in bounds]), node)
            )
        if isinstance(node, ast.Tuple) and not any(isinstance(own, ast.Starred) for own in node.elts):
            parts = [self._index(own) for own in node.elts]
            here = ast.Tuple([own.here for own in parts], ast.Load())
            again = ast.Tuple([own.again for own in parts], ast.Load())
            return KeptExpression(ast.copy_location(here, node), ast.copy_location(again, node))
        return self._operand(node)

    def _pass_through(self, node: ast.expr) -> None:
        """Look at the items of what `enumerate` and `zip` go through."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ITEMWISE:
            node.args = [own if isinstance(own, ast.Starred) else self._items(own) for own in node.args]

    def _items(self, node: ast.expr) -> ast.expr:
        """Return what a loop goes through, looked at item by item."""
        if isinstance(node, ast.Constant | ast.Tuple | ast.List):
            return node
        return _call(node, ".items", node)

    def _seen(self, node: ast.expr, hook: str, site: ast.expr, *operands: ast.expr) -> ast.expr:
        return self._checked(node, _call(node, hook, site, *operands), ".arrays")

    def _checked(self, node: ast.expr, seen: ast.Call, kinds: str) -> ast.expr:
        name = self._name()
        again = ast.copy_location(ast.Name(name, ast.Load()), node)
        kept = ast.copy_location(ast.NamedExpr(ast.Name(name, ast.Store()), node), node)
        seen.args = [seen.args[0], again, *[_plain_index(own) for own in seen.args[1:]]]
        return _at(node, ast.IfExp(_is_in(kept, kinds), seen, again))


def _visited(tree: ast.NodeTransformer, node: N) -> N:
    found: N = tree.visit(node)
    return found


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


def _kept(operand: KeptExpression) -> list[ast.stmt]:
    """Return the statement that evaluates an operand, unless that is a name or a constant."""
    is_plain = isinstance(operand.here, ast.Constant | ast.Name)
    return [] if is_plain else [ast.Expr(_plain_index(operand.here))]


def _at(place: ast.AST, new: N) -> N:
    """Return a new node at the place of an old one, with whatever in it has no place."""
    for node in ast.walk(new):
        if "lineno" in type(node)._attributes and not hasattr(node, "lineno"):  # noqa: SLF001 - documented
            ast.copy_location(node, place)
    return new


def _block(place: ast.stmt, *statements: ast.stmt) -> ast.stmt:
    """Return one statement of several: a cell goes on with the next after one that fails."""
    return _at(place, ast.If(ast.Constant(value=True), [*_placed(place, *statements)], []))


def _placed(place: ast.AST, *statements: ast.stmt) -> list[ast.stmt]:
    return [_at(place, statement) for statement in statements]
