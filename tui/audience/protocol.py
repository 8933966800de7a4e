"""The lines that a presenter and its followers exchange: JSON objects, one a line, of one version.

A follower begins: `{"llm-linalg": 1, "as": "notes"}`, or `"follow"`. The presenter answers with lines of
three kinds, and sends them again when they change:

- `deck`: its title, its stops, how many minutes it is meant to take;
- `lesson`: the lesson that is shown: a built-in one's slug, or a file's path and text;
- `show`: the stop, the view in the words of the command line, what else is seen, the clock; for the notes
  what the speaker reads.

Who reads the notes may say `{"do": "next"}`, `"back"`, `"stop.next"`, `"stop.previous"`, or
`{"do": "go", "stop": 3}`. Nothing else is understood.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tui.model.broadcast import Broadcast
from tui.model.view_words import arguments
from tui.navigation.steps import position
from tui.session.presentation.stage_moves import is_edited, require_talk

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import Deck, DeckStop
    from llm_linalg.lessons.lesson import Lesson
    from tui.session.session import Session

VERSION = 1
LONGEST_REQUEST = 1000  # bytes of a follower's line
LONGEST_LINE = 16_000_000  # bytes of a presenter's line
LONGEST_TEXT = 2_000_000  # bytes of a lesson that is sent; a longer file is read by the follower

Role = Literal["notes", "follow"]
ROLES: tuple[Role, ...] = ("notes", "follow")
VERBS = {
    "next": "stage.next",
    "back": "stage.back",
    "stop.next": "stage.stop.next",
    "stop.previous": "stage.stop.previous",
}
"""What a reader of the notes may ask, and the command that it is; besides, to go to a stop."""


class WireError(Exception):
    """A line that is not understood; the text says why."""


def encode(message: Mapping[str, object]) -> bytes:
    """Return a message as a line."""
    return json.dumps(message, ensure_ascii=True).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Return the message of a line. Raises WireError."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise WireError("a line that is no JSON") from None
    if not isinstance(message, dict):
        raise WireError("a line that is no JSON object")
    return message


def greeting(role: Role) -> dict[str, object]:
    """Return how a follower begins."""
    return {"llm-linalg": VERSION, "as": role}


def role_of(message: Mapping[str, Any]) -> Role:
    """Return who a follower is, by its greeting. Raises WireError."""
    if message.get("llm-linalg") != VERSION:
        raise WireError(f"this presenter speaks version {VERSION}")
    for role in ROLES:
        if message.get("as") == role:
            return role
    raise WireError(f"a follower is one of {', '.join(ROLES)}")


def command_for(message: Mapping[str, Any], role: Role) -> str:
    """Return the command that a follower asks for. Raises WireError."""
    if role != "notes":
        raise WireError("an audience only looks")
    verb, stop = message.get("do"), message.get("stop")
    if verb == "go" and type(stop) is int and 1 <= stop <= 10**6 and set(message) == {"do", "stop"}:
        return f"stage.go:{stop}"
    if isinstance(verb, str) and verb in VERBS and set(message) == {"do"}:
        return VERBS[verb]
    raise WireError(f"a verb is one of {', '.join((*VERBS, 'go'))}")


def deck_message(deck: Deck) -> dict[str, object]:
    """Return a deck without its pictures."""
    stops = [[stop.title, stop.minutes] for stop in deck.stops]
    return {"deck": {"title": deck.title, "path": str(deck.path or ""), "stops": stops}}


def lesson_message(deck: Deck, lesson: Lesson) -> dict[str, object]:
    """Return a lesson, as it can be read again."""
    if lesson.path is None or lesson.path not in deck.sources:
        return {"lesson": {"slug": lesson.slug}}
    data = deck.sources[lesson.path]
    record: dict[str, object] = {"path": str(lesson.path.absolute())}
    if len(data) <= LONGEST_TEXT:
        record["text"] = data.decode("utf-8", "replace")
    return {"lesson": record}


def show_message(session: Session, role: Role, now: float) -> dict[str, object]:
    """Return what is shown at a moment; only the speaker gets the notes."""
    talk = require_talk(session)
    following = talk.following
    shown: dict[str, object] = {
        "number": talk.number,
        "stop": talk.stop.stop,
        "rehearsed": list(talk.stop.words),
        "view": arguments(session.reopening_view)[1:],
        "black": talk.black,
        "clock": talk.clock,
        "seconds": round(talk.watch.seconds(now), 3),
        "running": talk.watch.running,
        "planned": talk.duration,
    }
    if role == "notes":
        step, steps = _position(session)
        shown |= {
            "step": step,
            "steps": steps,
            "notes": talk.stop.notes,
            "minutes": talk.stop.minutes,
            "next": "" if following is None else _next_title(following, talk.stop),
            "changed": is_edited(session),
            "fault": talk.fault,
        }
    return {"show": shown}


def _position(session: Session) -> tuple[int, int]:
    """Return the step that is shown, and how many there are; no steps while the program runs."""
    navigation = session.navigation
    return (0, 0) if navigation is None else position(session.view, navigation)


def _next_title(following: DeckStop, stop: DeckStop) -> str:
    """Return the next stop's title; where one heading holds for both, with its own."""
    same = following.title == stop.title
    return f"{following.title} › {following.source}" if same and following.source else following.title


def with_line(known: Broadcast, line: bytes) -> Broadcast:
    """Return what is known of a talk, with what a presenter's line says.

    Raises WireError for what is no line.
    """
    message = decode(line)
    if "refused" in message:
        raise WireError(str(message["refused"]))
    for kind in ("deck", "lesson", "show"):
        if isinstance(message.get(kind), dict):
            return replace(known, **{kind: message[kind]})
    raise WireError("a line of another version")


def lesson_from(record: Mapping[str, Any]) -> Lesson:
    """Return the lesson of a `lesson` line. Raises LessonError, LookupError or KeyError."""
    from llm_linalg.lessons import files, reader
    from llm_linalg.lessons.deck import lesson_of
    from llm_linalg.lessons.documents import LONGEST_FILE

    if "slug" in record:
        return reader.find(str(record["slug"]))
    path = Path(str(record["path"]))
    text = record.get("text")
    data = text.encode() if isinstance(text, str) else files.read_bytes(path, LONGEST_FILE + 1)
    return lesson_of(data, path)
