"""What a function or a class is by itself: its names, and what its own text does.

What it does through others is found out in `statement_effects`, where these are known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from llm_linalg.base.syntax import descendants
from llm_linalg.language.effects.generator_use import Generator, draws_of, names_in_getattr, seeds_within
from llm_linalg.language.effects.names_in_code import (
    DEFINITIONS,
    Definition,
    attributes_in,
    bound_names,
    free_names,
    local_to_parts,
    names_in,
    own_parts,
    roots_of,
    run_in_definitions,
)
from llm_linalg.language.effects.value_changes import settings_within

GOING_BACKWARD = frozenset(["backward", "grad", "autograd", "step", "vjp", "jacobian", "hessian"])


class DefinitionFacts(NamedTuple):
    """What is known of a function or a class by itself.

    Attributes:
        names: The names in it.
        called: The names that stand in what an object of it does once it is made; of a function all.
        reads: Those that it reads and that are not its own.
        declares: Those that it declares to be global.
        draws: The generators from which it draws random numbers by itself.
        draws_called: Those from which it draws when what it makes has been made.
        asks: The names of what it asks for an attribute by a text.
        settings: The settings that it changes.
        attributes: The attributes that it asks for.
        shares: The names that it shares with what is around it, to bind them there.
        seeds: The generators that it may seed.
        goes_back: Whether it may go backward.
        inner: The functions and classes within it.
    """

    names: frozenset[str]
    called: frozenset[str]
    reads: frozenset[str]
    declares: frozenset[str]
    draws: frozenset[Generator]
    draws_called: frozenset[Generator]
    asks: frozenset[str]
    settings: frozenset[str]
    attributes: frozenset[str]
    shares: frozenset[str]
    seeds: frozenset[Generator]
    goes_back: bool
    inner: frozenset[Definition]


class DefinitionScope(NamedTuple):
    """The names of a function.

    Attributes:
        parameters: Its parameters.
        local: Those that it binds.
        inner: All that are its own somewhere.
        defaults: Those whose values a parameter's default may be, by the parameter.
    """

    parameters: list[str]
    local: set[str]
    inner: set[str]
    defaults: Mapping[str, set[str]]


def body_of(
    definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.GeneratorExp,
) -> Sequence[ast.AST]:
    """Return what is run when a function is called, or when a generator goes on."""
    if isinstance(definition, ast.GeneratorExp):
        return [definition]
    return [definition.body] if isinstance(definition, ast.Lambda) else definition.body


def scope_of(
    definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.GeneratorExp,
) -> DefinitionScope:
    """Return the names of a function."""
    body = body_of(definition)
    if isinstance(definition, ast.GeneratorExp):
        return DefinitionScope([], set(), local_to_parts(definition), {})
    args = definition.args
    parameters = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    parameters += [arg.arg for arg in (args.vararg, args.kwarg) if arg is not None]
    local = {name for part in body if isinstance(part, ast.stmt) for name in bound_names(part)}
    inner = {*local, *parameters}.union(*map(local_to_parts, body))
    return DefinitionScope(parameters, local, inner, _defaults_of(args))


def _defaults_of(args: ast.arguments) -> dict[str, set[str]]:
    """Return the names whose values a parameter's default may be, by the parameter."""
    placed = [*args.posonlyargs, *args.args]
    pairs = [*zip(reversed(placed), reversed(args.defaults), strict=False)]
    pairs += [(one, value) for one, value in zip(args.kwonlyargs, args.kw_defaults, strict=True) if value]
    return {one.arg: {*roots_of(value)} for one, value in pairs}


def facts_of(definition: Definition | ast.GeneratorExp) -> DefinitionFacts:
    """Return what is known of a function or a class by itself."""
    said = [part for part in descendants(definition) if isinstance(part, ast.Global | ast.Nonlocal)]
    shared = {name for part in said for name in part.names}
    declared = {name for part in said if isinstance(part, ast.Global) for name in part.names}
    return DefinitionFacts(
        names=frozenset(names_in(definition)),
        called=frozenset(name for part in parts_when_called(definition) for name in names_in(part)),
        reads=frozenset(free_names(definition)),
        declares=frozenset(declared),
        draws=draws_of(definition),
        draws_called=draws_of(definition, making=False),
        asks=names_in_getattr(definition),
        attributes=frozenset(attributes_in(definition)),
        shares=frozenset(shared),
        settings=settings_within(definition),
        seeds=seeds_within(definition),
        goes_back=goes_backward(definition),
        inner=frozenset(
            part
            for part in descendants(definition)
            if isinstance(part, DEFINITIONS) and part is not definition
        ),
    )


def parts_when_called(definition: Definition | ast.GeneratorExp) -> Sequence[ast.AST]:
    """Return what is run when a function is called, or a method of an object that is there."""
    if not isinstance(definition, ast.ClassDef):
        return [definition]
    return [part for part in definition.body if getattr(part, "name", "") != "__init__"]


def values_given(definition: Definition) -> Iterator[ast.expr]:
    """Yield the expressions whose values a function may hand back."""
    if isinstance(definition, ast.Lambda):
        yield definition.body
        return
    for part in (part for statement in definition.body for part in own_parts(statement)):
        match part:
            case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
                yield value
            case ast.YieldFrom(value=value):
                yield value


def is_decorated(definition: ast.AST, word: str) -> bool:
    """Return whether a definition has a decorator of that name."""
    decorators = getattr(definition, "decorator_list", ())
    return any(isinstance(one, ast.Name) and one.id == word for one in decorators)


def hooks_in(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what a tree hands to methods such as `register_forward_hook`."""
    for part in descendants(node):
        match part:
            case ast.Call(func=ast.Attribute(attr=name), args=[hook, *_]) if name.startswith(
                "register_"
            ) and name.endswith("_hook"):
                yield hook


def parts_at_definition(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield what a definition reads where it stands: its decorators, defaults, bases and class bodies."""
    yield from run_in_definitions(statement)
    yield from getattr(statement, "decorator_list", ())
    if isinstance(statement, ast.ClassDef):
        yield from (*statement.bases, *statement.keywords)


def values_at_class(definition: ast.ClassDef) -> Iterator[tuple[ast.expr, Sequence[str]]]:
    """Yield the values whose methods Python calls when a class is made, and the names of these methods."""
    for base in definition.bases:
        yield base, ("__init_subclass__",)
    for keyword in definition.keywords:
        yield keyword.value, ("__new__", "__init__")  # of its metaclass
    for item in definition.body:
        if isinstance(item, ast.Assign):
            yield item.value, ("__set_name__",)


def is_of_class(definition: ast.AST) -> bool:
    """Return whether the first of a function's parameters is a class."""
    return is_decorated(definition, "classmethod") or getattr(definition, "name", "") == "__init_subclass__"


def goes_backward(node: ast.AST) -> bool:
    """Return whether something in a tree may go backward, by what it is called."""
    return any(
        (isinstance(part, ast.Attribute) and part.attr in GOING_BACKWARD)
        or (isinstance(part, ast.Name) and part.id in GOING_BACKWARD)
        for part in descendants(node)
    )
