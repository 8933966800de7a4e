"""Pictures and columns of a lesson's text: on a slide, in a page, and as words elsewhere."""

from __future__ import annotations

import base64
import re
import sys
from io import BytesIO
from pathlib import Path

import pytest

from llm_linalg.lessons.deck import load
from llm_linalg.lessons.markdown import blocks, columns, plain_text, without_formulas
from llm_linalg.lessons.picture_files import MOST_BYTES, PictureError, read_picture
from tests.app.talks import deck_at
from tui.cli.checks import check
from tui.cli.main import main
from tui.export.html_parts import paragraphs as html_paragraphs
from tui.panes import slide_pictures
from tui.panes.slide_pane import row_count, slide_rows
from tui.panes.slide_pictures import PictureSource
from tui.text import half_blocks
from tui.text.glyphs import ASCII, UNICODE
from tui.text.half_blocks import HOW, PointsError, picture_rows
from tui.text.prose import paragraphs
from tui.text.rows import Row, width_of
from tui.text.themes import THEMES

Image = pytest.importorskip("PIL.Image", reason="Pillow is an extra")

PROSE = "The loss falls.\n\n![a curve](plot.png)\n\nThat is all."
TALK = f"""+++
title = "A picture"
+++
## Loss
{PROSE}
"""


def png(size: tuple[int, int] = (40, 20), colour: str = "#ff0000", kind: str = "PNG") -> bytes:
    """A picture whose left half has a colour, and whose right half is transparent."""
    picture = Image.new("RGBA", size, (0, 0, 0, 0))
    picture.paste(Image.new("RGBA", (size[0] // 2, size[1]), colour))
    made = BytesIO()
    (picture.convert("RGB") if kind == "JPEG" else picture).save(made, kind)
    return made.getvalue()


def talk_with_plot(folder: Path) -> Path:
    (folder / "plot.png").write_bytes(png())
    return deck_at(folder, TALK)


def texts(rows: list[Row]) -> list[str]:
    return ["".join(span.text for span in row).strip() for row in rows]


def test_a_picture_stands_on_a_line_of_its_own() -> None:
    text = "So\n![a curve](plot.png)\nand ![no](b.png) here.\n\n    ![code](c.png)"
    found = [(block.kind, block.text, block.info) for block in blocks(text)]
    assert found == [
        ("text", "So", ""),
        ("image", "a curve", "plot.png"),
        ("text", "and ![no](b.png) here.", ""),
        ("code", "![code](c.png)", ""),
    ]
    assert blocks(text)[1].source == "![a curve](plot.png)"
    assert without_formulas("So\n![a curve](plot.png)\n`![x](y)`") == "So\n(picture: a curve)\n`![x](y)`"
    assert plain_text("and ![no](b.png) here") == "and no here"
    assert texts(paragraphs(PROSE, 60))[2] == "(picture: a curve)"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_half_blocks_have_the_points_of_the_picture(kind: str) -> None:
    rows = picture_rows(png(kind=kind), 20, 10)
    assert len(rows) == 5  # 40 × 20 points on 20 × 10 halves
    assert {width_of(row) for row in rows} == {20}
    first = rows[2][0]
    assert set(first.text) == {"▀"}
    style = THEMES["dark"].style(first.role)
    assert style.color is not None
    assert style.bgcolor is not None
    assert style.color.number == style.bgcolor.number == 196  # red, of the 256
    assert rows[2][-1].role == ("ink-000000 paper-000000" if kind == "JPEG" else "ink-ffffff paper-ffffff")


def test_without_colours_it_is_shades() -> None:
    rows = picture_rows(png(), 20, 10, UNICODE.shades)
    assert {row[0].text for row in rows} == {"▓" * 10 + " " * 10}
    assert {row[0].role for row in rows} == {""}


def test_a_slide_gives_its_picture_the_room_that_is_left(tmp_path: Path) -> None:
    talk = talk_with_plot(tmp_path)
    source = PictureSource(talk)
    for height in (9, 12, 20):
        rows = slide_rows("Loss", PROSE, 40, height, big=False, glyphs=UNICODE, source=source)
        drawn = [row for row in texts(rows) if row.startswith("▀")]
        assert len(rows) <= height
        assert len(drawn) == min(height - 6, 10)  # title, text, and the blank rows between
        assert "That is all." in texts(rows)
    plain = slide_rows("Loss", PROSE, 40, 20, big=False, glyphs=ASCII, source=source)
    assert "(picture: a curve)" in texts(plain)
    little = slide_rows("Loss", PROSE, 40, 7, big=False, glyphs=UNICODE, source=source)
    assert "(picture: a curve)" in texts(little)


COLUMNS = "Left [a](lesson:dot).\n\n![a curve](plot.png)\n|||\nRight [b](lesson:dot)\n- one\n\n```\n|||\n```"


def test_a_slide_has_columns_beside_each_other(tmp_path: Path) -> None:
    source = PictureSource(talk_with_plot(tmp_path))
    assert columns(COLUMNS) == [
        "Left [a](lesson:dot).\n\n![a curve](plot.png)",
        "Right [b](lesson:dot)\n- one\n\n```\n|||\n```",
    ]
    rows = slide_rows("Loss", COLUMNS, 44, 12, big=False, glyphs=UNICODE, source=source)
    shown = texts(rows)
    curve = "▀" * 20
    assert shown[-7:] == [f"{'Left a¹.':<24}Right b²", "· one", curve, f"{curve}    |||", *[curve] * 3]
    assert row_count("Loss", COLUMNS, 44) == 2 + 4
    assert texts(paragraphs(COLUMNS, 44)) == [
        "Left a¹.", "", "(picture: a curve)", "", "Right b²", "· one", "", "|||",
    ]  # fmt: skip
    page = html_paragraphs(COLUMNS)
    assert page.startswith('<div class="columns">\n<div>\n<p>Left a.</p>\n')
    assert page.count("<div>") == 2
    assert "<pre>|||</pre>" in page


def test_a_picture_that_changes_is_drawn_anew(tmp_path: Path) -> None:
    source = PictureSource(talk_with_plot(tmp_path))
    [block] = slide_pictures.pictures_in(PROSE)
    first = slide_pictures.pictures_of([block], source, 20, 10)
    assert slide_pictures.pictures_of([block], source, 20, 10) == first
    (tmp_path / "plot.png").write_bytes(png((60, 20), "#0000ff"))
    assert slide_pictures.pictures_of([block], source, 20, 10) != first


def test_without_pillow_its_words_say_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = talk_with_plot(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL", None)
    slide_pictures._drawn.cache_clear()
    rows = slide_rows("Loss", PROSE, 60, 20, big=False, glyphs=UNICODE, source=PictureSource(talk))
    slide_pictures._drawn.cache_clear()
    assert texts(rows)[texts(rows).index("(picture: a curve)") + 1] == HOW
    assert "base64" in html_paragraphs(PROSE, lesson=talk)  # a page needs none
    assert not [*check(load(talk))]


def test_a_page_has_the_file_itself(tmp_path: Path) -> None:
    talk = talk_with_plot(tmp_path)
    page = html_paragraphs(PROSE, lesson=talk)
    found = re.search(r'<img src="data:image/png;base64,([A-Za-z0-9+/=]+)" alt="a curve">', page)
    assert found is not None
    assert base64.b64decode(found[1]) == png()
    assert "<p>(picture: a &lt;b&gt;)</p>" in html_paragraphs("![a <b>](none.png)", lesson=talk)


FAULTS = {
    "none.png": "there is no such file",
    "../secret.png": "there is no such file",
    "/etc/passwd": "there is no such file",
    ".hidden.png": "there is no such file",
    "linked.png": "there is no such file",
    "https://a.b/c.png": "there is no such file",
    "notes.txt": "it is no PNG",
    "large.png": "it has more than 4 MB",
    "pipe.png": "there is no such file",
}


@pytest.mark.parametrize(("name", "reason"), FAULTS.items())
def test_only_a_picture_beside_the_lesson_is_read(tmp_path: Path, name: str, reason: str) -> None:
    import os

    folder = tmp_path / "deck"
    folder.mkdir()
    for place in (tmp_path / "secret.png", folder / ".hidden.png"):
        place.write_bytes(png())
    (folder / "linked.png").symlink_to(tmp_path / "secret.png")
    (folder / "notes.txt").write_text("words", encoding="utf-8")
    (folder / "large.png").write_bytes(png() + bytes(MOST_BYTES))
    os.mkfifo(folder / "pipe.png")
    with pytest.raises(PictureError, match=reason):
        read_picture(folder / "talk.md", name)
    deck = deck_at(folder, TALK.replace("plot.png", name))
    (found,) = check(load(deck))
    assert (found.kind, found.line) == ("picture", 7)
    assert reason in found.reason
    assert main(["check", str(deck)]) == 1


def test_what_would_be_too_much_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_blocks, "MOST_POINTS", 799)
    with pytest.raises(PointsError, match="points"):
        picture_rows(png(), 20, 10)
    monkeypatch.undo()
    for data in (png()[:-30], png()[:40], b"\x89PNG\r\n\x1a\n" + bytes(100), b""):
        with pytest.raises(PointsError, match="decoded"):
            picture_rows(data, 20, 10)
    with pytest.raises(PointsError, match="room"):
        picture_rows(png(), 20, 2)
