"""Words for the positions of a trace: those of a text, or of a tokenizer, which names logits too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from llm_linalg.base.axis_labels import AxisLabels, TensorLabels
from llm_linalg.base.file_io import read_bytes
from llm_linalg.base.spelling import quote
from llm_linalg.base.text import clean

if TYPE_CHECKING:
    from torch import Tensor

    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace

LARGEST = 2**26  # bytes of a tokenizer's file
MOST_IDS = 10**7  # beyond which an id of its file makes no sense
LONGEST_PATH = 4096
WORD = 24  # characters of a word
FILE = "tokenizer.json"
AXIS = "token"  # what an axis is called along which words stand
_SPACES = ("▁", " ")
"""A space in the tokens of SentencePiece, and in text."""


class Words(NamedTuple):
    """Words for what a trace has along its axes.

    Attributes:
        positions: A word for each position, if they are given as a text.
        vocabulary: A word for each id, if a tokenizer is given.
    """

    positions: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()

    def fit(self, inputs: Iterable[Tensor]) -> bool:
        """Return whether they name the positions of one of the inputs."""
        if self.vocabulary:
            return any(_holds_ids(value, len(self.vocabulary)) for value in inputs)
        return any(_axis(value, len(self.positions)) is not None for value in inputs)


NO_WORDS = Words()


def read_words(text: str) -> Words:
    """Return the words of a text, split at spaces; of a path that exists, those of the tokenizer there.

    Raises:
        ValueError: If there is no word, or no tokenizer at the path; the message is one line.
        OSError: If the file can't be read.
    """
    path = Path(text)
    words = tuple(clean(word, WORD) for word in text.split())
    if not words:
        raise ValueError("a text without words names nothing")
    if len(text) > LONGEST_PATH or not path.exists():
        return Words(words)
    path = path / FILE if path.is_dir() else path
    data = read_bytes(path, LARGEST + 1)
    try:
        if len(data) > LARGEST:
            raise ValueError
        return Words(vocabulary=_vocabulary(json.loads(data)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError(f"{quote(str(path), 200)} is no tokenizer, as {FILE} is one") from None


def _vocabulary(tokenizer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a word for each id of a tokenizer of the `tokenizers` library."""
    known = tokenizer["model"]["vocab"]
    pairs = known.items() if isinstance(known, dict) else ((own[0], place) for place, own in enumerate(known))
    ids = {int(number): str(token) for token, number in pairs}
    as_bytes = '"ByteLevel"' in json.dumps([tokenizer.get("pre_tokenizer"), tokenizer.get("decoder")])
    words = {number: _from_bytes(token) if as_bytes else token for number, token in ids.items()}
    for own in tokenizer.get("added_tokens") or ():
        words[int(own["id"])] = str(own["content"])
    if not words or not 0 <= min(words) <= max(words) < MOST_IDS:
        raise ValueError
    return tuple(_shown(words.get(number, "")) for number in range(max(words) + 1))


def _from_bytes(token: str) -> str:
    """Return the text of a token whose characters stand for bytes."""
    if any(char not in _BYTES for char in token):
        return token
    return bytes(_BYTES[char] for char in token).decode("utf-8", "backslashreplace")


def _byte_characters() -> dict[str, int]:
    """Return the byte of each character, as GPT-2 writes them: printable ones as themselves."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + k): byte for k, byte in enumerate(others)}


_BYTES = _byte_characters()


def _shown(token: str) -> str:
    """Return a token as it is shown: a space before it as a sign, so that it is seen."""
    for space in _SPACES:
        if token.startswith(space):
            token = f"␣{token[1:]}"
    written = token.encode("unicode_escape").decode() if not token.isprintable() else token
    return clean(written, WORD)


class NamedAxes(NamedTuple):
    """The words along the axes of tensors, by the tensors' names, as `AxisNaming` takes them."""

    tensors: Mapping[str, TensorLabels]

    def labels_of(self, lists: Mapping[str, Sequence[str]]) -> dict[str, TensorLabels]:  # noqa: ARG002
        """Return the axes of each tensor."""
        return dict(self.tensors)


def named_axes(words: Words, trace: Trace) -> NamedAxes:
    """Return the axes of a trace's inputs and tables along which words stand."""
    if words.vocabulary:
        return NamedAxes(dict(_axes_of_ids(words.vocabulary, trace)))
    along = AxisLabels(AXIS, words.positions)
    axes = {node: _axis(node.value, len(words.positions)) for node in trace.nodes if node.op == "input"}
    return NamedAxes({node.name: _at(axis, node, along) for node, axis in axes.items() if axis is not None})


def _at(axis: int, node: Node, along: AxisLabels) -> TensorLabels:
    """Return the axes of a tensor of which one has words."""
    return tuple(along if k == axis else AxisLabels() for k in range(len(node.shape)))


def _axes_of_ids(vocabulary: Sequence[str], trace: Trace) -> Iterator[tuple[str, TensorLabels]]:
    """Yield the axes along which the words of ids stand.

    They are those of the largest table that ids read rows of, of other parameters with as many rows, which
    give logits, and of the ids themselves.
    """
    reads = [read for node in trace.nodes if node.op == "embedding" and (read := _row_read(node))]
    rows = max((size for size, _ in reads), default=0)
    for node in trace.nodes:
        if node.op == "parameter" and node.shape[:1] == (rows,):
            yield node.name, _at(0, node, AxisLabels(AXIS, tuple(vocabulary[:rows])))
    for ids in {ids for size, ids in reads if size == rows}:
        texts = ids.value.reshape(-1, ids.shape[-1])
        if bool((texts == texts[:1]).all()):  # of a batch of several texts no word is that of a position
            labels = [vocabulary[k] if k < len(vocabulary) else "" for k in texts[0].tolist()]
            yield ids.name, _at(len(ids.shape) - 1, ids, AxisLabels(AXIS, tuple(labels)))


def _row_read(node: Node) -> tuple[int, Node] | None:
    """Return the rows of a table that an embedding reads, and the input whose numbers say which."""
    table, ids = (
        node.operands[place].node
        for name in ("weight", "input")
        if node.call is not None and (place := node.call.place(name)) is not None
    )
    while ids.kind in ("movement", "pointwise") and len(ids.operands) == 1:
        ids = ids.operands[0].node
    return (table.shape[0], ids) if ids.op == "input" and ids.value.numel() and not ids.dropped else None


def _axis(value: Tensor, count: int) -> int | None:
    """Return the axis of an input's positions, if it has so many; None without.

    It is the last, of floating-point numbers, which are features, the one before; or the first, of several.
    """
    rank = value.dim()
    last = rank - 2 if value.is_floating_point() and rank > 1 else rank - 1
    places = (last, 0) if count > 1 else (last,)
    return next((axis for axis in places if rank and value.shape[axis] == count), None)


def _holds_ids(value: Tensor, count: int) -> bool:
    """Return whether an input may be ids below a count."""
    if value.is_floating_point() or value.is_complex() or not value.numel() or not value.dim():
        return False
    return bool((value >= 0).all()) and int(value.max()) < count
