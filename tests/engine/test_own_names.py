"""Which names are a function's own: as in Python, those that it binds anywhere."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import ProgramError
from tests.engine.here import run

LINES = [
    "y = y + 1",
    "y += 1",
    "x = 3",
    "y = x",
    "print(x, y)",
    "z = x + y",
    "x, y = y, x",
    "y = [x for x in (y, 7)][0]",
]
HEADS = ["if x > 1:", "for x in range(2):", "for i in range(y % 2):", "def h():"]


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Draws a program with a function in a function, over names that both and the lines around may bind."""

    def block(depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(draw(st.integers(1, 3))):
            if depth and draw(st.booleans()):
                head = draw(st.sampled_from(HEADS))
                lines += [head, *["    " + line for line in block(depth - 1)]]
                lines += ["h()"] if head == "def h():" else []
            else:
                lines.append(draw(st.sampled_from(LINES)))
        return lines

    inside = ["    " + line for line in block(2)]
    return "\n".join(["x, y = 1, 2", *block(1), "def f(y):", *inside, "f(5)", "print(x, y)"])


@given(programs())
def test_a_name_means_what_it_means_in_python(program: str) -> None:
    out = StringIO()
    try:
        with redirect_stdout(out):
            exec(program, {})  # noqa: S102  drawn here
    except NameError:
        with pytest.raises(ProgramError, match=r"has no value here yet|nothing is called"):
            run(program)
    else:
        assert run(program).printed == out.getvalue()


def test_a_name_that_is_bound_later_is_told_with_its_place() -> None:
    with pytest.raises(
        ProgramError, match=r"^line 3, column 5: total has no value here yet: .* assign to it first"
    ) as caught:
        run("total = 0\ndef add(n):\n    total += n\nadd(1)")
    assert caught.value.span is not None
    assert caught.value.span.line == 3


@pytest.mark.parametrize(
    "program",
    [
        "def f():\n    def inner():\n        return late\n    late = 4\n    return inner()\nprint(f())",
        "n = 4\ndef f():\n    return [n for n in (1, n)][1]\nprint(f())",
        "def f(n=4):\n    return n\nprint(f())",
        "def f():\n    def g():\n        n = 4\n        return n\n    return g()\nn = 1\nprint(f())",
    ],
)
def test_what_is_bound_in_time_is_found(program: str) -> None:
    assert run(program).printed == "4\n"
