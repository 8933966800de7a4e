"""What makes lists, texts and dicts longer: how long they are at most, in the dearest case of a rehearsal."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor

from llm_linalg.errors import HaltedError, LimitError
from llm_linalg.foresight.altering import Altering
from llm_linalg.foresight.hollow import Fails
from llm_linalg.foresight.least import Least
from llm_linalg.foresight.nowhere import without_cells
from llm_linalg.foresight.results import keeps
from llm_linalg.foresight.unknown import Undecided, Unknown, doubtful, is_number, is_some_tensor
from llm_linalg.foresight.wholes import SomeRange, bounds, greatest
from llm_linalg.language.budget import MAX_AXES
from llm_linalg.language.caller import Method
from llm_linalg.language.evaluator import FAILURES
from llm_linalg.language.source import Source
from llm_linalg.language.values import updated
from llm_linalg.ops.operation import Operation
from llm_linalg.parsing import walk

_A_CALL_PRICED = 3  # steps of a rehearsal
_REPEATED: Any = list | tuple | str


class Lengthening(Altering):
    """Keeps in mind how long something may be of which nothing else is known; see `Least`.

    What a sum becomes the new value of may stand in it: then it may become longer turn by turn.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Least) -> None:
        super().__init__(source, names, budget)
        self._growing = self._doubling = False
        self._turns: list[str] = []  # how often each of the loops turns that are under way, in words
        self._added: dict[tuple[ast.AST, int], int] = {}  # how long what is made longer there becomes

    def _assigned(self, node: ast.Assign) -> None:
        self.went_on(len(node.targets) - 1)
        if isinstance(node.value, ast.BinOp):
            with self._sum(*self._once(_stands_in, node)):
                super()._assigned(node)
        else:
            super()._assigned(node)

    def added_to(self, node: ast.AugAssign) -> AbstractContextManager[None]:
        """Know that a name's value has something added to it while the context is open."""
        longer = isinstance(node.op, ast.Add | ast.Mult)
        itself = isinstance(node.target, ast.Name) and isinstance(node.value, ast.Name)
        return self._sum(longer, longer and itself and _named(node.target) == _named(node.value))

    @contextmanager
    def _sum(self, growing: bool, doubling: bool) -> Iterator[None]:
        self._growing, self._doubling = growing, doubling
        try:
            yield
        finally:
            self._growing = self._doubling = False

    def sums(self, left: Any, right: Any) -> None:
        """Know that something is a sum, or its like, of what may be lists or texts."""
        self.guesses += 1
        if self._growing and not is_number(left) and not is_number(right):
            self.budget.grows()
            self.unbounded += self._doubling and self.dearest

    def lengthens(self, node: ast.Call, method: Method, arguments: Sequence[Any]) -> None:
        """Know that a method is called of a list or a dict that may make it longer."""
        several = method.function in (list.extend, updated) and arguments
        self.adds(node, method.owner, arguments[0] if several else None)

    def adds(self, node: ast.AST, owner: Any, items: Any) -> None:
        """Know that items are put to those of a list or a dict, as often as it comes to that.

        How long it becomes is told once for each place and loop: the turns may be as many as a list is long,
        and so it would become longer each time that one turn for all is gone through.
        """
        if items is owner and self.dearest and self.uncertain:
            self.unbounded += 1  # each time it becomes twice as long
        size = 0 if isinstance(owner, Unknown) else self.budget.length_of(owner)
        longest = size + self.budget.turns * self.budget.length_of(items)
        if self.budget.turns > 1:
            longest = self._added.setdefault((node, len(self._turns)), longest)
        self.budget.grows(longest)

    def puts(self, node: ast.AST, owner: Any, key: Any) -> None:
        """Know that something is put into a dict, perhaps, as often as it comes to that."""
        perhaps = isinstance(owner, Unknown) and not is_some_tensor(owner)
        if (perhaps or isinstance(owner, dict)) and doubtful(key):
            self.adds(node, owner, None)

    def repeats(self, operator: ast.operator, left: Any, right: Any) -> None:
        """Know how long a list or a text becomes that is repeated, nobody knows how often."""
        if self.dearest and isinstance(operator, ast.Mult):
            for items, times in ((left, right), (right, left)):
                if isinstance(items, _REPEATED):
                    _, most = bounds(times) or (None, None)
                    self.unbounded += most is None
                    self.budget.met_repeated(items, most or 0)

    def at_most(self, function: Any, arguments: list[Any], named: dict[str, Any]) -> None:
        """Know how large a tensor becomes, if numbers are as large as they may be, in the dearest case."""
        lists = [value for value in (*arguments, *named.values()) if isinstance(value, list | tuple)]
        if not self.dearest or any(len(value) > MAX_AXES for value in lists):
            return
        largest = list(map(greatest, arguments))
        others = {name: greatest(value) for name, value in named.items()}
        if doubtful(largest) or doubtful(others):
            return
        left = self.budget.left
        try:
            function(*largest, **others)
        except (*FAILURES, Undecided, Fails) as error:
            if isinstance(error, LimitError | HaltedError):
                raise  # else the sizes that it has in the run are others
        finally:
            self.budget.left = left

    def for_the_largest(
        self, operation: Operation | None, function: Any, arguments: list[Any], named: dict[str, Any]
    ) -> None:
        """Take what a call asks for beyond a guess, if what is unknown is as large as the largest tensor.

        What it makes then is not taken for a tensor that there is: the next call would be given that.
        """
        if not self.dearest or operation is None or keeps(operation):
            return
        if not any(map(is_some_tensor, (*arguments, *named.values()))):
            return
        for kind in (torch.float32, torch.int64):
            self.went_on(_A_CALL_PRICED)
            stand = without_cells(self.budget.largest, kind)
            given = [_largest(value, stand) for value in arguments]
            others = {name: _largest(value, stand) for name, value in named.items()}
            if doubtful(given) or doubtful(others):
                return
            left = self.budget.left
            try:
                with self.budget.supposing():
                    function(*given, **others)
            except (*FAILURES, Undecided, Fails) as error:
                self.budget.left = left
                if isinstance(error, LimitError | HaltedError):
                    raise
            else:
                self.budget.beyond_a_guess(left)
                return

    def may_be_lists(self, values: Sequence[Any]) -> None:
        """Know how long a list may be that is made of what a function is given."""
        if self.dearest:
            for value in values:
                if isinstance(value, SomeRange):
                    self.unbounded += value.longest is None
                    self.budget.met(range(value.longest or 0))
                elif is_some_tensor(value):
                    self.budget.tells_rows(value.most)


def _largest(value: Any, stand: Tensor) -> Any:
    """Return a value as large as it may be; what stands for a tensor of which nothing is known."""
    return stand if is_some_tensor(value) else greatest(value)


def _named(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _stands_in(node: ast.Assign) -> tuple[bool, bool]:
    """Return whether a name stands in its new value, and whether that is the name twice."""
    bound = {_named(target) for target in node.targets} - {None}
    within = any(isinstance(inner, ast.Name) and inner.id in bound for inner in walk(node.value))
    match node.value:
        case ast.BinOp(left=ast.Name(id=one), op=ast.Add(), right=ast.Name(id=other)):
            return within, one == other and one in bound
    return within, False
