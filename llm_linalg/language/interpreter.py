"""The state of one run, and its two steps: evaluate an expression, execute a statement.

What each kind of syntax does is a function `handler(run, node)` in one of the modules above, such as
`expressions` or `statements`. `program` collects them in one table, which the interpreter carries: so those
modules can call back through `run.evaluate` and `run.execute` without importing each other in a circle.
"""

from __future__ import annotations

import ast
import builtins
from collections import ChainMap, Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from random import Random
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from torch import Tensor

from llm_linalg.base.errors import LimitError, MissingValueError, ProgramError, Span
from llm_linalg.language.arithmetic import TENSOR_TYPES
from llm_linalg.language.budget import NATIVE_CALL_STEPS, Budget
from llm_linalg.language.classes.module_paths import ModulePaths
from llm_linalg.language.classes.program_class import calls_from
from llm_linalg.language.item_iterator import address
from llm_linalg.language.local_names import COMPREHENSIONS, UNBOUND
from llm_linalg.language.missing import STAR, UNREADABLE
from llm_linalg.language.source import Source
from llm_linalg.language.storages import StorageTable
from llm_linalg.language.suggestions import (
    NAMES,
    TOO_MANY_DIGITS,
    has_too_many_digits,
    unbound_local,
    unknown_name,
)
from llm_linalg.recording.cell_state import CellState
from llm_linalg.recording.plot import Plot
from llm_linalg.recording.record_node import Origin, RecordNode
from llm_linalg.recording.recorder import Recorder, is_recording, recording_again

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
    ImportError,
)
"""What a program can cause; anything else is a fault of the interpreter, and not shown as the program's."""

MAX_PRINTED = 200_000  # characters
NO_NAMES: Mapping[str, Any] = MappingProxyType({})
MAX_LEFT_OUT = 60  # statements of a cell that are told to be left out, and characters of each

Code = ast.expr | ast.stmt
Handler = Callable[["Interpreter", Any], Any]
Explain = Callable[["Interpreter", Code, Exception], ProgramError]


class Dispatch(NamedTuple):
    """What the language does.

    Attributes:
        handlers: The function for each kind of expression and statement.
        suspending: The function for each kind of statement within which a function yields.
        names: What names mean that the program doesn't bind, such as `torch` and `len`.
        types: What it calls each type of Python's and torch's that it has.
        call: Calls any value that can be called, with its arguments by position and by name.
        call_native: Calls a method of a program's object that Python or torch asks for.
        initialize: Does what the `__init__` does of the torch class that a module's class is made from.
    """

    handlers: Mapping[type[ast.AST], Handler]
    suspending: Mapping[type[ast.AST], Callable[[Interpreter, Any, Container[ast.AST]], Iterator[Any]]]
    names: Mapping[str, Any]
    types: Mapping[type, Any]
    call: Callable[[Interpreter, Any, Sequence[Any], Mapping[str, Any]], Any]
    call_native: Callable[[Interpreter, Any, Any, Sequence[Any], Mapping[str, Any]], Any]
    initialize: Callable[[Interpreter, Any, Sequence[Any], Mapping[str, Any]], None]


class FailedCall(NamedTuple):
    """The torch call that ended a run.

    Attributes:
        node: The expression or statement that made it.
        operands: For each operand the part of the node that it came from, where there is one.
        names: The names as they were.
    """

    node: Code
    operands: list[ast.expr | None]
    names: ChainMap[str, Any]


class Interpreter:
    """Everything a run knows while it goes on.

    Args:
        dispatch: What the language does.
        source: The checked program.
        names: Plain values or tensors that the program may use.
        budget: What the program may use up.
        explain: Turns a failed call into the error that is shown.
        node_type: The class of the recorded nodes.

    Attributes:
        names: The values of all names, the innermost scope first.
        recorder: Records the torch calls.
        current: The syntax node that is running.
        scope: The path of the program's functions that are running.
        path: The name of the innermost of them within those that it is defined in; empty outside of all.
        function: The innermost of them; None outside of all.
        module_paths: Where the modules stand that the program calls.
        call_counts: How often each function was called in each scope.
        depth: How many calls of the program's functions are running.
        passes: How many backward passes are running that have called one.
        function_codes: What each definition says, found once.
        hooks: The functions that backward passes call, by what torch calls for them.
        values: The tensor that each part of the running statement gave.
        line_results: The node that each line bound, returned, or ended with.
        left_results: The tensor, of lines that did so last in a gap.
        printed: What the program has printed.
        print_lines: The line of each text that it has printed.
        printable: How many more characters it may print.
        failed_call: The torch call that failed, until its error has been dealt with.
        random: The generator of Python's random numbers.
        caught: The errors whose `except` is running, the innermost last.
        tries: How many `try` are running that may catch an error.
        cell_errors: The errors of cells that failed and were passed over.
        cell_states: What came of each cell.
        takes_missing_imports: Whether an import of what the language lacks fails only where it is used.
        left_out: What the running cell has left out, as it is written.
        added: What the program has put into modules such as `F`, by the module's name and its own.
        plot: What the running cell plots, if it plots numbers.
        is_drawn: Whether the plot of the running statement is drawn.
        may_skip: Whether turns in the middle of a long loop may run without being recorded.
        storages: The memory of tensors that the program has looked at.
        hash_owners: By a hash that the program gives, the identities of the objects to which it did.
        last_value: The value of the last statement that was an expression.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        source: Source,
        names: Mapping[str, Any],
        budget: Budget,
        explain: Explain,
        node_type: type[RecordNode] = RecordNode,
    ) -> None:
        self.source = source
        self.budget = budget
        self.names: ChainMap[str, Any] = ChainMap(dict(names))
        self.recorder = Recorder(self._origin, budget)
        self.recorder.node_type = node_type
        self.current: ast.AST = source.tree
        self.scope = self.path = ""
        self.function: Any = None
        self.module_paths = ModulePaths()
        self.call_counts: Counter[str] = Counter()
        self.depth = self.passes = 0
        self.function_codes: dict[ast.AST, Any] = {}
        self.hooks: dict[object, Any] = {}
        self.values: dict[ast.expr, Tensor] = {}
        self.line_results: dict[int, RecordNode] = {}
        self.left_results: dict[int, Tensor] = {}
        self.printed: list[str] = []
        self.print_lines: list[int] = []
        self.printable = MAX_PRINTED
        self.failed_call: FailedCall | None = None
        self.caught: list[ProgramError] = []
        self.tries = 0
        self.cell_errors: tuple[ProgramError, ...] = ()
        self.cell_states: tuple[CellState, ...] = ()
        self.takes_missing_imports = False
        self.left_out: list[str] = []
        self.last_value: Any = None
        self.added: dict[tuple[str, str], Any] = {}
        self.plot: Plot | None = None
        self.is_drawn = False
        self.may_skip = True
        self._dispatch = dispatch
        self._handlers = dispatch.handlers
        self._explain = explain
        self._places: dict[ast.AST, tuple[Span | None, str]] = {}
        self._origins: dict[ast.AST, Origin] = {}  # in one scope, the last
        self._origin_scope = ""
        self._numbers = count(1)
        self.random = Random(0)  # noqa: S311  it has Python's own numbers, for a learner to compare
        self.hash_owners: dict[int, set[int]] = {}
        self._addresses: dict[int, tuple[object, int]] = {}
        self.storages = StorageTable()

    def fork(self, source: Source, budget: Budget) -> Interpreter:
        """Return an interpreter of another program that sees this one's names, and binds its own."""
        other = Interpreter(self._dispatch, source, {}, budget, self._explain)
        other.names = self.names.new_child()
        other.added = dict(self.added)
        other.random.setstate(self.random.getstate())
        return other

    def evaluate(self, node: ast.expr) -> Any:
        """Return an expression's value."""
        kind, budget = node.__class__, self.budget
        if kind is ast.Constant or kind is ast.Name:  # by far the most: they get by without a handler
            steps = budget.steps = budget.steps - 1  # `Budget.step`, written out: this runs most often
            if steps < budget.next_look:
                budget.look()
            leaf: Any = node
            if kind is ast.Constant:
                return leaf.value
            value = self.names.maps[0].get(leaf.id, UNBOUND)
            if value is UNBOUND:
                value = self._look_up(leaf)
            if value.__class__ in TENSOR_TYPES:
                self.values[node] = value
            elif value.__class__ in UNREADABLE:
                self.fail(value.error(leaf.id), node)
            return value
        outer, self.current = self.current, node
        try:
            steps = budget.steps = budget.steps - 1
            if steps < budget.next_look:
                budget.look()
            value = self._handlers[kind](self, node)
            if value.__class__ in TENSOR_TYPES:
                self.values[node] = value
            return value
        except FAILURES as error:
            self.fail(error, node)
        finally:
            self.current = outer

    def execute(self, statements: Sequence[ast.stmt]) -> None:
        """Execute statements one after another."""
        budget, handlers = self.budget, self._handlers
        for node in statements:
            self.current = node
            try:
                steps = budget.steps = budget.steps - 1
                if steps < budget.next_look:
                    budget.look()
                handlers[node.__class__](self, node)
            except FAILURES as error:
                self.fail(error, node)

    def suspend(self, statements: Sequence[ast.stmt], pauses: Container[ast.AST]) -> Iterator[Any]:
        """Execute statements one after another, and yield what they yield.

        Args:
            statements: The statements.
            pauses: Those in which the function yields, at any depth.
        """
        for node in statements:
            if node not in pauses:
                self.execute([node])
                continue
            self.current = node
            self.budget.step()
            try:
                yield from self._dispatch.suspending[node.__class__](self, node, pauses)
            except FAILURES as error:
                self.fail(error, node)

    def call(self, function: Any, arguments: Sequence[Any], named: Mapping[str, Any] = NO_NAMES) -> Any:
        """Call any value that can be called, as the running part of the program would."""
        return self._dispatch.call(self, function, arguments, named)

    @property
    def types(self) -> Mapping[type, Any]:
        """What the language calls each type of Python's and torch's that it has."""
        return self._dispatch.types

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record torch calls, and call the methods of the program's objects, while the context is open."""
        with self.recorder, calls_from(self):
            yield

    @property
    def owner(self) -> Any:
        """The object whose method is running; None in a function of no class."""
        if self.function is None or self.function.owner is None:
            return None
        return self.names.get(self.function.first_parameter)

    def call_native(self, member: Any, owner: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call a method of a program's object that Python or torch asks for, recorded and charged as ever."""
        outer = self.current
        self.budget.step(NATIVE_CALL_STEPS)  # looks at the clock: one native method may call another
        try:
            if is_recording():
                return self._dispatch.call_native(self, member, owner, arguments, named)
            with recording_again(self.recorder):  # within one of torch's own calls, or an untraced one
                return self._dispatch.call_native(self, member, owner, arguments, named)
        finally:
            self.current = outer

    def initialize(self, module: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> None:
        """Do what the `__init__` does of the torch class that a module's class is made from."""
        self._dispatch.initialize(self, module, arguments, named)

    def address_of(self, value: object) -> int:
        """Return what stands for a value's address: the same in every run."""
        self.budget.step(2)
        if id(value) not in self._addresses:  # kept with it, so that its id is not reused
            self._addresses[id(value)] = value, address(self.new_number())
        return self._addresses[id(value)][1]

    def new_number(self) -> int:
        """Return the number of a new value, in place of an address: the same in every run."""
        return next(self._numbers)

    def _look_up(self, node: ast.Name) -> Any:
        """Return the value of a name that the innermost scope lacks."""
        for depth, scope in enumerate(self.names.maps):
            if node.id in scope:
                value = scope[node.id]
                self.budget.steps -= depth // 10
                if value is UNBOUND:
                    words = (
                        f"cannot access local variable '{node.id}' where it is not associated with a value"
                    )
                    raise self.error(unbound_local(node.id), node, UnboundLocalError(words))
                return value
        if node.id in self._dispatch.names:
            return self._dispatch.names[node.id]
        is_unknown = node.id not in NAMES and node.id not in dir(builtins)
        star = self.names.maps[-1].get(STAR) if is_unknown else None
        if star is not None:
            return star
        own = [name for name in self._dispatch.names if name[0] == node.id[0]]  # many: others are far-fetched
        known = [*self.names, *own]
        said = unknown_name(node.id, known, self.budget.hint)
        exception = NameError(f"name '{node.id}' is not defined") if is_unknown else None
        raise self.error(said, node, exception)

    def note_result(self, node: RecordNode | None, tensor: Tensor) -> None:
        """Remember what the running line gave: a tensor, and its node, unless it has none in a gap."""
        # What a comprehension goes through is evaluated on a line of its own, but is not that line's result.
        span = None if self.current.__class__ in COMPREHENSIONS else self.source.span(self.current)
        if node is not None and span is not None:
            self.line_results[span.line] = node
            self.left_results.pop(span.line, None)
        elif span is not None and self.recorder.is_paused:  # what it gave before is no longer its result
            self.line_results.pop(span.line, None)
            self.left_results[span.line] = tensor

    def error(self, message: str, node: ast.AST, exception: BaseException | None = None) -> ProgramError:
        """Return an error at a place of the program.

        Args:
            message: What is shown.
            node: The place.
            exception: What Python raises there, which the program may catch; None if Python raises nothing.
        """
        error = self.source.error(message, node)
        error.exception = exception
        return error

    def leave_out(self, node: ast.AST, part: str = "") -> None:
        """Note that a statement means nothing here, or that a part of it does, given as text."""
        if len(self.left_out) < MAX_LEFT_OUT:
            text = part or self.source.text_of(node)
            self.left_out.append(text.partition("\n")[0][:MAX_LEFT_OUT])

    def fail(self, error: Exception, node: Code) -> NoReturn:
        """Raise what came up at a place of the program, as an error that says where."""
        if isinstance(error, RecursionError) or (isinstance(error, ProgramError) and error.span):
            raise error
        if isinstance(error, ProgramError):
            span = self.source.span(node)
            message: str = error.message
            if span and message == self.budget.timeout_message():
                message = self.budget.timeout_message(span.line)
            found = type(error)(message, span, self.source.text)
            found.exception = error.exception
            if isinstance(error, MissingValueError) and isinstance(found, MissingValueError):
                found.root, found.reason = error.root, error.reason
            raise found from None
        if has_too_many_digits(error):
            raise LimitError(TOO_MANY_DIGITS, self.source.span(node), self.source.text) from None
        call = self.recorder.failed
        if call is not None:
            self.failed_call = FailedCall(node, operand_nodes(self, node, call.tensors), self.names)
        raise self._explain(self, node, error) from error

    def _origin(self) -> Origin:
        """Return the place in the program of the call that is made now."""
        if self.scope is not self._origin_scope:  # each call of a function has a scope of its own
            self._origin_scope, self._origins = self.scope, {}
        found = self._origins.get(self.current)
        if found is None:
            place = self._places.get(self.current)
            if place is None:
                text = self.source.text_of(self.current)
                place = self._places[self.current] = self.source.span(self.current), text
            found = self._origins[self.current] = Origin(*place, scope=self.scope)
        return found


def operand_nodes(run: Interpreter, node: Code, tensors: Sequence[Tensor]) -> list[ast.expr | None]:
    """Return for each operand the part of the failing node that it came from, where there is one."""
    parts: dict[int, list[ast.expr]] = {}  # by the tensor, the first part at the end
    for part in reversed([part for part in ast.walk(node) if part is not node]):
        if isinstance(part, ast.expr) and part in run.values:
            parts.setdefault(id(run.values[part]), []).append(part)
    of_each = (parts.get(id(tensor)) for tensor in tensors)
    return [own.pop() if own else None for own in of_each]
