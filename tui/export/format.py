"""What an export is made of: shots, and the formats that they are written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from llm_linalg.base.text import CleanText
from tui.session.exercise_commands import session_frame

if TYPE_CHECKING:
    from textual.strip import Strip

    from llm_linalg.lessons.stop import Stop
    from tui.model.frame import Frame
    from tui.model.view import View
    from tui.session.session import Session

Write = Callable[[CleanText], None]


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One picture.

    Attributes:
        session: what is seen, its program run.
        seconds: how long it stands.
        stop: which of the stops that are shown it belongs to, from 1.
        title: that stop's.
        is_deck_step: whether the deck says that its stop shows this step.
        walk: returns the pictures of its stop at another view, each as a session; none where that has another
            program. None where a script says what is shown.
        screen: the rows of the app's screen, for a format that shows screens.
    """

    session: Session
    seconds: float
    stop: int
    title: CleanText
    is_deck_step: bool = False
    walk: Callable[[View], Sequence[Session]] | None = None
    screen: Sequence[Strip] = ()

    def frame(self, ascii_only: bool = False) -> Frame:
        """Return the shot's frame."""
        frame = session_frame(self.session, ascii_only=ascii_only)
        if frame is None:
            raise LookupError("a shot's program was run before it was made")
        return frame


def ask_text(stop: Stop) -> str:
    """Return what a stop asks before its picture moves, as Markdown; empty if it asks nothing."""
    if stop.ask is None:
        return ""
    choices = "\n".join(f"{number}. {choice}" for number, choice in enumerate(stop.ask.choices, 1))
    return f"\n\n**Guess:** {stop.ask.question}" + (f"\n\n{choices}" if choices else "")


def on_paper(stop: Sequence[Shot]) -> Shot:
    """Return which of a stop's pictures a handout has: the one that a deck names, else the last."""
    return next((shot for shot in stop if shot.is_deck_step), stop[-1])


class Neighbour(NamedTuple):
    """Another page of a site: its address and its title."""

    address: str
    title: str


class SitePlace(NamedTuple):
    """Where in a site a page is.

    Attributes:
        name: The page's own, under which the browser keeps what was seen of it.
        home: The site's index.
        links: The address of each lesson's page, by slug.
        before: The page before, if there is one.
        after: The page after, if there is one.
        mark: What its head has, as that of all pages of a site.
    """

    name: str
    home: Neighbour
    links: Mapping[str, str]
    before: Sequence[Neighbour]
    after: Sequence[Neighbour]
    mark: str


@dataclass(frozen=True, slots=True)
class Export:
    """What all shots of an export have in common.

    Attributes:
        title: of the whole.
        size: columns and rows of the screen.
        theme: a name in `tui.text.themes.THEMES`.
        ascii_only: whether glyphs are ASCII.
        cast_version: of asciicast: 3, or 2 for older players.
        site: the place of a page in a site; None if it stands alone.
    """

    title: CleanText
    size: tuple[int, int]
    theme: str = "dark"
    ascii_only: bool = False
    cast_version: int = 3
    site: SitePlace | None = None


class FormatWriter(Protocol):
    """Writes shots, one after the other."""

    def add(self, shot: Shot) -> None:
        """Write the next shot."""

    def end(self) -> None:
        """Write what stands after the last shot."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file.

    Attributes:
        name: as `--format` takes it.
        suffixes: of files that are of this kind unless said otherwise.
        help: what it is, in a line.
        writer: begins a file, which is written piece by piece.
        screens: whether its pictures are screens of the app; else they are frames.
        single: whether it shows one picture.
    """

    name: str
    suffixes: tuple[str, ...]
    help: str
    writer: Callable[[Export, Write], FormatWriter]
    screens: bool = False
    single: bool = False
