"""Evaluates checked expressions: names, calls and operators become torch calls, and nothing else."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from torch import Tensor, nn

from llm_linalg.base.errors import LimitError, ProgramError
from llm_linalg.base.short_repr import brief
from llm_linalg.base.untraced import untraced
from llm_linalg.language import allowlist, arithmetic, module_count, modules
from llm_linalg.language.arithmetic import DIRECT, KINDS
from llm_linalg.language.budget import LETTERS_A_STEP, Budget, OutOfTimeError
from llm_linalg.language.containers import Distinct
from llm_linalg.language.local_names import UNBOUND
from llm_linalg.language.source import Source
from llm_linalg.language.suggestions import NAMES, bound_later, unbound
from llm_linalg.recording.record_node import Node, Origin
from llm_linalg.recording.recorder import Recorder

FAILURES = (
    ProgramError,
    RuntimeError,
    TypeError,
    ValueError,
    IndexError,
    NotImplementedError,
    ZeroDivisionError,
    OverflowError,
    AssertionError,
    AttributeError,
    KeyError,
    MemoryError,
)

# Made once: this is asked at each turn of a loop.
WITH_ITEMS: Any = Tensor | tuple | list | dict | str | range | modules.SEQUENCES
_ITEMS = frozenset([tuple, list, dict, str, range])  # what mostly stands there
_KEYS: Any = tuple | list | dict | range
_GOING_THROUGH = frozenset([ast.ListComp, ast.GeneratorExp, ast.DictComp])
MAX_KEY = 50
MAX_PLACES = 10_000
_FINDING: Any = ast.In | ast.NotIn
_FOUND_IN: Any = dict | Distinct

# An expression whose call failed, the parts that gave its operands, and the names as they were there.
Failing = tuple[ast.expr | ast.stmt, list[ast.expr | None], ChainMap[str, Any]]
Explain = Callable[["Evaluator", ast.expr | ast.stmt, Exception], ProgramError]


class Evaluator:
    """Evaluates the expressions of one program.

    Args:
        source: The checked program.
        names: Plain values or tensors that the program may use.
        budget: What calls are held against.
        explain: Turns a failed call into the error that is shown.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Budget, explain: Explain) -> None:
        self.source = source
        self.names: ChainMap[str, Any] = ChainMap(dict(names))  # the innermost scope first
        self.printed: list[str] = []
        self.recorder = Recorder(self._where, budget)
        self.builtins: Mapping[str, Any] = allowlist.BUILTINS
        self._explain = explain
        self.budget = budget
        self._at: ast.AST = source.tree
        self._scope = ""  # the calls of the program's functions that are under way
        self.failing: Failing | None = None
        self.values: dict[ast.expr, Tensor] = {}  # of the statement that is being run
        self.lines: dict[int, Node] = {}  # what each line gave: bound, returned, or stood there alone
        self._origins: dict[tuple[ast.AST, str], Origin] = {}  # of calls that were made
        self._evaluators = self.evaluators()

    def evaluators(self) -> dict[type[ast.expr], Callable[[Any], Any]]:
        """Return what evaluates each kind of expression."""
        return {
            ast.Tuple: lambda node: tuple([self.evaluate(item) for item in node.elts]),
            ast.List: lambda node: [self.evaluate(item) for item in node.elts],
            ast.BinOp: self._binary,
            ast.UnaryOp: self._unary,
            ast.BoolOp: self._boolean,
            ast.Compare: self._compare,
            ast.IfExp: self._conditional,
            ast.Subscript: self._subscript,
            ast.Slice: self._slice,
        }

    def evaluate(self, node: ast.expr) -> Any:
        """Return an expression's value."""
        kind, budget = node.__class__, self.budget
        if kind is ast.Constant or kind is ast.Name:  # most are those, which call nothing
            steps = budget.steps = budget.steps - 1  # as `step` does
            if steps < budget.next_look:
                budget.look()
            leaf: Any = node
            if kind is ast.Constant:
                return leaf.value
            value = self.names.maps[0].get(leaf.id, UNBOUND)
            if value is UNBOUND:
                value = self._name(leaf)
            if value.__class__ not in KINDS:
                self._keep(node, value)
            return value
        outer, self._at = self._at, node
        try:
            steps = budget.steps = budget.steps - 1
            if steps < budget.next_look:
                budget.look()
            value = self._evaluators[kind](node)
            if value.__class__ not in KINDS:
                self._keep(node, value)
            return value
        except FAILURES as error:
            self.fail(error, node)
        finally:
            self._at = outer

    def _keep(self, node: ast.expr, value: Any) -> None:
        """Remember which tensor a part of the statement gave."""
        if isinstance(value, Tensor):
            self.values[node] = value

    def fail(self, error: Exception, node: ast.expr | ast.stmt) -> NoReturn:
        """Raise what came up at a place of the program, as an error that says where."""
        if isinstance(error, RecursionError) or (isinstance(error, ProgramError) and error.span):
            raise error
        if isinstance(error, ProgramError):
            span = self.source.span(node)
            if isinstance(error, OutOfTimeError):
                raise LimitError(error.at(span and span.line), span, self.source.text) from None
            raise type(error)(error.message, span, self.source.text) from None
        raise self._explained(node, error) from error

    def assign(self, target: ast.expr, value: Any) -> None:
        """Bind a target to a value."""
        raise NotImplementedError

    def error(self, message: str, node: ast.AST) -> ProgramError:
        """Return an error at a place of the program."""
        return self.source.error(message, node)

    def outside(self, message: str, node: ast.AST) -> ProgramError:
        """Return an error at a place of the program that uses what is not part of the language."""
        return self.source.error(message, node)

    def _explained(self, node: ast.expr | ast.stmt, error: Exception) -> ProgramError:
        call = self.recorder.failed
        if call is not None:
            self.failing = (node, operand_nodes(self, node, call.tensors), self.names)
        return self._explain(self, node, error)

    def gave(self, node: Node | None) -> None:
        """Remember what the line gave that is being run; what a comprehension goes through is not given."""
        span = None if self._at.__class__ in _GOING_THROUGH else self.source.span(self._at)
        if node is not None and span is not None:
            self.lines[span.line] = node

    def _where(self) -> Origin:
        place = self._at, self._scope
        if place not in self._origins:
            anywhere = self._at, ""
            if anywhere not in self._origins:
                self._origins[anywhere] = Origin(self.source.span(self._at), self.source.text_of(self._at))
            self._origins[place] = self._origins[anywhere]._replace(scope=self._scope)
        return self._origins[place]

    def _name(self, node: ast.Name) -> Any:
        for depth, scope in enumerate(self.names.maps):
            if node.id in scope:
                value = scope[node.id]
                self.budget.steps -= depth // 10
                if value is UNBOUND:
                    raise self.error(bound_later(node.id), node)
                return value
        for table in (allowlist.IMPORTED, self.builtins):
            if node.id in table:
                return table[node.id]
        known = [*self.names, *allowlist.IMPORTED, *self.builtins]
        failing = self.outside if node.id in NAMES else self.error
        raise failing(unbound(node.id, known, self.budget.hint), node)

    def key(self, node: ast.expr) -> Any:
        """Return the value by which something is looked up: all its items are gone through."""
        value = self.evaluate(node)
        if isinstance(value, _KEYS):
            _charge_key(value, self.budget)
        elif value.__class__ is str and len(value) > LETTERS_A_STEP:
            self.budget.step(len(value) // LETTERS_A_STEP)
        return value

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        if left.__class__ not in DIRECT or right.__class__ not in DIRECT:
            self.budget.charge_items(left, right)
            self.budget.charge_list(arithmetic.items_made(node.op.__class__, left, right))
        return arithmetic.binary(node.op.__class__, left, right)

    def _unary(self, node: ast.UnaryOp) -> Any:
        value = self.evaluate(node.operand)
        if isinstance(node.op, ast.Not):
            return not self._truth(value, node)
        return arithmetic.UNARY[type(node.op)](value)

    def _boolean(self, node: ast.BoolOp) -> Any:
        value, last = None, node.values[-1]
        for item in node.values:
            value = self.evaluate(item)
            if item is last or self._truth(value, item) is isinstance(node.op, ast.Or):
                break  # whatever the last one is, it is the value: nothing asks whether it is true
        return value

    def _compare(self, node: ast.Compare) -> Any:
        left = self.evaluate(node.left)
        if len(node.ops) == 1:
            return self.compared(node.ops[0], left, self.evaluate(node.comparators[0]))
        result: Any = True
        for kind, item in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(item)
            result = self.compared(kind, left, right)
            if not self._truth(result, node):
                return result
            left = right
        return result

    def compared(self, kind: ast.cmpop, left: Any, right: Any) -> Any:
        """Return ``left kind right``."""
        if left.__class__ not in DIRECT or right.__class__ not in DIRECT:
            self._charge_sides(kind, left, right)
        return arithmetic.COMPARE[kind.__class__](left, right)

    def _charge_sides(self, kind: ast.cmpop, left: Any, right: Any) -> None:
        """Count the items that a comparison goes through; a dict and a set find theirs at once."""
        finds = isinstance(kind, _FINDING) and isinstance(right, _FOUND_IN)
        self.budget.charge_items(left, *(() if finds else (right,)))

    def _conditional(self, node: ast.IfExp) -> Any:
        return self.evaluate(node.body if self._truth(self.evaluate(node.test), node.test) else node.orelse)

    def _truth(self, value: Any, node: ast.AST) -> bool:
        if value.__class__ is bool:
            return bool(value)
        if isinstance(value, Tensor):
            self.budget.step(8)
            if not _single(value):
                raise self.error(f"a tensor of shape {tuple(value.shape)} is neither true nor false", node)
        return bool(value)

    def _subscript(self, node: ast.Subscript) -> Any:
        value, key = self.evaluate(node.value), self.key(node.slice)
        if type(value) not in _ITEMS and not isinstance(value, WITH_ITEMS):
            raise self.error(f"a {type(value).__name__} has no items", node)
        try:
            found = value[key]
        except KeyError:
            raise self.error(f"there is no item {brief(key)}", node) from None
        return self.copied(found) if key.__class__ is slice else found

    def copied(self, items: Any) -> Any:
        """Count the items that a slice of a list or a text copied; return them."""
        if isinstance(items, nn.Module):
            self.budget.step(8 * module_count.count(items))
        elif not isinstance(items, Tensor):
            self.budget.charge_list(len(items))
        return items

    def _slice(self, node: ast.Slice) -> slice:
        parts = (node.lower, node.upper, node.step)
        return slice(*[None if part is None else self.evaluate(part) for part in parts])


def operand_nodes(
    interpreter: Evaluator, node: ast.expr | ast.stmt, tensors: Sequence[Tensor]
) -> list[ast.expr | None]:
    """Return for each operand the sub-expression of the failing one that gave it, where there is one."""
    pieces: dict[int, list[ast.expr]] = {}  # by what each gave, the first at the end
    for piece in reversed([piece for piece in ast.walk(node) if piece is not node]):
        if isinstance(piece, ast.expr) and piece in interpreter.values:
            pieces.setdefault(id(interpreter.values[piece]), []).append(piece)
    found = (pieces.get(id(tensor)) for tensor in tensors)
    return [own.pop() if own else None for own in found]


def _charge_key(key: Any, budget: Budget) -> None:
    """Charge the items of a key before something is looked up by it; `LimitError` if they are too many."""
    budget.charge_items(key)
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) > MAX_KEY:
        raise LimitError(f"a key of {len(parts):,} parts; {MAX_KEY} are allowed")
    places = [
        part
        for part in parts
        if isinstance(part, _KEYS) and (len(part) > MAX_KEY or not isinstance(part, tuple))
    ]
    if places:
        budget.charge_list(10 * arithmetic.weight(*places))
    if float in set(map(type, parts)):  # of such keys some can be found that have the same hash
        budget.step(100)
    for part in parts:
        if isinstance(part, list) and len(part) > MAX_KEY and _has_tensor(part):
            raise LimitError(f"a list of {len(part):,} tensors as a key; {MAX_KEY} are allowed")
    if arithmetic.weighed(key)[0] > MAX_PLACES:
        raise LimitError(f"a key with more than {MAX_PLACES:,} places: write torch.tensor(places)")


def _has_tensor(items: list[Any]) -> bool:
    return any(issubclass(kind, Tensor) for kind in set(map(type, items)))


def _single(tensor: Tensor) -> bool:
    with untraced():
        return tensor.numel() == 1
