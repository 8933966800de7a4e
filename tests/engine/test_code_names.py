"""The names in code, by its text: Python's own compiler is the oracle."""

from __future__ import annotations

import ast
import dis
from pathlib import Path

import pytest

from llm_linalg.base.code_names import code_names

CODE = {
    "a = b": ("a", "b", "", ""),
    "a += b": ("a", "a b", "", ""),
    "a.b[c] = d": ("", "a c d", "", ""),
    "del a, b.c": ("a", "b", "", ""),
    "def f(x, y=z):\n    w = x + v\n    return w": ("f", "z", "v", ""),
    "def f():\n    global n\n    n += 1": ("f", "", "n", "n"),
    "def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += m\n    return g": ("f", "", "m", ""),
    "f = lambda x: x + y": ("f", "", "y", ""),
    "xs = [x + k for x in ys if x]": ("xs", "k ys", "", ""),
    "[y := x for x in z]": ("y", "y z", "", ""),
    "xs = [lambda: x + w for x in ys]": ("xs", "ys", "w", ""),
    "@d\nclass A(B, k=c):\n    n = m\n    def f(self):\n        return n + p": ("A", "B c d m", "n p", ""),
    "import a.b, c as d\nfrom e import f as g, h": ("a d g h", "", "", ""),
    "for i, (j, *k) in z:\n    pass": ("i j k", "z", "", ""),
    "with a as b, c as (d, e):\n    pass": ("b d e", "a c", "", ""),
    "try:\n    a\nexcept B as c:\n    pass": ("c", "B a", "", ""),
    "match a:\n    case [b, *c] | {'k': b, **c} if d:\n        pass\n    case E(f=g) as h:\n        pass": (
        "b c g h", "E a d", "", "",
    ),
    "async def f():\n    await g(x)": ("f", "", "g x", ""),
    "x: int = y": ("x", "int y", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("code", CODE)
def test_names_are_those_that_the_code_binds_and_reads(code: str) -> None:
    found = code_names(ast.parse(code))
    binds, loads, later, rebinds = (frozenset(text.split()) for text in CODE[code])
    assert found[:4] == (binds, loads, later, rebinds)


def test_all_names_of_a_module_may_be_imported() -> None:
    assert code_names(ast.parse("from a.b import *\nfrom c import d")).stars == ("a.b",)


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parent.glob("test_[a-f]*.py")), ids=lambda path: path.name
)
def test_what_a_module_binds_is_what_pythons_compiler_says(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    module = dis.get_instructions(compile(text, path.name, "exec", dont_inherit=True))
    bound = {instruction.argval for instruction in module if instruction.opname == "STORE_NAME"}
    assert code_names(ast.parse(text)).binds == bound - {"__doc__"}


def test_a_long_program_is_gone_through_once() -> None:
    text = "1 + " * 3_000 + "x"
    assert code_names(ast.parse(f"y = [{'z, ' * 20_000}]\n")).loads == {"z"}
    deep = ast.BinOp(ast.Name("x", ast.Load()), ast.Add(), ast.Name("y", ast.Load()))
    for _ in range(5_000):
        deep = ast.BinOp(deep, ast.Add(), ast.Name("y", ast.Load()))
    assert code_names(deep).loads == {"x", "y"}
    assert len(text) > 10_000
