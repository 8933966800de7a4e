"""Commands that choose: lessons, stops, controls, seeds, repairs, undo, how numbers look."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from llm_linalg.lessons.markdown import links
from tui.model.view import View
from tui.navigation.playground import is_playground
from tui.session import outline
from tui.session.session import Session, first_control
from tui.text.prose import as_sentence

if TYPE_CHECKING:
    from llm_linalg.lessons.control import Control


def stop_at(session: Session, argument: str) -> Session:
    """Go to a stop by its number; what follows a second colon tells headings of one stop apart."""
    number = int(argument.partition(":")[0])
    if not 1 <= number <= len(session.view.lesson.stops):  # a click on the marks of a lesson that was left
        return session
    return session.with_undo(session.view.at_stop_number(number))


def node_at(session: Session, argument: str) -> Session:
    """Go to a node of the trace, by its position."""
    from tui.compose.nodes import labels

    trace = session.last_run.trace if session.last_run is not None else None
    if trace is None or int(argument) >= len(trace.nodes):
        return session
    view = replace(
        session.view, path=(labels(trace.nodes)[int(argument)],), order=None, depth="cells", step=0, at=None,
        cursor=None, backward=False, return_path=(),
    )  # fmt: skip
    return session.at_view(view).with_choice(None).with_trail(())


def module_at(session: Session, path: str) -> Session:
    """Go to the first node of a module, by its path."""
    trace = session.last_run.trace if session.last_run is not None else None
    try:
        first = None if trace is None else trace.scopes[path].first
    except KeyError:
        first = None
    return session if first is None else node_at(session, str(first.index))


def choose_by(session: Session, direction: int) -> Session:
    """Choose a lesson in the sidebar, or a place in the outline, from the chosen one or the open one."""
    if outline.outline(session):
        return outline.choose(session, direction)
    slugs = [lesson.slug for lesson in session.lessons]
    here = slugs.index(session.selection.sidebar or session.view.lesson.slug)
    place = max(0, min(len(slugs) - 1, here + direction))
    return session.with_choice(slugs[place])


def choose_end(session: Session, *, last: bool) -> Session:
    """Choose the first or the last lesson in the sidebar, or place in the outline."""
    if outline.outline(session):
        return outline.choose_end(session, last=last)
    return session.with_choice(session.lessons[-1 if last else 0].slug)


def open_lesson(session: Session, slug: str) -> Session:
    """Open a listed lesson at its first stop."""
    lesson = session.lesson(slug)
    if lesson is None:
        return session
    if lesson.slug == session.view.lesson.slug:
        return session.with_undo(session.opening(lesson)).without_choice()
    return session.with_undo(session.opening(lesson))


def open_link(session: Session) -> Session:
    """Open the lesson that the stop's text links to; of several links, say which digit opens what."""
    slugs = links(session.view.at_stop.prose)
    if len(slugs) < 2:
        return link_by(session, 1)
    titles = {lesson.slug: lesson.title for lesson in session.lessons}
    choices = "   ".join(f"{number} {titles.get(slug, slug)}" for number, slug in enumerate(slugs, 1))
    offered = session.selection._replace(links=session.view)
    return replace(session, selection=offered, notice=f"Open: {choices}")


def link_by(session: Session, number: int) -> Session:
    """Open the lesson that the stop's text links to, by the link's number, and say how to come back."""
    slugs = links(session.view.at_stop.prose)
    opened = open_lesson(session, slugs[number - 1]) if number <= len(slugs) else session
    if opened.view.lesson.slug == session.view.lesson.slug:
        return opened
    return opened.with_notice(f"u leads back to {as_sentence(session.view.lesson.title)}")


def open_choice(session: Session) -> Session:
    """Open the lesson, or the place, chosen in the sidebar."""
    if session.selection.sidebar is None:
        return session
    name, _, argument = session.selection.sidebar.partition(":")
    if name == "stop" and argument:
        return stop_at(session, argument).without_choice()
    if name in ("node", "module"):
        return (node_at if name == "node" else module_at)(session, argument)
    return open_lesson(session, session.selection.sidebar)


def move_selection(session: Session, direction: int) -> Session:
    """Raise or lower the selected control."""
    if session.selection.control is None:
        return session.with_notice("This lesson has no controls.")
    return move_control(session, session.selection.control, direction)


def move_control(session: Session, name: str, direction: int) -> Session:
    """Move a control by name, and select it unless it has a key of its own.

    In the mask lesson `t` changes the triangle and `[` and `]` go on moving the diagonal.
    """
    append = session.view.control(name).append
    if append is not None and direction > 0:
        return grow(session, name, append)
    view = session.view.move(name, direction)
    if view == session.view:
        end = "largest" if direction > 0 else "smallest"
        return session.with_notice(f"{session.view.control(name).label} is at its {end}.")
    return _with_control(session, view, name)


def control_to(session: Session, name: str, text: str) -> Session:
    """Set a control from text, as `move_control` moves it. Raises LookupError or ValueError."""
    return _with_control(session, session.view.set(name, text), name)


def _with_control(session: Session, view: View, name: str) -> Session:
    keyed = session.view.control(name).key is not None and session.selection.control is not None
    before = dict(session.view.controls)
    others = [
        f"{view.control(other).label} {text}"
        for other, text in view.controls
        if before[other] != text and other != name
    ]
    notice = f"With it: {', '.join(others)}." if others else _unused(session.view, name)
    chosen = session.selection.control if keyed else name
    return session.with_undo(view).with_control(chosen).with_notice(notice)


def _unused(view: View, name: str) -> str:
    """Return where a control is used if this stop doesn't; empty if it does, or none does."""
    control = view.control(name)
    using = [stop.number for stop in view.lesson.stops if _matters(control, stop.program)]
    if matters(view, control) or not using:
        return ""
    return f"{control.label} changes nothing here: stop {using[0]} is the first that uses it."


def matters(view: View, control: Control) -> bool:
    """Return whether a stop's program, or what it asks, reads a control, or one that its choices set."""
    ask = view.at_stop.ask
    return _matters(control, view.program if ask is None else f"{view.program}\n{ask.check.text}")


def _matters(control: Control, text: str) -> bool:
    names = {control.name, *(other for _, other, _ in control.sets)}
    return any(re.search(rf"\b{re.escape(name)}\b", text) for name in names)


def grow(session: Session, name: str, append: str) -> Session:
    """Append to a list what the program says: the number that its tensor `append` holds."""
    trace = session.current.trace if session.current is not None else None
    if trace is None:
        return session
    if append not in trace:
        return session.with_notice(f"This stop's program ends before {append}: a later stop makes it.")
    value = trace[append].value
    if value.numel() != 1:
        return session.with_notice(f"{append} is not one number, so nothing can be appended.")
    try:
        view = session.view.append_to(name, value.item())
    except ValueError as error:
        return session.with_notice(f"{error}.")
    grown = session.with_undo(view).with_control(session.selection.control)
    return grown.with_notice(f"Appended: {_last(view, name)}.")


def _last(view: View, name: str) -> str:
    return dict(view.controls)[name].rpartition(",")[2]


def turn_cell(session: Session) -> Session:
    """Turn the cell under the cursor over, where a control of the lesson is drawn."""
    from tui.compose.mask_editing import flip_entry

    run_ = session.current
    return session if run_ is None else session.with_undo(flip_entry(run_, session.view))


def select_by(session: Session, direction: int) -> Session:
    """Select the next control or the one before."""
    names = [control.name for control in session.view.lesson.controls]
    if not names:
        return session
    place = names.index(session.selection.control) if session.selection.control in names else -1
    return session.with_control(names[(place + direction) % len(names)]).with_notice("")


def seed_by(session: Session, direction: int) -> Session:
    """Take another seed, never below 0."""
    return session.with_undo(session.view.with_seed(max(0, session.view.seed + direction)))


def reset(session: Session) -> Session:
    """Take back all settings of the lesson: its controls, its seed and its program as they were written."""
    view = session.view
    own = View.opening(view.lesson, view.stop)
    as_written = session.with_undo(replace(view, controls=own.controls, seed=own.seed, code=None, at=None))
    if as_written.view == view:
        return session.with_notice("Nothing was changed here.")
    return as_written.with_notice("As the lesson has it. u: undo.")


def repair_by(session: Session, number: int) -> Session:
    """Apply a repair of the error shown."""
    failure = None if session.current is None else session.current.failure
    if failure is None:
        return session
    try:
        mended = session.with_undo(failure.apply_repair(session.view, number))
    except IndexError:
        return session.with_notice(f"There is no repair {number}.")
    if is_playground(mended.view.lesson) and not mended.editor.is_open:
        where = failure.error.line or mended.editor.caret  # where it was repaired
        return replace(mended, editor=mended.editor._replace(caret=where, is_landing=True))
    return mended


def undo_or_redo(session: Session, step: str) -> Session:
    """Undo or redo."""
    history = session.history
    view, history = history.undo(session.view) if step == "undo" else history.redo(session.view)
    lesson = view.lesson.slug != session.view.lesson.slug
    control = first_control(view) if lesson else session.selection.control
    moved = replace(session.at_view(view), history=history, door=session.door)
    notice = "Undone." if step == "undo" else "Done again."
    return moved.with_trail(()).with_control(control).with_notice(notice)


def next_look(session: Session) -> Session:
    """Take the next of the looks that the picture has."""
    run = session.current
    if run is None:
        return session
    frame = run.frame(session.view)
    if not frame.stage.looks:
        return session
    following = (frame.stage.looks.index(frame.stage.look) + 1) % len(frame.stage.looks)
    return replace(session, view=replace(session.view, look=frame.stage.looks[following]), notice="")


def move_command(name: str, direction: int = 1) -> str:
    """Return the command that moves a control: what a click on it does, and a key of its own."""
    return f"set:{name}:{direction:+d}"


def set_control(session: Session, argument: str) -> Session:
    """Move a control as `move_command` writes it: `name:+1` or `name:-1`; at the door one stays there.

    Of two clicks of one moment the first may have opened another lesson, which has no such control.
    """
    name, _, direction = argument.partition(":")
    if name not in dict(session.view.controls):
        return session
    return replace(move_control(session, name, int(direction)), door=session.door)


def pick_control(session: Session, name: str) -> Session:
    """Select a control by name, if the lesson has it."""
    known = name in dict(session.view.controls)
    return session.with_control(name).with_notice("") if known else session
