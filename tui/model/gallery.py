"""The attention heads of a program as a gallery: a value with a small picture of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_linalg.base.text import CleanText, clean

if TYPE_CHECKING:
    from llm_linalg.analysis.attention import Focus

Blocks = Callable[[int], Sequence[Sequence[float]] | None]
STRENGTHS = (0.02, 0.1, 0.3, 0.6)
"""The weights from which on a picture's colours are one stronger."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadPicture:
    """One head.

    Attributes:
        head: Its number in its layer, from 0.
        shape: Its queries, and its keys.
        blocks: The largest weight in each square block of so many queries and keys; None if the values were
            dropped.
    """

    head: int
    shape: tuple[int, int]
    blocks: Blocks

    def strengths(self, size: int) -> list[list[int | None]]:
        """Return how strong the colour of each block is, 0 to 4: None for NaN; nothing if it is not known."""
        return [[_strength(weight) for weight in row] for row in self.blocks(size) or ()]


@dataclass(frozen=True, slots=True, eq=False)
class GalleryLayer:
    """The heads of a layer; `label` says where they are computed."""

    label: CleanText
    heads: tuple[HeadPicture, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """The heads of all layers, of one of a batch.

    Attributes:
        layers: The layers, in the order in which they ran.
        layer: The place of the selected head's.
        head: Its place there.
        batch: Which of the batch is shown, from 0.
        batches: How many there are.
        focus: Where the weights of the selected head go.
    """

    layers: tuple[GalleryLayer, ...]
    layer: int
    head: int
    batch: int
    batches: int
    focus: str

    @property
    def place(self) -> tuple[int, int]:
        """The number of the selected head, from 1, and how many there are."""
        before = sum(len(layer.heads) for layer in self.layers[: self.layer])
        return before + self.head + 1, sum(len(layer.heads) for layer in self.layers)

    @property
    def selection(self) -> HeadPicture:
        """The selected head."""
        return self.layers[self.layer].heads[self.head]

    @property
    def name(self) -> str:
        """What the selected head is called."""
        return _name(self.layers[self.layer], self.selection)

    @property
    def sentence(self) -> CleanText:
        """What there is to say of the selected head."""
        several = f", {self.batch + 1} of a batch of {self.batches}" if self.batches > 1 else ""
        queries, keys = self.selection.shape
        return clean(f"{self.name}{several}: {queries} queries, {keys} keys. {self.focus}", 600)

    @property
    def plain(self) -> Iterator[tuple[str, bool]]:
        """Each head as a line to be read aloud, and whether it is selected."""
        for layer in self.layers:
            for picture in layer.heads:
                queries, keys = picture.shape
                selected = picture is self.selection
                focus = f"; {self.focus}" if selected else ""
                yield f"{_name(layer, picture)}; {queries} queries, {keys} keys{focus}", selected

    def record(self) -> dict[str, object]:
        """Return the gallery for JSON."""
        layers = [{"path": layer.label, "heads": len(layer.heads)} for layer in self.layers]
        chosen = {"layer": self.layer, "head": self.selection.head, "batch": self.batch}
        return {"layers": layers, **chosen, "weights": self.selection.blocks(1)}


def focus_text(focus: Focus | None) -> str:
    """Return where the weights of a head go, in words; None if its values were dropped."""
    if focus is None:
        return "Its values were dropped."
    if focus.spread != focus.spread:
        return "Some of its weights are NaN, so they have no average."
    shares = (("its own place", focus.itself), ("the one before", focus.before), ("the first", focus.first))
    parts = [f"{share:.0%} on {where}" for where, share in shares if share is not None]
    even = f"as spread as {focus.spread:.1f} keys"
    return f"On average {', '.join(parts)}; {even}." if parts else f"Its weights are {even}."


def _name(layer: GalleryLayer, picture: HeadPicture) -> str:
    return f"head {picture.head} of {layer.label}" if layer.label else f"head {picture.head}"


def _strength(weight: float) -> int | None:
    return None if weight != weight else sum(weight >= least for least in STRENGTHS)
