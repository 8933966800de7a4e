"""The curriculum: the lessons there are, and their exact numbers.

Figures are those of the curriculum; what is random is asked of torch, seeded alike.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from llm_linalg.api.trace import Trace
from llm_linalg.base.errors import ShapeError
from llm_linalg.base.text import width
from llm_linalg.lessons.reader import Value, catalog, find

SLUGS = {
    0: ["why"],
    1: ["scalar", "vector", "matrix", "tensor3"],
    2: ["elementwise", "dot", "similarity"],
    3: ["scale", "matvec", "columns", "matmul", "shapes", "linear"],
    4: ["transpose", "align", "backprop", "descent"],
    5: ["identity", "diagonal", "triangular"],
    6: ["embedding", "position", "projections", "softmax", "scores", "causal", "attention", "heads"],
    7: ["layernorm", "residual", "mlp", "block"],
    8: ["logits", "sampling", "backward", "parallel", "summary"],
}
CONTROLS = {
    "why": {"d_model", "seq_len"},
    "scalar": {"value"},
    "vector": {"n"},
    "matrix": {"rows", "columns"},
    "dot": {"length"},
    "scale": {"c", "s"},
    "matmul": {"m", "k", "n"},
    "linear": {"in_features", "out_features", "batch", "slope", "offset"},
    "triangular": {"n", "kind", "diagonal"},
    "identity": {"n"},
    "diagonal": {"entries"},
    "embedding": {"token"},
    "position": {"place"},
    "projections": {"asks"},
    "softmax": {"temperature", "largest"},
    "scores": {"seq", "size"},
    "causal": {"mask", "offset", "place", "custom"},
    "attention": {"seq", "temperature"},
    "heads": {"heads", "C"},
    "layernorm": {"d", "eps"},
    "residual": set(),
    "mlp": {"d", "ratio", "units"},
    "block": {"T", "C", "heads"},
    "logits": {"temperature"},
    "sampling": {"text", "temperature", "top_k", "top_p"},
    "backward": {"T", "C", "heads"},
    "parallel": {"T", "rank"},
    "summary": set(),
}


def last(slug: str, controls: dict[str, Value] | None = None) -> Trace:
    """The trace of the last stop that neither fails nor asks: it holds the nodes of the others."""
    lesson = find(slug)
    stop = [stop for stop in lesson.stops if not stop.fails and stop.exercise is None][-1]
    return lesson.run(stop, controls)


def same(value: Tensor, wanted: object, tolerance: float = 0.0) -> bool:
    return torch.allclose(value, torch.tensor(wanted, dtype=value.dtype), rtol=0, atol=tolerance)


def failure(slug: str, number: int, controls: dict[str, Value] | None = None) -> ShapeError:
    with pytest.raises(ShapeError) as info:
        find(slug).run(number, controls)
    return info.value


def test_every_lesson_is_there_in_its_order() -> None:
    found: dict[int, list[str]] = {}
    for lesson in catalog():
        found.setdefault(lesson.part, []).append(lesson.slug)
    assert {part: slugs for part, slugs in found.items() if part in SLUGS} == SLUGS
    for slug, names in CONTROLS.items():
        assert {control.name for control in find(slug).controls} == names


@pytest.mark.parametrize(("d_model", "seq_len"), [(8, 5), (16, 1), (128, 40), (256, 64)])
def test_why_computes_the_fraction_of_matrix_products(d_model: int, seq_len: int) -> None:
    d, t = 64 * d_model, 25 * seq_len
    products = 4 * t * d * d + 2 * 4 * t * d * d + 2 * t * t * d
    others = 3 * 4 * d * t + 2 * (d // 64) * t * t + 2 * 3 * t * d
    fraction = last("why", {"d_model": d_model, "seq_len": seq_len})["fraction"].value
    assert fraction.item() == pytest.approx(products / (products + others), rel=1e-6)


def test_ranks() -> None:
    scalar, vector, matrix = (last(slug) for slug in ("scalar", "vector", "matrix"))
    assert "0 torch.Size([])\n" in scalar.printed
    assert same(scalar["x"].value, 3.14)
    assert same(scalar["loss"].value, (0.25 + 1 + 4) / 3)
    assert "1 torch.Size([3])\n" in vector.printed
    assert same(vector["x"].value, [1.0, 2.0, 3.0])
    assert "2 torch.Size([2, 3])\n" in matrix.printed
    assert same(matrix["A"].value, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert [vector[name].shape for name in ("x", "column", "row")] == [(3,), (3, 1), (1, 3)]
    assert matrix["corner"].value.item() == 4.0  # a₂₁, A[1, 0]


def test_tensor3_is_sliced_along_each_axis() -> None:
    trace = last("tensor3", {"item": 1})
    X = trace["X"].value
    assert trace["X"].shape == (2, 4, 3)
    for name, part in [("text", X[1]), ("token", X[1, -1]), ("firsts", X[:, 0]), ("feature", X[:, :, 0])]:
        assert torch.equal(trace[name].value, part)


@pytest.mark.parametrize(
    ("op", "z"),
    [("*", [4.0, 10, 18]), ("+", [5.0, 7, 9]), ("-", [-3.0, -3, -3]), ("/", [1 / 4, 2 / 5, 3 / 6])],
)
def test_elementwise(op: str, z: list[float]) -> None:
    trace = last("elementwise", {"op": op})
    assert same(trace["z"].value, z)
    assert trace["table"].shape == (3, 4)
    assert [operand.value.shape for operand in trace["table"].operands] == [(3, 1), (1, 4)]


def test_dot_elementwise_and_outer_on_the_same_inputs() -> None:
    trace = last("dot")
    assert trace["dot"].value.item() == trace["total"].value.item() == 32.0
    assert same(trace["elementwise"].value, [4.0, 10.0, 18.0])
    assert same(trace["outer"].value, [[4.0, 5, 6], [8.0, 10, 12], [12.0, 15, 18]])
    stop = find("dot").stop(4)
    names = [str(stop.show), *stop.beside]
    assert names == ["elementwise", "dot", "outer"]
    assert {tuple(operand.name for operand in trace[name].operands) for name in names} == {("x", "y")}


@pytest.mark.parametrize("angle", [-180, -45, 0, 60, 90])
def test_similarity(angle: int) -> None:
    trace = last("similarity", {"angle": angle})
    q, K, k = (trace[name].value for name in ("q", "K", "k"))
    assert same(q, [2 * f(torch.tensor(angle / 180 * torch.pi)) for f in (torch.cos, torch.sin)], 1e-6)
    cosine = nn.functional.cosine_similarity(K, q[None, :])
    assert torch.allclose(trace["cosine"].value, cosine, atol=1e-6)
    assert torch.allclose(trace["shadow"].value + trace["rest"].value, q, atol=1e-6)
    assert abs(torch.dot(trace["rest"].value, k).item()) < 1e-5


def test_products_with_a_vector() -> None:
    scale, rows, columns = last("scale"), last("matvec"), last("columns")
    assert same(scale["scaled"].value, [[100.0, 200, 300], [400.0, 500, 600]])
    assert scale["total"].shape == (2, 3)
    assert rows["A"].shape == (2, 3)
    assert same(rows["x"].value, [1.0, 2.0, 3.0])
    assert same(rows["y"].value, [14.0, 32.0])
    assert rows["first"].value.item() == 14.0
    assert all(same(columns[name].value, [14.0, 32.0]) for name in ("y", "z", "w"))
    for sizes in ({"rows": 5, "columns": 4}, {"rows": 1, "columns": 1}):
        general = find("columns").run(3, dict(sizes))
        assert torch.equal(general["y"].value, general["z"].value)


def test_matmul() -> None:
    trace = last("matmul")
    torch.manual_seed(0)
    x, W = torch.randn(3, 2), torch.randn(2, 4)
    assert all(torch.equal(trace[name].value, x @ W) for name in ("Y", "same", "also"))
    assert trace["Y"].value[1, 1].item() == pytest.approx(-1.7224, abs=5e-5)
    assert trace["C"].value.tolist() == [[11, 14, 17, 20], [23, 30, 37, 44], [35, 46, 57, 68]]
    assert "3 x 4 x 2 = 24 multiplications" in trace.printed
    assert len(trace["Y"].walk("terms")) == 24
    assert {stop.order for stop in find("matmul").stops} >= set(trace["Y"].orders)


def test_shapes() -> None:
    error = failure("shapes", 1)
    assert [info.shape for info in error.operands] == [(3, 2), (3, 2)]
    assert [axis.size for axis in error.axes] == [2, 3]
    assert {"A @ B.T", "A.T @ B"} <= set(error.repairs)
    assert find("shapes").run(1, {"b_rows": 2})["C"].shape == (3, 2)
    trace = last("shapes")
    for name, operands, shape in [
        ("R", [(2, 3), (3, 2)], (2, 2)),
        ("S", [(3, 2), (2, 3)], (3, 3)),
        ("Y", [(4, 2, 3), (3, 2)], (4, 2, 2)),
    ]:
        assert [tuple(operand.value.shape) for operand in trace[name].operands] == operands
        assert trace[name].shape == shape


def test_linear() -> None:
    lesson = find("linear")
    assert lesson.seed == 42
    trace = last("linear")
    assert same(trace["x"].value, [[1.0, 2], [3.0, 4], [5.0, 6]])
    wanted = [
        [2.2368, 1.2292, 0.4714, 0.3864, 0.1309, 0.9838],
        [4.4919, 2.1970, 0.4469, 0.5285, 0.3401, 2.4777],
        [6.7469, 3.1648, 0.4224, 0.6705, 0.5493, 3.9716],
    ]
    assert same(trace["y"].value.detach(), wanted, 5.1e-5)
    assert same(trace["by_hand"].value.detach(), wanted, 5.1e-5)
    assert trace["At"].shape == (2, 6)
    for error in (failure("linear", 1, {"in_features": 3}), failure("linear", 6)):
        assert error.operation == "linear"
        assert {axis.size for axis in error.axes} == {2, 3}


def test_transpose() -> None:
    trace = last("transpose")
    W, Wt = trace["W"].value, trace["Wt"].value
    assert (trace["W"].shape, trace["Wt"].shape) == ((3, 4), (4, 3))
    assert torch.equal(Wt, W.T)
    assert torch.equal(trace["same"].value, torch.t(W))
    assert trace.printed == "W ((4, 1), True) Wt ((1, 4), False)\nTrue\nFalse True\nTrue True\n(3, 1) True\n"
    assert torch.equal(trace["storage"].value, torch.arange(1.0, 13))
    assert torch.equal(trace["copied"].value, W.T.flatten())
    S = trace["S"].value
    assert torch.equal(S, S.T)


def test_align() -> None:
    error = failure("align", 2)
    assert [info.shape for info in error.operands] == [(2, 4), (3, 4)]
    assert "inputs @ weights.T" in error.repairs
    trace = last("align")
    assert trace["outputs"].shape == (2, 3)
    linear = nn.functional.linear(trace["inputs"].value, trace["weights"].value)
    assert torch.allclose(trace["outputs"].value, linear)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_backprop_is_what_autograd_says(seed: int) -> None:
    trace = find("backprop").run(8, {"batch": 4, "inputs": 3, "outputs": 5}, seed)
    X, W, b = (trace[name].value.clone().requires_grad_() for name in ("X", "W", "b"))
    Y = X @ W.T + b
    gradients = torch.autograd.grad(((Y - trace["target"].value) ** 2).mean(), (Y, X, W, b))
    backward = trace.backward("loss")
    for name, gradient in zip(("Y", "X", "W", "b"), gradients, strict=True):
        written, derived = trace[f"d{name}"].value, backward[f"d{name}"].value
        assert written.shape == trace[name].value.shape
        assert torch.allclose(written, gradient, atol=1e-6)
        assert torch.allclose(derived, gradient, atol=1e-6)


def test_triangular_toggles_and_adds_up() -> None:
    lesson = find("triangular")
    kind, ones = lesson.control("kind"), torch.ones(5, 5)
    values = lesson.values()
    assert (kind.key, kind.choices) == ("t", ("triu", "tril"))
    assert torch.equal(lesson.run(1, values)["mask"].value, torch.triu(ones, diagonal=1))
    values = lesson.change(values, "kind", kind.move(values["kind"], 1))
    assert torch.equal(lesson.run(1, values)["mask"].value, torch.tril(ones, 1))  # which stays
    values = lesson.change(values, "diagonal", -2)
    assert torch.equal(lesson.run(1, values)["mask"].value, torch.tril(ones, -2))
    for diagonal in range(-4, 5):
        assert torch.equal(last("triangular", {"diagonal": diagonal})["together"].value, ones)
    causal = last("triangular")["causal"].value
    assert torch.equal(causal == float("-inf"), torch.triu(torch.ones(4, 4), 1) == 1)  # of the sentence


def test_identity_and_diagonal() -> None:
    identity, diagonal = last("identity"), last("diagonal")
    assert torch.equal(identity["I"].value, torch.eye(4))
    A = identity["A"].value
    assert torch.equal(identity["left"].value, A)
    assert torch.equal(identity["right"].value, A)
    assert same(identity["y"].value, [3.0, -2.0])
    x, box = identity["x"].value, identity["box"].value
    assert torch.equal(identity["out"].value, x + box @ x)
    D, A = diagonal["D"].value, diagonal["A"].value
    assert torch.equal(D, torch.diag(torch.tensor([1.0, 2.0, 3.0])))
    scales = torch.tensor([1.0, 2.0, 3.0])
    assert torch.equal(diagonal["DA"].value, scales[:, None] * A)
    assert torch.equal(diagonal["AD"].value, A * scales)
    assert torch.equal(diagonal["scaled"].value, A / 4**0.5)


def test_the_summary_is_one_page_of_six_results() -> None:
    lines = last("summary").printed.splitlines()
    assert [line[0] for line in lines] == list("123456")
    assert all(width(line) <= 58 for line in lines)
