"""Steps, shapes and operations in words: one clean line each, whatever the numbers are."""

from __future__ import annotations

import pytest
import torch

from llm_linalg import run, trace
from llm_linalg.explain.descriptions import sentence
from tests.common import known
from tests.ops.laws import described


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int64, torch.uint8, torch.bool]
)
def test_other_types(dtype: torch.dtype) -> None:
    x = torch.tensor([[0, 1], [1, 2]]).to(dtype)
    for function in (lambda a: a.T, lambda a: a * a, lambda a: a.sum(), lambda a: a == a, lambda a: a.max(0)):
        for node in trace(function, x).nodes:
            described(node)


def test_a_product_reads_as_it_is_multiplied() -> None:
    node = run("x = torch.tensor([[1., 2.], [3., 4.]])\nY = x @ x")["Y"]
    assert [step.text for step in node.walk("terms")][:2] == [
        "Y[0,0] = [1·1] + (2·3) = 1 so far",
        "Y[0,0] = 1·1 + [2·3] = 7",
    ]
    assert node.walk("rows")[1].text == "Y[1] = 3·[1 2] + 4·[3 4] = [15 22]"
    assert node.walk("outer")[0].text == "Y[:, :] += x[:, 0] ⊗ x[0, :]   (so far 1 of 2)"
    assert node.walk("wave")[1].text.startswith("Y[i+j=1]")


def test_a_masked_cell_names_its_rule() -> None:
    node = run("m = torch.triu(torch.ones(3, 3), 1)")["m"]
    assert node.mask_rule((2, 0)) == "j ≥ i + 1: 0 ≥ 2 + 1 is false"
    assert "is false" in node.walk("cells")[6].text
    assert node.mask_rule((0, 1)) is None
    plain = run("m = torch.triu(torch.ones(3, 3))")["m"]
    assert plain.mask_rule((2, 0)) == "j ≥ i: 0 ≥ 2 is false"


@pytest.mark.parametrize(("kind", "sign"), [("triu", "≥"), ("tril", "≤")])
def test_each_cell_of_a_triangle_says_its_rule(kind: str, sign: str) -> None:
    node = run(f"ones = torch.ones(3, 4)\nm = torch.{kind}(ones, 1)")["m"]
    for step in node.walk("cells"):
        i, j = next(iter(step.writes))
        kept = node.value[i, j].item() == 1
        assert (
            f"{', as' * kept}{'  ' * (not kept)} j {sign} i + 1: {j} {sign} {i} + 1 is {str(kept).lower()}"
            in step.text
        )
        assert (f"ones[{i},{j}]" in step.text) == kept


def test_an_expression_stands_in_brackets_before_an_index() -> None:
    t = run("w = torch.ones(2, 3)\ns = torch.softmax(w / 8, dim=-1)\nt = (w + 1).T\nY = (w - 1) @ w.T")
    assert t["s"].walk("rows")[1].text == "s[1, :] from (w / 8)[1, :]"
    assert t["t"].walk("cells")[1].text == "t[0,1] = (w + 1)[1,0] = 2"
    assert t["Y"].walk("rows")[1].text == "Y[1] = 0·[1 1] + 0·[1 1] + 0·[1 1] = [0 0]"
    assert t["Y"].walk("wave")[1].text == "Y[i+j=1] = (w - 1)[i, :] · w.T[:, j]"


def test_what_is_repeated_is_not_the_same_cell() -> None:
    t = run(
        "a = torch.ones(3, 1)\nb = torch.ones(1, 4)\nY = torch.ones(3, 4)\nc = torch.ones(4)\n"
        "both = a * b\nadded = Y + c\nhalf = Y / torch.tensor(2.0)\nsame = Y * Y"
    )
    said = {name: sentence(t[name], "cells") for name in ("both", "added", "half", "same")}
    assert said["both"] == "A cell of both is made from one cell of a and one of b, which repeat."
    assert said["added"] == "A cell of added is made from the same cell of Y and one of c, which repeats."
    assert said["same"] == "A cell of same is made from the same cell of Y."
    assert t["both"].shape_line == "(3, 1) * (1, 4) → (3, 4)   a repeats on axis 1, b on 0"
    assert t["half"].shape_line.endswith("repeats along axes 0, 1")


def test_what_is_drawn_is_not_called_plain() -> None:
    t = run("x = torch.randn(2)\ny = torch.rand_like(x)")
    assert sentence(t["x"], "cells") == "x is drawn at random: no other tensor goes into it."
    assert sentence(t["y"], "cells") == "y is drawn at random: no cell of x goes into it."
    drawn = run("x = torch.ones(2)\ny = torch.bernoulli(x, p=0.5)")["y"]
    assert drawn.sentence() == "y is drawn at random: no cell of x goes into it."


def test_a_mask_says_what_the_other_cells_become() -> None:
    t = run(
        "x = torch.ones(2, 2)\nu = torch.triu(x)\nf = x.masked_fill(x > 0, -math.inf)\n"
        "w = torch.where(x > 0, x, -x)"
    )
    kept = "A cell keeps its value where the rule lets it; elsewhere it "
    said = [sentence(t[name], "cells").removeprefix(kept) for name in "ufw"]
    assert said == ["becomes 0.", "becomes -inf.", "is replaced, whatever stood there."]


def test_a_write_says_what_is_written_and_what_stays() -> None:
    source = (
        "x = torch.zeros(2, 2)\nv = torch.ones(2)\nx[0] = v\nx[:, 1] = 0.5\nx.fill_(-2)\nx.copy_(v)\n"
        "x.zero_()\nx.normal_()\nx.fill_(v[0])"
    )
    stay = "the other cells of x stay as they were."
    assert [sentence(node, "cells") for node in run(source).nodes if node.title == "x"][1:] == [
        f"What is written comes from v; {stay}",
        f"What is written becomes 0.5; {stay}",
        "Every cell of x becomes -2.",
        "Every cell of x becomes a cell of v.",
        "Every cell of x becomes 0.",
        "Every cell of x is drawn at random, whatever stood there.",
        "Every cell of x becomes v[0].",
    ]


def test_a_reduction_says_along_what() -> None:
    t = run("x = torch.ones(2, 3)\nm = x.mean()\ns = x.sum(0)")
    assert t["m"].shape_line == "mean (2, 3) → ()   axes 0, 1 disappear"
    assert sentence(t["m"], "cells") == "m is made from all of x."
    assert sentence(t["s"], "cells") == "Each cell of s adds up one column of x."


def test_a_reduction_that_keeps_its_axes_says_that_they_shrink() -> None:
    t = run(
        "x = torch.ones(2, 3)\na = x.mean(-1, keepdim=True)\nb = x.sum(0, keepdim=True)\n"
        "c = x.amax((0, 1), keepdim=True)\nd = x.norm(dim=1, keepdim=True)"
    )
    assert t["a"].shape_line == "mean (2, 3) → (2, 1)   axis 1 shrinks to 1"
    assert t["b"].shape_line == "sum (2, 3) → (1, 3)   axis 0 shrinks to 1"
    assert t["c"].shape_line == "amax (2, 3) → (1, 1)   axes 0, 1 shrink to 1"
    assert t["d"].shape_line == "norm (2, 3) → (2, 1)   axis 1 shrinks to 1"


def test_a_running_sum_is_made_from_what_comes_before() -> None:
    t = run("x = torch.ones(3)\ny = x.cumsum(0)\nz = x.softmax(0)")
    assert sentence(t["y"], "cells") == "Each cell of y is made from the cells of x up to its own."
    assert sentence(t["z"], "cells") == "Each cell of z depends on its whole row in x."


def test_what_is_made_along_an_axis_names_it() -> None:
    t = run(
        "x = torch.ones(3, 4)\ny = torch.ones(2, 3, 4)\na = x.softmax(0)\nb = y.softmax(1)\n"
        "c = F.layer_norm(y, (3, 4))\nd = y.sum((0, 2))\ne = x.sum(0)"
    )
    assert sentence(t["a"], "cells") == "Each cell of a depends on its whole column in x."
    assert sentence(t["b"], "cells") == "Each cell of b depends on all cells of y along axis 1."
    assert sentence(t["c"], "cells") == "Each cell of c depends on all cells of y along axes 1, 2."
    assert sentence(t["d"], "cells") == "Each cell of d adds up the cells of y along axes 0, 2."
    assert sentence(t["e"], "cells") == "Each cell of e adds up one column of x."


def test_complex_numbers_stand_in_brackets() -> None:
    t = run(
        "z = torch.tensor([1 - 2j, 3 + 1j])\na = z * z\nb = z - z\nc = z / 2\nd = z @ z\n"
        "e = z[None].H\nf = z + 1"
    )
    assert [t[name].walk("cells")[0].text for name in "abcef"] == [
        "a[0] = (1-2j)·(1-2j) = -3-4j",
        "b[0] = 1-2j - (1-2j) = 0+0j",
        "c[0] = (1-2j) / 2 = 0.5000-1j",
        "e[0,0] = conjugate of 1-2j = 1+2j",
        "f[0] = 1-2j + 1 = 2-2j",
    ]
    assert t["d"].walk("terms")[1].text == "d = (1-2j)·(1-2j) + [(3+1j)·(3+1j)] ≈ 5+2j"
    assert (
        sentence(t["e"], "cells")
        == "Each cell of e is the conjugate of a cell of z[None] under another index."
    )


def test_bits_are_no_truth() -> None:
    t = run("i = torch.tensor([6])\na = i & 3\nb = ~i\nc = i ^ 3\nd = (i > 1) & (i > 9)")
    assert [t[name].walk("cells")[0].text for name in "abcd"] == [
        "a[0] = 6 & 3 = 2",
        "b[0] = ~6 = -7",
        "c[0] = 6 xor 3 = 5",
        "d[0] = True and False = False",
    ]


def test_sums_by_index_name_what_goes_where() -> None:
    t = run(
        "x = torch.ones(3)\ni = torch.tensor([0, 0])\ns = torch.ones(2)\na = x.index_add(0, i, s)\n"
        "b = x.scatter_reduce(0, i, s, 'amax', include_self=False)\nc = torch.scatter(x, 0, i, 5.0)"
    )
    assert sentence(t["a"], "cells").endswith(
        "made from the same cell of x and those of s that i puts there."
    )
    assert sentence(t["b"], "cells").endswith("those of s that i puts there; without one it is x's.")
    assert t["c"].walk("cells")[0].text == "c[0] = 5"


def test_a_cell_names_the_cell_of_an_index_that_it_read() -> None:
    t = run(
        "x = torch.arange(12.).reshape(3, 4)\ni = torch.tensor([[1], [0], [2]])\nr = torch.tensor([0, 2])\n"
        "a = x.gather(1, i)\nb = x.take(i)\nc = torch.take_along_dim(x, i, 1)\nd = x.index_select(0, r)\n"
        "e = x.index_select(1, r)\nf = x[i, r]\ng = x[r]"
    )
    texts = [walk[len(walk) - 1].text for walk in (t[name].walk("cells") for name in "abcdefg")]
    assert texts == [
        "a[2,0] = x[2,2], i[2,0] = 10",
        "b[2,0] = x[0,2], i[2,0] = 2",
        "c[2,0] = x[2,2], i[2,0] = 10",
        "d[1,3] = x[2,3], r[1] = 11",
        "e[2,1] = x[2,2], r[1] = 10",
        "f[2,1] = x[2,2], i[2,0], r[1] = 10",
        "g[1,3] = x[2,3], r[1] = 11",
    ]


def test_what_its_dtype_has_no_room_for_is_said() -> None:
    t = run(
        "x = torch.full((2, 2), 200.).half()\na = x @ x.T\nq = torch.full((1, 2), 100, dtype=torch.int8)\n"
        "b = q @ q.T\nc = torch.full((2,), 3e38).mean()\nd = q * q\n"
        "e = torch.tensor([True, True]).sum(dtype=torch.bool)\n"
        "f = torch.tensor([1., torch.inf]).sum()"
    )
    texts = [walk[len(walk) - 1].text for walk in (t[name].walk() for name in "abcdef")]
    assert texts == [
        "a[1,1] = 200·200 + [200·200] → inf in float16",
        "b[0,0] = 100·100 + [100·100] → 32 in int8",
        "c = (3.0000e+38 + [3.0000e+38]) / 2 → inf in float32",
        "d[0,1] = 100·100 → 16 in int8",
        "e = True + [True] → True in bool",
        "f = 1 + [inf] = inf",
    ]
    assert t["a"].walk()[3].value == torch.inf


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("-u", "-200 → 56 in uint8"),
        ("u**3", "200^3 → 0 in uint8"),
        ("u << 2", "200 << 2 → 32 in uint8"),
        ("torch.add(u, u, alpha=3)", "200 + 3·200 → 32 in uint8"),
        ("(u - 72).view(torch.int8).abs()", "|-128| → -128 in int8"),
        ("u // 3", "⌊200 / 3⌋ = 66"),
        ("u.clone().neg_()", "-200 → 56 in uint8"),
        ("u.long() * 2**62", "200·4611686018427387904 → 0 in int64"),
    ],
)
def test_whole_numbers_that_wrap_are_no_results(line: str, text: str) -> None:
    t = run(f"u = torch.tensor([4, 200], dtype=torch.uint8)\ny = {line}")
    assert t["y"].walk()[1].text.partition(" = ")[2] == text


def test_products_of_one_tensor_are_sums_or_cells_of_it() -> None:
    source = "x = torch.tensor([[1., 2.], [3., 4.]])\na = torch.einsum('ij->ji', x)\n"
    source += (
        "b = torch.einsum('ij->i', x)\nc = torch.einsum('ii->', x)\nd = torch.einsum('i,j->ij', x[0], x[1])"
    )
    t = run(source)
    assert [t[name].sentence() for name in "abcd"] == [
        "A cell of a is one cell of x.",
        "A cell of b is a sum of cells of x along j.",
        "c is a sum of cells of x along i.",
        "A cell of d is one product: nothing is summed.",
    ]
    assert t["b"].shape_line == "einsum (2, 2) → (2,)   axis 1 is summed away"


def test_types_of_eight_bits_are_cast() -> None:
    t = run("x = torch.tensor([0.3])\ny = x.to(torch.float8_e4m3fn)\nz = x.int().to(torch.uint16)")
    assert t["y"].walk()[0].text == "y[0] = 0.3000 as float8_e4m3fn = 0.3125"
    assert t["z"].walk()[0].text == "z[0] = 0 as uint16 = 0"


def test_a_norm_says_which() -> None:
    t = run("x = torch.tensor([3., 4.])\na = x.norm()\nb = x.norm(p=1)\nc = x.var(correction=0)")
    assert [t[name].walk()[0].text for name in "abc"] == [
        "a = norm of 3, 4 = 5",
        "b = norm of 3, 4 with p=1 = 7",
        "c = variance of 3, 4 with correction=0 = 0.2500",
    ]


def test_shapes_in_one_line() -> None:
    t = run(
        "x = torch.ones(3, 2)\nW = torch.ones(2, 4)\nY = x @ W\nz = nn.Linear(2, 4)(x)\n"
        "s = x.sum(0)\nb = x + s"
    )
    assert t["Y"].shape_line == "(3, 2) @ (2, 4) → (3, 4)   inner 2 = 2 ✓"
    assert t["z"].shape_line.startswith("(3, 2) @ (4, 2)ᵀ + (4,) → (3, 4)")
    assert t["s"].shape_line == "sum (3, 2) → (2,)   axis 0 is summed away"
    assert t["b"].shape_line == "(3, 2) + (2,) → (3, 2)   s repeats along axis 0"


def test_long_sums_are_elided_around_the_current_term() -> None:
    node = run("x = torch.ones(100)\ny = x @ x")["y"]
    text = node.walk("terms")[50].text
    assert text.count("·") <= 6
    assert text.count("[") == 1
    assert "more" in text


PRODUCT = "A = torch.tensor([[1.0, 2, 3], [4, 5, 6]])\nx = torch.tensor([1.0, 2, 3])\n"


def text_of(source: str, order: str, step: int) -> str:
    """Returns a step of a program's last node, in words."""
    return run(PRODUCT + source, seconds=None).nodes[-1].walk(order)[step].text


def test_a_step_that_writes_a_vector_adds_vectors_in_numbers() -> None:
    assert text_of("y = A @ x", "outer", 1) == "y = 1·[1 4] + [2·[2 5]] + (3·[3 6]) = [5 14] so far"
    assert text_of("y = A @ x", "outer", 2) == "y = 1·[1 4] + 2·[2 5] + [3·[3 6]] = [14 32]"
    assert text_of("y = x @ A.T", "outer", 0).startswith("y = [1·[1 4]] + (2·[2 5])")
    assert text_of("y = A @ A.T", "columns", 1) == "y[:, 1] = 4·[1 4] + 5·[2 5] + 6·[3 6] = [32 77]"
    assert text_of("y = torch.randn(9, 8) @ torch.randn(8, 9)", "rows", 1).count("·") == 6
    stacked = text_of("y = torch.ones(2, 3, 2) @ torch.ones(2, 2, 2)", "rows", 4)
    assert stacked == "y[1, 1] = 1·[1 1] + 1·[1 1] = [2 2]"
    spread = text_of("a = torch.ones(2, 1, 2, 3)\nb = torch.ones(3, 3, 2)\ny = a @ b", "wave", 4)
    assert spread == "y[0,1,i+j=1] = a[0, 0, i, :] · b[1, :, j]"


def test_what_is_negative_is_taken_off() -> None:
    signs = "a, b = torch.tensor([1.0, -2, 4]), torch.tensor([-3.0, 2, -1])\n"
    assert text_of(f"{signs}y = torch.dot(a, b)", "cells", 0) == "y = 1·(-3) - 2·2 + [4·(-1)] = -11"
    assert text_of(f"{signs}y = a.sum()", "cells", 0) == "y = 1 - 2 + [4] = 3"


def test_a_layer_s_weight_is_used_as_its_transpose_and_its_bias_is_added() -> None:
    layer = "W = torch.tensor([[1.0, 0, 2], [0, 3, 0]])\nb = torch.tensor([10.0, 20])\n"
    y = f"{layer}y = F.linear(A, W, b)"
    assert text_of(y, "rows", 0) == "y[0] = 1·[1 0] + 2·[0 3] + 3·[2 0] + b = [17 26]"
    assert text_of(y, "columns", 1) == "y[:, 1] = 0·[1 4] + 3·[2 5] + 0·[3 6] + b = [26 35]"
    assert text_of(y, "outer", 1).startswith("y[:, :] += A[:, 1] ⊗ W[:, 1]")
    assert text_of(y, "wave", 1) == "y[i+j=1] = A[i, :] · W[j, :] + b[j]"
    assert text_of(f"{layer}y = F.linear(x, W, b)", "outer", 3).endswith("+ 3·[2 0] + [b] = [17 26]")
    node = run(PRODUCT + y, seconds=None)["y"]
    assert sentence(node, "rows") == "A row of y is a row of A times the transpose of W; b is added."
    assert sentence(node, "columns") == "A column of y is the whole of A times a row of W; b is added."
    assert sentence(node, "outer") == (
        "y is a sum of outer products: a column of A ⊗ a column of W; b is added."
    )
    assert sentence(node, "cells") == "A cell of y is a row of A times a row of W, summed; b is added."


def test_a_vector_is_multiplied_as_a_whole() -> None:
    dot = run(f"{PRODUCT}y = torch.dot(x, x)", seconds=None)["y"]
    assert sentence(dot, "cells") == "y is x times x, entry by entry, summed."
    rows = run(f"{PRODUCT}y = A @ x", seconds=None)["y"]
    assert sentence(rows, "cells") == "A cell of y is a row of A times x, summed."


def test_a_mean_is_a_sum_over_a_number() -> None:
    mean = "m = torch.tensor([0.25, 1, 4]).mean()"
    assert text_of(mean, "terms", 1) == "m = (0.25 + [1] + (4)) / 3 ≈ 0.4167 so far"
    assert text_of(mean, "cells", 0) == "m = (0.25 + 1 + [4]) / 3 = 1.7500"
    assert text_of("m = torch.tensor([math.inf, 1]).mean()", "cells", 0) == "m = (inf + [1]) / 2 = inf"


def test_softmax_is_written_with_the_numbers_that_are_there() -> None:
    source = "s = torch.softmax(torch.tensor([1.0, 3, -2]), 0)"
    assert text_of(source, "cells", 0) == "s[0] = exp(1) / (exp(1) + exp(3) + exp(-2)) = 0.1185"
    negative = "s = torch.log_softmax(torch.tensor([-1.0, -3]), 0)"
    assert text_of(negative, "cells", 1) == "s[1] = -3 - ln(exp(-1) + exp(-3)) = -2.1269"


def test_a_movement_says_where_a_cell_is_from_and_what_is_filled_in() -> None:
    t = run("x = torch.ones(3)\nd = torch.diag(x)\ny = d.T", seconds=None)
    assert sentence(t["d"], "cells") == "Each cell of d is a cell of x, or it is filled in."
    assert sentence(t["y"], "cells") == "Each cell of y is a cell of d: the same number under another index."


def test_a_parameter_is_said_to_be_one() -> None:
    t = run("layer = nn.Linear(2, 3)\ny = layer(torch.ones(2))")
    assert sentence(t["layer.bias"], "cells") == "layer.bias is a parameter: training changes it."


def test_a_number_of_the_program_s_stands_as_it_was_typed() -> None:
    t = run("x = torch.tensor(5.0)\ny = x ** 0.5\nz = x / 0.25")
    assert [t[name].walk()[0].text for name in "yz"] == ["y = 5^0.5 = 2.2361", "z = 5 / 0.25 = 20"]


def test_a_negative_base_is_in_brackets() -> None:
    t = run("x = torch.tensor([-3.0, 2.0])\ny = x ** 2\nz = torch.square(x)")
    assert t["y"].walk("cells")[0].text == "y[0] = (-3)^2 = 9"
    assert t["y"].walk("cells")[1].text == "y[1] = 2^2 = 4"
    assert t["z"].walk("cells")[0].text == "z[0] = (-3)² = 9"


def test_each_result_of_a_call_says_its_own() -> None:
    source = (
        "x = torch.tensor([[1., 3., 2.], [4., 0., 1.]])\nmost, place = x.max(1)\nleast, other = x.cummin(1)\n"
    )
    t = run(source + "spread, centre = torch.var_mean(x, 1)\nlow, high = torch.aminmax(x, dim=1)")
    assert {name: t[name].walk("cells")[-1].text.partition(" = ")[2] for name in list(t.names)[1:]} == {
        "most": "max(4, 0, 1) = 4",
        "place": "position of max(4, 0, 1) = 0",
        "least": "min(4, 0, 1) = 0",
        "other": "position of min(4, 0, 1) = 1",
        "spread": "variance of 4, 0, 1 = 4.3333",
        "centre": "mean of 4, 0, 1 = 1.6667",
        "low": "min(4, 0, 1) = 0",
        "high": "max(4, 0, 1) = 4",
    }


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("torch.tensor([True, False, True]).mean(dtype=torch.float32)", "(1 + 0 + [1]) / 3 ≈ 0.6667"),
        ("torch.tensor([1.7, 1.7]).sum(dtype=torch.int64)", "1 + [1] = 2"),
        ("torch.tensor([3.5, 4.5]).prod(dtype=torch.int64)", "product of 3, 4 = 12"),
        (
            "torch.tensor([3.5, torch.nan]).nansum(dtype=torch.float64)",
            "sum of 3.5000, nan, nan as 0 = 3.5000",
        ),
    ],
)
def test_what_is_added_up_as_another_type_is_cast_before(line: str, text: str) -> None:
    node = run(f"y = {line}")["y"]
    step = node.walk()[-1]
    assert step.text.partition(" = ")[2] == text
    assert known(step.value) == pytest.approx(node.value.item())
