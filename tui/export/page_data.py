"""What a page shows of its stops, as data: pictures that Python has made, which its script puts on the page.

A picture is lines of HTML, and each line stands in the page once: a step differs from the last in a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from tui.export.html_parts import link_lessons, picture, position_text
from tui.session.exercise_commands import hint, session_frame
from tui.text.json_line import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tui.model.view import View
    from tui.session.session import Session

Packed = list[int]
"""A picture in a page: its step, the number of the line that says where it is, and those of its HTML."""


class PagePicture(NamedTuple):
    """A picture: its step, where that is in words, and its HTML."""

    step: int
    said: str
    html: str


class PageLines:
    """The lines of a page's pictures, and how many bytes these and the pictures take."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.bytes = 0

    def pack(self, pictures: Iterable[PagePicture], most: int | None = None) -> list[Packed] | None:
        """Return the pictures as numbers of lines; None if the page would have more than `most` bytes."""
        new: dict[str, int] = {}
        packed = []
        for one in pictures:
            numbers = [one.step]
            for line in (one.said, *one.html.rstrip("\n").split("\n")):
                if line not in self._numbers:
                    new.setdefault(line, len(self._numbers) + len(new))
                numbers.append(self._numbers.get(line, new.get(line, 0)))
            packed.append(numbers)
        size = self.bytes + len(json_data([*new]).encode()) + len(json_data(packed))
        if most is not None and size > most:
            return None
        self._numbers |= new
        self.bytes = size
        return packed

    @property
    def texts(self) -> list[str]:
        """The lines in order."""
        return [*self._numbers]


def json_data(value: object) -> str:
    """Return a value as JSON that may stand in a `script` element, which no text in it ends."""
    return json_text(value, spaces=False).replace("</", "<\\/").replace("<!", "\\u003c!")


@dataclass(eq=False)
class StopData:
    """What a page has of one stop.

    Attributes:
        session: The stop as it opens.
        walk: Returns its pictures at another view, each as a session; None if it shows nothing else.
        names: The controls that matter to it.
        walks: Its pictures, by the key of a setting.
        alone: By the name of a control, or `seed`, each value's key: all else is as it opens.
        pairs: The controls that have every pair of values.
        guesses: What comes of each choice of what it asks, or of the right answer, by the key of a setting.
        answers: The right answer of what is typed, likewise.
        solution: The pictures of an exercise's solution.
    """

    session: Session
    walk: Callable[[View], Sequence[Session]] | None
    names: tuple[str, ...] = ()
    walks: dict[str, list[Packed]] = field(default_factory=dict)
    alone: dict[str, dict[str, str]] = field(default_factory=dict)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    guesses: dict[str, list[Packed]] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    solution: list[Packed] = field(default_factory=list)

    def key(self, view: View) -> str:
        """Return what names the settings of a view in the page: the value of each control, and the seed."""
        values = dict(view.controls)
        return "\n".join([*(values[name] for name in self.names), str(view.seed)])

    def record(self) -> dict[str, object]:
        """Return it as an object for JSON; the stops of a lesson share what is set, those of a talk don't."""
        session = self.session
        is_talk = session.talk is not None and session.talk.deck.is_talk
        facts: dict[str, object] = {
            "lesson": "" if is_talk else session.view.lesson.slug,
            "names": [*self.names, "seed"],
            "start": self.key(session.view),
            "walks": self.walks,
        }
        more = {
            "alone": self.alone,
            "guesses": self.guesses,
            "answers": self.answers,
            "solution": self.solution,
        }
        return facts | {name: value for name, value in more.items() if value}


class PictureMaker(NamedTuple):
    """Makes pictures of sessions: in ASCII or not, with the addresses of lessons that have one."""

    ascii_only: bool
    links: Mapping[str, str]

    def of(self, session: Session, *, settings: bool = False) -> PagePicture:
        """Return the picture of a session; with the `settings` where no control shows them."""
        frame = session_frame(session, ascii_only=self.ascii_only)
        if frame is None:
            raise LookupError("the program of a picture was run before")
        guess = None if frame.ask is None else frame.ask.guess
        words = position_text(frame) if guess is None else guess.sentence
        html = "" if session.view.at_stop.slide else picture(frame, settings=settings)
        return PagePicture(frame.place.step, words, link_lessons(html, self.links))

    def guesses(self, session: Session) -> tuple[list[PagePicture], str]:
        """Return what comes of each choice, or of the right answer; and that, if an answer is typed."""
        view, run = session.view, session.current
        question = None if run is None or view.own_ask is None else run.question(view)
        if question is None:
            return [], ""
        choices, text = question.ask.choices, question.answer.text
        tried = [str(k) for k, _ in enumerate(choices, 1)] or [text]
        made = [self.of(replace(session, view=view.with_guess(0, one))) for one in tried]
        return made, "" if choices else text


def solution_of(session: Session) -> View | None:
    """Return the view that steps through the solution of a session's exercise; None if it says none."""
    exercise = session.view.at_stop.exercise
    if exercise is None:
        return None
    ready = session.attempt._replace(rungs=len(exercise.hints))
    view = hint(session.with_attempt(session.view, ready)).view
    return None if view.code is None else view


def page_json(lines: PageLines, stops: Sequence[StopData], name: str) -> str:
    """Return all that a page's script reads; under its `name`, if it has one, it keeps what was seen."""
    return json_data({"name": name, "lines": lines.texts, "stops": [stop.record() for stop in stops]})
