"""Decks: the stops of a presentation, in order, as an immutable value.

A deck is a lesson's file, or a folder of them in alphabetical order. It may have slides of prose alone,
`notes` fences for the speaker, and `stops` fences that insert stops of other lessons, a line each:

```stops
matmul                                    all stops of a lesson
triangular:2-3                            its second and third
own.md:1                                  of a lesson beside the deck's file
triangular --stop 2 --set kind=tril       one picture, in the words that the app copies with Y
```

The words after the lesson's name are a view of one stop, the first unless `--stop` names another; the
engine passes them on to the app. Reading a deck runs nothing, and imports torch for a saved trace alone.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from llm_linalg.base.spelling import quote
from llm_linalg.base.text import NOTHING, CleanText, clean
from llm_linalg.lessons import documents, files, reader
from llm_linalg.lessons.body import StopsFence
from llm_linalg.lessons.documents.markdown_file import is_lesson
from llm_linalg.lessons.lesson import Lesson, LessonError, UnknownNameError
from llm_linalg.lessons.stop import Stop

MOST_FILES = 200
MOST_STOPS = 1000
MOST_BYTES = 100_000_000  # of all files of a deck, whose bytes are kept
SUFFIXES = (".md", ".markdown")

PROGRAM = "llm-linalg"  # a line may begin with it, like a copied command

_NAMED = re.compile(r"(.+?)(?::([0-9]{1,6})(?:-([0-9]{1,6}))?)?")


@dataclass(frozen=True, slots=True)
class DeckStop:
    """One stop of a deck."""

    lesson: Lesson  # the lesson that it is a stop of
    stop: int  # its number in the lesson, from 1
    title: CleanText  # the heading above it in the deck, or the stop's own title
    notes: CleanText = NOTHING  # the speaker's notes, as prose; empty without any
    minutes: float | None = None  # its planned length, or None
    words: tuple[str, ...] = ()  # the view with which it opens, as arguments such as `--set n=4 --step 3`
    file: str = ""  # the deck's file
    line: int = 1  # its line in the deck's file, from 1

    @property
    def at(self) -> Stop:
        """The lesson's stop."""
        return self.lesson.stops[self.stop - 1]

    @property
    def source(self) -> CleanText:
        """Its lesson's title and its own, as far as they differ from `title`."""
        return clean(" › ".join(one for one in (self.lesson.title, self.at.title) if one != self.title))


@dataclass(frozen=True, slots=True)
class Deck:
    """The stops of a presentation, in order.

    Attributes:
        title: The deck's title.
        stops: Its stops, at least one.
        path: The file or the folder; None for a built-in lesson.
        target_minutes: The planned minutes in the front matter, or None.
        sources: The bytes of every file that was read for it.
        errors: The errors of `stops` lines that name nothing, which are left out.
    """

    title: CleanText
    stops: tuple[DeckStop, ...]
    path: Path | None = None
    target_minutes: float | None = None
    sources: Mapping[Path, bytes] = field(default_factory=dict, repr=False)
    errors: tuple[LessonError, ...] = ()

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """The distinct lessons of its stops, in order of appearance."""
        return tuple({id(stop.lesson): stop.lesson for stop in self.stops}.values())

    @property
    def files(self) -> frozenset[Path]:
        """The files that its stops are read from."""
        return frozenset(filter(None, (self.path, *self.sources, *(one.path for one in self.lessons))))

    @property
    def is_talk(self) -> bool:
        """Whether it is made for a stage, and no lesson alone: of several files, with notes or minutes."""
        alone = all(stop.lesson.path == self.path for stop in self.stops)
        return self.path is not None and (
            not alone or self.minutes is not None or any(stop.notes for stop in self.stops)
        )

    @property
    def minutes(self) -> float | None:
        """Its planned length: as the front matter says, else the sum over its stops; None without either."""
        given = [stop.minutes for stop in self.stops if stop.minutes is not None]
        return self.target_minutes if self.target_minutes is not None else sum(given) if given else None


def load(path: str | os.PathLike[str], *, whole: bool = True) -> Deck:
    """Return the deck in a file or a folder; a notebook, Python or Markdown file is a deck of its cells.

    Unless it is loaded whole, a `stops` line that names nothing is left out, with its error in `errors`.

    Raises:
        LessonError: With the file, the line (1 where none is to blame) and the reason.
    """
    place = Path(path)
    reading = _DeckReading(place, whole)
    deck = reading.folder() if place.is_dir() else reading.file(place)
    return replace(deck, sources=reading.sources, errors=tuple(reading.errors))


def folder_files(place: Path) -> list[Path]:
    """Return a folder's files of lessons in alphabetical order, without README.md, `.x` and `_x`.

    Raises:
        LessonError: If it can't be read, or has none, or too many.
    """
    try:
        files = sorted(file for file in place.iterdir() if file.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise LessonError(str(place), 1, (error.strerror or "cannot be read").lower()) from None
    kept = [file for file in files if file.name[0] not in "._" and file.stem.lower() != "readme"]
    if not 0 < len(kept) <= MOST_FILES:
        reason = f"it has {len(kept)} lessons; {MOST_FILES} are shown" if kept else "no lesson is in it"
        raise LessonError(str(place), 1, reason)
    return kept


def of_lesson(one: Lesson) -> Deck:
    """Return a lesson's stops, with their own notes, as a deck."""
    stops = tuple(_own_stop(one, stop.number, str(one.path or one.slug)) for stop in one.stops)
    return Deck(one.title, stops, one.path, one.minutes)


def _own_stop(one: Lesson, number: int, file: str) -> DeckStop:
    at = one.stop(number)
    return DeckStop(one, number, at.title, at.notes, at.minutes, (), file, at.line)


def lesson_of(data: bytes, path: Path) -> Lesson:
    """Return the lesson in one of a deck's files; for the deck's own file, the lesson of its own stops.

    Raises:
        LessonError: With the file, the line and the reason.
    """
    return _pieces(data, path)[0]


def _pieces(data: bytes, path: Path) -> tuple[Lesson, Sequence[Stop | StopsFence]]:
    """Return a file's own stops as a lesson, and these with the fences of others between them."""
    if path.suffix.lower() in SUFFIXES and is_lesson(text := files.text_of(data, path)):
        return reader.parse_deck_file(text, path)
    lesson = documents.parse(data, path)
    return lesson, lesson.stops


class _DeckReading:
    """The files that are read for a deck.

    Attributes:
        sources: The bytes of the files that were read.
        errors: The errors of the `stops` lines that name nothing.
    """

    def __init__(self, place: Path, whole: bool) -> None:
        self.sources: dict[Path, bytes] = {}
        self.errors: list[LessonError] = []
        self._place, self._whole = place, whole
        self._named: dict[Path, Lesson] = {}  # by `stops` fences: each is read once
        self._count = 0  # of stops

    def folder(self) -> Deck:
        """Return the deck of a folder's files in alphabetical order, without README.md, `.x` and `_x`."""
        place = self._place
        decks = [self.file(file) for file in folder_files(place)]
        return Deck(
            clean(place.resolve().name or str(place), 200),
            tuple(stop for deck in decks for stop in deck.stops),
            place,
            sum(deck.minutes or 0.0 for deck in decks) or None,
        )

    def file(self, place: Path) -> Deck:
        """Return the deck in a file."""
        own, pieces = _pieces(self._bytes(place), place)
        stops: list[DeckStop] = []
        own_stops = iter(of_lesson(own).stops)
        for piece in pieces:
            if isinstance(piece, StopsFence):
                stops += self._stops_named(piece, place)
            else:
                self._check_length(1)
                stops.append(next(own_stops))
        return Deck(own.title, tuple(stops), place, own.minutes)

    def _stops_named(self, piece: StopsFence, place: Path) -> list[DeckStop]:
        """Return the stops that a `stops` fence names, which share its minutes."""
        stops: list[DeckStop] = []
        for words, line in piece.lines:
            try:
                named = self._stops_of_line(words, line, piece, place)
            except LessonError as error:
                if self._whole:
                    raise
                self.errors.append(error)
                continue
            self._check_length(len(named))
            stops += named
        minutes = piece.minutes
        return stops if minutes is None else [replace(stop, minutes=minutes / len(stops)) for stop in stops]

    def _stops_of_line(self, text: str, line: int, piece: StopsFence, place: Path) -> list[DeckStop]:
        file = str(place)
        try:
            name, first, last, view = _line(text)
            one = self._lesson(name, place)
            numbers = range(1, len(one.stops) + 1) if first is None else range(first, (last or first) + 1)
            own = [_own_stop(one, number, file) for number in numbers]
        except (UnknownNameError, ValueError) as error:
            raise LessonError(file, line, str(error.args[0])) from None
        except LessonError as error:
            raise LessonError(file, line, f"{error.file}:{error.line}: {error.reason}") from None
        return [
            replace(
                stop,
                title=piece.title or stop.title,
                notes=piece.notes or stop.notes,
                words=view,
                line=line,
            )
            for stop in own
        ]

    def _lesson(self, name: str, place: Path) -> Lesson:
        """Return a built-in lesson, or that in a file whose path is relative to the deck's."""
        if "/" not in name and not documents.is_document(name):
            return reader.find(name)
        path = place.parent / name
        if path not in self._named:
            self._named[path] = documents.parse(self._bytes(path), path)
        return self._named[path]

    def _bytes(self, place: Path) -> bytes:
        """Return a file's bytes, and keep them among the sources, which are bounded together."""
        self.sources[place] = files.read_bytes(place, MOST_BYTES + 1)
        if sum(map(len, self.sources.values())) > MOST_BYTES:
            raise LessonError(str(place), 1, f"the deck's files have more than {MOST_BYTES // 1_000_000} MB")
        return self.sources[place]

    def _check_length(self, more: int) -> None:
        """Raise LessonError for a deck that has too many stops; asked as it grows."""
        self._count += more
        if self._count > MOST_STOPS:
            raise LessonError(str(self._place), 1, f"the deck has more than {MOST_STOPS:,} stops")


def _line(text: str) -> tuple[str, int | None, int | None, tuple[str, ...]]:
    """Return the lesson that a line names, its first and last stop, and the words of its view.

    Raises:
        ValueError: If the line is not of that form.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"{quote(text)}: {str(error).lower()}") from None
    words = words[words[:1] == [PROGRAM] :]
    match = _NAMED.fullmatch(words[0]) if words else None
    if match is None:
        raise ValueError(f"a line names a lesson, as matmul or matmul:2; not {quote(text)}")
    name, first, last = match.groups()
    view = words[1:]
    if first is None and view:
        at = view.index("--stop") if "--stop" in view else len(view)
        first = next(iter(view[at + 1 : at + 2]), "1")
        del view[at : at + 2]
    if first is not None and not re.fullmatch("[0-9]{1,6}", first):
        raise ValueError(f"{quote(first)} is not the number of a stop")
    if last is not None and (view or int(last) < int(first)):
        why = "what follows it belongs to one stop" if view else "it runs backwards"
        raise ValueError(f"{quote(words[0])} names several stops: {why}")
    return name, None if first is None else int(first), None if last is None else int(last), tuple(view)
