"""Read the body of a lesson: headings, prose and fences, divided into parts, one a stop."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from llm_linalg.base.spelling import quote
from llm_linalg.base.text import NOTHING, CleanText, clean, clean_lines, nearest
from llm_linalg.lessons.contents import MOST_MINUTES
from llm_linalg.lessons.fence_options import BodyError, FenceOptions, parse_options
from llm_linalg.lessons.markdown import Block, blocks, prose

FENCES = ("python", "board", "notes", "stops", "ask", "exercise")
LONG_NAMES = tuple(name for name in FENCES if name != "ask")  # of which a misspelling can be told
LONGEST_TITLE = 80
MOST_PROGRAMS = 100  # each continues those above it: what is run and checked grows with the square

Line = tuple[int, str]  # its number, from 0, and its text


def shift_lines(lines: tuple[Line, ...], by: int) -> tuple[Line, ...]:
    """Return lines with their numbers increased."""
    return tuple((place + by, text) for place, text in lines)


class ListFence(NamedTuple):
    """A fence that is read line by line.

    Attributes:
        info: Its info string.
        lines: Its lines.
        place: The number of its line, from 0.
        is_numbered: Whether its lines have numbers: those of a notebook's cell have that of the cell.
    """

    info: str
    lines: tuple[str, ...]
    place: int
    is_numbered: bool = True

    @property
    def numbered_lines(self) -> list[Line]:
        """Its lines with their numbers."""
        return [(self.place + k * self.is_numbered, line) for k, line in enumerate(self.lines, 1)]


class StopNotes(NamedTuple):
    """The speaker's notes at a stop, and the minutes that it is planned to take; None if not said."""

    text: CleanText = NOTHING
    minutes: float | None = None

    def __bool__(self) -> bool:
        return bool(self.text) or self.minutes is not None

    def join(self, other: StopNotes) -> StopNotes:
        """Return these notes followed by others, whose minutes count if they have any."""
        text = clean_lines("\n\n".join(filter(None, (self.text, other.text))))
        return StopNotes(text, self.minutes if other.minutes is None else other.minutes)


NO_NOTES = StopNotes()


class BodyPart(NamedTuple):
    """A stop in the file: prose and, unless it is prose alone, a fence.

    `place` is the line of the fence, from 0, or where the prose begins. A `stops` fence of a deck is a part
    too, but not a stop of the file's own: its lines are in `stops`.
    """

    title: CleanText
    prose: CleanText
    place: int
    info: FenceOptions | None = None
    code: str = ""
    board: ListFence | None = None
    notes: StopNotes = NO_NOTES
    stops: tuple[Line, ...] = ()
    expects: tuple[Line, ...] = ()  # claims about its program's state
    ask: ListFence | None = None
    exercise: ListFence | None = None

    def shift(self, lines: int) -> BodyPart:
        """Return the part with the lines of its place and of its `stops` increased, as a deck reads them."""
        return self._replace(place=self.place + lines, stops=shift_lines(self.stops, lines))


@dataclass(slots=True, eq=False, repr=False)
class _OpenStop:
    """The text read since the last stop."""

    title: CleanText = NOTHING
    heading: int | None = None  # the line of a heading that has no stop yet
    prose: list[Block] = field(default_factory=list)
    notes: StopNotes = NO_NOTES
    ask: ListFence | None = None  # one that the section's next program is asked about
    first: int = 0  # the position of the section's first part

    @property
    def place(self) -> int | None:
        """The line where it begins; None if it is empty."""
        return self.heading if self.heading is not None or not self.prose else self.prose[0].first

    @property
    def prose_text(self) -> CleanText:
        """The prose, a paragraph a line."""
        return prose(self.prose)

    def begin_stop(self) -> None:
        """Start the next stop, under the same heading."""
        self.heading = None
        self.prose, self.notes = [], NO_NOTES


def read(lines: list[str]) -> list[BodyPart]:
    """Return the parts of a body.

    A `##` heading names the stops below it. Each `python` fence is a stop, with the prose before it; prose
    without a fence after it, up to the next heading or the end, is a stop too. A `board` fence belongs to the
    program directly above it, or is a stop of its own with the prose before it. A `notes` fence belongs to
    the stop in whose text it stands, or to the one directly above it. A line `expect: …` below a program is a
    claim about its state. An `ask` fence belongs to the program that follows it below its heading, or else to
    the one above it there; an `exercise` fence is a stop of its own. Fences in other languages stay in the
    prose.

    Raises:
        BodyError: At a line that is wrong.
    """
    pieces: list[BodyPart] = []
    now = _OpenStop()
    for block in blocks("\n".join(lines), claims=True):
        if block.level == 2:
            _close(now, pieces)
            now = _OpenStop(_title(block.text, block.first), block.first, first=len(pieces))
        elif block.kind == "claim":
            _put_claim(block.text, block.first, now, pieces)
        elif fault := fence_fault(block, FENCES):
            raise BodyError(block.first, fault)
        elif not (block.is_fence and _take(block, now, pieces)):
            now.prose.append(block)
    _close(now, pieces)
    if not pieces:
        raise BodyError(0, "a lesson needs a stop: a sentence, or a program in a python fence")
    programs = [piece.place for piece in pieces if piece.code]
    if len(programs) > MOST_PROGRAMS:
        raise BodyError(
            programs[MOST_PROGRAMS], f"more than {MOST_PROGRAMS} programs: make two lessons of it"
        )
    return pieces


def fence_fault(block: Block, words: Collection[str]) -> str:
    """Return what a fence lacks to be closed; empty if it is.

    Args:
        block: A block of Markdown.
        words: Those with which a fence begins that has no other inside.
    """
    if not block.is_closed:
        return f"this fence is never closed: it needs a line {block.mark}"
    inner = _fence_inside(block, words)
    return (
        ""
        if inner is None
        else f"this fence is not closed: it needs a line {block.mark} above {quote(inner)}"
    )


def _fence_inside(block: Block, words: Collection[str]) -> str | None:
    """Return the line that opens another fence inside one of these; None without one."""
    word = re.split(r"[\s{]", block.info, maxsplit=1)[0]
    if not block.is_fence or word not in words:
        return None
    opening = re.compile(rf" {{0,3}}{re.escape(block.mark)}{re.escape(block.mark[0])}*\s*\w[^`]*")
    return next((line.strip() for line in block.text.split("\n") if opening.fullmatch(line)), None)


def _take(fence: Block, now: _OpenStop, pieces: list[BodyPart]) -> bool:
    """Add a fence to the parts; return whether it is a lesson's, and not one to leave in the prose."""
    place = fence.first
    language = _language(fence.info, place)
    if language not in FENCES:
        return False
    if language == "python":
        said = parse_options(fence.info, place)
        part = BodyPart(now.title, now.prose_text, place, said, fence.text, notes=now.notes, ask=now.ask)
        pieces.append(part)
        now.ask = None
    elif language == "exercise":
        asked = _list_fence(fence, language)
        pieces.append(BodyPart(now.title, now.prose_text, place, notes=now.notes, exercise=asked))
    elif language == "ask":
        if now.ask is not None:
            raise BodyError(place, "the program below has an ask already")
        now.ask = _list_fence(fence, language)
        return True
    elif language == "board":
        _put_board(_list_fence(fence, language), now, pieces)
    elif language == "notes":
        _put_notes(_notes(fence), place, now, pieces)
        return True
    else:
        _put_stops(fence, now, pieces)
    now.begin_stop()
    return True


def _list_fence(fence: Block, language: str) -> ListFence:
    return ListFence(fence.info.removeprefix(language).strip(), tuple(fence.text.split("\n")), fence.first)


def _close(now: _OpenStop, pieces: list[BodyPart]) -> None:
    """Make a stop of prose without a fence; raise `BodyError` for a heading with nothing below it."""
    if now.ask is not None:
        _put_ask(now.ask, now.first, pieces)
    if now.prose_text:
        pieces.append(BodyPart(now.title, now.prose_text, now.place or 0, notes=now.notes))
    elif now.heading is not None:
        raise BodyError(now.heading, f"nothing stands below the heading {quote(now.title)}")


def _language(info: str, place: int) -> str:
    """Return the language of a fence; raise `BodyError` if it looks like a misspelling of one of `FENCES`."""
    word = re.split(r"[\s{]", info, maxsplit=1)[0]
    if not word or word in FENCES:
        return word
    near = "python" if word.lower() in ("py", "python3") else nearest(word, LONG_NAMES)
    near = "ask" if word.lower() in ("ask", "asks") else near
    if near == "python":
        raise BodyError(place, f"a program's fence says python, not {quote(word)}")
    if near:
        raise BodyError(place, f"this fence says {near}, not {quote(word)}")
    return word


def _notes(fence: Block) -> StopNotes:
    """Return the notes in a fence, whose info string may be `notes minutes=2`."""
    said = fence.info.removeprefix("notes")
    minutes = None
    if said.strip():
        found = re.fullmatch(r"""\s+minutes\s*=\s*(["']?)([0-9]{1,4}(?:\.[0-9]{1,4})?)\1\s*""", said)
        minutes = float(found[2]) if found else 0.0
        if not 0 < minutes <= MOST_MINUTES:
            reason = f"behind notes may stand minutes=2, up to {MOST_MINUTES:g}; not {quote(said.strip())}"
            raise BodyError(fence.first, reason)
    return StopNotes(prose(blocks(fence.text)), minutes)


def _put_notes(notes: StopNotes, place: int, now: _OpenStop, pieces: list[BodyPart]) -> None:
    """Add notes to the stop that is being read, or else to the one directly above."""
    above = None if now.prose_text or now.heading is not None or not pieces else pieces[-1]
    before = now.notes if above is None else above.notes
    if notes.minutes is not None and before.minutes is not None:
        raise BodyError(place, "this stop has its minutes already")
    if above is None:
        now.notes = before.join(notes)
    else:
        pieces[-1] = above._replace(notes=before.join(notes))


def _put_stops(fence: Block, now: _OpenStop, pieces: list[BodyPart]) -> None:
    """Add a deck's stops of other lessons; the prose above them becomes a stop of its own."""
    place = fence.first
    if fence.info != "stops":
        raise BodyError(place, "nothing stands behind stops in the first line of its fence")
    lines = [(place + k, line.strip()) for k, line in enumerate(fence.text.split("\n"), 1) if line.strip()]
    if not lines:
        raise BodyError(place, "a stops fence names lessons, one a line: matmul, or matmul:2")
    notes = now.notes
    if now.prose_text:
        _close(now, pieces)
        notes = NO_NOTES
    pieces.append(BodyPart(now.title, NOTHING, place, notes=notes, stops=tuple(lines)))


def _put_board(board: ListFence, now: _OpenStop, pieces: list[BodyPart]) -> None:
    """Add a board to the program directly above it; with prose before it, it becomes a stop of its own."""
    above = pieces[-1] if pieces and not now.prose_text and now.heading is None else None
    if above is None or above.info is None:
        place = board.place if now.place is None else now.place
        pieces.append(BodyPart(now.title, now.prose_text, place, board=board, notes=now.notes))
    elif above.board is not None:
        raise BodyError(board.place, "this stop has a board already")
    elif above.info.fails:
        raise BodyError(board.place, "a stop that fails shows why: it has no board")
    else:
        pieces[-1] = above._replace(board=board)


def _put_ask(ask: ListFence, first: int, pieces: list[BodyPart]) -> None:
    """Add an ask to the last program of its section, which begins at part `first`."""
    places = [k for k in range(first, len(pieces)) if pieces[k].info is not None]
    if not places:
        raise BodyError(ask.place, "an ask belongs to a program, and there is none below its heading")
    if pieces[places[-1]].ask is not None:
        raise BodyError(ask.place, "the program above has an ask already")
    pieces[places[-1]] = pieces[places[-1]]._replace(ask=ask)


def _put_claim(text: str, place: int, now: _OpenStop, pieces: list[BodyPart]) -> None:
    """Add a claim to the program directly above it."""
    above = pieces[-1] if pieces and not now.prose_text and now.heading is None else None
    if above is None or above.info is None:
        raise BodyError(place, "an expect: line stands right below the program that it is about")
    if above.info.fails:
        raise BodyError(place, "a stop that fails leaves nothing to expect")
    if not text:
        raise BodyError(place, "expect: takes an expression that is true or false: Y.shape == (3, 4)")
    pieces[-1] = above._replace(expects=(*above.expects, (place, text)))


def _title(text: str, place: int) -> CleanText:
    if not text or not text.isprintable() or len(text) > LONGEST_TITLE:
        raise BodyError(place, f"a heading is 1 to {LONGEST_TITLE} characters, without control characters")
    return clean(text, None)
