"""Practice: questions without end, made from short programs with drawn shapes and small whole numbers.

A program is an entry in a table: the operation, where the course has it, and how its text is drawn at a
level. What is asked about its walk is drawn too, and the answer is torch's. One seed gives one sequence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

import torch
from torch import Tensor

from llm_linalg.api.node import Node
from llm_linalg.api.run import run_text
from llm_linalg.base.text import clean
from llm_linalg.questions.drawn import DrawnKind, Question, WalkPlace, question_at
from llm_linalg.questions.guess import RightAnswer
from llm_linalg.questions.question import Ask, FenceLine

HIGHEST_LEVEL = 5
ATTEMPTS = 50  # draws after which a topic has nothing of a kind
COMES_BACK = 3  # questions after which one that was missed comes back
STEPS_UP = 2  # right answers in a row after which it becomes harder


class PracticeProgram(NamedTuple):
    """A program to ask about."""

    op: str  # the operation that is asked about, by torch's short name
    part: int  # the part of the course that it belongs to
    lessons: tuple[str, ...]  # the slugs of the lessons that are about it
    draw: Callable[[Random, int], str]  # draws the program, whose last line makes `Y`, at a level from 1
    kinds: tuple[str, ...]  # what is asked of it


class PracticeQuestion(NamedTuple):
    """A question with the picture that it is asked about."""

    op: str
    level: int  # how hard it is, from 1
    program: str
    node: str  # the name of the node that the picture shows; empty if the program fails
    step: int  # the number of steps that it shows
    backward: bool  # whether it is a node of the gradient program
    question: Question  # the question and its answer


def _size(random: Random, level: int) -> int:
    return random.randint(2, 3 + level // 2)


def _sizes(random: Random, level: int, count: int) -> tuple[int, ...]:
    return tuple(_size(random, level) for _ in range(count))


def _matrix(random: Random, *shape: int, most: int = 4) -> str:
    """Return the text of a tensor of small whole numbers."""
    if not shape:
        return str(random.choice([*range(-most + 1, 0), *range(1, most + 1), 1, 2]))
    return f"[{', '.join(_matrix(random, *shape[1:], most=most) for _ in range(shape[0]))}]"


def _given(random: Random, **shapes: tuple[int, ...]) -> str:
    """Return lines that bind tensors of these shapes; the first number of each makes all of them floats."""
    numbers = {name: _matrix(random, *shape) for name, shape in shapes.items()}
    floats = {name: re.sub("[0-9]+", r"\g<0>.", text, count=1) for name, text in numbers.items()}
    return "".join(f"{name} = torch.tensor({text})\n" for name, text in floats.items())


def _tensors(line: str, most: int = HIGHEST_LEVEL, **axes: str) -> Callable[[Random, int], str]:
    """Return what draws a program of a line and tensors, of a matrix `x` unless others are given.

    Each has a letter for each axis; one letter is one size.
    """
    axes = axes or {"x": "rc"}

    def draw(random: Random, level: int) -> str:
        letters = dict.fromkeys("".join(axes.values()))
        sizes = dict(zip(letters, _sizes(random, min(level, most), len(letters)), strict=True))
        shapes = {name: tuple(sizes[letter] for letter in own) for name, own in axes.items()}
        return f"{_given(random, **shapes)}Y = {line.format(**sizes)}"

    return draw


def _pointwise(random: Random, level: int) -> str:
    rows, columns = _sizes(random, level, 2)
    other = random.choice([(rows, columns), (columns,), (rows, 1), (1, columns)][: 1 + level])
    sign = random.choice("*+-")
    return f"{_given(random, x=(rows, columns), y=other)}Y = x {sign} y"


def _dot(random: Random, level: int) -> str:
    return f"{_given(random, x=(2 + level,), y=(2 + level,))}Y = torch.dot(x, y)"


def _matmul(random: Random, level: int) -> str:
    rows, inner, columns = _sizes(random, level, 3)
    if level > 2 and random.random() < 0.5:
        return f"{_given(random, x=(rows, inner), W=(columns, inner))}Y = x @ W.T"
    return f"{_given(random, x=(rows, inner), W=(inner, columns))}Y = x @ W"


def _triangle(random: Random, level: int) -> str:
    size, diagonal = 3 + level // 2, random.randint(-1, 1)
    kind = random.choice(["triu", "tril"])
    return f"{_given(random, x=(size, size))}Y = torch.{kind}(x, {diagonal})"


def _masked(random: Random, level: int) -> str:
    size, diagonal = 3 + level // 2, random.randint(0, 1)
    hidden = f"hidden = torch.ones({size}, {size}).triu({diagonal}) == 1\n"
    return f"{_given(random, S=(size, size))}{hidden}Y = S.masked_fill(hidden, -math.inf)"


def _rows(random: Random, level: int) -> str:
    words, size = 3 + level // 2, _size(random, level)
    places = [random.randrange(words) for _ in range(_size(random, level))]
    return f"{_given(random, table=(words, size))}Y = table[torch.tensor({places})]"


_LINEAR = _tensors("F.linear(x, A, b)", x="rk", A="ck", b="c")
_BATCH = _tensors("Q @ K.transpose(1, 2)", 2, Q="brk", K="bck")
WALK: tuple[DrawnKind, ...] = ("value", "reads", "shape")
BATCH = ("value", "sum", "shape")
LEARN = ("gradient", "repair")
SUMS: tuple[DrawnKind, ...] = ("value", "sum", "reads", "shape")
PROGRAMS: tuple[PracticeProgram, ...] = (
    PracticeProgram("getitem", 1, ("vector", "tensor3", "projections"), _rows, WALK),
    PracticeProgram("mul", 2, ("elementwise",), _pointwise, WALK),
    PracticeProgram("dot", 2, ("dot", "similarity", "scalar"), _dot, ("value", "sum")),
    PracticeProgram("sum", 2, ("scalar", "elementwise"), _tensors("x.sum(dim=0)"), SUMS),
    PracticeProgram("mul", 3, ("scale",), _tensors("2 * x"), ("value", "reads")),
    PracticeProgram("matmul", 3, ("matvec", "columns"), _tensors("A @ x", A="rc", x="c"), SUMS),
    PracticeProgram("matmul", 3, ("matmul", "shapes", "columns"), _matmul, (*SUMS, "repair", "gradient")),
    PracticeProgram("linear", 3, ("linear", "align"), _LINEAR, (*SUMS, "gradient")),
    PracticeProgram("T", 4, ("transpose", "matrix"), _tensors("x.T"), WALK),
    PracticeProgram("matmul", 4, ("backprop", "descent", "backward", "align"), _matmul, LEARN),
    PracticeProgram("reshape", 4, ("transpose", "heads"), _tensors("x.reshape({c}, {r})"), WALK),
    PracticeProgram("triu", 5, ("triangular", "causal"), _triangle, ("mask", "value")),
    PracticeProgram("diag", 5, ("diagonal", "identity"), _tensors("torch.diag(x)", x="r"), WALK),
    PracticeProgram("matmul", 6, ("attention", "scores", "heads"), _BATCH, BATCH),
    PracticeProgram("masked_fill", 6, ("causal", "scores", "attention"), _masked, ("mask", "reads")),
    PracticeProgram("softmax", 6, ("softmax", "attention"), _tensors("torch.softmax(x, dim=1)"), WALK[1:]),
    PracticeProgram("relu", 7, ("mlp",), _tensors("F.relu(x)"), ("value", "reads")),
    PracticeProgram("add", 7, ("residual", "block"), _tensors("x + x.mean(dim=1, keepdim=True)"), ("value",)),
    PracticeProgram("matmul", 8, ("logits", "sampling"), _matmul, SUMS),
    PracticeProgram("argmax", 8, ("sampling", "logits"), _tensors("x.argmax(dim=1)"), WALK),
)  # fmt: skip
"""What is practised. An operation more is an entry here."""


def programs_of(part: int | None = None, lesson: str | None = None) -> tuple[PracticeProgram, ...]:
    """Return the programs of a part or of a lesson; all without either."""
    return tuple(
        one for one in PROGRAMS if part in (None, one.part) and (lesson is None or lesson in one.lessons)
    )


def draw_question(
    programs: Sequence[PracticeProgram], seed: int, number: int, level: int, kind: str | None = None
) -> PracticeQuestion:
    """Return the question of a number, from 1, under a seed; of one kind, if that is given.

    Raises:
        LookupError: If these programs have no such question.
    """
    some = [one for one in programs if kind in (None, *one.kinds)]
    random = Random(f"{seed}:{number}:{level}")  # noqa: S311 - it draws a question, and keeps no secret
    for _ in range(ATTEMPTS if some else 0):
        entry = random.choice(some)
        wanted = kind or random.choice(entry.kinds)
        text = entry.draw(random, level)
        if wanted in _MAKERS:
            found = _MAKERS[wanted](entry, text, random, level)
        else:
            found = _at_step(entry, text, run_text(text, own=True)["Y"], random, level, wanted)
        if found is not None:
            return found
    raise LookupError(f"nothing of this kind is practised here: {kind}")


def _at_step(
    entry: PracticeProgram,
    text: str,
    node: Node,
    random: Random,
    level: int,
    kind: str,
    *,
    backward: bool = False,
) -> PracticeQuestion | None:
    order = node.orders[0]
    step = 0 if kind == "shape" else random.randrange(len(node.walk(order)))
    made = question_at(WalkPlace(node, order, step), random.randint(1, 1000), kind)
    if made is None:
        return None
    return PracticeQuestion(entry.op if backward else node.op, level, text, node.name, step, backward, made)


def _gradient(entry: PracticeProgram, text: str, random: Random, level: int) -> PracticeQuestion | None:
    """Return a question about a derivative of the sum of the squares of `Y`."""
    text = f"{text}\nloss = (Y * Y).sum() / 2"
    gradients = run_text(text, own=True).backward("loss")
    name = random.choice([name for name in ("dx", "dW", "dA") if name in gradients])
    found = _at_step(entry, text, gradients[name], random, level, "value", backward=True)
    if found is None or found.question.cell is None:
        return None
    index = ", ".join(map(str, found.question.cell))
    asked = f"What is the derivative of `loss` by `{name[1:]}[{index}]`?"
    ask = found.question.ask._replace(question=clean(asked))
    return found._replace(question=found.question._replace(kind="gradient", ask=ask))


def _repair(entry: PracticeProgram, _text: str, random: Random, level: int) -> PracticeQuestion | None:
    """Return a question about a product that torch refuses: which change gives the shape that is wanted."""
    rows, inner, columns = random.sample(range(2, 4 + level), 3)
    turned = random.random() < 0.5
    left, right = ((inner, rows), (inner, columns)) if turned else ((rows, inner), (columns, inner))
    given = f"x = torch.ones({left[0]}, {left[1]})\nW = torch.ones({right[0]}, {right[1]})"
    choices = [*_CHANGES]
    gives = [_shape_of(change, torch.ones(left), torch.ones(right)) for change in _CHANGES.values()]
    wanted = (rows, columns)
    if gives.count(wanted) != 1:
        return None
    right_one = choices[gives.index(wanted)]
    random.shuffle(choices)
    text = f"`x` is {left} and `W` is {right}, so `x @ W` fails. Which gives shape {wanted}?"
    ask = Ask(clean(text), FenceLine("x @ W"), tuple(map(clean, choices)))
    answer = RightAnswer("choice", clean(right_one), choices.index(right_one), right_one)
    question = Question("repair", ask, answer)
    return PracticeQuestion(entry.op, level, f"{given}\nY = x @ W", "", 0, False, question)


_CHANGES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "x @ W.T": lambda x, w: x @ w.T,
    "x.T @ W": lambda x, w: x.T @ w,
    "W @ x": lambda x, w: w @ x,
    "x.T @ W.T": lambda x, w: x.T @ w.T,
}


def _shape_of(change: Callable[[Tensor, Tensor], Tensor], x: Tensor, w: Tensor) -> tuple[int, ...] | None:
    """Return the shape that a product gives; None if torch refuses it."""
    try:
        return tuple(change(x, w).shape)
    except RuntimeError:
        return None


_MAKERS = {"gradient": _gradient, "repair": _repair}


@dataclass(frozen=True, slots=True)
class Practice:
    """A session of practice: which question is asked, how hard it is, what comes back.

    Attributes:
        programs: What is practised.
        seed: The seed of the sequence.
        number: The number of the question, from 1.
        level: How hard the next new question is.
        streak: Right answers in a row at this level.
        missed: Questions to come back, each with the number at which it does.
        right: Right answers so far.
    """

    programs: tuple[PracticeProgram, ...] = PROGRAMS
    seed: int = 0
    number: int = 1
    level: int = 1
    streak: int = 0
    missed: tuple[tuple[int, PracticeQuestion], ...] = ()
    right: int = 0

    @property
    def question(self) -> PracticeQuestion:
        """The question that is asked now: one that was missed, when its time has come, or a new one."""
        back = next((one for due, one in self.missed if due <= self.number), None)
        return back or draw_question(self.programs, self.seed, self.number, self.level)

    def after(self, asked: PracticeQuestion, *, right: bool) -> Practice:
        """Return the session after a question was answered; one that was passed counts as missed."""
        others = tuple((due, one) for due, one in self.missed if one != asked)
        number = self.number + 1
        if not right:
            back = (*others, (number + COMES_BACK, asked))
            return replace(self, number=number, level=max(1, self.level - 1), streak=0, missed=back)
        up = self.streak + 1 >= STEPS_UP
        level, streak = min(HIGHEST_LEVEL, self.level + up), 0 if up else self.streak + 1
        return replace(self, number=number, level=level, streak=streak, missed=others, right=self.right + 1)


def sheet(programs: tuple[PracticeProgram, ...], seed: int, count: int) -> Iterator[PracticeQuestion]:
    """Yield the questions of a sheet, which become harder."""
    for number in range(1, count + 1):
        level = 1 + (number - 1) * HIGHEST_LEVEL // max(count, 1)
        yield draw_question(programs, seed, number, level)
