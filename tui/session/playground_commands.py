"""Commands of the playground: enter and leave its editor, type, start from an example, repair."""

from __future__ import annotations

from dataclasses import replace

from tui.model.examples import BY_NAME
from tui.navigation import playground
from tui.navigation.playground import is_playground
from tui.session.session import Session


def edit(session: Session) -> Session:
    """Give the keys to the editor, on the line of the operation shown."""
    if not is_playground(session.view.lesson):
        return session
    from tui.compose.nodes import own_line

    run = session.current
    node = None if run is None else run.top_node(session.view)
    line = (None if node is None else own_line(node)) or session.editor.caret
    return at_caret(replace(session.editing_at(line), player=session.player.pause(), notice=""))


def leave(session: Session) -> Session:
    """Give the keys to the stage, at the cells of the line's operation."""
    if not session.editor.is_open:
        return session
    view = replace(session.view, depth="cells", step=0)
    editor = session.editor._replace(is_open=False, is_landing=session.current is None)
    return replace(session, editor=editor, view=view, notice="")


def take_program(session: Session) -> Session:
    """Open the stop's program in the playground."""
    view = session.view
    if is_playground(view.lesson):
        return edit(session)
    if not view.program:
        return session.with_notice("There is no program here to edit.")
    return _start(session, playground.as_program(view), view.seed)


def example(session: Session, name: str) -> Session:
    """Begin with an example."""
    return _start(session, BY_NAME[name].program, 0) if name in BY_NAME else session


def _start(session: Session, text: str, seed: int) -> Session:
    view = playground.playground_view(text[: playground.LONGEST], seed)
    begun = session.with_undo(replace(view, look=session.view.look, depth="operations"))
    opened = begun.editing_at(playground.last_line(text))
    return replace(opened, editor=opened.editor._replace(is_new_program=True))


def next_repair(session: Session) -> Session:
    """Apply the first repair of the error shown; after one, the next in its place, and at last none.

    One whose run was stopped is run again.
    """
    from tui.compose.error_frame import is_halted

    run = session.current
    if session.editor.last_repair is not None and run is not None and is_halted(run.error):
        return replace(session, last_run=None, notice="")
    broken, number, program = session.editor.last_repair or (None, 0, "")
    if broken is None or program != session.view.program or number == 0:
        broken, number = session.current, 0
    failure = None if broken is None else broken.failure
    count = 0 if failure is None else failure.repair_count
    if broken is None or failure is None or not count:
        return session.with_notice("There is no repair.")
    number = (number + 1) % (count + 1)
    repaired = failure.apply_repair(session.view, number) if number else None
    view = repaired or session.view.with_program(broken.view.program)
    more = "^r takes the next." if number < count else "^r takes it back."
    notice = f"Repair {number} of {count}; {more}" if number else "As it was."
    there = session.with_undo(view)
    editor = there.editor._replace(last_repair=(broken, number, view.program))
    return replace(there, editor=editor, notice=notice)


def write(session: Session, argument: str) -> Session:
    """Put another text into the editor, given as the cursor's line and the text: `1:x = 2`.

    The editor undoes its own changes, so that undo doesn't.
    """
    line, _, text = argument.partition(":")
    if not is_playground(session.view.lesson) or text == session.view.code:
        return session
    view = replace(session.view, code=text, trusted=False)  # another text is trusted anew
    paused = session.player.pause()
    editor = session.editor._replace(caret=int(line), is_new_program=False)
    return replace(session, view=view, editor=editor, player=paused, notice="")


def move_caret(session: Session, argument: str) -> Session:
    """Give the keys to the editor, its cursor on a line, whose operation is shown."""
    if not is_playground(session.view.lesson):
        return session
    return at_caret(session.editing_at(int(argument)))


def at_caret(session: Session) -> Session:
    """Show the operation of the cursor's line, or the last one above it."""
    from tui.compose.line_notes import path_at

    run = session.current
    if not session.editor.is_open or run is None or run.trace is None:
        return session
    return replace(
        session, view=playground.at_operation(session.view, path_at(run.trace, session.editor.caret))
    )
