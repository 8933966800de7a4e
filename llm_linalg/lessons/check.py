"""Check a lesson: what doesn't run, what is missing or unused, which claims are false."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from llm_linalg.base.code_names import CodeNames, code_names
from llm_linalg.base.constants import PRESET_NAMES
from llm_linalg.base.errors import ProgramError, ShapeError
from llm_linalg.base.source import Source
from llm_linalg.base.spelling import hint, quote, unknown
from llm_linalg.base.text import clean, nearest
from llm_linalg.lessons.control import MOST_ENTRIES, Control, Value, grid_shape, is_grid
from llm_linalg.lessons.files import LONGEST_FILE, curriculum_files, read_bytes
from llm_linalg.lessons.formulas.tex_tree import fault
from llm_linalg.lessons.front_matter import line_of
from llm_linalg.lessons.lesson import OTHER_PART, PART_TITLES, UNRUN, WARNING, Lesson, LessonError
from llm_linalg.lessons.markdown import Block, blocks, formulas, links
from llm_linalg.lessons.picture_files import PictureError, read_picture
from llm_linalg.lessons.stop import Stop

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace


def problems(lesson: Lesson, *, thorough: bool = False) -> tuple[LessonError, ...]:
    """Run every stop of a lesson, and return what is wrong with file and line. Imports torch.

    A thorough check runs it with each control at its ends as well.
    """
    by_text: dict[str, LessonError] = {}
    for problem in _Check(lesson).problems(thorough=thorough):
        # A failing program fails again in the stops that continue it.
        by_text.setdefault(str(problem), problem)
    return tuple(by_text.values())


class _Check:
    """A lesson, and what the programs of its stops have been found to make.

    Attributes:
        lesson: The lesson.
        lines: The lines of its file; none if it has no file, or that can't be read any more.
        names: The names that the programs bind.
        shapes: The shapes that each name's tensors have.
        lists: Their lists of words.
        has_failed: Whether one of them fails that should not.
    """

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.lines: list[str] = []
        if lesson.path is not None and not lesson.document and lesson.external is None:
            with suppress(LessonError):
                data = read_bytes(lesson.path, LONGEST_FILE)
                self.lines = data.decode("utf-8", "replace").splitlines()
        ends = (k for k, line in enumerate(self.lines[1:], 1) if line.rstrip() == "+++")
        self._body = next(ends, len(self.lines)) + 1  # the line, from 0, at which the body begins
        self.names: set[str] = set()
        self.shapes: dict[str, set[tuple[int, ...]]] = {}
        self.lists: dict[str, Sequence[str]] = {}
        self.has_failed = False

    def problems(self, *, thorough: bool) -> Iterator[LessonError]:
        yield from self._text()
        programs: list[LessonError] = []
        for stop in self.lesson.stops:
            programs += self._stop(stop)
            if thorough:
                programs += _at_the_ends(self.lesson, stop)
        if self.has_failed:  # what a control or a name is for shows once the program runs
            yield from self._links()
            yield from self._formulas()
            yield from self._pictures()
            yield from (problem for problem in programs if problem.kind != "control")
            return
        yield from self._controls()
        yield from self._links()
        yield from self._formulas()
        yield from self._pictures()
        yield from programs
        yield from self._declarations()

    def _error(self, keys: tuple[str, ...], reason: str, kind: str) -> LessonError:
        """Return an error at a key of the front matter."""
        front = self.lines[1 : self._body - 1]
        return self.lesson.error_at(line_of(front, keys) + 2 if self.lines else 1, reason, kind)

    def _text(self) -> Iterator[LessonError]:
        """Yield what is wrong with the file as text: its part, its headings, characters that are none."""
        lesson = self.lesson
        if lesson.part >= len(PART_TITLES):
            yield self._error(
                ("part",), f"part is a number from 0 to {OTHER_PART}, not {lesson.part}", "file"
            )
        for number, line in enumerate(self.lines, 1):
            odd = next((char for char in line if ord(char) < 32 and char != "\t"), None)
            if odd is not None:
                reason = f"a control character, U+{ord(odd):04X}: it is not text"
                yield lesson.error_at(number, reason, "file")
        if lesson.document or lesson.external is not None:
            return
        for block in blocks("\n".join(self.lines[self._body :])):
            if block.level == 1:
                reason = f"a stop's heading has two signs: ## {block.text}"
                yield lesson.error_at(self._body + block.first + 1, clean(reason, 200), "file")
            elif reason := _doubt(block):
                yield lesson.error_at(self._body + block.first + 1, clean(reason, 200), WARNING)

    def _declarations(self) -> Iterator[LessonError]:
        """Yield what the front matter says of tensors that no program has, or that have other axes."""
        lesson = self.lesson
        for control in lesson.controls:
            shapes = self.shapes.get(control.edits, set())
            reason = ""
            if control.edits and not shapes:
                reason = unknown("tensor", control.edits, sorted(self.shapes))
            elif control.edits and is_grid(control.default) and grid_shape(control.default) not in shapes:
                shape, grid = min(shapes), grid_shape(control.default)
                reason = f"{control.edits} has shape {shape}, and the grid {control.name} has shape {grid}"
            if reason:
                yield self._error(("controls", control.name), reason, "control")
        for name in sorted(lesson.axis_declarations.needs - self.names):
            at = next((k for k, line in enumerate(self.lines, 1) if name in line), 1)
            yield lesson.error_at(at, unknown("name", name, sorted(self.names)), "show")
        for name, _ in lesson.colours:
            if name not in self.names:
                yield self._error(("colours", name), unknown("tensor", name, sorted(self.names)), "show")
        labels = dict(lesson.axis_declarations.labels)
        for tensor, axes in lesson.axis_declarations.axes:
            shapes = self.shapes.get(tensor, set())
            fitting = [shape for shape in shapes if len(shape) == len(axes)]
            if shapes and not fitting:
                reason = f"{tensor} has {len(min(shapes))} axes, and [axes] names {len(axes)} of them"
                yield self._error(("axes", tensor), reason, "show")
            for place, axis in enumerate(axes if fitting else ()):
                words = labels.get(axis, ()) if axis else ()
                listed = self.lists.get(words, ()) if isinstance(words, str) else words
                size = min(shape[place] for shape in fitting)
                if listed and len(listed) < size:
                    reason = f"{axis} has {len(listed)} labels, and along {tensor} there are {size} positions"
                    yield self._error(("labels", axis), reason, "show")

    def _controls(self) -> Iterator[LessonError]:
        """Yield the controls that no program uses and that set no others."""
        names = [_names(stop.program) for stop in self.lesson.stops]
        used = {name for use in names if use is not None for name in use.loads | use.later}
        for control in self.lesson.controls:
            if control.name not in used and not control.sets:
                reason = f"no program uses the control {control.name}{hint(control.name, used)}"
                yield self._error(("controls", control.name), reason, "control")

    def _links(self) -> Iterator[LessonError]:
        """Yield links to lessons that don't exist, from prose, notes, boards and map boxes."""
        lesson = self.lesson
        known = [*(place.stem for place in curriculum_files()), lesson.slug]
        numbered = list(enumerate(self.lines, 1))
        slugs: list[tuple[str | None, int]] = [
            (note.lesson, next((k for k, line in numbered if line.startswith(note.name)), 1))
            for note in lesson.boxes
        ]
        for stop in lesson.stops:
            slugs += [(row.lesson, row.line) for row in (stop.board.rows if stop.board else ())]
            slugs += [
                (slug, next((k for k, line in numbered if f"(lesson:{slug})" in line), stop.line))
                for slug in (*links(stop.prose), *links(stop.notes))
            ]
        for slug, line in slugs:
            if slug is not None and slug not in known:
                reason = f"a link to {quote(slug)}, which is not a lesson{hint(slug, known)}"
                yield lesson.error_at(line, reason, "link")

    def _formulas(self) -> Iterator[LessonError]:
        """Yield the formulas of titles, prose and notes that can't be read: they are shown as written."""
        for stop in self.lesson.stops:
            for text in (stop.title, stop.prose, stop.notes):
                for tex in formulas(text):
                    if reason := fault(tex):
                        first = max(tex.split(), key=len, default="")
                        line = next((k for k, line in enumerate(self.lines, 1) if first in line), stop.line)
                        reason = f"the formula {quote(tex, 40)} is shown as written: {reason}"
                        yield self.lesson.error_at(line, reason, "formula")

    def _pictures(self) -> Iterator[LessonError]:
        """Yield the pictures that the prose names and that can't be shown."""
        numbered = list(enumerate(self.lines, 1))
        for stop in self.lesson.stops:
            for block in blocks(stop.prose) if "![" in stop.prose else ():
                try:
                    if block.kind == "image":
                        read_picture(self.lesson.path, block.info)
                except PictureError as error:
                    line = next((k for k, line in numbered if f"({block.info})" in line), stop.line)
                    yield self.lesson.error_at(line, f"the picture {quote(block.info)}: {error}", "picture")

    def _stop(self, stop: Stop) -> Iterator[LessonError]:
        """Yield the problems of one stop, and add what its program makes."""
        lesson = self.lesson
        if stop.refusals:
            for line, reason in stop.refusals:
                yield lesson.error_in_cell(stop, line, reason)
            return
        try:
            trace = lesson.run(stop)
        except ProgramError as error:
            self.has_failed |= error.lacks_lock or not stop.fails
            if error.lacks_lock:
                yield lesson.error_at(stop.line, error.message, UNRUN)
            elif not stop.fails:
                yield lesson.program_error(stop, error)
            else:
                yield from _questions(lesson, stop)
            return
        self.names |= {*trace.names, *trace.lists}
        self.lists |= trace.lists
        for name in trace.names:
            self.shapes.setdefault(name, set()).add(tuple(trace[name].value.shape))
        yield from faults(lesson, stop, trace)
        for row in stop.board.rows if stop.board and not stop.fails else ():
            if row.name is not None and row.name not in trace:
                yield lesson.error_at(row.line, unknown("tensor", row.name, trace.names), "show")
        yield from _undeclared(lesson, stop)
        if stop is lesson.stops[-1]:
            yield from _growing(lesson, stop, trace)
        if stop.expects and not stop.fails:
            from llm_linalg.lessons.answers import failing_claims

            claims, names = [text for _, text in stop.expects], lesson.names()
            for place, reason in failing_claims(stop.program, claims, lesson.seed, names, own=lesson.is_own):
                yield lesson.error_at(stop.expects[place][0], reason, "claim")
        yield from _questions(lesson, stop)


def faults(lesson: Lesson, stop: Stop, trace: Trace) -> Iterator[LessonError]:
    """Yield what a stop shows that its program, run with the defaults, doesn't have."""
    if stop.fails:
        yield lesson.error_at(stop.line, "the stop is meant to fail, and does not", "program")
        return
    try:
        shown = stop.trace_to_show(trace)
    except LookupError as error:
        yield lesson.error_at(stop.line, str(error.args[0]), "show")
        return
    if shown is None:
        yield lesson.error_at(stop.line, "nothing in the program has a gradient to go backward from", "show")
        return
    trace = shown
    known = dict.fromkeys([*(node.name for node in trace.nodes), *trace.names])
    for name in (stop.show, *stop.beside):
        if name is not None and name not in trace:
            yield lesson.error_at(stop.line, unknown("node", name, known), "show")
    if not trace.nodes:
        return
    yield from _on_map(lesson, stop, trace)
    node = trace[stop.show] if stop.show is not None and stop.show in trace else trace.nodes[-1]
    if stop.order is not None and stop.order not in node.orders:
        yield lesson.error_at(stop.line, unknown(f"order of {node.name}", stop.order, node.orders), "show")
    elif stop.steps and stop.steps[1] > (most := len(node.walk(stop.order or node.orders[0]))):
        yield lesson.error_at(stop.line, f"{node.name} has {most} steps, not {stop.steps[1]}", "show")


def _on_map(lesson: Lesson, stop: Stop, trace: Trace) -> Iterator[LessonError]:
    """Yield the stop's box on the map, and the cell that it follows, if they don't exist."""
    try:
        if stop.map:
            trace.map.level(stop.map[:-1]).box(stop.map[-1])
        if stop.follow is not None:
            trace.node_named(stop.follow.name).reads(stop.follow.position)
    except (LookupError, IndexError) as error:
        yield lesson.error_at(stop.line, str(error.args[0]), "show")


def ends(control: Control) -> tuple[Value, ...]:
    """Return all choices of a control, or its least and its greatest value; () if it is unbounded."""
    if control.kind == "choice":
        return control.choices
    if control.kind == "grid":
        return control.move(control.default, -1), control.move(control.default, 1)
    if control.choices:
        return control.choices[:1], control.choices[-1:] * MOST_ENTRIES
    if control.minimum is None or control.maximum is None:
        return ()
    if isinstance(control.default, tuple):
        size = len(control.default)
        return (control.minimum,) * size, (control.maximum,) * size
    return control.minimum, control.maximum


def extremes(lesson: Lesson) -> Iterator[dict[str, Value]]:
    """Yield each control at its ends with the others at their defaults; then all at their ends together."""
    first: dict[str, Value] = {}
    last: dict[str, Value] = {}
    for control in lesson.controls:
        at = ends(control)
        yield from ({control.name: end} for end in at)
        if at:
            first[control.name], last[control.name] = at[0], at[-1]
    if len(first) > 1:
        yield from (first, last)


def _questions(lesson: Lesson, stop: Stop) -> Iterator[LessonError]:
    """Yield what is wrong with a stop's guess, and with its exercise."""
    from llm_linalg.lessons.answers import ask_fault, judge
    from llm_linalg.questions.proof import faults as faults_of

    if stop.exercise is not None:
        for line, reason in faults_of(judge(lesson, stop, stop.exercise)):
            yield lesson.error_at(line, reason, "question")
    fault = "" if stop.ask is None else ask_fault(lesson, stop, stop.ask)
    if fault and stop.ask is not None:
        yield lesson.error_at(stop.ask.check.line, fault, "question")


def _growing(lesson: Lesson, stop: Stop, trace: Trace) -> Iterator[LessonError]:
    """Yield the problems of the tensors that lists grow by, which the last stop's program makes."""
    for control in lesson.controls:
        if control.append is None:
            continue
        try:
            if control.append not in trace:
                raise ValueError(unknown("tensor", control.append, trace.names))
            if trace[control.append].value.numel() != 1:
                raise ValueError(f"{control.append} is not one number: {control.name} can't grow by it")
            control.append_entry(control.default, trace[control.append].value.item())
        except ValueError as error:
            yield lesson.error_at(stop.line, str(error), "control")


def _doubt(block: Block) -> str:
    """Return what a block of prose may have been meant for; empty if it is plainly prose."""
    if block.level > 2:
        return f"no stop begins here, and the title above stays: a stop's heading is ## {block.text}"
    signs = re.match(r"#+(?=[^\s#])", block.text) if block.kind == "text" else None
    if signs:
        return f"this is prose: behind the {signs[0]} of a heading stands a space"
    word = re.match(r"([A-Za-z]{4,9}):\s", block.text) if block.kind == "text" else None
    if word and nearest(word[1], ["expect"], 0.75) and word[1] != "expect":
        return f'this is prose: did you mean "expect:", not {quote(word[1])}?'
    return ""


def _at_the_ends(lesson: Lesson, stop: Stop) -> Iterator[LessonError]:
    """Yield the errors at the ends of the controls, except shapes that don't fit."""
    for values in extremes(lesson):
        try:
            lesson.run(stop, values)
        except ShapeError:
            continue
        except ProgramError as error:
            settings = ", ".join(
                f"{name} = {lesson.control(name).show(value)}" for name, value in values.items()
            )
            at = lesson.program_error(stop, error)
            yield lesson.error_at(at.line, f"with {settings}: {at.reason}", "control")


def _undeclared(lesson: Lesson, stop: Stop) -> Iterator[LessonError]:
    """Yield the names that a program reads, if only in some branch, and that nothing binds."""
    names = _names(stop.program)
    if names is None or names.stars:  # from math import *
        return
    controls = [control.name for control in lesson.controls]
    ranked = ("rank", "ranks") if stop.ranks else ()
    given = {*names.binds, *names.rebinds, *controls, *ranked, *dir(builtins), *PRESET_NAMES}
    missing = (names.loads | names.later) - given
    for node in ast.walk(Source(stop.program).tree) if missing else ():
        if isinstance(node, ast.Name) and node.id in missing:
            missing -= {node.id}
            reason = f"{node.id} has no value: it is assigned nowhere, and there is no [controls.{node.id}]"
            line = lesson.line_of(stop, node.lineno)
            yield lesson.error_at(line, reason + hint(node.id, controls), "control")


def _names(program: str) -> CodeNames | None:
    """Return the names in a program; None if it can't be parsed."""
    try:
        return code_names(Source(program).tree)
    except ProgramError:
        return None
