"""A notebook of many cells that fail, or do nothing, ends soon; what is tried to mend them is bounded."""

from __future__ import annotations

import ast

import pytest
from llm_linalg.language.effects.statement_effects import Definitions

from llm_linalg import ProgramError, ShapeError, run
from tests.engine.counting import at_most

CALLS = 1_500_000  # of Python's
MANY = 400
HIDDEN = "if __builtins__:\n    "  # of what is refused it is found out what it would have done
CALLING = {
    "functions": [f"def f{n}(a): return f{n + 1}(a)" for n in range(MANY)],
    "lambdas": ["g0 = lambda a: a", *(f"g{n + 1} = lambda a: g{n}(a)" for n in range(MANY))],
    "classes": [f"class C{n}:\n    def m(self, a): return C{n + 1}().m(a)" for n in range(MANY)],
}
"""Functions that call each other, as many as a document may have."""
NAMES = "; ".join(f"alpha_beta_{number} = 0" for number in range(300))
FAIL = {
    "a name": "alpha_beta_",
    "a part of torch": "torch.onees",
    "a part of a tensor": "x.summ",
    "a clash": "x @ m",
    "nothing": "pass",
}


@pytest.mark.slow
@pytest.mark.parametrize("cell", FAIL.values(), ids=list(FAIL))
def test_thousands_of_cells_end_soon(cell: str) -> None:
    text = f"x = torch.ones(2); m = torch.ones(3, 3); {NAMES}\n" + f"{cell}\n" * 1_000 + "y = x + 1"
    with at_most(CALLS):
        trace = run(text, cells=range(1, 1_003))
    assert len(trace.cell_errors) == (0 if cell == "pass" else 1_000)
    assert trace["y"].value.tolist() == [2, 2]


@pytest.mark.slow
@pytest.mark.parametrize("line", ["x = f0(x)", f"x = g{MANY}(x)", "x = C0().m(x)"])
@pytest.mark.parametrize("cells", [1, 60])
def test_what_very_much_code_would_do_is_found_out_soon_or_not(line: str, cells: int) -> None:
    kind = {"f": "functions", "g": "lambdas", "C": "classes"}[line[4]]
    texts = ["x = [1]", "\n".join(CALLING[kind]), HIDDEN + line, *["y = len(x)"] * cells]
    starts = [1 + sum(text.count("\n") + 1 for text in texts[:place]) for place in range(len(texts) + 1)]
    with at_most(8 * CALLS):
        states = run("\n".join(texts), cells=starts, seconds=None).cells
    assert {state.state for state in states[3:-1]} == {"rests"}


def test_the_first_that_fail_say_what_would_work() -> None:
    trace = run(f"alpha = torch.ones(2); {NAMES}\n" + "alpa\n" * 120 + "y = 1", cells=range(1, 123))
    said = [error.message for error in trace.cell_errors]
    assert said[0] == "nothing is called alpa: did you mean alpha?"
    assert said[5] == said[0]
    assert said[-1] == "nothing is called alpa"


@pytest.mark.parametrize(
    "turn",
    [
        "z = x @ torch.ones(2, 3)\n    dict(zip(xs, xs))",
        "x @ x\n    z.sum().backward()",
        "x @ x\n    torch.rand(3_000).sort()",
    ],
)
def test_what_would_work_is_tried_with_a_bound_on_all_that_is_done(turn: str) -> None:
    text = "x = torch.rand(2, 3, requires_grad=True)\nz = x * 1\nxs = list(range(5_000))\n"
    with at_most(CALLS), pytest.raises(ShapeError):
        run(f"{text}for i in range(80_000):\n    {turn}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("d[f] *= 2", "there is no item a function"),
        ("d['x'] += 1", "there is no item 'x'"),
        ("d[f]", "there is no item a function"),
    ],
)
def test_what_a_dict_lacks_is_named_as_the_language_does(line: str, said: str) -> None:
    with pytest.raises(ProgramError) as failed:
        run(f"d = {{}}\ndef f(x): return x\n{line}")
    assert failed.value.message == said


def test_each_look_through_a_function_is_charged() -> None:
    names = range(50)
    text = "def f():\n" + "\n".join(f"    p{n} = z.clone()\n    p{n} += 1" for n in names) + "\nf()"
    define, call = ast.parse(text).body
    spent: list[int] = []
    definitions = Definitions(spend=spent.append)
    definitions.note(define)
    assert definitions.effects(call, lambda _: False).changes == frozenset()
    assert sum(spent) > len(names) * len([*ast.walk(define)]) // 8


@pytest.mark.parametrize(
    "outer", ["[x for x in {}]", "[{} for x in y]", "{{x: {} for x in y}}", "(lambda: {})"]
)
def test_code_that_is_very_deep_is_looked_through_once(outer: str) -> None:
    deep = "[1]"
    for _ in range(40):
        deep = outer.format(deep)
    statement = ast.parse(f"{HIDDEN}z = {deep}").body[0]
    with at_most(CALLS):
        Definitions().note(statement)
        assert "z" in Definitions().effects(statement, lambda _: True).binds
