"""What comes of an answer, and how it is said."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import torch
from torch import Tensor

from llm_linalg.base.errors import ProgramError, RoomError
from llm_linalg.base.text import NOTHING, CleanText, clean
from llm_linalg.ops import TABLE
from llm_linalg.questions.value import ValueDifference

LONGEST_LINE = 1_000  # characters
_ENDS = (".", "…", "?")
_OPERATION = re.compile(r"\A[a-z_0-9]+: ")  # before what torch refuses
_UNKNOWN_NAME = re.compile(r"NameError: name '(\w+)' is not defined(.*)")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comes of an answer.

    Attributes:
        right: Whether it is right as the exercise stands.
        is_general: Whether it is right in all trials.
        holds_for: What a whole answer holds for, such as `any A`; empty if nobody says so.
        reason: What there is to say about it, in a sentence.
        mistake: The name of the mistake, if it is a known one.
        got: What it gave, on one line; empty if it gave nothing.
        asked: What was asked for, on one line; empty if no solution says so.
        is_open: Whether that is only one of the values that are right.
        difference: How the two differ, where both are there.
        error: Why the answer failed; None if it gave a value.
        pictures: The two values as tensors; None where one can't be shown as such.
    """

    right: bool
    is_general: bool = True
    holds_for: CleanText = NOTHING
    reason: CleanText = NOTHING
    mistake: CleanText = NOTHING
    got: CleanText = NOTHING
    asked: CleanText = NOTHING
    is_open: bool = False
    difference: ValueDifference | None = None
    error: ProgramError | None = None
    pictures: tuple[Tensor | None, Tensor | None] = field(default=(None, None), compare=False, repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether the exercise is solved: the answer is right, and in all trials."""
        return self.right and self.is_general

    @property
    def lines(self) -> tuple[CleanText, ...]:
        """The verdict in words, a line each; what was asked for is not among them."""
        first, *rest = self._told("" if self.difference is None else self.difference.words)
        gave = [clean(f"It gave: {self.got}", LONGEST_LINE)] if self.got and not self.right else []
        return (first, *gave, *rest)

    @property
    def summary(self) -> tuple[CleanText, ...]:
        """The verdict in words without the value, as where that is shown beside it, with its marks."""
        return self._told("" if self.difference is None else self.difference.brief)

    def _told(self, differs: str) -> tuple[CleanText, ...]:
        if self.right:
            return (clean("Right."),) if self.is_general else (clean("Right here."), self._wider)
        if isinstance(self.error, RoomError):
            return (clean(f"It can't be judged: {_ended(self.reason)}", LONGEST_LINE),)
        first, *rest = [reason for reason in (self.mistake, self.reason, differs) if reason] or [""]
        failed = self.error is not None and not self.mistake  # its words may begin with a name
        begun = f"Not yet: {_ended(first)}" if failed else _not_yet(first)
        return tuple(clean(line, LONGEST_LINE) for line in (begun, *map(_ended, rest)))

    @property
    def _wider(self) -> CleanText:
        return clean(f"Can you write it for {self.holds_for or 'other numbers too'}?", LONGEST_LINE)


def _not_yet(why: str) -> str:
    """Return that an answer is not right yet, and why; what has a colon is a sentence of its own."""
    if not why:
        return "Not yet."
    if ": " in why:
        return f"Not yet. {why[0].upper()}{_ended(why[1:])}"
    first = why.partition(" ")[0]
    reason = why[0].lower() + why[1:] if first in ("All", "Both", "It", "That", "The") else why
    return f"Not yet: {_ended(reason)}"


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(_ENDS) else f"{sentence}."


def plain_reason(message: str) -> str:
    """Return why an answer failed in the words of somebody who is new to Python."""
    match = _UNKNOWN_NAME.fullmatch(message)
    if match is None:
        return _OPERATION.sub("", message)
    name, near = match.groups()
    is_torchs = name in torch.__all__ and name in TABLE.operations
    spelt = f"; it is written torch.{name}" if is_torchs and not near else near
    return f"nothing here is called {name}{spelt.replace(': did', '; did')}"
