"""Words of positions: from a text, or from a tokenizer, which has one for each id; and where they belong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from llm_linalg import Trace, trace
from llm_linalg.analysis.axis_names import AxisNaming
from llm_linalg.base.axis_labels import AxisLabels
from llm_linalg.lessons.words import AXIS, Words, named_axes, read_words

VOCABULARY = ["Ġthe", "Ġcat", "ing", "Ã©", "Ċ", "Ġsat"]
SHOWN = ("␣the", "␣cat", "ing", "é", "\\n", "␣sat")


def tokenizer(folder: Path, **parts: object) -> Path:
    """A tokenizer's file with these parts."""
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(parts), encoding="utf-8")
    return path


BYTES: dict[str, object] = {
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}]},
    "decoder": None,
}


def test_a_text_is_split_at_spaces() -> None:
    assert read_words(" the cat  sat ") == Words(("the", "cat", "sat"))
    with pytest.raises(ValueError, match="names nothing"):
        read_words("  ")


def test_tokens_are_shown_as_the_text_that_they_stand_for(tmp_path: Path) -> None:
    model: dict[str, object] = {
        "type": "BPE",
        "vocab": {token: number for number, token in enumerate(VOCABULARY)},
    }
    added = [{"id": 8, "content": "<|end|>"}]
    path = tokenizer(tmp_path, model=model, added_tokens=added, **BYTES)
    assert read_words(str(path)) == Words(vocabulary=(*SHOWN, "", "", "<|end|>"))
    assert read_words(str(tmp_path)) == read_words(str(path))
    model = {"type": "Unigram", "vocab": [["<unk>", 0.0], ["▁the", -1.5], ["s", -2]]}
    assert read_words(str(tokenizer(tmp_path, model=model))).vocabulary == ("<unk>", "␣the", "s")
    model = {"type": "WordPiece", "vocab": {"the": 0, "##ing": 1}}
    assert read_words(str(tokenizer(tmp_path, model=model))).vocabulary == ("the", "##ing")


@pytest.mark.parametrize(
    "text",
    [
        "", "no JSON", "[1]", "{}", '{"model": 1}', '{"model": {"vocab": {}}}', "[" * 100_000,
        '{"model": {"vocab": {"a": -1}}}', '{"model": {"vocab": {"a": 1e18}}}',
        '{"model": {"vocab": {"a": "x"}}}',
        '{"model": {"vocab": {"a": 0}}, "added_tokens": [{"id": 99999999999, "content": "b"}]}',
    ],
)  # fmt: skip
def test_what_is_no_tokenizer_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="is no tokenizer") as raised:
        read_words(str(path))
    assert "\n" not in str(raised.value)


def test_no_word_holds_what_a_terminal_would_obey(tmp_path: Path) -> None:
    model = {"type": "WordLevel", "vocab": {"\x1b[2Ja": 0, "b\u202ec": 1, "x" * 999: 2}}
    words = read_words(str(tokenizer(tmp_path, model=model))).vocabulary
    assert all(word.isprintable() and len(word) <= 24 for word in words)


class Model(nn.Module):
    """Ids, a head of attention, logits; positions have a table too."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(rows, 8), nn.Embedding(4, 8)
        self.head = nn.Linear(8, rows, bias=False)

    def forward(self, ids: Tensor, places: Tensor) -> Tensor:
        """Returns the chances of the next word."""
        x = (self.words(ids) + self.places(places)).unsqueeze(1)
        x = functional.scaled_dot_product_attention(x, x, x, is_causal=True).squeeze(1)
        chances: Tensor = self.head(x).softmax(-1)
        return chances


def traced(ids: list[list[int]], rows: int = 9) -> Trace:
    torch.manual_seed(0)
    return trace(Model(rows), torch.tensor(ids), torch.arange(len(ids[0]))[None])


def named(found: Trace, words: Words) -> AxisNaming:
    return AxisNaming(named_axes(words, found), {})


def test_a_vocabulary_names_positions_weights_and_logits() -> None:
    found = traced([[0, 1, 5]])
    naming = named(found, Words(vocabulary=SHOWN))
    said, rest = ("␣the", "␣cat", "␣sat"), (*SHOWN, "", "", "")
    assert naming.of(found.nodes[-1]) == (AxisLabels(), AxisLabels(AXIS, said), AxisLabels(AXIS, rest))
    weights = naming.of(found.heads[0].weights_node)
    assert [edge.labels for edge in weights] == [(), (), said, said]
    assert naming.of(found["places"]) == ()


def test_of_a_batch_of_several_texts_positions_have_no_words() -> None:
    same, several = traced([[0, 1], [0, 1]]), traced([[0, 1], [0, 5]])
    assert named(same, Words(vocabulary=SHOWN)).of(same.nodes[-1])[1].labels == ("␣the", "␣cat")
    edges = named(several, Words(vocabulary=SHOWN)).of(several.nodes[-1])
    assert (edges[1], edges[2].name) == (AxisLabels(), AXIS)


def test_the_words_of_a_text_name_the_axis_of_their_number() -> None:
    found = traced([[0, 1, 5]])
    words = Words(("a", "b", "c"))
    naming = named(found, words)
    assert naming.of(found.nodes[-1])[1] == AxisLabels(AXIS, ("a", "b", "c"))
    assert [edge.labels for edge in naming.of(found.heads[0].weights_node)][2:] == [("a", "b", "c")] * 2
    assert words.fit([torch.zeros(2, 3, dtype=torch.long)])
    assert words.fit([torch.zeros(2, 3, 8)])
    assert not words.fit([torch.zeros(2, 8, 3)])  # features
    assert not words.fit([torch.zeros(2, 4, dtype=torch.long)])
    assert Words(vocabulary=SHOWN).fit([torch.tensor([[0, 5]])])
    assert not Words(vocabulary=SHOWN).fit([torch.tensor([[0, 6]]), torch.zeros(2)])
