"""Evaluates expressions before the run: as far as they are known."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any, NoReturn

from torch import Tensor, nn

from llm_linalg.errors import HaltedError, LimitError
from llm_linalg.foresight import by_turn
from llm_linalg.foresight.columns import picked
from llm_linalg.foresight.hollow import Fails
from llm_linalg.foresight.least import Least
from llm_linalg.foresight.lengthening import Lengthening
from llm_linalg.foresight.nowhere import may_be_none
from llm_linalg.foresight.results import no_larger, sliced
from llm_linalg.foresight.several import common, looking
from llm_linalg.foresight.turns import Each
from llm_linalg.foresight.unknown import (
    ANY,
    ITEMS_A_STEP,
    REPEATED_A_STEP,
    SOME_DICT,
    SOME_TENSOR,
    UNKNOWN,
    Undecided,
    Unknown,
    doubtful,
    has_tensors,
    is_some_tensor,
    numbered,
)
from llm_linalg.foresight.wholes import arithmetic, negative, raised
from llm_linalg.language import layered, plain
from llm_linalg.language.bounds import repeated
from llm_linalg.language.costs import A_CALL, A_LAYERS_NAME
from llm_linalg.language.evaluator import FAILURES, WITH_ITEMS
from llm_linalg.language.plain import NUMBERS
from llm_linalg.language.source import Source

_POINTWISE = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)

_IN_PLACE: Any = list | dict
_WITHOUT_TENSORS = frozenset([bool, int, float, str])
_BESIDE_NO_TENSOR = frozenset([str, list, tuple, dict])  # it has no sum with one, nor a like thing


class Expressions(Lengthening):
    """Evaluates what an `Interpreter` does, on tensors without cells; what it can't know is `Unknown`."""

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Least) -> None:
        super().__init__(source, names, budget)
        self.ranges = 0  # and comparisons, for which the bounds of whole numbers did not do
        self.vague = False  # whether something may be decided if numbers are known for each turn of a loop
        self.returned = 0  # backward passes

    def evaluate(self, node: ast.expr) -> Any:
        """Return an expression's value, or what is known of it."""
        self.went_on()
        kind, budget = node.__class__, self.budget
        steps, evaluated = self._evaluators[kind]
        try:
            budget.steps -= steps
            if budget.steps < budget.look:
                budget.look_after()
            value = evaluated(node)
            return self.unless_altered(value) if self._altered else value
        except FAILURES as error:
            self.fail(error, node)
        except Undecided as undecided:
            if undecided.value.kind not in _WITHOUT_TENSORS:
                self.guessed(node)
            return undecided.value

    def evaluators(self) -> dict[type[ast.expr], Callable[[Any], Any]]:
        """Return what evaluates each kind of expression."""
        return super().evaluators() | {ast.Constant: attrgetter("value"), ast.Name: self._name}

    def fail(self, error: Exception, node: ast.expr | ast.stmt) -> NoReturn:
        """Raise a limit that is exceeded, with its place; all else is left to the run, to be explained."""
        if isinstance(error, LimitError | HaltedError):
            super().fail(error, node)
        raise Fails from None

    def gone_through(self, value: Any, node: ast.expr) -> Sequence[Any]:
        """Return the items of a value that stands after ``in``."""
        if isinstance(value, Unknown):
            self.unbounded += not self.dearest
            raise Undecided
        return super().gone_through(value, node)

    def bind(self, name: str, value: Any) -> None:
        """Bind a name to a value."""
        self.names.maps[0][name] = value
        self.budget.met(value)
        if value.__class__ not in plain.KINDS and isinstance(value, nn.Module):
            self.budget.step(A_LAYERS_NAME * layered.count(value))

    def assign(self, target: ast.expr, value: Any) -> None:
        """Bind a target to a value."""
        if isinstance(target, ast.Tuple | ast.List):
            self.went_on(len(target.elts))
            if isinstance(value, Unknown):
                if self.dearest:
                    self.budget.weigh([0] * len(target.elts))
                for item in target.elts:
                    self.assign(item, ANY)
                return
        super().assign(target, value)

    def _item(self, target: ast.Subscript) -> tuple[Any, Any]:
        owner, key = self.evaluate(target.value), self.key(target.slice)
        self.puts(target, owner, key)
        if isinstance(owner, Unknown) or (isinstance(owner, dict) and _tensors(key)):
            return ANY, ANY
        try:
            self.takes(target, owner, key)
            return owner, _certain(owner, key)
        except Undecided:
            if not isinstance(owner, Tensor):
                self.may_alter(owner)
            return ANY, ANY

    def _store(self, target: ast.Subscript, owner: Any, key: Any, value: Any) -> None:
        if isinstance(owner, Unknown):
            self.may_alter(owner)
            self.budget.guess_write(owner.kind)
            return
        if isinstance(owner, Tensor) and doubtful(value):
            try:
                value = numbered(value)
            except Undecided:
                return
        if not isinstance(owner, Tensor):
            self.alters(owner)
        try:
            super()._store(target, owner, key, value)
        except Undecided:
            self.guesses += 1  # only the run will know which cells are written
            self.some_tensor(owner)

    def augmented(self, node: ast.AugAssign) -> None:
        """Bind a target to ``target op= value``."""
        if isinstance(node.target, ast.Subscript):
            owner, key = self._item(node.target)
            changed = self._changed(node, ANY if isinstance(owner, Unknown) else owner[key])
            self._store(node.target, owner, key, changed)
        else:
            super().augmented(node)

    def _changed(self, node: ast.AugAssign, left: Any) -> Any:
        if not isinstance(left, Unknown):
            right = self.evaluate(node.value)
            if isinstance(left, _IN_PLACE):
                self.adds(node, left, right)
                self.alters(left)
            pairs = isinstance(left, dict) and isinstance(right, list | tuple)  # of keys that may be tensors
            if not isinstance(right, Unknown) and not pairs:
                return self._written(node, left, right)
            if isinstance(left, _IN_PLACE):
                self.may_alter(left)
            known = self._known(node.op, left, ANY if pairs else right)
            return left if isinstance(left, dict) else known
        if left.kind not in (int, float, Tensor):  # a list's own, perhaps
            self.may_alter(left)
        self.budget.guess_write(left.kind)
        right = self.evaluate(node.value)
        if left.kind in (None, dict) and isinstance(node.op, ast.BitOr):
            self.adds(node, left, right)
        with self.added_to(node):
            known = self._known(node.op, left, right)
        return left if left is SOME_DICT else known

    def _dict(self, node: ast.Dict) -> Any:
        return keyed(super()._dict(node))

    def _dict_comprehension(self, node: ast.DictComp) -> Any:
        return keyed(super()._dict_comprehension(node))

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return self._known(node.op, left, right)
        if left.__class__ not in NUMBERS or right.__class__ not in NUMBERS:
            self.budget.weigh(left, right)
            items = repeated(node.op.__class__, left, right)
            self.budget.go_through(items)
            self.went_on(items // (REPEATED_A_STEP if isinstance(node.op, ast.Mult) else ITEMS_A_STEP))
        return plain.binary(node.op.__class__, left, right)

    def _known(self, operator: ast.operator, left: Any, right: Any) -> Any:
        """Return what is known of a sum or its like, of which one side at least is unknown."""
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Tensor):
                number = other.number
                if not isinstance(operator, _POINTWISE) or number is None:
                    return self.some_tensor(one, isinstance(operator, ast.MatMult))
                return plain.binary(type(operator), *((one, number) if one is left else (number, one)))
        if is_some_tensor(left) or is_some_tensor(right):
            within = no_larger([left, right], isinstance(operator, _POINTWISE))
            return self.some_tensor(multiplies=isinstance(operator, ast.MatMult), within=within)
        self.budget.weigh(left, right)
        self.repeats(operator, left, right)
        if isinstance(left, Each) or isinstance(right, Each):
            with suppress(Undecided):
                return by_turn.arithmetic(operator, left, right)
        kinds = {side.kind if isinstance(side, Unknown) else type(side) for side in (left, right)}
        if (power := raised(operator, left, right)) is not None:
            return power
        if not kinds <= {int, float} or not isinstance(operator, _POINTWISE[:-1]):
            self.sums(left, right)
            if None in kinds and kinds.isdisjoint(_BESIDE_NO_TENSOR):
                self.budget.guess(calls=False, multiplies=False)  # either may be a tensor
            return ANY
        whole = float not in kinds and not isinstance(operator, ast.Div)
        return arithmetic(operator, left, right) if whole else UNKNOWN[float]

    def some_tensor(
        self, operand: Any = None, multiplies: bool = False, within: Unknown = SOME_TENSOR
    ) -> Unknown:
        """Take a call that gives one tensor, of which at most is known how large it is; return that."""
        if may_be_none(operand):
            raise Undecided
        self.budget.tensors -= 1
        self.budget.step(A_CALL)
        self.budget.exceeded()
        self.budget.guess(tensors=0, multiplies=multiplies)
        return within

    def _unary(self, node: ast.UnaryOp) -> Any:
        value = self.evaluate(node.operand)
        if is_some_tensor(value) and not isinstance(node.op, ast.Not):
            return self.some_tensor(within=value)
        if isinstance(value, Each):
            with suppress(Undecided):
                return by_turn.signed(node.op, value)
        if isinstance(value, Unknown):
            minus = isinstance(node.op, ast.USub) and value.number is not None
            return negative(value) if minus else UNKNOWN[bool] if isinstance(node.op, ast.Not) else ANY
        if isinstance(node.op, ast.Not):
            return not self._truth(value, node)
        return plain.UNARY[type(node.op)](value)

    def _subscript(self, node: ast.Subscript) -> Any:
        value, key = self.evaluate(node.value), self.key(node.slice)
        if is_some_tensor(value):
            return self.some_tensor(within=no_larger([value], sliced(key)))
        if isinstance(value, Unknown) or (isinstance(value, dict) and _tensors(key)):
            raise Undecided
        if isinstance(value, list | tuple | range | dict):
            self.vague |= isinstance(key, Unknown)
            if isinstance(key, Each):
                return picked(value, key)
            if isinstance(key, Unknown) and value:  # it is one of them
                self.went_on(looking(value))
                return common(list(value.values()) if isinstance(value, dict) else value)
        try:
            key = _certain(value, _with_ends(key))
        except Undecided:
            if isinstance(value, Tensor):
                return self.some_tensor(value)
            raise
        if not isinstance(value, WITH_ITEMS):
            raise Fails
        return self.copied(value[key]) if isinstance(key, slice) else value[key]


def _certain(value: Any, key: Any) -> Any:
    """Return a key of a value; of a tensor, any whole number for one that is unknown."""
    if not doubtful(key):
        return key
    if not isinstance(value, Tensor) or doubtful_slice(key):
        raise Undecided
    found = tuple(0 if isinstance(item, Unknown) and item.kind is int else item for item in whole(key))
    if doubtful(found):
        raise Undecided
    return found


def _with_ends(key: Any) -> Any:
    """Return a key; of a slice whose ends are tensors, that they are not known."""
    found = tuple(_without_tensors(item) if isinstance(item, slice) else item for item in whole(key))
    return found if isinstance(key, tuple) else found[0]


def _without_tensors(key: slice) -> slice:
    ends = (key.start, key.stop, key.step)
    return slice(*[UNKNOWN[int] if isinstance(end, Tensor) else end for end in ends])


def _tensors(key: Any) -> bool:
    """Return whether a key of a dict is a tensor, or has one: which one it is, only the run will know."""
    return isinstance(key, Tensor) or has_tensors(key)


def keyed(items: dict[Any, Any]) -> Any:
    """Return a dict if it is known which of its keys are the same one."""
    if any(map(_tensors, items)):
        raise Undecided
    return items


def doubtful_slice(key: Any) -> bool:
    """Return whether a key has a slice whose ends are unknown."""
    return any(isinstance(item, slice) and doubtful(item) for item in whole(key))


def whole(key: Any) -> Sequence[Any]:
    """Return a key's items."""
    return key if isinstance(key, tuple) else (key,)
