"""Attention heads on the command line: of a trace, and of one that was saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from llm_linalg import load_trace
from tests.common import ours

Capture = pytest.CaptureFixture[str]
MODEL = """
import torch
from torch.nn.functional import scaled_dot_product_attention

def attend(x, y):
    one = scaled_dot_product_attention(x, x, x, is_causal=True)
    return torch.softmax(one @ y.mT, -1) @ y

def none(x, y):
    return x @ y.mT
"""
TARGET = ("model.py:attend", "--inputs", "2x2x4x3", "2x2x70x3")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a model in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    return tmp_path


def test_a_line_a_head_says_where_its_weights_go(capsys: Capture) -> None:
    code, out, _ = ours(capsys, "trace", *TARGET, "--attention")
    head, first, *rest = out.splitlines()
    assert code == 0
    assert head.split() == ["head", "batch", "queries", "keys", "own", "place", "before", "first", "spread"]
    assert first.split()[:5] == ["-", "0", "0", "4", "4"]
    assert len(first.split()) == 9
    assert rest[3].split()[:5] == ["-", "0", "0", "4", "70"]
    assert len(rest[3].split()) == 7  # other keys than queries have no place of their own
    assert len(out.splitlines()) == 1 + 8 + 2


def test_json_has_the_weights_of_the_trace_that_was_saved(capsys: Capture) -> None:
    assert ours(capsys, "trace", *TARGET, "--save", "one.trace")[0] == 0
    _, out, _ = ours(capsys, "trace", *TARGET, "--attention", "--format", "json")
    code, again, _ = ours(capsys, "open", "one.trace", "--attention", "--format", "json")
    assert (code, again) == (0, out)
    records = [json.loads(line) for line in out.splitlines()]
    heads = load_trace("one.trace").heads
    assert [(one["layer"], one["head"], one["batch"]) for one in records] == [
        (head.layer, head.head, head.batch) for head in heads
    ]
    for record, head in zip(records, heads, strict=True):
        assert torch.tensor(record["weights"]).allclose(head.weights, atol=1e-5)
        assert record["spread"] == pytest.approx(head.focus.spread, rel=1e-5)


def test_what_has_no_heads_says_so(capsys: Capture) -> None:
    code, out, _ = ours(capsys, "trace", "model.py:none", *TARGET[1:], "--attention")
    assert (code, out[:13]) == (0, "no attention:")
    assert ours(capsys, "trace", *TARGET, "--attention", "--summary")[0] == 2
    assert ours(capsys, "open", "model.py", "--attention")[0] == 2


def test_weights_that_are_not_finite_are_called_so(capsys: Capture) -> None:
    inputs = ("--inputs", "torch.full((1, 1, 2, 3), torch.nan)", "1x1x2x3")
    _, out, _ = ours(capsys, "trace", "model.py:attend", *inputs, "--attention")
    assert out.splitlines()[1].split() == ["-", "0", "2", "2", "NaN", "NaN", "NaN", "NaN"]
