"""The tensor language against hostile text: a value or one of our errors, at once, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from itertools import count
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llm_linalg.language import (
    allowlist,
    arithmetic,
    autograd,
    budget,
    builtin_functions,
    execute,
    generators,
    gradient_calls,
    hardware,
    printing,
    tensor_types,
    torch_functions,
)
from llm_linalg.language.arrays import array
from llm_linalg.language.budget import Budget
from llm_linalg.language.type_function import TypeFunction

from llm_linalg import LimitError, ProgramError, ShapeError, Trace, run
from llm_linalg.explain.shape_errors import mismatch_of
from llm_linalg.ops import TABLE, Call
from llm_linalg.ops.fallback import FallbackOperation
from llm_linalg.ops.price import Price
from llm_linalg.ops.torch_names import short_name
from tests.engine.hostile import BOMBS, REFUSED
from tests.engine.test_shapes import BROKEN

SCREEN = 24 * 80 * 2


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a hundredth of a second go by at each look: some of these would run until counts end them."""
    looks = count()
    monkeypatch.setattr(budget, "monotonic", lambda: next(looks) / 100)


def outcome(program: str) -> Trace | ProgramError:
    """Returns what running a program comes to."""
    try:
        return run(program)
    except ProgramError as error:
        return error


def failure(program: str) -> ProgramError:
    """Returns the error of a program that must fail, and holds it against what every error must be."""
    before = torch.get_rng_state()
    with pytest.raises(ProgramError) as caught:
        run(program, seconds=0.3)
    assert torch.equal(before, torch.get_rng_state())
    error = caught.value
    text = str(error)
    assert len(text) <= SCREEN
    assert len(text.splitlines()) <= 24
    assert not [
        c for c in text.replace("\n", "") if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]
    return error


@pytest.mark.parametrize(
    "program",
    [program for programs in REFUSED.values() for program in programs],
    ids=lambda text: repr(text[:60]),
)
def test_refused(program: str) -> None:
    failure(program)


@pytest.mark.parametrize(
    "program",
    [
        "x = '[@click=app.quit]x[/]'  # [/foo] ² … \nprint(x)",
        "torch.softmax(torch.full((2, 2), -torch.inf), dim=-1)",
        "torch.exp(torch.tensor(1000.0))",
        "torch.zeros(0, 3) @ torch.zeros(3, 0)",
        "torch.zeros(3, 0) @ torch.zeros(0, 3)",
        "torch.zeros(0).sum()",
        "torch.tensor(2**62) * 4",
        "torch.tensor([])",
        "x = torch.ones(0, 0)\nprint(x)",
        "1e400",
        "torch.tensor(1.0) / 0",
        "torch.ones(" + "1," * 20 + ")",
        "",
        "\n\n# nothing\n",
        "pass",
        "x: int = 3",
        "import torch\nimport torch.nn as nn\nfrom torch.nn import functional as F",
        "x = '²³…'",
        "é = 1\nprint(é)",
    ],
)
def test_allowed(program: str) -> None:
    run(program)


ALPHABET = st.one_of(
    st.sampled_from(list("()[]{}:=.,+-*/@ \n'\"#_x1")),
    st.sampled_from(
        ["torch", "nn", "F", "math", ".ones", "(2)", "(2, 3)", "lambda", "for", "in", "if", "def f(x):"]
    ),
    st.sampled_from(
        ["@", "**", "\n ", "return", "print", "x", "10**9", "f'{x}'", "range(3)", ".T", ".sum()", "é"]
    ),
    st.characters(),
)


@given(st.lists(ALPHABET, max_size=30).map("".join))
def test_any_text_is_a_value_or_one_of_our_errors(text: str) -> None:
    try:
        run(text)
    except ProgramError as error:
        shown = str(error)
        assert len(shown) <= SCREEN
        assert not [c for c in shown.replace("\n", "") if unicodedata.category(c) in ("Cc", "Cf", "Cs")]


ATOMS = [
    "x",
    "W",
    "v",
    "s",
    "n",
    "2",
    "-1",
    "0.5",
    "None",
    "[1, 2]",
    "(2, 3)",
    "'a'",
    "True",
    "torch.float64",
    "...",
]
CALLS = [
    "torch.{f}({a})",
    "torch.{f}({a}, {b})",
    "({a}).{f}({b})",
    "({a}).{f}()",
    "torch.{f}({a}, dim={b})",
    "({a}).{f}({b}, {a})",
    "F.{g}({a})",
    "F.{g}({a}, {b})",
    "F.{g}({a}, {b}, {b})",
    "({a})[{b}]",
    "({a}) @ ({b})",
    "({a}) + ({b})",
    "({a}) ** ({b})",
    "nn.Linear({a}, {b})",
    "f'{{({a})}}'",
    "int({a})",
    "list({a})",
    "sum({a})",
    "max({a}, {b})",
    "{a} if {b} else {a}",
    "{a} < {b}",
    "torch.tensor({a})",
]


def _names() -> tuple[list[str], list[str]]:
    from llm_linalg.language import allowlist

    torch_names = sorted({*allowlist.TORCH.members, *allowlist.METHODS} - {"nn", "pi", "inf", "nan"})
    return torch_names, sorted(allowlist.F.members)


@st.composite
def nonsense(draw: st.DrawFn) -> str:
    functions, functional = _names()
    form = draw(st.sampled_from(CALLS))
    atoms = st.sampled_from(ATOMS)
    return form.format(
        f=draw(st.sampled_from(functions)),
        g=draw(st.sampled_from(functional)),
        a=draw(atoms),
        b=draw(atoms),
    )


@given(st.lists(nonsense(), min_size=1, max_size=8))
def test_calls_with_the_wrong_arguments_are_our_errors(expressions: list[str]) -> None:
    start = "x = torch.ones(2, 3)\nW = torch.ones(3, 4)\nv = torch.ones(3)\ns = torch.tensor(2)\nn = 3\n"
    for expression in expressions:
        result = outcome(start + f"y = {expression}")
        if isinstance(result, ProgramError):
            assert result.line == 6
            continue
        for node in result.nodes:  # what it gives can be looked at
            assert node.evidence in ("rule", "index", "autograd", "opaque")
            assert isinstance(node.shape_line, str)
            assert isinstance(node.sentence(), str)


class Watching(Budget):
    """A budget that notes whether the rule of the last call objected."""

    objected = ""

    def charge(self, call: Call) -> Price | None:
        assert not self.objected, f"{self.objected}: the rule objected, and torch did not"
        price = super().charge(call)
        self.objected = call.operation.name if mismatch_of(call) is not None else ""
        return price


@given(nonsense())
def test_what_a_rule_objects_to_torch_refuses(expression: str) -> None:
    budgets: list[Watching] = []

    def budget(**bounds: Any) -> Watching:
        budgets.append(Watching(**bounds))
        return budgets[-1]

    start = "x = torch.ones(2, 3)\nW = torch.ones(3, 4)\nv = torch.ones(3)\ns = torch.tensor(2)\nn = 3\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execute, "Budget", budget)
        result = outcome(f"{start}y = {expression}\nz = x + 1")
    assert isinstance(result, ProgramError) or not budgets[0].objected


def test_nothing_heavy_is_imported_to_refuse() -> None:
    clashing = [form.format(x="torch.ones(2, 3)", y="torch.ones(2, 4)") for form, _ in BROKEN]
    rounded = "torch.ones(3).round(decimals=1)"
    code = """
import json, sys
from llm_linalg import ProgramError, run
run("x = torch.ones(2, 3)\\nprint(x, x.shape)")
run("x = torch.ones(2, requires_grad=True)\\n(x * 2).backward(torch.ones(2))")
for program in json.load(sys.stdin):
    try:
        run(program, seconds=0.2)
    except ProgramError:
        pass
print(json.dumps(sorted({"torch._dynamo", "torch._inductor", "sympy"} & set(sys.modules))))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], input=json.dumps([*BOMBS, *clashing, rounded]),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        ("torch.ones(10**9, 10**9)", LimitError),
        ("torch.ones(2, 3) @ torch.ones(2, 3)", ShapeError),
        ("print(y)", ProgramError),
    ],
)
def test_kinds_of_errors(program: str, kind: type[ProgramError]) -> None:
    assert type(failure(program)) is kind


@pytest.mark.parametrize(
    "before", ["", "é = 1; ", "s = '日本語'; ", "x = 'e\u0301'; ", "\t# ü\ny = '🙂'; ".lstrip("\t")]
)
def test_the_caret_stands_under_the_place(before: str) -> None:
    error = failure(before + "z = nothing + 1")
    line = (before + "z = nothing + 1").split("\n")[-1]
    assert error.line == before.count("\n") + 1
    assert error.column == line.index("nothing")
    assert error.end_column == line.index("nothing") + len("nothing")
    shown, carets = error.caret.split("\n")
    if shown.isascii() or "日" not in shown:
        assert carets.index("^") == shown.index("nothing")


def test_an_unclosed_bracket_is_shown_where_it_opens() -> None:
    error = failure("x = torch.ones(2, 3\ny = 1")
    assert (error.line, error.column) == (1, len("x = torch.ones"))


def test_no_program_changes_torch_s_settings() -> None:
    threads, default = torch.get_num_threads(), torch.get_default_dtype()
    failure("torch.set_default_dtype(torch.float64)")
    for program in (
        "torch.set_num_threads(7)",
        "torch.use_deterministic_algorithms(True)",
        "torch.set_grad_enabled(False)",
        "torch.backends.cudnn.benchmark = True",
        "torch.autograd.set_detect_anomaly(True)",
    ):
        run(program)
    assert (torch.get_num_threads(), torch.get_default_dtype()) == (threads, default)
    assert torch.is_grad_enabled()
    assert not torch.is_anomaly_enabled()
    assert not torch.backends.cudnn.benchmark
    assert not torch.are_deterministic_algorithms_enabled()


_OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift lt le gt ge eq ne"
OPERATORS = _OPERATORS.split()


def test_each_call_of_the_language_is_bounded_by_a_rule_of_ours() -> None:
    """What has none would be asked of torch's meta device, which imports a compiler for some wrong calls."""
    functions = [torch.Tensor.__neg__, torch.Tensor.__pos__, torch.Tensor.__invert__]
    ways = [f"__{way}{name}__" for name in OPERATORS for way in ("", "r", "i")]
    functions += [getattr(torch.Tensor, name) for name in ways if hasattr(torch.Tensor, name)]
    own = [
        each
        for module in (
            *(autograd, arithmetic, builtin_functions, torch_functions, printing),
            *(generators, gradient_calls, hardware, tensor_types, array),
        )
        for each in vars(module).values()
    ]
    own += [torch_functions.make_size]
    own += tensor_types.TYPES.values()
    spaces = (allowlist.TORCH, allowlist.F, allowlist.LINALG, allowlist.SPECIAL)
    for table in (allowlist.METHODS, *(space.members for space in spaces)):
        functions += [
            each
            for each in table.values()
            if callable(each) and not isinstance(each, TypeFunction) and each not in own
        ]
    unbounded = {
        short_name(function)
        for function in functions
        if TABLE.entry(function) is None
        and not FallbackOperation(short_name(function), "*args").has_bounded_cost
    }
    assert unbounded == {"is_tensor", "promote_types", "get_default_dtype"}  # they make no tensor
