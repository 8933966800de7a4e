"""The curriculum: the lessons there are, and what holds at all settings and seeds.

Their exact numbers are claims of their own, which each check of a lesson holds against torch.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from llm_linalg.api.trace import Trace
from llm_linalg.base.errors import ShapeError
from llm_linalg.base.text import width
from llm_linalg.lessons.control import Value
from llm_linalg.lessons.reader import catalog, find

SLUGS = {
    0: ["why"],
    1: ["scalar", "vector", "matrix", "tensor3"],
    2: ["elementwise", "dot", "similarity"],
    3: ["scale", "matvec", "columns", "matmul", "rounding", "shapes", "linear"],
    4: ["transpose", "align", "backprop", "descent", "steepest"],
    5: ["identity", "diagonal", "rank", "eightbits", "triangular"],
    6: ["embedding", "position", "projections", "softmax", "scores", "causal", "attention", "heads"],
    7: ["layernorm", "residual", "mlp", "block"],
    8: ["logits", "sampling", "backward", "trained", "summary"],
    9: ["cache", "tiles", "bytes", "parallel"],
}


def last(slug: str, controls: dict[str, Value] | None = None) -> Trace:
    """The trace of the last stop with a picture that neither fails nor asks: it holds the others' nodes."""
    lesson = find(slug)
    stop = [stop for stop in lesson.stops if not (stop.fails or stop.slide or stop.exercise)][-1]
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


@pytest.mark.parametrize(("d_model", "seq_len"), [(8, 5), (16, 1), (128, 40), (256, 64)])
def test_why_computes_the_fraction_of_matrix_products(d_model: int, seq_len: int) -> None:
    d, t = 64 * d_model, 25 * seq_len
    products = 4 * t * d * d + 2 * 4 * t * d * d + 2 * t * t * d
    others = 3 * 4 * d * t + 2 * (d // 64) * t * t + 2 * 3 * t * d
    fraction = last("why", {"d_model": d_model, "seq_len": seq_len})["fraction"].value
    assert fraction.item() == pytest.approx(products / (products + others), rel=1e-6)


@pytest.mark.parametrize("angle", [-180, -45, 0, 60, 90])
def test_similarity(angle: int) -> None:
    trace = last("similarity", {"angle": angle})
    q, K, k = (trace[name].value for name in ("q", "K", "k"))
    assert same(q, [2 * f(torch.tensor(angle / 180 * torch.pi)) for f in (torch.cos, torch.sin)], 1e-6)
    cosine = nn.functional.cosine_similarity(K, q[None, :])
    assert torch.allclose(trace["cosine"].value, cosine, atol=1e-6)
    assert torch.allclose(trace["shadow"].value + trace["rest"].value, q, atol=1e-6)
    assert abs(torch.dot(trace["rest"].value, k).item()) < 1e-5


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


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_backprop_is_what_autograd_says(seed: int) -> None:
    trace = find("backprop").run(9, {"batch": 4, "inputs": 3, "outputs": 5}, seed)
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


def test_the_summary_is_one_page_of_six_results() -> None:
    lines = last("summary").printed.splitlines()
    assert [line[0] for line in lines] == list("123456")
    assert all(width(line) <= 58 for line in lines)
