"""Reading a script: its lines with their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from llm_linalg.lessons.lesson import LessonError
from tui.model.usage_error import UsageError
from tui.session.script.opening import FIRST, resolve_path
from tui.session.script.script_words import find_word
from tui.session.script.tokens import Words, acts

LONGEST = 100_000  # lines
PACE = 1.0  # seconds for which a picture stands, unless the script waits


class ScriptError(LessonError):
    """A line of a script that can't be done, with file, line and reason, as of a lesson."""


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """The acts between two pictures: one, or several at once."""

    number: int
    acts: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A session as text.

    Attributes:
        file: The path, as messages name it.
        lines: The lines with acts, up to `quit`; the first opens a lesson or a deck.
    """

    file: str
    lines: tuple[ScriptLine, ...]

    @property
    def body(self) -> Iterator[ScriptLine]:
        """The lines without the act that opens the lesson or the deck."""
        first, *rest = self.lines
        return iter((replace(first, acts=first.acts[1:]), *rest))

    @contextmanager
    def errors_at(self, line: ScriptLine) -> Iterator[None]:
        """Raise ScriptError at a line for what goes wrong in this block."""
        try:
            yield
        except (UsageError, LessonError) as error:
            raise ScriptError(self.file, line.number, str(error)) from None


def parse_script(text: str, file: str, folder: Path | None = None) -> Script:
    """Read a script; its paths are relative to `folder`, or else to the working directory.

    Raises ScriptError, with the line, for what is no script.
    """
    lines: list[ScriptLine] = []
    for number, line in enumerate(text.splitlines(), 1):
        if number > LONGEST:
            raise ScriptError(file, number, f"a script has {LONGEST:,} lines at most")
        try:
            actions = tuple(resolve_path(words, folder or Path()) for words in acts(line))
            for words in actions:
                find_word(words[0], "'llm-linalg help words' lists all")
        except UsageError as error:
            raise ScriptError(file, number, str(error)) from None
        if actions and not lines and actions[0][0] not in FIRST:
            raise ScriptError(
                file, number, "a script begins with a lesson or a deck, such as: lesson matmul, deck talk.md"
            )
        if ("quit",) in actions:
            break
        if actions:
            lines.append(ScriptLine(number, actions))
    if not lines:
        raise ScriptError(file, 1, "nothing is said here: a script begins with a line such as: lesson matmul")
    return Script(file, tuple(lines))
