"""The names in a tree of code: those that stand in it, are read, are bound, and stand behind a value."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

from llm_linalg.base.syntax import LAST_TREES, children, descendants
from llm_linalg.language.local_names import name_of_import, names_of_pattern
from llm_linalg.language.missing import STAR
from llm_linalg.language.source import MODULES

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_GOING_THROUGH = frozenset(["zip", "enumerate", "reversed", "iter", "next", "list", "tuple", "sorted"])
"""Functions of Python's that give the items of what they are handed."""
_VIEW_WORDS = """
    parameters named_parameters buffers named_buffers children named_children modules named_modules
    values items get view reshape flatten squeeze unsqueeze transpose permute t expand narrow split
    chunk unbind detach numpy
"""
_VIEWS = frozenset(_VIEW_WORDS.split())
"""Methods that give parts of what they are called on, which share its memory."""
SPREAD = "**"
"""Among the attributes that some code asks for: it hands on what a dict holds, as keywords."""


def names_in(node: ast.AST) -> Iterator[str]:
    """Yield the names that stand anywhere in a tree."""
    for part in descendants(node):
        if isinstance(part, ast.Name):
            yield part.id


def attributes_in(node: ast.AST) -> Iterator[str]:
    """Yield the attributes that a tree asks for, sets or deletes."""
    for part in descendants(node):
        match part:
            case ast.Attribute(attr=name):
                yield name
            case ast.keyword(arg=None):
                yield SPREAD
            case ast.Call(
                func=ast.Name(id="getattr" | "setattr" | "delattr"),
                args=[_, ast.Constant(value=str() as name), *_],
            ):
                yield name


def loaded_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a tree reads."""
    for part in descendants(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            yield part.id
        elif isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name):
            yield part.target.id


def free_names(node: ast.AST) -> set[str]:
    """Return the names that a tree reads, but for those that are its functions' or comprehensions' own."""
    found: set[str] = set()
    todo = [node]
    while todo:
        part = todo.pop()
        match part:
            case ast.Name(id=name, ctx=ast.Load()) | ast.AugAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.For(target=target, iter=items, body=body, orelse=[]):  # bound before it is read
                own = {*plain_targets(target)}
                found |= free_names(items) | free_names(target)
                found |= set().union(*map(free_names, body)) - own
                continue
            case ast.Lambda() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found |= _free_in_definition(part)
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                found |= _free_in_comprehension(part)
                continue
        todo += children(part)
    return found


def _free_in_definition(definition: Definition) -> set[str]:
    heads = [*getattr(definition, "decorator_list", ())]
    own: set[str] = set()
    if isinstance(definition, ast.ClassDef):
        heads += [*definition.bases, *definition.keywords]
        body: Sequence[ast.AST] = definition.body
    else:
        args = definition.args
        heads += [value for value in (*args.defaults, *args.kw_defaults) if value is not None]
        body = [definition.body] if isinstance(definition, ast.Lambda) else definition.body
        said = [part for one in body for part in own_parts(one)]
        own = {part.arg for part in descendants(args) if isinstance(part, ast.arg)}
        own.update(*map(bound_names, body))
        own -= {name for part in said if isinstance(part, ast.Global | ast.Nonlocal) for name in part.names}
    return (set().union(*map(free_names, body)) - own).union(*map(free_names, heads))


def _free_in_comprehension(
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
) -> set[str]:
    own = {name for generator in node.generators for name in plain_targets(generator.target)}
    results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    first, *rest = node.generators
    # Each part is looked through once, however deep comprehensions stand in each other.
    inside = [*results, *first.ifs, *(part for one in rest for part in (one.iter, *one.ifs))]
    return (set().union(*map(free_names, inside)) - own) | free_names(first.iter)


def roots_of(node: ast.AST, apart: Collection[str] = ()) -> Iterator[str]:
    """Yield the names whose values an expression may be, or be a part of: `x` of `x.view(-1)[0]`.

    Args:
        node: The expression.
        apart: Names of classes that share nothing with their objects.
    """
    todo = [node]
    while todo:
        match todo.pop():
            case ast.Name(id=name):
                yield name
            case ast.Subscript(
                value=ast.Call(func=ast.Name(id="globals")), slice=ast.Constant(value=str() as name)
            ):
                yield name
            case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
                todo.append(value)
            case ast.NamedExpr(value=value) | ast.Await(value=value):
                todo.append(value)
            case ast.Call() as call:
                made = isinstance(call.func, ast.Name) and call.func.id in apart
                todo += [
                    *(() if made else (call.func,)),
                    *call.args,
                    *(keyword.value for keyword in call.keywords),
                ]
            case ast.IfExp(body=body, orelse=other):
                todo += [body, other]
            case ast.Tuple() | ast.List() | ast.Set() | ast.Dict() | ast.BoolOp() as several:
                todo += children(several)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp() | ast.Lambda() as inner:
                yield from names_in(inner)


def steps_to_roots(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the calls and attributes by which an expression is a part of other values: `f()` of `f()[0]`."""
    todo = [node]
    while todo:
        part = todo.pop()
        match part:
            case ast.Attribute(value=value):
                yield part
                todo.append(value)
            case ast.Call(func=func):
                yield part
                todo += [func.value] if isinstance(func, ast.Attribute) else []
            case ast.Subscript(value=value) | ast.Starred(value=value) | ast.NamedExpr(value=value):
                todo.append(value)
            case ast.IfExp(body=body, orelse=other):
                todo += [body, other]
            case ast.Tuple(elts=several) | ast.List(elts=several) | ast.BoolOp(values=several):
                todo += several


def names_handed(call: ast.Call, apart: Collection[str] = ()) -> Iterator[str]:
    """Yield the names whose values a call is given, or may be given a part of; `apart` as for `roots_of`."""
    for item in (*call.args, *(keyword.value for keyword in call.keywords)):
        yield from roots_of(item, apart)


def is_module_path(node: ast.expr) -> bool:
    """Return whether an expression is a module, such as `torch.nn.init`, by what it is usually called."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ("torch", "nn", "F", "init", "random", "np")


def own_parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a statement and its parts, without the bodies of the functions and classes that it defines."""
    return iter(_own_parts(node))


@lru_cache(LAST_TREES)
def _own_parts(node: ast.AST) -> tuple[ast.AST, ...]:
    found, todo = [], [node]
    while todo:
        part = todo.pop()
        found.append(part)
        if not isinstance(part, DEFINITIONS):
            todo += children(part)
    return tuple(found)


def run_in_definitions(statement: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when a statement defines its functions and classes: defaults, and class bodies."""
    todo = [part for part in own_parts(statement) if isinstance(part, NAMED)]
    while todo:
        part = todo.pop()
        if isinstance(part, ast.ClassDef):
            yield from (item for item in part.body if not isinstance(item, NAMED))
            todo += [item for item in part.body if isinstance(item, NAMED)]
        else:
            yield from (item for item in (*part.args.defaults, *part.args.kw_defaults) if item is not None)


def bound_names(statement: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds in its own scope."""
    comprehended = {
        name
        for part in own_parts(statement)
        if isinstance(part, _COMPREHENSIONS)
        for generator in part.generators
        for name in names_in(generator.target)
    }
    for part in own_parts(statement):
        match part:
            case ast.Name(ctx=ast.Store() | ast.Del()) if part.id not in comprehended:
                yield part.id
            case ast.Subscript(
                value=ast.Call(func=ast.Name(id="globals")),
                slice=ast.Constant(value=str() as name),
                ctx=ast.Store() | ast.Del(),
            ):
                yield name
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield part.name
            case ast.Import() | ast.ImportFrom():
                yield from _names_of_imports(part)
            case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
                yield name
            case ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
                yield name


def _names_of_imports(statement: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the names that an import binds; only `*` asks the tables of the language, which import torch."""
    if all(alias.name != STAR for alias in statement.names):
        return [name_of_import(alias) for alias in statement.names]
    from llm_linalg.language.imports import names_of_imports

    return names_of_imports(statement)


def names_of_modules(statement: ast.Import | ast.ImportFrom) -> set[str]:
    """Return the names that an import binds to modules of the language."""
    home = "" if isinstance(statement, ast.Import) else f"{statement.module}."
    return {name_of_import(alias) for alias in statement.names if f"{home}{alias.name}" in MODULES}


def rebound_names(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement surely binds anew."""
    match statement:
        case ast.Assign():
            for target in statement.targets:
                yield from plain_targets(target)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            yield name
        case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
            yield statement.name
        case ast.Import() | ast.ImportFrom():
            yield from _names_of_imports(statement)
        case ast.With():
            for inner in statement.body:
                yield from rebound_names(inner)


def plain_targets(target: ast.expr) -> Iterator[str]:
    """Yield the names in a target of an assignment that are bound themselves: a and b of `a, *b, c[0]`."""
    match target:
        case ast.Name():
            yield target.id
        case ast.Tuple() | ast.List():
            for item in target.elts:
                yield from plain_targets(item)
        case ast.Starred():
            yield from plain_targets(target.value)


def local_to_parts(node: ast.AST) -> set[str]:
    """Return the names that stand for something of their own within parts of a tree."""
    found = {part.arg for part in descendants(node) if isinstance(part, ast.arg)}
    for part in descendants(node):
        if isinstance(part, ast.comprehension):
            found |= {*names_in(part.target)}
        elif isinstance(part, _FUNCTIONS) and not isinstance(part, ast.Lambda):
            found |= {name for item in part.body for name in bound_names(item)}
    return found


def with_sources(statement: ast.AST, changed: Iterable[str]) -> set[str]:
    """Return names whose values a statement changes, with those that it binds them from.

    In `for t in (a, b): t[0] = 1` the values of a and b are changed.
    """
    found = set(changed)
    sources = [*_sources(statement)] if found else []
    while True:
        more = {name for bound, names in sources if bound & found for name in names} - found
        if not more:
            return found
        found |= more


def with_aliased(body: Iterable[ast.AST], changed: Iterable[str]) -> set[str]:
    """Return names of a function with those whose values they stand for, or for parts of them.

    So is x in `y = x[0]`, in `for p in x.parameters()`, and not in `y = f(x)`.
    """
    sources: dict[str, set[str]] = {}
    for part in body:
        for names, value in (pair for piece in own_parts(part) for pair in _paired(piece)):
            aliased = {*_aliased(value)}
            for name in names:
                sources.setdefault(name, set()).update(aliased)
    found = set(changed)
    todo = [*found]
    while todo:
        more = sources.get(todo.pop(), set()) - found
        found |= more
        todo += more
    return found


def _paired(part: ast.AST) -> Iterator[tuple[set[str], ast.expr]]:
    """Yield what `bindings` does, but each name of `for a, b in zip(x, y)` with its own."""
    match part:
        case ast.For(
            target=ast.Tuple(elts=targets), iter=ast.Call(func=ast.Name(id="zip"), args=several)
        ) if len(targets) == len(several):
            for target, value in zip(targets, several, strict=True):
                yield {*roots_of(target)}, value
        case _:
            yield from bindings(part)


def _aliased(node: ast.expr) -> Iterator[str]:
    """Yield the names for whose values, or parts of them, an expression stands."""
    todo = [node]
    while todo:
        match todo.pop():
            case ast.Name(id=name):
                yield name
            case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
                todo.append(value)
            case ast.NamedExpr(value=value) | ast.ListComp(elt=value):
                todo.append(value)
            case ast.IfExp(body=body, orelse=other):
                todo += [body, other]
            case ast.Tuple(elts=several) | ast.List(elts=several) | ast.BoolOp(values=several):
                todo += several
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in _VIEWS:
                todo.append(owner)
            case ast.Call(func=ast.Name(id=name), args=several) if name in _GOING_THROUGH:
                todo += several


def _sources(statement: ast.AST) -> Iterator[tuple[set[str], set[str]]]:
    """Yield the names that parts of a statement bind, with those from whose values."""
    for part in own_parts(statement):
        for names, value in bindings(part):
            yield names, {*roots_of(value)}


def bindings(part: ast.AST) -> Iterator[tuple[set[str], ast.expr]]:
    """Yield the names that a part of a statement binds, with what it binds them to, or to parts of."""
    match part:
        case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
            yield {*roots_of(target)}, value
        case ast.Assign(targets=targets, value=value):
            yield {name for target in targets for name in plain_targets(target)}, value
        case ast.NamedExpr(target=target, value=value):
            yield {*roots_of(target)}, value
        case ast.Match(subject=value, cases=cases):
            patterns = [part for case in cases for part in descendants(case.pattern)]
            names = {
                name for part in patterns if isinstance(part, ast.pattern) for name in names_of_pattern(part)
            }
            yield names, value
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            yield {*roots_of(target)}, value
