"""Hostile text: a value or one of our errors, at once, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg import ProgramError, Trace, run
from llm_linalg.base.errors import RoomError
from llm_linalg.explain.shape_errors import mismatch_of
from llm_linalg.ops import TABLE
from tests.engine.here import run as run_here
from tests.engine.test_shapes import BROKEN

SCREEN = 24 * 80 * 2


def outcome(program: str) -> Trace | ProgramError:
    """Returns the trace of a program, or its error, held against what every error must be."""
    before = torch.get_rng_state()
    result: Trace | ProgramError
    try:
        result = run(program)
    except ProgramError as error:
        result = error
    assert torch.equal(before, torch.get_rng_state())
    if isinstance(result, ProgramError):
        text = str(result)
        assert not isinstance(result, RoomError), text
        assert len(text) <= SCREEN
        assert len(text.splitlines()) <= 24
        unseen = ("Cc", "Cf", "Cs", "Zl", "Zp")
        assert not [c for c in text.replace("\n", "") if unicodedata.category(c) in unseen]
    return result


BOMBS = [
    "torch.ones(10**9, 10**9)",
    "torch.full((10**6, 10**6), 1.0)",
    "torch.eye(10**6)",
    "torch.randint(0, 5, (10**9, 10))",
    "torch.randperm(10**10)",
    "torch.arange(10**12)",
    "torch.arange(0, 1, 1e-12)",
    "torch.arange(0, 1, 0)",
    "torch.tensor(10**9).expand(10**9)",
    "torch.broadcast_to(torch.ones(5), (10**10, 5))",
    "torch.ones(10**5, 1) + torch.ones(1, 10**5)",
    "torch.outer(torch.ones(10**5), torch.ones(10**5))",
    "torch.kron(torch.ones(10**4, 10), torch.ones(10**4, 10))",
    "v = torch.ones(100)\ntorch.einsum('a,b,c,d,e->abcde', v, v, v, v, v)",
    "m = torch.ones(300, 300)\ntorch.einsum('ab,cd,bd,ac->', m, m, m, m)",
    "torch.ones(10).repeat(10**9)",
    "torch.ones(10).tile(10**9)",
    "torch.ones(10).repeat_interleave(10**9)",
    "torch.zeros(10**5).diag()",
    "torch.diag_embed(torch.ones(10**3, 10**4))",
    "F.pad(torch.ones(2), (10**10, 0))",
    "F.one_hot(torch.tensor([10**10]))",
    "torch.empty(10**6, 10**6)",
    "torch.multinomial(torch.ones(10), replacement=True, num_samples=10**10)",
    f"torch.ones({'2, ' * 24}).nonzero()",
    "torch.vstack([torch.ones(10**7)] * 100)",
    "F.kl_div(torch.ones(10**5, 1), torch.ones(1, 10**5))",
    "F.cosine_similarity(torch.ones(1000, 1, 1000), torch.ones(1, 1000, 1000), dim=-1)",
    "q = torch.ones(10**6, 1)\nF.scaled_dot_product_attention(q, q, q)",
    "x = torch.ones(10**5, 2)\nx[(x > 0)[:, 0], torch.zeros(10**5, 1).long()]",
    "i = torch.zeros(10**5).long()\ntorch.ones(10**5)[i, None][:, i]",
    "torch.ones(1000, 10**4).index_select(0, torch.zeros(10**6).long())",
    "nn.Linear(10**6, 10**6)",
    "nn.Embedding(padding_idx=0, num_embeddings=10**6, embedding_dim=10**6)",
    "nn.LayerNorm((10**6, 10**6))",
    "torch.ones(10**6).split(1)",
    "torch.ones(10**6).unbind()",
    "sum(torch.ones(10**6))",
    "a, b = torch.ones(10**6)",
    "x = torch.ones(2)\nfor i in range(99): x = x.unsqueeze(0)",
    "torch.ones(10**4, 10**3) @ torch.ones(10**3, 10**5)",
    "F.interpolate(torch.ones(1, 1, 4, 4), size=10**9)",
    "F.unfold(torch.ones(1, 1, 4, 4), 2, padding=10**9)",
    "F.fold(torch.ones(1, 4, 9), (10**9, 10**9), 2)",
]


@pytest.mark.parametrize("program", BOMBS)
def test_cells_without_end_are_refused_by_their_shapes(program: str) -> None:
    error = outcome(program)
    assert isinstance(error, ProgramError)
    assert "stopped after" not in error.message


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
    outcome(text)


ATOMS = "x|W|v|s|n|2|-1|0.5|None|[1, 2]|(2, 3)|'a'|True|torch.float64|...".split("|")  # noqa: SIM905
CALLS = """
torch.{f}({a})|torch.{f}({a}, {b})|({a}).{f}({b})|({a}).{f}()|torch.{f}({a}, dim={b})|({a}).{f}({b}, {a})
F.{f}({a})|F.{f}({a}, {b})|F.{f}({a}, {b}, {b})|({a})[{b}]|({a}) @ ({b})|({a}) + ({b})|({a}) ** ({b})
nn.Linear({a}, {b})|list({a})|sum({a})|max({a}, {b})|{a} if {b} else {a}|{a} < {b}|torch.tensor({a})
""".strip().replace("\n", "|").split("|")  # fmt: skip
NAMES = sorted(name for name in TABLE.operations if name.isidentifier())
START = "x = torch.ones(2, 3)\nW = torch.ones(3, 4)\nv = torch.ones(3)\ns = torch.tensor(2)\nn = 3\n"


@st.composite
def nonsense(draw: st.DrawFn) -> str:
    atoms = st.sampled_from(ATOMS)
    form = draw(st.sampled_from(CALLS))
    return form.format(f=draw(st.sampled_from(NAMES)), a=draw(atoms), b=draw(atoms))


@settings(max_examples=60)
@given(nonsense())
def test_calls_with_the_wrong_arguments_are_our_errors(expression: str) -> None:
    result = outcome(f"{START}y = {expression}")
    if isinstance(result, ProgramError):
        assert result.line == 6
        return
    for node in result.nodes:  # what it gives can be looked at, and no rule objects to what torch did
        assert node.evidence in ("rule", "index", "autograd", "opaque")
        assert isinstance(node.shape_line, str)
        assert isinstance(node.sentence(), str)
        assert node.call is None or mismatch_of(node.call) is None


def test_nothing_heavy_is_imported_to_explain() -> None:
    clashing = [form.format(x="torch.ones(2, 3)", y="torch.ones(2, 4)") for form, _ in BROKEN]
    code = """
import json, sys
from llm_linalg import ProgramError
from llm_linalg.api.run import run_text
for program in json.load(sys.stdin):
    try:
        run_text(program, own=True)
    except ProgramError:
        pass
print(json.dumps(sorted({"torch._dynamo", "torch._inductor", "sympy"} & set(sys.modules))))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], input=json.dumps(clashing),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize(
    "before", ["", "é = 1; ", "s = '日本語'; ", "x = 'e\u0301'; ", "\t# ü\ny = '🙂'; ".lstrip("\t")]
)
def test_the_caret_stands_under_the_place(before: str) -> None:
    with pytest.raises(ProgramError) as caught:
        run_here(before + "z = nothing + 1")
    error = caught.value
    line = (before + "z = nothing + 1").split("\n")[-1]
    assert error.line == before.count("\n") + 1
    assert error.column == line.index("nothing")
    assert error.end_column == line.index("nothing") + len("nothing")
    shown, carets = error.caret.split("\n")
    if shown.isascii() or "日" not in shown:
        assert carets.index("^") == shown.index("nothing")


def test_an_unclosed_bracket_is_shown_where_it_opens() -> None:
    with pytest.raises(ProgramError) as caught:
        run_here("x = torch.ones(2, 3\ny = 1")
    assert (caught.value.line, caught.value.column) == (1, len("x = torch.ones"))
