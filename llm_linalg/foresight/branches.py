"""Goes through statements before the run: of two branches, by the cheaper one."""

from __future__ import annotations

import ast
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from operator import sub
from typing import TYPE_CHECKING, Any, NamedTuple

from llm_linalg.errors import LimitError
from llm_linalg.foresight import back
from llm_linalg.foresight.calls import Calls
from llm_linalg.foresight.flow import FLOW, Perhaps, binding, strongest, ways_out
from llm_linalg.foresight.hollow import Fails
from llm_linalg.foresight.least import Least
from llm_linalg.foresight.several import identity, joined
from llm_linalg.foresight.timed import Ends
from llm_linalg.foresight.unknown import ANY, Undecided
from llm_linalg.foresight.wholes import spanning
from llm_linalg.language.allowance import Spent
from llm_linalg.language.caller import UserFunction
from llm_linalg.language.own import imported_as
from llm_linalg.language.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

TURN_BY_TURN = 1_200  # steps of a rehearsal after which one turn of a loop stands for all that are left

NAMES_A_STEP = 40  # that are kept as they were before one way that a program may go, and compared


class _Called(NamedTuple):
    """What a call gave and took."""

    value: Any
    taken: Spent


class Branches(Calls):
    """Goes through statements and calls of functions, as far as it is known which are run."""

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Least) -> None:
        super().__init__(source, names, budget)
        self._called: dict[Any, _Called] = {}  # under the call of a function that is under way

    def _statement(self, node: ast.stmt) -> None:
        self.went_on()
        try:
            super()._statement(node)
        except Undecided:
            self._forget(node)

    def _forget(self, *statements: ast.stmt) -> None:
        """Let statements be passed over that may be run, or not."""
        self.left_out(*statements)
        self._unknown(statements)
        ways = set(ways_out(statements))
        if ways and not self.dearest:
            raise Perhaps(strongest(ways))

    def _unknown(self, statements: Sequence[ast.AST]) -> None:
        """Know nothing any more of what statements bind or change."""
        self.missed()
        for statement in statements:
            bound = self._once(binding, statement)
            self.went_on(len(bound) // NAMES_A_STEP)
            for node in bound:
                if isinstance(node, ast.FunctionDef):
                    self.names[node.name] = ANY
                elif isinstance(node, ast.Name):
                    self.names[node.id] = ANY
                elif isinstance(node, ast.alias):
                    self.names[imported_as(node)] = ANY

    def _if(self, node: ast.If) -> None:
        test = self.evaluate(node.test)
        try:
            chosen = node.body if self._truth(test, node.test) else node.orelse
        except Undecided:
            self._either(node.body, node.orelse)
            return
        self._block(chosen)

    def _given(self, node: ast.stmt, value: Any) -> None:
        """Nothing has to be remembered of a line."""

    def invoke(self, function: UserFunction, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Call a function that the program defined; with the same arguments it takes the same again."""
        if self._depth == 0:
            self._called.clear()
        key = identity((*arguments, *named.values())) if len(function.scope.maps) == 1 else None
        lists = self._lists
        call = (function, key, tuple(named), lists)
        found = self._called.get(call)
        if found is not None:
            self.budget.left = Spent(*map(sub, self.budget.left, found.taken))
            self.budget.exceeded()
            return found.value
        left, returned = self.budget.left, self.returned
        try:
            value = super().invoke(function, arguments, named)
        except Perhaps:
            self.missed()
            value = ANY
        if self._lists != lists and self._depth and self._long:
            self.loose = True  # then a call like it is known, whatever lists it changes
        elif self.returned != returned:
            pass  # it takes what the way back is from its arguments, of which their shapes tell nothing
        elif self._lists == lists and key is not None and identity(value) is not None:
            self._called[call] = _Called(back.without(value), Spent(*map(sub, left, self.budget.left)))
        return value

    def _either(self, one: Sequence[ast.stmt], other: Sequence[ast.stmt]) -> None:
        """Go through two branches, of which only the run will know which it takes."""
        scope, left = self.names.maps[0], self.budget.left
        before = dict(scope)
        ends: list[tuple[dict[str, Any], Spent, type[Exception] | None]] = []
        refused: list[Exception] = []
        with self._uncertain():
            for block in (one, other):
                self.went_on(len(before) // NAMES_A_STEP)
                restore(scope, before)
                self.budget.left, changes = left, self.changes
                try:
                    way = self._way(block)
                except (LimitError, Fails) as error:
                    if self.dearest and isinstance(error, LimitError):
                        raise
                    refused.append(
                        error
                    )  # then the other one is taken, or the program is refused, after much
                    self.guesses += isinstance(error, LimitError)
                except Ends:
                    self.budget.left = left  # nobody knows whether this is taken
                    raise
                else:
                    ends.append((dict(scope), self.budget.left, way))
                self.loose |= self.changes != changes
        if not ends:
            raise _both(*refused)
        names, _, way = ends[0]
        if len(ends) > 1:
            others = ends[1][0]
            changed = [name for name in names | others if names.get(name, ANY) is not others.get(name, ANY)]
            names |= {name: joined(names.get(name, ANY), others.get(name, ANY), spanning) for name in changed}
        restore(scope, names)
        self.guesses += len({end[1] for end in ends}) > 1
        cheaper = min if self.dearest else max  # of what is left
        self.budget.left = Spent(*map(cheaper, *[end[1] for end in ends], ends[0][1]))
        ways = [way for _, _, way in ends if way is not None]
        self.guesses += len(ways)
        if ways and not (self.dearest and len(ways) < len(ends)):
            raise Perhaps(strongest(ways))

    def _way(self, block: Sequence[ast.stmt]) -> type[Exception] | None:
        """Go through a branch; return how what is around it is, or may be, left."""
        try:
            self._block(block)
        except Perhaps as perhaps:
            return perhaps.way
        except FLOW as flow:
            return type(flow)
        return None

    @contextmanager
    def _uncertain(self) -> Iterator[None]:
        self.uncertain += 1
        try:
            yield
        finally:
            self.uncertain -= 1

    @property
    def _long(self) -> bool:
        return self.length > (TURN_BY_TURN // 3 if self.hurried else TURN_BY_TURN)

    @property
    def _lists(self) -> tuple[int, bool, bool]:
        """What is the same as long as nothing changed a list, a dict or a layer, or may have."""
        return self.changes, self.loose, self.missing


def restore(scope: MutableMapping[str, Any], names: Mapping[str, Any]) -> None:
    """Let a scope have these names, and no others."""
    scope.clear()
    scope.update(names)


def _both(one: Exception, other: Exception) -> Exception:
    """Return what comes of a branch of which both ways fail, or ask for too much."""
    if not isinstance(other, Fails):
        return other
    fails = Fails(other.refused if isinstance(one, Fails) and one.refused is not None else None)
    fails.told = False
    return fails
