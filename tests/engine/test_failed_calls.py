"""A call that failed under Python itself is explained as the interpreter explains it.

The interpreter knows the value of each part of an expression. Python knows the place of the call, the place
of what made each operand, and the names: from these the same operands, axes and repairs are found.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from itertools import chain, islice
from types import CodeType, FrameType, TracebackType
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import ProgramError, ShapeError, run
from llm_linalg.base.errors import HaltedError, LimitError, OperandInfo, Repair, Span
from llm_linalg.base.source import Source
from llm_linalg.base.text import characters
from llm_linalg.explain.repairs import MOST_TRIED, lasting_repairs, repairs_of
from llm_linalg.explain.shape_errors import explain_failure
from llm_linalg.lessons.reader import catalog, find
from llm_linalg.recording.failed_call import FailedCall, FailedOperand, message_of
from llm_linalg.recording.record_node import Origin
from llm_linalg.recording.recorder import Recorder

FILE = "<a program of these tests>"


def _frames(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lasti
        trace = trace.tb_next


class Failure:
    """A program that fails under Python, and the call that does.

    Attributes:
        source: The program.
        span: The place of the call, by the positions of Python's instructions.
        failed: The call.
        names: The names at the failure.
    """

    def __init__(self, text: str, **names: Any) -> None:
        self.source = Source(text)
        recorder = Recorder(self._origin)
        own = {"torch": torch, "nn": nn, "F": nn.functional, "math": math, **names}
        error: Exception | None = None
        with torch.random.fork_rng():
            torch.manual_seed(0)
            try:
                with recorder:
                    exec(compile(self.source.tree, FILE, "exec"), own)  # noqa: S102  listed and drawn in these tests
            except Exception as raised:  # noqa: BLE001  whatever torch raises
                error = raised
        if error is None or recorder.failed is None:
            raise ValueError(f"no call of torch's fails: {error!r}")
        frames = [
            (frame, at) for frame, at in _frames(error.__traceback__) if frame.f_code.co_filename == FILE
        ]
        frame, at = frames[-1]
        self.span = self._place(frame.f_code, at)
        self.names = {**frame.f_globals, **frame.f_locals}
        bound = list(self._tensors())
        operands = [
            FailedOperand(recorder.node_of(own), tuple(name for name, tensor in bound if tensor is own))
            for own in recorder.failed.tensors
        ]
        self.failed = FailedCall(recorder.failed, message_of(error), tuple(operands))

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for name, value in self.names.items():
            if isinstance(value, Tensor):
                yield name, value
            elif isinstance(value, nn.Module):
                own = chain(value.named_parameters(), value.named_buffers())
                yield from ((f"{name}.{inner}", tensor) for inner, tensor in own)

    def _place(self, code: CodeType, at: int) -> Span:
        first, last, column, end = (place or 0 for place in next(islice(code.co_positions(), at // 2, None)))
        lines = self.source.lines
        return Span(first, characters(lines[first - 1], column), last, characters(lines[last - 1], end))

    def _origin(self) -> Origin:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != FILE:
            frame = frame.f_back
        if frame is None:
            return Origin()
        span = self._place(frame.f_code, frame.f_lasti)
        return Origin(span, span.of(self.source.lines))

    def value(self, text: str) -> object:
        """What an expression gives there; None if it fails."""
        try:
            with torch.random.fork_rng():
                return eval(text, dict(self.names))  # noqa: S307  derived from programs of these tests
        except Exception:  # noqa: BLE001  whatever torch raises
            return None

    def error(self) -> ProgramError:
        """What is said of it, with repairs that last."""
        error = explain_failure(self.failed, self.source, self.span)
        if isinstance(error, ShapeError):
            error.repairs = repairs_of(self.failed, self.source, self.span, error, self.value)
            error.repairs = lasting_repairs(error, self.source, _rerun)
        return error


def _rerun(text: str) -> None:
    try:
        failure = Failure(text)
    except ValueError:
        return
    raise explain_failure(failure.failed, failure.source, failure.span)


def facts(error: ProgramError) -> tuple[Any, ...]:
    if not isinstance(error, ShapeError):
        return error.message, error.span
    repairs = [(str(repair), repair.shape, repair.why) for repair in error.repairs]
    return error.message, error.span, error.operands, error.axes, error.detail, error.most, repairs


def interpreted(text: str) -> ProgramError | None:
    try:
        run(text)
    except ProgramError as error:
        return error
    return None


START = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 3)
        self.W = nn.Parameter(torch.ones(3, 4))
    def forward(self, x): return self.inner(x) @ self.W
    def other(self, x): return x @ self.W
def twice(x): return 2 * x
net, layer, table = Net(), nn.Linear(4, 2), nn.Embedding(5, 4)
stack = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
x, y, b = torch.ones(3, 4), torch.ones(2, 3), torch.ones(3)
xs, kept, k = [1 * x, y], {"y": 1 * y}, torch.tensor([1, 7])
"""
WRITTEN = """
x @ y
x @ x
x + b
x += b
x -= 2 * b + 1
(x @ x.T) @ x.T
torch.matmul(x, twice(x))
twice(x) @ xs[0]
xs[0] @ kept["y"]
x.matmul(other=x)
(x
    .T
    .matmul(y))
torch.cat([x, y])
torch.cat((x, *[y]))
torch.einsum('ij,jk->ik', *(x, y))
torch.cat([x, y @ x], dim=1)
torch.stack([x, y])
torch.einsum("ij,jk->ik", x, y.T)
x[y > 0]
x[y > 0] = 1.0
x[:, k]
table(k)
table(torch.tensor([[9]]))
layer(y)
layer(twice(y))
stack(y)
nn.Linear(5, 2)(x)
nn.LayerNorm(5)(x)
net(y)
net.other(x)
x @ net.W
x @ (z := torch.ones(5, 2))
[x @ part for part in xs]
(lambda a: a @ x)(x)
x.view(5, -1)
x.reshape(2, 5)
x.expand(2, 3, 5)
x.T.view(12)
F.cross_entropy(torch.ones(2, 3, 5), torch.zeros(2, 3).long())
x < y
torch.where(x > 0, x, y)
x.sum(dim=4)
x.gather(1, k)
torch.ones(2, 3).double() @ x.T.double().float().T
for l in (layer, nn.Linear(9, 2)): x = l(x)
for part in (x, y): x = x + part
def f(q, W=y): return q @ W
f(x)
y = twice(x) @ twice(twice(x))
print(x @ x)
assert (x @ x).sum() > 0
"""
LINES = [line.replace("\n.", "\n    .") for line in WRITTEN.replace("\n    .", "\0").strip().split("\n")]
LINES = [line.replace("\0", "\n    .") for line in LINES]
LINES = [line if not line.startswith("def ") else f"{line}\nf(x)" for line in LINES if line != "f(x)"]


@pytest.mark.parametrize("line", LINES)
def test_what_fails_under_python_is_explained_as_by_the_interpreter(line: str) -> None:
    text = f"{START}{line}"
    wanted = interpreted(text)
    assert isinstance(wanted, ShapeError)
    assert facts(Failure(text).error()) == facts(wanted)


OPERANDS = """
x|y|b|x.T|2 * y|twice(x)|xs[0]|kept["y"]|net.W|torch.ones(2, 5)|x + 1|y.mean(dim=0)|-x|layer.weight|x[:, 1:]
""".strip().split("|")
CALLS = (
    """
{a} @ {c}|{a} + {c}|{a} * ({c})|{a} @ {c} @ {a}|torch.matmul({a}, {c})|torch.cat([{a}, {c}])
torch.stack([{a}, {c}])|({a}).matmul({c})|({a}).maximum({c})|F.linear({a}, {c})|layer({a})|stack({a})
layer({a} + {c})|v = {a}; v *= {c}|x[{c} > 0]|torch.einsum('ij,jk->ik', {a}, {c})|torch.dot({a}, {c})
torch.where({a} > 0, {a}, {c})|net.other({a})
""".strip()
    .replace("\n", "|")
    .split("|")
)


@given(st.sampled_from(CALLS), st.sampled_from(OPERANDS), st.sampled_from(OPERANDS))
def test_whatever_fails_under_python_is_explained_as_by_the_interpreter(call: str, a: str, c: str) -> None:
    assume(a != c or not call.startswith("({a})."))  # which of the two is meant, the interpreter can't tell
    text = f"{START}{call.format(a=a, c=c)}"
    wanted = interpreted(text)
    if isinstance(wanted, ShapeError):
        assert facts(Failure(text).error()) == facts(wanted)


FAILING = [
    (lesson.slug, stop.number) for lesson in catalog() for stop in find(lesson.slug).stops if stop.fails
]


@pytest.mark.parametrize(("slug", "number"), FAILING)
def test_what_fails_in_the_course_is_explained_as_by_the_interpreter(slug: str, number: int) -> None:
    lesson = find(slug)
    stop = lesson.stop(number)
    with pytest.raises(ShapeError) as caught:
        lesson.run(stop)
    assert facts(Failure(stop.program, **lesson.names()).error()) == facts(caught.value)


def test_without_a_place_an_operand_has_the_name_of_what_made_it() -> None:
    failure = Failure(f"{START}twice(x) @ x")
    error = explain_failure(failure.failed, failure.source, None)
    assert isinstance(error, ShapeError)
    assert error.span is None
    (first, _, no_text), second = error.operands
    assert first.startswith("mul_")
    assert (no_text, second.name, second.source) == ("", "x", "")


def test_what_is_no_matter_of_shapes_keeps_the_words_of_torch() -> None:
    failure = Failure("x = torch.ones(2, requires_grad=True)\nx += 1")
    error = explain_failure(failure.failed, failure.source, failure.span)
    assert not isinstance(error, ShapeError)
    assert "a tensor that gets a gradient is not written in place" in error.message
    assert error.line == 2


def test_candidates_are_tried_only_so_often_and_none_twice() -> None:
    failure = Failure(
        f"x, y = {'torch.ones(1, ' + '2, ' * 30 + '1)'}, torch.ones(3)\nz = torch.cat([x, y, x])"
    )
    error = explain_failure(failure.failed, failure.source, failure.span)
    assert isinstance(error, ShapeError)
    tried: list[str] = []
    assert not repairs_of(failure.failed, failure.source, failure.span, error, tried.append)
    assert 30 < len(tried) <= MOST_TRIED
    assert len(set(tried)) == len(tried)


@pytest.mark.parametrize(("raised", "lasts"), [(LimitError, True), (ProgramError, False)])
def test_a_repair_lasts_unless_its_line_fails_again(raised: type[ProgramError], lasts: bool) -> None:
    source = Source("for k in range(2):\n    y = x @ x")
    span = Span(2, 8, 2, 13)
    error = ShapeError("", span, source.text, operands=(OperandInfo("x", (2, 3), "x"),))
    error.repairs = (Repair("x @ x.T", (2, 2), "transposes x"),)

    def rerun(text: str) -> None:
        assert text == source.text.replace("x @ x", "x @ x.T")
        raise raised("", span)

    assert bool(lasting_repairs(error, source, rerun)) == lasts
    alone = Source("k = 1\ny = 'a line that comes once'")
    assert lasting_repairs(error, alone, rerun) == error.repairs

    def stopped(_text: str) -> None:
        raise HaltedError("")

    with pytest.raises(HaltedError):
        lasting_repairs(error, source, stopped)
