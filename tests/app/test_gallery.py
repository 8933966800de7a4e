"""The gallery of attention heads: small pictures that show the weights, and each opens with both axes."""

from __future__ import annotations

import json
from dataclasses import replace
from math import nan

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from llm_linalg.analysis.attention import Focus
from llm_linalg.base.text import clean
from llm_linalg.lessons.external import of_function
from llm_linalg.lessons.lesson import Lesson, lesson_of
from tests.app.driving import opened
from tests.common import known
from tests.two_blocks import TWO_BLOCKS
from tui.compose.galleries import HeadPlaces
from tui.compose.view_runner import open_view
from tui.export.html_parts import picture
from tui.model.gallery import STRENGTHS, Gallery, GalleryLayer, HeadPicture, focus_text
from tui.model.view import View
from tui.model.view_words import arguments
from tui.panes.gallery_pane import gallery_rows
from tui.render.json_text import frame_object
from tui.render.plain import to_plain
from tui.session.contexts import Context
from tui.text.glyphs import ASCII, UNICODE
from tui.text.heat import halves_role, segment
from tui.text.rows import Row, TextSpan, width_of
from tui.text.themes import COLOURLESS, DARK


class Attention(nn.Module):
    """Heads that share keys."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = nn.Linear(8, 4 * heads), nn.Linear(8, 4), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the mean over the heads, twice as wide."""
        query, key, value = (
            layer(x).unflatten(-1, (-1, 4)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        y = functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        return y.mean(1).repeat(1, 1, 2)


def model() -> Lesson:
    torch.manual_seed(0)
    layers = nn.Sequential(*(Attention(heads) for heads in (3, 2, 3)))
    return lesson_of(of_function(layers, (torch.randn(2, 5, 8),), ("trace", "m.py:layers")), "layers")


def gallery(view: View) -> Gallery:
    return known(known(open_view(view).frame(view).stage.map).gallery)


def at_heads(lesson: Lesson) -> View:
    return replace(View.opening(lesson), depth="map", look="attention")


# What is shown.


def test_a_picture_has_the_weights_and_a_block_the_largest_of_its_own() -> None:
    view = at_heads(model())
    run = open_view(view)
    shown = known(known(run.frame(view).stage.map).gallery)
    assert [[head.head for head in layer.heads] for layer in shown.layers] == [[0, 1, 2], [0, 1], [0, 1, 2]]
    assert [layer.label for layer in shown.layers] == ["0", "1", "2"]
    assert (shown.batch, shown.batches, shown.place) == (0, 2, (1, 8))
    heads = [head for head in known(run.trace).heads if head.batch == 0]
    for head, drawn in zip(heads, [one for layer in shown.layers for one in layer.heads], strict=True):
        assert drawn.shape == (5, 5)
        assert torch.tensor(drawn.blocks(1)).allclose(head.weights)
        blocks = torch.tensor(drawn.blocks(2))
        assert blocks.shape == (3, 3)
        assert float(blocks[1, 1]) == pytest.approx(float(head.weights[2:4, 2:4].max()))
        assert float(blocks[2, 0]) == pytest.approx(float(head.weights[4:, :2].max()))


def test_a_sentence_says_where_the_weights_go() -> None:
    identity = torch.eye(4)
    lower = torch.ones(4, 4, dtype=torch.bool).tril()
    before = torch.eye(4).roll(1, 0)

    def told(scores: Tensor) -> str:
        lesson = lesson_of(of_function(lambda s: torch.softmax(s, -1) @ torch.ones(4, 4), (scores,)), "one")
        return gallery(at_heads(lesson)).sentence

    assert "100% on its own place, 0% on the one before, 25% on the first; as spread as 1.0 keys" in told(
        99 * identity
    )
    assert "25% on its own place, 25% on the one before, 25% on the first; as spread as 4.0" in told(
        0 * identity
    )
    assert "0% on its own place, 100% on the one before, 25% on the first" in told(99 * before)
    assert "as spread as 2.5 keys" in told(torch.zeros(4, 4).masked_fill(~lower, -torch.inf))


def test_a_sentence_says_that_weights_are_nan() -> None:
    assert focus_text(Focus(nan, 0.5, 0.25, nan)) == "Some of its weights are NaN, so they have no average."


def test_in_words_in_json_and_on_a_page() -> None:
    view = replace(at_heads(TWO_BLOCKS), seed=0)
    run = open_view(view)
    frame = run.frame(view)
    text = to_plain(frame)
    assert "attention heads\n> head 0 of block:1.attention.head; 4 queries, 4 keys;" in text
    assert "head 1 of 4" in text
    assert " 100%   0%   0%   0%\n" in text
    record = json.loads(json.dumps(frame_object(frame)))
    told = record["map"]["gallery"]
    assert (record["look"], told["layer"], told["head"], told["batch"]) == ("attention", 0, 0, 0)
    assert told["layers"][1] == {"path": "block:2.attention.head", "heads": 2}
    assert torch.tensor(told["weights"]).allclose(known(run.trace).heads[0].weights)
    page = picture(frame)
    assert page.count("<svg") == 4
    assert page.count('<td class="now" aria-current="true"><svg') == 1


def test_a_view_of_a_head_is_written_as_flags() -> None:
    view = replace(at_heads(model()), box=("2", "y"), at=(1, 2))
    shown = gallery(view)
    assert (shown.layer, shown.selection.head, shown.batch) == (2, 2, 1)
    assert arguments(view)[-2:] == ["--look", "attention"]
    assert "1,2" in arguments(view)


def test_the_next_of_a_batch_is_the_same_head_of_the_same_layer() -> None:
    view = at_heads(model())
    heads = HeadPlaces(known(open_view(view).trace))
    for number in range(1, 9):
        first = heads.goto(view, number)
        chosen, other = heads.chosen(first), heads.chosen(heads.of_batch(first, 1))
        assert (other.layer, other.head, other.batch) == (chosen.layer, chosen.head, 1)
        assert heads.chosen(heads.of_batch(heads.of_batch(first, 1), 1)) is chosen


def test_of_dropped_values_there_are_no_pictures() -> None:
    q = torch.randn(1, 2, 64, 8)
    function = of_function(lambda q: functional.scaled_dot_product_attention(q, q, q) * 1, (q,), keep=1)
    shown = gallery(at_heads(lesson_of(function, "dropped")))
    assert shown.selection.strengths(1) == []
    assert "Its values were dropped." in shown.sentence
    assert any("?" in span.text for line in gallery_rows(shown, 60, 12, UNICODE) for span in line)


# How it is drawn.


def drawn(queries: int, keys: int, heads: int, layers: int, layer: int, head: int) -> Gallery:
    def blocks(size: int) -> list[list[float]]:
        return [[1.0] * -(-keys // size) for _ in range(-(-queries // size))]

    pictures = tuple(HeadPicture(number, (queries, keys), blocks) for number in range(heads))
    rows = tuple(GalleryLayer(clean(f"layers.{number}.attention"), pictures) for number in range(layers))
    return Gallery(rows, layer, head, 0, 1, "")


@given(st.data())
def test_at_any_size_it_fits_and_the_selected_head_is_there(data: st.DataObject) -> None:
    queries, keys = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 300))
    heads, layers = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    chosen = data.draw(st.integers(0, layers - 1)), data.draw(st.integers(0, heads - 1))
    shown = drawn(queries, keys, heads, layers, *chosen)
    width, height = data.draw(st.sampled_from([(60, 12), (24, 4), (40, 6), (120, 40), (12, 1)]))
    for glyphs in (UNICODE, ASCII):
        lines = gallery_rows(shown, width, height, glyphs)
        assert len(lines) <= height
        assert all(width_of(line) <= width for line in lines)
        assert any(span.text == "[" for line in lines for span in line)
        assert any(span.text == "]" for line in lines for span in line)


def roles(lines: list[Row]) -> list[str]:
    return [span.role for line in lines for span in line if span.role.startswith("halves")]


def test_a_half_of_a_character_is_a_block() -> None:
    weights = [[1.0, 0.0], [0.5, 0.5], [0.2, 0.05]]
    shown = HeadPicture(0, (3, 2), lambda _: weights)
    lines = gallery_rows(Gallery((GalleryLayer(clean("one"), (shown,)),), 0, 0, 0, 1, ""), 60, 12, UNICODE)
    samples = [f"halves {k} {k}" for k in range(1, len(STRENGTHS) + 1)]
    assert roles(lines) == [*samples, "halves 4 3", "halves 0 3", "halves 2 -1", "halves 1 -1"]


@pytest.mark.parametrize(
    ("strengths", "text"),
    [((0, 0), " "), ((2, 2), "▒"), ((4, 4), "█"), ((3, 1), "▀"), ((0, 1), "▄"), ((-1, 0), "▄")],
)
def test_a_character_says_without_its_colours_which_half_is_stronger(
    strengths: tuple[int, int], text: str
) -> None:
    span = TextSpan("▀▀", halves_role(*strengths))
    painted = segment(span, DARK, UNICODE, few=False)
    assert painted.text == 2 * text
    style = known(painted.style)
    upper, lower = (known(DARK.halves(own, own).bgcolor) for own in strengths)
    assert (style.color, style.bgcolor) == ((lower, upper) if text == "▄" else (upper, lower))
    for theme, glyphs, few in ((COLOURLESS, UNICODE, False), (DARK, ASCII, False), (DARK, UNICODE, True)):
        shade = segment(span, theme, glyphs, few=few)
        assert shade.text == 2 * glyphs.shades[max(0, *strengths)]


def test_nan_has_a_sign_of_its_own() -> None:
    shown = HeadPicture(0, (1, 2), lambda _: [[float("nan"), 1.0]])
    lines = gallery_rows(Gallery((GalleryLayer(clean("one"), (shown,)),), 0, 0, 0, 1, ""), 60, 12, UNICODE)
    assert any(span.text == "!" and span.role == "error" for line in lines for span in line)


# Keys.


@pytest.mark.slow
async def test_one_key_leads_to_the_heads_and_another_opens_one_with_both_axes() -> None:
    async with opened(model()) as d:
        before = d.view
        await d.press("A")
        assert "map › attention" in d.screen
        assert d.has(depth="map", look="attention")
        assert "1/8 heads" in d.screen
        await d.press("down", "right", "right")
        assert "▸ 2" in d.screen
        assert "6/8 heads" in d.screen
        await d.press("up")
        assert "head 0 of 1" in d.screen
        await d.press("right_curly_bracket", "enter")
        assert d.has(depth="operations", at=(1, 0))
        weights = known(d.session.current).top_node(d.view)
        assert known(weights).op == "scaled_dot_product_attention"
        row = next(line for line in d.rows if " 100 " in line)
        assert row.split()[-6:] == ["0", "100", "0", "0", "0", "0"]
        await d.press("escape")
        assert d.has(depth="map", look="attention", at=(1, 0))
        await d.press("escape")
        assert d.has(depth=before.depth, look=before.look, box=before.box)


@pytest.mark.parametrize(("key", "context"), [("A", Context.MAP), ("M", Context.MAP), ("c", Context.CURSOR)])
async def test_the_arrows_are_the_sidebars_no_more_once_something_else_takes_them(
    key: str, context: Context
) -> None:
    async with opened(model()) as d:
        await d.press("up")
        assert Context.SIDEBAR in d.session.contexts
        await d.press(key)
        assert d.session.contexts & {context, Context.SIDEBAR} == {context}


async def test_a_cell_of_a_head_can_be_asked() -> None:
    async with opened(model()) as d:
        await d.press("A", "c")
        assert known(d.view.cursor)[1] == (0, 0, 0, 0)
        assert "weights[0,0,0,0] = 1" in d.screen
        await d.press("backspace")
        assert d.has(depth="map", look="attention", cursor=None)


async def test_the_cursor_starts_in_the_head_that_is_open() -> None:
    async with opened(model()) as d:
        await d.press("A", "right", "right", "enter")
        assert d.has(depth="operations", at=(0, 2))
        await d.press("c")
        assert known(d.view.cursor)[1] == (0, 2, 0, 0)


async def test_what_a_cell_of_a_head_depends_on_is_lit_on_the_map() -> None:
    def own(scores: Tensor) -> Tensor:
        return scores.softmax(-1) @ torch.ones(4, 4)

    async with opened(lesson_of(of_function(own, (torch.randn(1, 2, 4, 4),)), "own")) as d:
        await d.press("A", "right", "enter", "c", "I")
        assert d.has(depth="map", look="numbers")
        assert "map › attention" not in d.screen
        assert "depends on" in d.screen
        await d.press("M", "M")
        assert d.has(depth="map", look="numbers")
        assert d.view.follows is not None


async def test_without_colours_pictures_are_shades() -> None:
    async with opened(model()) as d:
        await d.press("A")
        assert "▀" in d.screen
        while d.app.theme != "no-colour":
            await d.press("T")
        assert "▀" not in d.screen
        assert "█" in d.screen


async def test_a_program_without_heads_has_no_gallery() -> None:
    async with opened("matmul") as d:
        await d.press("M")
        assert "heads" not in d.screen
        before = d.view
        await d.press("A")
        assert d.view == before
