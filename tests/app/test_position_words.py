"""`--words` on the command line and on the screen: words at positions, and at the largest logits."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from llm_linalg.lessons.lesson import Lesson
from tests.app.driving import opened
from tests.common import ours
from tui.cli import open_command, trace_command
from tui.model.view import View
from tui.model.view_words import command

MODEL = """
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.head = nn.Embedding(40, 8), nn.Linear(8, 40)

    def forward(self, ids):
        x = self.words(ids).unsqueeze(1)
        return self.head(scaled_dot_product_attention(x, x, x, is_causal=True).squeeze(1))
"""
TARGET = ("model.py:Net", "--inputs", "torch.tensor([[1, 2, 3]])")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a model and a tokenizer in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    vocabulary = {f"Ġw{number}": number for number in range(40)}
    parts = {"model": {"type": "BPE", "vocab": vocabulary}, "decoder": {"type": "ByteLevel"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts), encoding="utf-8")
    return tmp_path


def lesson(*words: str) -> Lesson:
    return trace_command.lesson_of_target(trace_command.parser().read([*TARGET, *words]))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("the cat", "2 words fit no input; their shapes are (1, 3)"),
        ("one", "1 words fit no input"),
        ("", "a text without words names nothing"),
        ("model.py", "is no tokenizer"),
    ],
)
def test_words_that_fit_nothing_are_refused(
    capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    code, out, narration = ours(capsys, "trace", *TARGET, "--words", words, "--format", "plain")
    assert (code, out) == (2, "")
    assert said.replace("1 words", "1 word") in narration


def test_a_tokenizer_without_these_ids_fits_nothing(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"model": {"vocab": {"a": 0, "b": 1}}}', encoding="utf-8")
    code, _, narration = ours(capsys, "trace", *TARGET, "--words", "tokenizer.json", "--summary")
    assert code == 2
    assert "this tokenizer's ids fit no input" in narration


async def test_a_head_has_the_words_of_a_text_at_both_axes() -> None:
    async with opened(lesson("--words", "the cat sat")) as d:
        await d.press("A", "enter")
        assert any(row.split()[-3:] == ["the", "cat", "sat"] for row in d.rows)
        assert any(" sat " in row and row.split()[-1] != "sat" for row in d.rows)


async def test_with_a_vocabulary_the_largest_logits_have_their_words() -> None:
    shown = lesson("--words", "tokenizer.json")
    async with opened(shown) as d:
        trace = d.session.current
        assert trace is not None
        assert trace.trace is not None
        best = trace.trace.nodes[-1].value[0, 2].topk(3).indices.tolist()
        assert "in row 2 '␣w3' of" in d.screen
        drawn = [row.split()[-3] for row in d.rows if "█" in row and "␣w" in row]
        assert drawn[:3] == [f"␣w{k}" for k in best]
        await d.press("A", "enter")
        assert any(row.split()[-3:] == ["␣w1", "␣w2", "␣w3"] for row in d.rows)
    assert command(View.opening(shown)).endswith("--words tokenizer.json")


async def test_a_trace_that_was_saved_takes_words_too(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ours(capsys, "trace", *TARGET, "--save", "net.trace")[0] == 0
    assert ours(capsys, "open", "net.trace", "--words", "a b", "--format", "plain")[0] == 2
    found: list[Lesson] = []

    def launch(_: Namespace, lesson: Lesson) -> int:
        found.append(lesson)
        return 0

    monkeypatch.setattr(open_command, "check_terminal", lambda *_: None)
    monkeypatch.setattr(open_command, "launch", launch)
    assert ours(capsys, "open", str(folder / "net.trace"), "--words", "a b c")[0] == 0
    async with opened(found[0]) as d:
        await d.press("A", "enter")
        assert any(row.split()[-3:] == ["a", "b", "c"] for row in d.rows)
