"""Frames: what is said around the panels."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from llm_linalg.text import clean
from tui.frame import ControlFacts, CursorView, Frame, Panel
from tui.glyphs import ascii_text
from tui.mapping import standing
from tui.player import order_of, position
from tui.stage import cursor
from tui.stage.axis_labels import edges_of
from tui.stage.boards import live
from tui.stage.descriptions import facts, formula
from tui.stage.error_frame import clash_panels, error_view
from tui.stage.frame_json import record
from tui.stage.maps import live_map
from tui.stage.nodes import own_line
from tui.stage.pictures import PictureInput, picture
from tui.stage.source_lines import file_lines
from tui.view import View

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace
    from llm_linalg.errors import ProgramError
    from llm_linalg.walk import Step
    from tui.stage.run import Run

CODE = 400  # characters of a line of the program
PRINTED = 4000
WRITTEN = 64  # cells that a step wrote and that are looked at for what is no number


def empty_frame(view: View) -> Frame:
    """What a view shows before, or without, any node: lesson, stop, controls, program, prose."""
    lesson, stop = view.lesson, view.at_stop
    controls = tuple(
        ControlFacts(c.name, clean(c.label, 40), c.kind, clean(text, 60), c.key)
        for c, (_, text) in zip(lesson.controls, view.controls, strict=True)
    )
    return Frame(
        lesson=clean(lesson.slug, 60),
        title=clean(lesson.title, 100),
        part=lesson.place,
        stop=view.stop,
        stops=len(lesson.stops),
        stop_title=clean(stop.title, 100),
        seed=view.seed,
        controls=controls,
        code=tuple(clean(line, CODE) for line in view.program.split("\n")),
        line=None,
        node=None,
        path=(),
        order=None,
        orders=(),
        step=0,
        steps=0,
        depth=view.depth,
        depths=(),
        composite=False,
        panels=(),
        arrangement="row",
        shape_line="",
        formula=(),
        sentence="",
        prose=clean(stop.prose, None, lines=True),
        printed="",
        error=None,
        cursor=None,
        range_text="",
        twin=view.twin,
    )


def node_frame(opened: Run, view: View, ascii_only: bool) -> Frame:
    """The frame of a node at a step."""
    trace = opened.program(view)
    ground = opened.navigation(view)
    node = ground.node
    base = empty_frame(view)
    if view.twin and not _own(view, ground.path):
        base = replace(base, prose="")  # the other steps of a gradient program say why they are there
    board = None if view.board is None else live(view.board, view, trace, ascii_only)
    if trace is None or node is None:
        printed = "" if trace is None else clean(trace.printed, PRINTED, lines=True)
        said = replace(base, printed=printed, board=board)
        return _finished(replace(said, json=lambda: record(said, view.names)), ascii_only)
    if node.dropped:
        return _finished(_dropped(base, view, ground.chain, trace), ascii_only)
    order = order_of(view, ground)
    step, steps = position(view, ground)
    whole = view.depth == "operations"
    walk = None if whole or order is None else node.walk(order)
    found = opened.spotted(view)
    beside = opened.beside(view, node)
    k = step - 1
    scene = PictureInput(
        node=node,
        beside=beside,
        walk=walk,
        k=k,
        order=order,
        at=view.at,
        found=found,
        store=opened.store,
        ascii_only=ascii_only,
        edges=partial(edges_of, opened),
        margin=_margin(opened, view, ground.chain),
        light=opened.light(view),
    )
    panels, arrangement = picture(scene) if board is None else ((), "row")
    current = scene.step
    outermost = ground.chain[0]
    frame = replace(
        base,
        code=_code(trace, outermost, base),
        line=outermost.line,
        own_line=own_line(outermost),
        node=facts(node, outermost.line),
        path=ground.path,
        order=order,
        orders=ground.orders,
        step=step,
        steps=steps,
        depths=(
            "map",
            "operations",
            *(("cells",) if ground.orders else ()),
            *(("terms",) if "terms" in ground.orders else ()),
        ),
        composite=bool(node.parts),
        panels=panels,
        arrangement=arrangement,
        shape_line=clean(node.shape_line, 200),
        formula=formula(node, current),
        sentence=_sentence(node, order, current, step == 0 or whole),
        printed=clean(trace.printed, PRINTED, lines=True),
        cursor=None if found is None else _about(found, trace, scene),
        range_text=_range(scene.extent) if scene.steepest is None else f"∂ {_range(scene.steepest)}",
        board=board,
        twins=opened.has_twin(),
        note=", ".join(panel.title for panel in panels if panel.at),
    )
    last = len(node.walk(order)) - 1 if whole and order is not None else k
    told = replace(frame, json=lambda: record(frame, view.names, node, order, last, edges=scene.edges))
    return _finished(told, ascii_only)


def _about(found: cursor.CursorCell, trace: Trace, scene: PictureInput) -> CursorView:
    return cursor.describe(found, trace, scene.edges(found.maker), scene.light)


def map_frame(opened: Run, view: View, ascii_only: bool) -> Frame:
    """The frame of a level of the map, at the box that is selected."""
    trace, ground = opened.program(view), opened.navigation(view)
    shown = live_map(view, ground, opened.light(view), ascii_only, opened.levels[view.twin])
    if trace is None or shown is None:
        return node_frame(opened, replace(view, depth="cells"), ascii_only)
    box = standing(view, ground)
    made = ground.map.level(box[:-1]).box(box[-1]) if ground.map is not None else None
    node = ground.chain[-1] if made is None else made.node
    base = empty_frame(view)
    first = node if made is None else made.nodes[0]
    step, steps = position(view, ground)
    opening = View.opening(view.lesson, view.stop)
    as_opened = (box, view.asked) == (standing(opening, ground), opening.asked)
    frame = replace(
        base,
        code=_code(trace, first, base),
        line=first.line,
        own_line=own_line(first),
        node=facts(node, node.line),
        path=(*box[:-1], box[-1]),
        step=step,
        steps=steps,
        depths=("map", "operations"),
        shape_line=clean(node.shape_line, 200) if made is not None and made.scope is None else "",
        sentence=shown.sentence,
        prose=base.prose if as_opened else "",
        printed=clean(trace.printed, PRINTED, lines=True),
        map=shown,
        twins=opened.has_twin(),
    )
    order = next(iter(node.orders), None)
    last = len(node.walk(order)) - 1 if order is not None and not node.dropped else -1
    told = replace(
        frame,
        json=lambda: {**record(frame, view.names, None if node.dropped else node, order, last),
                      "step": step, "steps": steps, "map": shown.record()},
    )  # fmt: skip
    return _finished(told, ascii_only)


def _own(view: View, path: tuple[str, ...]) -> bool:
    """Whether a view of a gradient program is at the node that its stop shows."""
    stop = view.at_stop
    return stop.backward and (not view.path or stop.show is None or path == (stop.show,))


def _margin(opened: Run, view: View, chain: tuple[Node, ...]) -> str | None:
    """What the stop wants beside the rows of the node that it shows."""
    own = (
        view.at_stop.margin is not None
        and not view.twin
        and chain == opened.navigation(replace(view, path=())).chain
    )
    return view.at_stop.margin if own else None


def _sentence(node: Node, order: str | None, step: Step | None, first: bool) -> str:
    """How a step makes its cells; before it why what it wrote is no number, or a gradient what it is."""
    from llm_linalg.nonfinite import reason

    made = clean(node.sentence(order), 300) if order is not None else ""
    if first and node.why:
        return f"{clean(node.why, 500)} {made}".strip()
    written = step.writes if step is not None and len(step.writes) <= WRITTEN else ()
    why = next((text for index in written if (text := reason(node, index))), "")
    return f"{clean(why, 300)}. {made}" if why else made


def _code(trace: Trace, node: Node, base: Frame) -> tuple[str, ...]:
    """The text in which a node's line counts: the program, or the file of trusted Python."""
    if node.file:
        return file_lines(node.file, node.line)
    return tuple(clean(line, CODE) for line in trace.source.split("\n")) if trace.source else base.code


def _dropped(base: Frame, view: View, chain: tuple[Node, ...], trace: Trace) -> Frame:
    """The frame of a node whose values were dropped: what it is, and its shape."""
    frame = replace(
        base,
        code=_code(trace, chain[0], base),
        line=chain[0].line,
        node=facts(chain[-1], chain[0].line),
        path=tuple(node.name for node in chain),
        shape_line=clean(chain[-1].shape_line, 200),
        sentence="Its values were dropped: alone they are more than the budget of values that are kept.",
    )
    return replace(frame, json=lambda: record(frame, view.names))


def failed_frame(opened: Run, view: View, error: ProgramError, ascii_only: bool) -> Frame:
    """The frame of a program that failed."""
    from llm_linalg.errors import ShapeError

    base = empty_frame(view)
    good = None if opened.good is None else opened.good.frame(opened.good.view, ascii_only=ascii_only)
    panels: tuple[Panel, ...] = ()
    if isinstance(error, ShapeError):
        panels = clash_panels(error, opened.operands, opened.store, ascii_only)
    frame = replace(
        base,
        code=file_lines(error.frames[-1].file, error.line) if error.frames else base.code,
        line=error.line,
        panels=panels,
        arrangement="row",
        sentence=error.message,
        printed="" if error.trace is None else clean(error.trace.printed, PRINTED, lines=True),
        error=error_view(
            error, view.at_stop.fails and view.code is None, good, _refused(view, error), opened.fault
        ),
    )
    return _finished(replace(frame, json=lambda: record(frame, view.names, error=error)), ascii_only)


def _refused(view: View, error: ProgramError) -> bool:
    """Whether the language takes no such cell of a document, or not all that it does; else it failed."""
    from llm_linalg.errors import LimitError

    cell = view.at_stop.refused is not None and view.code is None
    return view.lesson.document and (cell or isinstance(error, LimitError))


def _range(extent: float) -> str:
    return f"-{extent:.3g} … {extent:.3g}" if extent else ""


def _finished(frame: Frame, ascii_only: bool) -> Frame:
    """The frame, in ASCII where that is asked for. The prose and the program keep what they hold."""
    if not ascii_only:
        return frame
    return replace(
        frame,
        shape_line=ascii_text(frame.shape_line),
        formula=tuple(tuple((ascii_text(text), state) for text, state in line) for line in frame.formula),
        sentence=ascii_text(frame.sentence),
        prose=ascii_text(frame.prose),
        title=ascii_text(frame.title),
        stop_title=ascii_text(frame.stop_title),
        range_text=ascii_text(frame.range_text),
        code=tuple(map(ascii_text, frame.code)),
        printed=ascii_text(frame.printed),
    )
