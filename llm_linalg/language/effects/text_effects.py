"""What a text would do that can't be parsed: it is read by its words and its equals signs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from keyword import iskeyword

from llm_linalg.language.effects.effect_sets import NO_EFFECTS, Effects
from llm_linalg.language.effects.generator_use import ALL
from llm_linalg.language.effects.value_changes import SETTERS

_WORD = re.compile(r"[^\W\d]\w*")
# No part of these gives back what it has taken, so that any text is searched in one pass.
_BOUND_IN_TEXT = re.compile(
    r"^[ \t]*+(?:(?:async[ \t]++)?(?:def|class)[ \t]++(\w++)|for[ \t]++((?:(?!\bin\b)[\w, \t])++)in\b"
    r"|(?:from[ \t]++[\w.]++[ \t]++)?import[ \t]++(.++)"
    r"|((?:(?<!\w)\(|[\w, \t.*)])++)(?::[^=\n]++)?(?://|<<|>>|[-+/@|&^%])?=(?!=))",
    re.MULTILINE,
)
_ASIDE = re.compile(r"""(['"])(?:\\.|(?!\1).)*+(\1)?|#.*""")  # text in quotes, and comments
_GOES_ON = re.compile(r"[ \t)\]}#]|$|(?:else|elif|except|finally)\b")


def effects_of_text(text: str, known: Iterable[str]) -> Effects:
    """Return what a text may do that can't be parsed: it binds what stands left of an equals sign."""
    targets = [
        target.strip(" \t*()")
        for found in _BOUND_IN_TEXT.finditer(text)
        for group in found.groups()
        if group
        for target in re.split(r",|\bas\b", group)
    ]
    bare = _ASIDE.sub(lambda aside: aside[0] if aside[1] and not aside[2] else " ", text)
    words = frozenset(_WORD.findall(bare))
    dotted = {target.partition(".")[0] for target in targets if "." in target}
    return NO_EFFECTS._replace(
        binds=frozenset(name for name in targets if _WORD.fullmatch(name) and not iskeyword(name)),
        changes=frozenset(dotted & words),
        touches=words & frozenset(known),
        reads=words,
        draws=ALL,
        attributes=words,
        settings=words & SETTERS,
    )


def pieces(text: str) -> Iterator[str]:
    """Yield the parts of a text that begin at its margin, so that each may be a statement."""
    piece: list[str] = []
    for line in text.split("\n"):
        if piece and not _GOES_ON.match(line):
            yield "\n".join(piece)
            piece = []
        piece.append(line)
    yield "\n".join(piece)
