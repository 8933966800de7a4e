"""Frames: everything around the panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from linecache import getlines
from typing import TYPE_CHECKING, Any, TypeVar, cast

from llm_linalg.base.text import NOTHING, CleanText, clean
from llm_linalg.lessons.markdown import first_sentence, without_formulas
from tui.compose.captions import formula, in_one_line, node_facts
from tui.compose.pictures import PictureInput, panels_of
from tui.model.frame import (
    CELL_LOOKS,
    Captions,
    ControlFacts,
    CursorView,
    Frame,
    FramePlace,
    LessonFacts,
    Listing,
    Panel,
    StagePicture,
    Story,
)
from tui.model.question_view import AskView, ExerciseView
from tui.model.view import View
from tui.navigation.map_moves import current_box
from tui.navigation.steps import position
from tui.text.glyphs import ascii_text

if TYPE_CHECKING:
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.api.trace import Trace
    from tui.compose.nodes import NodeNavigation
    from tui.model.board_view import BoardView
    from tui.model.map_view import MapView

Named = TypeVar("Named", bound=tuple[Any, ...])

LONGEST_LINE = 400  # characters of a line of the program
LONGEST_OUTPUT = 4000
AROUND = 200  # lines of a file before and after the one shown; those further off are blank, and cost nothing
DROPPED = "Its values were dropped: alone they are more than the budget of values that are kept."


def empty_frame(view: View) -> Frame:
    """Return the frame before, or without, any node: lesson, stop, controls, program, prose."""
    lesson, stop, values = view.lesson, view.at_stop, view.names
    controls = tuple(
        ControlFacts(c.name, clean(c.label, 40), c.kind, clean(text, 60), c.key, values[c.name])
        for c, (_, text) in zip(lesson.controls, view.controls, strict=True)
    )
    facts = LessonFacts(
        slug=clean(lesson.slug, 60),
        title=clean(lesson.title, 100),
        part=lesson.place,
        stop=view.stop,
        stops=len(lesson.stops),
        stop_title=clean(stop.title, 100),
        seed=view.seed,
        controls=controls,
    )
    captions = Captions(
        story=Story(clean(stop.title, 100), clean(first_sentence(stop.prose)[0], None)),
        prose=clean(stop.prose, None, lines=True),
    )
    return Frame(
        lesson=facts,
        listing=Listing(tuple(clean(line, LONGEST_LINE) for line in view.program.split("\n"))),
        place=FramePlace(depth=view.depth, backward=view.backward),
        stage=StagePicture(look=view.look if view.look in CELL_LOOKS else "numbers"),
        captions=captions,
        ask=None if stop.ask is None else AskView.of(stop.ask),
        exercise=None if stop.exercise is None else ExerciseView.of(stop.exercise),
    )


def program_frame(view: View, trace: Trace | None, board: BoardView | None) -> Frame:
    """Return the frame of a program without operations."""
    empty = empty_frame(view)
    frame = replace(empty, stage=empty.stage._replace(board=board))
    return frame if trace is None else replace(frame, listing=_with_output(frame.listing, trace, view))


def node_frame(
    view: View,
    trace: Trace,
    navigation: NodeNavigation,
    picture: PictureInput,
    cursor: CursorView | None,
    board: BoardView | None,
) -> Frame:
    """Return the frame of a node at a step; a board is shown in place of panels."""
    node = picture.node
    base = _base(view, navigation)
    step, steps = position(view, navigation)
    orders = navigation.orders
    panels, arrangement = panels_of(picture) if board is None else ((), "row")
    steepest = picture.steepest
    place = base.place._replace(
        path=tuple(map(clean, navigation.path)),
        trail=tuple(clean(around.title, 60) for around in navigation.chain[:-1]),
        order=node.order,
        orders=orders,
        step=step,
        steps=steps,
        composite=bool(node.node.parts),
    )
    stage = base.stage._replace(
        panels=panels,
        arrangement=arrangement,
        board=board,
        scales=_scales(picture.scales) if steepest is None else (("", f"∂ {_range(steepest)}"),),
        hues=_factor_hues(picture),
        legend=_legend(picture, panels),
        note=", ".join(panel.title for panel in panels if panel.at),
    )
    lines = () if picture.whole else formula(node)
    captions = base.captions._replace(
        shape_line=clean(node.node.shape_line, 200),
        formula=lines,
        brief=in_one_line(lines),
        sentence=_sentence(node, picture.whole, first=step == 0),
        reason=NOTHING if picture.whole else clean(node.nan_reason, 300),
    )
    return replace(
        base,
        listing=_with_output(_listing(trace, node, base), trace, view),
        place=place,
        stage=stage,
        captions=captions,
        node=node_facts(node),
        operation=node,
        cursor=cursor,
    )


def map_frame(
    view: View, trace: Trace, navigation: NodeNavigation, level: MapView, box: NodeView, first: NodeView
) -> Frame:
    """Return the frame of a level of the map at a box, of which `first` is the first operation."""
    base = empty_frame(view)
    place = current_box(view, navigation)
    step, steps = position(view, navigation)
    opening = View.opening(view.lesson, view.stop)
    as_opened = (place, view.follows) == (current_box(opening, navigation), opening.follows)
    as_opened = as_opened and level.look == "numbers"  # columns and heads want words
    captions = base.captions._replace(
        # Of one operation alone.
        shape_line=clean(box.node.shape_line, 200) if level.selection.op else NOTHING,
        sentence=level.sentence,
        prose=base.captions.prose if as_opened else NOTHING,
    )
    here = base.place._replace(path=tuple(map(clean, place)), step=step, steps=steps)
    return replace(
        base,
        listing=_with_output(_listing(trace, first, base), trace, view),
        place=here,
        stage=base.stage._replace(map=level, look=level.look),
        captions=captions,
        node=node_facts(box),
        operation=box,
    )


def _with_output(listing: Listing, trace: Trace, view: View) -> Listing:
    """Return a listing with the program's output, and that of the stop's own lines."""
    return listing._replace(
        printed=clean(trace.printed, LONGEST_OUTPUT, lines=True),
        own_printed=clean(trace.printed_from(view.own_line), LONGEST_OUTPUT, lines=True),
    )


def frame_without_values(view: View, trace: Trace, navigation: NodeNavigation, node: NodeView) -> Frame:
    """Return the frame of a node whose values were dropped: its operation and its shape."""
    base = _base(view, navigation)
    return replace(
        base,
        listing=_listing(trace, node, base)._replace(own_line=None),
        place=base.place._replace(path=tuple(map(clean, navigation.names))),
        captions=base.captions._replace(shape_line=clean(node.node.shape_line, 200), sentence=clean(DROPPED)),
        node=node_facts(node),
    )


def _base(view: View, navigation: NodeNavigation) -> Frame:
    """Return a node's frame without the node; a gradient program has no prose but at the stop's own node."""
    base, stop = empty_frame(view), view.at_stop
    own = stop.backward and (not view.path or stop.show is None or navigation.path == (stop.show,))
    if own or not view.backward:
        return base
    return replace(base, captions=base.captions._replace(prose=NOTHING))


def _sentence(node: NodeView, whole: bool, first: bool) -> CleanText:
    """Return how a step makes its cells, after why it gave NaN or inf, or what a gradient is for.

    Where a formula says as much of the cells, nothing is said of them.
    """
    from llm_linalg.explain.descriptions import tells_more

    made = clean(node.sentence, 300) if whole or tells_more(node.node) else NOTHING
    if (whole or first) and node.node.why:
        return clean(f"{clean(node.node.why, 500)} {made}".strip())
    why = NOTHING if whole else clean(node.nan_reason, 300)
    return clean(f"{why}. {made}".strip()) if why else made


def _legend(picture: PictureInput, panels: Sequence[Panel]) -> str:
    """Return what the sign of a masked cell stands for, where it is drawn."""
    glyph = next((panel.mask_glyph for panel in panels if panel.role == "result"), "")
    return f"{glyph} is 0: masked" if glyph and picture.cache.masks_to_zero(picture.node) else ""


def _listing(trace: Trace, node: NodeView, base: Frame) -> Listing:
    """Return the text in which a node's line counts, at that line."""
    return Listing(_code(trace, node, base), node.line, node.program_line)


def _code(trace: Trace, node: NodeView, base: Frame) -> tuple[CleanText, ...]:
    """Return the text in which a node's line counts: the program, or the file of trusted Python."""
    if node.file and trace.files is not None:  # it was read, and may be anyone's: no file of this machine is
        return lines_near(trace.files.get(node.file, ()), node.line)
    if node.file:
        return file_lines(node.file, node.line)
    return (
        tuple(clean(line, LONGEST_LINE) for line in trace.source.split("\n"))
        if trace.source
        else base.listing.code
    )


@lru_cache(64)
def file_lines(file: str, line: int | None) -> tuple[CleanText, ...]:
    """Return the lines of a file, cleaned; empty where it can't be read."""
    return lines_near(getlines(file), line)


def lines_near(lines: Sequence[str], line: int | None) -> tuple[CleanText, ...]:
    """Return the lines of a text, those that are near one line, cleaned; the others are empty."""
    at = line or 1
    return tuple(
        clean(text.rstrip("\n"), LONGEST_LINE) if abs(number - at) <= AROUND else NOTHING
        for number, text in enumerate(lines[: at + AROUND], 1)
    )


def _factor_hues(picture: PictureInput) -> tuple[str, ...]:
    """Return the colours of the factors of each term and of the total, of a product of two tensors."""
    combination = picture.node.combination
    if combination is not None:
        return (*(picture.hues[place] for place in combination.places), picture.hues[-1])
    left, right, *rest = (*picture.hues, "", "")
    return (left, right, picture.hues[-1]) if picture.node.node.kind == "contraction" and rest else ()


def _scales(scales: Sequence[tuple[str, float]]) -> tuple[tuple[str, str], ...]:
    """Return where each tensor has its full colours; if all map the same, both ends without a title."""
    sizes = {size for _, size in scales}
    if len(sizes) == 1:
        size = sizes.pop()
        return (("", _range(size)),) if size else ()
    return tuple([(clean(title, 16), f"{size:.3g}") for title, size in scales if size])


def _range(extent: float) -> str:
    return f"-{extent:.3g} … {extent:.3g}" if extent else ""


def in_ascii(frame: Frame) -> Frame:
    """Return the frame in ASCII, its formulas on a line; its panels, board and map already are."""
    captions = frame.captions
    story = captions.story._replace(text=clean(without_formulas(captions.story.text), None))
    prose = clean(without_formulas(captions.prose), None, lines=True)
    title, stop_title = spelled((frame.lesson.title, frame.lesson.stop_title))
    return replace(
        frame,
        captions=spelled(captions._replace(story=story, prose=prose)),
        lesson=frame.lesson._replace(title=title, stop_title=stop_title),
        stage=frame.stage._replace(scales=spelled(frame.stage.scales)),
        listing=spelled(frame.listing),
    )


def spelled(values: Named) -> Named:
    """Return a tuple, by its names if it has any, with its texts in ASCII."""
    made = (
        ascii_text(value) if isinstance(value, str) else spelled(value) if isinstance(value, tuple) else value
        for value in values
    )
    kind: Any = type(values)
    return cast(Named, kind(*made) if hasattr(kind, "_fields") else kind(made))
