"""The story: a stop's title and first sentence, above the picture at every step of it."""

from __future__ import annotations

from llm_linalg.lessons.markdown import without_formulas
from tui.layout.pane_sizes import Picture, story_of
from tui.text.glyphs import UNICODE, Glyphs
from tui.text.prose import paragraphs, story
from tui.text.rows import Row, TextSpan, fit_words
from tui.widgets.row_widget import RowWidget


class StoryPane(RowWidget):
    """A fixed number of rows, the same at every step, where the program fails, and inside an operation."""

    DEFAULT_CSS = "StoryPane { height: 2; }"

    def show_picture(self, picture: Picture) -> None:
        """Show what the stop is about."""
        room = picture.room
        self.show(shorten(band(picture, room.main, self.glyphs), room.story, room.main, self.glyphs.dots))


def band(picture: Picture, width: int, glyphs: Glyphs = UNICODE) -> list[Row]:
    """Return the title and the first sentence as rows; on a stage the first row of all has the title."""
    session, frame = picture.session, picture.frame
    titled = session.talk is None
    words = story(*frame.captions.story) if frame and titled else story_of(session.view, titled=titled)
    return paragraphs(
        glyphs.text(without_formulas(words)) if glyphs.plain else words, width, picture.name_hues
    )


def shorten(rows: list[Row], count: int, width: int, dots: str) -> list[Row]:
    """Return the first rows; if some are left out, the last one ends in dots."""
    if len(rows) <= count or not count:
        return rows[:count]
    return [*rows[: count - 1], (*fit_words(rows[count - 1], width - 2), TextSpan(f" {dots}", "dim"))]
