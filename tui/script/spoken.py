"""Every command as words of a script: one table, and whether a command did anything that is worth a word.

A command that depends on what is selected is written as what it did: ``set n 5`` and not "more".
"""

from __future__ import annotations

from collections.abc import Callable

from tui import player
from tui.prose import links
from tui.script.tokens import Said
from tui.session import Session
from tui.talk import Talk, on_stage

Spoken = Callable[[Session, str, Session], Said]
"""From the session before, the command's argument and the session after."""


def _as(*words: str) -> Spoken:
    return lambda _before, _argument, _after: words


def _step(_before: Session, _argument: str, after: Session) -> Said:
    return ("step", str(position(after)))


def _order(_before: Session, _argument: str, after: Session) -> Said:
    order = None if after.navigation is None else player.order_of(after.view, after.navigation)
    return ("order", *(() if order is None else (order,)))


def _speed(_before: Session, _argument: str, after: Session) -> Said:
    return ("speed", f"{after.player.speed:g}")


def _stop(way: str) -> Spoken:
    def said(before: Session, _argument: str, after: Session) -> Said:
        same = before.view.lesson is after.view.lesson
        return ("stop", str(after.view.stop) if same else way)

    return said


def _control(before: Session, argument: str, after: Session) -> Said:
    name = argument.partition(":")[0] or before.control or ""
    return ("set", name, dict(after.view.controls)[name])


def _raised(before: Session, argument: str, after: Session) -> Said:
    said = _control(before, argument, after)
    grows = before.view.control(said[1]).append is not None and not argument.endswith("-1")
    return ("append", said[1]) if grows else said


def _pick(_before: Session, _argument: str, after: Session) -> Said:
    return ("pick", after.control or "")


def _seed(_before: Session, _argument: str, after: Session) -> Said:
    return ("seed", str(after.view.seed))


def _look(_before: Session, _argument: str, after: Session) -> Said:
    return ("look", after.view.look)


def _lesson(_before: Session, slug: str, after: Session) -> Said:
    code = after.view.code  # of the playground, which opens with what was last in it
    given = () if code is None else ("--code", code)
    return ("lesson", slug, *given, *(("--patient",) if after.view.patient else ()))


def _chosen(before: Session, _argument: str, after: Session) -> Said:
    name, _, argument = (before.chosen or "").partition(":")
    if name in WRITTEN and argument:
        return WRITTEN[name](before, argument, after)
    return _lesson(before, before.chosen or "", after)  # a trace's own has a colon in it


def _link(number: int) -> Spoken:
    return lambda before, _, after: _lesson(before, links(before.view.at_stop.prose)[number - 1], after)


def _box(_before: Session, _argument: str, after: Session) -> Said:
    return ("box", "/".join(after.view.box)) if after.view.depth == "map" else ("into",)


def _followed(_before: Session, _argument: str, after: Session) -> Said:
    asked = after.view.asked
    return ("lineage", "none") if asked is None else (asked.way, asked.name, *map(str, asked.index))


def _row(before: Session, _argument: str, _after: Session) -> Said:
    board = before.view.board
    return ("row", str(max(1, min(before.view.row, len(board.rows) if board else 1))))


def _selected(_before: Session, _argument: str, after: Session) -> Said:
    return ("choose", str(after.view.row))


def _node(_before: Session, _argument: str, after: Session) -> Said:
    return ("node", *after.view.path[:1])


def _cell(_before: Session, argument: str, _after: Session) -> Said:
    indices, _, name = argument.partition(":")
    return ("cell", name, *filter(None, indices.split(",")))


def _write(_before: Session, argument: str, _after: Session) -> Said:
    line, _, text = argument.partition(":")
    return ("write", text, line)


def _with(word: str) -> Spoken:
    return lambda _before, argument, _after: (word, argument.partition(":")[0])


WRITTEN: dict[str, Spoken] = {
    **{name: _as(name) for name in ("first", "last", "finish", "into", "out", "over", "previous", "back")},
    **{name: _as(name) for name in ("undo", "redo", "twin", "edit")},
    **{f"cursor.{way}": _as(way) for way in ("left", "right", "up", "down", "follow", "return")},
    "forward": _as("next"),
    "play": _as("play"),
    "play.back": _as("rewind"),
    "order": _order,
    "faster": _speed,
    "slower": _speed,
    "stop.next": _stop("next"),
    "stop.previous": _stop("back"),
    "list": _as("show"),
    "list.up": _as("show"),
    "list.down": _as("show"),
    **{f"list.{way}": _as("show") for way in ("page.up", "page.down", "first", "last")},
    "list.open": _chosen,
    "control.up": _raised,
    "control.down": _control,
    "control.next": _pick,
    "control.previous": _pick,
    "seed.up": _seed,
    "seed.down": _seed,
    "cursor": _as("cell"),
    "cell.turn": _as("turn"),
    "cursor.panel": _as("tensor"),
    "cursor.panel.back": _as("tensor", "back"),
    "map": _as("map"),
    "map.up": _as("back"),
    "map.down": _as("next"),
    "map.lesson": _as("about"),
    "map.ask": _as("ask"),
    "follow": _followed,
    "board.up": _selected,
    "board.down": _selected,
    "board.open": _row,
    **{f"board.{number}": _as("row", str(number)) for number in range(1, 10)},
    "board.ask": _as("ask"),
    "board.return": _as("board"),
    "edit.leave": _as("leave"),
    "edit.repair": _as("mend"),
    "play.take": _as("take"),
    "repair": _as("repair", "1"),
    **{f"repair.{number}": _as("repair", str(number)) for number in range(1, 10)},
    **{f"link.{number}": _link(number) for number in range(1, 10)},
    "look": _look,
    "slice.next": _as("slice"),
    "slice.previous": _as("slice", "back"),
    # With an argument.
    "open": _lesson,
    "example": _with("example"),
    "set": _raised,
    "pick": _pick,
    "go": _step,
    "stop": _with("stop"),
    "node": _node,
    "module": _node,
    "scrub": _step,
    "row": _with("row"),
    "box": _box,
    "cell": _cell,
    "write": _write,
    "line": _with("line"),
}


def _deck_stop(_before: Session, _argument: str, after: Session) -> Said:
    return ("stop", str(on_stage(after).number))


ON_STAGE: dict[str, Spoken] = {
    "stage.next": _as("next"),
    "stage.back": _as("back"),
    "stage.finish": _as("finish"),
    "stage.stop.next": _as("stop", "next"),
    "stage.stop.previous": _as("stop", "back"),
    "stage.skip": _as("skip"),
    "stage.reset": _as("reset"),
    "stage.first": _deck_stop,
    "stage.last": _deck_stop,
    "stage.go": _deck_stop,
    "stage.black": _as("black"),
    "stage.big": _as("big"),
    "stage.play": _as("play"),
    # The words of these do something else on a stage: they would lead to the next stop.
    "forward": _step,
    "back": _step,
    "finish": _step,
}
"""Commands that are written otherwise while a deck is shown. What the clock and the keys show is not."""


def written(before: Session, command: str, after: Session) -> Said | None:
    """What a command did, in words; None if it did nothing that a script would have to do again.

    What is only pointed at, such as a lesson in the sidebar, and what is only said are nothing of that kind.
    """
    if _lasting(before) == _lasting(after):
        return None
    name, _, argument = command.partition(":")
    table = WRITTEN if after.talk is None else WRITTEN | ON_STAGE
    return table[name](before, argument, after)


def _lasting(session: Session) -> tuple[object, ...]:
    view, history = session.view, session.history
    return (
        view, view.back, session.player, history.past, history.future, session.trail, session.visits,
        session.control, session.editing, session.caret, session.draft, session.landing,
        session.mended, _staged(session.talk),
    )  # fmt: skip


def _staged(talk: Talk | None) -> tuple[object, ...]:
    return () if talk is None else (talk.number, talk.marks, talk.left, talk.black, talk.big)


def position(session: Session) -> int:
    """The step at which a session is."""
    ground = session.navigation
    return session.view.step if ground is None else player.position(session.view, ground)[0]
