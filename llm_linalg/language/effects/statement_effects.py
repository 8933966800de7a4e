"""What a statement would do, as far as its text tells: what it binds, changes, reads and draws.

It is asked of statements that were not run: what rests on them must not be shown as if they had been. So it
errs on the side of more. Names stand for values; the functions and classes that a name may hold are known
from the statements that bound it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from llm_linalg.base.syntax import LEAVES, descendants, statements
from llm_linalg.language.effects.definition_facts import (
    DefinitionFacts,
    body_of,
    facts_of,
    goes_backward,
    hooks_in,
    is_decorated,
    is_of_class,
    parts_at_definition,
    scope_of,
    values_at_class,
    values_given,
)
from llm_linalg.language.effects.effect_sets import KINDS, NO_EFFECTS, Effects, Kind, join
from llm_linalg.language.effects.generator_use import (
    ALL,
    NO_GENERATOR,
    Generator,
    draws_by_name,
    draws_of,
    generator_names,
    imported_draws,
    names_in_getattr,
    seeds_within,
)
from llm_linalg.language.effects.names_in_code import (
    DEFINITIONS,
    NAMED,
    Definition,
    attributes_in,
    bound_names,
    free_names,
    loaded_names,
    local_to_parts,
    names_handed,
    names_in,
    names_of_modules,
    own_parts,
    plain_targets,
    rebound_names,
    roots_of,
    run_in_definitions,
    steps_to_roots,
    with_aliased,
    with_sources,
)
from llm_linalg.language.effects.text_effects import effects_of_text, pieces
from llm_linalg.language.effects.value_changes import (
    ALTERING,
    CHANGING_METHODS,
    CONTAINER_METHODS,
    FAMILIAR,
    IN_PLACE,
    ITEM_METHODS,
    LOOKING,
    all_changed_names,
    altered_names,
    changed_names,
    graded_names,
    holder_names,
    is_fresh,
    is_replaced,
    makes_anew,
    names_made_other,
    settings_within,
    stepped_names,
    writes_to_type,
    written_expressions,
)
from llm_linalg.language.source import SPECIAL_METHODS, is_parser_kept_busy

_CALLING = ("__call__", "forward", "__init__")
_AT_END = "__del__"
_UNSEEN = (
    SPECIAL_METHODS
    | {"__getattr__", "__getattribute__", "__setattr__", "__delattr__"}
    | {"__get__", "__set__", "__delete__"}
) - {*_CALLING}
"""Methods that are called where no name of theirs stands."""
_MOST_STEPS = 20  # by which a name may have been made
_EMPTY: frozenset[str] = frozenset()
_NO_CODE: frozenset[Definition] = frozenset()
_READING = (
    ast.Name,
    ast.Constant,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Attribute,
    ast.Subscript,
    *LEAVES,
)
_DEEPEST = 60  # functions through which others are called
_STEPS_PER_FUNCTION = 20  # that a statement may call
_AT_ONCE = 8  # names that are looked at in a step
_BROKEN = re.compile(r"never closed|unterminated|unmatched|does not match|indent|unexpected EOF")
"""What Python says of a text that it can't have been at any time."""


class _Writes(NamedTuple):
    """What a function changes: what it is a method of, its other arguments, and names outside it."""

    owner: bool = False
    arguments: bool = False
    outside: frozenset[str] = _EMPTY


class Writes(NamedTuple):
    """What a function changes in any way.

    Attributes:
        owner: Whether it changes what it is a method of.
        arguments: Whether it changes its other arguments.
        outside: The names outside it whose values it changes, or which it binds.
        mentioned: All names in it.
    """

    owner: bool
    arguments: bool
    outside: frozenset[str]
    mentioned: frozenset[str]


@dataclass
class Definitions:
    """The functions and classes that names may hold, as the statements so far have bound them.

    Attributes:
        held: By name.
        drawing: Names that hold something which draws random numbers when it is called, and from where.
        imported: Those among them that an import has bound, by other words than torch's.
        modules: Names of modules, which draw nothing by themselves.
        methods: The methods of all classes, by name.
        classes: Names of classes.
        spend: Charged with the steps that it takes to find out what code would do; it may raise.
    """

    held: dict[str, frozenset[Definition]] = field(default_factory=dict)
    drawing: dict[str, frozenset[Generator]] = field(default_factory=dict)
    imported: dict[str, frozenset[Generator]] = field(default_factory=dict)
    modules: set[str] = field(default_factory=lambda: {"torch", "nn", "F", "math", "dist"})
    methods: dict[str, list[Definition]] = field(default_factory=dict)
    classes: set[str] = field(default_factory=set)
    spend: Callable[[int], None] = lambda _: None
    _hooks: set[Definition] = field(default_factory=set)  # of layers and tensors
    _foreign: set[str] = field(default_factory=set)  # names of what no code of the program has made
    _reached: dict[str, frozenset[Definition]] = field(default_factory=dict)
    _writes: dict[ast.AST, Mapping[Kind, _Writes]] = field(default_factory=dict)
    _made_by: dict[str, list[ast.expr]] = field(default_factory=dict)
    _back: dict[ast.AST, frozenset[str]] = field(default_factory=dict)
    _homes: dict[ast.AST, frozenset[str]] = field(default_factory=dict)
    _known: dict[ast.AST, DefinitionFacts] = field(default_factory=dict)
    _stateless: dict[str, bool] = field(default_factory=dict)
    _mentioned: set[str] = field(default_factory=set)  # in any code
    _depth: int = 0

    def note(self, statement: ast.stmt) -> None:
        """Take in a statement, whether or not it was run."""
        if _only_reads(statement):
            return
        own: list[Definition] = [node for node in descendants(statement) if isinstance(node, DEFINITIONS)]
        for definition in own:
            if not isinstance(definition, ast.ClassDef):
                continue
            for item in definition.body:
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
                    self.methods.setdefault(item.name, []).append(item)
                    self._homes[item] = frozenset([definition.name])
                    own = [one for one in own if one is not item]
            self.classes.add(definition.name)
        mentioned = set(names_in(statement))
        held = frozenset(own).union(*(self.held.get(name, ()) for name in mentioned))
        self.spend(len(held) // _AT_ONCE)
        is_one = isinstance(statement, NAMED)
        apart = {call.func for call, _ in draws_by_name(statement)}
        draws = (
            NO_GENERATOR if is_one else draws_of(statement, apart, making=False) | self._drawn_by(mentioned)
        )
        if not isinstance(statement, ast.ClassDef):
            self.classes -= {*rebound_names(statement)}
        rebound = set(rebound_names(statement))
        self._note_imports(statement, rebound)
        self._note_makers(statement, rebound)
        targets = {*bound_names(statement), *all_changed_names(statement)} - self.modules
        self._forget(own, rebound | {name for name in targets if held != self.held.get(name, _NO_CODE)})
        for name in targets:
            before = frozenset() if name in rebound else self.held.get(name, frozenset())
            if held or before:
                self.held[name] = before | held
            else:
                self.held.pop(name, None)
            if draws:
                self.drawing[name] = draws
            elif name in rebound:
                self.drawing.pop(name, None)
        self._note_hooks(statement)

    def _note_hooks(self, statement: ast.stmt) -> None:
        """Take in which functions a statement sets as hooks: they run when what has them is used."""
        for hook in hooks_in(statement):
            if isinstance(hook, ast.Attribute):  # `self.keep`
                self._hooks.update(self.methods.get(hook.attr, ()))
            found = _NO_CODE.union(*(self.held.get(name, ()) for name in roots_of(hook)))
            self.spend(1 + len(found) // _AT_ONCE)
            self._hooks |= found

    def _forget(self, new: Sequence[Definition], names: set[str]) -> None:
        """Forget what was found out and may be otherwise now, with new code and new values of names."""
        for definition in new:
            self._mentioned |= {*names_in(definition)}
        if new or not names.isdisjoint(self._mentioned):
            self._reached.clear()
            self._stateless.clear()
        for name in names:
            self._reached.pop(name, None)
            self._stateless.pop(name, None)

    def _note_makers(self, statement: ast.stmt, rebound: set[str]) -> None:
        """Take in by which calls and attributes the names of a statement get their values."""
        self._made_by |= {name: [] for name in rebound}
        for part in own_parts(statement):
            if isinstance(part, ast.Assign) and (steps := [*steps_to_roots(part.value)]):
                for name in (name for target in part.targets for name in plain_targets(target)):
                    self._made_by[name] = [*self._made_by.get(name, ()), *steps][-_MOST_STEPS:]

    def _note_imports(self, statement: ast.stmt, rebound: set[str]) -> None:
        """Take in the imports of a statement, and what they had bound that it binds anew."""
        self.modules -= rebound
        self._foreign -= rebound
        for name in rebound & self.imported.keys():
            del self.imported[name]
        for part in descendants(statement):
            if isinstance(part, ast.Import | ast.ImportFrom):
                self.imported |= imported_draws(part)
                self.modules |= names_of_modules(part)
                self._foreign |= {*bound_names(part)}

    def _drawn_by(self, names: Iterable[str], data: Collection[str] = ()) -> frozenset[Generator]:
        """Return the generators from which the values of names draw; of `data` only what imports bound."""
        found = [self.drawing.get(name, NO_GENERATOR) for name in names if name not in data]
        return NO_GENERATOR.union(*found, *(self.imported.get(name, NO_GENERATOR) for name in names))

    def effects(
        self,
        statement: ast.stmt,
        is_unknown: Callable[[str], bool],
        harmless_methods: Collection[str] = (),
        is_data: Callable[[str], bool] = lambda _: False,
    ) -> Effects:
        """Return what a statement would do.

        Args:
            statement: The statement, which `note` may have taken in or not.
            is_unknown: Says whether nothing is known of the value of a name.
            harmless_methods: Methods that change nothing, whatever has them.
            is_data: Says of a name that what it holds draws no random numbers, unless a hook of it does when
                a backward pass comes to it.
        """
        if _only_reads(statement):
            read = frozenset(loaded_names(statement))
            return NO_EFFECTS._replace(reads=read, attributes=frozenset(attributes_in(statement)))
        code = self._reachable(statement)
        facts = [self._facts(definition) for definition in code]
        nested = _NO_CODE.union(*(fact.inner for fact in facts))
        self.spend(_STEPS_PER_FUNCTION * len(code))
        declared = {name for fact in facts for name in fact.declares}
        runs = [] if isinstance(statement, NAMED) else [statement]  # what a definition runs comes below
        calls = [node for part in runs for node in descendants(part) if isinstance(node, ast.Call)]
        foreign = {call for call in calls if self._is_foreign(call, is_unknown, harmless_methods)}
        self._note_foreign(statement, foreign)
        goes_back = goes_backward(statement) or any(fact.goes_back for fact in facts)
        # What is read on the right of an equals sign is not yet what that binds: `x = x.sum()`.
        within = statement.value if isinstance(statement, ast.Assign | ast.AugAssign) else statement
        holders = set() if goes_back else self.drawing.keys() - declared - {*bound_names(within)}
        draws = self._draws(statement, calls, code, {*filter(is_data, holders)})
        asked = _EMPTY.union(*map(names_in_getattr, runs), *(fact.asks for fact in facts))
        if any(_method_of(call) not in FAMILIAR for call in foreign) or not self.modules.isdisjoint(asked):
            draws = ALL
        at_once = [statement, *run_in_definitions(statement)]
        changed: dict[Kind, set[str]] = {
            "changes": {name for part in at_once for name in changed_names(part)},
            "holds": {name for part in at_once for name in holder_names(part)},
            "steps": {*stepped_names(statement)},
            "grades": {*graded_names(statement)},
        }
        local = local_to_parts(statement)
        parts = [*own_parts(statement)]
        inner = [part for one in at_once[1:] for part in own_parts(one)]
        every = descendants(statement) if runs else [*parts, *inner]
        for kind, found in self._changed_by_parts(every, local).items():
            changed[kind] |= found
        missing = {name for name in self._made_by if is_unknown(name)}

        def whole(names: Iterable[str]) -> frozenset[str]:
            found = with_sources(statement, names)
            return frozenset(found | self._handed_back(parts, found, local, missing))

        grades = with_sources(statement, changed["grades"])
        attributes = _EMPTY.union(attributes_in(statement), *(fact.attributes for fact in facts))
        return Effects(
            binds=frozenset(bound_names(statement)) | declared | frozenset(names_made_other(statement)),
            rebinds=frozenset(rebound_names(statement)),
            changes=whole(changed["changes"]),
            alters=whole(altered_names(statement, ALTERING - ITEM_METHODS)),
            holds=whole(changed["holds"]),
            fills=whole(altered_names(statement, IN_PLACE)),
            steps=whole(changed["steps"]),
            grades=frozenset(grades | self._read_for(parts, grades, local)),
            touches=frozenset(name for call in calls for name in _reach_of(call, is_foreign=call in foreign))
            | {name for call in calls for name in _spread_names(call) if is_unknown(name)}
            | self._written_unseen(frozenset().union(*map(loaded_names, runs)), attributes, is_unknown)
            | self._written_at_end(bound_names(statement), is_unknown),
            reads=_EMPTY.union(
                *map(free_names, runs or parts_at_definition(statement)),
                *(self._facts(outer).reads for outer in code - nested),
            ),
            draws=draws,
            seeds=seeds_within(statement).union(*(fact.seeds for fact in facts)),
            sources=frozenset(name for part in runs for _, name in draws_by_name(part)),
            settings=_EMPTY.union(*map(settings_within, runs), *(fact.settings for fact in facts)),
            attributes=attributes,
        )

    def _draws(
        self, statement: ast.stmt, calls: Iterable[ast.Call], code: set[Definition], data: Collection[str]
    ) -> frozenset[Generator]:
        """Return the generators from which a statement may draw, as far as what it calls is known.

        Args:
            statement: The statement.
            calls: What it calls.
            code: The functions and classes that it may call.
            data: Names that hold what draws nothing.
        """
        names = {name for call in calls for name in roots_of(call.func)}
        names |= {name for call in calls if not self._only_looks(call) for name in names_handed(call)}
        names |= {name for part in own_parts(statement) for name in _gone_through(part)}
        made = self._made(statement, code)
        found = []
        for definition in code:
            fact = self._facts(definition)
            names |= fact.names
            found.append(fact.draws if definition in made else fact.draws_called)
        if not isinstance(statement, NAMED):
            found.append(draws_of(statement, {call.func for call, _ in draws_by_name(statement)}))
        return self._drawn_by(names, data).union(*found)

    def effects_of_text(
        self, text: str, known: Collection[str], is_unknown: Callable[[str], bool], said: str
    ) -> Effects:
        """Return what a cell may do that can't be parsed as a whole.

        Args:
            text: Its text.
            known: The names that have values.
            is_unknown: As for `effects`.
            said: What Python says of it: of what was never a program nothing is run, so that it changes
                nothing.
        """
        found = [NO_EFFECTS]
        for piece in pieces(text):
            try:
                if is_parser_kept_busy(piece):
                    raise MemoryError  # as the parser does where a text is too much for it
                body = [] if piece.lstrip()[:1] in ("%", "!", "?") else statements(piece).body
            except (SyntaxError, ValueError, MemoryError, RecursionError):
                found.append(effects_of_text(piece, known))
                continue
            for statement in body:
                self.note(statement)
                found.append(self.effects(statement, is_unknown))
        whole = join(found)
        if _BROKEN.search(said):
            return NO_EFFECTS._replace(binds=whole.binds, rebinds=whole.rebinds)
        return whole

    def _only_looks(self, call: ast.Call) -> bool:
        """Return whether a call is that of a function which calls nothing of what it is given."""
        return isinstance(call.func, ast.Name) and call.func.id in LOOKING - self.held.keys()

    def _is_foreign(
        self, call: ast.Call, is_unknown: Callable[[str], bool], harmless_methods: Collection[str]
    ) -> bool:
        """Return whether nothing is known of what a call does."""
        names = {*roots_of(call.func)}
        return _method_of(call) not in harmless_methods and any(
            self._is_foreign_name(name, is_unknown) for name in names
        )

    def _note_foreign(self, statement: ast.stmt, foreign: set[ast.Call]) -> None:
        """Take in which names of a statement that was not run hold what foreign calls have made."""
        for part in own_parts(statement) if foreign else ():
            if isinstance(part, ast.Assign) and not foreign.isdisjoint(descendants(part.value)):
                self._foreign |= {name for target in part.targets for name in plain_targets(target)}

    def _is_foreign_name(self, name: str, is_unknown: Callable[[str], bool]) -> bool:
        """Return whether nothing is known of what a name holds: no value, and no code."""
        if not is_unknown(name):
            return False
        classes = [item for item in self.held.get(name, ()) if isinstance(item, ast.ClassDef)]
        bases = {root for item in classes for base in item.bases for root in roots_of(base)}
        return not self._is_held(name) or any(is_unknown(base) and not self._is_held(base) for base in bases)

    def _is_held(self, name: str) -> bool:
        """Return whether what a name holds was made by code of the program."""
        return bool(self.held.get(name)) and name not in self._foreign

    def _reachable(self, statement: ast.stmt) -> set[Definition]:
        """Return the functions and classes that a statement may call, directly or not."""
        found: set[Definition] = set()
        parts = statement.decorator_list if isinstance(statement, NAMED) else [statement]
        names = [frozenset(name for part in parts for name in loaded_names(part))]
        while names:
            for name in names.pop():
                new = self.held.get(name, frozenset()) - found
                found |= new
                names += [self._facts(definition).names for definition in new]
        return found

    def _made(self, statement: ast.stmt, code: set[Definition]) -> set[Definition]:
        """Return the functions of some code, and the classes of which a statement may make an object."""
        names = {*names_in(statement)}.union(*(self._facts(one).called for one in code))
        classes = {one for one in code if isinstance(one, ast.ClassDef)}
        made = code - classes
        while new := {one for one in classes - made if one.name in names & self.classes}:
            made |= new
            names = names.union(*(self._facts(one).names for one in new))
        return made

    def _facts(self, definition: Definition | ast.GeneratorExp) -> DefinitionFacts:
        """Return what is known of a function or class by itself, found once."""
        if definition not in self._known:
            self._known[definition] = facts_of(definition)
        return self._known[definition]

    def _held_by(self, name: str) -> frozenset[Definition]:
        """Return the functions and classes that what a name holds may call or have been made by."""
        if name not in self._reached:
            found: set[Definition] = set()
            names = [name]
            while names:
                new = self.held.get(names.pop(), frozenset()) - found
                found |= new
                names += [other for definition in new for other in self._facts(definition).names]
            self.spend(1 + 2 * len(found))
            self._reached[name] = frozenset(found)
        return self._reached[name]

    def _called(self, call: ast.Call, local: Collection[str]) -> Iterator[Definition]:
        """Yield the functions that a call may go to, and those among its arguments, which it may call.

        Args:
            call: The call.
            local: Names that are not those of the program there.
        """
        yield from self._callees(call, local)
        if isinstance(call.func, ast.Attribute) and call.func.attr.startswith("register_"):
            return  # a hook is called later
        for root in set(names_handed(call)):
            for definition in self.held.get(root, ()):
                if not isinstance(definition, ast.ClassDef):
                    yield definition
        values = [*call.args, *(item.value for item in call.keywords)]
        yield from (item for item in values if isinstance(item, ast.Lambda))

    def _callees(self, call: ast.Call, local: Collection[str]) -> Iterator[Definition]:
        """Yield the functions that a call may go to."""
        func = call.func
        if isinstance(func, ast.Lambda):
            yield func
        name = func.attr if isinstance(func, ast.Attribute) else None
        roots = set(roots_of(func))
        known = frozenset() if roots & {*local} else frozenset().union(*map(self._held_by, roots))
        if name is not None:
            yield from self._methods(name, known)
        wanted = _CALLING if name is None else (name, "forward") if name == "apply" else (name,)
        if isinstance(func, ast.Name) and func.id in self.classes and func.id not in local:
            wanted = ("__init__",)
        for root in roots:
            for step in self._made_by.get(root, ()) if name is None else ():
                if isinstance(step, ast.Attribute):  # `f = a.fit`
                    yield from self._methods(step.attr, known)
            for definition in self.held.get(root, ()):
                if isinstance(definition, ast.ClassDef):
                    yield from (item for one in wanted for item in self._methods(one, known))
                elif name is None:
                    yield definition

    def _methods(self, name: str, known: frozenset[Definition]) -> list[Definition]:
        """Return the methods of that name: those of known classes, or of all if none of those has it."""
        every = self.methods.get(name, [])
        self.spend(len(known))
        own = {item for one in known if isinstance(one, ast.ClassDef) for item in one.body}
        return [method for method in every if method in own] or every

    def _is_stateless(self, name: str) -> bool:
        """Return whether a name is that of a class whose objects share nothing that they could change."""
        if name not in self._stateless:
            self._stateless[name] = self._shares_nothing(name)
        return self._stateless[name]

    def _shares_nothing(self, name: str) -> bool:
        held = self.held.get(name, frozenset())
        if name not in self.classes or len(held) != 1:
            return False
        (definition,) = held
        return isinstance(definition, ast.ClassDef) and not any(
            isinstance(item, ast.Assign | ast.AnnAssign | ast.AugAssign)
            and not isinstance(item.value, ast.Constant | None)
            for one in self._held_by(name)
            if isinstance(one, ast.ClassDef)
            for item in one.body
        )

    def _changed_by_parts(self, parts: Iterable[ast.AST], local: Collection[str]) -> dict[Kind, set[str]]:
        """Return the names whose values change by the calls in some code, those of decorators among them."""
        changed: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
        for part in parts:
            several: list[Mapping[Kind, set[str] | frozenset[str]]] = []
            match part:
                case ast.Call(func=ast.Call(func=ast.Name(id="getattr"))):  # whichever method that may be
                    methods = [one for some in self.methods.values() for one in some]
                    several = [self._changed_by(part, local), *map(self._outside, methods)]
                case ast.Call():
                    several = [self._changed_by(part, local)]
                case (
                    ast.FunctionDef(decorator_list=[*decorators]) | ast.ClassDef(decorator_list=[*decorators])
                ):
                    calls = [ast.Call(func=one, args=[], keywords=[]) for one in decorators]
                    several = [self._changed_by(call, local) for call in calls]
                    values = values_at_class(part) if isinstance(part, ast.ClassDef) else ()
                    several += [self._changed_unseen(value, methods, local) for value, methods in values]
                case ast.withitem(context_expr=value):
                    several = [self._changed_unseen(value, ("__enter__", "__exit__"), local)]
            for found in several:
                for kind, names in found.items():
                    changed[kind] |= names
        return changed

    def _outside(self, definition: Definition) -> dict[Kind, frozenset[str]]:
        """Return the names outside a function whose values it changes, by kind."""
        return {kind: writes.outside for kind, writes in self._written(definition).items()}

    def _changed_unseen(
        self, value: ast.expr, methods: Sequence[str], local: Collection[str]
    ) -> dict[Kind, set[str]]:
        """Return the names whose values change by methods that Python calls: where `with` opens an object."""
        names = {*roots_of(value)} - {*local}
        changed: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
        for method in (method for name in methods for method in self.methods.get(name, ())):
            known = frozenset().union(*map(self._held_by, names))
            self.spend(1 + len(known))
            own = any(isinstance(one, ast.ClassDef) and one.name in self._homes[method] for one in known)
            for kind, writes in self._written(method).items() if own else ():
                changed[kind] |= writes.outside | (names - self.classes if writes.owner else set())
        return changed

    def _changed_by(self, call: ast.Call, local: Collection[str] = ()) -> dict[Kind, set[str]]:
        """Return the names whose values the functions of the program change to which a call goes, by kind."""
        self.spend(1 + len(self.classes) // _AT_ONCE)
        apart = {name for name in self.classes - {*local} if self._is_stateless(name)}
        handed, names = set(names_handed(call, apart)), set(roots_of(call.func, apart))
        owner = set(roots_of(call.func.value, apart)) if isinstance(call.func, ast.Attribute) else names
        changed: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
        code = {*self._called(call, local)}
        self.spend(len(code))
        for definition in code:
            is_new = isinstance(definition, ast.FunctionDef) and definition.name == "__init__"
            for kind, writes in self._written(definition).items():
                found = changed[kind]
                found |= owner if writes.owner and not is_new else set()
                found |= writes.outside | (handed if writes.arguments else set())
        return changed

    def writes(self, definition: Definition | ast.GeneratorExp) -> Writes:
        """Return what a function changes in any way."""
        kinds, facts = self._written(definition), self._facts(definition)
        found = [writes for kind, writes in kinds.items() if kind != "steps"]  # these the values tell
        return Writes(
            owner=any(one.owner for one in found),
            arguments=any(one.arguments for one in found),
            outside=facts.shares.union(*(one.outside for one in found)),
            mentioned=facts.names,
        )

    def _is_method(self, definition: ast.AST, parameters: Sequence[str]) -> bool:
        """Return whether the first of a function's parameters is what it is a method of."""
        is_called_so = parameters[:1] in (["self"], ["cls"])
        return is_called_so or (definition in self._homes and not is_decorated(definition, "staticmethod"))

    def _handed_back(
        self,
        parts: Iterable[ast.AST],
        changed: Collection[str],
        local: Collection[str],
        missing: Collection[str] = (),
    ) -> set[str]:
        """Return the names outside functions whose values these hand back and code changes: `f().append(1)`.

        Args:
            parts: The parts of a piece of code.
            changed: The names whose values it changes.
            local: Names that are not those of the program there.
            missing: Names whose values are missing, which may be what functions have handed back before.
        """
        through: list[ast.expr] = [part for name in {*changed} & {*missing} for part in self._made_by[name]]
        for part in parts if changed else ():
            values = [*written_expressions(part, changed)]
            if isinstance(part, ast.Call) and any(
                self.writes(one).arguments for one in self._called(part, local)
            ):
                values += [*part.args, *(item.value for item in part.keywords)]
            through += [step for value in values for step in steps_to_roots(value)]
        return self._returned_by(through, local)

    def _returned_by(self, steps: Iterable[ast.expr], local: Collection[str]) -> set[str]:
        """Return the names outside functions whose values calls of these, or properties, may hand back."""
        found: set[str] = set()
        for part in steps:
            code: Iterable[Definition] = ()
            if isinstance(part, ast.Call):
                code = self._callees(part, local)
            elif isinstance(part, ast.Attribute):
                code = [one for one in self.methods.get(part.attr, ()) if is_decorated(one, "property")]
            for definition in code:
                found |= self._returned(definition)
        return found

    def _written_unseen(
        self, names: Iterable[str], asked: Collection[str], is_unknown: Callable[[str], bool]
    ) -> frozenset[str]:
        """Return the names that missing values may write to where no call says so, by what made them.

        Args:
            names: The names that are read.
            asked: The attributes that are asked for.
            is_unknown: Says whether the value of a name is missing.
        """
        found: set[str] = set()
        for name in filter(is_unknown, names):
            code: list[Definition] = []
            for one in self.held.get(name, ()):
                if isinstance(one, ast.Lambda) or one in self._hooks:
                    code.append(one)
                for item in one.body if isinstance(one, ast.ClassDef) else ():
                    if isinstance(item, ast.FunctionDef) and (
                        item.name in _UNSEEN
                        or item in self._hooks
                        or (item.name in asked and is_decorated(item, "property"))
                    ):
                        code.append(item)
            for writes in map(self.writes, code):
                found |= writes.outside | ({name} if writes.owner or writes.arguments else set())
        return frozenset(found)

    def _written_at_end(self, names: Iterable[str], is_unknown: Callable[[str], bool]) -> frozenset[str]:
        """Return the names that missing values may write to as names let go of them."""
        classes = {one for name in names if is_unknown(name) for one in self.held.get(name, ())}
        bodies = [one.body for one in classes if isinstance(one, ast.ClassDef)]
        code = [item for body in bodies for item in body if isinstance(item, NAMED) and item.name == _AT_END]
        return frozenset(name for one in code for name in self.writes(one).outside)

    def _returned(self, definition: Definition) -> frozenset[str]:
        """Return the names outside a function whose values, or parts of them, it may hand back."""
        if definition not in self._back:
            if self._depth >= _DEEPEST:
                return self._readable(definition)
            self._back[definition] = _EMPTY  # of a recursive one
            with self._deeper(self._back, definition):
                self._back[definition] = self._trace_back(definition)
        return self._back[definition]

    def _trace_back(self, definition: Definition) -> frozenset[str]:
        if isinstance(definition, ast.ClassDef):
            return _EMPTY
        scope, body = scope_of(definition), body_of(definition)
        given = [
            value for value in values_given(definition) if not makes_anew(value, self.methods, is_whole=False)
        ]
        found = {
            name
            for value in given
            for name in roots_of(value, self.classes)
            if name not in scope.local or not is_fresh(body, name, self.methods)
        }
        found |= self._returned_by((step for value in given for step in steps_to_roots(value)), scope.inner)
        while True:
            before = len(found)
            for part in body:
                found |= with_sources(part, found)
                found |= self._handed_back([*own_parts(part)], found, scope.inner)
            if len(found) == before:
                return frozenset(found - scope.inner - self.classes - self.modules)

    def _read_for(
        self, parts: Iterable[ast.AST], graded: Collection[str], local: Collection[str]
    ) -> set[str]:
        """Return the names that functions read which make what one goes backward from."""
        code: set[Definition] = set()
        for part in parts if graded else ():
            if isinstance(part, ast.Call) and not {*roots_of(part.func)}.isdisjoint(graded):
                code |= {*self._called(part, local)}
        todo = [*code]
        while todo:
            for name in self._facts(todo.pop()).reads:
                new = {one for one in self.held.get(name, ()) if not isinstance(one, ast.ClassDef)} - code
                code |= new
                todo += new
        return {name for one in code for name in self._facts(one).reads}

    def _written(self, definition: Definition | ast.GeneratorExp) -> Mapping[Kind, _Writes]:
        """Return what a function changes, by kind; while that of a recursive one is worked out, nothing.

        What is called through very many others counts as changing all that it can reach.
        """
        if definition not in self._writes:
            if self._depth >= _DEEPEST:
                outside = self._readable(definition)
                return {"changes": _Writes(owner=True, arguments=True, outside=outside)}
            self._writes[definition] = {}
            with self._deeper(self._writes, definition):
                self._writes[definition] = self._work_out(definition)
        return self._writes[definition]

    @contextmanager
    def _deeper(self, known: dict[ast.AST, Any], definition: ast.AST) -> Iterator[None]:
        """Go a call deeper, and forget what is known of a definition if it was not found out."""
        self._depth += 1
        try:
            yield
        except BaseException:
            del known[definition]
            raise
        finally:
            self._depth -= 1

    def _readable(self, definition: Definition | ast.GeneratorExp) -> frozenset[str]:
        """Return the names that a function reads and that those read which it may call, but for their own."""
        found, todo = {definition}, [definition]
        names: set[str] = set()
        while todo:
            facts = self._facts(todo.pop())
            names |= facts.reads
            new = {one for name in facts.names for one in self.held.get(name, ())} - found
            found |= new
            todo += new
        self.spend(len(found))
        return frozenset(names - {one.name for one in found if isinstance(one, NAMED)})

    def _work_out(self, definition: Definition | ast.GeneratorExp) -> Mapping[Kind, _Writes]:
        if isinstance(definition, ast.ClassDef):
            return {"changes": _Writes(owner=True)}
        body = body_of(definition)
        changed: dict[Kind, set[str]] = {
            "changes": {
                name
                for part in body
                for name in (*changed_names(part), *altered_names(part, CHANGING_METHODS))
            },
            "holds": {name for part in body for name in holder_names(part)},
            "steps": {name for part in body for name in stepped_names(part)},
            "grades": {name for part in body for name in graded_names(part)},
        }
        scope = scope_of(definition)
        for part in body:
            for kind, found in self._changed_by_parts(descendants(part), scope.inner).items():
                changed[kind] |= found
        for part in body:
            parts = [*own_parts(part)]
            for kind, found in changed.items():
                found |= with_sources(part, found & (scope.inner - scope.local - {*scope.parameters}))
                if kind != "grades":
                    found |= self._handed_back(parts, with_sources(part, found), scope.inner)
        for kind, found in changed.items():
            found |= with_aliased(body, found & scope.local) if kind != "grades" else set()
        own = scope.parameters[:1] if self._is_method(definition, scope.parameters) else []
        others = {*scope.parameters[len(own) :]}
        size = 1 + sum(1 for part in body for _ in descendants(part)) // _AT_ONCE
        writes: dict[Kind, _Writes] = {}
        for kind, found in changed.items():
            # A local name may stand for an argument: `for p in parameters: p -= …`.
            behind = found & scope.local - {*scope.parameters}
            written = found & others
            through = bool(behind) and kind == "grades"
            if kind != "grades":
                through = not all(self._is_new(is_fresh, body, name, size) for name in behind)
                written = {name for name in written if not self._is_new(is_replaced, body, name, size)}
            outside = self._facts(definition).reads if through and kind == "grades" else _EMPTY
            if (is_of_class(definition) and found & {*own}) or any(map(writes_to_type, body)):
                outside |= self._homes.get(definition, _EMPTY)
            outside |= {root for name in found for root in scope.defaults.get(name, ())}
            writes[kind] = _Writes(
                owner=bool(own and (found & {*own} or through)),
                arguments=bool(written) or (through and bool(others)),
                outside=frozenset(found - scope.inner) | outside,
            )
        return writes

    def _is_new(
        self,
        holds: Callable[[Sequence[ast.AST], str, Collection[str]], bool],
        body: Sequence[ast.AST],
        name: str,
        size: int,
    ) -> bool:
        """Return whether something holds of a name in a body, for which all of that is looked through."""
        self.spend(size)
        return holds(body, name, self.methods)


def _only_reads(statement: ast.stmt) -> bool:
    """Return whether a statement is an expression in which nothing is called."""
    return isinstance(statement, ast.Expr) and all(
        isinstance(part, _READING) for part in descendants(statement.value)
    )


def _method_of(call: ast.Call) -> str:
    """Return the name of the method that a call is of; empty if it is of none."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _reach_of(call: ast.Call, *, is_foreign: bool) -> set[str]:
    """Return the names whose values a call may change in a way that nobody can tell.

    Args:
        call: The call.
        is_foreign: Whether nothing is known of what it does.
    """
    method = _method_of(call)
    found = generator_names(call)
    if isinstance(call.func, ast.Lambda) or (is_foreign and method not in CONTAINER_METHODS):
        found |= {*names_handed(call)}
    if is_foreign and method not in FAMILIAR:
        found |= {*roots_of(call.func.value if isinstance(call.func, ast.Attribute) else call.func)}
    return found


def _spread_names(call: ast.Call) -> Iterator[str]:
    """Yield the names of the dicts whose items a call is handed as keywords, `out` among them perhaps."""
    for keyword in call.keywords:
        if keyword.arg is None:
            yield from roots_of(keyword.value)


def _gone_through(part: ast.AST) -> Iterator[str]:
    """Yield the names of what a loop goes through."""
    if isinstance(part, ast.For | ast.comprehension):
        yield from roots_of(part.iter)
