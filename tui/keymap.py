"""Other keys for the app's commands: names of keys, a table with some moved, and what clashes in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from llm_linalg.spelling import hint, quoted, unknown
from llm_linalg.text import clean
from tui.keys import KEYS, Key

GLYPHS = {
    "left": "←", "right": "→", "up": "↑", "down": "↓", "enter": "↵", "escape": "esc", "backspace": "⌫",
    "delete": "del", "insert": "ins", "home": "home", "end": "end", "pageup": "pgup", "pagedown": "pgdn",
    "space": "space", "tab": "tab", **{f"f{n}": f"F{n}" for n in range(1, 25)},
}  # fmt: skip
"""The keys that are no characters, and what the footer and the help write for them."""

# Textual's words for characters that Unicode calls otherwise.
WORDS = {
    "solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at", "hyphen_minus": "minus",
    "plus_sign": "plus", "low_line": "underscore",
}  # fmt: skip
CHARACTERS = {
    WORDS.get(name, name): chr(code)
    for code in range(0x21, 0x7F)
    if not chr(code).isalnum()
    for name in [re.sub("[ -]", "_", unicodedata.name(chr(code)).lower())]
}
"""The names of the marks of ASCII."""

TOGETHER = {
    "forward": ("back", "forward"),
    "cursor.left": ("cursor.left", "cursor.up", "cursor.down", "cursor.right"),
    "list.open": ("list.up", "list.down", "list.open"),
    "board.open": ("board.up", "board.down", "board.open"),
    "map.up": ("map.up", "map.down"),
}
"""Commands whose entry in the footer shows the keys of others too."""

# Contexts that never hold at once: a key may mean one thing in either.
APART = (
    ({"editor", "mending"}, {"list", "cursor", "board", "rows", "trail", "visit", "play", "lesson", "steps"}),
    ({"editor", "mending", "list", "cursor", "board", "rows"}, {"map", "told"}),
    ({"editor", "mending"}, {"panels", "asking"}),
    ({"map", "told"}, {"panels"}),
    (
        {"editor", "mending"},
        {"always", "frame", "repairs", "links", "undo", "redo", "twin", "slices", "ranks"},
    ),
    ({"list"}, {"cursor", "board"}),
    ({"play"}, {"lesson"}),
    ({"rows"}, {"links"}),
    # On a stage its own keys go first, and before them those of the cell cursor.
    ({"stage"}, {"editor", "mending", "list", "board", "rows", "visit", "play", "lesson", "steps", "always"}),
    ({"stage"}, {"frame", "repairs", "links", "undo", "redo", "twin", "slices", "cursor", "trail"}),
    ({"stage"}, {"panels", "asking", "map", "told"}),
)


class KeyMapError(ValueError):
    """A change that can't be made: the command that it is of, and the reason."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(reason)
        self.command = command
        self.reason = reason


def key_named(text: str) -> str:
    """The name that Textual gives a key: a character, or a name, with ctrl+, alt+ or shift+ before it.

    Raises:
        ValueError: With the nearest spelling.

    >>> key_named("."), key_named("ctrl+x"), key_named("F5")
    ('full_stop', 'ctrl+x', 'f5')
    """
    if len(text) == 1 and text.isprintable() and text != " ":
        names = {character: name for name, character in CHARACTERS.items()}
        return names.get(text, text)
    *modifiers, last = text.lower().split("+")
    wrong = [word for word in modifiers if word not in ("ctrl", "alt", "shift")]
    if wrong:
        raise ValueError(unknown("modifier", wrong[0], ("ctrl", "alt", "shift")))
    if last in GLYPHS or last in CHARACTERS or (modifiers and len(last) == 1 and last.isalnum()):
        if modifiers == ["shift"] and len(last) == 1:
            return last.upper()
        return "+".join([*modifiers, last])
    raise ValueError(f"there is no key {quoted(text)}{hint(text, [*GLYPHS, *CHARACTERS])}")


def shown(name: str) -> str:
    """A key as the footer and the help write it."""
    *modifiers, last = name.split("+")
    marks = "".join({"ctrl": "^", "shift": "⇧", "alt": "alt-"}.get(word, f"{word}+") for word in modifiers)
    return marks + clean(GLYPHS.get(last) or CHARACTERS.get(last) or last, 12)


def own(key: Key) -> str:
    """The first key of a command, without those that the footer shows beside it."""
    return shown(key.keys.partition(",")[0])


def changed(changes: Mapping[str, Sequence[str]], table: Sequence[Key] = KEYS) -> tuple[Key, ...]:
    """The table with other keys for the commands that are named.

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
    first = {key.id: own(key) for key in moved}
    return tuple(
        key._replace(shown="".join(first[one] for one in _speaks_for(key)))
        if not names.keys().isdisjoint(_speaks_for(key))
        else key
        for key in moved
    )


def _names(command: str, given: Sequence[str], table: Sequence[Key]) -> Iterator[str]:
    known = [key.id for key in table]
    if command not in known:
        raise KeyMapError(command, f"there is no command {quoted(command)}{hint(command, known)}")
    if not given:
        raise KeyMapError(command, "a command has one key at least")
    for text in given:
        try:
            yield key_named(text)
        except ValueError as error:
            raise KeyMapError(command, str(error)) from None


def _free(key: Key, moved: Iterable[Key], table: Iterable[Key]) -> None:
    """Raises KeyMapError where another command, live at the same time, has one of the keys too."""
    before = {one.id: set(one.keys.split(",")) for one in table}
    for other in moved:
        both = set(key.keys.split(",")) & set(other.keys.split(","))
        if other.id == key.id or not both or before[key.id] & before[other.id] or not _at_once(key, other):
            continue
        name = sorted(both)[0]
        raise KeyMapError(key.id, f'the key {shown(name)} is that of "{other.id}" ({other.label}) already')


def _at_once(key: Key, other: Key) -> bool:
    pairs = ((key.when, other.when), (other.when, key.when))
    return not any(one in left and two in right for left, right in APART for one, two in pairs)


def _speaks_for(key: Key) -> tuple[str, ...]:
    return TOGETHER.get(key.id, (key.id,))
