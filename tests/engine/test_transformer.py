"""The transformer in the curriculum, at other settings than those of its own claims."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from llm_linalg.api.trace import Trace
from llm_linalg.base.errors import ShapeError
from llm_linalg.lessons.control import Value
from llm_linalg.lessons.reader import find
from tests.engine.here import run
from tests.engine.test_curriculum import failure, last

F = nn.functional


def close(value: Tensor, wanted: Tensor) -> bool:
    return torch.allclose(value, wanted, atol=1e-5, equal_nan=True)


def stop(slug: str, number: int, seed: int = 0, **controls: Value) -> Trace:
    return find(slug).run(number, controls, seed)


def rows(trace: Trace, node: str, index: tuple[int, ...], name: str = "X") -> set[int]:
    """The rows of a matrix that a cell is made of."""
    found = trace.lineage(node, index)
    return {cell[-2] for cell in found.get(trace[name], ())}


def test_the_words_are_the_same_in_every_lesson() -> None:
    table = last("embedding")["table"].value
    assert F.cosine_similarity(table[1], table[3], dim=0).item() == pytest.approx(0.7071, abs=5e-4)
    assert F.cosine_similarity(table[0], table[1], dim=0).item() == 0
    text = table[torch.tensor([0, 1, 2, 0])]
    for slug in ("embedding", "position", "projections", "scores", "causal", "attention"):
        assert torch.equal(last(slug)["X"].value, text), slug


def test_softmax_needs_its_largest_subtracted() -> None:
    trace = last("softmax", {"largest": "kept"})
    assert trace["power"].value.isinf().all()
    assert trace["by_hand"].value.isnan().all()
    assert find("softmax").control("largest").key == "m"


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


def test_where_view_fails_and_what_mends_it() -> None:
    error = failure("heads", 9)
    assert isinstance(error, ShapeError)
    assert {"back.reshape(B, T, C)", "back.contiguous().view(B, T, C)"} <= set(error.repairs)
    assert "cut (12, 4, 2, 1) True\n(12, 2, 4, 1) False\n" in last("heads").printed


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


def test_the_words_name_what_cells_come_from() -> None:
    embedding, attention = last("embedding"), last("attention")
    assert (
        embedding["X"].sentence() == "Each cell of X is a cell of table: the same number under another index."
    )
    assert embedding["product"].sentence("outer").startswith("product is a sum of rows of table, each")
    assert attention["both"].sentence().startswith("Each cell of both is a cell of formula or fused:")
    fused = stop("attention", 7)["fused"]
    assert fused.shape_line == "scaled_dot_product_attention 3 × (4, 2) → (4, 2)"


WAY_BACK = """
def attention(N):
    QKV = qkv(N)
    cut = QKV.view(T, 3, heads, -1)
    parts = cut.permute(1, 2, 0, 3)
    Q, K, V = parts
    scores = Q @ K.mT
    S = scores / (C // heads) ** 0.5
    seen = S.masked_fill(future, -math.inf)
    P = torch.softmax(seen, dim=-1)
    mixed = P @ V
    side = mixed.transpose(0, 1)
    joined = side.reshape(T, C)
    return proj(joined)

def mlp(N):
    H = up(N)
    G = F.gelu(H)
    return down(G)

def norm(x):
    return F.layer_norm(x, (C,))

X = torch.randn(T, C).requires_grad_()
qkv, proj = nn.Linear(C, 3 * C), nn.Linear(C, C)
up, down = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)
table, target = torch.randn(5, C), torch.randint(5, (T,))
future = torch.ones(T, T).triu(1) == 1
N = norm(X)
A = attention(N)
R = X + A
N_R = norm(R)
M = mlp(N_R)
Y = R + M
logits = Y @ table.T
loss = F.cross_entropy(logits, target)
loss.backward()
G = X.grad.clone()
"""


@pytest.mark.parametrize("sizes", [(3, 4, 2), (6, 8, 4), (1, 16, 1)])
def test_the_way_back_through_a_block_is_autograds(sizes: tuple[int, int, int]) -> None:
    T, C, heads = sizes
    trace = run(WAY_BACK, names={"T": T, "C": C, "heads": heads})
    back = trace.backward("loss")
    assert close(back["dX"].value, trace["G"].value)
    for name in ("dP", "dseen", "dR", "dlogits", "dX"):
        forward = trace[name.removeprefix("d")].value
        assert back[name].shape == forward.shape
    assert close(back["dseen"].value.sum(-1), torch.zeros(heads, T))
    assert close(back["dX_N"].value.sum(-1), torch.zeros(T))
    assert {node.evidence for node in back.nodes} <= {"rule", "index"}


@pytest.mark.parametrize("T", [1, 2, 4])
def test_the_way_back_through_the_model_is_autograds(T: int) -> None:
    trace = last("backward", {"T": T})
    back = trace.backward("loss")
    assert close(back["dtable"].value, trace["G"].value)
    assert close(back["dtable"].value, back["dtable_logits"].value + back["dtable_X"].value)
    assert (back["dtable_1"], back["dtable_2"]) == (back["dtable_logits"], back["dtable_X"])  # as once
    for name in ("dP", "dseen", "dH", "dR", "dlogits", "dX", "dW_Q", "dW_up"):
        assert back[name].shape == trace[name.removeprefix("d")].shape
    assert close(back["dseen"].value.sum(-1), torch.zeros(T))
    assert torch.equal(back["dH"].value == 0, trace["H"].value <= 0)
    assert {node.evidence for node in back.nodes} <= {"rule", "index"}
