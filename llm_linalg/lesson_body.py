"""The body of a lesson: headings, prose and fences, read into pieces, one a stop."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from llm_linalg.orders import ORDERS
from llm_linalg.prose import fence, heading, paragraphs
from llm_linalg.spelling import quoted, unknown
from llm_linalg.text import nearest

KEYS = ("show", "order", "steps", "fails")
LONGEST_TITLE = 80

_PAIR = re.compile(r"""\s+([^\s="']+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"']+))?""")


class BodyError(Exception):
    """What is wrong in the body: the place of its line, from 0, and the reason."""

    def __init__(self, place: int, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Info:
    """The info string of a fence: ``python show="mask" order="rows" steps="1-5" fails``."""

    show: tuple[str, ...] = ()
    order: str | None = None
    steps: tuple[int, int] | None = None
    fails: bool = False


@dataclass(frozen=True, slots=True)
class BoardFence:
    """A `board` fence as it stands in the file: its info string, its lines, and its own line, from 0."""

    info: str
    lines: tuple[str, ...]
    place: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A stop as it stands in the file: prose and, unless it is prose alone, a fence.

    `place` is the line of the fence, from 0, or where the prose begins.
    """

    title: str
    prose: str
    place: int
    info: Info | None = None
    code: str = ""
    board: BoardFence | None = None


@dataclass(slots=True)
class _Open:
    """What was read since the last stop."""

    title: str = ""
    place: int | None = None  # where it begins
    heading: int | None = None  # a heading that has no stop yet
    prose: list[str] = field(default_factory=list)

    @property
    def prose_text(self) -> str:
        """The prose, a paragraph a line."""
        return "\n\n".join(paragraph.shown for paragraph in paragraphs("\n".join(self.prose)))

    def add(self, line: str, place: int) -> None:
        """A line of prose."""
        self.prose.append(line)
        if line.strip() and self.place is None:
            self.place = place


def read(lines: list[str]) -> list[Piece]:
    """The stops of a body.

    A `##` heading names the stops below it. Each `python` fence is a stop, with the
    prose before it; prose with no fence after it, up to the next heading or the end, is
    a stop too. A `board` fence belongs to the program right above it, or is a stop of
    its own, with the prose before it. Fences in another language stay in the prose.

    Raises:
        BodyError: At the line that is wrong.
    """
    pieces: list[Piece] = []
    now = _Open()
    place = 0
    while place < len(lines):
        line = lines[place]
        title, opened = heading(line), fence(line)
        if title and title.level == 2:
            _close(now, pieces)
            now = _Open(title=_title(title.text, place), place=place, heading=place)
            place += 1
            continue
        if not opened:
            now.add(line, place)
            place += 1
            continue
        end = opened.end(lines, place)
        if end is None:
            raise BodyError(place, f"this fence is never closed: it needs a line {opened.mark}")
        language = _language(opened.info, place)
        if language == "python":
            info = _info(opened.info, place)
            indent = len(opened.indent)
            code = [line[min(indent, len(line) - len(line.lstrip(" "))) :] for line in lines[place + 1 : end]]
            pieces.append(Piece(now.title, now.prose_text, place, info, "\n".join(code)))
            now = _Open(title=now.title)
        elif language == "board":
            board = BoardFence(
                opened.info.strip().removeprefix("board").strip(), tuple(lines[place + 1 : end]), place
            )
            _put_board(board, now, pieces)
            now = _Open(title=now.title)
        else:
            for k in range(place, end + 1):
                now.add(lines[k], k)
        place = end + 1
    _close(now, pieces)
    if not pieces:
        raise BodyError(0, "a lesson needs a stop: a sentence, or a program in a python fence")
    return pieces


def _close(now: _Open, pieces: list[Piece]) -> None:
    """Prose that no fence follows becomes a stop; a heading with nothing below it is an error."""
    if now.prose_text:
        pieces.append(Piece(now.title, now.prose_text, now.place or 0))
    elif now.heading is not None:
        raise BodyError(now.heading, f"nothing stands below the heading {quoted(now.title)}")


def _language(info: str, place: int) -> str:
    """What a fence holds: `python`, `board`, or else; what looks like these two is a slip, not prose."""
    word = re.split(r"[\s{]", info.strip(), maxsplit=1)[0]
    if word in ("python", "board"):
        return word
    if word and (word.lower() in ("py", "python3") or nearest(word, ["python"])):
        raise BodyError(place, f"a program's fence says python, not {quoted(word)}")
    if word and nearest(word, ["board"]):
        raise BodyError(place, f"a board's fence says board, not {quoted(word)}")
    return word


def _put_board(board: BoardFence, now: _Open, pieces: list[Piece]) -> None:
    """Gives a board to the program right above it; with prose before it, it is a stop of its own."""
    above = pieces[-1] if pieces and not now.prose_text and now.heading is None else None
    if above is None or above.info is None:
        place = board.place if now.place is None else now.place
        pieces.append(Piece(now.title, now.prose_text, place, board=board))
    elif above.board is not None:
        raise BodyError(board.place, "this stop has a board already")
    elif above.info.fails:
        raise BodyError(board.place, "a stop that fails shows why: it has no board")
    else:
        pieces[-1] = replace(above, board=board)


def _info(text: str, place: int) -> Info:
    """What stands behind `python` in the first line of a fence."""
    text = text.strip().removeprefix("python").rstrip()
    info, seen, at = Info(), set[str](), 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if not pair:
            raise BodyError(place, f'the info string reads key="value": {quoted(text[at:].strip())} does not')
        at = pair.end()
        key, value = pair[1], pair[2]
        if key not in KEYS:
            raise BodyError(place, unknown("key", key, KEYS))
        if key in seen:
            raise BodyError(place, f"{key} stands twice")
        seen.add(key)
        info = _with(info, key, None if value is None else value.strip("\"'").strip(), place)
    return info


def _with(info: Info, key: str, value: str | None, place: int) -> Info:
    if key == "fails":
        if value is not None:
            raise BodyError(place, "fails takes no value")
        return replace(info, fails=True)
    if not value:
        raise BodyError(place, f'{key} needs a value: {key}="…"')
    if key == "show":
        names = tuple(name.strip() for name in value.split(","))
        if not all(name and name.isprintable() and " " not in name for name in names):
            raise BodyError(place, f'show names a node, or several: show="Y, Z"; not {quoted(value)}')
        return replace(info, show=names)
    if key == "order":
        if value not in ORDERS:
            raise BodyError(place, unknown("order", value, ORDERS))
        return replace(info, order=value)
    span = re.fullmatch(r"([0-9]{1,12})(?:-([0-9]{1,12}))?", value)
    first, last = (int(span[1]), int(span[2] or span[1])) if span else (0, 0)
    if not 1 <= first <= last:
        raise BodyError(place, f'steps is a range that counts from 1: steps="1-5"; not {quoted(value)}')
    return replace(info, steps=(first, last))


def _title(text: str, place: int) -> str:
    if not text or not text.isprintable() or len(text) > LONGEST_TITLE:
        raise BodyError(place, f"a heading is 1 to {LONGEST_TITLE} characters, without control characters")
    return text
