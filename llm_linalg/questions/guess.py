"""What is right about a guess: the value of an ask's check, which a program computes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from llm_linalg.base.errors import HaltedError, LimitError, ProgramError
from llm_linalg.base.syntax import expression
from llm_linalg.base.text import CleanText, clean
from llm_linalg.questions.answer_text import PRINTED, numbers_in
from llm_linalg.questions.program_state import ProgramState
from llm_linalg.questions.question import AN_ERROR, Ask, Mistake
from llm_linalg.questions.value import MOST_PARTS, is_same, plain_tensor, value_text

Kind = Literal["choice", "number", "shape", "cell", "numbers"]

LONGEST = 200  # characters of a guess
NEAR = 0.005  # relative: a guess is as good as a head can reckon
FORMS: dict[Kind, str] = {
    "choice": "a choice",
    "number": "a number",
    "shape": "a shape, such as (3, 4)",
    "cell": "a cell, such as (0, 2)",
    "numbers": "numbers, such as [1, 2, 3]",
}

_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"^([+−-]?[0-9]*),([0-9]+\s*%?)$")
_LEADING_ZEROS = re.compile(r"(?<![\w.])0+(?=[0-9])")
_DECIMALS = re.compile(r"[+-]?[0-9]*\.([0-9]+)")
_INDEX = re.compile(
    r"(?:[^\W\d][\w.]*\s*(?=[\[(]))?[\[(]?\s*([0-9]{1,9}(?:[\s,]+[0-9]{1,9})*)?\s*,?\s*[\])]?"
)


@dataclass(frozen=True, slots=True)
class RightAnswer:
    """The right answer of an ask, in one trial."""

    kind: Kind
    text: CleanText  # it, on one line; for a choice, the choice
    choice: int | None = None  # the position of the right choice, from 0; None without choices
    value: Any = None  # the value of the check; None if it fails

    def accepts(self, guess: str) -> bool:
        """Return whether a guess, as it is typed, is right; for a choice its number from 1, or its text.

        Raises:
            ValueError: If it is nothing of the kind that is asked for, with a sentence.
        """
        guess = guess.strip()
        if self.kind == "choice":
            return guess == str((self.choice or 0) + 1) or _plain(guess) == _plain(self.text)
        if self.kind == "number" and not _THOUSANDS.fullmatch(guess.replace("−", "-")):
            guess = _DECIMAL_COMMA.sub(r"\1.\2", guess)
        value = cell_in(guess) if self.kind in ("cell", "shape") else literal(guess)
        if value is None or not guess or len(guess) > LONGEST:
            raise ValueError(f"the answer is {FORMS[self.kind]}")
        return agrees(guess, value, self.value, NEAR)


def right_answer(ask: Ask, state: ProgramState) -> RightAnswer:
    """Return the right answer of an ask in the state after its program.

    Raises:
        ProgramError: If the check fails where no choice says so, no choice or more than one is right, or its
            value is of no kind that can be asked for.
    """
    failure: ProgramError | None = None
    value = None
    try:
        value = state.value(ask.check.text)
        if isinstance(value, Tensor) and value.dtype == torch.bool and value.numel() == 1:
            value = bool(value)
    except (LimitError, HaltedError):
        raise
    except ProgramError as error:
        failure = error
    if ask.choices:
        right = [k for k, choice in enumerate(ask.choices) if _is_right(choice, value, failure, state)]
        if len(right) == 1:
            return RightAnswer("choice", ask.choices[right[0]], right[0], value)
        result = f"it fails: {failure.message}" if failure is not None else f"it is {value_text(value)}"
        if not right:
            raise ProgramError(f"no choice equals the value of the check: {result}")
        both = " and ".join(ask.choices[k] for k in right)
        raise ProgramError(f"{len(right)} choices equal the value of the check, {both}: {result}")
    if failure is not None:
        raise failure
    kind = kind_of(value)
    if kind is None:
        raise ProgramError(f"the value can't be asked for without choices: it is {value_text(value)}")
    return RightAnswer(kind, clean(value_text(value), None), None, value)


def kind_of(value: object) -> Kind | None:
    """Return what a value is if it is asked for without choices; None if it can't be."""
    if isinstance(value, torch.Size):
        return "shape"
    if isinstance(value, tuple):
        whole = all(isinstance(part, int) and not isinstance(part, bool) and part >= 0 for part in value)
        return "cell" if whole and len(value) <= MOST_PARTS else None
    if isinstance(value, bool):
        return None
    tensor = plain_tensor(value)
    if tensor is None or (isinstance(value, Tensor) and value.dtype == torch.bool):
        return None
    if tensor.numel() == 1:
        return "number"
    return "numbers" if tensor.numel() <= MOST_PARTS else None


def mistake_in(guess: str, mistakes: Iterable[Mistake]) -> str:
    """Return the name of the mistake that gives a guess, a choice or what was typed; empty if none does."""
    meant = literal(guess)
    for mistake in mistakes:
        if _plain(guess) == _plain(mistake.text) or (
            meant is not None and agrees(guess, meant, mistake.value)
        ):
            return mistake.name
    return ""


def _is_right(choice: str, value: object, failure: ProgramError | None, state: ProgramState) -> bool:
    """Return whether a choice equals the value of a check, or says that it fails."""
    text = choice.strip()
    if failure is not None or _plain(text) == AN_ERROR:
        return failure is not None and _plain(text) == AN_ERROR
    if isinstance(value, str):
        return _plain(text) == _plain(value)
    if isinstance(value, bool):
        return _plain(text) in (("yes", "true") if value else ("no", "false"))
    if len(text) > 2 and text[0] == text[-1] == "`":
        try:
            return is_same(state.value(text.strip("` ")), value)
        except (LimitError, HaltedError):
            raise
        except ProgramError:
            return False
    meant = literal(text)
    return meant is not None and agrees(text, meant, value)


def _plain(text: str) -> str:
    """Return a text without what is only its form: case, code marks, a full stop."""
    return " ".join(text.replace("`", "").replace("*", "").casefold().split()).rstrip(".")


def agrees(text: str, meant: object, value: object, near: float = 1e-5) -> bool:
    """Return whether what was said is a value, a number to the digits that the text gives.

    `text` is what was typed, and `meant` what it means; a number may be off by `near`, unless it is whole.
    """
    one, other = plain_tensor(meant), plain_tensor(value)
    if one is not None and other is not None and one.numel() == other.numel() == 1:
        a, b = one.item(), other.item()
        if math.isnan(b) or math.isinf(b) or math.isnan(a) or math.isinf(a):
            return a == b or (math.isnan(a) and math.isnan(b))
        decimals = _DECIMALS.fullmatch(text.strip().replace("−", "-"))
        half = 0.5 * 10.0 ** -len(decimals[1]) if decimals else 0.0
        return abs(a - b) <= max(half * (1 + 1e-9), 1e-6, 0.0 if b == round(b) else near * abs(b))
    if isinstance(value, tuple):  # a torch.Size is one
        return isinstance(meant, tuple | list) and [*meant] == [*value]
    if one is not None and other is not None:
        return one.shape == other.shape and torch.allclose(one, other, near, 1e-6, equal_nan=True)
    return False


def literal(text: str) -> object | None:
    """Return the number or the list that a text stands for; None if it is neither.

    A minus may be typographic, a number may have thousands, a per cent, or be a short calculation such as
    1/3.
    """
    text = text.strip().replace("−", "-").replace("·", "*").replace("×", "*").replace("∞", "inf")
    if not text or len(text) > LONGEST:
        return None
    if text.endswith("%"):
        number = literal(text[:-1])
        return number / 100 if isinstance(number, int | float) else None
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if text.lstrip("+-") in ("inf", "nan"):
        return float(text)
    try:
        node = expression(PRINTED.sub("torch.tensor(", _LEADING_ZEROS.sub("", text)))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    numbers = numbers_in(node)
    return None if numbers is None else numbers.value


def cell_in(text: str) -> tuple[int, ...] | None:
    """Return the index or the shape in a text such as `(1, 2)`, `Y[1, 2]` or `1 2`; None without one."""
    match = _INDEX.fullmatch(text.strip())
    return None if match is None else tuple(map(int, re.findall("[0-9]+", match[1] or "")))
