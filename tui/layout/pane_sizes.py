"""The room of each pane, and the picture that all panes draw from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tui.compose.hues import name_hues
from tui.navigation.playground import is_playground
from tui.session.commands import Command
from tui.session.session import Session
from tui.text.formula_spans import NameHues
from tui.text.large import DOWN
from tui.text.line_edit import LineEdit
from tui.text.prose import after_story, paragraphs, story
from tui.text.rows import wrap_code

if TYPE_CHECKING:
    from llm_linalg.lessons.control import Control
    from llm_linalg.lessons.stop import Board
    from tui.model.frame import Frame
    from tui.model.view import View

LOADING = "loading torch…"
RUNNING = "running…"
STOPPING = "stopping, once this call is done…"
BEHIND = "waiting for the last program's call to end…"
SMALLEST = (60, 18)
LARGEST = (160, 50)
SIDEBAR = 19  # columns, the rule beside it included
SIDEBAR_FROM = 78
WIDE_SIDEBAR = 34  # every title in full
WIDE_SIDEBAR_FROM = 130  # columns from which the rest has room enough
VERDICT_ROWS = 4  # below the question of an exercise: what came of an answer, or hints
MOST_STORY = 3  # rows of a stop's title and first sentence, which stay while its picture moves
LISTED = 20  # columns of a text that stands among other controls
LEAST_STAGE = 8  # rows below which no second row is taken from the picture
BESIDE_FROM = 90  # columns of the main part from which the playground divides it in two


class PaneSizes(NamedTuple):
    """The columns and rows of the panes; the rest is the stage's.

    At 80 × 24 story, program and words have eight rows together, so that the stage has ten: the story as many
    as its stop needs, the program what the words below the picture leave, around the line that is shown.
    """

    width: int
    height: int
    sidebar: int  # 0: there is none
    program: int
    words: int
    story: int = 0  # of the stop's title and first sentence
    beside: int = 0  # columns of the playground's editor, where it stands beside everything
    title: int = 2  # with the rule below it
    facts: int = 1
    controls: int = 1
    transport: int = 1
    footer: int = 1
    big: bool = False  # the cells are large

    @property
    def main(self) -> int:
        """Columns of the main part, a margin on each side taken off."""
        taken = self.beside + 1 if self.beside else 0
        return self.width - self.sidebar - 2 - taken

    @property
    def stage(self) -> int:
        """Rows of the stage: all that title, rules, program, words, controls and footer leave."""
        below = self.words + self.controls + self.transport + self.footer
        return self.height - self.title - self.story - self.program - self.facts - below


def story_of(view: View, *, titled: bool = True) -> str:
    """Return what stays on the screen of a stop, as Markdown, with or without its title.

    Of a document's cell without text that is nothing.
    """
    stop = view.at_stop
    named = titled and (stop.prose or not view.lesson.document)
    return story(stop.title if named and not is_playground(view.lesson) else "", stop.prose)


def story_rows(view: View, width: int, *, titled: bool = True) -> int:
    """Return the rows of `width` columns that a stop's title and first sentence take."""
    story = story_of(view, titled=titled)
    return len(paragraphs(story, width)) if story else 0


def is_text(control: Control) -> bool:
    """Return whether a control is a text: a list of words."""
    return control.kind == "list" and bool(control.choices)


def control_rows(view: View) -> int:
    """Return the rows that the controls take: two where one is a text too long to stand among others."""
    texts = [value for name, value in view.controls if is_text(view.lesson.control(name))]
    return 2 if any(len(text) > LISTED for text in texts) else 1


def fits(width: int, height: int) -> bool:
    """Return whether a terminal of so many columns and rows is large enough to be of use."""
    return width >= SMALLEST[0] and height >= SMALLEST[1]


def _usable_size(width: int, height: int, sidebar: bool | None) -> tuple[int, int, int]:
    """Return the columns and rows that are used of those there are, and the columns of the sidebar."""
    width, height = min(width, LARGEST[0]), min(height, LARGEST[1])
    shown = width >= SIDEBAR_FROM if sidebar is None else sidebar
    return width, height, (WIDE_SIDEBAR if width >= WIDE_SIDEBAR_FROM else SIDEBAR) if shown else 0


def sizes(
    width: int,
    height: int,
    code: Sequence[str],
    view: View,
    *,
    sidebar: bool | None,
    failed: bool,
) -> PaneSizes | None:
    """Return the room that a terminal gives; None if it is too small to be of use.

    Without a word on the `sidebar` the width decides. An error that is explained takes more words.
    """
    if not fits(width, height):
        return None
    width, height, shown = _usable_size(width, height, sidebar)
    controls = control_rows(view) if height >= 22 else 1
    spare = max(0, height - 24)
    main = width - shown - 2
    kept = min(story_rows(view, main), MOST_STORY)
    lines = sum(len(wrap_code(line, main - 2)) for line in code)
    program = max(1, min(lines, (3 if height < 22 else 4) - kept + spare // 4))
    words = (3 if height < 22 else 4) + min(4, spare // 4)
    transport = int(not failed)  # where it fails, there is no step to go to
    if failed:
        words += min(5, max(0, height - 5 - kept - program - words - 5))
    elif height >= 24:  # a short program leaves room for more words
        asked = VERDICT_ROWS if view.at_stop.exercise is not None else 0
        most = max(words, 8 - kept - program)
        wanted = len(after_story(view.at_stop.prose, main, most=most - asked)) + asked
        words = min(max(words, wanted), most)
    elif view.guess is not None and view.guess.answer is not None:  # what came of it, and why
        words = min(words + 2, max(words, 1 + len(after_story(view.at_stop.prose, main, most=words + 1))))
    room = PaneSizes(width, height, shown, program, words, kept, controls=controls, transport=transport)
    return _beside_board(room, lines, view.board, failed)


def cell_sizes(room: PaneSizes, rows: int) -> PaneSizes:
    """Return the room of a cell that has the stage to itself, with `said` rows of words below it."""
    words = max(2, min(rows, (room.height - room.title - room.story) // 2))
    return room._replace(program=0, facts=0, transport=0, words=words)


def _beside_board(room: PaneSizes, lines: int, board: Board | None, failed: bool) -> PaneSizes:
    """Return the room with more for the program where a board, which has no steps, leaves some."""
    if board is None or failed:
        return room
    room = room._replace(transport=0)
    left = room.stage - len(board.rows) - 2 * board.chain
    return room._replace(program=max(room.program, min(lines, room.program + max(0, left))))


def with_facts(room: PaneSizes, rows: int, *, edited: bool) -> PaneSizes:
    """Return the room with a second row for the facts of an operation, where they want it if there is room.

    The program gives it, so that the picture stays; not where it stands in an editor.
    """
    if not room.facts or rows <= room.facts or room.height < 22:
        return room
    if room.program > 1 and not edited:
        return room._replace(facts=2, program=room.program - 1)
    return room._replace(facts=2) if room.stage > LEAST_STAGE else room


def bench_sizes(
    width: int,
    height: int,
    lines: int,
    *,
    sidebar: bool | None,
    failed: bool,
    editing: bool,
    printing: bool = True,
) -> PaneSizes | None:
    """Return the room of the playground's panes: as `sizes`, with an editor for the program, or beside it."""
    if not fits(width, height):
        return None
    width, height, shown = _usable_size(width, height, sidebar)
    inner = width - shown - 2
    spare = max(0, height - 24)
    transport = int(not failed)  # where it fails, there is no step to go to
    controls = int(not failed or printing)  # what it printed is shown in their place
    words = (2 if height < 22 else 3) + min(4, spare // 4) + (3 if failed else 0)
    words += 2 - transport - controls
    if inner >= BESIDE_FROM:
        beside = min(70, inner * 48 // 100)
        return PaneSizes(width, height, shown, 0, words, 0, beside, controls=controls, transport=transport)
    most = (9 if editing else 5) + spare // 3 - (3 if height < 22 else 0)
    program = max(3, min(lines + editing, most))
    return PaneSizes(width, height, shown, program, words, controls=controls, transport=transport)


def slide_sizes(width: int, height: int, *, sidebar: bool | None) -> PaneSizes | None:
    """Return the room of a stop that is prose alone: what title, sidebar and footer leave is the stage's."""
    if not fits(width, height):
        return None
    width, height, shown = _usable_size(width, height, sidebar)
    return PaneSizes(width, height, shown, 0, 0, facts=0, controls=0, transport=0)


def talk_sizes(
    width: int, height: int, code: Sequence[str], session: Session, *, failed: bool, spoken: bool, big: bool
) -> PaneSizes | None:
    """Return the room in a presentation: no sidebar, a row of title, keys if asked, the rest the picture.

    A notice or a prompt that is `spoken` has the last row.
    """
    talk = session.talk
    if talk is None or not fits(width, height):
        return None
    width, height, _ = _usable_size(width, height, False)
    footer = int(talk.footer or spoken)
    if session.view.at_stop.slide:
        return PaneSizes(width, height, 0, 0, 0, 0, 0, 1, 0, 0, 0, footer, big)
    spare = max(0, height - 24)
    transport = int(not spoken)
    controls = int(bool(session.view.lesson.controls) and (not big or spare > 4))
    if big and not failed:
        words = DOWN * (1 + (spare > 6)) + (spare > 2)
        return PaneSizes(
            width, height, 0, 0, words, 0, 0, 1, int(spare > 4), controls, transport, footer, True
        )
    kept = min(story_rows(session.view, width - 2, titled=False), 1 if height < 22 else 2)
    lines = sum(len(wrap_code(line, width - 4)) for line in code)
    program = max(1, min(lines, (3 if height < 22 else 5) - kept + spare // 4))
    words = (3 if height < 22 else 4) + min(4, spare // 4) + (min(4, max(0, height - 20)) if failed else 0)
    room = PaneSizes(width, height, 0, program, words, kept, 0, 1, 1, controls, transport, footer)
    return _beside_board(room, lines, session.view.board, failed)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Picture:
    """One state of the screen: each pane is given the whole and draws its part."""

    session: Session
    frame: Frame | None
    room: PaneSizes
    keys: tuple[Command, ...]
    waiting: str = ""
    prompt: str | None = None
    answer: LineEdit | None = None

    @property
    def name_hues(self) -> NameHues:
        """The colours of the names of tensors, as a formula of the stop's text has them."""
        return name_hues(self.session.view.lesson, self.frame)

    @property
    def slide(self) -> tuple[str, str] | None:
        """The title and the prose of a stop that is prose alone; on a stage it has the deck's title."""
        stop, talk = self.session.view.at_stop, self.session.talk
        return (stop.title if talk is None else talk.stop.title, stop.prose) if stop.slide else None
