"""Marks of what a statement that was not run leaves behind, by its text alone, erring to more.

The rule. An object is marked, not a name: a name that is bound anew to something without a mark has none.
1. A statement *reads* the names that it loads, and what the functions in them read; it *binds* names; it
   *touches* what it assigns into, iterates over, opens by `with`, and all that stands in a call.
2. What it binds may hold whatever it reads. Receiver and arguments may hold each other in a call of something
   of the program's, or whose value is thrown away. Plain numbers and text hold nothing.
3. Not run, it marks what it binds, what it touches, what that may hold, and all that may hold any of these.
   A function or class at the top is no such object, as far as it has no state: what it reads is.
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
from types import ModuleType, NoneType
from typing import NamedTuple

from llm_linalg.base.code_names import CodeNames, code_names
from llm_linalg.capture.statement_text import (
    Definition,
    called,
    calls_in,
    has_state,
    loaded,
    seeding_root,
    sharing_in,
    touched_by,
)

GENERATORS = ("torch", "numpy", "random")
"""The packages that have a generator of random numbers which a whole program shares."""
_FIXED = (str, bytes, int, float, complex, bool, NoneType, range, ModuleType)
_MOST_VISITS = 1_000_000  # of objects; beyond, whatever is not a number or a text has a mark
_MOST_ITEMS = 100  # of a tuple that is looked through
_BUILTINS = frozenset(dir(builtins))
_BINDING_ALL = frozenset(["exec", "eval", "globals", "locals", "vars", "get_ipython"])
_COMPOUND = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)
_WORD = re.compile(r"[^\W\d]\w{0,60}")


class UnrunMark(NamedTuple):
    """Why a value is not there, or may be another than Python's.

    Attributes:
        cell: The number of the cell that would have made or changed it, or did so from marked values.
        root: The number of the cell that was not run, on which that rests.
        reason: Why that was not run.
        name: What it is about; empty for random numbers.
        verb: What the cell does to it, or would have done.
    """

    cell: int
    root: int
    reason: str
    name: str
    verb: str = "made"

    def __str__(self) -> str:
        rests = f", which rests on cell {self.root}" if self.root != self.cell else ""
        what = f"{self.name} is {self.verb}" if self.name else "random numbers may be drawn"
        return f"{what} by cell {self.cell}{rests}, {self.reason}"


class _Token:
    """An object that a name was bound to: what it may hold, and what may hold it."""

    __slots__ = ("has_state", "held_by", "holds", "later", "mark", "rebinds", "seeds")

    def __init__(self) -> None:
        self.holds, self.held_by = set[_Token](), set[_Token]()
        self.later = self.rebinds = self.seeds = frozenset[str]()
        self.mark: UnrunMark | None = None
        self.has_state = True


class Marks:
    """The marks on a program's names.

    Args:
        names: The names of the program as it runs: what is bound to a number or a text shares nothing.
    """

    def __init__(self, names: Mapping[str, object] | None = None) -> None:
        self._names: Mapping[str, object] = {} if names is None else names
        self._tokens: dict[str, _Token] = {}
        self._packages: dict[str, str] = {}  # by an imported name
        self._settings: dict[str, UnrunMark] = {}  # by package
        self._random: dict[str, UnrunMark] = {}  # by generator
        self._seeded: set[str] = set()
        self._star: UnrunMark | None = None  # of what may bind any name
        self._first: UnrunMark | None = None
        self._later: set[str] = set()  # the names that any function reads
        self._rebinding = False  # whether a function binds names outside of itself
        self._visits = 0

    def note_unrun(self, statement: ast.stmt, cell: int, reason: str, root: int | None = None) -> None:
        """Take in that a statement was not run, or not all of it."""
        mark = UnrunMark(cell, cell if root is None else root, reason, "")
        names, calls = code_names(statement), [*calls_in(statement)]
        self._spread(statement, names, mark)
        is_seeding = any("seed" in called(call)[1] for call in calls)
        if any(not loaded(call) <= _BUILTINS for call in calls):
            for generator in GENERATORS if is_seeding else self._seeded:
                self._random.setdefault(generator, mark)
        match statement:
            case ast.Expr(value=ast.Call() as call) if not is_seeding:
                package = self._packages.get(called(call)[0], "")
                if package and not any(map(self._is_object, names.loads | names.later)):
                    self._settings[package] = mark._replace(name=package, verb="set")
        if names.stars or not _BINDING_ALL.isdisjoint(names.loads):
            self.note_unrun_all(cell, reason, root)

    def note_unrun_all(self, cell: int, reason: str, root: int | None = None) -> None:
        """Take in that something was not run that may bind any name."""
        self._star = UnrunMark(cell, cell if root is None else root, reason, "")
        self.note_unrun_names([*self._tokens], self._star)

    def note_unrun_text(self, text: str, cell: int, reason: str) -> None:
        """Take in that something was not run that is no Python: each word may be a name."""
        self.note_unrun_names(dict.fromkeys(_WORD.findall(text)), UnrunMark(cell, cell, reason, ""))

    def note_unrun_names(self, names: Iterable[str], mark: UnrunMark) -> None:
        """Take in that names may be bound or changed by something that was not run."""
        names = [*names]
        self._change([self._tokens[name] for name in names if name in self._tokens], mark, self._tokens)
        for name in names:
            self._set(self._token(name), mark, name)

    def note_run(self, statement: ast.stmt, cell: int, drew: Collection[str] | None = None) -> None:
        """Take in that a statement was run, once it was; `drew` as in `rests_on`."""
        mark = self.rests_on(statement, drew)
        self._spread(statement, code_names(statement), None if mark is None else mark._replace(cell=cell))
        self._note_seeds(statement)

    def rests_on(self, statement: ast.stmt, drew: Collection[str] | None = ()) -> UnrunMark | None:
        """Return the first mark that a statement reads; None if it reads none.

        Args:
            statement: The statement.
            drew: The generators from which it drew; None if each call in it may have.
        """
        if self._first is None:
            return None
        names = code_names(statement)
        reads = names.loads if isinstance(statement, Definition) else names.loads | names.later
        if drew is None:
            drew = GENERATORS if next(calls_in(statement), None) is not None else ()
        found = self.mark_of(*sorted(reads))
        return found or next((self._random[one] for one in drew if one in self._random), None)

    def mark_of(self, *names: str) -> UnrunMark | None:
        """Return the first mark of some names, or of what functions read that are reached from them."""
        todo, seen, reached = [*names][::-1], set[str](), set[_Token]()
        is_later = any(self._own_mark(name) is not None for name in self._later)
        while todo:
            name = todo.pop()
            token = self._tokens.get(name)
            if token is None and self._star and name not in self._names and name not in _BUILTINS:
                return self._star._replace(name=name)
            if name in seen or token is None:
                continue
            seen.add(name)
            found = self._own_mark(name)
            if found is not None:
                return found
            if self._visits > _MOST_VISITS and self._is_object(name):
                return self._first
            for held in self._reach([token], reached) if is_later else ():
                todo += sorted(held.later, reverse=True)
        return None

    def _own_mark(self, name: str) -> UnrunMark | None:
        """Return the mark on a name's own value, or on the package that it is of."""
        token = self._tokens.get(name)
        if token is None:
            return self._star
        return token.mark or self._settings.get(self._packages.get(name, ""))

    # What a statement does

    def _spread(self, statement: ast.stmt, names: CodeNames, mark: UnrunMark | None) -> None:
        """Bind its names anew, link what may hold what, and set a mark on what it binds and touches."""
        reads = names.loads if isinstance(statement, Definition) else names.loads | names.later
        before = {name: self._tokens[name] for name in sorted(reads) if self._is_object(name)}
        if mark is not None:
            touched = touched_by(statement) & before.keys()
            self._change([before[name] for name in sorted(touched)], mark._replace(verb="changed"), before)
        self._bind(statement, names, mark, [*before.values()])
        for group in sharing_in(statement, self._is_object):
            tokens = [self._tokens[name] for name in group if self._is_object(name)]
            for token in tokens[1:]:
                self._link(tokens[0], token)
                self._link(token, tokens[0])

    def _bind(
        self, statement: ast.stmt, names: CodeNames, mark: UnrunMark | None, held: Sequence[_Token]
    ) -> None:
        by_functions: set[str] = set()
        for token in self._reach(held, set()) if self._rebinding else ():
            by_functions |= token.rebinds
        for name in sorted(names.binds | by_functions):
            is_sure = name in names.binds - by_functions and not isinstance(statement, _COMPOUND)
            old, token = self._tokens.get(name), _Token()
            self._tokens[name] = token
            self._packages.pop(name, None)
            if mark is not None:
                self._set(token, mark, name)
            if old is not None and not is_sure:
                token.mark = token.mark or old.mark
                self._link(token, old)
            for other in held if mark is not None or not self._is_fixed(name) else ():
                self._link(token, other)
            token.later = names.later
        self._later |= names.later
        if isinstance(statement, Definition):
            token = self._tokens[statement.name]
            token.rebinds, token.has_state = names.rebinds, has_state(statement)
            self._rebinding |= bool(names.rebinds)
            token.seeds = frozenset(filter(None, map(self._seeds, ast.walk(statement))))
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            for item in statement.names:
                path = item.name if isinstance(statement, ast.Import) else statement.module or "."
                self._packages[item.asname or item.name.partition(".")[0]] = path.partition(".")[0]

    def _change(self, tokens: Iterable[_Token], mark: UnrunMark, before: Mapping[str, _Token]) -> None:
        """UnrunMark objects, what they may hold, and whatever may hold any of these."""
        inside: set[_Token] = set()
        todo = [*tokens]
        while todo:
            later: set[str] = set()
            for token in self._reach(todo, inside):
                later |= token.later
                for name in token.rebinds:
                    self._set(self._token(name), mark, name)
            todo = [self._tokens[name] for name in later if self._is_object(name)]
        names = {token: name for name, token in (*self._tokens.items(), *before.items())}
        outside = [token for token in inside if token.has_state or token.mark is not None]
        for token in [*self._reach(outside, set(), up=True)]:
            self._set(token, mark, names.get(token, ""))

    def _set(self, token: _Token, mark: UnrunMark, name: str) -> None:
        self._first = self._first or mark
        token.mark = token.mark or mark._replace(name=name)

    # Random numbers

    def _note_seeds(self, statement: ast.stmt) -> None:
        if any("seed" in called(call)[1] for call in calls_in(statement)):
            self._seeded.update(GENERATORS)
        value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
        if not isinstance(value, ast.Call) or self.mark_of(*sorted(loaded(value))) is not None:
            return
        function = self._tokens.get(value.func.id) if isinstance(value.func, ast.Name) else None
        seeds = {self._seeds(statement), *(function.seeds if function is not None else ())}
        self._random = {name: mark for name, mark in self._random.items() if name not in seeds}

    def _seeds(self, part: ast.AST) -> str | None:
        """Return the generator that a statement surely seeds; None if it seeds none."""
        package = self._packages.get(seeding_root(part), "")
        return package if package in GENERATORS else None

    # Objects

    def _token(self, name: str) -> _Token:
        return self._tokens.setdefault(name, _Token())

    def _is_fixed(self, name: str) -> bool:
        """Return whether a name's value is one that nothing changes and that holds nothing that changes."""
        value = self._names.get(name, self)
        items = value if isinstance(value, tuple) and len(value) <= _MOST_ITEMS else (value,)
        return all(isinstance(item, _FIXED) for item in items)

    def _is_object(self, name: str) -> bool:
        """Return whether a name is bound to something of the program's that may change."""
        return name in self._tokens and name not in self._packages and not self._is_fixed(name)

    def _link(self, token: _Token, other: _Token) -> None:
        """Note that an object may hold another."""
        token.holds.add(other)
        other.held_by.add(token)

    def _reach(self, tokens: Iterable[_Token], seen: set[_Token], *, up: bool = False) -> Iterator[_Token]:
        """Yield objects and what they may hold, or what may hold them, but for those that were seen."""
        todo = [*tokens]
        while todo and self._visits <= _MOST_VISITS:
            token = todo.pop()
            if token not in seen:
                self._visits += 1
                seen.add(token)
                yield token
                todo += token.held_by if up else token.holds
