"""The page: the panes of the explorer, and the room that each has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, cast

from textual.app import ComposeResult
from textual.geometry import Size
from textual.widget import Widget

from tui.layout.pane_sizes import (
    SMALLEST,
    PaneSizes,
    Picture,
    bench_sizes,
    cell_sizes,
    sizes,
    slide_sizes,
    talk_sizes,
    with_facts,
)
from tui.navigation.playground import is_playground
from tui.panes.cell_rows import said_with_cell, shows_cell
from tui.panes.facts_pane import FactsPane, facts_wanted
from tui.panes.footer import Footer
from tui.panes.program_pane import ProgramPane
from tui.panes.sidebar import Sidebar
from tui.panes.stage_pane import StagePane
from tui.panes.story_pane import StoryPane
from tui.panes.text_pane import TextPane
from tui.panes.titlebar import TitleBar
from tui.panes.transport import ControlsPane, Transport
from tui.screens.play_timer import PlayTimer
from tui.session.session import Session
from tui.text.rows import row
from tui.widgets.row_widget import RowWidget, glyphs_of

if TYPE_CHECKING:
    from tui.model.frame import Frame
    from tui.session.presentation.state import Talk


class Pane(Protocol):
    """What shows a part of a picture."""

    def show_picture(self, picture: Picture) -> None:
        """Show it; repaint what changed."""


class PageSection(RowWidget):
    """A part of the page; the style sheet says how its children stand."""


class TooSmall(RowWidget):
    """The message in a terminal that is too small."""

    def show_size(self, size: Size) -> None:
        """Say how large a terminal has to be."""
        text = f"too small: needs {SMALLEST[0]}×{SMALLEST[1]}, has {size.width}×{size.height}"
        step = max(1, size.width)
        self.show([row(text[i : i + step]) for i in range(0, len(text), step)])


PANES: tuple[type[RowWidget], ...] = (
    TitleBar, Sidebar, StoryPane, ProgramPane, FactsPane, StagePane, TextPane, ControlsPane, Transport,
    Footer,
)  # fmt: skip


class Page(RowWidget):
    """The panes, in reading order.

    Attributes:
        sidebar_wanted: whether the sidebar was asked for; None: there is one where there is room.
        room: the room that each pane has; None where there is too little for them.
        picture: what is shown.
    """

    def __init__(self) -> None:
        super().__init__(id="page")
        self.sidebar_wanted: bool | None = None
        self.room: PaneSizes | None = None
        self.picture: Picture | None = None
        self._clock = PlayTimer(self, self._show_time)

    def compose(self) -> ComposeResult:
        """Yield the panes, in reading order."""
        yield TitleBar()
        with PageSection(id="middle"):
            yield Sidebar()
            with PageSection(id="main"):
                yield StoryPane()
                yield ProgramPane()
                yield FactsPane()
                yield StagePane()
                yield TextPane()
                yield ControlsPane()
                yield Transport()
        yield Footer()

    @property
    def is_moving(self) -> bool:
        """Whether a drawing is on its way to what is to be shown."""
        return self.query_one(StagePane).motion.is_moving

    def panes(self) -> Iterator[Pane]:
        """Return the panes, each of which shows pictures."""
        return (cast(Pane, self.query_one(pane)) for pane in PANES)

    def show_picture(self, picture: Picture | None) -> None:
        """Hand a picture to every pane; none where there is no room for them."""
        self.picture = picture
        if picture is not None:
            for pane in self.panes():
                pane.show_picture(picture)
            self._clock.every(1.0 if _is_clock_running(picture.session.talk) else None)

    def _show_time(self) -> None:
        """Draw the clock in the title as it has gone on."""
        if self.picture is not None:
            self.query_one(TitleBar).show_picture(self.picture)

    def fit(self, size: Size, session: Session, frame: Frame | None, *, prompted: bool) -> PaneSizes | None:
        """Give the panes their room; return what each has, or None where there is too little."""
        room = self._room(size, session, frame, prompted=prompted)
        if room is not None and frame is not None and not session.door:
            edited = is_playground(session.view.lesson) and session.talk is None
            room = with_facts(room, facts_wanted(frame, room.main, glyphs_of(self)), edited=edited)
        if room is not None and room != self.room:
            self._give(StoryPane, room.story)
            self._give(ProgramPane, room.program)
            self._give(TextPane, room.words)
            self._give(TitleBar, room.title)
            self._give(FactsPane, room.facts)
            self._give(ControlsPane, room.controls)
            self._give(Transport, room.transport)
            self._give(Footer, room.footer)
            self.query_one(Sidebar).styles.width = room.sidebar
            self.query_one(Sidebar).display = room.sidebar > 0
        self.room = room
        return room

    def _room(self, size: Size, session: Session, frame: Frame | None, *, prompted: bool) -> PaneSizes | None:
        width, height = size
        view = session.view
        sidebar = self.sidebar_wanted if session.selection.sidebar is None else True  # who chooses sees it
        code = frame.listing.code if frame is not None else view.program.splitlines()
        failed = frame is not None and frame.error is not None
        if session.door:
            return slide_sizes(width, height, sidebar=False)
        if session.talk is not None:
            spoken = prompted or bool(session.notice)
            big = session.talk.big and not glyphs_of(self).plain
            return talk_sizes(width, height, code, session, failed=failed, spoken=spoken, big=big)
        if is_playground(view.lesson):
            lines = view.program.rstrip("\n").count("\n") + 1
            printing = frame is not None and bool(frame.listing.printed.strip())
            return bench_sizes(
                width, height, lines,
                sidebar=sidebar, failed=failed, editing=session.editor.is_open, printing=printing,
            )  # fmt: skip
        if view.at_stop.slide:
            return slide_sizes(width, height, sidebar=sidebar)
        room = sizes(width, height, code, view, sidebar=sidebar, failed=failed)
        if room is None or frame is None or not shows_cell(frame):
            return room
        return cell_sizes(room, said_with_cell(frame, room.main))

    def _give(self, pane: type[Widget], rows: int) -> None:
        """Give a pane its rows; one that has none is not there."""
        widget = self.query_one(pane)
        widget.styles.height = rows
        widget.display = rows > 0


def _is_clock_running(talk: Talk | None) -> bool:
    """Return whether a talk's clock, or a countdown, is to be drawn again and again."""
    clock = talk is not None and talk.clock != "off" and talk.watch.running
    return talk is not None and (clock or talk.thinking is not None) and not talk.black
