"""A call that failed is explained with its operands, axes and repairs, here and in a room alike.

Python knows the place of the call, the place of what made each operand, and the names.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llm_linalg import ProgramError, ShapeError, run
from llm_linalg.base.errors import HaltedError, LimitError, OperandInfo, Repair, Span
from llm_linalg.base.source import Source
from llm_linalg.capture.program import ProgramRun
from llm_linalg.explain.repairs import MOST_TRIED, lasting_repairs, repairs_of
from llm_linalg.explain.shape_errors import explain_failure
from llm_linalg.recording.failed_call import FailedCall
from tests.engine.here import run as run_here


def failure(text: str) -> tuple[FailedCall, Source, Span | None]:
    """Returns the call that fails in a program, the program, and the place of the call."""
    program = ProgramRun(text)
    with pytest.raises(ProgramError) as caught:
        program.run()
    failed = program.failures.call_of(caught.value)
    assert failed is not None
    return failed, program.source, caught.value.span


def facts(error: ProgramError) -> tuple[Any, ...]:
    if not isinstance(error, ShapeError):
        return error.message, error.span
    repairs = [(str(repair), repair.shape, repair.why) for repair in error.repairs]
    return error.message, error.span, error.operands, error.axes, error.detail, error.most, repairs


def error_of(text: str) -> ShapeError | None:
    """Returns the error of shapes with which a program ends in this process, if it does."""
    try:
        run_here(text)
    except ShapeError as error:
        return error
    except ProgramError:
        pass
    return None


def error_in_a_room(text: str, **names: Any) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        run(text, seconds=None, names=names)
    return caught.value


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
x -= 2 * b + 1
torch.matmul(x, twice(x))
xs[0] @ kept["y"]
(x
    .T
    .matmul(y))
torch.cat((x, *[y]))
torch.einsum('ij,jk->ik', *(x, y))
x[y > 0]
x[y > 0] = 1.0
table(k)
layer(twice(y))
stack(y)
nn.LayerNorm(5)(x)
net(y)
x @ (z := torch.ones(5, 2))
[x @ part for part in xs]
(lambda a: a @ x)(x)
x.view(5, -1)
x.T.view(12)
F.cross_entropy(torch.ones(2, 3, 5), torch.zeros(2, 3).long())
x.gather(1, k)
for l in (layer, nn.Linear(9, 2)): x = l(x)
def f(q, W=y): return q @ W
f(x)
y = twice(x) @ twice(twice(x))
assert (x @ x).sum() > 0
"""
LINES = [line.replace("\n.", "\n    .") for line in WRITTEN.replace("\n    .", "\0").strip().split("\n")]
LINES = [line.replace("\0", "\n    .") for line in LINES]
LINES = [line if not line.startswith("def ") else f"{line}\nf(x)" for line in LINES if line != "f(x)"]


@pytest.mark.parametrize("line", LINES)
def test_what_fails_is_explained_in_a_room_as_here(line: str) -> None:
    text = f"{START}{line}"
    error = error_of(text)
    assert error is not None
    assert error.span is not None
    assert error.span.text(text) in (line if "net" not in line else text)
    assert error.operands
    assert facts(error_in_a_room(text)) == facts(error)


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
def test_operands_are_called_as_they_stand_in_the_program(call: str, a: str, c: str) -> None:
    assume(a != c)
    line = call.format(a=a, c=c)
    text = f"{START}{line}"
    error = error_of(text)
    if error is None:
        return
    sources = [own.source for own in error.operands if own.source]
    assert sources or "(" in call  # within a layer, no operand stands in the program
    assert all(source in text for source in sources)
    assert error.span is not None
    for repair in error.repairs:
        fixed = error_of(error.span.replace_in(text, repair))
        assert fixed is None or (fixed.operation, fixed.span) != (error.operation, error.span)


def test_without_a_place_an_operand_has_the_name_of_what_made_it() -> None:
    failed, source, _ = failure(f"{START}twice(x) @ x")
    error = explain_failure(failed, source, None)
    assert isinstance(error, ShapeError)
    assert error.span is None
    (first, _, no_text), second = error.operands
    assert first.startswith("mul_")
    assert (no_text, second.name, second.source) == ("", "x", "")


def test_what_is_no_matter_of_shapes_keeps_the_words_of_torch() -> None:
    error = explain_failure(*failure("x = torch.ones(2, requires_grad=True)\nx += 1"))
    assert not isinstance(error, ShapeError)
    assert "a tensor that gets a gradient is not written in place" in error.message
    assert error.line == 2


def test_candidates_are_tried_only_so_often_and_none_twice() -> None:
    failed, source, span = failure(
        f"x, y = {'torch.ones(1, ' + '2, ' * 20 + '1)'}, torch.ones(3)\nz = torch.cat([x, y, x])"
    )
    error = explain_failure(failed, source, span)
    assert isinstance(error, ShapeError)
    tried: list[str] = []
    assert not repairs_of(failed, source, span, error, tried.append)
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


def test_a_name_that_is_spelled_wrongly_is_told_its_nearest() -> None:
    with pytest.raises(ProgramError, match="name 'scroes' is not defined: did you mean scores"):
        run("scores = torch.ones(2)\ny = scroes * 2")
