"""Read the body of a lesson: headings, prose and fences, as stops."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from llm_linalg.base.spelling import quote
from llm_linalg.base.text import NOTHING, CleanText, clean_lines, nearest
from llm_linalg.lessons import board_reader, question_reader
from llm_linalg.lessons.fence_options import ListFence, list_fence, parse_options, shown_line
from llm_linalg.lessons.lesson import MOST_MINUTES, LineError
from llm_linalg.lessons.markdown import Block, blocks, prose, without_formulas
from llm_linalg.lessons.stop import Board, Stop
from llm_linalg.questions.question import Ask, FenceLine

FENCES = ("python", "board", "notes", "stops", "ask", "exercise")
LONG_NAMES = tuple(name for name in FENCES if name != "ask")  # of which a misspelling can be told
LONGEST_TITLE = 80
MOST_PROGRAMS = 100  # each continues those above it: what is run and checked grows with the square


class StopsFence(NamedTuple):
    """A `stops` fence of a deck."""

    title: CleanText  # the heading above it; empty without one
    lines: tuple[FenceLine, ...]  # its lines, each of which names stops of another lesson
    line: int  # its line in the file, from 1
    notes: CleanText = NOTHING  # the speaker's notes at its stops
    minutes: float | None = None  # the minutes that its stops share, or None


def read(text: str, first: int, title: CleanText, controls: Sequence[str]) -> list[Stop | StopsFence]:
    """Return the stops of a body, and what a deck has between them, as the README beside this file says.

    Fences in other languages stay in the prose.

    `first` is the file's line, from 1, of its first line, and `title` that of stops above the first heading.

    Raises:
        LineError: At a line that is wrong.
    """
    reader = _BodyReader(title, controls)
    for block in blocks("\n" * (first - 1) + text, claims=True):
        reader.add(block)
    reader.end_section()
    if not reader.found:
        raise LineError(first, "a lesson needs a stop: a sentence, or a program in a python fence")
    own = [stop for stop in reader.found if isinstance(stop, Stop) and stop.exercise is None]
    programs = [stop.line for stop in own if stop.code]
    if len(programs) > MOST_PROGRAMS:
        reason = f"more than {MOST_PROGRAMS} programs: make two lessons of it"
        raise LineError(programs[MOST_PROGRAMS], reason)
    return reader.found


def fence_fault(block: Block, words: Collection[str]) -> str:
    """Return what a fence lacks to be closed; empty if it is.

    One that begins with one of the words has no other inside.
    """
    if not block.is_closed:
        return f"this fence is never closed: it needs a line {block.mark}"
    if not block.is_fence or _first_word(block.info) not in words:
        return ""
    opening = re.compile(rf" {{0,3}}{re.escape(block.mark)}{re.escape(block.mark[0])}*\s*\w[^`]*")
    inner = next((line.strip() for line in block.text.split("\n") if opening.fullmatch(line)), None)
    return (
        ""
        if inner is None
        else f"this fence is not closed: it needs a line {block.mark} above {quote(inner)}"
    )


def _first_word(info: str) -> str:
    return re.split(r"[\s{]", info, maxsplit=1)[0]


class _BodyReader:
    """The stops so far, in `found`, and what has been read since the last of them."""

    def __init__(self, title: CleanText, controls: Sequence[str]) -> None:
        self.found: list[Stop | StopsFence] = []
        self._lesson_title, self._title = title, NOTHING
        self._controls = controls
        self._number = 1  # of the next stop
        self._ask: Ask | None = None  # one that the section's next program is asked about
        self._program: int | None = None  # the position of the section's last program
        self._heading: int | None = None  # the line of a heading that has no stop yet
        self._prose: list[Block] = []
        self._notes: tuple[CleanText, float | None] = NOTHING, None

    def add(self, block: Block) -> None:
        """Add a block."""
        line = block.first + 1
        if block.level == 2:
            self.end_section()
            self._title = shown_line("a heading", without_formulas(block.text), line, LONGEST_TITLE)
            self._heading, self._program = line, None
        elif block.kind == "claim":
            self._add_claim(block.text, line)
        elif fault := fence_fault(block, FENCES):
            raise LineError(line, fault)
        elif not block.is_fence or (language := _language(block.info, line)) not in FENCES:
            self._prose.append(block)
        else:
            self._add_fence(block, language, line)

    def end_section(self) -> None:
        """Make a stop of prose without a fence; raise `LineError` for a heading with nothing below it."""
        if self._ask is not None:
            program = None if self._program is None else self.found[self._program]
            if self._program is None or not isinstance(program, Stop):
                reason = "an ask belongs to a program, and there is none below its heading"
                raise LineError(self._ask.line, reason)
            if program.ask is not None:
                raise LineError(self._ask.line, "the program above has an ask already")
            self.found[self._program] = program._replace(ask=self._ask)
            self._ask = None
        if prose(self._prose):
            self._add_stop(self._begun or 1, slide=True)
        elif self._heading is not None:
            raise LineError(self._heading, f"nothing stands below the heading {quote(self._title)}")
        self._prose, self._notes = [], (NOTHING, None)

    @property
    def _begun(self) -> int | None:
        """The line at which the next stop begins; None if nothing of it has been read."""
        if self._heading is not None or not self._prose:
            return self._heading
        return self._prose[0].first + 1

    @property
    def _above(self) -> Stop | StopsFence | None:
        """The stop directly above; None if something stands between."""
        return self.found[-1] if self.found and self._heading is None and not prose(self._prose) else None

    @property
    def _program_above(self) -> Stop | None:
        """The stop directly above if it is a program."""
        above = self._above if self._program == len(self.found) - 1 else None
        return above if isinstance(above, Stop) else None

    def _stop(self, line: int, **fields: Any) -> Stop:
        """Return the stop that begins with the prose so far."""
        stop = Stop(
            number=self._number,
            title=self._title or self._lesson_title,
            prose=prose(self._prose),
            line=line,
            notes=self._notes[0],
            minutes=self._notes[1],
            **fields,
        )
        others = (other for other in self.found if isinstance(other, Stop) and stop.continues(other))
        return stop._replace(above=tuple(filter(None, (other.code for other in others))))

    def _add_stop(self, line: int, **fields: Any) -> None:
        self._append(self._stop(line, **fields))

    def _append(self, stop: Stop | StopsFence) -> None:
        self.found.append(stop)
        self._number += isinstance(stop, Stop)
        self._heading, self._prose, self._notes = None, [], (NOTHING, None)

    def _add_fence(self, fence: Block, language: str, line: int) -> None:
        listed = list_fence(fence.info.removeprefix(language), fence.text, line)
        match language:
            case "python":
                options = parse_options(fence.info, line)
                self._program = len(self.found)
                self._add_stop(line, code=fence.text, ask=self._ask, **options)
                self._ask = None
            case "exercise":
                stops = [stop for stop in self.found if isinstance(stop, Stop)]
                stop = self._stop(line)
                self._append(question_reader.exercise_stop(stop, listed, self._controls, stops))
            case "ask":
                if self._ask is not None:
                    raise LineError(line, "the program below has an ask already")
                self._ask = question_reader.read_ask(listed, self._controls)
            case "board":
                self._add_board(board_reader.read(listed), line)
            case "notes":
                self._add_notes(fence, line)
            case _:
                self._add_stops(listed)

    def _add_notes(self, fence: Block, line: int) -> None:
        """Add notes to the stop that is being read, or else to the one directly above."""
        above = self._above
        text, minutes = self._notes if above is None else (above.notes, above.minutes)
        more, planned = _notes(fence, line)
        if planned is not None and minutes is not None:
            raise LineError(line, "this stop has its minutes already")
        text = clean_lines("\n\n".join(filter(None, (text, more))))
        minutes = minutes if planned is None else planned
        if above is None:
            self._notes = text, minutes
        else:
            self.found[-1] = above._replace(notes=text, minutes=minutes)

    def _add_stops(self, fence: ListFence) -> None:
        """Add a deck's stops of other lessons; the prose above them becomes a stop of its own."""
        if fence.info:
            raise LineError(fence.line, "nothing stands behind stops in the first line of its fence")
        lines = tuple(FenceLine(text.strip(), place) for text, place in fence.lines if text.strip())
        if not lines:
            raise LineError(fence.line, "a stops fence names lessons, one a line: matmul, or matmul:2")
        if prose(self._prose):
            self.end_section()
        self._append(StopsFence(self._title, lines, fence.line, *self._notes))

    def _add_board(self, board: Board, line: int) -> None:
        """Add a board to the program directly above it, or else as a stop of its own."""
        above = self._program_above
        if above is None:
            self._add_stop(self._begun or line, board=board)
        elif above.board is not None:
            raise LineError(line, "this stop has a board already")
        elif above.fails:
            raise LineError(line, "a stop that fails shows why: it has no board")
        else:
            self.found[-1] = above._replace(board=board)

    def _add_claim(self, text: str, line: int) -> None:
        """Add a claim to the program directly above it."""
        above = self._program_above
        if above is None:
            raise LineError(line, "an expect: line stands right below the program that it is about")
        if above.fails:
            raise LineError(line, "a stop that fails leaves nothing to expect")
        if not text:
            raise LineError(line, "expect: takes an expression that is true or false: Y.shape == (3, 4)")
        self.found[-1] = above._replace(expects=(*above.expects, (line, text)))


def _language(info: str, line: int) -> str:
    """Return the language of a fence; raise `LineError` if it looks like a misspelling of one of `FENCES`."""
    word = _first_word(info)
    if not word or word in FENCES:
        return word
    near = "python" if word.lower() in ("py", "python3") else nearest(word, LONG_NAMES)
    near = "ask" if word.lower() in ("ask", "asks") else near
    if near == "python":
        raise LineError(line, f"a program's fence says python, not {quote(word)}")
    if near:
        raise LineError(line, f"this fence says {near}, not {quote(word)}")
    return word


def _notes(fence: Block, line: int) -> tuple[CleanText, float | None]:
    """Return the notes in a fence, and their minutes: its info string may be `notes minutes=2`."""
    info = fence.info.removeprefix("notes")
    minutes = None
    if info.strip():
        match = re.fullmatch(r"""\s+minutes\s*=\s*(["']?)([0-9]{1,4}(?:\.[0-9]{1,4})?)\1\s*""", info)
        minutes = float(match[2]) if match else 0.0
        if not 0 < minutes <= MOST_MINUTES:
            reason = f"behind notes may stand minutes=2, up to {MOST_MINUTES:g}; not {quote(info.strip())}"
            raise LineError(line, reason)
    return prose(blocks(fence.text)), minutes
