"""Change the keys of the app's commands, and find those that two commands would share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from llm_linalg.base.spelling import hint, quote
from tui.session.commands import Command, with_key_text
from tui.session.contexts import Context
from tui.session.keys import KEYS
from tui.text.key_names import key_label, key_name

# Contexts that never hold at once: a key may mean one thing in either.
_EDITOR = {Context.EDITOR, Context.EDITOR_REPAIRS}
_DOOR = {Context.DOOR}
_MAP = {Context.MAP, Context.MAP_LESSONS}
APART = (
    (_EDITOR, set(Context) - _EDITOR - {Context.EVERYWHERE, Context.RUNNING, Context.PRESENTATION}),
    (_DOOR, set(Context) - _DOOR - {Context.EVERYWHERE}),
    ({Context.SIDEBAR, Context.CURSOR, Context.BOARD}, _MAP),
    (_MAP, {Context.TENSORS}),
    ({Context.SIDEBAR}, {Context.CURSOR, Context.BOARD}),
    ({Context.PLAYGROUND}, {Context.LESSON_PROGRAM}),
    # On a stage its own keys go first, and before them those of the cell cursor.
    ({Context.PRESENTATION}, set(Context) - {Context.PRESENTATION, Context.EVERYWHERE, Context.RUNNING}),
)


class KeyMapError(ValueError):
    """A change that can't be made: the command that it is of, and the reason."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(reason)
        self.command = command
        self.reason = reason


def change_keys(changes: Mapping[str, Sequence[str]], table: Sequence[Command] = KEYS) -> tuple[Command, ...]:
    """Return the table with other keys for the commands that are named.

    Args:
        changes: The names or characters of keys, by command.
        table: The commands with the keys that they have.

    Raises:
        KeyMapError: For a command or a key that there is none of, or one that two commands would have.
    """
    given = {command: ",".join(_names(command, keys, table)) for command, keys in changes.items()}
    names = {key.id: given[key.id] for key in table if given.get(key.id, key.keys) != key.keys}
    moved = [key._replace(keys=names.get(key.id, key.keys)) for key in table]
    for key in moved:
        if key.id in names:
            _free(key, moved, table)
    return with_key_text(moved)


def _names(command: str, given: Sequence[str], table: Sequence[Command]) -> Iterator[str]:
    known = [key.id for key in table]
    if command not in known:
        raise KeyMapError(command, f"there is no command {quote(command)}{hint(command, known)}")
    if not given:
        raise KeyMapError(command, "a command has one key at least")
    for text in given:
        try:
            yield key_name(text)
        except ValueError as error:
            raise KeyMapError(command, str(error)) from None


def _free(key: Command, moved: Iterable[Command], table: Iterable[Command]) -> None:
    """Raise KeyMapError where another command, live at the same time, has one of the keys too."""
    before = {one.id: set(one.key_names) for one in table}
    for other in moved:
        both = set(key.key_names) & set(other.key_names)
        if other.id == key.id or not both or before[key.id] & before[other.id] or not _at_once(key, other):
            continue
        name = sorted(both)[0]
        raise KeyMapError(
            key.id, f'the key {key_label(name)} is that of "{other.id}" ({other.label}) already'
        )


def _at_once(key: Command, other: Command) -> bool:
    pairs = ((key.when, other.when), (other.when, key.when))
    return not any(one in left and two in right for left, right in APART for one, two in pairs)
