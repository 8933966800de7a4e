"""The footer: the keys that are useful now, or a notice, or the prompt for a step."""

from __future__ import annotations

from rich.cells import cell_len

from llm_linalg.base.syntax import mistake_in
from tui.layout.pane_sizes import Picture
from tui.navigation.steps import WHOLE
from tui.session.contexts import Context
from tui.session.control_commands import move_command
from tui.session.keys import CONTROLS_AFTER, footer_commands
from tui.text.line_edit import LineEdit
from tui.text.rows import Row, TextSpan, cut, fit, row, width_of
from tui.widgets.row_widget import RowWidget

OWN_STAY = 3
"""How long the keys of a lesson's controls stay in a footer with little room; see `Command.footer_stay`."""


class Footer(RowWidget):
    """One row at the bottom."""

    DEFAULT_CSS = "Footer { height: 1; }"

    def show_picture(self, picture: Picture) -> None:
        """Show what a key would do now."""
        self.show([fit(self._row(picture), picture.room.width, self.glyphs.dots)])

    def _row(self, picture: Picture) -> Row:
        if picture.prompt is not None:
            steps = picture.frame.place.steps if picture.frame is not None else 0
            least = 1 if picture.session.view.depth in WHOLE else 0
            first = "   g first stop" if picture.session.talk is not None else ""
            return row(
                (" go to step: ", "key"),
                (picture.prompt, "strong"),
                ("_", "strong"),
                (f"   {least} to {steps}   ↵ go{first}   esc close", "label"),
            )
        if picture.answer is not None:
            bar = "|" if self.glyphs.plain else "▏"
            exercise = None if picture.frame is None else picture.frame.exercise
            wanted = "" if exercise is None else exercise.wanted
            asked = picture.session.view.at_stop.exercise is not None
            return answer_row(picture.answer, picture.room.width, bar, code=asked, wanted=wanted)
        if picture.session.notice:
            return row((f" {picture.session.notice}", "current"))
        spell = self.glyphs.text  # in ASCII some are wider, and fewer of them fit
        keys = [
            (tuple(span.with_text(spell(span.text)) for span in entry), stay)
            for entry, stay in self._keys(picture)
        ]
        return fit_entries(keys, picture.room.width)

    def _keys(self, picture: Picture) -> list[tuple[Row, int]]:
        playing = picture.session.player.playing
        shown: list[tuple[Row, int]] = []
        own: list[tuple[Row, int]] = []
        for control in picture.session.view.lesson.controls:
            if control.key:
                do = move_command(control.name)
                does = control.label if control.append is None else "append"
                entry = (TextSpan(f" {control.key} ", "key", do), TextSpan(f"{does} ", "label", do))
                own.append((entry, OWN_STAY))
        for key in footer_commands(picture.keys):
            if key.when is Context.GUESS_CHOICE and not picture.session.asks:
                continue  # another digit changes the answer, and none has to
            label = "pause" if key.id == "play" and playing else key.label
            if key.footer > CONTROLS_AFTER:
                shown += own
                own = []
            entry = (TextSpan(f" {key.key_text} ", "key", key.id), TextSpan(f"{label} ", "label", key.id))
            shown.append((entry, key.footer_stay))
        return shown


def answer_row(line: LineEdit, width: int, bar: str, *, code: bool = False, wanted: str = "") -> Row:
    """Return the line of an answer as a row: a bar where its cursor is, which is always in view.

    Of `code` that can't be read it underlines what is behind the place where reading it stops. As long as
    nothing is written, it says what is `wanted`; and names that are offered stand behind it.
    """
    lead = " answer: "
    room = width - cell_len(lead) - 1
    wrong = mistake_in(line.text) if code else None
    before = line.before
    while cell_len(before) > room - 1:
        before = before[1:]
    left_out = line.caret - len(before)
    after = cut(line.after, room - cell_len(before))
    good = len(line.text) if wrong is None else wrong
    spans = row(
        (lead, "key"),
        *_marked(before, good - left_out),
        (bar, "current"),
        *_marked(after, good - line.caret),
    )
    if line.offered:
        return (*spans, *_offered(line))
    if wanted and not line.text:
        spans = (*spans, *row((wanted, "dim")))
    clear = ("   ↵ check  tab names  ^u clear  esc close",) if line.text else ()
    for keys in (*clear, "   ↵ check  tab names  esc close", "   tab names"):
        if width_of(spans) + cell_len(keys) <= width:
            return (*spans, *row((keys, "label")))
    return spans


def _offered(line: LineEdit) -> Row:
    """Return the names that are offered, from the one that is picked on; the row is cut where it ends."""
    first = max(line.picked, 0)
    names = (*line.offered[first:], *line.offered[:first])
    roles = ["strong" if line.picked >= 0 else "label", *["label"] * (len(names) - 1)]
    return row("  ", *((f" {name} ", role) for name, role in zip(names, roles, strict=True)))


def _marked(text: str, good: int) -> tuple[tuple[str, str], ...]:
    """Return a text of which so many characters are right, as pieces with their roles."""
    good = max(0, good)
    return ((text[:good], "strong"), (text[good:], "error mark"))


def fit_entries(entries: list[tuple[Row, int]], width: int) -> Row:
    """Return the entries that fit, and always the last two, such as help and quit.

    Each has a number: of those that don't fit the ones with the smallest go first, the last of them before
    the others.
    """
    kept = list(entries)
    excess = sum(width_of(entry) for entry, _ in entries) - width
    while excess > 0 and len(kept) > 2:
        least = min(stay for _, stay in kept[:-2])
        place = max(k for k, (_, stay) in enumerate(kept[:-2]) if stay == least)
        excess -= width_of(kept.pop(place)[0])
    return tuple(span for entry, _ in kept for span in entry)
