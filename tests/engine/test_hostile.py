"""The tensor language against hostile text: a value or one of our errors, at once, and nothing else."""

from __future__ import annotations

import time
import unicodedata

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import LimitError, ProgramError, ShapeError, run

SCREEN = 24 * 80 * 2


def failure(program: str) -> ProgramError:
    """Returns the error of a program that must fail, and holds it against what every error must be."""
    before = torch.get_rng_state()
    start = time.process_time()
    with pytest.raises(ProgramError) as caught:
        run(program)
    assert time.process_time() - start < 1.0
    assert torch.equal(before, torch.get_rng_state())
    error = caught.value
    text = str(error)
    assert len(text) <= SCREEN
    assert len(text.splitlines()) <= 24
    assert not [
        c for c in text.replace("\n", "") if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]
    return error


REFUSED = {
    "dunder and private attributes": [
        "().__class__.__bases__",
        "torch.ones(2).__class__",
        "torch._C",
        "torch.__builtins__",
        "x = torch.ones(2); x._version",
        "print(__name__)",
        "nn.Linear(2, 3)._parameters",
        "def f(__x): return 1",
    ],
    "look-alike letters": [
        "ｔｏｒｃｈ.ones(2)",
        "𝐱 = 1",
        "𝚡 = 𝚡",
        "ｅval('1')",
        "tоrch.ones(2)",  # a Cyrillic о
        "torch.оnes(2)",
        "ﬁ = 1",
        "__ｉmport__('os')",
    ],
    "quoting": [
        "eval('1')",
        "'''a''' '__import__'()",
        '"a"("b")',
        "f'{eval(1)}'",
        "'torch.load'('x')",
        "torch['load']",
    ],
    "formatting": [
        "'{.__class__}'.format(1)",
        "'%s' % torch.ones(2)",
        "'%1000000000d' % 5",
        "f'{torch.ones(2).__class__}'",
        "f'{(1).__class__}'",
        "f'{1:>1000000}'",
        "f'{1.5:.999999999f}'",
        "f\"{1:{'9' * 30}}\"",
        "''.join(['a'])",
        "print(torch.ones)",
        "f'{print}'",
        "str([nn.Linear])",
        "x = torch.ones(2)\nprint([x.sum])",
    ],
    "syntax that is no part of the language": [
        "(lambda: 1)()",
        "(x := 3)",
        "print(*[1, 2])",
        "torch.ones(*[2, 3])",
        "torch.ones(**{'size': (2, 3)})",
        "{**{}}",
        "{x for x in [1]}",
        "{x: 1 for x in [1]}",
        "await x",
        "yield 1",
        "x = yield from y",
        "global x",
        "assert 1",
        "raise ValueError",
        "del x",
        "while True: pass",
        "class A: pass",
        "with x: pass",
        "try: pass\nexcept: pass",
        "async def f(): pass",
        "@print\ndef f(): pass",
        "def f(*args): pass",
        "def f(**kwargs): pass",
        "match 1:\n  case 1: pass",
        "import os",
        "import os; os.system('ls')",
        "x = 1\nimport sys",
        "from os import system",
        "from torch import *",
        "from torch import load",
        "import torch.hub",
        "from . import x",
        "b'bytes'",
        "1j",
        "return 1",
        "break",
    ],
    "characters that can't be seen": [
        "x = 1\0",
        "x = '\0'",
        "x = 1\x1b[31m",
        "# \x1b]52;c;aGk=\x07",
        "x = '\u202e'",
        "x\u200b = 1",
        "# \u2066",
        "x = 1\u2028y = 2",
        "x = '\x9b31m'",
        "x = '\ufeff'",
        "x = '\ud800'",
    ],
    "power, shift and factorial": [
        "9**9**9",
        "2**10000",
        "1 << 10**9",
        "x = 10**40\ny = x * x * x * x",
        "math.factorial(10**6)",
        "x = 2\nfor i in range(100): x = x * x",
        "x = 3\nfor i in range(100): x *= x",
        "round(5, -10**9)",
        "int('9' * 4000)",
        "int('9' * 5000)",
        "int(1e300)",
        "math.prod([10**40] * 1000)",
    ],
    "plain values without end": [
        "'a' * 10**9",
        "[0] * 10**9",
        "(1, 2, 3) * 10**6",
        "[0] * torch.tensor(10**9)",
        "torch.tensor(10**9) * 'ab'",
        "x = 'a' * 100000\nx = x + x",
        "x = 'a' * 100000\nx += x",
        "x = [1]\nfor i in range(60): x = x + x",
        "x = [1]\nfor i in range(60): x += x",
        "x = [1]\nfor i in range(60): x[0:0] = x",
        "x = [1]\nx.append(x)\nx == [x]",
        "x = [0] * 1000\ny = [x] * 1000\nprint(y)",
        "x = [0] * 1000\ny = [x] * 1000\nstr(y)",
        "x = [0] * 1000\ny = [x] * 1000\nf'{y}'",
        "x = [0] * 1000\ny = [x] * 1000\ny == [x] * 1000",
        "x = []\ny = [x] * 300\nz = [y] * 300\nfor i in range(100): x.append(0)\nprint(z)",
        "x = 'a' * 100000\nprint([x] * 100)",
        "x = 'ab' * 50000\nf'{x}{x}{x}'",
        "range(10**30)",
        "for i in range(10**9): pass",
        "for i in range(99999):\n  for j in range(99999): x = 1",
        "[i for i in range(99999) for j in range(99999)]",
        "x = [0] * 99999\nfor i in range(99999): len(x)",
        "def f(x): return f(x)\nf(1)",
        "def f(x): return [f(x), f(x)]\nf(1)",
        "for i in range(90000): print(i, i, i)",
        "print('a' * 100000, 'b' * 100000, 'c')",
        "torch.ones(10**6).tolist()",
        "sum([[0] * 1000] * 1000, [])",
    ],
    "cells without end": [
        "torch.ones(10**9, 10**9)",
        "torch.ones((10**9, 10**9))",
        "torch.full((10**6, 10**6), 1.0)",
        "torch.zeros(size=(10**10,))",
        "torch.eye(10**6)",
        "torch.randint(0, 5, (10**9, 10))",
        "torch.randint(5, (10**9, 10))",
        "torch.randint(0, 5, size=(10**9, 10))",
        "torch.randperm(10**10)",
        "torch.linspace(0, 1, 10**10)",
        "torch.arange(10**12)",
        "torch.arange(0, 1, 1e-12)",
        "torch.arange(end=10**12)",
        "torch.arange(0, float('inf'))",
        "torch.arange(0, 1, 0)",
        "torch.tensor(10**9).expand(10**9)",
        "torch.ones(1).expand(10**6, 10**6).sum()",
        "torch.broadcast_to(torch.ones(5), (10**10, 5))",
        "torch.ones(10**5, 1) + torch.ones(1, 10**5)",
        "torch.where(torch.ones(10**5, 1) > 0, torch.ones(10**5), 0)",
        "torch.outer(torch.ones(10**5), torch.ones(10**5))",
        "torch.kron(torch.ones(10**4, 10), torch.ones(10**4, 10))",
        "v = torch.ones(100)\ntorch.einsum('a,b,c,d,e->abcde', v, v, v, v, v)",
        "m = torch.ones(300, 300)\ntorch.einsum('ab,cd,bd,ac->', m, m, m, m)",
        "torch.ones(2**5, 1, 1, 2**20) @ torch.ones(1, 2**5, 2**20, 1)",
        "torch.ones(10).repeat(10**9)",
        "torch.ones(10).tile(10**9)",
        "torch.ones(10).repeat_interleave(10**9)",
        "torch.repeat_interleave(torch.tensor([10**9, 10**9]))",
        "torch.zeros(10**5).diag()",
        "torch.diag_embed(torch.ones(10**3, 10**4))",
        "F.pad(torch.ones(2), (10**10, 0))",
        "F.one_hot(torch.tensor([10**10]))",
        "F.one_hot(torch.tensor([1]), 10**10)",
        "F.mse_loss(torch.ones(10**5, 1), torch.ones(1, 10**5))",
        "F.cosine_similarity(torch.ones(1000, 1, 1000), torch.ones(1, 1000, 1000), dim=-1)",
        "torch.allclose(torch.ones(10**5, 1), torch.ones(1, 10**5))",
        "q = torch.ones(10**6, 1)\nF.scaled_dot_product_attention(q, q, q)",
        "x = torch.ones(10**5, 2)\nx[(x > 0)[:, 0], torch.zeros(10**5, 1).long()]",
        "torch.ones(10**4)[torch.zeros(10**4, 10**4).long()]",
        "i = torch.zeros(10**5).long()\ntorch.ones(10**5)[i, None][:, i]",
        "torch.ones(1000, 10**4).index_select(0, torch.zeros(10**6).long())",
        "nn.Linear(10**6, 10**6)",
        "nn.Linear(bias=True, out_features=10**6, in_features=10**6)",
        "nn.Embedding(padding_idx=0, num_embeddings=10**6, embedding_dim=10**6)",
        "nn.Linear(torch.tensor(10**6), torch.tensor(10**6))",
        "nn.LayerNorm((10**6, 10**6))",
        "nn.LayerNorm([10**6, 10**6])",
        "torch.ones(10**6).split(1)",
        "torch.ones(10**6).unbind()",
        "list(torch.ones(10**6))",
        "sum(torch.ones(10**6))",
        "a, b = torch.ones(10**6)",
        "for i in torch.ones(10**6): pass",
        "for i in range(9999): x = torch.ones(2)",
        "x = torch.ones(10**7)\nfor i in range(999): y = x + 1",
        "x = torch.ones(10**7)\nfor i in range(999): y = x.clone()",
        "x = torch.ones(2)\nfor i in range(99): x = x.unsqueeze(0)",
        "torch.ones(10**4, 10**3) @ torch.ones(10**3, 10**5)",
    ],
    "the parser": [
        "(" * 5000 + ")" * 5000,
        "x = " + "[" * 300 + "]" * 300,
        "x = " + "-" * 100_000 + "1",
        "x = " + "not " * 5000 + "1",
        "x = " + "1+" * 30_000 + "1",
        "x = " + "9" * 100_000,
        "x = " + "9" * 5000,
        "x = 0x" + "f" * 5000,
        "x" * 60_000,
        "x = 1\n" * 20_000,
        "f" + "'{" * 60,
        "x.y" + ".y" * 5000,
        "f" + "(0)" * 5000,
        "x" + "[0]" * 5000,
    ],
    "indices and sizes": [
        "torch.ones(2)[10**30]",
        "torch.ones(2)[5]",
        "torch.ones(-1)",
        "torch.ones(2, -3)",
        "torch.ones(2**62, 2**62)",
        "torch.ones(" + "1," * 65 + ")",
        "torch.ones(3)[:, 1]",
        "torch.ones(3)[::-1]",
        "torch.ones(3)[::0]",
        "torch.ones(3)['a']",
        "torch.tensor(2**63)",
        "torch.tensor(10**30)",
        "torch.ones(2).sum(dim=10**20)",
        "torch.ones(2).size(10)",
        "torch.ones(2, 3).view(-1, -1)",
        "torch.ones(2, 3).reshape(4)",
        "torch.manual_seed(10**30)",
        "{1: 2}[3]",
        "(1, 2)['a']",
        "a, b = torch.ones(3)",
        "a, b = torch.tensor(5)",
        "a, b = 5",
    ],
    "division by zero": [
        "1 / 0",
        "1 // 0",
        "1 % 0",
        "torch.tensor(5) // 0",
        "torch.tensor(5) % 0",
        "0 ** -1",
    ],
    "files, devices and what lies outside": [
        "open('/etc/passwd')",
        "torch.load('x')",
        "torch.save(torch.ones(2), 'x')",
        "torch.from_file('x')",
        "torch.hub.load('x')",
        "torch.jit.load('x')",
        "torch.ops.aten.add",
        "torch.classes.load_library('x')",
        "torch.utils.data",
        "torch.serialization.load('x')",
        "torch.compile(1)",
        "torch.UntypedStorage.from_file('x')",
        "torch.ones(2).numpy()",
        "torch.ones(2).tofile('x')",
        "torch.ones(2).storage()",
        "torch.ones(2).untyped_storage()",
        "torch.ones(2).data_ptr()",
        "torch.ones(2).share_memory_()",
        "torch.ones(2).cuda()",
        "torch.ones(2).to('cuda')",
        "torch.ones(2).to('meta')",
        "torch.ones(2, device='meta')",
        "nn.Linear(2, 3, device='meta')",
        "getattr(torch, 'load')",
        "vars(torch)",
        "globals()",
        "compile('1', '', 'exec')",
        "input()",
        "breakpoint()",
        "print('x', file=1)",
    ],
    "in-place methods and out=": [
        "torch.ones(2).add_(1)",
        "torch.ones(2).zero_()",
        "torch.ones(2).set_(torch.ones(3))",
        "torch.ones(2).resize_(10**12)",
        "torch.add(torch.ones(2), 1, out=torch.ones(2))",
        "torch.ones(2, out=torch.ones(2))",
        "F.relu(torch.ones(2), inplace=True)",
        "torch.ones(2).copy_(torch.ones(2))",
        "torch.ones(2, pin_memory=True)",
        "torch.randn(2, generator=1)",
    ],
}


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
    from llm_linalg.language import tables

    torch_names = sorted({*tables.TORCH.members, *tables.METHODS} - {"nn", "pi", "inf", "nan"})
    return torch_names, sorted(tables.F.members)


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
        try:
            trace = run(start + f"y = {expression}")
        except ProgramError as failed:
            error = failed
        else:
            error = None
        assert error is None or error.line == 6
        for node in trace.nodes if error is None else ():  # what it gives can be looked at
            assert node.evidence in ("rule", "index", "autograd", "opaque")
            assert isinstance(node.shape_line, str)
            assert isinstance(node.sentence(), str)


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


def test_what_was_said_before_the_failure_does_not_change_torch() -> None:
    threads, default = torch.get_num_threads(), torch.get_default_dtype()
    for program in (
        "torch.set_default_dtype(torch.float64)",
        "torch.set_num_threads(7)",
        "torch.use_deterministic_algorithms(True)",
    ):
        failure(program)
    assert (torch.get_num_threads(), torch.get_default_dtype()) == (threads, default)
