"""Programs that Python runs: they do what they do without us, and their record is what they did."""

from __future__ import annotations

import random
import sys
import threading
import warnings
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg.base.errors import LimitError, ProgramError
from llm_linalg.base.source import Source
from llm_linalg.capture import program as capture_program
from llm_linalg.capture.console import Output
from llm_linalg.capture.failures import as_torch_says
from llm_linalg.capture.limits import Limits
from llm_linalg.capture.program import ProgramRun, finished
from llm_linalg.ops.operation import SlottedArguments
from llm_linalg.recording.failed_call import FailedCall
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import RecordNode
from llm_linalg.recording.recorder import call_of

HERE = Path(__file__).parent
# Statements that may follow each other in any order: each finds what it needs.
STATEMENTS = (HERE / "captured.txt").read_text(encoding="utf-8").split("\n----\n")
START = "x, y, n, words = torch.arange(4.0).view(2, 2), torch.eye(2), 5, []\n"


def plain(program: str, seed: int) -> tuple[dict[str, Any], str]:
    """Return what Python alone binds and prints."""
    names: dict[str, Any] = {"torch": torch, "nn": nn, "__name__": "__main__"}
    said = StringIO()
    before = random.getstate()
    with torch.random.fork_rng(), redirect_stdout(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        random.seed(seed)
        exec(compile(program, "<plain>", "exec", dont_inherit=True), names)  # noqa: S102
    random.setstate(before)
    return names, said.getvalue()


def alike(one: Any, other: Any) -> bool:
    """Return whether two values are the same, bit by bit."""
    if isinstance(one, Tensor):
        same = (
            isinstance(other, Tensor)
            and one.dtype is other.dtype
            and one.requires_grad is other.requires_grad
        )
        return same and torch.equal(one, other)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(alike, one, other))
    return one == other if isinstance(one, int | float | str) else type(one).__name__ == type(other).__name__


def captured(program: str, **how: Any) -> Record[RecordNode]:
    return finished(ProgramRun(program, **how))


@given(st.lists(st.sampled_from(STATEMENTS), max_size=8), st.integers(0, 5))
def test_a_program_prints_and_binds_what_python_alone_does(parts: list[str], seed: int) -> None:
    program = START + "\n".join(parts)
    names, said = plain(program, seed)
    run = ProgramRun(program, seed)
    record = finished(run)
    assert record.printed == said
    for name in names.keys() - {"__builtins__", "torch", "nn"}:
        assert alike(names[name], run.names[name]), name
    assert {name for name in run.names if not name.startswith("__")} <= names.keys()


@given(st.lists(st.sampled_from(STATEMENTS), max_size=6))
def test_each_node_says_where_it_was_made_and_what_it_holds(parts: list[str]) -> None:
    program = START + "\n".join(parts)
    run = ProgramRun(program)
    record = finished(run)
    for node in record.nodes:
        assert node.span is not None
        assert node.span.text(program) == node.source
    for name, node in record.names.items():
        held = run.names.get(name)
        if isinstance(held, Tensor) and name in run.names:
            assert name.isidentifier()
            assert (
                torch.equal(node.value, held.detach())
                or any(f"{name}, " in part for part in parts)
                or "def" in program
            )


@given(
    st.recursive(
        st.sampled_from(["x", "y", "x.T", "2.0", "torch.ones(2, 2)"]),
        lambda inner: st.one_of(
            st.builds("({} + {})".format, inner, inner),
            st.builds("torch.relu({} * y)".format, inner),
            st.builds("(x @\n    {})".format, st.just("y")),
            st.builds("(x\n  .mul({})\n  .T)".format, inner),
        ),
        max_leaves=6,
    )
)
def test_the_text_of_a_node_is_the_expression_that_made_it(expression: str) -> None:
    start = "x, y = torch.arange(4.0).view(2, 2), torch.eye(2)\n"
    record = captured(f"{start}# é ü\nz = {expression}\n")
    names = {"torch": torch, "x": torch.arange(4.0).view(2, 2), "y": torch.eye(2)}
    for node in record.nodes:
        if node.line and node.line > 2:
            assert torch.equal(eval(f"({node.source})", dict(names)), node.value)  # noqa: S307


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("x = torch.ones(40_000, 40_000)", "would make 1,600,000,000 cells; .* allowed: use smaller sizes"),
        ("a = torch.ones(5_000, 5_000)\nb = a @ a", "matmul would need"),
        ("print('x' * 2_000_000)", "prints more than 1,000,000 characters"),
        ("def f(n):\n    return f(n + 1)\nf(0)", "RecursionError"),
        (
            "try:\n    torch.ones(40_000, 40_000)\nexcept Exception:\n    pass\nx = 1",
            "would make 1,600,000,000 cells",
        ),
    ],
)
def test_what_is_too_much_is_refused_before_it_is_done(program: str, words: str) -> None:
    with pytest.raises(LimitError, match=words) as raised:
        captured(program)
    assert raised.value.span is not None
    assert raised.value.trace.failed_line == raised.value.line


@pytest.mark.parametrize(
    ("limit", "most"), [("calls", 3), ("tensors", 3), ("elements", 30), ("call_elements", 12), ("printed", 3)]
)
def test_as_much_as_is_allowed_is_done(limit: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "x = torch.ones(2, 3)\ny = x @ torch.ones(3, 4)\nprint('ab')"
    monkeypatch.setattr(capture_program, "Limits", partial(Limits, **{limit: most}))
    assert captured(program).printed == "ab\n"
    monkeypatch.setattr(capture_program, "Limits", partial(Limits, **{limit: most - 1}))
    with pytest.raises(LimitError):
        captured(program)


@pytest.mark.parametrize(
    ("program", "words", "line", "column"),
    [
        ("x = 1\ny = x + zz", "NameError: name 'zz' is not defined", 2, 8),
        ("xs = [1]\nxs[3]", "IndexError: list index out of range", 2, 0),
        ("torch.nn.Sequential(print)", "TypeError: print is not a Module subclass", 1, 0),
        ("def f():\n    return 1 / 0\nf()", "ZeroDivisionError: division by zero", 2, 11),
        ("import nothing_like_it", "ModuleNotFoundError: No module named 'nothing_like_it'", 1, 0),
        ("x = torch.ones(2)\ny = x.foo", "AttributeError: 'Tensor' object has no attribute 'foo'", 2, 4),
    ],
)
def test_an_error_is_pythons_with_its_place(program: str, words: str, line: int, column: int) -> None:
    with pytest.raises(ProgramError) as raised:
        captured(program)
    assert raised.value.message == words
    assert (raised.value.line, raised.value.column) == (line, column)


def test_what_a_program_has_caught_is_not_what_ended_it() -> None:
    run = ProgramRun("try:\n    torch.ones(2) @ torch.ones(3)\nexcept RuntimeError: pass\nx = 1 / 0")
    with pytest.raises(ProgramError, match="ZeroDivisionError") as raised:
        finished(run)
    assert run.failures.call_of(raised.value) is None


def test_prints_have_their_lines_and_reach_nobody_else(capsys: pytest.CaptureFixture[str]) -> None:
    program = "import sys\nprint(1,\n      2)\nfor i in range(2): print(i, end='')\nsys.stdout.write('w')"
    record = captured(f"{program}\nprint('e', file=sys.stderr)")
    assert record.prints == ((2, "1 2\n"), (4, "0"), (4, "1"), (5, "w"))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("message", "words"), [("\n \nwhy\nmore", "why"), ("", "it failed"), ("why", "why")])
def test_without_an_explanation_torch_has_the_first_word(message: str, words: str) -> None:
    call = call_of(torch.add, SlottedArguments.of((torch.ones(1), torch.ones(1)), {}))
    assert as_torch_says(FailedCall(call, message, ()), Source("x"), None).message == f"add: {words}"


def test_what_is_printed_apart_is_not_counted() -> None:
    output = Output(lambda: 1, 5)
    with output.apart():
        output.write("12345")
    output.write("1234")
    assert output.texts == [(1, "1234")]


def test_other_threads_print_where_they_did(capsys: pytest.CaptureFixture[str]) -> None:
    def talk() -> None:
        thread = threading.Thread(target=lambda: sys.stdout.write("outside\n"))
        thread.start()
        thread.join()

    record = finished(ProgramRun("talk()\nprint('inside')", names={"talk": talk}))
    assert record.printed == "inside\n"
    assert capsys.readouterr().out == "outside\n"


def test_the_process_is_left_as_it_was() -> None:
    program = (
        "import random, sys\ntorch.manual_seed(7)\nrandom.seed(7)\ntorch.set_default_dtype(torch.float64)\n"
        "torch.set_printoptions(precision=1)\ntorch.set_grad_enabled(False)\nsys.setrecursionlimit(500)\n"
        "l = nn.Linear(2, 2)\nprint(torch.ones(1) / 3)"
    )
    torch.manual_seed(3)
    before = (torch.get_rng_state(), random.getstate(), sys.stdout, sys.stdin, sys.getrecursionlimit())
    text = str(torch.ones(1) / 3)
    captured(program)
    after = (torch.get_rng_state(), random.getstate(), sys.stdout, sys.stdin, sys.getrecursionlimit())
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert torch.get_default_dtype() is torch.float32
    assert torch.is_grad_enabled()
    assert str(torch.ones(1) / 3) == text
    assert not torch.nn.modules.module._global_parameter_registration_hooks


def test_an_expression_is_evaluated_in_the_state_and_leaves_it() -> None:
    run = ProgramRun(
        "x = torch.zeros(3)\ndef f(t):\n    t += 1\n    print(t)\n    return t.sum()\ny = f(x)", seed=4
    )
    record = finished(run)
    nodes, names = len(record.nodes), dict(run.names)
    first, second = run.evaluate("f(x) + torch.rand(1)"), run.evaluate("f(x) + torch.rand(1)")
    assert torch.equal(first, second)
    assert torch.equal(run.names["x"], torch.ones(3))
    assert run.evaluate("k + 1", k=2) == 3
    assert (len(run.recorder.nodes), dict(run.names), run.output.texts) == (nodes, names, list(record.prints))
    for wrong in ("x = 1", "x + zz", "x @ torch.ones(7)", "torch.ones(40_000, 40_000)"):
        with pytest.raises(ProgramError):
            run.evaluate(wrong)


def test_an_expression_sees_the_names_where_the_program_failed() -> None:
    run = ProgramRun("def f(t):\n    k = t * 2\n    return k @ torch.ones(9)\nf(torch.ones(3))")
    with pytest.raises(ProgramError):
        finished(run)
    assert torch.equal(run.evaluate("k @ torch.ones(3)"), torch.tensor(6.0))


def test_functions_have_scopes_of_their_own_and_generators_that_of_the_call_that_resumes_them() -> None:
    record = captured(
        "def g(n):\n    for i in range(n):\n        yield torch.ones(1) * i\n"
        "def f(x):\n    return x + 1\nfor t in g(2):\n    u = f(t)\nv = u * 2"
    )
    assert [node.scope for node in record.nodes] == ["", "", "f:1", "", "", "f:2", ""]


@pytest.mark.parametrize(
    ("program", "kind", "line"),
    [
        ("x = 1", "done", None),
        ("x = 1\nx / 0", "failed", 2),
        ("torch.ones(40_000, 40_000)", "counts", 1),
        ("raise SystemExit(0)", "exit", 1),
        ("import sys\nsys.exit()", "exit", 2),
        ("raise SystemExit(3)", "failed", 1),
        ("import sys\nsys.exit('no data')", "failed", 2),
    ],
)
def test_a_record_says_how_the_run_ended(program: str, kind: str, line: int | None) -> None:
    try:
        record = captured(program)
    except ProgramError as error:
        record = error.trace
    assert (record.ending.kind, record.ending.line) == (kind, line)


def test_the_running_line_is_stored() -> None:
    line = [0]
    run = ProgramRun("x = 1\n\nif x:\n    y = zz", running_line=line)
    with pytest.raises(ProgramError):
        finished(run)
    assert line == [4]


def test_a_function_keeps_its_docstring_where_the_running_line_is_stored() -> None:
    text = 'def f():\n    """Two."""\n    return 2\nclass A:\n    "One."\n'
    finished(ProgramRun(f"{text}assert (f.__doc__, A.__doc__, f()) == ('Two.', 'One.', 2)", running_line=[0]))
