"""Lessons, and the error of a broken file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.base.axis_labels import NO_DECLARATIONS, AxisDeclarations
from llm_linalg.base.spelling import unknown
from llm_linalg.base.text import NOTHING, CleanText, clean
from llm_linalg.lessons.control import Control, Value, as_name
from llm_linalg.lessons.stop import Heading, Stop
from llm_linalg.lessons.words import NO_WORDS, Words

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace
    from llm_linalg.base.errors import ProgramError
    from llm_linalg.lessons.external import ExternalProgram

PART_TITLES = (
    "The sentence",
    "Into numbers",
    "Comparing words",
    "Changing words",
    "Learning",
    "Useful matrices",
    "Reading",
    "Thinking",
    "Speaking",
    "More lessons",
)
OTHER_PART = len(PART_TITLES) - 1  # the part of a lesson that names none
WARNING = "warning"  # the kind of an error that may be meant
UNRUN = "unrun"  # the kind of one that says why nothing was run: it is the machine's, and not the lesson's
MOST_MINUTES = 600.0  # the most that a stop or a talk may be planned to take


class LessonError(Exception):
    """A lesson that is broken.

    Attributes:
        file: Its path, as text of one line.
        line: The line to look at, from 1.
        reason: One sentence.
        kind: What is broken: "file", or, from a check, "program", "show", "control", "link", "note",
            "claim", "question", "formula", "picture", "fit", "warning" for what may be meant, "unrun" for
            what can't be run here.
    """

    def __init__(self, file: str, line: int, reason: str, kind: str = "file") -> None:
        self.file = clean(file, 1000)
        self.line = line
        self.reason = clean(reason)
        self.kind = kind
        super().__init__(f"{self.file}:{line}: {self.reason}")


class LineError(Exception):
    """What is wrong with a line, from 1, of a lesson or a document that is being read."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class UnknownNameError(LookupError):
    """No lesson, stop or control has that name; the message lists those that there are."""


class BoxNote(NamedTuple):
    """A note on the boxes of one name."""

    name: str  # a function of the program, a module, or an operation
    lesson: str | None = None  # the slug of the lesson that such a box opens, or None
    words: CleanText = NOTHING  # its meaning in linear algebra, in a few words


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson: the checked contents of its file.

    Attributes:
        slug: The file's name without its suffix.
        title: Its title.
        part: The part of the curriculum that it belongs to.
        order: Its position within the part.
        seed: The seed for `torch.manual_seed` before the program runs.
        controls: The names of the program that the learner changes.
        stops: Its stops, in order, at least one; none of a lesson that is only listed (`reader.shelf`).
        path: The file, or None.
        outline: The headings of a document (a notebook, a Python file, any Markdown).
        document: Whether it is a document, whose failing cells don't stop the cells below.
        external: Trusted Python to run in place of a program; the lesson then has one stop without a program.
        minutes: The planned length of a talk of it, or None.
        axis_declarations: The names and labels of its tensors' axes.
        words: What an external program has along its axes.
        colours: The colours of its tensors: pairs of a name and one of `HUES`, or one for each device.
        opens_at: The number of the stop at which it opens: in a document the first that shows something.
        boxes: Notes on the boxes of its maps, and the lessons that they open.
        is_own: Whether its programs are our own text, as those of the course are: they run in this process.
    """

    slug: str
    title: CleanText
    part: int = OTHER_PART
    order: int = 0
    seed: int = 0
    controls: tuple[Control, ...] = ()
    stops: tuple[Stop, ...] = ()
    path: Path | None = None
    outline: tuple[Heading, ...] = ()
    document: bool = False
    external: ExternalProgram | None = None
    minutes: float | None = None
    axis_declarations: AxisDeclarations = NO_DECLARATIONS
    words: Words = NO_WORDS
    boxes: tuple[BoxNote, ...] = ()
    colours: tuple[tuple[str, tuple[str, ...]], ...] = ()
    opens_at: int = 1
    is_own: bool = False

    @property
    def part_title(self) -> CleanText:
        """The title of its part; a lesson beyond the parts is its own."""
        return clean(PART_TITLES[self.part]) if self.part < len(PART_TITLES) else self.title

    @property
    def asks(self) -> int:
        """How many guesses it asks for."""
        return sum(stop.ask is not None for stop in self.stops)

    @property
    def exercises(self) -> int:
        """How many exercises it has."""
        return sum(stop.exercise is not None for stop in self.stops)

    @property
    def place(self) -> CleanText:
        """Its place in the curriculum, as the part's number and title; the file name of a document."""
        if self.path is not None and (self.document or self.external is not None):
            return clean(self.path.name, 60)
        if self.external is not None:
            return clean("Python")
        return clean(f"{self.part} {self.part_title}") if self.part < len(PART_TITLES) else self.title

    def stop(self, number: int) -> Stop:
        """Return the stop of a number, from 1; raise `UnknownNameError` if there is none."""
        if not 1 <= number <= len(self.stops):
            raise UnknownNameError(f"{self.slug} has stops 1 to {len(self.stops)}: there is no stop {number}")
        return self.stops[number - 1]

    def control(self, name: str) -> Control:
        """Return the control of a name; raise `UnknownNameError`, with the nearest one, if there is none."""
        for control in self.controls:
            if control.name == name:
                return control
        names = [control.name for control in self.controls]
        raise UnknownNameError(unknown(f"control of {self.slug}", name, names))

    def values(self, given: Mapping[str, Value] | None = None) -> dict[str, Value]:
        """Return the value of every control: as given, else as a given choice sets it, else the default.

        Raises:
            UnknownNameError: If a name is not a control.
            ValueError: If a control doesn't take its value.
        """
        given = {name: self.control(name).check(value) for name, value in (given or {}).items()}
        values = {control.name: control.default for control in self.controls}
        for name, value in given.items():
            values.update(self._set_by(name, value))
        return values | given

    def change(self, values: Mapping[str, Value], name: str, value: Value) -> dict[str, Value]:
        """Return all values after one control was set, including the values that its choice sets.

        A choice sets another control only where nobody has moved that: from the value that the choice before
        set, or that it has without any.

        Raises:
            UnknownNameError: If a name is not a control.
            ValueError: If the control doesn't take the value.
        """
        value = self.control(name).check(value)
        now = self.values(values)
        sets = self._set_by(name, value)
        if self.control(name).kind == "choice":
            sets = {
                other: new for other, new in sets.items() if now[other] in self._unmoved(name, now, other)
            }
        return {**now, **sets, name: value}

    def _unmoved(self, name: str, now: Mapping[str, Value], other: str) -> set[Value]:
        """Return the values of a control that some choice, or nobody, has given it."""
        by_choice = self._set_by(name, now[name])
        if other in by_choice:
            return {by_choice[other]}
        return {
            self.control(other).default,
            *(new for _, set_too, new in self.control(name).sets if set_too == other),
        }

    def _set_by(self, name: str, value: Value) -> dict[str, Value]:
        control = self.control(name)
        return {other: new for chosen, other, new in control.sets if chosen in ("", control.show(value))}

    def run(
        self, stop: Stop | int = 1, controls: Mapping[str, Value] | None = None, seed: int | None = None
    ) -> Trace:
        """Return the trace of a stop's program, with the lesson's seed unless one is given. Imports torch.

        Raises:
            ProgramError: If the program fails, as that of a stop with `fails` does.
        """
        from llm_linalg.api.run import run_text

        seed = self.seed if seed is None else seed
        if self.external is not None:
            return self.external.run(seed)
        chosen = self.stop(stop) if isinstance(stop, int) else stop
        return run_text(
            chosen.program,
            own=self.is_own,
            seed=seed,
            seconds=None,  # a lesson's pictures must not depend on the clock
            names=self.names(controls),
            cells=self.cells(chosen),
            ranks=chosen.ranks,
        )

    def names(self, controls: Mapping[str, Value] | None = None) -> dict[str, object]:
        """Return the controls' values as the program sees them, lists for tuples; raises as `values` does."""
        values = self.values(controls).items()
        return {name: as_name(value) for name, value in values}

    def cells(self, stop: Stop) -> tuple[int, ...]:
        """Return the lines, from 1, at which the cells of a document's program begin; () for a lesson.

        The n-th is that of stop n: one whose code is not in the program has a cell without lines.
        """
        starts: list[int] = []
        line = 1
        for part in self._parts(stop) if self.document else ():
            starts += [line] * (part.number - len(starts))
            line += len(part.code.split("\n"))
        return tuple(starts)

    def _parts(self, stop: Stop) -> tuple[Stop, ...]:
        """Return the stops whose code makes up a stop's program, itself last."""
        above = self.stops[: stop.number - 1 if stop.exercise is None else stop.exercise.after]
        own = () if stop.exercise is not None and not stop.code else (stop,)
        return (*filter(stop.continues, above), *own)

    def line_of(self, stop: Stop, line: int) -> int:
        """Return the line in the lesson's file of a line of a stop's program, both from 1."""
        part, own = self._own_line(stop, line)
        return part.exercise.setup[own - 1].line if part.exercise and own else part.line + own

    def _own_line(self, stop: Stop, line: int) -> tuple[Stop, int]:
        """Return the stop in whose code a line of a stop's program stands, and its line there; 0 without."""
        for part in self._parts(stop):
            length = len(part.code.split("\n")) if part.code else 0
            if line <= length:
                return part, line
            line -= length
        return stop, 0

    def unreadable_program(self) -> LessonError | None:
        """Return the error of the first fence that can't be read, as while it is written; or None.

        Runs nothing. What is meant to fail, and a document's cells, may be anything.
        """
        from llm_linalg.base.errors import ProgramError
        from llm_linalg.base.source import Source

        for stop in () if self.document or self.external is not None else self.stops:
            try:
                if stop.code and not stop.fails:
                    Source(stop.code)
            except ProgramError as error:
                return self.error_at(stop.line + (error.line or 1), error.message, "program")
        return None

    def program_error(self, stop: Stop, error: ProgramError) -> LessonError:
        """Return the lesson's error for a stop whose program fails unexpectedly."""
        if self.is_notebook:
            part, own = (stop, 1) if error.line is None else self._own_line(stop, error.line)
            return self.error_in_cell(part, own, error.message)
        line = stop.line if error.line is None else self.line_of(stop, error.line)
        return self.error_at(line, error.message, "program")

    @property
    def is_notebook(self) -> bool:
        """Whether its cells have no lines of a file, but numbers."""
        return self.document and self.path is not None and self.path.suffix.lower() == ".ipynb"

    def error_in_cell(self, stop: Stop, line: int, reason: str) -> LessonError:
        """Return an error at a line, from 1, of a document's cell; a notebook's file has other lines."""
        if self.is_notebook:
            return LessonError(f"{self.path}, code cell {stop.number}", max(line, 1), reason, "program")
        return self.error_at(stop.line + line, reason, "program")

    def error_at(self, line: int, reason: str, kind: str) -> LessonError:
        """Return an error at a line of the lesson's file."""
        return LessonError(str(self.path or self.slug), line, reason, kind)


def lesson_of(
    given: ExternalProgram, title: str, path: Path | None = None, seed: int = 0, words: Words = NO_WORDS
) -> Lesson:
    """Return a lesson of one stop that shows an external program.

    With a vocabulary it opens with words, and what is compared at a table of what differs.
    """
    name = clean(clean(title, 60) or "trace")
    stop = Stop(number=1, title=name, look="top" if words.vocabulary else None)
    if given.comparison is not None:
        stop = stop._replace(map=(), look="changes")
    return Lesson(
        slug=f"trace:{name}", title=name, seed=seed, stops=(stop,), path=path, external=given, words=words
    )
