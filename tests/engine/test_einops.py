"""einops: each pattern is what its axes say, cell by cell, in torch's own steps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llm_linalg.language.einops_functions import FUNCTIONS

from llm_linalg import LimitError, ProgramError, run

SIZES = {"a": 2, "b": 3, "c": 1, "d": 2, "z": 2}
REDUCTIONS: dict[str, Callable[..., torch.Tensor]] = {"sum": torch.sum, "max": torch.amax, "min": torch.amin}


@st.composite
def grouped(draw: st.DrawFn, names: list[str]) -> list[list[str]]:
    """Names in groups of one or several, in order."""
    groups: list[list[str]] = []
    for name in names:
        together: bool = draw(st.booleans())
        if groups and together:
            groups[-1].append(name)
        else:
            groups.append([name])
    return groups


def written(groups: list[list[str]]) -> str:
    return " ".join(group[0] if len(group) == 1 else f"({' '.join(group)})" for group in groups)


def place(groups: list[list[str]], at: dict[str, int]) -> tuple[int, ...]:
    """The index of a cell, from the place on each axis."""
    index = []
    for group in groups:
        number = 0
        for name in group:
            number = number * SIZES[name] + at[name]
        index.append(number)
    return tuple(index)


def size(group: list[str]) -> int:
    return int(torch.tensor([SIZES[name] for name in group]).prod())


@given(st.data())
def test_a_cell_goes_where_its_axes_say(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True))
    order = data.draw(st.permutations(names))
    operation = data.draw(st.sampled_from(["rearrange", "reduce", "repeat"]))
    kept = order[: data.draw(st.integers(0, len(order)))] if operation == "reduce" else [*order]
    if operation == "repeat":
        kept.insert(data.draw(st.integers(0, len(kept))), "z")
    left, right = data.draw(grouped(names)), data.draw(grouped(kept))
    tensor = torch.randn([size(group) for group in left], dtype=torch.float64)
    pattern = f"{written(left)} -> {written(right)}"
    lengths = {name: SIZES[name] for group in left if len(group) > 1 for name in group}
    lengths |= {"z": 2} if operation == "repeat" else {}
    reduction = data.draw(st.sampled_from(sorted(REDUCTIONS)))
    more = (reduction,) if operation == "reduce" else ()
    result = FUNCTIONS[operation](tensor, pattern, *more, **lengths)
    assert tuple(result.shape) == tuple(size(group) for group in right)
    cells: dict[tuple[int, ...], list[float]] = {}
    every = sorted({*names, *kept})
    for numbers in product(*(range(SIZES[name]) for name in every)):
        at = dict(zip(every, numbers, strict=True))
        cells.setdefault(place(right, at), []).append(float(tensor[place(left, at)]))
    for index, values in cells.items():
        if operation != "reduce":
            assert set(values) == {float(result[index])}
        else:
            expected = REDUCTIONS[reduction](torch.tensor(values, dtype=torch.float64), dim=0)
            assert torch.isclose(result[index], expected)


def test_its_steps_are_torch_s() -> None:
    trace = run(
        "from einops import rearrange\nx = torch.arange(12.).reshape(3, 4)\n"
        'y = rearrange(x, "t (h d) -> h t d", h=2)\nz = rearrange(x, "a b -> a b")',
        seconds=None,
    )
    assert [node.op for node in trace.nodes if node.line and node.line > 2] == ["reshape", "permute"]
    assert trace.lineage("y", (1, 0, 1))[trace["x"]] == {(0, 3)}


def test_lists_of_tensors_ellipses_and_numbers() -> None:
    program = """
from einops import rearrange, reduce, repeat, parse_shape, einsum
x = torch.arange(24.).reshape(2, 3, 4)
print(rearrange([x, x], "n b h w -> (n b) h w").shape, rearrange(x, "b ... -> ... b").shape)
print(reduce(x, "b (h 3) w -> b h w", "max").tolist(), reduce(x, "... w -> ...", "mean").tolist())
print(repeat(x[0, 0], "w -> w 2").shape, rearrange(x[:1], "1 h w -> h w 1").shape, parse_shape(x, "b _ w"))
print(torch.equal(einsum(x, x, "b q w, b k w -> b q k"), x @ x.mT))
"""
    assert run(program, seconds=None).printed == (
        "torch.Size([4, 3, 4]) torch.Size([3, 4, 2])\n"
        "[[[8.0, 9.0, 10.0, 11.0]], [[20.0, 21.0, 22.0, 23.0]]] [[1.5, 5.5, 9.5], [13.5, 17.5, 21.5]]\n"
        "torch.Size([4, 2]) torch.Size([3, 4, 1]) {'b': 2, 'w': 4}\nTrue\n"
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ('rearrange(x, "a b -> a")', "one side"),
        ('rearrange(x, "a b c -> a b c")', "has 3 axes"),
        ('rearrange(x, "(a b) c -> a b c")', "give the length"),
        ('rearrange(x, "(a b) c -> a b c", a=4)', "divided"),
        ('rearrange(x, "a b -> (a b")', "not closed"),
        ('rearrange(x, "a b")', "one arrow"),
        ('rearrange(x, "a a -> a")', "twice"),
        ('rearrange(x, "a b -> b a", c=2)', "not in the pattern"),
        ('repeat(x, "a b -> a b c")', "new axis c"),
        ('reduce(x, "a b -> a", "median")', "one of min"),
        ('reduce(x, "a b -> a", print)', "takes"),
        ('rearrange([1], "a -> a")', "takes a tensor"),
        ('rearrange(x, "a b -> a b" * 1000)', "characters"),
        ('repeat(x, "a b -> a b c", c=10 ** 12)', ""),
        ('rearrange(x, "a.__class__ b -> b a")', "no axis"),
    ],
)
def test_what_a_pattern_does_not_say_is_said(call: str, said: str) -> None:
    with pytest.raises((ProgramError, LimitError)) as caught:
        run(
            f"from einops import rearrange, reduce, repeat\nx = torch.ones(6, 2)\ny = {call} + 1",
            seconds=None,
        )
    assert said in str(caught.value)


def test_layers_are_steps_of_a_model() -> None:
    program = """
from einops.layers.torch import Rearrange, Reduce
cut = Rearrange('b c (h p) (w q) -> b (h w) (p q c)', p=2, q=2)
net = nn.Sequential(cut, nn.Linear(4, 3), Reduce('b n d -> b d', 'mean'))
print(net, isinstance(cut, nn.Module), type(cut), len(list(net.parameters())))
x = torch.arange(16.0).view(1, 1, 4, 4)
y = net(x)
print(cut(x)[0, 1], y.shape, Reduce('b c h w -> b c', 'max')(x), net.state_dict().keys())
y.sum().backward()
print(net[1].bias.grad)
class Cut(nn.Module):
    def __init__(self):
        super().__init__()
        self.to_heads = Rearrange('b n (h d) -> b h n d', h=2)
    def forward(self, x):
        return self.to_heads(x)
print(Cut(), Cut()(torch.ones(1, 3, 4)).shape)
"""
    trace = run(program, seconds=None)
    assert trace.printed == (
        "Sequential(\n"
        "  (0): Rearrange('b c (h p) (w q) -> b (h w) (p q c)', p=2, q=2)\n"
        "  (1): Linear(in_features=4, out_features=3, bias=True)\n"
        "  (2): Reduce('b n d -> b d', 'mean')\n"
        ") True <class 'einops.layers.torch.Rearrange'> 2\n"
        "tensor([2., 3., 6., 7.]) torch.Size([1, 3]) tensor([[15.]]) "
        "odict_keys(['1.weight', '1.bias'])\n"
        "tensor([1., 1., 1.])\n"
        "Cut(\n  (to_heads): Rearrange('b n (h d) -> b h n d', h=2)\n) torch.Size([1, 2, 3, 2])\n"
    )
    ops = [node.op for node in trace.nodes]
    assert ops.index("permute") < ops.index("linear") < ops.index("mean")


@pytest.mark.parametrize(
    "call",
    [
        "Rearrange('a -> b')(torch.ones(2))",
        "Rearrange('x' * 1000)",
        "Rearrange(3)",
        "Rearrange('a b -> b a', a='x')",
        "Rearrange('a b -> b a', **{str(i): 1 for i in range(100)})",
        "Rearrange('a b -> b a')._pattern",
        "Rearrange('a b -> b a').forward.__globals__",
        "Rearrange.does",
        "Reduce('a b -> a', 'x')",
        "Reduce('a b -> a', print)",
        "Reduce('a -> a a', 'sum')(torch.ones(2))",
        "Rearrange('(a b) -> a b', a=10 ** 9)(torch.ones(2))",
        "class A(Rearrange): pass",
        "for i in range(10 ** 9): Rearrange('a -> a')",
    ],
)
def test_no_layer_is_made_of_anything_else(call: str) -> None:
    with pytest.raises((ProgramError, LimitError)):
        run(f"from einops.layers.torch import Rearrange, Reduce\n{call}", seconds=None)
