"""What is changed in place, in which order parts are evaluated and what an import binds: as in Python."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import LimitError, ProgramError, run

ALIKE = [
    "a = {1: 2}\nb = a\na |= {3: 4}\nprint(b, a is b)",
    "a = {1: 2}\nb = a\na |= [(3, 4), [1, 5]]\nprint(b)",
    "a = {1: 2}\nb = a\na |= {3: 4}.items()\nprint(b)",
    "a = {1: 2}\nb = a\na |= a\nprint(b)",
    "a = {1: 2}\nb = a\na = a | {3: 4}\nprint(a, b)",
    "a = {'k': {}}\nb = a['k']\na['k'] |= {3: 4}\nprint(a, b)",
    "a, b = {}, {1: 2}.keys()\nb |= {3: 4}.keys()\nprint(a, sorted(b))",
    "def f(d):\n    d |= {3: 4}\na = {1: 2}\nf(a)\nprint(a)",
    "xs = [4, 3, 2, 1]\nprint({xs.pop(): xs.pop(), xs.pop(): xs.pop()})",
    "xs = [4, 3, 2, 1]\nprint({xs.pop(): xs.pop() for _ in range(2)})",
    "xs = [5, 3.14159]\nprint(f'{xs.pop():{xs.pop()}}')",
    "xs = [5, 1, 3.14159]\nprint(f'{xs.pop():{xs.pop()}{xs.pop()}}')",
    "x = 5\nfrom math import pi as x\nprint(x)",
    "from math import pi as x\nx = 5\nprint(x)",
    "pi = 3\nfrom math import pi\nprint(pi)",
    "math = 5\nimport math\nprint(math.pi)",
    "import math as m\ndef f():\n    return m.pi\nprint(f())",
    "pi = 3\ndef f():\n    from math import pi\n    return pi\nprint(f(), pi)",
    "def f(x):\n    from math import pi as x\n    return x\nprint(f(5))",
    "def f():\n    import math as m\n    def g():\n        return m.pi\n    return g()\nprint(f())",
    "for i in range(2):\n    from math import pi as i\nprint(i)",
    "a = []\nb = sum([], a)\nb.append(1)\nprint(a)",
    "a = []\nb = sum([[]], a)\nb.append(1)\nprint(a)",
    "a = [[2]]\nb = sum([], start=a)\nb.append(1)\nprint(a)",
    "print(sum([], (1, 2)), sum([(3,)], (1, 2)), sum([]), sum([[1], [2]], []))",
]
REFUSED = [
    ("def f():\n    from math import tau as zz\n    return zz\nf()\nprint(zz)", "nothing is called zz"),
    ("def f():\n    import math as m\nf()\nm.pi", "nothing is called m"),
    ("def f():\n    print(math.pi)\n    import math\nf()", "math has no value here yet"),
    ("a = {}\na |= 5", "not iterable"),
    ("a = {}\na |= [([], 1)]", "unhashable"),
    ("a = {}\na += {1: 2}", "unsupported operand"),
]
LINES = [
    "a |= b",
    "a |= {1: n}",
    "b |= [(2, n), (n, 3)]",
    "b = a",
    "a = a | {n: 4}",
    "a = {n: len(b), len(a): n}",
    "n = len(a)",
    "from math import e as n",
    "from math import pi as n, tau as k",
    "k = n",
    "b = sum([], xs) and a",
    "xs = sum([xs] * (k > 3), xs)",
    "xs.append(k)",
]


def printed(program: str) -> str:
    """Returns what Python prints."""
    out = StringIO()
    with redirect_stdout(out):
        exec(program, {})  # noqa: S102  drawn here
    return out.getvalue()


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Draws a program that changes dicts and lists, binds names by imports, and does so in a function."""
    lines = st.lists(st.sampled_from(LINES), min_size=1, max_size=6)
    start = ["a, b, xs, n, k = {}, {1: 1}, [], 5, 2", "ys, d = xs, a"]
    inside = ["def f(a, b, xs, n, k):", *["    " + line for line in draw(lines)], "    print(a, b, xs, n, k)"]
    end = ["f(a, b, xs, n, k)", *draw(lines), "print(a, b, xs, n, k, ys, d)"]
    return "\n".join([*start, *draw(lines), *inside, *end])


@pytest.mark.parametrize("program", ALIKE)
def test_a_program_prints_what_python_prints(program: str) -> None:
    assert run(program).printed == printed(program)


@given(programs())
def test_so_does_one_that_is_drawn(program: str) -> None:
    try:
        expected = printed(program)
    except TypeError:  # such as `b |= pairs` where a condition has made a list of b
        with pytest.raises(ProgramError):
            run(program)
    else:
        assert run(program).printed == expected


@pytest.mark.parametrize(("program", "said"), REFUSED)
def test_what_python_refuses_is_refused(program: str, said: str) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011  of any kind
        printed("import math\n" + program)
    with pytest.raises(ProgramError, match=said):
        run(program)


@pytest.mark.parametrize(
    "key",
    ["{}", "(1, {})", "range({}, 0)", "((1, {}), 2)"],
    ids=["alone", "in a tuple", "in a range", "deeper"],
)
@pytest.mark.parametrize(
    "line", ["d[{0}] = 1", "d = {{{0}: 1}}", "d |= {{{0}: 1}}", "set([{0}])", "d.setdefault({0})"]
)
def test_whole_numbers_that_are_keys_have_a_hash_of_their_own(line: str, key: str) -> None:
    run("d = {}\n" + line.format(key.format("2**60 - 1")))
    with pytest.raises(LimitError, match="as a key"):
        run("d = {}\n" + line.format(key.format("2**61 - 1")))


def test_what_is_imported_is_no_tensor_of_the_trace() -> None:
    trace = run("import torch\nfrom torch import relu, nn\nfrom math import pi as x\ny = relu(torch.ones(2))")
    assert set(trace.names) == {"y"}
    assert trace.lists == {}


def test_what_one_cell_imports_the_next_ones_have() -> None:
    program = (
        "from torch import relu as r, missing\nfrom torch import relu as r\ny = r(torch.ones(2))\nz = r(y)"
    )
    assert set(run(program, cells=(1, 2, 4)).names) == {"y", "z"}
