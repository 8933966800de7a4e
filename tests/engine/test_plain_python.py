"""A program that is recorded does what it does in plain Python: it prints the same, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import ProgramError, run
from tests.engine import class_programs
from tests.engine.alike import ADDRESS, SETUP, assert_alike, printed
from tests.engine.here import run as run_here
from tests.engine.honest import HONEST

PROGRAMS = {  # by subject; a line of dashes parts them
    path.stem: path.read_text(encoding="utf-8").split("\n----\n")
    for path in sorted((Path(__file__).parent / "plain").glob("*.txt"))
}
TENSORS = "\nfor name in sorted(k for k, v in globals().items() if isinstance(v, torch.Tensor)):\n"
TENSORS += "    print(name, globals()[name].dtype, globals()[name].tolist())"


@pytest.mark.parametrize("subject", PROGRAMS)
def test_programs_print_what_they_print_in_python(subject: str) -> None:
    for program in PROGRAMS[subject]:
        assert_alike(program)


@pytest.mark.parametrize("program", class_programs.PROGRAMS, ids=range(len(class_programs.PROGRAMS)))
def test_so_do_programs_with_models(program: str) -> None:
    assert_alike(program + TENSORS)


@pytest.mark.parametrize("name", HONEST)
def test_so_do_programs_that_do_much_on_little(name: str) -> None:
    assert_alike(HONEST[name])


def test_so_they_do_in_a_room() -> None:
    program = class_programs.SINGLE_HEAD + TENSORS
    assert run(SETUP + program, seconds=None).printed == printed(program)


STATEMENTS = [
    "xs.append(n)",
    "xs = [*xs, n, *range(n % 3)]",
    "n += 1",
    "n, *rest = [n, *xs]",
    "d = {**d, n: len(xs)}",
    "s |= {n, len(xs)}",
    "s ^= {n % 5}",
    "s.discard(n)",
    "del xs[:n % 3]",
    "xs[1:2] = [n, n]",
    "f = lambda x, k=n: x * k",
    "xs = [f(x) % 97 for x in xs]",
    "xs = list(map(f, xs))[:9]",
    "it = zip(xs, count(n))",
    "it = (x + n for x in xs if x % 2)",
    "it = filter(lambda x: x is not None and x != n, it)",
    "print(next(it, 'none'))",
    "print(list(it))",
    "print(n in s, s, sorted(xs, key=lambda x: -x % 7))",
    "print('%d %s' % (n, xs), '{:>4}|{}'.format(n, d))",
    "print(max(xs, default=n, key=f), any(x > 5 for x in xs))",
    "print([y := n, y + 1], y)",
]
COMPOUND = [
    "for i, x in enumerate(xs[:5]):",
    "while n < 9:\n    n += 2",
    "if (k := n % 4) > 1:",
    "try:",
]
START = """
def count(n):
    while n < 99:
        got = yield n
        n += 1 if got is None else got
    return 'end'
def counting(n):
    global total
    total += n
    return total
total, xs, d, s, n, f, it = 0, [3, 1, 2], {}, {5}, 4, (lambda x, k=2: x - k), iter('ab')
"""


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Draws a program of statements, some of them in loops, conditions, functions and `try`."""
    lines = [START]
    for _ in range(draw(st.integers(1, 6))):
        body = draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=4))
        head = draw(st.none() | st.sampled_from(COMPOUND))
        if head is None:
            lines += body
            continue
        lines += [head, *["    " + line for line in body]]
        if head == "try:":
            lines += [
                "    n = xs[n]",
                "except (IndexError, TypeError) as error:",
                "    print(type_of(error), error)",
            ]
    return "\n".join(lines).replace("type_of(error), ", "")


@given(programs())
def test_so_do_programs_that_are_drawn(program: str) -> None:
    try:
        expected = printed(program)
    except Exception:  # noqa: BLE001  such as a sum of text and numbers
        with pytest.raises(ProgramError):
            run_here(SETUP + program)
    else:
        assert ADDRESS.sub("", run_here(SETUP + program).printed) == ADDRESS.sub("", expected)
