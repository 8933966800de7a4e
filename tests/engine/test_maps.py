"""The map of a trace: scopes of calls, levels of boxes, arrows, multiplications."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from llm_linalg import Node, Trace, trace
from llm_linalg.analysis.block_diagram import MOST_BOXES, DiagramBox, DiagramLevel
from llm_linalg.analysis.loops import MOST_TURNS, find_repeats
from tests.engine.here import run

NESTED = """
def half(x):
    def twice(y):
        return y * 2
    return twice(x) + twice(x + 1)

def loop(x):
    for _ in range(2):
        x = half(x)
    return x

x = torch.ones(2)
y = loop(x)
z = half(y)
"""


def levels(made: Trace) -> list[DiagramLevel[Node]]:
    """Every level of a map."""
    found, todo = [], [made.map.level()]
    while todo:
        level = todo.pop()
        found.append(level)
        todo += [made.map.level((*level.path, box.name)) for box in level.boxes if box.scope]
    return found


def inside(level: DiagramLevel[Node]) -> list[DiagramBox[Node]]:
    return [box for box in level.boxes if not box.foreign]


def test_a_call_is_a_scope_and_has_a_number_where_there_are_several() -> None:
    made = run(NESTED)
    assert {path: len(nodes) for path in ["", "half"] if (nodes := made.scopes[path].nodes)} == {
        "": 1,
        "half": 2,
    }
    assert [scope.path for scope in made.scopes][1:] == [
        "loop",
        *("loop.half:1", "loop.half:1.twice:1", "loop.half:1.twice:2"),
        *("loop.half:2", "loop.half:2.twice:1", "loop.half:2.twice:2"),
        *("half", "half.twice:1", "half.twice:2"),
    ]
    assert made["z"].scope == "half"


def test_a_level_has_scopes_and_operations_in_order_and_what_comes_in_above() -> None:
    made = run(NESTED)
    assert made.map.level().names == ("x", "loop", "half")
    assert made.map.level().arrows == ((0, 1), (1, 2))
    half = made.map.level(("loop", "half:2"))
    assert [(box.label, box.foreign) for box in half.boxes] == [
        ("x", True), ("twice:1", False), ("x + 1", False), ("twice:2", False), ("x", False),
    ]  # fmt: skip
    assert half.arrows == ((0, 1), (0, 2), (1, 4), (2, 3), (3, 4))
    for path, said in [(("lop",), 'did you mean "loop"'), (("x",), "x is an operation")]:
        with pytest.raises(LookupError, match=said):
            made.map.level(path)


def test_parameters_and_constants_of_expressions_have_no_box() -> None:
    made = run("def layers():\n    return [nn.Linear(2, 3), nn.Linear(3, 1)]\n"
               "x = torch.ones(4, 2)\nup, down = layers()\ny = down(up(x) + torch.ones(3) * 2)")  # fmt: skip
    assert [box.label for box in made.map.level().boxes] == ["x", "up(x)", "add", "y"]
    assert made.map.locate(made["up.weight"]) == (made.map.level().boxes[1].name,)


def test_random_numbers_have_a_box_whichever_call_draws_them() -> None:
    drawn = (
        "torch.randn(3)",
        "torch.normal(0.0, 1.0, (3,))",
        "torch.rand_like(x)",
        "torch.empty(3).uniform_()",
    )
    for made in drawn:
        level = run(f"x = torch.ones(3)\ny = x * {made}").map.level()
        assert len(level.boxes) == 3, made


def test_a_box_of_several_results_has_all_of_them() -> None:
    made = run("def pair(x):\n    return x + 1, (x * 2) * 2\na, b = pair(torch.ones(2))\ny = a @ b")
    pair = made.map.level().box("pair")
    assert [node.name for node in pair.outputs] == ["a", "b"]
    assert pair.count_cells({made["a"]: {(0,)}}) == (1, 4)


class Net(nn.Module):
    """Modules inside modules."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4)) for _ in range(2)
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x: torch.Tensor = self.embed(tokens)
        for layer in self.layers:
            x = x + layer(x)
        return x


class Bends(nn.Module):
    """Modules of one list, without parameters, and between them a call that is in none."""

    def __init__(self) -> None:
        super().__init__()
        self.bends = nn.ModuleList([nn.ReLU(), nn.Tanh()])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.bends[1](self.bends[0](x) * 2)
        return found


def net() -> Trace:
    return trace(Net(), torch.tensor([3, 1, 2]))


def test_modules_are_folded_by_the_same_rule() -> None:
    made = net()
    level = made.map.level()
    assert [box.label for box in level.boxes] == ["tokens", "embed", "layers", "x", "layers", "x"]
    stays = [name for name in level.names if name.startswith("layers")]
    assert [box.name for box in inside(made.map.level((stays[0], "0")))] == ["0", "1", "2"]
    assert [level.box(name).multiplications for name in stays] == [2 * 3 * 4 * 8] * 2
    assert all(source < reader for source, reader in level.arrows)  # entered twice, a scope is two boxes


@pytest.mark.parametrize(
    "made", [run(NESTED), net(), trace(Bends(), torch.ones(2))], ids=["program", "module", "list"]
)
def test_every_operation_stands_in_one_box_of_its_level_and_the_counts_add_up(made: Trace) -> None:
    every = levels(made)
    singles = [box.node for level in every for box in inside(level) if box.scope is None]
    assert len(singles) == len(set(singles))
    assert {node for node in made.nodes if node.operands} <= set(singles)
    for level in every:
        whole = made.map.level(level.path[:-1]).box(level.path[-1]) if level.path else None
        total = made.map.multiplications if whole is None else whole.multiplications
        assert sum(box.multiplications for box in level.boxes) == total
        reads = {
            (a, b)
            for b, box in enumerate(level.boxes) if not box.foreign
            for a, other in enumerate(level.boxes) if a != b
            for node in box.nodes
            for operand in node.operands if operand.node in other.nodes
        }  # fmt: skip
        assert set(level.arrows) == reads
    for node in made.nodes:
        *path, name = made.map.locate(node) or ()
        box = made.map.level(path).box(name)
        assert box.node is node or node not in singles


def last(program: str, **names: int) -> Node:
    return run(program, names=names).nodes[-1]


@given(m=st.integers(0, 5), k=st.integers(1, 5), n=st.integers(1, 5), h=st.integers(1, 3))
def test_multiplications_are_those_of_the_axes(m: int, k: int, n: int, h: int) -> None:
    def count(program: str) -> int | None:
        return last(program, m=m, k=k, n=n, h=h).multiplications

    assert count("torch.ones(m, k) @ torch.ones(k, n)") == m * k * n
    assert count("torch.ones(h, m, k) @ torch.ones(k, n)") == h * m * k * n
    assert count("nn.Linear(k, n)(torch.ones(h, m, k))") == h * m * k * n
    assert (
        count("torch.einsum('ik,kj,j->i', torch.ones(m, k), torch.ones(k, n), torch.ones(n))")
        == 2 * m * k * n
    )
    assert count("torch.einsum('ij->i', torch.ones(m, n))") == 0
    assert count("torch.ones(m, 1) * torch.ones(n)") == m * n
    assert count("torch.ones(m, n) / 2 ") == m * n
    assert count("torch.ones(m, n) + torch.ones(n)") == 0
    assert count("torch.ones(m, n).T.reshape(n * m)") == 0
    assert count("torch.ones(m, n).mean(0)") == n
    assert count("torch.softmax(torch.ones(m, n), -1)") == m * n  # one division a share
    assert count("F.layer_norm(torch.ones(m, n), (n,))") == 2 * m * n + 2 * m  # x², x/σ, and two means
    assert count("F.layer_norm(torch.ones(m, n), (n,), torch.ones(n), torch.ones(n))") == 3 * m * n + 2 * m
    q = "torch.ones(h, n, k)"
    attention = 2 * h * n * n * k + 2 * h * n * n  # two products; the scale and the softmax
    assert count(f"F.scaled_dot_product_attention({q}, {q}, {q}, is_causal=True)") == attention


def products_by_torch(model: Callable[..., Tensor], *inputs: Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        model(*inputs)
    return int(counter.get_total_flops()) // 2


@settings(max_examples=30, deadline=None)
@given(
    axes=st.integers(1, 3), width=st.integers(1, 3), stride=st.integers(1, 3), padding=st.integers(0, 1),
    groups=st.integers(1, 2), dilation=st.integers(1, 2), turned=st.booleans(),
)  # fmt: skip
def test_a_convolution_takes_as_many_products_as_torch_counts(
    axes: int, width: int, stride: int, padding: int, groups: int, dilation: int, turned: bool
) -> None:
    kind = getattr(nn, f"Conv{'Transpose' if turned else ''}{axes}d")
    model = kind(2 * groups, 3 * groups, width, stride, padding, groups=groups, dilation=dilation)
    x = torch.ones(2, 2 * groups, *(5 - axis for axis in range(axes)))
    assert trace(model, x).nodes[-1].multiplications == products_by_torch(model, x)


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(1, 3), m=st.integers(1, 3), k=st.integers(1, 3),
    batch=st.lists(st.integers(1, 3), max_size=2),
)  # fmt: skip
def test_attention_with_dropout_has_its_number(n: int, m: int, k: int, batch: list[int]) -> None:
    q, key, value = torch.ones(*batch, n, k), torch.ones(m, k), torch.ones(m, 2)

    def attention(**options: object) -> int | None:
        made = trace(lambda: functional.scaled_dot_product_attention(q, key, value, **options))  # type: ignore[arg-type]
        return made.nodes[-1].multiplications

    scores = prod(batch) * n * m
    assert attention(dropout_p=0.5) == attention() == scores * (k + 2) + 2 * scores
    assert attention(dropout_p=0.5, is_causal=True) == attention(is_causal=True) == attention()


def test_shared_keys_take_as_many_multiplications_with_dropout() -> None:
    q, keys = torch.ones(2, 6, 5, 4), torch.ones(2, 3, 7, 4)
    plain, dropped = (
        trace(
            lambda p=p: functional.scaled_dot_product_attention(q, keys, keys, dropout_p=p, enable_gqa=True)
        )
        for p in (0.0, 0.5)
    )
    assert plain.nodes[-1].multiplications == dropped.nodes[-1].multiplications == 2 * 6 * 5 * 7 * 10
    assert sum(part.multiplications or 0 for part in plain.nodes[-1].parts) == 2 * 6 * 5 * 7 * 10


CALLS = [
    ["torch.relu(x)", "F.relu6(x)", "torch.complex(x, x)"],
    ["x.sigmoid()", "x.square()", "x.rad2deg()", "F.elu(x)", "x.prod()", "x.norm(dim=1)", "x.cumprod(0)"],
    ["F.silu(x)", "F.hardswish(x)", "x.hypot(y)", "y.addcmul(x, x)", "F.normalize(x)"],
    ["F.gelu(x)"],
]  # by how many multiplications or divisions a cell takes


@settings(max_examples=5)
@given(m=st.integers(1, 4), n=st.integers(1, 4))
def test_a_cell_takes_the_multiplications_of_its_formula(m: int, n: int) -> None:
    for each, calls in enumerate(CALLS):
        for call in calls:
            made = last(f"x, y = torch.ones(m, n), torch.ones(n)\n{call}", m=m, n=n)
            assert made.multiplications == each * m * n, call


def test_large_calls_are_counted_without_being_computed() -> None:
    meta = torch.empty(4096, 8192, device="meta")
    made = trace(lambda x: torch.softmax(x @ x.T, -1), meta)
    assert [node.multiplications for node in made.nodes] == [0, 0, 4096**2 * 8192, 4096**2]
    assert prod(made.nodes[-1].shape) == 4096**2


def test_what_no_rule_counts_is_not_guessed() -> None:
    made = trace(lambda x: torch.trapezoid(x) + 1, torch.ones(3))
    assert [node.multiplications for node in made.nodes] == [0, None, 0]
    assert made.map.multiplications == 0


def test_a_program_whose_tensors_have_no_names_has_a_map_too() -> None:
    made = run("print(torch.softmax(torch.randn(2, 3) @ torch.randn(3, 2), -1))")
    assert [box.label for box in made.map.level().boxes] == ["randn", "randn", "matmul", "softmax"]
    made = run("print(torch.ones(2, 3) @ torch.ones(3, 2))")
    assert [box.label for box in made.map.level().boxes] == ["ones", "ones", "matmul"]
    made = trace(lambda: nn.Sequential(nn.Linear(3, 2), nn.ReLU())(torch.randn(1, 3)))
    assert [box.label for box in made.map.level().boxes] == ["randn", "Sequential"]


def test_a_variable_that_is_used_again_keeps_what_it_held_before_on_the_map() -> None:
    def function() -> Tensor:
        x = torch.ones(2, 3)
        for _ in range(3):
            x = x * 2
        return x

    made = trace(function)
    assert [(box.name, box.multiplications) for box in made.map.level().boxes] == [
        ("x:1", 0), ("x:2", 6), ("x:3", 6), ("x", 6),
    ]  # fmt: skip


def looping(before: int, turns: int, lines: int, inner: int, *, calls: bool) -> Trace:
    def body(x: Tensor) -> Tensor:
        return x.sin() + 1

    def program(x: Tensor) -> Tensor:
        for k in range(before):
            x = x + k
        for _ in range(turns):
            x = x * 2
            for _ in range(inner):
                x = x.cos()
            if lines > 1:
                x = x - 1
            if calls:
                x = body(x)
        return x.relu()

    return trace(program, torch.ones(2))


@settings(max_examples=12, deadline=None)
@given(
    before=st.integers(0, 3),
    turns=st.integers(1, 150),
    lines=st.integers(1, 2),
    inner=st.integers(0, 12),
    calls=st.booleans(),
)
def test_a_long_loop_is_one_box_that_opens_into_its_turns(
    before: int, turns: int, lines: int, inner: int, calls: bool
) -> None:
    made = looping(before, turns, lines, inner, calls=calls)
    every = levels(made)
    singles = [box.node for level in every for box in inside(level) if box.scope is None]
    assert len(singles) == len(set(singles)) == len(made.nodes)
    assert max(len(inside(level)) for level in every) <= MOST_BOXES
    for level in every:
        whole = made.map.level(level.path[:-1]).box(level.path[-1]).multiplications if level.path else None
        expected = made.map.multiplications if whole is None else whole
        assert sum(box.multiplications for box in level.boxes) == expected
        assert all(source < reader for source, reader in level.arrows)
    for node in made.nodes[:: max(1, len(made.nodes) // 50)]:
        *path, name = made.map.locate(node) or ()
        assert made.map.level(path).box(name).node is node


def test_turns_of_a_long_loop_stand_in_groups() -> None:
    made = looping(0, 5000, 2, 0, calls=False)
    assert made.map.level().own[1] == "x ×5,000"
    path = ("x ×5,000",)
    groups = inside(made.map.level(path))
    assert [groups[0].label, groups[-1].label, len(groups)] == ["turns 1 to 100", "turns 4,901 to 5,000", 50]
    turns = inside(made.map.level((*path, groups[1].name)))
    assert [box.label for box in turns][:2] == ["turn 1", "turn 2"]
    assert len(turns) == MOST_TURNS
    assert [box.node.op for box in inside(made.map.level((*path, groups[1].name, "turn 7")))] == [
        "mul",
        "sub",
    ]


@given(
    st.lists(st.integers(0, 3), max_size=60), st.lists(st.integers(0, 9), min_size=1, max_size=9), st.data()
)
def test_repeats_are_the_sequence_itself(others: list[int], turn: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(3, 20))
    place = data.draw(st.integers(0, len(others)))
    things = [*others[:place], *turn * count, *others[place:]]
    found = find_repeats(things)
    assert [start for turns in found for start in turns[:1]] == [0, *[turns[-1] for turns in found]][
        : len(found)
    ]
    assert found[-1][-1] == len(things)
    for turns in found:
        parts = [things[start:end] for start, end in pairwise(turns)]
        assert all(part == parts[0] for part in parts)
    assert len(found) <= len(others) + 2 * len(turn)
