"""What is practised of the course's own kind: arrows and angles, masks, shares, shapes, gradients.

A topic is an entry in `topics.toml`: what is drawn, a short program, a question, an expression whose value is
the answer, and expressions for what the usual mistakes give, each with its name. torch gives the value of
each in the state of the program, so a wrong choice is always what that mistake leads to.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch

from llm_linalg.base.errors import ShapeError
from llm_linalg.base.text import clean
from llm_linalg.base.untraced import untraced
from llm_linalg.questions.drawn import Question
from llm_linalg.questions.guess import RightAnswer, kind_of
from llm_linalg.questions.program_state import ProgramState, state_after
from llm_linalg.questions.question import AN_ERROR, Ask, FenceLine, Mistake
from llm_linalg.questions.value import is_same

FILE = Path(__file__).with_name("topics.toml")
WORDS = ("the", "cat", "saw", "dog", "ran")
MOST_CHOICES = 4
LEAST_WRONG = 2  # wrong choices without which a question is not asked
Names = Mapping[str, object]


class PracticeTopic(NamedTuple):
    """Something to practise. Its texts have the names of what is drawn in braces.

    Attributes:
        kind: Its name.
        lesson: The slug of the lesson that teaches it.
        stop: The title of the stop that does.
        ask: The question; the text of an f-string, which sees `say`.
        check: An expression: the right answer.
        wrong: Expressions for what mistakes give, which see the right `answer`, and the mistakes' names, as
            they stand behind "That is".
        why: Why the answer is right; the text of an f-string, which sees `answer` and `say`.
        draw: Expressions for what is drawn, which see `level`, what was drawn before, and `pick`, `sample`,
            `small`, `sizes` and `some_words`.
        tensors: The same for tensors, which the program binds.
        given: Further lines of the program, which is shown.
        made: An expression whose picture is shown before its first step; empty for none.
        keep: An expression without whose truth other numbers are drawn.
        typed: Whether the answer is typed, and not chosen.
        look: How the picture is drawn.
    """

    kind: str
    lesson: str
    stop: str
    ask: str
    check: str
    wrong: tuple[tuple[str, str], ...]
    why: str
    draw: Mapping[str, str] = {}
    tensors: Mapping[str, str] = {}
    given: str = ""
    made: str = ""
    keep: str = "True"
    typed: bool = False
    look: str = "numbers"

    def asked(self, random: Random, level: int) -> tuple[str, Question] | None:
        """Return a program and what is asked about it; None if too few wrong answers differ, or by `keep`."""
        names, program = self._drawn(random, level)
        if self.made:
            program += f"\nY = {_filled(self.made, names)}"
        with state_after(program, own=True) as state:
            right = _value(state, self.check, names)
            if right is None or not _value(state, self.keep, names, answer=right):
                return None
            mistakes = self._mistakes(state, names, right)
            question, why = (
                str(state.value(f"f'''{_filled(text, names)}'''", answer=right, **HELPERS))
                for text in (self.ask, self.why)
            )
        text, choices = clean(say(right)), [] if self.typed else [clean(say(right))]
        answer = RightAnswer(kind_of(right) or "choice", text, None, right)
        if not self.typed:
            choices += [mistake.text for mistake in mistakes[: MOST_CHOICES - 1]]
            if len(choices) <= LEAST_WRONG:
                return None
            random.shuffle(choices)
            answer = RightAnswer("choice", text, choices.index(text), right)
        ask = Ask(clean(question, 500), FenceLine(self.check), tuple(choices))
        return program, Question(self.kind, ask, answer, None, clean(why, 300), mistakes)

    def _drawn(self, random: Random, level: int) -> tuple[Names, str]:
        """Return what is drawn, by name, and the program that it makes."""
        helpers = {
            "level": level,
            "pick": lambda *choices: random.choice(choices),
            "sample": random.sample,
            "small": partial(small, random),
            "sizes": partial(sizes, random, level, most=4),
            "some_words": lambda count: random.sample(WORDS, count),
        }
        names: dict[str, Any] = {}
        with state_after("", own=True) as state:
            for name, expression in (*self.draw.items(), *self.tensors.items()):
                names[name] = state.value(expression, **helpers, **names)
        lines = [f"{name} = torch.tensor({floats(names[name])})" for name in self.tensors]
        given = _filled(self.given.strip("\n"), names)
        return names, "\n".join([*([given] if given else []), *lines])

    def _mistakes(self, state: ProgramState, names: Names, right: object) -> tuple[Mistake, ...]:
        """Return what mistakes give: each value once, and never the right one."""
        mistakes: list[Mistake] = []
        for expression, name in self.wrong:
            value = _value(state, expression, names, answer=right)
            known = [say(right), *(mistake.text for mistake in mistakes)]
            if value is not None and say(value) not in known and not is_same(value, right):
                mistakes.append(Mistake(clean(say(value)), value, clean(_filled(name, names), 200)))
        return tuple(mistakes)


@cache
def topics() -> tuple[PracticeTopic, ...]:
    """Return all topics, in the order of the file."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))["topic"]
    return tuple(PracticeTopic(**{**table, "wrong": tuple(map(tuple, table["wrong"]))}) for table in tables)


def _filled(text: str, names: Names) -> str:
    """Return a text with what was drawn in the place of its names; other braces stay."""
    return re.sub(r"\{(\w+)\}", lambda found: str(names.get(found[1], found[0])), text)


def _value(state: ProgramState, expression: str, names: Names, **more: Any) -> Any:
    """Return the value of an expression: words where shapes don't fit, None where it is no finite number."""
    try:
        value = state.value(_filled(expression, names), **HELPERS, **more)
    except ShapeError:
        return AN_ERROR
    if isinstance(value, torch.Size):
        return tuple(value)
    value = value.tolist() if isinstance(value, torch.Tensor) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def say(value: Any) -> str:
    """Return a value as a choice says it: whole numbers without a point.

    >>> say([2.0, -1.5]), say((2, 3)), say(0.25), say("cat")
    ('[2, -1.5]', '(2, 3)', '0.25', 'cat')
    """
    value = value.tolist() if isinstance(value, torch.Tensor) else value
    if isinstance(value, list):
        return f"[{', '.join(map(say, value))}]"
    return f"{round(value, 6) + 0.0:.4g}" if isinstance(value, float) else str(value)


def fits(make: Callable[[], torch.Tensor], wanted: torch.Tensor) -> bool:
    """Return whether torch makes what is wanted, and does not refuse."""
    try:
        made = make()
    except RuntimeError:
        return False
    return made.shape == wanted.shape and torch.allclose(made, wanted, atol=1e-5)


def gradient(
    function: Callable[[torch.Tensor], torch.Tensor], at: torch.Tensor, comes: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the gradient, where a tensor is, of a function's result, or of what `comes` back to that."""
    with untraced():
        leaf = at.detach().clone().requires_grad_()
        return torch.autograd.grad(function(leaf), leaf, comes)[0]


def same_score(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Return whether two scores are the same, up to rounding."""
    return bool(torch.isclose(one, other, atol=1e-4))


HELPERS: Mapping[str, Any] = {"say": say, "fits": fits, "gradient": gradient, "same_score": same_score}
"""What a topic's expressions see besides the names of its program."""


def small(random: Random, *shape: int, most: int = 4) -> Any:
    """Return a small whole number that is not 0, or nested lists of such."""
    if shape:
        return [small(random, *shape[1:], most=most) for _ in range(shape[0])]
    return random.choice([*range(-most + 1, 0), *range(1, most + 1), 1, 2])


def sizes(random: Random, level: int, count: int, *, most: int = 3) -> list[int]:
    """Return sizes of axes, no two alike, so that what is right can't look like what is wrong.

    At the first level two are at most `most`.
    """
    return random.sample(range(2, most + 1 + max(level // 2, count - 2)), count)


def floats(numbers: object) -> str:
    """Return the text of nested lists of numbers that makes a tensor of floats, by a point where none is."""
    text = str(numbers)
    return text if "." in text else re.sub("[0-9]+", r"\g<0>.", text, count=1)
