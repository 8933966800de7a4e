"""The footer: the keys that are useful now, or a notice, or the prompt for a step."""

from __future__ import annotations

from tui.layout.pane_sizes import Picture
from tui.session.control_commands import move_command
from tui.session.keys import CONTROLS_AFTER, footer_commands
from tui.text.rows import Row, TextSpan, fit, row, width_of
from tui.widgets.row_widget import RowWidget


class Footer(RowWidget):
    """One row at the bottom."""

    DEFAULT_CSS = "Footer { height: 1; }"

    def show_picture(self, picture: Picture) -> None:
        """Show what a key would do now."""
        self.show([fit(self._row(picture), picture.room.width, self.glyphs.dots)])

    def _row(self, picture: Picture) -> Row:
        if picture.prompt is not None:
            steps = picture.frame.steps if picture.frame is not None else 0
            first = "   g first stop" if picture.session.talk is not None else ""
            return row(
                (" go to step: ", "key"),
                (picture.prompt, "strong"),
                ("_", "strong"),
                (f"   0 to {steps}   ↵ go{first}   esc close", "label"),
            )
        if picture.session.notice:
            return row((f" {picture.session.notice}", "current"))
        spell = self.glyphs.text  # in ASCII some are wider, and fewer of them fit
        keys = [tuple(span.with_text(spell(span.text)) for span in entry) for entry in self._keys(picture)]
        return fit_entries(keys, picture.room.width)

    def _keys(self, picture: Picture) -> list[Row]:
        playing = picture.session.player.playing
        shown: list[Row] = []
        own: list[Row] = []
        for control in picture.session.view.lesson.controls:
            if control.key:
                do = move_command(control.name)
                does = control.label if control.append is None else "append"
                own.append((TextSpan(f" {control.key} ", "key", do), TextSpan(f"{does} ", "label", do)))
        for key in footer_commands(picture.keys):
            label = "pause" if key.id == "play" and playing else key.label
            if key.footer > CONTROLS_AFTER:
                shown += own
                own = []
            shown.append(
                (TextSpan(f" {key.key_text} ", "key", key.id), TextSpan(f"{label} ", "label", key.id))
            )
        return shown


def fit_entries(entries: list[Row], width: int) -> Row:
    """Return as many entries as fit, and always the last two, such as help and quit."""
    tail = entries[-2:]
    room = width - sum(width_of(entry) for entry in tail)
    kept: list[TextSpan] = []
    for entry in entries[:-2]:
        if width_of(entry) > room:
            break
        room -= width_of(entry)
        kept += entry
    return (*kept, *(span for entry in tail for span in entry))
