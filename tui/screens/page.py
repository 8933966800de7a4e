"""The page: the panes of the explorer, and the room that each has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from tui.keys import KEYS, Key, live
from tui.panes.footer import KeysLine
from tui.panes.program import Facts, Program
from tui.panes.sidebar import Sidebar
from tui.panes.stage import StagePane
from tui.panes.titlebar import TitleBar
from tui.panes.transport import Controls, Transport
from tui.panes.words import Words
from tui.picture import RUNNING, SMALLEST, Picture, Sizes, bench_sizes, sizes, slide_sizes, talk_sizes, wished
from tui.playground import is_playground
from tui.session import Session
from tui.widgets.drawn import Drawn, glyphs_of
from tui.widgets.lines import Lines
from tui.widgets.rows import row

if TYPE_CHECKING:
    from tui.frame import Frame


class Pane(Protocol):
    """What shows a part of a picture."""

    def show_picture(self, picture: Picture) -> None:
        """Shows it; repaints what changed."""


class Box(Drawn):
    """A part of the page; the style sheet says how its children stand."""


class TooSmall(Lines):
    """What is said in a terminal that is too small."""


class Page(Screen[None], inherit_bindings=False):
    """The panes, in reading order."""

    AUTO_FOCUS = ""  # only a command gives the editor the keys
    keys: ClassVar[tuple[Key, ...]] = KEYS

    def __init__(self) -> None:
        super().__init__()
        self.room: Sizes | None = None
        self.sidebar_wanted: bool | None = None
        self.picture: Picture | None = None
        self.contexts: frozenset[str] = frozenset({"always"})
        self._taken: frozenset[str] = frozenset()
        self._live: dict[tuple[frozenset[str], frozenset[str]], tuple[Key, ...]] = {}

    def compose(self) -> ComposeResult:
        """The panes, in reading order."""
        with Box(id="page"):
            yield TitleBar()
            with Box(id="middle"):
                yield Sidebar()
                with Box(id="main"):
                    yield Program()
                    yield Facts()
                    yield StagePane()
                    yield Words()
                    yield Controls()
                    yield Transport()
            yield KeysLine()
        yield TooSmall()

    def panes(self) -> Iterator[Pane]:
        """The panes that show pictures."""
        yield self.query_one(TitleBar)
        yield self.query_one(Sidebar)
        yield self.query_one(Program)
        yield self.query_one(Facts)
        yield self.query_one(StagePane)
        yield self.query_one(Words)
        yield self.query_one(Controls)
        yield self.query_one(Transport)
        yield self.query_one(KeysLine)

    def show_picture(self, session: Session, frame: Frame | None, waiting: str, prompt: str | None) -> None:
        """Hands one picture to every pane, if there is room for them."""
        if not self.is_attached:
            return  # the app is about to end, and takes no more widgets
        self.contexts = session.contexts
        self._taken = frozenset(one.key for one in session.view.lesson.controls if one.key)
        if frame is not None and session.current is not None and not session.editing:
            self.contexts |= {"twin"} if frame.twins else set()
            self.contexts |= {"slices"} if any(p.at and p.role == "result" for p in frame.panels) else set()
        self.contexts |= {"running"} if waiting == RUNNING else set()
        code = frame.code if frame is not None else session.view.program.splitlines()
        failed = frame is not None and frame.error is not None
        said = wished(session.view.at_stop)
        room = self._fit(
            session,
            code,
            said,
            failed=failed,
            spoken=prompt is not None or bool(session.notice),
            printing=frame is not None and bool(frame.printed.strip()),
        )
        if room is None:
            self.picture, self.contexts = None, frozenset({"always", "everywhere"})
            self.set_focus(None)
            return
        self.arranged(session, room)
        self.picture = Picture(session, frame, room, self.live(), waiting, prompt)
        for pane in self.panes():
            pane.show_picture(self.picture)

    def live(self) -> tuple[Key, ...]:
        """The commands that do something now."""
        now = (self.contexts, self._taken)
        if now not in self._live:
            self._live[now] = live(self.contexts, self.keys, self._taken)
        return self._live[now]

    def arranged(self, session: Session, room: Sizes) -> None:
        """The panes have their room: a page with more in it finds place for that."""

    def _fit(
        self,
        session: Session,
        code: Sequence[str],
        said: int,
        *,
        failed: bool,
        spoken: bool,
        printing: bool,
    ) -> Sizes | None:
        """Gives the panes their room; None where there is too little."""
        width, height = self.size
        if session.talk is not None:
            big = session.talk.big and not glyphs_of(self).plain
            room = talk_sizes(width, height, code, session, failed=failed, spoken=spoken, big=big)
        elif is_playground(session.view.lesson):
            lines = session.view.program.rstrip("\n").count("\n") + 1
            room = bench_sizes(
                width,
                height,
                lines,
                sidebar=self.sidebar_wanted,
                failed=failed,
                editing=session.editing,
                printing=printing,
            )
        elif session.view.at_stop.slide:
            room = slide_sizes(width, height, sidebar=self.sidebar_wanted)
        else:
            room = sizes(width, height, code, said, sidebar=self.sidebar_wanted, failed=failed)
        self.set_class(room is None, "-small")
        if room is None:
            text = f"too small: needs {SMALLEST[0]}×{SMALLEST[1]}, has {width}×{height}"
            step = max(1, width)
            self.query_one(TooSmall).show([row(text[i : i + step]) for i in range(0, len(text), step)])
        elif room != self.room:
            self._give(Program, room.program)
            self._give(Words, room.words)
            self._give(TitleBar, room.title)
            self._give(Facts, room.facts)
            self._give(Controls, room.controls)
            self._give(Transport, room.transport)
            self._give(KeysLine, room.footer)
            self.query_one(Sidebar).styles.width = room.sidebar
            self.query_one(Sidebar).display = room.sidebar > 0
        self.room = room
        return room

    def _give(self, pane: type[Widget], rows: int) -> None:
        """Gives a pane its rows; one that has none is not there."""
        widget = self.query_one(pane)
        widget.styles.height = rows
        widget.display = rows > 0

    def repaint(self) -> None:
        """Paints everything again: another theme."""
        for widget in self.query("*").results(Widget):
            widget.refresh()
