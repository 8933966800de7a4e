"""The tensor language against Python itself: the same text, the same numbers, bit for bit."""

from __future__ import annotations

import contextlib
import io
import math
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_linalg.language import execute
from llm_linalg.language.budget import Budget
from torch import Tensor, nn
from torch._tensor_str import printoptions

from llm_linalg import LimitError, ProgramError, run
from tests.engine.counting import at_most


def executed(program: str, seed: int, names: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Returns the names and the printed text of a program that Python itself has run."""
    scope: dict[str, Any] = {"torch": torch, "nn": nn, "F": nn.functional, "math": math, **names}
    printed = io.StringIO()
    with torch.random.fork_rng(devices=[]), printoptions(), contextlib.redirect_stdout(printed):
        torch.manual_seed(seed)
        exec(program, scope)  # noqa: S102  the oracle: the tests' own text
    return scope, printed.getvalue()


def equal(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(one.nan_to_num(7.0), other.detach().nan_to_num(7.0))


def agrees(program: str, seed: int = 0, names: dict[str, Any] | None = None) -> None:
    """Holds what the language gives against what Python gives."""
    scope, printed = executed(program, seed, names or {})
    trace = run(program, seed=seed, names=names or {})
    assert trace.printed == printed
    for name, value in scope.items():
        if isinstance(value, Tensor) and name in trace.names:
            assert equal(trace[name].value, value), name
    bound = {name for name, value in scope.items() if isinstance(value, Tensor)}
    assert bound <= set(trace.names)


ATOMS = [
    "x",
    "y",
    "x.T",
    "s",
    "2",
    "0.5",
    "n",
    "-1",
    "torch.pi",
    "x[0]",
    "y[:, 1]",
    "x[-1, None]",
    "v[idx]",
    "v[v > 0]",
]
UNARY = [
    "-{a}",
    "abs({a})",
    "torch.exp({a} * 0.1)",
    "({a}).sum()",
    "({a}).mean()",
    "torch.relu({a})",
    "({a}).reshape(-1)",
]
UNARY += [
    "torch.softmax({a}, dim=-1)",
    "({a}).sum(0)",
    "({a}).max()",
    "({a}).T",
    "F.gelu({a})",
    "({a}).argmax()",
]
UNARY += [
    "torch.tensor({n}) * {a}",
    "torch.randn({n}) * 0 + {n}",
    "({a}).flatten().unsqueeze(0)",
    "({a}).tolist()[0]",
]
UNARY += [
    "({a}).norm()",
    "torch.stack([{a}, {a}])",
    "torch.tril({a})",
    "({a}).var()",
    "({a}).clamp(-1, 1)",
    "({a}).item()",
]
BINARY = [
    "{a} + {b}",
    "{a} - {b}",
    "{a} * {b}",
    "{a} / {b}",
    "{a} @ {b}",
    "{a} ** 2 + {b}",
    "{a} < {b}",
    "{a} == {b}",
]
BINARY += [
    "torch.maximum({a}, {b})",
    "torch.where({a} > {b}, {a}, {b})",
    "torch.cat([{a}, {b}])",
    "{a} % 2 + {b} // 2",
]
BINARY += [
    "{a} if n > 2 else {b}",
    "[{a}, {b}][n % 2]",
    "({a}, {b})[0]",
    "{a} and {b}",
    "not {a} or {b}",
    "torch.outer({a}, {b})",
]
FORMS = [
    "{t} = {e}",
    "{t}, {u} = {e}, {f}",
    "{t} = {u} = {e}",
    "{t} += {e}",
    "{t} *= 2",
    "print({e})",
    "print({e}, {f}, sep=' | ', end='.\\n')",
    "print(f'{{{e}}}')",
    "print(f'{{n:>5}} {{n * 1.5:.2f}} {{n!r}}')",
    "{t} = [{e} for i in range(3)][-1]",
    "for i in range(n):\n    {t} = {e}\n    if i == 1:\n        continue\n    print(i)",
    "def f(a, b=2):\n    c = a * b\n    return c\n{t} = f({e})",
    "{t} = torch.randn(2, 3)\n{u} = torch.rand(3)",
    "torch.manual_seed(n)\n{t} = torch.randn(n)",
    "layer = nn.Linear(3, n)\n{t} = layer(torch.randn(2, 3))\nprint(layer)",
    "if n > 2:\n    {t} = {e}\nelse:\n    {t} = {f}",
    "{t} = torch.zeros(3, 3)\n{t}[0] = 1.5\n{t}[:, 1] = v\n{t}[1, 1] += n",
]


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Draws a program over x, y (3, 3), v (3,), s (scalar), idx (whole numbers) and n."""
    lines = [
        "import torch",
        "import torch.nn.functional as F",
        "x = torch.randn(3, 3)",
        "y = x + torch.rand(3, 3)",
    ]
    lines += ["v = torch.randn(3)", "s = torch.tensor(1.5)", "idx = torch.tensor([2, 0])"]

    def expression(depth: int) -> str:
        if depth == 0 or draw(st.integers(0, 3)) == 0:
            return draw(st.sampled_from(ATOMS))
        if draw(st.booleans()):
            return draw(st.sampled_from(UNARY)).format(a=expression(depth - 1), n=draw(st.integers(0, 4)))
        return f"({draw(st.sampled_from(BINARY)).format(a=expression(depth - 1), b=expression(depth - 1))})"

    names = st.sampled_from(["x", "y", "z", "w", "v"])
    for _ in range(draw(st.integers(1, 6))):
        form = draw(st.sampled_from(FORMS))
        lines.append(form.format(t=draw(names), u=draw(names), e=expression(2), f=expression(1)))
    return "\n".join(lines)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=150)
@given(programs(), st.integers(0, 5), st.integers(1, 4))
def test_programs_are_what_python_makes_of_them(program: str, seed: int, n: int) -> None:
    try:
        executed(program, seed, {"n": n})
    except Exception:  # noqa: BLE001  what fails in Python fails here, as one of our errors
        with pytest.raises(ProgramError):
            run(program, seed=seed, names={"n": n})
        return
    agrees(program, seed, {"n": n})


@pytest.mark.parametrize(
    "program",
    [
        (
            "torch.manual_seed(42)\nl = nn.Linear(2, 6)\n"
            "Y = l(torch.tensor([[1., 2.], [3., 4.], [5., 6.]]))\nprint(Y)"
        ),
        "e = nn.Embedding(5, 3)\nx = e(torch.tensor([[0, 4]]))\nh = nn.LayerNorm(3)(x)\nprint(h.shape, h)",
        "m = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2))\ny = m(torch.randn(5, 3))",
        (
            "x = torch.randn(2, 3, requires_grad=True)\nloss = (x * x).sum()\nloss.backward()\n"
            "print(x.grad)\ng = x.grad"
        ),
        (
            "x = torch.randn(2, 3, requires_grad=True)\ny = x * 2\n"
            "y.backward(torch.ones_like(y), retain_graph=True)\n"
            "y.backward(gradient=x.detach())\nprint(x.grad)"
        ),
        "a = [1]\nb = a\nb += [2]\na.append(3)\nprint(a, b, a == b)",
        "def outer(a):\n    def inner(b):\n        return a + b\n    return inner(2)\nprint(outer(3))",
        "def f(a, b=2, *, c=3):\n    return a * b + c\nprint(f(1), f(1, c=5), f(b=4, a=2))",
        "x, (y, z) = 1, (2, 3)\nprint(x, y, z)\n[p, q] = torch.tensor([4, 5])\nprint(p, q)",
        "d = {'a': 1, 'b': [2, 3]}\nd['c'] = d['a'] + 1\nprint(d, 'a' in d, len(d))",
        "for i, row in enumerate(torch.eye(2)):\n    print(i, row)\nelse:\n    print('end')",
        "for a, b in zip([1, 2], 'xy'):\n    if a == 2:\n        break\n    print(a, b)",
        "print([i * j for i in range(3) for j in range(2) if i != j], sum(k for k in range(4)))",
        "x = torch.arange(6).reshape(2, 3)\nprint(x[..., 1], x[:, None].shape, x[1, ::2], x[[0, 1], [2, 0]])",
        "print(1 < 2 < 3, 1 < 3 < 2, not 0, 3 if [] else 4, None is None, 2 in (1, 2))",
        "print(7 // 2, -7 // 2, 7 % 3, -7 % 3, 2 ** 10, 5 & 3, 5 | 3, 5 ^ 3, 1 << 4, ~5, 1e3, 0x1f)",
        "print(f'{3.14159:.3f} {5:04d} {\"a\":>4}|{1e10:e} {True} {None} {[1, 2]}')",
        "print(round(2.5), round(-1.234, 2), abs(-3), max(1, 2), min([3, 1]), float('2.5'), str(1.5))",
        "import math\nprint(math.sqrt(2), math.pi, math.inf, math.floor(2.7), math.prod([2, 3, 4]))",
        (
            "import math\nfrom torch import nn\nx = torch.ones(1)\n"
            "print(x.dtype, x.shape, x.ndim, x.device, x.is_leaf)"
        ),
        (
            "x = torch.randint(0, 10, (3,))\np = torch.randperm(5)\nr = torch.rand_like(torch.ones(2))\n"
            "f = F.dropout(torch.ones(9))"
        ),
        (
            "q = torch.tensor([1.0, 2.0]).half()\nb = q.bfloat16()\nd = q.double() + b\ni = d.int()\n"
            "t = q.to(torch.float64)"
        ),
        "x = torch.zeros(2, 3)\ny = x[0]\ny += 1\nx[1, 0] = 5\nx[:, 2] *= 3\nprint(x, y)",
        (
            "v, i = torch.tensor([3., 1., 2.]).sort()\n"
            "m, j = torch.tensor([[1., 5.], [7., 2.]]).max(dim=1)\nprint(v, i, m, j)"
        ),
        "print(torch.tensor(float('nan')), torch.tensor([1e10, -1e-10]), torch.tensor([]))",
        "print('a', 1, sep='', end='!')\nprint()\nprint('x', end=None)",
        "x: int = 3\npass\n...\n'text'\nprint(x)",
        "s = 'abc'\nprint(s[1], s[::-1], s + 'd', s * 2, len(s))",
    ],
)
def test_what_people_write(program: str) -> None:
    agrees(program)


@given(st.integers(-(2**63), 2**64 - 1))
def test_any_seed_that_torch_takes(seed: int) -> None:
    state = torch.get_rng_state()
    value = run("x = torch.randn(3)", seed=seed)["x"].value
    assert torch.equal(state, torch.get_rng_state())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        assert torch.equal(value, torch.randn(3))


def test_names_given_from_outside() -> None:
    t = run(
        "ones = torch.ones(n, n)\nmask = torch.triu(ones, d) if kind == 'triu' else ones",
        names={"n": 3, "d": 1, "kind": "triu"},
    )
    assert torch.equal(t["mask"].value, torch.ones(3, 3).triu(1))
    assert t.names.keys() == {"ones", "mask"}


def test_nodes_know_their_place() -> None:
    t = run("é = torch.ones(2)\n\ny = (é + 1) @ é  # é")
    y = t["y"]
    assert (y.line, y.span) == (3, (3, 4, 3, 15))
    assert y.source == "(é + 1) @ é"
    (add,) = (node for node in t.nodes if node.op == "add")
    assert (add.span, add.source) == ((3, 5, 3, 10), "é + 1")
    assert [node.index for node in t.nodes] == list(range(len(t.nodes)))
    assert t["é"].line == 1


def test_a_rebound_name_is_its_last_binding() -> None:
    t = run("x = torch.ones(2)\nx = x * 2\nx = x + 1")
    assert t["x"].op == "add"
    assert [node.name for node in t.nodes] == ["x", "x", "x"]


@pytest.mark.parametrize(
    "line", ["y = x.reshape(4)", "y = torch.onse(2)", "y = 1 / 0", "y = x @ x", "y = x["]
)
def test_a_notebook_s_cells_are_lines_like_others(line: str) -> None:
    with pytest.raises(ProgramError) as caught:
        run(f"x = torch.ones(2, 3)\n{line}")
    assert caught.value.line == 2


def test_programs_run_fast() -> None:
    text = "x = torch.randn(3, 2)\nW = torch.randn(2, 4)\nb = torch.randn(4)\nY = x @ W + b\n"
    text += "P = Y.softmax(-1)\nl = P.sum()"
    run(text)
    with at_most(5_000):
        run(text)


@pytest.mark.parametrize(
    "line",
    [
        "items.append(i)",
        "counts[i % 500] = counts.get(i % 500, 0) + 1",
        "counts[i % 500] = counts[i % 500] + 1 if i % 500 in counts else 1",
        "counts.setdefault(i % 500, 0)",
    ],
)
def test_what_is_found_at_once_does_not_count_all_that_is_there(line: str) -> None:
    trace = run(
        f"items, counts = [], {{}}\nfor i in range(3000):\n    {line}\nprint(len(items), len(counts))"
    )
    assert trace.printed in ("3000 0\n", "0 500\n")


@pytest.mark.parametrize(
    "turn",
    [
        "for k in d: d[k + 1] = 0",
        "for k, v in d.items(): d.pop(k)",
        "ys = {k: d.pop(k) for k in d.keys()}",
        "for m in ms: ms.append(nn.ReLU())",
    ],
)
def test_what_python_ends_for_a_change_meanwhile_ends(turn: str) -> None:
    start = "xs, d, ms = [1, 2, 3], {1: 2, 3: 4}, nn.ModuleList([nn.ReLU()])\n"
    with pytest.raises(RuntimeError, match=r"during iteration|mutated"):
        executed(start + turn, 0, {})
    with pytest.raises(ProgramError, match=r"during iteration|mutated") as caught:
        run(start + turn)
    assert caught.value.line == 2


@pytest.mark.parametrize("turn", ["for x in xs: xs.append(x)", "ys = [xs.append(x) for x in xs]"])
def test_a_loop_over_what_it_makes_longer_is_counted(turn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "Budget", partial(Budget, steps=20_000))
    with pytest.raises(LimitError, match="takes more than"):
        run(f"xs = [1, 2, 3]\n{turn}")


@pytest.mark.parametrize(
    "turn",
    [
        "for i, x in enumerate(xs): xs[i] = 2 * x",
        "for x in xs: xs[0] = x",
        "for x in xs:\n    xs.append(x)\n    break",
        "for x in xs:\n    if x == 2: xs.pop()",
        "for x in xs: xs[-1] = xs[-1] + x",
        "for x in xs:\n    if len(xs) < 9: xs.append(x)",
        "for x in list(xs): xs.append(x)",
        "for k in d: d[k] = k",
        "for k, v in d.items(): d[k] = v + 1",
        "for x in xs: xs = xs + [x]",
        "for x in range(len(xs)): xs.append(x)",
        "xs = [xs.index(x) for x in xs]",
    ],
)
def test_what_a_loop_goes_through_may_change_as_in_python(turn: str) -> None:
    program = f"xs, d = [1, 2, 3], {{1: 2, 3: 4}}\n{turn}\nprint(xs, d)"
    assert run(program).printed == executed(program, 0, {})[1]


def test_a_name_put_into_a_module_is_there_for_the_run_alone() -> None:
    program = "import numpy as np\nnp.float = float\nF.mine = F.softmax\nF.mine, F.n = F.relu, 2\nF.n += 1\n"
    trace = run(f"{program}print(np.float(3), torch.nn.functional.mine(torch.tensor([-1.0])), F.n)")
    assert trace.printed == "3.0 tensor([0.]) 3\n"
    loop = "for i in range(2):\n    x = torch.ones(2)\n"
    assert run(f"{loop}F.twice = F.relu\ny = F.twice(x)\nprint(y)").printed == "tensor([1., 1.])\n"
    with pytest.raises(ProgramError, match="not part of the language"):
        run("F.mine(torch.ones(2))")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("F.softmax = F.relu", "F.softmax stays what it is"),
        ("F.softmax += 1", ""),
        ("torch._C = 1", "stays"),
        ("torch.__dict__ = {}", "private"),
        ("setattr(torch, '__dict__', {})", "not part"),
        ("setattr(torch, '_C', 1)", "stays"),
        ("setattr(F, 'relu', 1)", "stays"),
        ("F.a = 1\ndel F.a", ""),
        ("F.a.b = 1", ""),
        ("F.a = F\nF.a.relu = 1", "stays"),
        ("torch.backends.cudnn.foo = 1", "stays"),
        ("for i in range(2_000):\n    setattr(F, f'a{i}', i)", "1,000 names"),
    ],
)
def test_what_a_module_has_stays_what_it_is(program: str, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        run(program)
    assert run("print(F.relu(torch.tensor(-1.0)))").printed == "tensor(0.)\n"


def test_the_version_of_torch_is_told_and_no_other() -> None:
    program = "from importlib.metadata import version\nimport importlib.metadata\n"
    told = run(f"{program}print(version('torch'), importlib.metadata.version('torch'))").printed
    assert told == f"{torch.__version__} {torch.__version__}\n"
    for line in (
        "version('numpy')",
        "version(torch)",
        "importlib.import_module('os')",
        "importlib.metadata.files('torch')",
        "importlib.util",
        "version.__globals__",
        "packaging.version.Version('1.0rc1')",
        "packaging.version.Version(5)",
        "packaging.version.Version('1' * 99)",
        "packaging.version.Version('1' + '.1' * 99)",
        "packaging.version.parse('1')._key()",
        "packaging.version.parse('1').number(0)",
        "packaging.version.parse('1').release.append(2)",
        "packaging.version.Version._key",
        "packaging.tags",
    ):
        with pytest.raises(ProgramError):
            run(f"{program}import packaging.version\n{line}")
