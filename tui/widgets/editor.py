"""The playground's editor: Textual's own, with our colours, and beside each line its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingsMap, BindingType
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from tui.navigation.playground import LONGEST
from tui.session.editing import ErrorMark, carry_notes, harmless, indent_after, mix_notes
from tui.terminal.textual_private import punctual
from tui.widgets.annotated_text import AnnotatedText
from tui.widgets.row_widget import theme_of

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widgets.text_area import Edit, EditResult

    from tui.compose.program_run import Run
    from tui.layout.pane_sizes import Picture
    from tui.text.themes import Theme

PAUSE = 0.02  # seconds without a key before the program is run
INDENT = 4
ROLES = ("keyword", "string", "number", "comment", "call", "mark")


class Editor(AnnotatedText):
    """Text, never markup: what could harm a terminal is replaced before it is in the document."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = """
    Editor { border: none; padding: 0; scrollbar-size: 0 0; height: 6; width: 100%; }
    Editor:focus { border: none; }
    Editor.-beside { dock: left; height: 100%; margin: 0 1 0 0; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+home", "to_an_end(True, False)", "first line", show=False),
        Binding("ctrl+end", "to_an_end(False, False)", "last line", show=False),
        Binding("ctrl+shift+home", "to_an_end(True, True)", "select to the first line", show=False),
        Binding("ctrl+shift+end", "to_an_end(False, True)", "select to the last line", show=False),
    ]

    class Typed(Message):
        """The text is another one, and nothing was typed for a moment."""

        def __init__(self, text: str, line: int, cut: bool, entered: bool) -> None:
            super().__init__()
            self.text = text
            self.line = line
            self.cut = cut  # whether not everything had room
            self.entered = entered  # whether its last key was ↵

    class Moved(Message):
        """The cursor came to another line, or the editor was clicked."""

        def __init__(self, line: int) -> None:
            super().__init__()
            self.line = line

    def __init__(self, text: str) -> None:
        super().__init__(harmless(text[:LONGEST])[:LONGEST], soft_wrap=False, show_line_numbers=True)
        self.cursor_blink = False
        self.indent_width = INDENT
        self._begin = True
        self._cut = False
        self._entered = False
        self._shared = text  # what the session and the editor last agreed upon
        self._line = 1
        self._run: Run | None = None
        self._lines: tuple[str, ...] = ()  # the text that the notes belong to
        self._theme_name = ""
        self._waiting: Timer | None = None

    # From the session.

    def show_picture(self, picture: Picture) -> None:
        """Show another program if it is one, what its run gave, and the line of the operation shown."""
        session = picture.session
        theme = theme_of(self)
        if theme.name != self._theme_name:
            self._theme_name = theme.name
            self.register_theme(editor_theme(theme))
            self.theme = theme.name
        if session.view.program != self._shared:
            self._shared = session.view.program
            self.replace(self._shared, (0, 0), self.document.end)
            self.move_cursor(self._end_of(session.editor.caret))
        elif self._begin:
            self.move_cursor(self._end_of(session.editor.caret))
        self._begin = False
        run = session.current
        if run is not None and run is not self._run:
            self._run = run
            self._take(run)
        frame = picture.frame
        line = None if frame is None else frame.listing.own_line or frame.listing.line
        if not session.editor.is_open and line and line != self._line:
            self.move_cursor(self._end_of(line))
            self.call_after_refresh(self._show_line)

    def on_resize(self) -> None:
        """Keep the line of the operation in a window that has become smaller."""
        self.call_after_refresh(self._show_line)

    def on_blur(self) -> None:
        """Show the lines from their beginnings."""
        self.call_after_refresh(self._show_line)

    def _show_line(self) -> None:
        """Scroll to the cursor's line; to its beginning, unless the editor has the focus."""
        self.scroll_cursor_visible(animate=False)
        if not self.has_focus:
            self.scroll_to(x=0, animate=False, immediate=True)

    def _take(self, run: Run) -> None:
        """Take what a run gave: notes, or the place of an error, and what is known of the lines around it."""
        from tui.compose.line_notes import line_notes

        lines = tuple(run.view.program.split("\n"))
        failure = run.failure
        ran = run.trace if failure is None else failure.partial_trace
        fresh = {} if ran is None else {line - 1: note for line, note in line_notes(ran).items()}
        self._mark = None if failure is None else ErrorMark.of(failure.error)
        if run.trace is None:
            old = carry_notes(self._notes, self._lines, lines, typing=False)
            fresh = mix_notes(fresh, old, None if self._mark is None or ran is None else self._mark.row)
        self._notes, self._lines = fresh, lines
        self._build_highlight_map()
        self.refresh()

    def action_to_an_end(self, first: bool, select: bool) -> None:
        """Put the cursor before the first character, or behind the last one."""
        self.move_cursor((0, 0) if first else self.document.end, select=select)

    def _end_of(self, line: int) -> tuple[int, int]:
        row = max(0, min(line, self.document.line_count) - 1)
        return row, len(self.document.get_line(row))

    # To the session.

    @property
    def is_settled(self) -> bool:
        """Whether what was typed was handed on."""
        return self._waiting is None

    def flush(self) -> Typed | None:
        """Return what was typed and not handed on yet."""
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
        if self.text == self._shared:
            return None
        self._shared, cut, self._cut = self.text, self._cut, False
        return self.Typed(self._shared, self.cursor_location[0] + 1, cut, self._entered)

    def _hand_on(self) -> None:
        typed = self.flush()
        if typed is not None:
            self.post_message(typed)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Wait for the end of typing; the notes stay beside their lines meanwhile."""
        event.stop()
        lines = tuple(self.document.lines)
        self._notes = carry_notes(self._notes, self._lines, lines, typing=True)
        self._lines = lines
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = punctual(self.set_timer(PAUSE, self._hand_on))

    def on_text_area_selection_changed(self, event: TextArea.SelectionChanged) -> None:
        """Say so if the cursor came to another line."""
        event.stop()
        line = self.cursor_location[0] + 1
        if line != self._line:
            self._line = line
            if self.has_focus:
                self.post_message(self.Moved(line))

    def on_focus(self) -> None:
        """Show the operation of the line: a click gives the editor the keys."""
        self.post_message(self.Moved(self.cursor_location[0] + 1))

    # Text.

    async def on_key(self, event: events.Key) -> None:
        """Make enter go on at the margin of the line, and tab to the next stop."""
        self._entered = event.key == "enter"
        if event.key in OWN_KEYS.key_to_bindings:
            # Textual would run it once the key has come up to the app: after what was typed meanwhile.
            event.stop()
            event.prevent_default()
            for binding in OWN_KEYS.key_to_bindings[event.key]:
                await self.run_action(binding.action)
            return
        if event.key not in ("enter", "tab"):
            return
        event.stop()
        event.prevent_default()
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        enter = event.key == "enter"
        text = "\n" + indent_after(before, INDENT) if enter else " " * (INDENT - column % INDENT)
        self._replace_via_keyboard(text, *self.selection)

    def edit(self, edit: Edit) -> EditResult:
        """Change the text; what is new is made harmless, and cut where there is no room."""
        start, end = sorted((edit.from_location, edit.to_location))
        gone = len(self.get_text_range(start, end))
        room = max(0, LONGEST - len(self.document.text) + gone)
        fits = len(edit.text) <= room
        edit.text = harmless(edit.text[:room])[:room]
        if not fits:
            self._cut = True
        return super().edit(edit)

    def undo(self) -> None:
        """Take the last change back; what is typed next is a change of its own.

        Textual adds it to the one before, and loses count of the lines if both are then taken back.
        """
        super().undo()
        self.history.checkpoint()

    def _recompute_cursor_offset(self) -> None:
        """Find where the cursor is drawn, which may be on a line that an undo has just removed."""
        location = self.clamp_visitable(self.cursor_location)
        self._cursor_offset = self.wrapped_document.location_to_offset(location)


OWN_KEYS = BindingsMap([*TextArea.BINDINGS, *Editor.BINDINGS])


def editor_theme(theme: Theme) -> TextAreaTheme:
    """Return a theme of the app as one of the editor."""
    base = theme.style("editor")
    return TextAreaTheme(
        name=theme.name,
        base_style=base,
        gutter_style=theme.style("editor dim"),
        cursor_style=theme.style("editor cursor"),
        cursor_line_style=theme.style("editor editor-line"),
        cursor_line_gutter_style=theme.style("editor editor-line strong"),
        bracket_matching_style=theme.style("editor strong"),
        selection_style=theme.style("picked"),
        syntax_styles={role: theme.part(role) for role in ROLES},
    )
