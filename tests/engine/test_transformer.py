"""The transformer in the curriculum: each result is what torch.nn and F make of the same tensors."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from llm_linalg.api.trace import Trace
from llm_linalg.base.errors import ShapeError
from llm_linalg.lessons.reader import Value, find
from tests.engine.test_curriculum import failure, last

F = nn.functional
WORDS = ["the", "cat", "saw", "dog", "ran"]


def close(value: Tensor, wanted: Tensor) -> bool:
    return torch.allclose(value, wanted, atol=1e-5, equal_nan=True)


def stop(slug: str, number: int, seed: int = 0, **controls: Value) -> Trace:
    return find(slug).run(number, controls, seed)


def rows(trace: Trace, node: str, index: tuple[int, ...], name: str = "X") -> set[int]:
    """The rows of a matrix that a cell is made of."""
    found = trace.lineage(node, index)
    return {cell[-2] for cell in found.get(trace[name], ())}


@pytest.mark.parametrize("token", range(5))
def test_a_look_up_is_a_one_hot_product(token: int) -> None:
    trace = last("embedding", {"token": token})
    table, tokens = trace["table"].value, trace["tokens"].value
    assert trace.printed.splitlines()[0] == WORDS[token]
    assert torch.equal(trace["row"].value, table[token])
    assert torch.equal(trace["product"].value, table[token])
    looked_up = F.embedding(tokens, table)
    assert torch.equal(trace["X"].value, looked_up)
    assert torch.equal(trace["again"].value, looked_up)
    weight = table.clone().requires_grad_()
    F.embedding(tokens, weight).backward(trace["dX"].value)  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert torch.equal(trace["dtable"].value, weight.grad)
    assert "True\n" in trace.printed
    assert "False" not in trace.printed


def test_a_token_outside_the_vocabulary_has_no_row() -> None:
    assert "out of" in str(failure("embedding", 6))


def test_the_words_are_the_same_in_every_lesson() -> None:
    table = last("embedding")["table"].value
    assert F.cosine_similarity(table[1], table[3], dim=0).item() == pytest.approx(0.894, abs=5e-4)
    assert F.cosine_similarity(table[1], table[2], dim=0).item() == 0
    text = table[torch.tensor([0, 1, 2, 0])]
    for slug in ("embedding", "position", "projections", "scores", "causal", "attention"):
        assert torch.equal(last(slug)["X"].value, text), slug


@pytest.mark.parametrize("place", [0, 1, 12])
def test_positions_are_added_or_turned(place: int) -> None:
    trace = last("position", {"place": place})
    X, places = trace["X"].value, trace["places"].value
    assert torch.equal(X[0], X[3])
    assert torch.equal(trace["H"].value, X + places[: len(X)])
    assert close(trace["score"].value, trace["apart"].value)
    R = trace["R"].value
    assert close(R @ R.T, torch.eye(2))
    assert close(torch.linalg.det(R), torch.tensor(1.0))
    assert close(trace["turned"].value, X[1] @ turn(0.3 * place))
    assert close(trace["score_1"].value, trace["score_2"].value)


def turn(angle: float) -> Tensor:
    return torch.matrix_exp(torch.tensor([[0.0, angle], [-angle, 0.0]]))


@pytest.mark.parametrize("asks", ["the other kind", "its own kind"])
def test_projections_are_linear_layers(asks: str) -> None:
    trace = last("projections", {"asks": asks})
    X = trace["X"].value
    for name in "QKV":
        assert close(trace[name].value, F.linear(X, trace[f"W_{name}"].value.T))
        assert close(trace[name.lower()].value, trace[name].value)
    assert torch.equal(trace["Q"].value, X.flip(1) if asks == "the other kind" else X)
    assert trace["same"].shape == (4, 64)
    assert close(trace["same"].value, trace["wide"].value @ trace["W_wide"].value)
    assert rows(trace, "Q", (1, 0)) == {1}


@pytest.mark.parametrize("temperature", [0.1, 1.0, 5.0])
def test_softmax_is_torchs(temperature: float) -> None:
    trace = last("softmax", {"temperature": temperature})
    z = trace["z"].value
    assert close(z, torch.tensor([1.0, 2.0, 3.0]) / temperature)
    for name, scores in (("weights", z), ("shifted", z), ("sharper", 2 * z)):
        assert close(trace[name].value, F.softmax(scores, -1)), name
    for name in ("by_hand", "P"):
        assert close(trace[name].value, F.softmax(trace["high"].value, -1)), name


def test_softmax_needs_its_largest_subtracted() -> None:
    trace = last("softmax", {"largest": "kept"})
    assert trace["power"].value.isinf().all()
    assert trace["by_hand"].value.isnan().all()
    assert find("softmax").control("largest").key == "m"


@pytest.mark.parametrize("controls", [{}, {"seq": 5, "size": 16}, {"seq": 3, "size": 1}])
def test_scores(controls: dict[str, Value]) -> None:
    trace = last("scores", controls)
    Q, K, S = (trace[name].value for name in "QKS")
    assert close(S, torch.einsum("ik,jk->ij", Q, K))
    assert close(trace["row"].value, S[2])
    assert close(trace["scaled"].value, S / math.sqrt(Q.shape[1]))
    raw, even = trace["raw"].value, trace["even"].value
    assert raw.shape == (3, 500)
    assert torch.allclose(raw.std(1), torch.tensor([1.0, 4.0, 8.0]), rtol=0.15)
    assert torch.allclose(even.std(1), torch.ones(3), rtol=0.15)
    for name, scores in (("before", raw), ("after", even)):
        counts = [torch.histogram(row, torch.tensor([-99.0, -9, -3, 3, 9, 99])).hist for row in scores]
        assert close(trace[name].value, torch.stack(counts) / 500), name
    wide, P = trace["wide"].value, trace["P"].value
    size = int(find("scores").values(controls)["size"])  # type: ignore[arg-type]
    assert close(P, F.softmax(torch.stack([wide, wide / math.sqrt(size)]), -1))
    assert size == 1 or P[0].max() > P[1].max()


@pytest.mark.parametrize("offset", range(-4, 5))
@pytest.mark.parametrize("mask", ["tril", "triu", "band", "custom"])
def test_the_mask_workbench(mask: str, offset: int) -> None:
    i, j = torch.arange(4)[:, None], torch.arange(4)
    seen = {
        "tril": j <= i + offset,
        "triu": j >= i + offset,
        "band": (j >= i + offset) & (j <= i),
        "custom": torch.tensor(find("causal").control("custom").default) == 1,
    }[mask]
    before = stop("causal", 8, mask=mask, offset=offset, place="before")
    after = stop("causal", 8, mask=mask, offset=offset, place="after")
    S = before["S"].value
    assert torch.equal(before["allowed"].value, seen.float())
    formula = F.softmax(S.masked_fill(~seen, -math.inf), -1)
    assert close(before["P"].value, formula)
    assert close(after["P"].value, F.softmax(S, -1) * seen)
    for trace in (before, after):
        assert close(trace["sums"].value[:, 0], trace["P"].value.sum(-1))
        assert close(trace["mended"].value, formula)
    whole = ~seen.any(-1)
    assert torch.equal(before["sums"].value.isnan()[:, 0], whole)
    assert (after["sums"].value[whole] == 0).all()
    assert (after["sums"].value[~seen.all(-1)] < 1).all()


def test_a_row_masked_whole_is_nan_from_the_subtraction_on() -> None:
    trace = last("causal")
    for name in ("below", "lost"):
        assert torch.equal(trace[name].value.isnan().all(-1), torch.tensor([True, False]))
    lesson = find("causal")
    values = lesson.change(lesson.values(), "mask", "band")
    assert values["offset"] == -1
    assert lesson.run(1, values)["allowed"].value.sum(-1).tolist() == [1, 2, 2, 2]


@pytest.mark.parametrize("controls", [{}, {"seq": 5, "temperature": 0.5}, {"seq": 3, "temperature": 5.0}])
def test_attention_is_the_fused_one(controls: dict[str, Value]) -> None:
    values = find("attention").values(controls)
    trace = find("attention").run(7, controls)
    Q, K, V = (trace[name].value for name in "QKV")
    temperature = values["temperature"]
    assert isinstance(temperature, float)
    scale = 1 / temperature / math.sqrt(Q.shape[1])
    wanted = F.scaled_dot_product_attention(Q, K, V, is_causal=True, scale=scale)
    assert close(trace["out"].value, wanted)
    assert close(trace["fused"].value, wanted)
    assert trace.printed == "True\n"
    for token in range(Q.shape[0]):
        assert rows(trace, "out", (token, 0)) == set(range(token + 1))


def test_a_row_masked_whole_is_nan_by_the_formula_and_0_by_torch() -> None:
    trace = last("attention")
    formula, fused = trace["formula"].value, trace["fused"].value
    assert formula[0].isnan().all()
    assert (fused[0] == 0).all()
    assert close(formula[1:], fused[1:])
    assert torch.equal(trace["both"].value.isnan()[0], torch.tensor([True, True, False, False]))


@pytest.mark.parametrize(("heads", "C"), [(1, 4), (2, 4), (4, 8), (4, 16)])
def test_heads_there_and_back(heads: int, C: int) -> None:
    trace = last("heads", {"heads": heads, "C": C})
    X, Q, S = (trace[name].value for name in "XQS")
    d = C // heads
    assert Q.shape == (2, heads, 3, d)
    assert Q.untyped_storage().data_ptr() == X.untyped_storage().data_ptr()
    for head in range(heads):
        own = X[:, :, head * d : (head + 1) * d]
        assert torch.equal(Q[:, head], own)
        assert torch.equal(S[:, head], own @ (own + 1).mT)
    assert torch.equal(trace["merged"].value, X)
    assert torch.equal(trace["same"].value, X)
    assert trace["Q"].reads((1, heads - 1, 2, 0)) == ({(1, 2, heads - 1, 0)},)


def test_where_view_fails_and_what_mends_it() -> None:
    error = failure("heads", 8)
    assert isinstance(error, ShapeError)
    assert {"back.reshape(B, T, C)", "back.contiguous().view(B, T, C)"} <= set(error.repairs)
    assert "cut (12, 4, 2, 1) True\nQ (12, 2, 4, 1) False\n" in last("heads").printed


@pytest.mark.parametrize("d", [1, 4, 6])
@pytest.mark.parametrize("eps", [0.0, 1e-5, 0.1, 1.0])
def test_layer_norm_and_rms_norm(d: int, eps: float) -> None:
    trace = last("layernorm", {"d": d, "eps": eps})
    X, gamma, beta = (trace[name].value for name in ("X", "gamma", "beta"))
    wanted = F.layer_norm(X, (d,), gamma, beta, eps)
    for name in ("Y", "same", "by_matrix"):
        assert close(trace[name].value, wanted)
    assert close(trace["center"].value, X @ (torch.eye(d) - 1 / d))
    assert close(trace["Z"].value, F.rms_norm(X, (d,), gamma, eps))
    assert "False" not in trace.printed
    names = [part.op for part in trace["same"].parts]
    assert names[:2] == ["mean", "sub"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_residual_is_the_identity_path(seed: int) -> None:
    trace = find("residual").run(7, None, seed)
    x, A, dy = (trace[name].value for name in ("x", "A", "dy"))
    jacobian: Any = torch.autograd.functional.jacobian(lambda v: v + torch.tanh(A @ v), x)  # type: ignore[no-untyped-call]
    assert close(trace["J"].value, jacobian)
    assert close(trace["dx"].value, jacobian.T @ dy)
    assert trace["lost"].value.norm() < 1e-10
    assert trace["kept"].value.norm() > 0.1
    assert "False" not in trace.printed


@pytest.mark.parametrize("controls", [{}, {"d": 6, "ratio": 8}])
def test_mlp(controls: dict[str, Value]) -> None:
    trace = last("mlp", controls)
    X, up, down = (trace[name].value for name in ("X", "W_up", "W_down"))
    assert close(trace["Y"].value, F.gelu(X @ up) @ down)
    assert close(trace["flat"].value, X @ up @ down)
    layers = [nn.Linear(*up.shape), nn.GELU(), nn.Linear(*down.shape)]
    mlp = nn.Sequential(*layers)
    names = ("up.weight", "up.bias", "down.weight", "down.bias")
    parameters = {key: trace[name].value for key, name in zip(mlp.state_dict(), names, strict=True)}
    mlp.load_state_dict(parameters)
    assert close(trace["out"].value, mlp(X))
    assert find("mlp").control("ratio").default == 4


@pytest.mark.parametrize("sizes", [(3, 4, 2), (6, 16, 4), (1, 8, 1), (5, 8, 2)])
def test_the_block_is_torchs_encoder_layer_with_a_causal_mask(sizes: tuple[int, int, int]) -> None:
    T, C, heads = sizes
    trace = last("block", {"T": T, "C": C, "heads": heads})
    layer = nn.TransformerEncoderLayer(
        C, heads, 4 * C, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    names = {
        "self_attn.in_proj": "qkv",
        "self_attn.out_proj": "proj",
        "linear1": "up",
        "linear2": "down",
    }
    state = layer.state_dict()
    for key in state:
        for there, here in names.items():
            if key.startswith(there):
                state[key] = trace[f"{here}.{'weight' if key.endswith('weight') else 'bias'}"].value
    layer.load_state_dict(state)
    mask = nn.Transformer.generate_square_subsequent_mask(T)
    wanted = layer.eval()(trace["X"].value[None], src_mask=mask)[0]
    assert close(trace["Y"].value, wanted)
    assert close(trace["same"].value, wanted)
    assert trace.printed == "True\n"
    for token in range(T):
        assert rows(trace, "Y", (token, C - 1)) == set(range(token + 1))
        assert rows(trace, "same", (token, 0)) == set(range(token + 1))


@pytest.mark.parametrize("temperature", [0.1, 1.0, 3.0])
def test_the_last_row_becomes_probabilities(temperature: float) -> None:
    trace = last("logits", {"temperature": temperature})
    logits, table = trace["logits"].value, trace["table"].value
    assert close(logits, F.linear(trace["Y"].value[-1], table))
    assert rows(trace, "logits", (0,), "Y") == {3}
    assert close(trace["P"].value, F.softmax(logits / temperature, -1))
    said = trace["said"].value
    assert close(trace["loss"].value, F.cross_entropy(logits, torch.tensor(WORDS.index("dog"))))
    assert close(trace["loss"].value, -said[3].log())
    leaf = logits.clone().requires_grad_()
    F.cross_entropy(leaf, torch.tensor(3)).backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    assert close(trace["dlogits"].value, leaf.grad)


def test_the_last_screen_is_a_model_of_the_sentence() -> None:
    trace = last("summary")
    table = trace["table"].value
    text = table[torch.tensor([WORDS.index(word) for word in ("the", "cat", "saw", "the")])]
    seen = text + F.scaled_dot_product_attention(text.flip(1), text, text, is_causal=True)
    thought = seen + F.relu(-seen.sum(1, keepdim=True)) * torch.tensor([1.0, 0.6])
    assert close(trace["next"].value, F.softmax(table @ thought[-1], -1))
    assert WORDS[int(trace["next"].value.argmax())] == "dog"
    assert torch.allclose(last("logits")["Y"].value, thought, atol=0.06)
    assert rows(trace, "next", (3,), "text") == {0, 1, 2, 3}


def test_the_words_name_what_cells_come_from() -> None:
    embedding, attention = last("embedding"), last("attention")
    assert (
        embedding["X"].sentence() == "Each cell of X is a cell of table: the same number under another index."
    )
    assert embedding["product"].sentence("outer").startswith("product is a sum of rows of table, each")
    assert attention["both"].sentence().startswith("Each cell of both is a cell of formula or fused:")
    fused = stop("attention", 7)["fused"]
    assert fused.shape_line == "scaled_dot_product_attention 3 × (4, 2) → (4, 2)"


@pytest.mark.parametrize("sizes", [(3, 4, 2), (6, 8, 4), (1, 16, 1)])
def test_the_way_back_through_a_block_is_autograds(sizes: tuple[int, int, int]) -> None:
    T, C, heads = sizes
    trace = last("backward", {"T": T, "C": C, "heads": heads})
    back = trace.backward("loss")
    assert close(back["dX"].value, trace["G"].value)
    for name in ("dP", "dseen", "dR", "dlogits", "dX"):
        forward = trace[name.removeprefix("d")].value
        assert back[name].shape == forward.shape
    assert close(back["dseen"].value.sum(-1), torch.zeros(heads, T))
    assert close(back["dX_2"].value.sum(-1), torch.zeros(T))
    assert {node.evidence for node in back.nodes} <= {"rule", "index"}
