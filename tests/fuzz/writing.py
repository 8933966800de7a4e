"""Programs made from bytes: whatever the bytes are, a text, and often one that gets far."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from functools import cached_property
from typing import TypeVar

import torch
from llm_linalg.language import allowlist, modules, suggestions, value_methods

T = TypeVar("T")
DEPTH = 3
START = """\
x = torch.ones(2, 3)
W = torch.ones(3, 4, requires_grad=True)
v = torch.arange(3)
l = nn.Linear(3, 2)
m = nn.Sequential(l, nn.ReLU())
s = 'a b'
d = {'a': [1, 2]}
def f(a, b=2): return a + b
"""
_ATOMS = """
    x W v l m s d f 0 1 2 -1 0.5 True None ... [] () [1,2] (2,3) [[1.,2.],[3.,4.]] 'a' '' float('nan')
    -torch.inf torch.float64 torch.bool range(3) x>0 [x,x] (l,m) {1:2} f'{x}' -1.5 [0,1] (1,) x.T
"""
_ODD_ATOMS = """
    slice :: 1: :,1 ...,0 10**9 2**62 3.0e38 __class__ __import__ x.__dict__ torch.save torch.load open('x')
    os.system('x') _C lambda:0 *x **d yield
"""
_FORMS = """
    {n}({a}) {n}({a},{b}) {n}({a},{k}={b}) {n}({a},{b},{c}) ({a}).{p} ({a}).{p}({b}) ({a}).{p}({b},{c})
    ({a}).{p}({k}={b}) ({a})[{b}] ({a}){o}({b}) {u}({a}) [{a},{b}] ({a},{b}) {{{a}:{b}}} f'{{{a}}}'
    f'{{{a}!r:>{b}}}' [{a}for(x)in({b})] {{{a}:{b}for(x)in({c})}} ({a})if({b})else({c}) f({a}) l({a}) m({a})
"""
LINES = (
    "{t} = {a}",
    "{t}, y = {a}",
    "{t} {o}= {a}",
    "{t}[{b}] = {a}",
    "{t}.{p} = {a}",
    "{t}[{b}] {o}= {a}",
    "{a}",
    "print({a}, {b})",
    "for i in {a}: {t} = {b}",
    "if {a}: {t} = {b}",
    "assert {a}, {b}",
    "with torch.no_grad(): {t} -= {a}",
    "({a}).sum().backward()",
)
ODD_LINES = (
    "import {n}",
    "from {n} import {p}",
    "def f(a, b={a}): return f(a)",
    "@torch.no_grad()\ndef f(a): return {a}",
    "with {a}: pass",
    "del {t}",
    "class {t}: pass",
    "while {a}: pass",
)
_OPERATORS = "+ - * / // % ** @ & | ^ << >> < == != and or in is"
_SIGNS = "- + ~ not"
MARKS = [
    *"()[]{}:=.,+-*/@ \n'\"#_\\;!%&|^~<>\t\0\x1b\u202eé²𝐱",
    "\n    ",
    "**",
    "//",
    "->",
    ":=",
    "f'{",
    "''",
]
_KEYWORDS = "dim keepdim dtype device out size k n start end step bias eps is_causal reduction num_samples"
ATOMS, ODD_ATOMS, FORMS = _ATOMS.split(), _ODD_ATOMS.split(), _FORMS.split()
OPERATORS, SIGNS, KEYWORDS = _OPERATORS.split(), _SIGNS.split(), _KEYWORDS.split()


class Words:
    """The words that programs are made of: the language's own, torch's others, and Python's."""

    @cached_property
    def names(self) -> Sequence[str]:
        """What may be called."""
        own = [f"{short}.{name}" for short, space in allowlist.IMPORTED.items() for name in space.members]
        return [*own, *allowlist.BUILTINS]

    @cached_property
    def odd_names(self) -> Sequence[str]:
        """What Python and torch would call, and the language would not."""
        foreign = [f"torch.{name}" for name in dir(torch) if name not in allowlist.TORCH.members]
        return [*dir(builtins), *foreign, *suggestions.MEMBERS, *suggestions.PACKAGES]

    @cached_property
    def parts(self) -> Sequence[str]:
        """What may stand after a dot."""
        plain = [name for methods in value_methods.METHODS.values() for name in methods]
        return [*allowlist.METHODS, *allowlist.ATTRIBUTES, *modules.ATTRIBUTES, *plain]

    @cached_property
    def odd_parts(self) -> Sequence[str]:
        """What may stand after a dot in Python."""
        return [*dir(torch.Tensor), *dir(torch.nn.Module), *dir(str)]


WORDS = Words()


class Writer:
    """Writes a program, each choice by the next bytes; where there are none left, by zeros.

    Args:
        data: The bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def program(self) -> str:
        """Return the program."""
        form = self._below(8)
        if form == 0:  # any text
            return self._data[self._at :].decode("utf-8", "replace")
        if form == 1:  # a soup of words
            kinds: list[Sequence[str]] = [MARKS, ATOMS, ODD_ATOMS, WORDS.names, WORDS.odd_names, OPERATORS]
            return "".join(self._pick(self._pick(kinds)) for _ in range(self._below(40)))
        lines = [self._line() for _ in range(1 + self._below(6))]
        return START + "\n".join(lines)

    def _below(self, bound: int) -> int:
        """Return a number from 0 up to a bound, from as many bytes as it takes."""
        size = 1 if bound <= 256 else 2
        taken = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken, "big") % bound

    def _pick(self, options: Sequence[T]) -> T:
        return options[self._below(len(options))]

    def _mostly(self, usual: Sequence[T], odd: Sequence[T]) -> T:
        return self._pick(odd if self._below(40) == 1 else usual)

    def _line(self) -> str:
        return self._filled(self._mostly(LINES, ODD_LINES), DEPTH)

    def _expression(self, depth: int) -> str:
        if depth == 0 or self._below(3) == 0:
            return self._mostly(ATOMS, ODD_ATOMS)
        return self._filled(self._pick(FORMS), depth - 1)

    def _filled(self, form: str, depth: int) -> str:
        return form.format(
            **{name: self._expression(depth) for name in "abc" if "{" + name + "}" in form},
            n=self._mostly(WORDS.names, WORDS.odd_names),
            p=self._mostly(WORDS.parts, WORDS.odd_parts),
            k=self._pick(KEYWORDS),
            o=self._pick(OPERATORS),
            u=self._pick(SIGNS),
            t=self._pick(["x", "W", "d", "s", "y"]),
        )
