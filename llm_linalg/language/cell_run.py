"""A run of a notebook's cells: what is not run takes its names with it.

Python would go on at the next cell with the names as they are, and its reader would have seen the error. Here
a statement that the language refuses is none of the program's errors: Python would have run it. So the names
that it would have bound or changed are gone (`MissingValue`), what reads one of them is not run either, and
where it may have changed something unseen, such as the generator of random numbers, what follows is marked.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice, pairwise
from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin

from llm_linalg.base.errors import (
    FigureError,
    HaltedError,
    LimitError,
    MissingValueError,
    ProgramError,
    ShapeError,
)
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.text import clean
from llm_linalg.language import allowlist, strings, value_methods
from llm_linalg.language.allowlist import Namespace
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.budget import FAILURE_STEPS, NOTEBOOK_CELL_STEPS, SHAPE_ERROR_STEPS
from llm_linalg.language.classes.program_class import Instance
from llm_linalg.language.effects.effect_sets import Effects
from llm_linalg.language.effects.generator_use import ALL, Generator, seeds, seeds_within
from llm_linalg.language.effects.statement_effects import Definitions
from llm_linalg.language.effects.statement_rest import rest_of_statement
from llm_linalg.language.effects.text_effects import effects_of_text
from llm_linalg.language.effects.value_changes import ALTERING, binds_any_name, settings
from llm_linalg.language.exceptions import exception_of, forget_frames
from llm_linalg.language.figures import Figure
from llm_linalg.language.hidden_changes import MOST_ITEMS, Use
from llm_linalg.language.interpreter import FAILURES, Interpreter
from llm_linalg.language.memory import Memory
from llm_linalg.language.missing import STAR, UNREADABLE, MissingModule, MissingValue
from llm_linalg.language.notebook_source import NotebookSource
from llm_linalg.language.user_function import UserFunction
from llm_linalg.recording.cell_state import CellState, State
from llm_linalg.recording.record import ancestors
from llm_linalg.recording.record_node import RecordNode

_OF_FILES = (
    "read",
    "readline",
    "readlines",
    "read_text",
    "splitlines",
    "numpy",
    "decode",
    "encode",
    "json",
    "item",
)
MOST_ANSWERS = 6  # names whose values a cell is told by
MOST_LEFT_OUT = 20  # lines of a cell that are told to be left out
_LONGEST_REASON = 160  # characters
_LONGEST_ANSWER = 4_000
_LONGEST_LINE = 200

HARMLESS_METHODS = frozenset(
    name
    for name in (*allowlist.METHODS, *chain.from_iterable(value_methods.METHODS.values()), *_OF_FILES)
    if name not in ALTERING and not name.endswith("_")
)
"""Methods that change nothing, whatever has them: those of tensors, text, lists and dicts that don't."""
_DATA: Any = Tensor | Array | int | float | str | torch.dtype | None
_DRAWING = (nn.modules.dropout._DropoutNd, nn.RReLU, LazyModuleMixin)  # noqa: SLF001  it has no public name
_HOLDING_TENSORS: Any = Tensor | list | tuple | dict
_UNTOLD: Any = Tensor | UserFunction | Namespace | Figure

_SETTING_UP = re.compile(
    r"sys\.path\.|os\.environ\b|os\.(makedirs|mkdir|chdir)\(|logging\.(basicConfig|disable|getLogger)\b|nltk\.download\("
)
_WATCHING = re.compile(
    r"torch\.(profiler|autograd\.profiler|cuda\.nvtx|backends\.cuda\.sdp_kernel|nn\.attention\.sdpa_kernel)\b"
)
"""Contexts in which a program gives what it gives without them."""
_LINE = re.compile(r" at line \d+")
RunStatement = Callable[[ast.stmt], None]


class Mark(NamedTuple):
    """Why a value may be another than Python's, though it is shown.

    Attributes:
        cell: The cell that may have made or changed it.
        root: The cell on which that rests.
        said: What that cell may have done: `is made by cell 4, which failed: …`.
    """

    cell: int
    root: int
    said: str


class CellRun:
    """The run of a program's cells.

    Args:
        run: An interpreter of a `NotebookSource` that has run nothing yet.
        run_statement: Runs a statement, and looks for repairs if it fails.
        fail: Raises the budget's own error at a statement.

    Attributes:
        states: What came of the cells so far.
    """

    def __init__(
        self, run: Interpreter, run_statement: RunStatement, fail: Callable[[ast.stmt], NoReturn]
    ) -> None:
        if not isinstance(run.source, NotebookSource):
            raise TypeError("a program has cells if its source has")
        self.states: list[CellState] = []
        self._run, self._source = run, run.source
        self._run_statement, self._fail = run_statement, fail
        self._statements = run.source.tree.body
        self._definitions = Definitions(spend=run.budget.step)
        self._noted = 0  # statements that are taken into the definitions
        self._marks: dict[str, Mark] = {}
        self._random: dict[Generator, Mark] = {}
        self._settings: dict[str, Mark] = {}
        self._unwritten: dict[RecordNode, Mark] = {}
        self._seeded: set[Generator] = set()
        self._mentions_seed = "seed" in run.source.text
        self._error: ProgramError | None = None  # the first of the cell that is running
        run.takes_missing_imports = True

    def run_cells(self, starts: Sequence[int]) -> None:
        """Run the cells that begin at some lines, and raise the error of the last one if it fails."""
        run = self._run
        begin = 0
        lines = [*sorted(starts), run.source.text.count("\n") + 2]
        for number, (line, after) in enumerate(pairwise(lines), 1):
            is_last = number == len(lines) - 1
            run.budget.steps -= 0 if is_last else NOTEBOOK_CELL_STEPS
            end = bisect_left(self._statements, after, key=lambda item: item.lineno)
            try:
                self._cell(number, begin, end, is_last=is_last)
            except ProgramError as error:
                self._leave_unrun(number, len(lines) - 1, error)
                raise
            commands = [text for at, text in self._source.left_out.items() if line <= at < after]
            left_out = tuple(dict.fromkeys([*commands, *run.left_out]))[:MOST_LEFT_OUT]
            gaps = tuple([gap for gap in run.recorder.gaps if line <= gap.line < after])
            self.states[-1] = self.states[-1]._replace(left_out=left_out, gaps=gaps)
            run.left_out = []
            if self._error is not None and is_last:
                raise self._error
            if self._error is not None:
                forget_frames(self._error)
                run.cell_errors = (*run.cell_errors, self._error)
            begin = end

    def _leave_unrun(self, number: int, last: int, error: ProgramError) -> None:
        """Note that nothing is left of the budget to run cells with, or to find out what rests on this one.

        Args:
            number: The cell at which the run ends.
            last: The number of the last cell.
            error: Why it ends.
        """
        own = self._error or error
        self._run.cell_errors = (*self._run.cell_errors, own)
        reason = clean(f"not run: {error.message}", _LONGEST_REASON)
        self.states += [CellState(other, "rests", number, reason) for other in range(number + 1, last + 1)]
        if self.states[number - 1].state == "run":
            self.states[number - 1] = self.states[number - 1]._replace(state="failed", reason=own.message)

    def _cell(self, number: int, begin: int, end: int, *, is_last: bool) -> None:
        run = self._run
        self._error = None
        self.states.append(CellState(number))
        first_node, first_print = len(run.recorder.nodes), len(run.printed)
        outer = run.names
        if begin < end and self._statements[begin].lineno in self._source.scoped:
            run.names = run.names.new_child()
        shown: RecordNode | None = None
        answer = ""
        try:
            for place in range(begin, end):
                try:
                    shown, answer = self._statement(number, place, is_end=is_last and place == end - 1)
                except HaltedError:
                    raise
                except ProgramError as error:
                    self._pass_over(number, place, error, is_last=is_last)
                    if _ends_cell(error):
                        for other in () if is_last else range(place + 1, end):
                            self._take_away(number, other, error)
                        break
        finally:  # what ran of it is shown, whatever ended it
            run.names = outer
            self._close(first_node, first_print, shown, answer)

    def _close(self, first_node: int, first_print: int, shown: RecordNode | None, answer: str) -> None:
        """Put what a cell shows and has printed into its state.

        Args:
            first_node: The number of nodes before it.
            first_print: The number of texts that were printed before it.
            shown: The node of its last value, if that is a tensor.
            answer: The text of its last value, if that is none.
        """
        run = self._run
        if shown is None and len(run.recorder.nodes) > first_node:
            shown = run.recorder.nodes[-1]
        node = None if shown is None else shown.index
        printed = "".join(run.printed[first_print:])
        state = self.states[-1]._replace(answer=answer, node=node, printed=printed, plot=run.plot)
        if run.plot is not None and run.plot.node is not None:
            state = state._replace(node=run.plot.node)
        self.states[-1], run.plot = state, None

    def _statement(self, number: int, place: int, *, is_end: bool) -> tuple[RecordNode | None, str]:
        """Run a statement; return the node and the text of a cell's last value.

        Raises:
            ProgramError: If it is refused, or fails.
        """
        run, statement = self._run, self._statements[place]
        refusal = self._source.refused.get(statement)
        if refusal is not None:
            raise refusal
        if self._means_nothing(statement):
            run.leave_out(statement)
            return None, ""
        is_marked = self._marks or self._random or self._unwritten or self._settings
        effects = self._effects(place) if is_marked else None
        mark = None if effects is None else self._mark_of(effects)
        run.last_value = None
        for part in self._without_contexts(statement):
            self._run_statement(part)
        if effects is not None:
            self._settle(number, effects, mark)
        for generator in seeds(statement):
            self._random.pop(generator, None)
        for setting in settings(statement) & self._settings.keys():
            del self._settings[setting]
        if self._mentions_seed:
            self._seeded |= seeds_within(statement)
        if statement.lineno in self._source.timed:
            self._note_repeats(number, place)
        return self._answer(statement) if is_end else (None, "")

    def _answer(self, statement: ast.stmt) -> tuple[RecordNode | None, str]:
        """Return the node of the value that a cell ends with, or the text of what it gives or binds."""
        run = self._run
        match statement:
            case ast.Expr():
                value, run.last_value = run.last_value, None
                if isinstance(value, Tensor):
                    return run.line_results.get(statement.lineno), ""
                return None, "" if value is None or isinstance(value, Figure) else self._text(value)
            case ast.FunctionDef():
                return None, f"def {statement.name}({_parameters(statement.args)})"[:_LONGEST_LINE]
            case ast.ClassDef():
                return None, f"class {statement.name}"
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                names = [
                    node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)
                ]
                told = [(name, run.names.get(name)) for name in dict.fromkeys(names[:MOST_ANSWERS])]
                return None, "\n".join(
                    f"{name} = {self._text(value)}"[:_LONGEST_LINE]
                    for name, value in told
                    if not isinstance(value, _UNTOLD) and value.__class__ not in UNREADABLE
                )
        return None, ""

    def _text(self, value: Any) -> str:
        """Return a value as Python writes it, or shortly what it is."""
        try:
            return strings.repr_of(self._run, value)[:_LONGEST_ANSWER]
        except FAILURES:
            return short_repr(value, _LONGEST_LINE)

    def _without_contexts(self, statement: ast.stmt) -> list[ast.stmt]:
        """Return a statement; of `with` its body, if it opens nothing but what only watches a program."""
        if not isinstance(statement, ast.With):
            return [statement]
        texts = [self._source.text_of(item.context_expr) for item in statement.items]
        if not all(map(_WATCHING.match, texts)):
            return [statement]
        for item, text in zip(statement.items, texts, strict=True):
            self._run.leave_out(item.context_expr)
            if isinstance(item.optional_vars, ast.Name):
                self._run.names[item.optional_vars.id] = Figure(text.partition("(")[0])
        return statement.body

    def _means_nothing(self, statement: ast.stmt) -> bool:
        """Return whether a statement sets up what there is not here, such as the path of imports."""
        if not isinstance(statement, ast.Expr | ast.Assign) or not _SETTING_UP.match(
            text := self._source.text_of(statement)
        ):
            return False
        return isinstance(self._run.names.get(text.partition(".")[0]), MissingModule)

    # What was not run

    def _pass_over(self, number: int, place: int, error: ProgramError, *, is_last: bool) -> None:
        """Take in that a statement was not run, or failed."""
        run = self._run
        run.recorder.failed = run.failed_call = None
        if isinstance(error, FigureError):
            run.leave_out(self._statements[place])
        elif self._error is None:
            self._error = error
            told = _told(number, error)
            root = told.root if told.state == "rests" else None
            self.states[-1] = self.states[-1]._replace(state=told.state, root=root, reason=error.message)
        if is_last and (_ends_cell(error) or self._statements[place] is self._statements[-1]):
            return  # nothing rests on it
        if isinstance(error, LimitError):
            run.budget.grant_share()  # to find out what rests on it takes steps as well
        self._take_away(number, place, error)
        run.budget.steps -= SHAPE_ERROR_STEPS if isinstance(error, ShapeError) else FAILURE_STEPS
        if run.budget.steps < 0:  # nothing below could run
            self._fail(self._statements[place])

    def _take_away(self, number: int, place: int, error: ProgramError) -> None:
        """Take away the names that a statement would have bound or changed.

        Where Python fails too they are as they are there, but for what the language alone fails at: they are
        marked.
        """
        _, root, reason = _told(number, error)
        is_pythons = exception_of(error) is not None
        effects = self._effects(place)
        names = self._run.names.maps[-1]
        rests = f", which rests on cell {root}" if root != number else ""
        by = f"by cell {number}{rests}, {reason}"
        if self._statements[place] in self._source.files or binds_any_name(self._statements[place]):
            self._mark_all(number, root, by, error.message)
        reach = self._held(effects.reads)
        changes = self._all_changed(effects)
        touches = self._sharing(effects.touches, Memory) | self._graded(effects.touches)
        touches |= self._used_up(effects.grades) | self._changed_by_use(effects, reach.values())
        for name in changes:
            for tensor in self._tensors_in([name]):
                node = self._run.recorder.node_of(tensor)
                if node is not None:
                    self._run.may_skip = False  # what rests on it is told by its nodes
                    self._unwritten[node] = Mark(number, root, f"{name} is changed {by}")
        for name in effects.binds:
            if not is_pythons or name not in names:
                kept = {} if name in effects.rebinds else self._held([name])
                self._lose(name, MissingValue(number, root, reason, "made", (reach, kept)))
            else:
                self._mark(name, Mark(number, root, f"{name} is made {by}"))
        for name in changes - effects.binds:
            if not is_pythons:
                given = self._tensors_of(reach) if isinstance(names.get(name), Tensor | Array) else reach
                missing = MissingValue(number, root, reason, "changed", (given, self._held([name])))
                self._lose(name, missing)
            else:
                self._mark(name, Mark(number, root, f"{name} is changed {by}"))
        for name in touches - effects.binds - changes:
            self._mark(name, Mark(number, root, f"{name} may be changed {by}"))
        draws = effects.draws & self._seeded
        for generator in (draws and draws & self._draws_left(place, error)) | effects.seeds:
            self._random[generator] = Mark(number, root, f"random numbers may be drawn {by}")
        for setting in effects.settings:
            setter, _, _ = setting.partition(" ")
            self._settings[setting] = Mark(number, root, f"{setter} is called {by}")

    def _mark_all(self, number: int, root: int, by: str, message: str) -> None:
        """Take in that code was not run which may bind any name, and draw random numbers."""
        names = self._run.names.maps[-1]
        for name in [name for name, value in names.items() if not isinstance(value, Namespace)]:
            self._mark(name, Mark(number, root, f"{name} may be made {by}"))
        names[STAR] = MissingModule("code that a cell runs", message, is_star=True)
        for generator in self._seeded:
            self._random[generator] = Mark(number, root, f"random numbers may be drawn {by}")

    def _draws_left(self, place: int, error: ProgramError) -> frozenset[Generator]:
        """Return the generators from which a statement would have drawn after it failed."""
        statement = self._statements[place]
        if statement in self._source.refused or error.span is None:
            return ALL
        rest = rest_of_statement(statement, lambda part: self._source.span(part) == error.span)
        return ALL if rest is statement else self._effects(place, rest).draws

    def _tensors_of(self, reach: Mapping[int, object]) -> dict[int, object]:
        """Return the values whose memory a tensor may come to share, or which are too large to tell."""
        found = {}
        for place, value in reach.items():
            memory = Memory(value)
            self._run.budget.step(1 + memory.visited // 2)
            if memory.tensors or not memory.is_known:
                found[place] = value
        return found

    def _mark(self, name: str, mark: Mark) -> None:
        value = self._run.names.maps[-1].get(name)
        if value is not None and value.__class__ not in UNREADABLE:
            self._marks[name] = mark

    def _lose(self, name: str, missing: MissingValue) -> None:
        self._run.names.maps[-1][name] = missing
        self._marks.pop(name, None)

    def _held(self, names: Iterable[str]) -> dict[int, object]:
        """Return what some names hold, by its identity; of what is missing, what that may hold on to."""
        values = self._run.names.maps[-1]
        held: dict[int, object] = {}
        for name in names:
            value = values.get(name)
            if isinstance(value, MissingValue):
                for part in value.reach:
                    self._run.budget.step(1 + len(part) // 8)
                    held.update(part)
            elif value is not None and not isinstance(value, MissingModule):
                held[id(value)] = value
        return held

    def _all_changed(self, effects: Effects) -> set[str]:
        """Return the names whose values a statement would have changed."""
        changes = self._sharing(effects.changes, Memory)
        changes |= self._sharing(effects.alters, lambda part: _memory_but_of(part, Tensor | Array))
        changes |= self._sharing(effects.holds, Memory.of_holders)
        changes |= self._sharing(effects.steps, Memory.of_steps)
        changes |= self._sharing(effects.fills, lambda part: _memory_but_of(part, Tensor))
        return changes | self._graded(effects.grades)

    def _graded(self, names: Iterable[str]) -> set[str]:
        """Return the names whose gradients change if one goes backward from the values of some names."""
        changed = []
        for part in self._held(names).values():
            memory = Memory.of_gradients(part)
            self._run.budget.step(1 + memory.visited // 2)
            changed.append(memory)
        return self._overlapping(changed)

    def _used_up(self, names: Iterable[str]) -> set[str]:
        """Return the names from whose values nothing goes backward once it has gone from those of some."""
        used: set[object] = set()
        for part in self._held(names).values():
            used |= self._graph(part)
        values = self._run.names.maps[-1].items() if used else ()
        return {
            name
            for name, value in values
            if value.__class__ not in UNREADABLE and not used.isdisjoint(self._graph(value))
        }

    def _graph(self, value: object) -> set[object]:
        memory = Memory.of_gradients(value)
        self._run.budget.step(1 + memory.visited // 2)
        return memory.graph

    def _changed_by_use(self, effects: Effects, used: Iterable[object]) -> set[str]:
        """Return the names whose values may change by the use of values, where the text doesn't say so."""
        run = self._run
        values = run.names.maps[-1]
        reads = [
            name for name in effects.reads if name in values and values[name].__class__ not in UNREADABLE
        ]
        use = Use(self._definitions, effects.attributes, values)
        for value in used:
            use.of(value, is_named=True)
        for hook in run.hooks.values() if effects.goes_backward else ():
            use.of(hook)
        run.budget.step(len(reads) + use.looks)
        written = {name for name in use.names if name in values}
        if use.writes_arguments:
            written |= {*reads}
        if use.writes_tensors:
            written |= {name for name in reads if isinstance(values.get(name), _HOLDING_TENSORS)}
        return written | self._sharing(written, Memory) | self._overlapping(use.changed)

    def _sharing(self, names: Iterable[str], memory_of: Callable[[object], Memory]) -> set[str]:
        """Return those of some names whose values can change, and all names of which these are a part.

        Args:
            names: The names.
            memory_of: Returns the memory of a value that may have changed.
        """
        run = self._run
        values = run.names.maps[-1]
        found: set[str] = set()
        changed: list[Memory] = []
        seen: set[int] = set()
        for name in names:
            value = values.get(name)
            if isinstance(value, MissingValue):
                found.add(name)
            for part in self._held([name]).values():
                if id(part) in seen:
                    continue
                seen.add(id(part))
                memory = memory_of(part)
                run.budget.step(1 + memory.visited // 2)
                if memory.places:
                    found.add(name)
                    changed.append(memory)
        return found | self._overlapping(changed)

    def _overlapping(self, changed: Sequence[Memory]) -> set[str]:
        """Return the names whose values share memory with others."""
        found: set[str] = set()
        whole = Memory.joined(changed)
        if not whole.places:
            return found
        for name, value in self._run.names.maps[-1].items():
            if value.__class__ not in UNREADABLE:
                memory = Memory(value, seen=True)
                self._run.budget.step(1 + memory.visited // 2)
                if memory.overlaps(whole):
                    found.add(name)
        return found

    # What may be different

    def _mark_of(self, effects: Effects) -> Mark | None:
        """Return why what a statement gives may be different from Python's."""
        found = next((self._marks[name] for name in sorted(effects.reads & self._marks.keys())), None)
        if found is not None:
            return found
        drawn = sorted(effects.draws & self._random.keys())
        found = next((self._random[one] for one in drawn), None) or self._spoilt(effects.grades)
        return found or (next(iter(self._settings.values()), None) if effects.reads else None)

    def _spoilt(self, names: Iterable[str]) -> Mark | None:
        """Return why nothing goes backward from the values of some names, as far as one can tell.

        What a write changes that was not run is no longer what a step of autograd has kept of it.
        """
        if not self._unwritten:
            return None
        recorder = self._run.recorder
        found = [node for tensor in self._tensors_in(names) if (node := recorder.node_of(tensor)) is not None]
        if not found:
            return None
        self._run.budget.step(1 + len(recorder.nodes) // 8)
        return next(
            (self._unwritten[n] for n in ancestors(recorder.nodes, *found) if n in self._unwritten), None
        )

    def _tensors_in(self, names: Iterable[str]) -> list[Tensor]:
        """Return the tensors in the values of some names."""
        found: list[Tensor] = []
        for value in self._held(names).values():
            memory = Memory(value)
            self._run.budget.step(1 + memory.visited // 2)
            found += memory.tensors
        return found

    def _settle(self, number: int, effects: Effects, mark: Mark | None) -> None:
        """Take in that a statement was run."""
        if mark is None:
            for name in effects.rebinds:
                self._marks.pop(name, None)
            return
        state = self.states[-1]
        if state.state == "run" and not state.reason:
            self.states[-1] = state._replace(root=mark.root, reason=mark.said)
        names = self._run.names.maps[-1]
        changed = self._all_changed(effects)
        changed |= self._changed_by_use(effects, self._held(effects.reads).values())
        for name in effects.binds | changed:
            if name in names and not isinstance(names[name], Namespace):  # of `nn.init.zeros_(x)` x changes
                self._marks[name] = mark._replace(cell=number)

    def _note_repeats(self, number: int, place: int) -> None:
        """Mark what a statement changes that a clock would have run several times."""
        effects = self._effects(place)
        said = f"is timed by cell {number}, which Python runs several times"
        for name in self._all_changed(effects):
            self._marks[name] = Mark(number, number, f"{name} {said}")
        for generator in effects.draws & self._seeded:
            self._random[generator] = Mark(number, number, f"what draws random numbers {said}")

    def _effects(self, place: int, part: ast.stmt | None = None) -> Effects:
        """Return the effects of a statement, with what the statements above it have defined.

        Args:
            place: Its position.
            part: What of it counts; None if all does.
        """
        run, statement = self._run, self._statements[place]
        for other in self._statements[self._noted : place + 1]:
            if other not in self._source.unread:
                self._definitions.note(other)
        self._noted = max(self._noted, place + 1)
        names = run.names.maps[-1]
        unread = self._source.unread.get(statement)
        text = self._source.text_of(statement) if unread is None else unread
        run.budget.step(10 + len(text) // 4)

        def is_unknown(name: str) -> bool:
            known = name in names or name in allowlist.BUILTINS or name in allowlist.IMPORTED
            return _is_unknown(names.get(name if known else STAR))

        def is_data(name: str) -> bool:
            return name in names and _is_data(names[name])

        if unread is not None:
            said = self._source.refused[statement].message
            return self._definitions.effects_of_text(unread, names, is_unknown, said)
        try:
            effects = self._definitions.effects(part or statement, is_unknown, HARMLESS_METHODS, is_data)
        except RecursionError:
            return effects_of_text(text, names)
        sure = all(isinstance(names.get(name), torch.Generator) for name in effects.sources)
        if sure and effects.sources.isdisjoint(effects.binds):
            return effects
        return effects._replace(draws=effects.draws | {"torch"})


class _Told(NamedTuple):
    """What came of a statement that was not run: its state, the cell that it rests on, and why."""

    state: State
    root: int
    reason: str


def _ends_cell(error: ProgramError) -> bool:
    """Return whether nothing of a cell is run below a statement with this error, as none is in Python."""
    return isinstance(error, LimitError) or exception_of(error) is not None


def _parameters(args: ast.arguments) -> str:
    """Return the parameters of a definition, without their defaults."""
    plain = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    rest = [] if args.vararg is None else [f"*{args.vararg.arg}"]
    rest = ["*"] if args.kwonlyargs and not rest else rest
    named = [arg.arg for arg in args.kwonlyargs]
    others = [] if args.kwarg is None else [f"**{args.kwarg.arg}"]
    return ", ".join([*plain, *rest, *named, *others])


def _memory_but_of(value: object, kinds: Any) -> Memory:
    """Return the memory of a value that is of none of some kinds; of those nothing."""
    return Memory(None if isinstance(value, kinds) else value)


def _is_unknown(value: object) -> bool:
    """Return whether nothing is known of what a value's calls do."""
    return isinstance(value, MissingValue) or (isinstance(value, MissingModule) and not value.is_apart)


def _is_data(value: object) -> bool:
    """Return whether a value draws no random numbers, unless a name of a generator's function says so."""
    if isinstance(value, list | tuple) and len(value) <= MOST_ITEMS:
        return all(isinstance(item, _DATA) for item in value)
    if isinstance(value, nn.Module):
        parts = [*islice(value.modules(), MOST_ITEMS)]
        return len(parts) < MOST_ITEMS and not any(map(_may_draw, parts))
    return isinstance(value, _DATA | Namespace | Figure)


def _may_draw(layer: nn.Module) -> bool:
    """Return whether a layer by itself may draw when it is called, or holds what may."""
    held = layer.__fields__.values() if isinstance(layer, Instance) else ()
    draws = isinstance(layer, _DRAWING) or bool(vars(layer).get("dropout"))  # the rate, of an LSTM
    return draws or not all(isinstance(value, _DATA) for value in held)


def _told(number: int, error: ProgramError) -> _Told:
    said = clean(error.message, _LONGEST_REASON)
    if isinstance(error, MissingValueError):
        return _Told("rests", error.root, error.reason)
    if isinstance(error, FigureError):
        return _Told("run", number, "which plots: that is left out")
    if isinstance(error, LimitError):
        own = _LINE.sub("", said)  # the line is one of the program, and not of the cell
        return _Told("failed", number, own if own.startswith("stopped") else f"stopped: {own}")
    if exception_of(error) is not None:
        return _Told("failed", number, f"which failed: {said}")
    what, _, advice = error.message.partition(": ")  # the advice stands at the cell itself
    return _Told(
        "refused", number, f"refused: {clean(what if advice and ' ' in what else said, _LONGEST_REASON)}"
    )
