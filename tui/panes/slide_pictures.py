"""The pictures of a slide as rows, in the room that its words leave."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from llm_linalg.lessons.markdown import Block, blocks, words_of_picture
from llm_linalg.lessons.picture_files import PictureError, read_picture
from tui.text.half_blocks import PointsError, picture_rows
from tui.text.prose import Pictures
from tui.text.rows import Row, row


class PictureSource(NamedTuple):
    """Where a slide's pictures are: beside the lesson's file; and the shades of a theme without colours."""

    lesson: Path | None = None
    shades: str = ""


NO_SOURCE = PictureSource()


def pictures_in(prose: str) -> list[Block]:
    """Return the pictures that prose names, each on a line of its own."""
    return [block for block in blocks(prose) if block.kind == "image"] if "![" in prose else []


def pictures_of(pictured: list[Block], source: PictureSource, width: int, height: int) -> Pictures:
    """Return the rows of pictures, each in at most so many columns and rows."""
    return tuple((block.info, _rows(block, source, width, height)) for block in pictured)


def _rows(block: Block, source: PictureSource, width: int, height: int) -> tuple[Row, ...]:
    try:
        path = None if source.lesson is None else source.lesson.parent / block.info
        state = (0, 0) if path is None else (path.stat().st_mtime_ns, path.stat().st_size)
    except (OSError, ValueError):
        state = (0, 0)
    return _drawn(block, source, width, height, state)


@lru_cache(8)
def _drawn(
    block: Block, source: PictureSource, width: int, height: int, _state: tuple[int, int]
) -> tuple[Row, ...]:
    """Return a picture's rows, kept as long as its file stays as it is; or its words, and why."""
    try:
        return picture_rows(read_picture(source.lesson, block.info).data, width, height, source.shades)
    except (PictureError, PointsError) as error:
        return row((words_of_picture(block), "dim")), row((str(error), "dim"))
