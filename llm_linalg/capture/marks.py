"""Marks of what a statement that was not run leaves behind, by its text alone, erring to more.

The rule.
1. A statement *reads* the names that it loads, and what the functions in them read; it *binds* names; it
   *touches* what it assigns into, iterates over, opens by `with`, and all that stands in a call.
2. Names whose values may hold each other, or parts of each other, are a *group*. A statement that binds or
   touches something makes one group of all that it reads and binds. A name that is bound anew leaves its
   group and its mark. Plain numbers and text hold nothing; a function or a class without a state of its own
   stays alone, and whoever may hold it reads what it reads.
3. Not run, it marks what it binds, and the groups of what it touches and of what functions in them read.
4. Not run, and with a call, it may draw random numbers; called for its effect alone on a module, with
   nothing of the program's, it may change the module's settings: what draws, or uses the module, is marked.
   Seeding takes the first mark away. `exec`, and an import of all names, may bind every name.
5. Run, it rests on the first mark that it reads, and does with it what a statement does that was not run.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType, NoneType
from typing import NamedTuple

from llm_linalg.base.code_names import CodeNames, code_names, root_of, written_into

GENERATORS = ("torch", "numpy", "random")
"""The packages that have a generator of random numbers which a whole program shares."""
_FIXED = (str, bytes, int, float, complex, bool, NoneType, range, ModuleType)
_MOST_ITEMS = 100  # of a tuple that is looked through
_BUILTINS = frozenset(dir(builtins))
_BINDING_ALL = frozenset(["exec", "eval", "globals", "locals", "vars", "get_ipython"])
_COMPOUND = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)
_WORD = re.compile(r"[^\W\d]\w{0,60}")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class UnrunMark(NamedTuple):
    """Why a value is not there, or may be another than Python's."""

    cell: int  # the number of the cell that would have made or changed it, or did so from marked values
    root: int  # the number of the cell that was not run, on which that rests
    reason: str  # why that was not run
    name: str = ""  # empty for random numbers
    verb: str = "made"  # or what else the cell does to it, or would have done

    def __str__(self) -> str:
        rests = f", which rests on cell {self.root}" if self.root != self.cell else ""
        what = f"{self.name} is {self.verb}" if self.name else "random numbers may be drawn"
        return f"{what} by cell {self.cell}{rests}, {self.reason}"


@dataclass(eq=False, slots=True)
class _Group:
    """Names whose values may hold each other."""

    names: set[str]
    later: set[str] = field(default_factory=set)  # what the functions in these values read when called
    rebinds: set[str] = field(default_factory=set)  # what these functions bind outside of themselves
    is_pure: bool = False  # as a function or a class without a state of its own
    holds: set[str] = field(default_factory=set)  # what is pure and may be held by these values


class Marks:
    """The marks on a program's names.

    What a program's name is bound to, as it runs, shares nothing if it is a number or a text.
    """

    def __init__(self, names: Mapping[str, object]) -> None:
        self._names = names
        self._groups: dict[str, _Group] = {}
        self._marks: dict[str, UnrunMark] = {}
        self._packages: dict[str, str] = {}  # by an imported name
        self._settings: dict[str, UnrunMark] = {}  # by package
        self._random: dict[str, UnrunMark] = {}  # by generator
        self._is_seeded = False  # else nobody expects certain random numbers
        self._seeding: dict[str, set[str | None]] = {}  # by the name of a function, what it surely seeds
        self._star: UnrunMark | None = None  # of what may bind any name

    def note_unrun(self, statement: ast.stmt, mark: UnrunMark) -> None:
        """Take in that a statement was not run, or not all of it."""
        names, calls = code_names(statement), [*_calls_in(statement)]
        self._spread(statement, names, mark)
        is_seeding = any("seed" in _called(call)[1] for call in calls)
        if any(not _loaded(call) <= _BUILTINS for call in calls):
            for generator in GENERATORS if is_seeding or self._is_seeded else ():
                self._random.setdefault(generator, mark)
        match statement:
            case ast.Expr(value=ast.Call() as call) if not is_seeding:
                package = self._packages.get(_called(call)[0], "")
                if package and not any(map(self._is_object, names.loads | names.later)):
                    self._settings[package] = mark._replace(name=package, verb="set")
        if names.stars or not _BINDING_ALL.isdisjoint(names.loads):
            self.note_unrun_all(mark)

    def note_unrun_all(self, mark: UnrunMark) -> None:
        """Take in that something was not run that may bind any name."""
        self._star = mark
        self.note_unrun_names([*self._groups], mark)

    def note_unrun_text(self, text: str, mark: UnrunMark) -> None:
        """Take in that something was not run that is no Python: each word may be a name."""
        self.note_unrun_names(dict.fromkeys(_WORD.findall(text)), mark)

    def note_unrun_names(self, names: Collection[str], mark: UnrunMark) -> None:
        """Take in that names may be bound or changed by something that was not run."""
        self._change(names, mark)
        for name in names:
            self._set(name, mark)

    def note_run(self, statement: ast.stmt, cell: int, drew: Collection[str] | None = None) -> None:
        """Take in that a statement was run, once it was; `drew` as in `rests_on`."""
        mark = self.rests_on(statement, drew)
        own = None if mark is None else mark._replace(cell=cell, verb="made")
        self._spread(statement, code_names(statement), own)
        self._is_seeded |= any("seed" in _called(call)[1] for call in _calls_in(statement))
        value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
        if isinstance(value, ast.Call) and self.mark_of(*_loaded(value)) is None:
            function = value.func.id if isinstance(value.func, ast.Name) else ""
            seeds = {self._seeds(statement), *self._seeding.get(function, ())}
            self._random = {name: mark for name, mark in self._random.items() if name not in seeds}

    def rests_on(self, statement: ast.stmt, drew: Collection[str] | None = ()) -> UnrunMark | None:
        """Return the first mark that a statement reads; None if it reads none.

        `drew` are the generators from which it drew; None if each call in it may have.
        """
        if drew is None:
            drew = GENERATORS if next(_calls_in(statement), None) is not None else ()
        mark = self.mark_of(*_reads(statement, code_names(statement)))
        return mark or next((self._random[one] for one in drew if one in self._random), None)

    def mark_of(self, *names: str) -> UnrunMark | None:
        """Return the first mark of some names, or of what functions read that are reached from them."""
        todo, seen = [*names], set[str]()
        for name in todo:
            if name in seen:
                continue
            seen.add(name)
            mark = self._marks.get(name) or self._settings.get(self._packages.get(name, ""))
            if mark is not None:
                return mark
            if name in self._groups:
                todo += sorted(self._groups[name].later)
            elif self._star is not None and name not in self._names and name not in _BUILTINS:
                return self._star._replace(name=name)
        return None

    # What a statement does

    def _spread(self, statement: ast.stmt, names: CodeNames, mark: UnrunMark | None) -> None:
        """Bind its names anew, group what may hold each other, and mark what it binds and touches."""
        reads = [name for name in _reads(statement, names) if self._is_object(name)]
        touched = _touched_by(statement).intersection(reads)
        for name in written_into(statement).intersection(reads):
            own = self._groups[name]
            if own.is_pure:  # it has a state from now on, which whoever holds it has
                own.is_pure = False
                self._join([own, *(group for group in self._groups.values() if name in group.holds)])
        if mark is not None:
            self._change(touched, mark._replace(verb="changed"))
        groups = [self._groups[name] for name in reads]
        by_functions = {name for group in groups for name in group.rebinds}
        own = _Group(set(), {*names.later}, {*names.rebinds})
        bound = False
        for name in names.binds | by_functions:
            is_object = mark is not None or not self._is_fixed(name)
            bound |= is_object
            self._packages.pop(name, None)
            if name in self._groups and (name in by_functions or isinstance(statement, _COMPOUND)):
                groups += [self._groups[name]] * is_object  # it may be what it was
            else:
                self._release(name)
                self._groups[name] = own if is_object else _Group({name})
                self._groups[name].names.add(name)
            if mark is not None:
                self._marks[name] = mark._replace(name=name)
        if isinstance(statement, _Definition):
            self._seeding[statement.name] = {*map(self._seeds, ast.walk(statement))}
            own.is_pure = not _has_state(statement)
        if own.is_pure:
            own.later |= names.loads
        elif bound or touched:
            self._join([own, *groups])
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for item in statement.names:
                path = item.name if isinstance(statement, ast.Import) else statement.module or "."
                self._packages[item.asname or item.name.partition(".")[0]] = path.partition(".")[0]

    def _join(self, groups: Sequence[_Group]) -> None:
        """Make one group of several; of what is pure the others read what it reads."""
        whole = max(groups, key=lambda group: -1 if group.is_pure else len(group.names))
        for group in {*groups} - {whole}:
            whole.later |= group.later
            whole.rebinds |= group.rebinds
            whole.holds |= group.names if group.is_pure else group.holds
            if not group.is_pure:
                whole.names |= group.names
                self._groups.update(dict.fromkeys(group.names, whole))

    def _change(self, names: Iterable[str], mark: UnrunMark) -> None:
        """Mark the groups of names, and of what the functions in them read and rebind."""
        todo, seen = [*names], set[str]()
        for name in todo:
            if name in seen or not self._is_object(name):
                continue
            group = self._groups[name]
            seen |= group.names
            todo += group.later
            for other in group.rebinds if group.is_pure else group.rebinds | group.names:
                self._set(other, mark)

    def _set(self, name: str, mark: UnrunMark) -> None:
        self._marks.setdefault(name, mark._replace(name=name))
        self._groups.setdefault(name, _Group({name}))

    def _release(self, name: str) -> None:
        """Forget what a name was bound to."""
        if name in self._groups:
            self._groups.pop(name).names.discard(name)
        self._marks.pop(name, None)
        self._seeding.pop(name, None)

    def _seeds(self, part: ast.AST) -> str | None:
        """Return the package whose generator a statement surely seeds; None if it seeds none."""
        call = part.value if isinstance(part, ast.Expr | ast.Assign) else None
        if not isinstance(call, ast.Call) or not call.args or "cuda" in ast.unparse(call.func):
            return None
        root, function = _called(call)
        return self._packages.get(root) if "seed" in function else None

    def _is_fixed(self, name: str) -> bool:
        """Return whether a name's value is one that nothing changes and that holds nothing that changes."""
        value = self._names.get(name, self)
        items = value if isinstance(value, tuple) and len(value) <= _MOST_ITEMS else (value,)
        return all(isinstance(item, _FIXED) for item in items)

    def _is_object(self, name: str) -> bool:
        """Return whether a name is bound to something of the program's that may change."""
        return name in self._groups and name not in self._packages and not self._is_fixed(name)


# What a statement does by its text


def _reads(statement: ast.stmt, names: CodeNames) -> Sequence[str]:
    """Return the names that a statement reads as it runs, with the functions in it."""
    return sorted(names.loads if isinstance(statement, _Definition) else names.loads | names.later)


def _loaded(node: ast.AST) -> frozenset[str]:
    """Return the names that are read in a part of a statement, if by functions in it."""
    names = code_names(node)
    return names.loads | names.later


def _has_state(statement: _Definition) -> bool:
    """Return whether a function or a class may itself be changed by being called."""
    parts = [*ast.walk(statement)]
    words = {part.id for part in parts if isinstance(part, ast.Name)}
    words |= {part.attr for part in parts if isinstance(part, ast.Attribute)} & {"__class__"}
    if isinstance(statement, ast.ClassDef):
        values = [part.value for part in statement.body if isinstance(part, ast.Assign | ast.AnnAssign)]
    else:
        arguments = [part for part in parts if isinstance(part, ast.arguments)]
        values = [value for part in arguments for value in (*part.defaults, *part.kw_defaults)]
    plain = ast.Constant | ast.Name | ast.Attribute | None
    is_plain = all(isinstance(value, plain) for value in (*values, *statement.decorator_list))
    return not is_plain or not words.isdisjoint(["type", "cls", "__class__", statement.name])


def _calls_in(statement: ast.AST) -> Iterator[ast.Call]:
    return (part for part in ast.walk(statement) if isinstance(part, ast.Call))


def _called(call: ast.Call) -> tuple[str, str]:
    """Return the first and the last name of what is called: of `np.random.seed(0)` `np` and `seed`."""
    return root_of(call.func), getattr(call.func, "attr", getattr(call.func, "id", ""))


def _touched_by(statement: ast.stmt) -> set[str]:
    """Return the names whose values a statement may change by its text."""
    names: set[str] = set()
    for node in ast.walk(statement):
        match node:
            case ast.Call() | ast.Await() | ast.Yield() | ast.YieldFrom():
                names |= _loaded(node)
            case ast.For(iter=value) | ast.AsyncFor(iter=value) | ast.comprehension(iter=value):
                names |= _loaded(value)
            case ast.withitem(context_expr=value):
                names |= _loaded(value)
            case ast.AugAssign(target=ast.Name(id=name)):
                names.add(name)
    return names | written_into(statement)
