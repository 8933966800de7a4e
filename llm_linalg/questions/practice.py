"""Practice: questions without end, made from short programs with drawn shapes and small whole numbers.

A program is an entry in a table: the operation, where the course teaches it, and how its text is drawn at a
level. What is asked about its walk is drawn too, and the answer is torch's; topics ask for the rest of the
course. One seed gives one sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
from llm_linalg.questions.topics import PracticeTopic, floats, sizes, small, topics

HIGHEST_LEVEL = 5
ATTEMPTS = 50  # draws after which a topic has nothing of a kind
COMES_BACK = 3  # questions after which one that was missed comes back
STEPS_UP = 2  # right answers in a row after which it becomes harder


class PracticeProgram(NamedTuple):
    """A program to ask about, or a topic.

    Attributes:
        op: The operation that is asked about, by torch's short name; of a topic its kind.
        lessons: The slugs of the lessons that are about it, first the one that teaches it.
        stop: The title of the stop that does.
        kinds: What is asked of it.
        draw: Draws the program, whose last line makes `Y`, at a level from 1; None for a topic.
        topic: The topic.
    """

    op: str
    lessons: tuple[str, ...]
    stop: str
    kinds: tuple[str, ...]
    draw: Callable[[Random, int], str] | None = None
    topic: PracticeTopic | None = None

    @property
    def taught(self) -> tuple[str, str]:
        """The lesson that teaches it, and the title of its stop."""
        return self.lessons[0], self.stop


class PracticeQuestion(NamedTuple):
    """A question with the picture that it is asked about.

    Attributes:
        entry: What is practised by it.
        op: The operation that is asked about.
        level: How hard it is, from 1.
        program: The program that makes the picture.
        node: The name of the node that the picture shows; empty if there is none.
        step: The number of steps that it shows.
        backward: Whether it is a node of the gradient program.
        question: The question and its answer.
        shown: The lines of the program that are shown; empty for all.
        look: How the picture is drawn.
    """

    entry: PracticeProgram
    op: str
    level: int
    program: str
    node: str
    step: int
    backward: bool
    question: Question
    shown: str = ""
    look: str = "numbers"

    @property
    def text(self) -> tuple[str, str]:
        """All that is read of it, without the choices."""
        return self.program, self.question.ask.question


def _given(random: Random, **shapes: tuple[int, ...]) -> str:
    """Return lines that bind tensors of these shapes, of small whole numbers."""
    made = {name: floats(small(random, *shape)) for name, shape in shapes.items()}
    return "".join(f"{name} = torch.tensor({text})\n" for name, text in made.items())


def _tensors(line: str, **axes: str) -> Callable[[Random, int], str]:
    """Return what draws a program of a line and tensors, of a matrix `x` unless others are given.

    Each has a letter for each axis; one letter is one size, and no two are alike.
    """
    axes = axes or {"x": "rc"}

    def draw(random: Random, level: int) -> str:
        letters = dict.fromkeys("".join(axes.values()))
        drawn = dict(zip(letters, sizes(random, level, len(letters)), strict=True))
        shapes = {name: tuple(drawn[letter] for letter in own) for name, own in axes.items()}
        return f"{_given(random, **shapes)}Y = {line.format(**drawn)}"

    return draw


def _pointwise(random: Random, level: int) -> str:
    rows, columns = sizes(random, level, 2)
    other = random.choice([(rows, columns), (columns,), (rows, 1), (1, columns)][: 1 + level])
    sign = random.choice("*+-")
    return f"{_given(random, x=(rows, columns), y=other)}Y = x {sign} y"


def _dot(random: Random, level: int) -> str:
    return f"{_given(random, x=(2 + level,), y=(2 + level,))}Y = torch.dot(x, y)"


def _matmul(random: Random, level: int) -> str:
    rows, inner, columns = sizes(random, level, 3)
    if level > 2 and random.random() < 0.5:
        return f"{_given(random, x=(rows, inner), W=(columns, inner))}Y = x @ W.T"
    return f"{_given(random, x=(rows, inner), W=(inner, columns))}Y = x @ W"


def _batch(random: Random, level: int) -> str:
    rows, inner, columns = sizes(random, min(level, 2), 3)
    return f"{_given(random, Q=(2, rows, inner), K=(2, columns, inner))}Y = Q @ K.mT"


def _triangle(random: Random, level: int) -> str:
    size, diagonal = 3 + level // 2, random.randint(-1, 1)
    kind = random.choice(["triu", "tril"])
    return f"{_given(random, x=(size, size))}Y = torch.{kind}(x, {diagonal})"


def _masked(random: Random, level: int) -> str:
    size = 3 + level // 2
    hidden = f"hidden = torch.ones({size}, {size}).triu(1) == 1\n"
    return f"{_given(random, S=(size, size))}{hidden}Y = S.masked_fill(hidden, -math.inf)"


def _rows(random: Random, level: int) -> str:
    words, size = 3 + level // 2, random.randint(2, 3 + level // 2)
    places = [random.randrange(words) for _ in range(random.randint(2, 3))]
    return f"{_given(random, table=(words, size))}Y = table[torch.tensor({places})]"


_LINEAR = _tensors("F.linear(x, A, b)", x="rk", A="ck", b="c")
WALK: tuple[DrawnKind, ...] = ("value", "reads", "shape")
SUMS: tuple[DrawnKind, ...] = ("value", "sum", "reads", "shape")
WALKS: tuple[PracticeProgram, ...] = (
    PracticeProgram("mul", ("elementwise",), "When the shapes differ", ("value", "reads"), _pointwise),
    PracticeProgram("dot", ("dot", "similarity", "scalar"), "The dot product", ("value", "sum"), _dot),
    PracticeProgram("matmul", ("matvec", "columns"), "Each entry is a dot product", SUMS,
                    _tensors("A @ x", A="rc", x="c")),
    PracticeProgram("matmul", ("matmul", "columns", "summary"), "Row by column", SUMS, _matmul),
    PracticeProgram("matmul", ("shapes", "align", "summary"), "When torch refuses", ("repair",), _matmul),
    PracticeProgram("linear", ("linear", "align"), "By hand", SUMS, _LINEAR),
    PracticeProgram("T", ("transpose", "matrix", "summary"), "Rows become columns", WALK, _tensors("x.T")),
    PracticeProgram("reshape", ("transpose", "heads"), "The line in memory", WALK,
                    _tensors("x.reshape({c}, {r})")),
    PracticeProgram("matmul", ("backprop", "descent", "backward"), "Back to W", ("gradient",), _matmul),
    PracticeProgram("diag", ("diagonal", "summary"), "One number for each axis", ("value", "reads"),
                    _tensors("torch.diag(x)", x="r")),
    PracticeProgram("triu", ("triangular", "causal", "summary"), "The rule at each cell", ("mask", "value"),
                    _triangle),
    PracticeProgram("getitem", ("embedding", "projections"), "A text is a matrix", WALK, _rows),
    PracticeProgram("softmax", ("softmax", "attention"), "More: row by row", ("reads",),
                    _tensors("torch.softmax(x, dim=1)")),
    PracticeProgram("masked_fill", ("causal", "scores", "attention"), "−∞ means never", ("mask", "reads"),
                    _masked),
    PracticeProgram("matmul", ("heads", "scores", "attention"), "All heads at once",
                    ("value", "sum", "shape"), _batch),
    PracticeProgram("sum", ("layernorm", "elementwise"), "The mean of each row", SUMS,
                    _tensors("x.sum(dim=1)")),
    PracticeProgram("relu", ("mlp",), "A curve between", ("value",), _tensors("F.relu(x)")),
    PracticeProgram("argmax", ("logits", "sampling"), "Bars over the words", ("value",),
                    _tensors("x.argmax(dim=1)")),
)  # fmt: skip
PROGRAMS = (
    *WALKS,
    *(PracticeProgram(one.kind, (one.lesson,), one.stop, (one.kind,), topic=one) for one in topics()),
)
"""What is practised. An operation more is an entry here, and a topic more one in `topics.toml`."""


def programs_of(lessons: Collection[str]) -> tuple[PracticeProgram, ...]:
    """Return the programs that are about one of these lessons."""
    return tuple(one for one in PROGRAMS if not set(lessons).isdisjoint(one.lessons))


def programs_seen(stops: Collection[tuple[str, str]]) -> tuple[PracticeProgram, ...]:
    """Return the programs whose stop is among these: pairs of a lesson's slug and a stop's title."""
    return tuple(one for one in PROGRAMS if one.taught in stops)


def draw_question(
    programs: Sequence[PracticeProgram], seed: int, number: int, level: int, kind: str | None = None
) -> PracticeQuestion:
    """Return the question of a number, from 1, under a seed; of one kind, if that is given.

    Each program has its turn before one comes again.

    Raises:
        LookupError: If these programs have no such question.
    """
    some = [one for one in programs if kind in (None, *one.kinds)]
    random = Random(f"{seed}:{number}:{level}")  # noqa: S311 - it draws a question, and keeps no secret
    round_, place = divmod(number - 1, max(len(some), 1))
    turns = Random(f"{seed}:{round_}").sample(some, len(some))  # noqa: S311
    for entry in (*turns[place:], *turns[:place]):
        drawn = _drawn_from(entry, random, level, kind or random.choice(entry.kinds))
        if drawn is not None:
            return drawn
    raise LookupError(f"nothing of this kind is practised here: {kind}")


def draw_again(
    missed: PracticeQuestion, before: Collection[tuple[str, str]], seed: int, number: int, level: int
) -> PracticeQuestion:
    """Return a question like one that was missed, with other numbers than it and those before it had."""
    random = Random(f"{seed}:{number}:again")  # noqa: S311
    other = missed
    for _ in range(ATTEMPTS):
        drawn = _drawn_from(missed.entry, random, level, missed.question.kind)
        if drawn is not None and drawn.text != missed.text:
            other = drawn
            if drawn.text not in before:
                break
    return other


def _drawn_from(entry: PracticeProgram, random: Random, level: int, kind: str) -> PracticeQuestion | None:
    """Return a question of an entry, the first that is none too easy; None if it has none of that kind."""
    for _ in range(ATTEMPTS):
        drawn = _tried(entry, random, level, kind)
        if drawn is not None:
            return drawn
    return None


def _tried(entry: PracticeProgram, random: Random, level: int, kind: str) -> PracticeQuestion | None:
    if entry.topic is not None:
        made = entry.topic.asked(random, level)
        if made is None:
            return None
        program, question = made
        shown, _, last = program.rpartition("\n")
        node = "Y" if entry.topic.made else ""
        return PracticeQuestion(
            entry, entry.op, level, program, node, 0, False, question,
            shown if last.startswith("Y = ") and node else program, entry.topic.look,
        )  # fmt: skip
    if entry.draw is None:
        return None
    text = entry.draw(random, level)
    if kind in _MAKERS:
        return _MAKERS[kind](entry, text, random, level)
    return _at_step(entry, text, run_text(text, own=True)["Y"], random, level, kind)


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
    if kind == "mask":
        step -= step % node.shape[-1]  # before any cell of the row is there
    made = question_at(WalkPlace(node, order, step), random.randint(1, 1000), kind)
    if made is None or is_trivial(node, made):
        return None
    op = entry.op if backward else node.op
    return PracticeQuestion(entry, op, level, text, node.name, step, backward, made)


def is_trivial(node: Node, asked: Question) -> bool:
    """Return whether a question about a node tells nothing: nothing is masked, or all, or there is a tie."""
    first = node.operands[0].value
    if asked.kind == "mask":
        return not 0 < asked.answer.value < node.shape[-1]
    if asked.kind == "shape":
        return bool(node.shape == tuple(first.shape))
    if node.op == "argmax" and asked.cell is not None:
        row = first[asked.cell]
        return int((row == row.max()).sum()) > 1
    return node.op == "relu" and not bool((first < 0).any() and (first > 0).any())


def _gradient(entry: PracticeProgram, text: str, random: Random, level: int) -> PracticeQuestion | None:
    """Return a question about a derivative of the sum of the squares of `Y`."""
    text = f"{text}\nloss = (Y * Y).sum() / 2"
    gradients = run_text(text, own=True).backward("loss")
    name = random.choice([name for name in ("dx", "dW", "dA") if name in gradients])
    drawn = _at_step(entry, text, gradients[name], random, level, "value", backward=True)
    if drawn is None or drawn.question.cell is None:
        return None
    index = ", ".join(map(str, drawn.question.cell))
    asked = f"What is the derivative of `loss` with respect to `{name[1:]}[{index}]`?"
    ask = drawn.question.ask._replace(question=clean(asked))
    return drawn._replace(question=drawn.question._replace(kind="gradient", ask=ask))


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
    fitting = {"x @ W.T": (rows, inner), "x.T @ W": (rows, inner)}
    why = clean(f"{right_one} is {fitting[right_one]} @ {(inner, columns)}: the {inner} meets the {inner}.")
    question = Question("repair", ask, answer, why=why)
    return PracticeQuestion(entry, entry.op, level, f"{given}\nY = x @ W", "", 0, False, question)


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
        missed: Questions to come back with other numbers, each with the number at which it does.
        right: Right answers so far.
        before: The texts of all that was missed.
    """

    programs: tuple[PracticeProgram, ...] = PROGRAMS
    seed: int = 0
    number: int = 1
    level: int = 1
    streak: int = 0
    missed: tuple[tuple[int, PracticeQuestion], ...] = ()
    right: int = 0
    before: frozenset[tuple[str, str]] = frozenset()

    @property
    def question(self) -> PracticeQuestion:
        """The question that is asked now: like one that was missed, when its time has come, or a new one."""
        back = next((one for due, one in self.missed if due <= self.number), None)
        if back is not None:
            return draw_again(back, self.before, self.seed, self.number, self.level)
        return draw_question(self.programs, self.seed, self.number, self.level)

    def after(self, asked: PracticeQuestion, *, right: bool) -> Practice:
        """Return the session after a question was answered; one that was passed counts as missed."""
        others = tuple((due, one) for due, one in self.missed if not _is_alike(one, asked))
        number = self.number + 1
        if not right:
            back = (*others, (number + COMES_BACK, asked))
            before, level = self.before | {asked.text}, max(1, self.level - 1)
            return replace(self, number=number, level=level, streak=0, missed=back, before=before)
        up = self.streak + 1 >= STEPS_UP
        level, streak = min(HIGHEST_LEVEL, self.level + up), 0 if up else self.streak + 1
        return replace(self, number=number, level=level, streak=streak, missed=others, right=self.right + 1)


def _is_alike(one: PracticeQuestion, other: PracticeQuestion) -> bool:
    """Return whether two questions differ in their numbers alone."""
    return one.entry is other.entry and one.question.kind == other.question.kind


def sheet(programs: tuple[PracticeProgram, ...], seed: int, count: int) -> Iterator[PracticeQuestion]:
    """Yield the questions of a sheet, which become harder."""
    for number in range(1, count + 1):
        level = 1 + (number - 1) * HIGHEST_LEVEL // max(count, 1)
        yield draw_question(programs, seed, number, level)
