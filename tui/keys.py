"""Keys as data: one table that the bindings, the footer, the help and the palette are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

CONTEXTS = (
    "always",
    "frame",
    "steps",
    "grid",
    "cursor",
    "trail",
    "board",
    "map",
    "told",
    "panels",
    "asking",
    "rows",
    "visit",
    "list",
    "repairs",
    "undo",
    "redo",
    "slices",
    "twin",
    "links",
    "ranks",
    "everywhere",
    "editor",
    "mending",
    "play",
    "lesson",
    "running",
    "stage",
)
"""When a key does something: `Key.when` is one of these, and `Session.contexts` says which hold."""

GROUPS = (
    "Stage", "Playground", "Board", "Map", "Motion", "Depth", "Cell cursor", "Lesson", "Controls", "View",
    "Share", "App",
)  # fmt: skip


class Key(NamedTuple):
    """One command and the keys for it.

    Attributes:
        id: the command's name; also the binding's, so that a keymap can move it.
        keys: Textual's names of the keys, joined by commas.
        shown: the keys as the footer and the help write them.
        label: one or two words, for the footer.
        tooltip: one sentence, for the help and the palette.
        group: the heading in the help.
        when: the context in which it does something.
        footer: its place in the footer; 0 keeps it out.
    """

    id: str
    keys: str
    shown: str
    label: str
    tooltip: str
    group: str
    when: str = "frame"
    footer: int = 0


def _under(group: str, when: str, *rows: tuple[str, str, str, str, str, int]) -> tuple[Key, ...]:
    return tuple(Key(*row[:5], group, when, row[5]) for row in rows)


# Where two live commands share a key the first in the table has it, so a context of its own comes first.
KEYS: tuple[Key, ...] = (
    *_under(
        "App", "running",
        ("halt", "ctrl+g", "^g", "stop", "Stop the program that is running", 1),
    ),
    *_under(
        "Playground", "editor",
        ("edit.leave", "escape,f5", "esc", "stage", "To the stage, at the operation of the line", 1),
        ("edit.examples", "ctrl+o", "^o", "examples", "Begin with an example", 3),
        ("edit.save", "ctrl+s", "^s", "save", "Save the program", 4),
        ("edit.undo", "ctrl+z", "^z", "undo", "Take the last change of the text back", 0),
        ("edit.redo", "ctrl+y", "^y", "redo", "Make it again", 0),
        ("edit.help", "f1", "F1", "help", "Show the keys that work in the editor", 24),
        ("edit.quit", "ctrl+q", "^q", "quit", "Quit", 25),
    ),
    *_under(
        "Playground", "mending",
        ("edit.repair", "ctrl+r", "^r", "repair", "Apply the first repair; again, the next one", 2),
    ),
    *_under(
        "Lesson", "list",
        ("list.open", "enter", "↑↓↵", "choose, open", "Open the lesson chosen in the sidebar", 1),
        ("list.page.up", "K", "K", "up", "Choose twenty places further up in the sidebar", 0),
        ("list.page.down", "J", "J", "down", "Choose twenty places further down in the sidebar", 0),
        ("list.first", "0,home", "0", "first", "Choose the first in the sidebar", 0),
        ("list.last", "dollar_sign,end", "$", "last", "Choose the last in the sidebar", 0),
    ),
    *_under(
        "Cell cursor", "grid",
        ("cell.turn", "space", "space", "0 or 1", "Turn the cell over: draw the mask", 3),
    ),
    *_under(
        "Cell cursor", "cursor",
        ("cursor.left", "left", "←↑↓→", "move", "Move the cell cursor left", 1),
        ("cursor.right", "right", "→", "move", "Move the cell cursor right", 0),
        ("cursor.up", "up", "↑", "move", "Move the cell cursor up", 0),
        ("cursor.down", "down", "↓", "move", "Move the cell cursor down", 0),
        ("cursor.panel", "tab", "tab", "tensor", "Move the cell cursor to the next tensor", 2),
        ("cursor.panel.back", "shift+tab", "⇧tab", "tensor", "Move the cell cursor to the tensor before", 0),
        ("cursor.follow", "enter", "↵", "follow", "Follow the cell to the operation that made it", 3),
    ),
    *_under(
        "Board", "board",
        ("board.open", "enter", "↑↓↵", "choose, open", "Open the lesson of the selected row", 1),
        ("board.up", "up", "↑", "row", "Select the row above", 0),
        ("board.down", "down", "↓", "row", "Select the row below", 0),
        ("board.ask", "c", "c", "cell", "Ask a cell of the row's tensor where it came from", 16),
    ),
    *_under(
        "Map", "map",
        ("map.up", "up", "↑↓", "box", "Select the box above", 1),
        ("map.down", "down", "↓", "box", "Select the box below", 0),
        ("map.ask", "c", "c", "cell", "Ask a cell of what the box gives where it came from", 16),
    ),
    *_under(
        "Map", "told",
        ("map.lesson", "L", "L", "lesson", "Open the lesson of the selected box", 3),
    ),
    *_under(
        "Map", "frame",
        ("map", "M", "M", "map", "The map of the program, at the place that is shown; from there back", 18),
    ),
    *_under(
        "Map", "asking",
        ("follow", "I", "I", "lineage", "All that the cell depends on; all that it feeds; none", 4),
    ),
    *_under(
        "Board", "rows",
        *((f"board.{n}", f"{n}", f"{n}", f"row {n}", f"Open the lesson of row {n}", 0) for n in range(1, 10)),
    ),
    *_under(
        "Cell cursor", "trail",
        ("cursor.return", "backspace", "⌫", "return", "Return to where the cell was followed from", 4),
    ),
    *_under(
        "Stage", "stage",
        ("stage.next", "space,pagedown,right,down", "→", "on", "The next step; at the end the next stop", 1),
        ("stage.back", "pageup,left,up,backspace", "←", "back", "Exactly that undone", 2),
        ("stage.finish", "f", "f", "finish", "Finish this animation", 3),
        ("stage.stop.next", "J", "J", "next stop", "The next stop, whatever is left of this one", 0),
        ("stage.stop.previous", "K,comma", "K", "stop before", "The stop before, as it was left", 0),
        ("stage.skip", "L", "L", "skip lesson", "Skip the rest of this lesson", 0),
        ("stage.goto", "g", "g", "go to", "Go to a step by its number, then ↵; gg is the first stop", 0),
        ("stage.first", "ctrl+home", "^home", "first stop", "The first stop, as gg", 0),
        ("stage.last", "G", "G", "last stop", "The last stop; after a number, that stop", 0),
        ("stage.index", "l,slash", "l", "stops", "Find a stop in the index", 4),
        ("stage.reset", "R", "R", "as rehearsed", "Undo everything that was changed on this stop", 5),
        ("stage.black", "b,full_stop", "b", "black", "A black screen; any key ends it", 6),
        ("stage.big", "B", "B", "large", "Large cells, readable from the back row", 7),
        ("stage.play", "greater_than_sign", ">", "play", "Play this animation, or pause", 0),
        ("stage.auto", "A", "A", "by itself", "Go on by itself, or by key only", 0),
        ("stage.clock", "C", "C", "clock", "The time passed, the time left, or no clock", 8),
        ("stage.pause", "P", "P", "stop clock", "Stop the clock, or let it go on", 0),
        ("stage.zero", "Z", "Z", "zero", "Set the clock to zero", 0),
        ("stage.footer", "backslash", "\\", "keys", "Show or hide the keys", 0),
        ("stage.quit", "q,ctrl+c", "q", "leave", "Leave the stage, when pressed twice", 25),
    ),
    *_under(
        "Board", "visit",
        ("board.return", "backspace", "⌫", "go back", "Return to the board that opened this lesson", 4),
    ),
    *_under("Playground", "play", ("edit", "E,tab", "E", "editor", "Give the keys to the editor", 9)),
    *_under(
        "Playground", "lesson",
        ("play.take", "E", "E", "edit", "Open this program in the playground", 23),
    ),
    *_under(
        "Motion", "steps",
        ("play", "space", "space", "play", "Play or pause", 10),
        ("back", "left", "←", "back", "Step back", 0),
        ("forward", "right", "←→", "step", "Step forward", 11),
        ("play.back", "less_than_sign", "<", "rewind", "Play backwards, or pause", 0),
        ("goto", "g", "g", "go to", "Go to a step by its number", 20),
        ("first", "0,home", "0", "first", "Go before the first step", 0),
        ("last", "dollar_sign,end", "$", "last", "Go to the last step", 0),
        ("finish", "f", "f", "finish", "Finish this animation", 0),
    ),
    *_under(
        "Motion", "always",
        ("faster", "plus,equals_sign", "+", "faster", "Play faster", 0),
        ("slower", "minus", "-", "slower", "Play slower", 0),
    ),
    *_under(
        "Depth", "frame",
        ("into", "enter", "↵", "into", "Go into the box, the operation, or the cell", 12),
        ("over", "n", "n", "next op", "Go to the next operation", 17),
        ("previous", "b,N", "b", "op before", "Go to the operation before", 0),
    ),
    *_under(
        "Depth", "always",
        ("out", "escape", "esc", "out", "Close what is open first, then go out a depth", 13),
    ),
    *_under(
        "Cell cursor", "panels",
        ("cursor", "c", "c", "cell", "Cell cursor: ask a cell where it came from", 16),
    ),
    *_under(
        "Lesson", "always",
        ("stop.next", "full_stop", ".", "next", "Go to the next stop of the lesson", 14),
        ("stop.previous", "comma", ",", "before", "Go to the stop before", 0),
        ("list", "l", "l", "lessons", "Choose a lesson in the sidebar", 23),
        ("list.up", "up", "↑", "choose", "Choose the lesson above in the sidebar", 0),
        ("list.down", "down", "↓", "choose", "Choose the lesson below in the sidebar", 0),
    ),
    *_under(
        "Controls", "repairs",
        ("repair", "r", "r", "repair", "Apply the first repair", 5),
        *((f"repair.{n}", f"{n}", f"{n}", "repair", f"Apply repair {n}", 0) for n in range(1, 10)),
    ),
    *_under(
        "Lesson", "links",
        *((f"link.{n}", f"{n}", f"{n}", "link", f"Open the lesson at link {n}", 0) for n in range(1, 10)),
    ),
    *_under(
        "Lesson", "ranks",
        ("processes", "D", "D", "processes", "Run this program on real processes, one a device", 19),
    ),
    *_under(
        "Controls", "always",
        ("control.down", "left_square_bracket", "[", "less", "Lower the selected control", 0),
        ("control.up", "right_square_bracket", "]", "more", "Raise the selected control", 0),
        ("control.next", "tab", "tab", "control", "Select the next control", 0),
        ("control.previous", "shift+tab", "⇧tab", "control", "Select the control before", 0),
        ("seed.up", "s", "s", "seed +1", "Take the next seed", 0),
        ("seed.down", "S", "S", "seed -1", "Take the seed before", 0),
    ),
    *_under("Controls", "undo", ("undo", "u", "u", "undo", "Undo the last change", 22)),
    *_under("Controls", "redo", ("redo", "U,ctrl+r", "U", "redo", "Do again what was undone", 0)),
    *_under(
        "View", "panels",
        ("order", "o", "o", "order", "Take the next loop order, at the same place", 15),
        ("look", "v", "v", "heat", "Numbers, heat, or both", 21),
    ),
    *_under("View", "twin", ("twin", "w", "w", "backward", "Forward or backward pass", 18)),
    *_under(
        "View", "slices",
        ("slice.next", "right_curly_bracket", "}", "slice", "Show the next slice", 19),
        ("slice.previous", "left_curly_bracket", "{", "slice", "Show the slice before", 0),
    ),
    *_under(
        "View", "always",
        ("text", "p", "p", "text", "The program and the text, large", 0),
        ("sidebar", "backslash", "\\", "sidebar", "Show or hide the sidebar", 0),
        ("theme", "T", "T", "theme", "Take the next theme", 0),
    ),
    *_under(
        "Share", "always",
        ("copy.code", "y", "y", "copy code", "Copy the program as torch code", 0),
        ("script.save", "R", "R", "record", "Save what was done so far as a script", 0),
        ("copy.command", "Y", "Y", "copy command", "Copy the command that reopens this view", 0),
    ),
    *_under(
        "App", "everywhere",
        ("palette", "ctrl+p", "^p", "palette", "Find a lesson or a command", 0),
        ("redraw", "ctrl+l", "^l", "redraw", "Draw the whole screen anew", 0),
    ),
    *_under(
        "App", "always",
        ("help", "question_mark,f1", "?", "help", "Show the keys that work now", 24),
        ("suspend", "ctrl+z", "^z", "suspend", "Suspend to the shell; fg comes back", 0),
        ("quit", "q,ctrl+c", "q", "quit", "Quit", 25),
    ),
)  # fmt: skip

BY_ID: dict[str, Key] = {key.id: key for key in KEYS}

CONTROLS_AFTER = BY_ID["out"].footer
"""The place in the footer after which a lesson's controls stand: between how one moves and what one asks."""


def live(
    contexts: Collection[str], table: Iterable[Key] = KEYS, taken: Collection[str] = ()
) -> tuple[Key, ...]:
    """The commands that do something in these contexts; of two for the same key the first has it.

    Args:
        contexts: Those that hold.
        table: The commands with their keys.
        taken: The keys of the lesson's controls, which go first; our own table leaves their letters alone.
    """
    used = set(taken)
    found = []
    for key in table:
        names = key.keys.split(",")
        if key.when in contexts and not used.issuperset(names):
            found.append(key)
            used.update(names)
    return tuple(found)


def footer(keys: Iterable[Key]) -> list[Key]:
    """The keys that the footer names, in its order."""
    return sorted((key for key in keys if key.footer), key=lambda key: key.footer)


def grouped(keys: Iterable[Key]) -> list[tuple[str, list[Key]]]:
    """The keys under the headings of the help, empty headings left out."""
    listed = list(keys)
    groups = [(group, [key for key in listed if key.group == group]) for group in GROUPS]
    return [(group, members) for group, members in groups if members]
