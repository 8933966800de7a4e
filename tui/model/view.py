"""The view: everything that identifies a picture, and the command that reopens it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from llm_linalg.base.constants import LookName

if TYPE_CHECKING:
    from llm_linalg.lessons.control import Control, Value
    from llm_linalg.lessons.lesson import Lesson
    from llm_linalg.lessons.stop import Board, FollowedCell, Stop
    from llm_linalg.questions.question import Ask

Depth = Literal["map", "operations", "cells", "terms"]
Cursor = tuple[str, tuple[int, ...]]

SOLUTION = "answer"
"""The name that an exercise's solution has in the program that is stepped through."""

END = 10**15  # a step beyond every walk; `steps.position` clamps it


class ReturnPoint(NamedTuple):
    """The place from which a part was entered, and to which going out returns."""

    path: tuple[str, ...]
    order: str | None
    depth: Depth
    step: int


class Guess(NamedTuple):
    """A guess at what comes next. It belongs to one place, and is gone once the picture moves.

    Attributes:
        place: The place, as `View.place` has it.
        number: The number of the question that is drawn there, from 1; 0 for the stop's own.
        answer: What was answered, as it was typed; None if nothing was.
    """

    place: tuple[object, ...]
    number: int = 0
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Everything that identifies a picture. Frozen; the player and the keys make new ones.

    `controls` holds every control's value as text, in the lesson's order, so that views compare and hash.
    `path` is empty for the node that the stop shows. `step` counts from 1 in the order in force; 0 is
    before the first. `order` None is the stop's own; at depth "terms" the order in force is "terms" and
    `order` is the one that going out comes back to. At depth "map" the place is `box`, by the names of
    the boxes that lead to it, and `path` is what one comes back to. `follows` is lit in all pictures.
    """

    lesson: Lesson = field(repr=False)
    stop: int = 1
    controls: tuple[tuple[str, str], ...] = ()
    seed: int = 0
    path: tuple[str, ...] = ()
    order: str | None = None
    step: int = 0
    depth: Depth = "cells"
    cursor: Cursor | None = None
    at: tuple[int, ...] | None = None  # None: the slice follows the active cell
    look: LookName = "numbers"  # a node that does not have it is shown in numbers
    backward: bool = False
    code: str | None = None  # the program after a repair; None: the lesson's
    row: int = 1  # of the stop's board, from 1
    box: tuple[str, ...] = ()  # of the map
    sort: str = ""  # the column that sorts the rows of the map's tables; empty: they stand as they ran
    follows: FollowedCell | None = None
    guess: Guess | None = None
    reads: bool = False  # whether the program may read the files that its document names
    trusted: bool = False  # whether it may run with the user's rights where nothing would lock it in
    return_path: tuple[ReturnPoint, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        """Drop a guess that was made at another place."""
        if self.guess is not None and self.guess.place != self.place:
            object.__setattr__(self, "guess", None)

    @property
    def place(self) -> tuple[object, ...]:
        """What of a view a guess belongs to: the step that is shown, and of which run."""
        at = (self.lesson.slug, self.stop, self.path, self.order, self.depth, self.step, self.backward)
        return (*at, *self.choices)

    def with_guess(self, number: int, answer: str | None = None) -> View:
        """Return the view with a question asked, and perhaps answered."""
        return replace(self, guess=Guess(self.place, number, answer))

    @property
    def own_ask(self) -> Ask | None:
        """What the stop asks before its picture moves; None without, or once it has moved."""
        ask = self.at_stop.ask
        if ask is None or (self.guess is not None and self.guess.number):
            return None
        opening = View.opening(self.lesson, self.stop)
        here = (self.path, self.order, self.depth, self.step, self.backward, self.box)
        there = (
            opening.path, opening.order, opening.depth, opening.step, opening.backward, opening.box
        )  # fmt: skip
        return ask if here == there else None

    @classmethod
    def opening(cls, lesson: Lesson, stop: int = 1) -> View:
        """Return the view with which a stop opens: the cells of its node, before the first step.

        An exercise opens with the whole node: it is about what is there.
        """
        at = lesson.stops[stop - 1]
        return cls(
            lesson,
            stop,
            tuple((control.name, control.show(control.default)) for control in lesson.controls),
            lesson.seed,
            step=at.steps[0] - 1 if at.steps else 0,
            look=at.look or "numbers",
            depth=_opening_depth(at),
            backward=at.backward,
            box=at.map or (),
            follows=at.follow,
        )

    @property
    def is_original(self) -> bool:
        """Whether the program is the lesson's own, with its own seed and the defaults of its controls."""
        written = View.opening(self.lesson, self.stop)
        own = self.code is None and self.seed == written.seed and self.controls == written.controls
        return own and not self.lesson.document

    @property
    def at_stop(self) -> Stop:
        """The stop that is open."""
        return self.lesson.stops[self.stop - 1]

    @property
    def board(self) -> Board | None:
        """The stop's board, where it is what the stage shows: at the stop's own node, with no cell asked."""
        stop = self.at_stop
        here = not self.path or self.path == (stop.show,)
        shown = here and not self.backward and self.cursor is None and self.depth not in ("map", "operations")
        return stop.board if shown else None

    @property
    def program(self) -> str:
        """The program that is run."""
        return self.at_stop.program if self.code is None else self.code

    @property
    def solution_line(self) -> int | None:
        """The line of an exercise's solution, where that is what is shown; None elsewhere."""
        shown = self.at_stop.exercise is not None and self.path[:1] == (SOLUTION,) and not self.backward
        above = self.at_stop.program
        return (above.count("\n") + 2 if above else 1) if self.code is not None and shown else None

    @property
    def own_line(self) -> int:
        """The line of the program, from 1, where the stop's own lines begin; below it if there are none."""
        own, asks = self.at_stop.code, self.at_stop.exercise is not None
        if self.lesson.document or (not asks and self.code is not None):
            return 1
        if not asks and not own:
            return self.program.count("\n") + 2
        if asks:  # what it sets up, and a solution below that
            whole = self.at_stop.program
            return whole.count("\n") + 2 - (own.count("\n") + 1 if own else 0) if whole else 1
        return self.program.count("\n") - own.count("\n") + 1

    @property
    def cells(self) -> tuple[int, ...]:
        """The lines at which the program's cells begin, if it is a document's."""
        return self.lesson.cells(self.at_stop)

    @property
    def values(self) -> dict[str, Value]:
        """The controls' values, parsed."""
        return {name: self.lesson.control(name).parse(text) for name, text in self.controls}

    @property
    def names(self) -> dict[str, object]:
        """The controls' values as the program's names."""
        from llm_linalg.lessons.control import as_name

        return {name: as_name(value) for name, value in self.values.items()}

    def control(self, name: str) -> Control:
        """Return the lesson's control of that name. Raises LookupError."""
        return self.lesson.control(name)

    def set(self, name: str, text: str) -> View:
        """Return the view with a control set from text. Raises LookupError (name) or ValueError (text).

        A choice may set other controls besides. What depends on the old values (a repair, a slice) is
        dropped; the step stays, as far as there is one.
        """
        return self._with(name, self.lesson.control(name).parse(text))

    def move(self, name: str, direction: int) -> View:
        """Return the view with a control at its next (+1) or previous (−1) value."""
        return self._with(name, self.lesson.control(name).move(self.values[name], direction))

    def append_to(self, name: str, number: int | float) -> View:
        """Return the view with a number, or the choice at that index, at a list's end. Raises ValueError."""
        return self._with(name, self.lesson.control(name).append_entry(self.values[name], number))

    def with_seed(self, seed: int) -> View:
        """Return the view with another seed."""
        return self if seed == self.seed else self._with_choices(seed=seed)

    def with_program(self, program: str) -> View:
        """Return the view with another program, such as one with a repair applied."""
        return self._with_choices(code=program)

    def at_stop_number(self, stop: int) -> View:
        """Return the view at another stop of the same lesson, controls and seed kept."""
        opening = View.opening(self.lesson, stop)
        opening = replace(opening, code=self._code_at(opening.program))
        chosen = self.look != View.opening(self.lesson, self.stop).look
        look = self.look if chosen else opening.look
        there = replace(opening, controls=self.controls, seed=self.seed, look=look)
        return replace(there, reads=self.reads, trusted=self.trusted)

    def same_program(self, other: View) -> bool:
        """Return whether both show the same run: same lesson, stop and choices, as much trusted."""
        same = (self.stop, self.choices, self.trusted) == (other.stop, other.choices, other.trusted)
        return same and self.lesson is other.lesson

    def _code_at(self, other: str) -> str | None:
        """Return a document's program at another cell, if a repair has changed what stands in both."""
        mine = self.at_stop.program
        if not self.lesson.document or self.code is None or self.code.count("\n") != mine.count("\n"):
            return None
        if other.startswith(mine):
            code = self.code + other[len(mine) :]
        elif mine.startswith(other):
            code = "\n".join(self.code.split("\n")[: other.count("\n") + 1])
        else:
            return None
        return None if code == other else code

    @property
    def choices(self) -> tuple[object, ...]:
        """What was chosen of the run: controls, seed, another program, and whether it reads files."""
        return self.controls, self.seed, self.code, self.reads

    def with_choices_of(self, other: View) -> View:
        """Return the view with another view's choices."""
        return replace(self, controls=other.controls, seed=other.seed, code=other.code, reads=other.reads)

    def _with(self, name: str, value: Value) -> View:
        values = self.lesson.change(self.values, name, value)
        changed = tuple((key, self.lesson.control(key).show(values[key])) for key, _ in self.controls)
        return self if changed == self.controls else self._with_choices(controls=changed)

    def _with_choices(
        self,
        *,
        controls: tuple[tuple[str, str], ...] | None = None,
        seed: int | None = None,
        code: str | None = None,
    ) -> View:
        return replace(
            self,
            controls=self.controls if controls is None else controls,
            seed=self.seed if seed is None else seed,
            code=code,
            at=None,
        )


def _opening_depth(stop: Stop) -> Depth:
    if stop.exercise is not None or stop.look == "top":
        return "operations"
    return "map" if stop.map is not None else "terms" if stop.order == "terms" else "cells"


class History(NamedTuple):
    """Undo and redo of views."""

    past: tuple[View, ...] = ()
    future: tuple[View, ...] = ()
    limit: int = 200

    def push(self, view: View) -> History:
        """Remember `view` before it is left for another, and forget what was undone."""
        return self._replace(past=(*self.past, view)[-self.limit :], future=())

    def undo(self, now: View) -> tuple[View, History]:
        """Return the previous view, and the history then; the same view at the beginning."""
        if not self.past:
            return now, self
        return self.past[-1], self._replace(past=self.past[:-1], future=(now, *self.future))

    def redo(self, now: View) -> tuple[View, History]:
        """Return the view that was undone, and the history then; the same view at the end."""
        if not self.future:
            return now, self
        return self.future[0], self._replace(past=(*self.past, now), future=self.future[1:])
