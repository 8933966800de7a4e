"""What torch refuses for the values or the key of a call: the axes, the rule, and repairs that were run."""

from __future__ import annotations

from math import prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from llm_linalg import ProgramError, ShapeError, trace
from tests.engine.here import run

START = """
x, q, k = torch.randn(2, 6), torch.randn(1, 2, 4, 8), torch.randn(1, 2, 5, 8)
s, m, e = torch.randn(4, 4), torch.ones(3, 3).tril(), nn.Embedding(10, 4)
logits, t = torch.randn(2, 3, 5), torch.ones(2, 3, dtype=torch.long)
"""


def failure(expression: str) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        run(f"{START}r = torch.relu({expression}) * 1")
    error = caught.value
    assert error.expression == expression
    assert error.detail
    assert [tuple(value.shape) for value in error.values] == [operand.shape for operand in error.operands]
    for axis in error.axes:
        assert error.operands[axis.operand].shape[axis.axis] == axis.size
    for repair in error.repairs:
        run(error.apply_repair(repair))
    return error


@pytest.mark.parametrize(
    ("expression", "said", "repair"),
    [
        (
            "e(torch.tensor([1, 12]))",
            "axis 0 of e.weight (10, 4) has size 10: the tokens of this table are 0 to 9: 12 is out of range",
            "nn.Embedding(13, 4)(torch.tensor([1, 12]))",
        ),
        ("F.conv1d(x, s[:, :3, None])", "axis 0 of x (2, 6) has size 2, axis 1 of s[:, :3, None]", None),
        ("torch.linalg.inv(x)", "axes 0 and 1 of x (2, 6): inverse takes matrices with as many", None),
        ("torch.linalg.solve_triangular(x, x, upper=True)", "as many rows as columns", None),
        ("torch.addmm(torch.ones(3), x, x.T)", "the shape of the product, (2, 2), or is broadcast", None),
        ("F.scaled_dot_product_attention(q, q, q[0, 0, 0])", "have at least two axes", None),
        ("F.conv1d(x[None], torch.ones(1, 2, 9))", "Kernel size can't be greater", None),
        ("F.conv2d(q, torch.ones(1, 3, 2, 2))", "the kernels take as many channels as there are", None),
        ("torch.cat([x, s], dim=1)", "axis 0 of x (2, 6) has size 2, axis 0 of s", None),
        ("torch.cat([x, s[:2]])", "(axis 0) must match", "torch.cat([x, s[:2]], dim=1)"),
        ("torch.cat([x, s[:2]],)", "(axis 0) must match", "torch.cat([x, s[:2]], dim=1)"),
        ("torch.cat((x, x[:1]), 1)", "(axis 1) must match", "torch.cat((x, x[:1]), 0)"),
        ("e(torch.tensor([-1]))", "-1 is out of range", "e(torch.tensor([-1]).clamp(0, 9))"),
        ("e(x)", "whole numbers (torch.long), not torch.float32", "e(x.long().clamp(0, 9))"),
        ("s[m > 0]", "axis 0 of s (4, 4) has size 4, axis 0 of m > 0 (3, 3) has size 3", "s[:3, :3][m > 0]"),
        ("s[:, 7]", "axis 1 of s (4, 4) has size 4: it runs from 0 to 3, and 7 is out of range", None),
        (
            "s[..., torch.tensor([9])]",
            "axis 1 of s (4, 4) has size 4: it runs from 0 to 3, and 9 is out",
            "s[..., torch.tensor([9]).clamp(0, 3)]",
        ),
        ("s[torch.tensor([-4]), torch.tensor([9])]", "axis 1 of s (4, 4) has size 4: it runs from 0", None),
        ("s[m]", "whole numbers", "s[m.long()]"),
        (
            "s[torch.arange(3), torch.tensor([0, 1])]",
            "axis 0 of torch.arange(3) (3,) has size 3, axis 0 of torch.tensor([0, 1]) (2,) has size 2",
            "s[torch.arange(3)[:2], torch.tensor([0, 1])]",
        ),
        ("s[[0, 1, 2], [1, 2]]", "s (4, 4): the places are taken together", None),
        ("q[0, s[0, :2] < 99, torch.arange(3)]", "one index has 2 along an axis, another one 3", None),
        ("s[range(3), torch.arange(2)]", "one index has 3 along an axis, another one 2", None),
        (
            "logits[0].gather(1, t[0])",
            "t[0] (3,): an index has as many axes as what it is for: 2, not 1",
            "logits[0].gather(1, t[0].unsqueeze(-1))",
        ),
        (
            "s.gather(1, torch.ones(6, 1).long())",
            "axis 0 of s (4, 4) has size 4, axis 0 of torch.ones(6, 1).long() (6, 1) has size 6: but for",
            "s.gather(1, torch.ones(6, 1).long()[:4])",
        ),
        (
            "s.gather(1, torch.full((4, 1), 7))",
            "axis 1 of s (4, 4) has size 4: it runs from 0 to 3, and 7 is out of range",
            "s.gather(1, torch.full((4, 1), 7).clamp(0, 3))",
        ),
        (
            "s.gather(1, torch.full((4, 1), -1))",
            "it runs from 0 to 3, and -1 is out of range",
            "s.gather(1, torch.full((4, 1), -1).clamp(0, 3))",
        ),
        ("s.scatter_add(0, t[0], s)", "t[0] (3,): an index has as many axes", None),
        ("s.index_select(1, t)", "t (2, 3): the index of index_select has one axis, not 2", None),
        ("s[0, 0, 0]", "it has 2 axes", None),
        (
            "s.masked_fill(m == 0, 1.0)",
            "axis 0 of s (4, 4) has size 4, axis 0 of m == 0 (3, 3) has size 3",
            "s[:3, :3].masked_fill(m == 0, 1.0)",
        ),
        (
            "F.scaled_dot_product_attention(q, k[..., :6], k)",
            "axis 3 of q (1, 2, 4, 8) has size 8, axis 3 of k[..., :6] (1, 2, 5, 6) has size 6",
            "F.scaled_dot_product_attention(q[:, :, :, :6], k[..., :6], k)",
        ),
        (
            "q[:, :1].expand(1, 3, 4, 8) @ k.mT",
            "axis 1 of k.mT (1, 2, 8, 5) has size 2: the axes before the last two count matrices",
            "q[:, :1].expand(1, 3, 4, 8)[:, :2] @ k.mT",
        ),
        (
            "torch.bmm(k[0, :1], k[0].mT)",
            "axis 0 of k[0].mT (2, 8, 5) has size 2: the first axis counts matrices: bmm takes as many",
            "k[0, :1] @ k[0].mT",
        ),
        (
            "F.scaled_dot_product_attention(q, k, k, torch.zeros(5, 5))",
            "axis 0 of torch.zeros(5, 5) (5, 5) has size 5, axis 2 of q (1, 2, 4, 8) has size 4",
            None,
        ),
        ("F.scaled_dot_product_attention(q[..., :1], k, k)", "a query is as wide as a key", None),
        (
            "F.linear(x, torch.ones(3, 6), torch.ones(2))",
            "axis 0 of torch.ones(3, 6) (3, 6) has size 3, axis 0 of torch.ones(2) (2,) has size 2",
            None,
        ),
        ("x[:, :1].copy_(x)", "x (2, 6): it has more cells than (2, 1), into which it is written", None),
        ("s.gather(1, torch.full((4, 6), 7))", "it runs from 0 to 3, and 7 is out of range", None),
        ("s[[True, False]]", "a mask has the sizes of the axes that it stands for", None),
        ("x.copy_(torch.ones(3, 2, 6))", "it has more axes than (2, 6), into which it is written", None),
        ("torch.ones(2, 3).T.unsqueeze(1).view(6)", "axis 0 must be 2 × 3 = 6 cells in memory, not 1", None),
        ("torch.ones(2, 3, 4).permute(2, 1, 0).view(12, 2)", "along axis 0 must be 3 × 4 = 12 cells", None),
        ("torch.mm(q, torch.ones(8, 2))", "mm takes a 2-D and a 2-D tensor", "q @ torch.ones(8, 2)"),
        (
            "F.one_hot(t, 3) @ torch.ones(3, 2)",
            "torch.ones(3, 2) (3, 2): a product has one dtype on all sides, not int64 and float32",
            "F.one_hot(t, 3).float() @ torch.ones(3, 2)",
        ),
        (
            "(t + 1) @ (m.double() + 1)",
            "not int64 and float64",
            "(t + 1).to(torch.float64) @ (m.double() + 1)",
        ),
        ("e.weight[t + 9]", "axis 0 of e.weight (10, 4) has size 10", "e.weight[(t + 9).clamp(0, 9)]"),
        ("F.one_hot(t + 3, 4)", "t + 3 (2, 3): there are the classes 0 to 3: 4 is out of range", None),
        ("F.one_hot(t[:0])", "t[:0] (0, 3): of no tokens, one_hot needs to be told num_classes", None),
        ("F.one_hot(t - 2)", "there are the classes 0 and up: -1 is out of range", None),
        ("x.permute(0, 2, 1)", "x (2, 6): permute names each of its 2 axes once, and (0, 2, 1) are 3", None),
        ("x.permute(1, -1)", "axis 1 stands in (1, -1) twice", None),
        ("F.scaled_dot_product_attention(q, k, q)", "axis 2 of k (1, 2, 5, 8) has size 5, axis 2 of q", None),
        ("F.scaled_dot_product_attention(q, k, k, attn_mask=m)", "the mask's last axis is the keys'", None),
        (
            "F.cross_entropy(logits, t)",
            "axis 1 of logits (2, 3, 5) has size 3: of logits with 3 axes, axis 1 counts the classes",
            "F.cross_entropy(logits.flatten(0, -2), t.flatten())",
        ),
        ("F.cross_entropy(logits[0], t[0, :2])", "one target for each row", None),
        (
            "F.mse_loss(x, s[:2])",
            "axis 1 of x (2, 6) has size 6, axis 1 of s[:2] (2, 4) has size 4: from the last axis",
            "F.mse_loss(x[:, :4], s[:2])",
        ),
        ("F.cross_entropy(logits[0], t[0] * 7)", "the classes 0 to 4: 7 is out of range", None),
        (
            "x.split([3, 4], dim=-1)[0]",
            "axis 1 of x (2, 6) has size 6: the parts make up the whole axis",
            None,
        ),
        (
            "x.view(4, 5)",
            "x (2, 6): a reshape keeps the number of cells: 12 is not 4 × 5 = 20",
            "x.view(4,-1)",
        ),
        ("x.sum(dim=2)", "x (2, 6): its axes are 0 to 1, or -1 to -2 from the end, not 2", None),
        ("torch.einsum('bij->bji', x)", "x (2, 6): it has 2 axes, the equation gives it 3: bij", None),
        (
            "nn.LayerNorm(5)(x)",
            "axis 1 of x (2, 6) has size 6: the normalised axes must have the sizes (5,)",
            "nn.LayerNorm(6)(x)",
        ),
    ],
)
def test_the_sentence_and_the_repairs(expression: str, said: str, repair: str | None) -> None:
    if expression.startswith("x.split"):
        with pytest.raises(ShapeError) as caught:
            run(f"{START}r = {expression}")
        error = caught.value
    else:
        error = failure(expression)
    assert said in error.message
    if repair is not None and repair != "e(x.long().clamp(0, 9))":
        assert repair.replace(",-1", ", -1") in {text.replace(",-1", ", -1") for text in error.repairs}


@pytest.mark.parametrize(
    ("place", "value", "axis", "room"),
    [
        *(("x[0]", (4,), 0, (3,)), ("x", (2, 4), 1, (2, 3)), ("x", (4, 3), 0, (2, 3))),
        *(("x", (5, 2, 3), 0, (2, 3)), ("x[:, 1:]", (2, 1, 2), 0, (2, 2)), ("x[0, 0]", (2,), 0, ())),
    ],
)
def test_what_is_written_must_fit_its_place(
    place: str, value: tuple[int, ...], axis: int, room: tuple[int, ...]
) -> None:
    with pytest.raises(ShapeError) as caught:
        run(f"x, y = torch.ones(2, 3), torch.ones({value})\n{place}[...] = y")
    why = (
        f"axis {axis} of y {value} has size {value[axis]}: what is written has the shape of its place, {room}"
    )
    assert why in str(caught.value)


@pytest.mark.parametrize(("keys", "values"), [(3, 10_000_000), (10_000_000, 3), (5, 4)])
@pytest.mark.parametrize("batch", ["1, 1, ", "1, ", ""])
def test_values_for_other_keys_never_reach_torch(keys: int, values: int, batch: str) -> None:
    """The fused kernel reads on where the keys end: without the rule this process ends here."""
    with pytest.raises(ShapeError) as caught:
        run(
            f"q, k = torch.ones({batch}2, 1), torch.ones({batch}{keys}, 1)\n"
            f"v = torch.ones({batch}{values}, 1)\n"
            "y = F.scaled_dot_product_attention(q, k, v)"
        )
    assert "there is one value for each key" in caught.value.message
    assert [axis.size for axis in caught.value.axes] == [keys, values]


def test_a_layer_without_a_name_is_told_by_what_made_it() -> None:
    error = failure("nn.Linear(4, 2)(x)")
    assert "a row of nn.Linear(4, 2).weight (2, 4) has 4: they can't be paired up" in error.message
    assert [operand.name for operand in error.operands[1:]] == [
        "nn.Linear(4, 2).weight",
        "nn.Linear(4, 2).bias",
    ]


def test_a_failure_leaves_no_node() -> None:
    found = run("x = torch.ones(2, 3)\ny = x @ x\nz = x.T", cells=(1, 2, 3))
    assert [node.name for node in found.nodes] == ["x", "z"]


def test_inside_a_function_repairs_know_its_names() -> None:
    program = "def head(x, W):\n    return x @ W\ny = head(torch.randn(3, 2), torch.randn(4, 2))"
    with pytest.raises(ShapeError) as caught:
        run(program)
    assert caught.value.line == 2
    assert "x @ W.T" in caught.value.repairs
    assert run(caught.value.apply_repair("x @ W.T"))["y"].shape == (3, 4)


def test_a_cell_that_fails_in_a_function_leaves_the_names_of_the_next_alone() -> None:
    text = "x = torch.ones(2, 3)\ndef f(x):\n    return x @ x\nf(torch.ones(4, 5))\ny = x * 2"
    found = run(text, cells=(1, 4, 5))
    assert [error.line for error in found.cell_errors] == [3]
    assert found["y"].shape == (2, 3)


def test_trusted_python_is_told_the_same() -> None:
    table = nn.Embedding(10, 4)
    with pytest.raises(ShapeError) as caught:
        trace(table, torch.tensor([3, 12]))
    assert "the tokens of this table are 0 to 9: 12 is out of range" in caught.value.message
    assert caught.value.axes[0].size == 10


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.data())
def test_a_view_is_refused_where_torch_refuses_it_and_the_axes_are_those_to_blame(
    sizes: list[int], data: st.DataObject
) -> None:
    x = torch.arange(prod(sizes)).reshape(sizes).permute(data.draw(st.permutations(range(len(sizes)))))
    cuts = data.draw(st.lists(st.integers(1, 3), max_size=3))
    shape = [size for size in cuts if prod(sizes) % size == 0][:1]
    shape += [prod(sizes) // prod(shape)] if prod(shape) else []
    try:
        x.view(shape)
    except RuntimeError:
        with pytest.raises(ShapeError) as caught:
            run("y = x.view(shape)", names={"x": x, "shape": shape})
        first, second = caught.value.axes
        assert f"axes {first.axis} and {second.axis} of x" in caught.value.message
        assert x.stride(first.axis) != x.stride(second.axis) * second.size
        return
    assert run("y = x.view(shape)", names={"x": x, "shape": shape})["y"].shape == tuple(shape)


SHAPES = st.lists(st.integers(0, 3), max_size=3)


@given(SHAPES, SHAPES)
def test_indices_are_refused_where_torch_refuses_them_and_the_axes_are_those_to_blame(
    one: list[int], other: list[int]
) -> None:
    names = {"x": torch.ones(2, 2), "a": torch.zeros(one).long(), "b": torch.zeros(other).long()}
    try:
        shape = (names["a"] + names["b"]).shape
    except RuntimeError:
        with pytest.raises(ShapeError, match="taken together") as caught:
            run("y = x[a, b]", names=names)
        sizes = [caught.value.operands[axis.operand].shape[axis.axis] for axis in caught.value.axes]
        assert len(set(sizes) - {1}) == 2
        return
    assert run("y = x[a, b]", names=names)["y"].shape == shape


@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), SHAPES, st.integers(0, 3), st.data())
def test_a_gather_is_refused_where_torch_refuses_it(
    own: list[int], given: list[int], place: int, data: st.DataObject
) -> None:
    axis = data.draw(st.integers(0, len(own) - 1))
    x, at = torch.rand(own), torch.full(given, place)
    names = {"x": x, "at": at, "axis": axis}
    try:
        expected = x.gather(axis, at)
    except (RuntimeError, IndexError):
        with pytest.raises(ShapeError, match=r"as many axes|at most as large|out of range"):
            run("y = x.gather(axis, at)", names=names)
        return
    assert run("y = x.gather(axis, at)", names=names)["y"].value.equal(expected)


@settings(max_examples=12)
@given(SHAPES, SHAPES, st.integers(0, 3))
def test_an_entropy_is_refused_where_torch_refuses_it(one: list[int], other: list[int], token: int) -> None:
    x, t = torch.ones(one), torch.full(other, token)
    names = {"x": x, "t": t}
    try:
        expected = nn.functional.cross_entropy(x, t, reduction="sum")
    except (RuntimeError, IndexError, ValueError):
        with pytest.raises(ProgramError):
            run("y = F.cross_entropy(x, t, reduction='sum')", names=names)
        return
    assert run("y = F.cross_entropy(x, t, reduction='sum')", names=names)["y"].value.equal(expected)


def test_a_diagonal_is_of_a_square_also_where_a_side_is_1() -> None:
    with pytest.raises(ShapeError, match="a letter that stands twice means the diagonal"):
        run("y = torch.einsum('ii->i', torch.ones(1, 3))")


def test_a_place_that_is_selected_lies_on_its_axis() -> None:
    said = r"axis 1 of torch.ones\(2, 5\) \(2, 5\) has size 5: it runs from 0 to 4, and 7 is out of range"
    with pytest.raises(ShapeError, match=said):
        run("torch.ones(2, 5).index_select(1, torch.tensor([7]))")
