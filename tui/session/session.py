"""The state of the app as one value: the view, its run, the player, what is selected.

The commands of `tui.session.commands` are functions from a session to a session. The screen runs the
program again when the view asks for another run, and draws.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from llm_linalg.lessons.lesson import OTHER_PART
from llm_linalg.lessons.markdown import links
from tui.files.course_progress import CourseProgress, LessonProgress
from tui.model.cell_survey import CellSurvey
from tui.model.map_table import TABLES
from tui.model.view import History, View
from tui.navigation import steps
from tui.navigation.playground import PLAYGROUND, at_operation, is_playground, last_line
from tui.navigation.steps import Navigable, Player
from tui.session.attempts import Attempts, ExerciseAttempt, attempt_at, with_attempt
from tui.session.contexts import OFF_STAGE, Context
from tui.session.lesson_settings import LessonSettings, keeps_settings, opening_with, with_settings_of
from tui.text.prose import as_sentence

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace
    from llm_linalg.lessons.lesson import Lesson
    from tui.compose.program_run import Run
    from tui.files.state_file import State
    from tui.session.presentation.state import Talk


THE_SOLUTION = "This is the solution."
UNDER_SIDEBAR = frozenset(
    {Context.CURSOR, Context.MASK_CURSOR, Context.BOARD, Context.MAP, Context.MAP_TABLE, Context.MAP_LESSONS}
)
"""Contexts whose keys choose in the sidebar while it is open."""


class Trail(NamedTuple):
    """The views to go back to.

    Attributes:
        cells: Those from which a cell was followed to where it was made.
        boards: The boards from which lessons were opened.
        off_map: The view from which the map was opened last.
    """

    cells: tuple[View, ...] = ()
    boards: tuple[View, ...] = ()
    off_map: View | None = None


class Selection(NamedTuple):
    """What the next key acts on.

    Attributes:
        control: The selected control's name.
        sidebar: What is being chosen in the sidebar: a lesson's slug, or an outline entry's command.
        links: The view at which the lessons that its text links to are offered.
    """

    control: str | None = None
    sidebar: str | None = None
    links: View | None = None


class EditorState(NamedTuple):
    """The playground's editor.

    Attributes:
        is_open: Whether it has the keys.
        caret: The line, from 1, on which its cursor stands.
        draft: The playground's last program.
        is_new_program: Whether a command put its program there; else it is the draft.
        is_landing: Whether the run under way shall show the caret's operation.
        last_repair: The run that failed in it, the number of the repair made, and the program then.
    """

    is_open: bool = False
    caret: int = 1
    draft: str | None = None
    is_new_program: bool = False
    is_landing: bool = False
    last_repair: tuple[Run, int, str] | None = None


class Learner(NamedTuple):
    """What is known of who learns.

    Attributes:
        settings: The settings with which lessons were left.
        progress: What was seen and solved of the course.
        attempts: What was written at exercises.
        way: The way that was taken from the door; None while none was.
        explained_redraws: The lessons in which it was said why a tensor of the same size has other numbers.
        guessed: The stops, each with its lesson's slug, whose own question was answered.
        is_brief: Whether stops marked "More" are left out.
    """

    settings: LessonSettings = ()
    progress: CourseProgress = CourseProgress()
    attempts: Attempts = ()
    way: str | None = None
    explained_redraws: frozenset[str] = frozenset()
    guessed: frozenset[tuple[str, int]] = frozenset()
    is_brief: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Session:
    """The state of the explorer.

    Attributes:
        view: The picture to show.
        lessons: Every lesson that the sidebar lists.
        last_run: The last run; it may belong to an earlier view while a new run is under way.
        trail: The views to go back to.
        selection: What the next key acts on.
        editor: The playground's editor.
        learner: What is known of who learns.
        notice: One line for the learner, until the next key.
        talk: The deck that is on stage, if one is.
        door: Whether the door is shown: a sentence, and the ways into the course.
        ended_at: The view at whose last step it was said what comes next, until one goes elsewhere.
        survey: The states of all cells of the open document, once they were run.
    """

    view: View
    lessons: tuple[Lesson, ...] = ()
    last_run: Run | None = None
    player: Player = field(default_factory=Player)
    history: History = field(default_factory=History)
    trail: Trail = field(default_factory=Trail)
    selection: Selection = field(default_factory=Selection)
    editor: EditorState = field(default_factory=EditorState)
    learner: Learner = field(default_factory=Learner)
    notice: str = ""
    talk: Talk | None = None
    door: bool = False
    ended_at: View | None = None
    survey: CellSurvey | None = None

    def __post_init__(self) -> None:
        """List what is open; keep the playground's program whatever way it is left; its editor closes."""
        if not any(lesson.slug == self.view.lesson.slug for lesson in self.lessons):
            object.__setattr__(self, "lessons", _with_lesson(self.lessons, self.view.lesson))
        if is_playground(self.view.lesson):
            object.__setattr__(self, "editor", self.editor._replace(draft=self.view.program))
        elif self.editor.is_open:
            object.__setattr__(self, "editor", self.editor._replace(is_open=False))

    @classmethod
    def start(
        cls,
        view: View,
        lessons: Sequence[Lesson],
        player: Player | None = None,
        draft: str | None = None,
    ) -> Session:
        """Return a session that opens with a view; `draft` is the playground's program."""
        if is_playground(view.lesson) and view.code is None:
            view = replace(view, code=draft)
        return cls(
            view,
            tuple(lessons),
            player=player or Player(),
            selection=Selection(first_control(view)),
            editor=EditorState(
                is_playground(view.lesson) and not view.path and view.cursor is None,
                last_line(view.program),
                draft,
            ),
        )

    @property
    def current(self) -> Run | None:
        """The run that belongs to the view; None while it is under way."""
        return self.last_run if self.last_run is not None and self.last_run.serves(self.view) else None

    def before(self, shown: Run | None = None) -> Run | None:
        """Return the run that may be shown beside a failure: of the same stop before it failed, or None.

        Args:
            shown: What was on the screen last; the last run unless given.
        """
        run, view = shown or self.last_run, self.view
        if run is None or run.view.stop != view.stop:
            return None
        saved = (
            self.talk is not None and run.view.lesson.path == view.lesson.path is not None
        )  # it was read anew
        return run if run.view.lesson is view.lesson or saved else None

    @property
    def attempt(self) -> ExerciseAttempt:
        """What was written at the exercise of the view's stop."""
        return attempt_at(self.learner.attempts, self.view)

    def with_survey(self, survey: CellSurvey) -> Session:
        """Return the session that knows the states of all cells.

        At opening, and once it may read files, a notice sums up what is not run.
        """
        before, view = self.survey, survey.view
        is_told = before is not None and (before.view.lesson, before.view.reads) == (view.lesson, view.reads)
        session = replace(self, survey=survey)
        return session if is_told or self.notice else session.with_notice(survey.says)

    @property
    def named_files(self) -> tuple[str, ...]:
        """The files beside the document that its cells name and may not read, once that is known."""
        survey = self.survey
        return survey.named if survey is not None and survey.serves(self.view) else ()

    @property
    def awaits_survey(self) -> bool:
        """Whether a document is open the states of whose cells are not all known."""
        run = self.current
        if not self.view.lesson.document or self.talk is not None or run is None or run.is_unlocked:
            return False
        return self.survey is None or not self.survey.serves(self.view)

    @property
    def needs_trust(self) -> bool:
        """Whether programs run here with the user's rights, once he says so, as the last run has shown."""
        run = self.last_run
        return run is not None and (run.is_unlocked or run.view.trusted)

    @property
    def navigation(self) -> Navigable | None:
        """What the player moves on; None where there is nothing to step through."""
        run = self.current
        if run is None or run.trace is None:
            return None
        try:
            return run.navigation(self.view)
        except LookupError:
            return None

    def awaits(self, command: str) -> bool:
        """Return whether a command on a control needs the run under way: a list grows by its result."""
        name, _, argument = command.partition(":")
        changed = argument.rpartition(":")[0] if name == "set" else self.selection.control
        growing = {control.name for control in self.view.lesson.controls if control.append is not None}
        return name in ("set", "control.up") and changed in growing

    @property
    def reopening_view(self) -> View:
        """The view as a command names it: without a loop order that its node does not have."""
        navigation = self.navigation
        kept = navigation is None or self.view.order in navigation.orders
        return self.view if kept else replace(self.view, order=None)

    @property
    def contexts(self) -> frozenset[Context]:
        """The contexts that hold now, as far as the session tells."""
        return frozenset({Context.DOOR, Context.EVERYWHERE}) if self.door else self._contexts

    @property
    def _contexts(self) -> frozenset[Context]:
        run, navigation = self.current, self.navigation
        broken = run is not None and run.failure is not None and run.failure.repair_count > 0
        if self.editor.is_open:
            again = self.editor.last_repair is not None and self.editor.last_repair[2] == self.view.program
            repairs = {Context.EDITOR_REPAIRS} if broken or again else set()
            unlocked = {Context.EDITOR_UNLOCKED} if self.needs_trust and not self.view.trusted else set()
            return frozenset({Context.EDITOR, Context.EVERYWHERE} | repairs | unlocked)
        contexts = {Context.ALWAYS, Context.EVERYWHERE, Context.NO_PRESENTATION, *self._place}
        if navigation is not None and navigation.path:
            contexts |= self._here(navigation)
        contexts |= self._asked
        if broken:
            contexts.add(Context.REPAIRS)
        if self.view.cursor is not None:
            contexts.add(Context.CURSOR)
            if run is not None and _can_flip(run, self.view):
                contexts.add(Context.MASK_CURSOR)
        if self.view.board is not None and (run is None or run.error is None):
            contexts.add(Context.BOARD)
        if self.trail.cells:
            contexts.add(Context.CURSOR_TRAIL)
        if self.trail.boards and self.trail.boards[-1].at_stop is not self.view.at_stop:
            contexts.add(Context.BOARD_VISIT)
        if self.selection.sidebar is not None:
            contexts = (contexts - UNDER_SIDEBAR) | {Context.SIDEBAR}
        if links(self.view.at_stop.prose):
            contexts.add(Context.LINKS)
            offered = self.notice and self.selection.links == self.view
            contexts |= {Context.LINK_CHOICE} if offered else set()
        if self.view.at_stop.ranks and run is not None and run.trace is not None:
            contexts.add(Context.DEVICES)
        return frozenset(contexts if self.talk is None else (contexts - OFF_STAGE) | {Context.PRESENTATION})

    @property
    def digits(self) -> dict[Context, int]:
        """How many digits do something here, by the context in which they do."""
        run, board = self.current, self.view.board
        question = None if run is None else run.question(self.view)
        failure = None if run is None else run.failure
        return {
            Context.GUESS_CHOICE: 0 if question is None else len(question.ask.choices),
            Context.LINK_CHOICE: len(links(self.view.at_stop.prose)),
            Context.BOARD: 0 if board is None else len(board.rows),
            Context.REPAIRS: 0 if failure is None else failure.repair_count,
        }

    @property
    def asks(self) -> bool:
        """Whether something is asked here and not answered, as far as is known before the program has run."""
        guess = self.view.guess
        return self.view.own_ask is not None if guess is None else guess.answer is None

    @property
    def keeps_secret(self) -> bool:
        """Whether what the stop says may hold the answer to its question, which nobody has answered."""
        stop = (self.view.lesson.slug, self.view.stop)
        return self.view.at_stop.ask is not None and stop not in self.learner.guessed

    @property
    def _asked(self) -> set[Context]:
        """The contexts of what is asked, as long as it is not answered; a choice may be changed.

        Only on a board a digit is a row's, once there is an answer.
        """
        run, view = self.current if self.selection.sidebar is None else None, self.view
        question = run.question(view) if run is not None else None
        kind = "" if question is None else question.answer.kind
        if not kind or not (self.asks or (kind == "choice" and view.board is None)):
            return set()
        contexts = {Context.GUESS_CHOICE if kind == "choice" else Context.GUESS_TEXT}
        pointed = kind == "cell" and view.cursor is not None
        return contexts | {Context.GUESS_CELL} if pointed else contexts

    def _here(self, navigation: Navigable) -> set[Context]:
        """Return the contexts of a place in a program: on the map, or at a node."""
        contexts = {Context.NODE, Context.MAP if self.view.depth == "map" else Context.TENSORS}
        if self.view.depth == "map" and self.view.lesson.boxes:
            contexts.add(Context.MAP_LESSONS)
        if self.view.depth == "map" and self.view.look in TABLES:
            contexts.add(Context.MAP_TABLE)
        run = self.current
        traced = self.view.depth == "map" or self.view.lesson.external is not None
        if run is not None and traced and run.galleries.has_heads(self.view):
            contexts.add(Context.HEADS)
        if run is not None and run.comparison is not None and run.comparison.first is not None:
            contexts.add(Context.DIFFERS)
        if run is not None and run.first_not_finite is not None:
            shown = None if self.view.depth == "map" else run.top_node(self.view)
            if shown is not run.first_not_finite or self.view.cursor is None:
                contexts.add(Context.NOT_FINITE)
        if self.view.follows is not None or self.view.cursor is not None:
            contexts.add(Context.LINEAGE)
        if steps.position(self.view, navigation)[1]:
            contexts.add(Context.STEPS)
        return contexts

    @property
    def _place(self) -> set[Context]:
        """The contexts of where one is, and of what there is to undo, whatever the view's run has made."""
        run = self.current
        holds = {
            Context.PLAYGROUND: is_playground(self.view.lesson),
            Context.LESSON_PROGRAM: not is_playground(self.view.lesson) and bool(self.view.program),
            Context.EXERCISE: self.view.at_stop.exercise is not None and self.view.cursor is None,
            Context.UNLOCKED: run is not None and run.is_unlocked,
            Context.FAILED: run is not None and run.failure is not None and not run.is_unlocked,
            Context.UNDO: bool(self.history.past),
            Context.REDO: bool(self.history.future),
            Context.NAMED_FILES: bool(self.named_files),
        }
        return {context for context, held in holds.items() if held}

    def with_run(self, run: Run) -> Session:
        """Take the result of a run; a place that this run does not have gives way to the stop's own."""
        from tui.compose.line_notes import path_at

        session = self._with_redrawn(run)
        landed = session.editor._replace(is_landing=False)
        if run.trace is None:
            return session
        if not run.trace.nodes:  # an empty program has no place to be at
            view = replace(
                self.view, path=(), return_path=(), order=None, step=0, cursor=None, backward=False
            )
            return replace(session, view=view, editor=landed).with_trail(())
        if self.editor.is_open or self.editor.is_landing:
            view = at_operation(self.view, path_at(run.trace, self.editor.caret))
            view = view if self.editor.is_open else replace(view, depth="cells")
            return replace(session, view=view, editor=landed)
        if session.navigation is not None:
            step, count = steps.position(self.view, session.navigation)
            if (
                self.view.solution_line is not None and not count
            ):  # a number: there is nothing to step through
                session = session.with_notice(THE_SOLUTION)
            at_step = step if self.view.depth not in steps.WHOLE else self.view.step
            return replace(session, view=replace(self.view, step=at_step))
        view = replace(self.view, path=(), return_path=(), order=None, step=0, cursor=None)
        view = replace(view, backward=view.at_stop.backward)
        unknown = "" if self.last_run is not None else _unknown_place(run, self.view)
        if unknown:  # what the command line names
            session = session.with_notice(unknown)
        return replace(session, view=view).with_trail(())

    def _with_redrawn(self, run: Run) -> Session:
        """Take a run over; say once a lesson why what kept its size has other numbers now."""
        session, slug = _without_lost_choice(replace(self, last_run=run)), run.view.lesson.slug
        known = self.learner.explained_redraws
        told_elsewhere = self.editor.is_open or self.notice or self.talk is not None or slug in known
        if told_elsewhere or self.last_run is None:
            return session
        reason = run.redrawn_since(self.last_run)
        if not reason:
            return session
        return session.with_notice(reason).with_learner(explained_redraws=known | {slug})

    def at_view(self, view: View) -> Session:
        """Go to another step or place of the same run; a player at work pauses."""
        return replace(self, view=view, player=self.player.pause(), notice="", ended_at=None, door=False)

    def with_undo(self, view: View) -> Session:
        """Show another view, from which undo comes back."""
        if is_playground(view.lesson) and view.code is None:
            view = replace(view, code=self.editor.draft)
        if self.view.trusted and view.lesson is self.view.lesson and not is_playground(view.lesson):
            view = replace(view, trusted=True)
        if view == self.view:
            return replace(self, door=False) if self.door else self
        lesson = view.lesson.slug != self.view.lesson.slug
        return replace(
            self,
            view=view,
            learner=self.learner._replace(settings=self.settings) if lesson else self.learner,
            player=self.player.pause(),
            history=self.history.push(self.view),
            trail=Trail(boards=() if lesson else self.trail.boards),
            selection=Selection(first_control(view) if lesson else self._control_at(view)),
            notice="",
            ended_at=None,
            door=False,
            editor=self.editor._replace(
                is_new_program=False,
                is_open=self.editor.is_open or (lesson and is_playground(view.lesson)),
            ),
        )

    def _control_at(self, view: View) -> str | None:
        """Return the control that `[` and `]` change at another view of the lesson.

        At another stop it is one that its lines name: the chosen one, if it was chosen here.
        """
        if view.stop == self.view.stop:
            return self.selection.control
        named, here = _named_controls(view), _named_controls(self.view)
        is_chosen = self.selection.control in named and self.selection.control not in here[:1]
        return self.selection.control if is_chosen or not named else named[0]

    def at_stop(self, view: View, talk: Talk) -> Session:
        """Go to another stop of a deck: undo doesn't come back from there, going back does.

        Who trusts a deck trusts what it shows.
        """
        view = replace(view, trusted=self.view.trusted)
        control = self._control_at(view) if view.lesson is self.view.lesson else first_control(view)
        there = replace(self.at_view(view), history=History(), trail=Trail(), talk=talk)
        return there.with_control(control)

    def with_presentation(self, talk: Talk) -> Session:
        """Show the talk otherwise, or at another place."""
        return replace(self, talk=talk, notice="")

    def lesson(self, slug: str) -> Lesson | None:
        """Return the listed lesson of that slug; `LessonError` if its file is broken."""
        from llm_linalg.lessons.reader import read_entry

        return next((read_entry(lesson) for lesson in self.lessons if lesson.slug == slug), None)

    @property
    def settings(self) -> LessonSettings:
        """The settings with which lessons were left, those of the open one as they are now."""
        keeps = self.talk is None and keeps_settings(self.view.lesson, self.lessons)
        return with_settings_of(self.learner.settings, self.view) if keeps else self.learner.settings

    def with_progress(self) -> Session:
        """Note the stop as seen, and its exercise if it is solved; nothing of a talk or of one's own file."""
        view, lesson = self.view, self.view.lesson
        if self.talk is not None or not keeps_settings(lesson, self.lessons):
            return self
        stops, numbers = lesson.stops, (view.stop,)
        attempt = self.attempt
        solved, half = numbers if attempt.is_solved else (), numbers if attempt.is_half else ()
        counted = LessonProgress(numbers, solved, len(stops), lesson.exercises, half)
        titles = [str(stop.title) for stop in stops]
        noted = self.learner.progress.with_lesson(lesson.slug, counted, titles)
        return self if noted is self.learner.progress else self.with_learner(progress=noted)

    def remembered(self, state: State) -> State:
        """Return what is remembered, with this session's progress, and how the learner goes on his way."""
        learner = self.learner
        progress = state.progress.merged(learner.progress)
        return state._replace(progress=progress, way=learner.way or state.way, brief=learner.is_brief)

    def opening(self, lesson: Lesson, stop: int = 1) -> View:
        """Return the view with which a lesson opens: with the settings with which it was left."""
        words = dict(self.settings).get(lesson.slug)
        if words is None or not keeps_settings(lesson, self.lessons):
            return View.opening(lesson, stop)
        return opening_with(words, lesson, stop)

    def neighbour(self, direction: int) -> Lesson | None:
        """Return the lesson after the open one (1), or the one before (−1); None where there is none."""
        if is_playground(self.view.lesson):
            return None
        lessons = [lesson for lesson in self.lessons if lesson.slug != PLAYGROUND.slug]
        place = [lesson.slug for lesson in lessons].index(self.view.lesson.slug) + direction
        return lessons[place] if 0 <= place < len(lessons) else None

    def with_notice(self, notice: str) -> Session:
        """Return the session with a notice; what another one offered is offered no more."""
        return replace(self, notice=notice, selection=self.selection._replace(links=None))

    def with_trail(self, cells: tuple[View, ...]) -> Session:
        """Return the session with other views from which cells were followed."""
        return replace(self, trail=self.trail._replace(cells=cells))

    def with_boards(self, boards: tuple[View, ...]) -> Session:
        """Return the session with other boards to go back to."""
        return replace(self, trail=self.trail._replace(boards=boards))

    def with_control(self, name: str | None) -> Session:
        """Select a control."""
        return replace(self, selection=self.selection._replace(control=name))

    def with_choice(self, choice: str | None) -> Session:
        """Choose in the sidebar, or close the choice; what was said is gone."""
        return replace(self, selection=self.selection._replace(sidebar=choice), notice="")

    def without_choice(self) -> Session:
        """Close the choice in the sidebar."""
        return replace(self, selection=self.selection._replace(sidebar=None))

    def editing_at(self, line: int) -> Session:
        """Give the keys to the editor, its cursor on a line, from 1."""
        return replace(self, editor=self.editor._replace(is_open=True, caret=line))

    def with_learner(self, **changes: Any) -> Session:
        """Return the session with other knowledge of who learns, by the attributes of `Learner`."""
        return replace(self, learner=self.learner._replace(**changes))

    def with_attempt(self, view: View, attempt: ExerciseAttempt) -> Session:
        """Return the session with what was written at a view's exercise."""
        attempts = with_attempt(self.learner.attempts, view, attempt)
        return self.with_learner(attempts=attempts)


def _unknown_place(run: Run, view: View) -> str:
    """Return in a sentence that a run does not have a view's place; nothing if it does."""
    try:
        run.navigation(view)
    except LookupError as error:
        reason = as_sentence(str(error.args[0]))
        return f"{reason[0].upper()}{reason[1:]}"
    return ""


def _with_lesson(listed: tuple[Lesson, ...], lesson: Lesson) -> tuple[Lesson, ...]:
    """Return the list with one's own lesson: at the end of its part, or of all if that has no others."""
    is_apart = lesson.part >= OTHER_PART
    part = [
        place
        for place, other in enumerate(listed, 1)
        if other.part == lesson.part or (other.part < lesson.part and not is_apart)
    ]
    at = max(part, default=len(listed))
    return (*listed[:at], lesson, *listed[at:])


def _without_lost_choice(session: Session) -> Session:
    """Return the session without a choice of a node or a module that its run, another one now, lacks."""
    run, (name, _, argument) = session.last_run, (session.selection.sidebar or "").partition(":")
    if session.view.lesson.external is None or name not in ("node", "module"):
        return session
    if run is not None and run.trace is not None and _is_in(run.trace, name, argument):
        return session
    return session.without_choice()


def _is_in(trace: Trace, name: str, argument: str) -> bool:
    """Return whether a trace has a node of that position, or a module of that path."""
    if name == "node":
        return int(argument) < len(trace.nodes)
    try:
        return trace.scopes[argument] is not None
    except KeyError:
        return False


def _can_flip(run: Run, view: View) -> bool:
    """Return whether the cell under the cursor can be turned over."""
    if not any(control.kind == "grid" for control in view.lesson.controls):
        return False
    from tui.compose.mask_editing import mask_entry

    return mask_entry(run, view) is not None


def first_control(view: View) -> str | None:
    """Return the control that `[` and `]` change at the start.

    It is one that the stop's lines name; if they name none, the first that is a range, or the first.
    """
    controls = view.lesson.controls
    ranges = [control.name for control in controls if control.kind in ("int", "float")]
    names = [control.name for control in controls]
    return next(iter([*_named_controls(view), *ranges, *names]), None)


def _named_controls(view: View) -> list[str]:
    """Return the controls without a key of their own that the stop's lines name, in the lesson's order."""
    named = {*re.findall(r"\w+", view.at_stop.code)}
    return [control.name for control in view.lesson.controls if control.name in named and not control.key]
