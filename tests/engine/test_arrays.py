"""NumPy's arrays: they print what NumPy prints, share memory with tensors, and are steps like any other."""

from __future__ import annotations

import struct
import sys
from zlib import crc32

import pytest
import torch
from llm_linalg.language.arrays.normal_ziggurat import ziggurat

from llm_linalg import LimitError, ProgramError, run
from llm_linalg.explain.descriptions import sentence
from tests.engine.numpy_programs import OUTPUTS, PROGRAMS, pieces


@pytest.mark.parametrize(("program", "printed"), [*zip(pieces(PROGRAMS), pieces(OUTPUTS), strict=True)])
def test_a_program_prints_what_numpy_prints(program: str, printed: str) -> None:
    assert run(f"import numpy as np\n{program}", seconds=None).printed.removesuffix("\n") == printed
    assert "numpy" not in sys.modules


@pytest.mark.parametrize(
    "draw",
    [
        "random.normal(size=(2, 2))",
        "random.normal(3, 0.5, (2, 2))",
        "random.uniform(-1, 1, (2, 2))",
        "random.randn(2, 2)",
        "random.rand(2, 2)",
        "random.randint(0, 9, (2, 2))",
        "random.permutation(4)",
        "random.choice(9, (2, 2))",
        "random.default_rng(1).normal(0, 2, (2, 2))",
        "random.default_rng(1).uniform(size=4)",
        "random.default_rng(1).integers(3, size=4)",
    ],
)
def test_what_is_drawn_is_one_step(draw: str) -> None:
    (node,) = run(f"import numpy as np\nx = np.{draw}").nodes
    assert (node.title, node.operands) == ("x", ())
    assert sentence(node, "cells") == "x is drawn at random: no other tensor goes into it."


@pytest.mark.parametrize(
    ("call", "op"),
    [
        ("linspace(0, 1, 5)", "spaced"),
        ("arange(0, 1, 0.25)", "spaced"),
        ("full(3, 0.5)", "full"),
        ("maximum(0, a)", "clamp"),
        ("minimum(a, 1)", "clamp"),
        ("clip(a, 0, 1)", "clamp"),
        ("where(m, a, 0)", "where"),
        ("where(m, 1, -1)", "where"),
        ("cumsum(v)", "cumsum"),
        ("argmax(v)", "argmax"),
        ("outer(v, v)", "outer"),
        ("pad(a, 1)", "pad"),
    ],
)
def test_what_is_one_step_in_numpy_is_one_here(call: str, op: str) -> None:
    before = "import numpy as np\na, v = np.array([[1.5, -2], [0, 5]]), np.array([1, 2.5])\nm = a > 0\n"
    nodes = run(before + f"x = np.{call}").nodes
    assert [node.op for node in nodes[3:]] == [op]


def test_an_array_and_its_tensor_share_their_memory() -> None:
    trace = run(
        "import numpy as np\n"
        "x = torch.ones(2, 2)\na = x.numpy()\na[0] = 5\nt = torch.from_numpy(a)\nt += 1\n"
        "y = torch.tensor(a)\ny[0] = 0\nprint(x.tolist(), a.tolist(), y.tolist())",
        seconds=None,
    )
    assert trace.printed == "[[6.0, 6.0], [2.0, 2.0]] [[6.0, 6.0], [2.0, 2.0]] [[0.0, 0.0], [2.0, 2.0]]\n"


def test_a_tensor_made_of_an_array_shares_its_memory_where_the_dtype_is_the_same() -> None:
    trace = run(
        "import numpy as np\n"
        "a, b = np.ones(2, dtype=np.float32), np.arange(2.0)\n"
        "made = [torch.Tensor(a), torch.as_tensor(a), torch.as_tensor(b), torch.FloatTensor(b)]\n"
        "made += [torch.tensor(a), torch.Tensor([b, b]), torch.as_tensor(b, dtype=torch.float32)]\n"
        "a[0], b[0] = 7, 9\nprint([t.tolist() for t in made], [t.dtype for t in made])",
        seconds=None,
    )
    values = [[7, 1], [7, 1], [9, 1], [0, 1], [1, 1], [[0, 1], [0, 1]], [0, 1]]
    kinds = [torch.float64 if place == 2 else torch.float32 for place in range(len(values))]
    assert trace.printed == f"{[torch.tensor(value).double().tolist() for value in values]} {kinds}\n"


def test_each_step_of_an_array_is_a_node_with_its_reads() -> None:
    trace = run(
        "import numpy as np\na = np.array([[1., 2.], [3., 4.]])\nc = a @ a\ns = c.sum(axis=0)", seconds=None
    )
    assert [trace[name].op for name in "acs"] == ["tensor", "matmul", "sum"]
    assert trace["c"].reads((0, 1)) == ({(0, 0), (0, 1)}, {(0, 1), (1, 1)})
    assert {node.op: len(cells) for node, cells in trace.lineage("s", (1,)).items()}["tensor"] == 4


def test_nothing_is_a_step_but_what_the_program_does() -> None:
    trace = run(
        "import numpy as np\na = np.ones((2, 3))\nb = a[1:]\nc = b.T\nd = a[::-1]\n"
        "e = d.T\nf = d[0]\ng = d.ravel()",
        seconds=None,
    )
    assert [node.op for node in trace.nodes if node.operands] == [
        "getitem", "permute", "flip", "permute", "flip", "getitem", "reshape"
    ]  # fmt: skip


def test_a_turned_array_is_a_view_whose_steps_are_told() -> None:
    trace = run(
        "import numpy as np\na = np.arange(3.0)\nb = a[::-1]\na[0] = 9\nc = b * 2\nb[0] = 7\nd = a * 1",
        seconds=None,
    )
    assert [trace[name].value.tolist() for name in "abcd"] == [[9, 1, 7], [7, 1, 9], [4, 2, 18], [9, 1, 7]]
    assert [node.op for node in trace.nodes if node.operands].count("flip") == 3
    writers = {node.op for node in trace.lineage("d", (1,))}
    assert {"flip", "setitem"} <= writers


def test_its_type_has_numpy_s_name() -> None:
    program = "import numpy as np\na = np.ones(2)\nprint(type(a), isinstance(a, np.ndarray))"
    assert run(program, seconds=None).printed == "<class 'numpy.ndarray'> True\n"


def test_the_run_draws_its_own_numbers() -> None:
    program = "import numpy as np\nprint(np.random.rand(3))"
    first, again, other = (run(program, seed=seed, seconds=None).printed for seed in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("np.exp(np)", "takes tensors"),
        ("torch.ones(2, requires_grad=True) * np.ones(2)", "NumPy knows none"),
        ("torch.ones(3)[np.array([0.5])]", "whole numbers"),
        ("torch.zeros(np.int64(10**9))", "are allowed"),
        ("torch.ones(2).repeat(np.int64(10**9))", "are allowed"),
        ("nn.Linear(np.int64(10**6), np.int64(10**6))", "are allowed"),
        ("nn.Linear(np.ones(2), 2)", "a number"),
        ("F.softmax(np.ones(2), 0)", "from_numpy"),
        ("torch.exp(np.ones(2))", "from_numpy"),
        ("torch.from_numpy([1])", "torch.tensor"),
        ("np.array(['a'])", "holds numbers"),
        ("np.array([[1], [2, 3]])", ""),
        ("torch.ones(2, requires_grad=True).numpy()", "detach"),
        ("torch.ones(2, dtype=torch.bfloat16).numpy()", "float"),
        ("np.ones(2).tofile('x')", "not part"),
        ("np.ones(2).__array__", ""),
        ("type(np.ones(2)).tensor", ""),
        ("np.ones(2).tensor", ""),
        ("np.load('x.npy')", ""),
        ("np.float32.torch", ""),
        ("np.ones(2).dtype.torch", ""),
        ("'{0.tensor}'.format(np.ones(2))", ""),
        ("if np.ones(2): pass", "neither"),
        ("a = np.array([1, 2]); a += 0.5", "int64"),
        ("np.zeros(3)[5]", ""),
        ("{np.ones(1): 2}", ""),
    ],
)
def test_what_it_does_not_take_is_said(line: str, said: str) -> None:
    with pytest.raises(ProgramError) as caught:
        run(f"import numpy as np\n{line}", seconds=None)
    assert said in str(caught.value)
    assert caught.value.line == 2


@pytest.mark.parametrize(
    "line",
    [
        "np.zeros(10 ** 9)",
        "np.random.randn(10 ** 7)",
        "np.arange(10 ** 12)",
        "np.tile(np.ones(1000), 10 ** 7)",
        "np.ones((1,) * 60)",
        "print(np.broadcast_to(1.5, (3, 10 ** 9)))",
        "np.repeat([1], 10 ** 11)",
        "np.linspace(0, 1, 10 ** 11)",
        "np.bincount([10 ** 15])",
        "np.eye(10 ** 6)",
        "np.set_printoptions(threshold=10 ** 9)",
    ],
)
def test_what_would_take_all_time_or_memory_is_stopped(line: str) -> None:
    with pytest.raises((LimitError, ProgramError)):
        run(f"import numpy as np\n{line}", seconds=None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "np.random.randn(2 ** 17)",
        "np.random.shuffle([0] * 50_000)",
        "np.array([np.ones(2)] * 50_000)",
        "str(np.arange(1000.0))",
    ],
)
def test_counts_alone_end_what_is_repeated(line: str) -> None:
    with pytest.raises(LimitError):
        run(f"import numpy as np\nwhile True: {line}", seconds=None)


def test_the_tables_of_normal_numbers_are_numpy_s() -> None:
    found = ziggurat()
    packed = struct.pack("<256Q256d256d", *found.surely, *found.widths, *found.heights)
    assert crc32(packed) == 3834926425  # of those in NumPy 2.4
