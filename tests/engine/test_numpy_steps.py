"""NumPy's operations are steps: NumPy computes and prints as ever, and the nodes have its cells."""

from __future__ import annotations

import ast
import gc
import traceback
import warnings
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from weakref import ref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.capture.program import ProgramRun, finished
from llm_linalg.recording.record_node import Origin, RecordNode
from llm_linalg.recording.recorder import Recorder

np: Any = pytest.importorskip("numpy")
from llm_linalg.capture import numpy_steps  # noqa: E402 - it needs NumPy
from llm_linalg.capture.numpy_steps import NumpySteps  # noqa: E402

FILE = "<program>"
HERE = Path(__file__).parent
PROGRAMS = (HERE / "numpy_programs.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n-----\n")
PLAIN = [
    program
    for path in sorted((HERE / "plain").glob("*.txt"))
    for program in path.read_text(encoding="utf-8").split("\n----\n")
]


class Outcome(NamedTuple):
    """What a program printed, the lines at which it failed, what it warned of, and its names."""

    printed: str
    error: str
    warned: list[tuple[str, str]]
    names: dict[str, Any]
    recorder: Recorder
    steps: NumpySteps | None


def executed(program: str, *, seen: bool, **names: Any) -> Outcome:
    """Runs a program as it is, or with its arrays looked at."""
    np.random.seed(5)
    torch.manual_seed(5)
    recorder, tree = Recorder(Origin), ast.parse(program)
    steps = NumpySteps(recorder) if seen else None
    if steps is not None:
        tree = steps.rewritten(tree)
        names |= steps.names
    names |= {"np": np, "torch": torch, "nn": torch.nn, "__name__": "__main__"}
    out, error = StringIO(), ""
    with redirect_stdout(out), warnings.catch_warnings(record=True) as caught, np.printoptions():
        warnings.simplefilter("always")
        try:
            code = compile(tree, FILE, "exec")
            with recorder:
                exec(code, names)  # noqa: S102 - listed and drawn in these tests
        except Exception as raised:  # noqa: BLE001 - whatever a program raises
            lines = [at.lineno for at in traceback.extract_tb(raised.__traceback__) if at.filename == FILE]
            error = f"{raised!r} {lines}"
    warned = [
        (str(own.message), own.category.__name__)
        for own in caught
        if own.filename in (FILE, numpy_steps.__file__)
        and own.category is not SyntaxWarning  # which a tree that is added to may hide
    ]
    return Outcome(out.getvalue(), error, warned, names, recorder, steps)


def without_places(text: str) -> str:
    """Returns a text without the addresses of objects."""
    return " ".join(word.partition("0x")[0] for word in text.split(" "))


def check_alike(program: str) -> Outcome:
    """Runs a program both ways, and checks that it can't tell; returns it looked at."""
    plain, seen = executed(program, seen=False), executed(program, seen=True)
    assert without_places(seen.printed) == without_places(plain.printed), program
    assert without_places(seen.error) == without_places(plain.error), program
    assert seen.warned == plain.warned, program
    return seen


def node_of(outcome: Outcome, name: str) -> RecordNode:
    """Returns the node of what a name holds."""
    assert outcome.steps is not None
    tensor = outcome.steps.tensor(outcome.names[name])
    assert tensor is not None
    return outcome.recorder.operand(tensor).node


def check_values(outcome: Outcome) -> None:
    """Checks that the nodes of all arrays that names hold have their cells, and so have calls made again."""
    for name, value in list(outcome.names.items()):
        is_cells = isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiubc"
        if is_cells and value.dtype.name not in ("uint16", "uint32", "uint64", "longdouble", "float16"):
            node = node_of(outcome, name)
            assert node.value.numpy().dtype == value.dtype, name
            assert np.array_equal(node.value.numpy(), value, equal_nan=value.dtype.kind in "fc"), name


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_print_what_they_print_with_numpy_and_nodes_have_its_cells(program: str) -> None:
    check_values(check_alike(program))


def test_plain_programs_are_what_they_are_in_python() -> None:
    assert len(PLAIN) > 100
    for program in PLAIN:
        check_alike(program)


def test_most_operations_are_found_in_torch() -> None:
    tried: Counter[str] = Counter()
    for program in PROGRAMS:
        steps = executed(program, seen=True).steps
        assert steps is not None
        for (_, how), count in steps.tried.items():
            tried[how] += count
    assert tried["exact"] > 280
    assert tried["opaque"] < 40


STEPS = {  # by program: the operations of its nodes, in order
    "a = np.random.normal(size=3)": "draw",
    "a = np.linspace(0, 1, 5)": "linspace",
    "a = np.zeros((2, 3)); b = a.T": "zeros permute",
    "a = np.arange(6).reshape(2, 3)": "arange reshape",
    "a = np.array([1, 2]); b = a / 2": "tensor div",
    "a = np.array([1., -2]); b = np.maximum(a, 0)": "tensor clamp",
    "a = np.ones((2, 2)); b = a @ a; c = np.dot(a, a)": "ones matmul matmul",
    "a = np.ones((2, 2)); b = a.sum(axis=0); c = np.mean(a); d = a.std()": "ones sum mean std",
    "a = np.arange(4.); b = a[1:]; c = a[::-1]; d = a[a > 1]": "arange getitem flip gt getitem",
    "a = np.ones(2); b = np.interp(a, a, a)": "ones interp",
    "a = np.arange(3.); a += 1; a[0] = 5": "arange add setitem",
    "a = np.arange(4); b = a[1:]; b[1:] *= 2": "arange getitem getitem mul",
    "a = np.arange(4); a[[0, 1]] *= 2": "arange getitem mul setitem",
    "a = np.arange(3.); np.exp(a, out=a)": "arange exp",
    "a = np.array([3, 1]); a.sort()": "tensor sort",
    "a = np.array([3, 1]); b = np.sort(a)": "tensor sort",
    "a = np.pad(np.ones((2, 2)), 1, mode='edge')": "ones pad",
    "a = np.eye(2)\nfor row in a: b = row * 2": "eye getitem mul getitem mul",
    "a = np.ones(2); b, c = a": "ones getitem getitem",
    "b = [x + 1 for x in np.ones(2)]": "ones getitem add getitem add",
    "b = [int(k) for k, x in enumerate(np.ones(2))]": "ones getitem getitem",
    "a = np.ones(2); d = {'a': a}; b = d['a']; c = [a][0]": "ones",
    "a = np.array(['x']); b = a == 'x'": "",
    "a = np.array([{}, 1], dtype=object); b = a[1]": "",
    "t = np.float64(2.0); t += 1": "",
    "total = 0\nfor x in np.ones(2): total += x": "ones getitem add getitem add",
    "class A:\n    w = np.ones(2) * 2\nb = A.w + 1": "ones mul add",
    "b = 1 + 2 * 3; c = [b] * 2; d = max(c)": "",
}


@pytest.mark.parametrize("program", STEPS)
def test_what_is_one_step_to_a_reader_is_one_node(program: str) -> None:
    seen = check_alike(program)
    assert " ".join(node.op for node in seen.recorder.nodes) == STEPS[program]
    check_values(seen)


@pytest.mark.parametrize(
    ("call", "evidence"),
    [
        ("np.pad(np.ones((2, 3)), ((0, 1), (2, 0)))", "index"),
        ("np.arange(6.)[::-2]", "index"),
        ("np.flip(np.ones((2, 3)))", "index"),
        ("np.ones((2, 3)).transpose((1, 0))", "index"),
        ("np.kron(np.ones(2), np.ones(2))", "rule"),
    ],
)
def test_an_array_says_where_its_cells_are_from(call: str, evidence: str) -> None:
    seen = executed(f"a = {call}", seen=True)
    assert node_of(seen, "a").evidence == evidence


def test_a_recorded_run_has_the_rows_that_a_loop_goes_through_and_no_names_of_ours() -> None:
    run = ProgramRun("import numpy as np\na = np.eye(2)\nfor row in a: b = row * 2\na[0] += 1")
    record = finished(run)
    ops = [node.op for node in record.nodes]
    assert ops[:7] == ["eye", *["getitem", "mul"] * 2, "getitem", "add"]
    assert run.own_names == ("np", "a", "row", "b")


def test_a_write_keeps_what_nodes_showed_and_reaches_views() -> None:
    seen = check_alike(
        "a = np.arange(4.)\nb = a[1:]\nc = a * 1\na[2] = 9\nd = b + 0\nb -= 1\ne = a + 0\nprint(c, d, e)"
    )
    check_values(seen)
    first, view, copy, write = seen.recorder.nodes[:4]
    assert first.value.tolist() == [0, 1, 2, 3]
    assert view.value.tolist() == [1, 2, 3]
    assert copy.value.tolist() == [0, 1, 2, 3]
    assert write.value.tolist() == [0, 1, 9, 3]
    fresh = node_of(seen, "d").operands[0].node
    assert (fresh.op, [own.node for own in fresh.operands]) == ("alias", [view, write])


def test_an_array_and_a_tensor_of_it_are_linked() -> None:
    program = """
a = np.arange(3.0)
t = torch.from_numpy(a)
u = torch.tensor(a)
v = torch.tensor(a, dtype=torch.float32)
a += 1
x = t * 2
t.mul_(3)
b = a + 0
w = torch.ones(2)
c = w.numpy()
w.add_(1)
d = c * 2
print(a, t, u, x, b, c, d)
"""
    seen = check_alike(program)
    check_values(seen)
    first, write = seen.recorder.nodes[0], seen.recorder.nodes[3]
    assert [node.op for node in seen.recorder.nodes[:4]] == ["arange", "clone", "to", "add"]
    assert seen.recorder.operand(seen.names["u"]).node.operands[0].node is first
    doubled = seen.recorder.operand(seen.names["x"]).node
    assert write in [own.node for own in doubled.operands[0].node.operands]
    assert node_of(seen, "d").operands[0].node.op == "add"


def test_a_program_may_catch_its_warnings() -> None:
    seen = check_alike(
        "a = np.array([1.0, 0.0])\nb = 1 + 1\nc = a / (a * 0)\n"
        "d = [np.log(x) for x in -a]\na[0] = np.exp(1000.0)"
    )
    assert len(seen.warned) == 5


def test_an_error_has_the_programs_line_and_what_ran_is_kept() -> None:
    seen = check_alike("a = np.ones(3)\nb = a * 2\nc = (b +\n     np.ones(4))")
    assert "broadcast" in seen.error
    assert [node.op for node in seen.recorder.nodes] == ["ones", "mul", "ones"]


def test_arrays_may_be_resized_and_let_go() -> None:
    check_alike("a = np.array([1, 2, 3])\nb = a * 2\na.resize((2, 2))\na[1, 1] = 7\nprint(a, b, a + 1)")
    seen = executed("a = np.ones(3)\nb = (a + 1) * (a + 2)", seen=True)
    assert seen.steps is not None
    held = ref(seen.names["b"])
    seen.recorder.release()
    seen.steps._known.clear()  # as when the run is over
    del seen.names["b"]
    seen.recorder.nodes.clear()
    gc.collect()
    assert held() is None


def test_an_array_may_be_given_another_shape() -> None:
    seen = check_alike("a = np.arange(6)\nb = a * 2\na.shape = 2, 3\nc = a.sum(1)\nprint(a, b, c)")
    check_values(seen)
    assert [own.value.shape for own in node_of(seen, "c").operands] == [(2, 3)]


def test_nothing_is_told_while_a_recorder_pauses_and_what_was_written_comes_in_anew() -> None:
    recorder = Recorder(Origin)
    steps = NumpySteps(recorder)
    names = {"np": np, "recorder": recorder, **steps.names}
    program = "a = np.zeros(2)\nb = a + 1\nrecorder.pause()\na += 5\na[0] = 2\nb = np.exp(a)"
    with recorder:
        exec(compile(steps.rewritten(ast.parse(program)), FILE, "exec"), names)  # noqa: S102
    assert [node.op for node in recorder.nodes] == ["zeros", "add"]
    assert recorder.nodes[0].value.tolist() == [0, 0]
    assert names["a"].tolist() == [2, 5]


STATEMENTS = [
    "a = a + 1",
    "a += a[::-1]",
    "a[1] = b[0]",
    "a[1:] = b[:-1]",
    "b = a * 2 - b",
    "b = a[::-1]",
    "b = a.copy()",
    "a, b = b, a",
    "a[::2] += 1",
    "b = np.where(a > b, a, b)",
    "b[b > 3] = 0",
    "a[0], a[2] = a[2], a[0]",
    "np.add(a, b, out=a)",
    "c = a.reshape(2, 2).T",
    "c = (a.reshape(2, 2) @ c).astype(float) % 7",
    "b = c.ravel()",
    "c[0] = a[:2]",
    "a = np.sort(b)",
    "b = np.concatenate([a[2:], b[:2]])",
    "np.random.shuffle(a)",
    "d = {k: v + 1 for k, v in enumerate(a)}; a[0] = d[1]",
    "s = s + a.sum(); s += 1",
    "f = lambda x, y=a: x + y[0]; b = f(b)",
    "b = sum(x * y for x, y in zip(a, b)) + np.zeros(4)",
    "a.fill(s % 5)",
    "print(a, b, c, s)",
]


@given(st.lists(st.sampled_from(STATEMENTS), max_size=14))
def test_drawn_programs_are_alike_and_nodes_keep_up_with_writes(statements: list[str]) -> None:
    start = ["a = np.arange(4.0)", "b = np.ones(4)", "c = np.eye(2)", "s = 0.0"]
    inside = ["def f0(a, b, c, s):", *[f"    {own}" for own in (*statements, "return a, b, c, s")]]
    program = "\n".join([*start, *statements, *inside, "a, b, c, s = f0(a, b, c, s)", "print(a, b, c, s)"])
    check_values(check_alike(program))
