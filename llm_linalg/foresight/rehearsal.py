"""Goes through statements before the run: loops by one turn for all, branches by the cheaper one."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from operator import sub
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from llm_linalg import ranks
from llm_linalg.errors import LimitError
from llm_linalg.foresight.apart import Others, without_gradients
from llm_linalg.foresight.calls import Calls
from llm_linalg.foresight.expressions import Ends
from llm_linalg.foresight.flow import FLOW, Perhaps, inside, strongest, ways_out
from llm_linalg.foresight.hollow import Fails
from llm_linalg.foresight.start import Start
from llm_linalg.foresight.unknown import ANY, Undecided, common, identity, joined
from llm_linalg.language.budget import Budget, Spent
from llm_linalg.language.caller import UserFunction
from llm_linalg.language.interpreter import Broken, Continued, Returned
from llm_linalg.language.printing import CHOSEN
from llm_linalg.language.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

TURN_BY_TURN = 2_000  # steps of a rehearsal after which one turn of a loop stands for all that are left
_MOST_PASSES = 5


class _Called(NamedTuple):
    """What a call gave and took."""

    value: Any
    taken: Spent


class Rehearsal(Calls):
    """Goes through a program before it is run.

    Attributes:
        foreseen: The loops of which it is known how often they turn.
    """

    def __init__(self, source: Source, halt: Callable[[], bool], modules: Mapping[str, Any]) -> None:
        super().__init__(source, {}, Budget(halt=halt))
        self._modules = dict(modules)
        self.foreseen: set[ast.For] = set()
        self._called: dict[Any, _Called] = {}  # under the call of a function that is under way

    def refuse(self, start: Start) -> None:
        """Refuse statements that will surely ask for more than is left.

        Raises:
            LimitError: If they will, with the place where.
            HaltedError: If the run is to end.
        """
        self.names, values = start.known()
        self.budget.left = start.left
        options = CHOSEN.set(start.options)
        try:
            with torch.random.fork_rng(devices=[]), without_gradients(), ranks.joined(Others()), self.hollow:
                loop = start.statements[0] if start.statements else None
                if values is not None and isinstance(loop, ast.For):
                    self._turns(loop, values)
                else:
                    self._block(start.statements)
        except (Ends, Fails, Undecided, RecursionError, Perhaps, Returned, Broken, Continued):
            pass  # it is left to the run
        finally:
            CHOSEN.reset(options)

    def _statement(self, node: ast.stmt) -> None:
        self.went_on()
        try:
            super()._statement(node)
        except Undecided:
            self._forget(node)

    def _forget(self, *statements: ast.stmt) -> None:
        """Let statements be passed over that may be run, or not."""
        self._unknown(statements)
        ways = set(ways_out(statements))
        if ways:
            raise Perhaps(strongest(ways))

    def _unknown(self, statements: Sequence[ast.AST]) -> None:
        """Know nothing any more of what statements bind or change."""
        self.missed()
        for statement in statements:
            for node in inside(statement):
                if isinstance(node, ast.FunctionDef):
                    self.names[node.name] = ANY
                elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    self.names[node.id] = ANY
                elif isinstance(node, ast.alias):
                    self._modules[node.asname or node.name.partition(".")[0]] = ANY

    def _flow(self, node: ast.stmt) -> None:
        if isinstance(node, ast.If):
            test = self.evaluate(node.test)
            try:
                chosen = node.body if self._truth(test, node.test) else node.orelse
            except Undecided:
                self._either(node.body, node.orelse)
                return
            self._block(chosen)
        else:
            super()._flow(node)

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
        left = self.budget.left
        try:
            value = super().invoke(function, arguments, named)
        except Perhaps:
            self.missed()
            value = ANY
        if self._lists == lists and key is not None and identity(value) is not None:
            self._called[call] = _Called(value, Spent(*map(sub, left, self.budget.left)))
        return value

    def _either(self, one: Sequence[ast.stmt], other: Sequence[ast.stmt]) -> None:
        """Go through two branches, of which only the run will know which it takes."""
        scope, left = self.names.maps[0], self.budget.left
        before = dict(scope)
        ends: list[tuple[dict[str, Any], Spent, type[Exception] | None]] = []
        refused: Exception = Fails()
        with self._uncertain():
            for block in (one, other):
                _restore(scope, before)
                self.budget.left, changes = left, self.changes
                try:
                    way = self._way(block)
                except (LimitError, Fails) as error:
                    refused = error  # then the other one is taken, or the program is refused
                except Ends:
                    self.budget.left = left  # nobody knows whether this is taken
                    raise
                else:
                    ends.append((dict(scope), self.budget.left, way))
                self.loose |= self.changes != changes
        if not ends:
            raise refused
        names, _, way = ends[0]
        if len(ends) > 1:
            others = ends[1][0]
            names = {name: joined(names.get(name, ANY), others.get(name, ANY)) for name in names | others}
        _restore(scope, names)
        self.budget.left = Spent(*map(max, *[end[1] for end in ends], ends[0][1]))
        ways = [way for _, _, way in ends if way is not None]
        if ways:
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
    def _lists(self) -> tuple[int, bool, bool]:
        """What is the same as long as nothing changed a list, a dict or a layer, or may have."""
        return self.changes, self.loose, self.missing

    @property
    def _long(self) -> bool:
        return self.length > TURN_BY_TURN

    def _for(self, node: ast.For) -> None:
        try:
            values = self.items(node.iter)
        except Undecided:
            self._forget(node)
        else:
            self._turns(node, values)

    def _turns(self, node: ast.For, values: Sequence[Any]) -> None:
        self.foreseen.add(node)
        way: type[Exception] | None = None
        for turn, value in enumerate(values):
            if self._long and len(values) - turn > 1:
                way = self._turn_for_all(node, values[turn:], len(values))
                break
            way = self._turn(node, value)
            if way is not None:
                break
        if way is None:
            self._block(node.orelse)
        elif way is Perhaps:
            self._forget(node)

    def _turn(self, node: ast.For, value: Any) -> type[Exception] | None:
        """Go through one turn; return `Broken` if it is the last one, and `Perhaps` if it may be."""
        self.assign(node.target, value)
        try:
            self._block(node.body)
        except Continued:
            return None
        except Broken:
            return Broken
        except Perhaps as perhaps:
            return self._turns_left(node, perhaps.way)
        return None

    def _turns_left(self, node: ast.For, *ways: type[Exception]) -> type[Exception] | None:
        """Let what is left of a turn be passed over; return `Perhaps` if the loop may end with it."""
        self._unknown([node.target, *node.body])
        found = {*ways, *ways_out(node.body)}
        if Returned in found:
            raise Perhaps(Returned)
        return Perhaps if Broken in found else None

    def _turn_for_all(self, node: ast.For, values: Sequence[Any], whole: int) -> type[Exception] | None:
        """Let one turn stand for all that are left: what is known when it begins holds for each of them."""
        value, scope = common(values), self.names.maps[0]
        with self._uncertain():
            for _ in range(_MOST_PASSES):
                before, left, lists = dict(scope), self.budget.left, self._lists
                way = self._turn(node, value)
                if way is not None:
                    return way
                if self._lists != lists:
                    self.loose = True
                    known = before
                else:
                    known = {name: joined(before.get(name, now), now) for name, now in scope.items()}
                    if len(known) == len(before) and all(known[name] is before[name] for name in before):
                        self._repeat(left, len(values) - 1, whole, node.iter)
                        return None
                _restore(scope, known)
                self.budget.left = left
        return self._turns_left(node)

    def _repeat(self, left: Spent, times: int, whole: int, at: ast.expr) -> None:
        """Take so many times more what was taken since so much was left."""
        now = self.budget.left
        self.budget.left = Spent(
            *[after - times * (before - after) for before, after in zip(left, now, strict=True)]
        )
        try:
            self.budget.exceeded(f"in its {whole:,} turns ")
        except LimitError as error:
            self.fail(error, at)

    def _generated(self, items: list[ast.expr], generators: list[ast.comprehension]) -> list[list[Any]]:
        try:
            return super()._generated(items, generators)
        except Undecided:
            self.passed_over(*items, *generators)
            raise

    def _generate(
        self, items: list[ast.expr], generators: list[ast.comprehension], found: list[list[Any]]
    ) -> None:
        if not generators:
            super()._generate(items, generators, found)
            return
        values = self.items(generators[0].iter)
        decided = True
        for turn, value in enumerate(values):
            if self._long and len(values) - turn > 1:
                self._generate_for_all(items, generators, values[turn:], len(values))
                decided = False
                break
            decided &= self._generate_once(items, generators, value, found)
        if not decided:
            raise Undecided

    def _generate_once(
        self, items: list[ast.expr], generators: list[ast.comprehension], value: Any, found: list[list[Any]]
    ) -> bool:
        """Go through one turn of a comprehension; return whether all of it is known."""
        first, *rest = generators
        self.assign(first.target, value)
        try:
            if all(self._truth(self.evaluate(test), test) for test in first.ifs):
                self._generate(items, rest, found)
        except Undecided:
            self.passed_over(*items, *generators)
            return False
        return True

    def _generate_for_all(
        self, items: list[ast.expr], generators: list[ast.comprehension], values: Sequence[Any], whole: int
    ) -> None:
        with self._uncertain():
            left, lists = self.budget.left, self._lists
            self._generate_once(items, generators, common(values), [])
            if self._lists != lists:
                self.budget.left, self.loose = left, True
                self._generate_once(items, generators, common(values), [])
        self._repeat(left, len(values) - 1, whole, generators[0].iter)


def _restore(scope: MutableMapping[str, Any], names: Mapping[str, Any]) -> None:
    scope.clear()
    scope.update(names)
