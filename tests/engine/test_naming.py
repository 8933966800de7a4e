"""Names and labels of axes: derived, and held against what changes when an input changes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg import Trace
from llm_linalg.analysis import axis_names
from llm_linalg.analysis.axis_names import AxisNaming
from llm_linalg.base.axis_labels import AxisDeclarations, AxisLabels, fit_labels
from tests.engine.here import run

ATTENTION = """\
words = ["the", "cat", "saw"]
X = torch.randn(3, 4)
W_Q, W_K, W_V = torch.randn(3, 4, 4)
Q, K, V = X @ W_Q, X @ W_K, X @ W_V
S = Q @ K.T
future = torch.triu(torch.ones(3, 3), 1) == 1
P = torch.softmax(S.masked_fill(future, -torch.inf), dim=-1)
out = P @ V
heads = Q.view(3, 2, 2).transpose(0, 1)
fused = F.scaled_dot_product_attention(Q, K, V, is_causal=True)
loss = out.sum()
"""
AXES = {"X": ("token", "feature"), "Q": ("query", ""), "K": ("key", "")}
WORDS = ("the", "cat", "saw")


def shown(t: Trace, name: str) -> list[tuple[str, tuple[str, ...]]]:
    edges = t.edges(AXES, {"token": "words"}).get(t[name], ())
    return [(edge.name, edge.labels) for edge in edges]


def test_scores_have_queries_down_and_keys_across_without_being_told() -> None:
    t = run(ATTENTION)
    query, key, plain = ("query", WORDS), ("key", WORDS), ("", ())
    assert shown(t, "S") == shown(t, "P") == [query, key]
    assert shown(t, "out") == shown(t, "fused") == [query, plain]
    assert shown(t, "V") == [("token", WORDS), plain]
    assert shown(t, "heads") == [plain, query, plain]
    assert shown(t, "loss") == shown(t, "future") == []


def test_the_backward_pass_and_the_parts_of_a_softmax_are_named_too() -> None:
    t = run(ATTENTION)
    said = (("Q", ("query", "")), ("K", ("key", "")))
    naming = AxisNaming(AxisDeclarations(said, (("query", WORDS), ("key", ("a", "b", "c")))), t.lists)
    back = t.backward("loss")
    assert naming.of(back["dV"]) == (AxisLabels("key", ("a", "b", "c")), AxisLabels())  # dV = P.T @ dout
    assert naming.of(back["dP"]) == ()  # dout @ V.T: nobody said what V's rows are
    power = next(part for part in t["P"].parts if part.name == "power")
    assert naming.of(power) == (AxisLabels("query", WORDS), AxisLabels("key", ("a", "b", "c")))


def test_words_are_cut_to_the_axis_and_lists_that_are_missing_say_nothing() -> None:
    t = run('words = ["a", "b"]\nx = torch.ones(3, 2)')
    axes = {"x": ("row", "column")}
    assert t.edges(axes, {"row": "words"})[t["x"]] == (
        AxisLabels("row", ("a", "b", "")),
        AxisLabels("column"),
    )
    assert t.edges(axes, {"row": ["p", "q", "r", "s"]})[t["x"]][0].labels == ("p", "q", "r")
    assert t.edges(axes, {"row": "others"})[t["x"]] == (AxisLabels("row"), AxisLabels("column"))
    assert t.edges({"x": ("row",)}, {}) == {}, "a name for each axis, or none"
    assert fit_labels(AxisLabels("row", ("", "")), 2) == AxisLabels("row")


def test_names_that_disagree_are_dropped_and_labels_one_by_one() -> None:
    t = run("x = torch.ones(2, 2)\ny = torch.ones(2, 2)\nz = x + y")
    axes = {"x": ("a", ""), "y": ("b", "")}
    assert t.edges(axes, {"a": ["p", "q"], "b": ["p", "r"]})[t["z"]] == (
        AxisLabels("", ("p", "")),
        AxisLabels(),
    )


def test_an_axis_of_one_place_is_followed_only_where_there_is_no_other_choice() -> None:
    t = run("x = torch.ones(1, 3)\nturned = x.T\ny = torch.ones(1, 1)\nflipped = y.T")
    found = t.edges({"x": ("a", "b"), "y": ("c", "d")}, {})
    assert found[t["turned"]] == (AxisLabels("b"), AxisLabels("a"))
    assert t["flipped"] not in found


VIEWS = [
    "y = y.transpose(0, -1)",
    "y = y.reshape(y.shape[0], -1)",
    "y = y.reshape(-1, 1, y.shape[-1])",
    "y = y.unflatten(0, (-1, 2)) if y.shape[0] % 2 == 0 else y",
    "y = y[..., 1:] if y.shape[-1] > 1 else y",
    "y = y[::2]",
    "y = y.unsqueeze(1).expand(-1, 2, *[-1] * (y.dim() - 1))",
    "y = y.select(-1, 0).unsqueeze(0)",
    "y = y.flip(0)",
]


@given(st.lists(st.sampled_from(VIEWS), min_size=1, max_size=4), st.tuples(*[st.integers(1, 4)] * 3))
@settings(max_examples=60, deadline=None)
def test_a_view_is_followed_by_its_steps_as_by_its_cells(
    views: list[str], shape: tuple[int, int, int]
) -> None:
    """What the steps of its axes say is what its cells would, and is said of one too large for these."""
    t = run("\n".join([f"x = torch.zeros{shape}", "y = x", *views]))
    axes, labels = {"x": ("a", "b", "c")}, {name: [f"{name}{k}" for k in range(4)] for name in "abc"}
    in_memory = t.edges(axes, labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(axis_names._View, "of_memory", lambda *_: None)
        by_steps = t.edges(axes, labels)
        patch.setattr(axis_names, "MOST_CELLS", 0)
        large = t.edges(axes, labels)
        patch.setattr(axis_names, "MOST_CELLS", 10**9)
        patch.setattr(axis_names._View, "of", lambda _: None)
        examined = t.edges(axes, labels)
    assert in_memory == by_steps == examined
    assert large.keys() <= examined.keys()
    if "y = y.flip(0)" not in views:  # which goes backwards
        assert large == examined


STEPS = [
    "x = x @ torch.randn(x.shape[-1], 3)",
    "x = x + torch.randn(x.shape[-1])",
    "x = F.relu(x * 2 - 0.1)",
    "x = torch.softmax(x, dim=-1)",
    "x = F.layer_norm(x, (x.shape[-1],))",
    "x = x.flip(0)",
    "x = x[1:] if x.shape[0] > 2 else x",
    "x = x[[1, 0, 1]]",
    "x = torch.cat([x, x * 3], 0)",
    "x = torch.cat([x, x.tanh()], 1)",
    "x = x.T.contiguous().T",
    "x = x.reshape(x.shape[0], 1, -1).transpose(0, 1)[0]",
    "x = x.unsqueeze(1).expand(-1, 2, -1).flatten(1)",
    "x = torch.einsum('ij->ji', x).mT",
    "x = torch.stack([x, x], 1).sum(1)",
    "x = torch.where(x > 0, x, -x)",
]


@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=6), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_labels_keep_to_their_rows_through_random_programs(steps: list[str], tokens: int) -> None:
    """No step mixes tokens: a row of the result moves with the token that its label names, and no other."""
    words = [f"t{i}" for i in range(tokens)]

    def program(bump: str) -> Trace:
        return run("\n".join([f"start = torch.randn({tokens}, 2)", bump, "x = start * 1", *steps]), seed=1)

    t = program("start = start + 0")
    found = t.edges({"start": ("token", "")}, {"token": words})
    edge = found[t["x"]][0]
    assert edge.name == "token"
    assert all(edge.labels)
    for i, word in enumerate(words):
        after = program(f"bump = torch.zeros({tokens}, 1)\nbump[{i}] = 0.37\nstart = start + bump")
        changed = (t["x"].value != after["x"].value).any(1).tolist()
        assert {label for label, moved in zip(edge.labels, changed, strict=True) if moved} <= {word}
