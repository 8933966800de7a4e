"""The names of keys: as people write them, as Textual does, and as the footer and the help show them."""

from __future__ import annotations

import re
import unicodedata

from llm_linalg.base.spelling import hint, quote, unknown
from llm_linalg.base.text import clean

KEY_GLYPHS = {
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


def key_name(text: str) -> str:
    """Return the name that Textual gives a key: a character, or a name, with ctrl+, alt+ or shift+ before it.

    Raises:
        ValueError: With the nearest spelling.

    >>> key_name("."), key_name("ctrl+x"), key_name("F5")
    ('full_stop', 'ctrl+x', 'f5')
    """
    if len(text) == 1 and text.isprintable() and text != " ":
        names = {character: name for name, character in CHARACTERS.items()}
        return names.get(text, text)
    *modifiers, last = text.lower().split("+")
    wrong = [word for word in modifiers if word not in ("ctrl", "alt", "shift")]
    if wrong:
        raise ValueError(unknown("modifier", wrong[0], ("ctrl", "alt", "shift")))
    if last in KEY_GLYPHS or last in CHARACTERS or (modifiers and len(last) == 1 and last.isalnum()):
        if modifiers == ["shift"] and len(last) == 1:
            return last.upper()
        return "+".join([*modifiers, last])
    raise ValueError(f"there is no key {quote(text)}{hint(text, [*KEY_GLYPHS, *CHARACTERS])}")


def written_key(name: str) -> str:
    """Return a key as it is written in the configuration file: a character, or a name; `key_name` reads it.

    >>> written_key("full_stop"), written_key("ctrl+x")
    ('.', 'ctrl+x')
    """
    return CHARACTERS.get(name, name)


def key_label(name: str) -> str:
    """Return a key as the footer and the help write it."""
    *modifiers, last = name.split("+")
    marks = "".join({"ctrl": "^", "shift": "⇧", "alt": "alt-"}.get(word, f"{word}+") for word in modifiers)
    return marks + clean(KEY_GLYPHS.get(last) or CHARACTERS.get(last) or last, 12)
