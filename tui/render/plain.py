"""A frame in reading order, without boxes or glyph art: for screen readers, pipes, diffs and chat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

from rich.cells import cell_len

from llm_linalg.base.text import NOTHING, CleanText, clean, clean_lines
from llm_linalg.lessons.markdown import columns, first_sentence, spoken, without_formulas, without_links
from tui.layout import label_space
from tui.layout.arrange import cell_texts
from tui.layout.values import PanelSlot
from tui.model.frame import Cell, CellMark, Frame, Panel, StagePlace
from tui.model.gallery import Gallery
from tui.model.window import window
from tui.text.rows import cut, wrap

ROWS = 20  # of a panel
BETWEEN = 4  # columns between two panels that stand beside each other
PENDING = "_"
MASKED = "#"


def to_plain(
    frame: Frame, width: int = 80, *, whole: bool = True, place: StagePlace | None = None
) -> CleanText:
    """Return the frame as text: lesson, program, tensors, formula, words.

    Without `whole`, the lesson's name, its prose and the program are left out, as they stand elsewhere. Of a
    stop of a deck, it begins with its place there.
    """
    head = [
        _head(frame, place),
        [line for paragraph in _prose(frame).split("\n") for line in _wrap(paragraph, width)]
        if _prose(frame)
        else [],
        _program(frame),
    ]
    stage, listing, captions = frame.stage, frame.listing, frame.captions
    cell = listing.cell
    printed = listing.printed if frame.exercise is None else listing.own_printed  # which may tell the answer
    if frame.is_pending and cell is None:
        printed = NOTHING  # the picture makes it first
    blocks = [
        *(head if whole else ()),
        _questions(frame, width),
        [*_wrap(_told(frame), width)] if whole and _is_answered(frame) else [],
        _facts(frame),
        *([_drawing(frame, width)] if stage.drawing else [_tensor(panel, width) for panel in stage.panels]),
        [line for row in stage.board.rows for line in wrap(row.plain, max(20, width))] if stage.board else [],
        _legend(stage.panels, width) if stage.drawing is None else [],
        list(captions.formula_text),
        _boxes(frame, width),
        list(_wrap(_words(frame, whole=whole), width)) if frame.error is None and stage.board is None else [],
        list(_error(frame, width)),
        [line for text in cell.remarks for line in _wrap(text, width)] if cell else [],
        [f"cursor: {line}" for line in frame.cursor.lines] if frame.cursor else [],
        ["printed:", *(f"  {line}" for line in printed.splitlines())] if printed.strip() else [],
        ["gives:", *(f"  {line}" for line in cell.answer.splitlines())] if cell and cell.answer else [],
        cell.saved.split("\n") if cell and cell.saved else [],
    ]
    return clean_lines(
        "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block) + "\n"
    )


def puzzle(frame: Frame, width: int, *, brief: bool = False) -> CleanText:
    """Return the program and the tensors of a frame, without the words that would say what comes next.

    In `brief` the lines that write down a tensor which is shown are left out, tensors stand beside each other
    if they fit, and their signs are those of the screen.
    """
    tensors = [_tensor(panel, width, signs=not brief) for panel in frame.stage.panels]
    blocks: list[list[str]]
    if brief:
        shown = tuple(f"{panel.name.partition('.')[0]} = torch.tensor(" for panel in frame.stage.panels)
        code: list[str] = [line for line in frame.listing.code if line.strip() and not line.startswith(shown)]
        blocks = [code, *_beside(tensors, width)]
    else:
        blocks = [_program(frame), *tensors, _legend(frame.stage.panels, width)]
    return clean_lines("\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block))


def _beside(blocks: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """Return blocks of lines, those that fit beside each other as one."""
    made: list[list[str]] = []
    for block in blocks:
        wide = max((cell_len(line.rstrip()) for line in made[-1]), default=0) + BETWEEN if made else width
        if wide + max(cell_len(line) for line in block) > width:
            made.append([*block])
            continue
        rows = zip_longest(made[-1], block, fillvalue="")
        made[-1] = [f"{cut(left.rstrip(), wide, pad=True)}{right}" for left, right in rows]
    return made


def _prose(frame: Frame) -> str:
    """Return the stop's text; at a step, in an operation, before a guess the sentence that stays."""
    whole = frame.place.step == 0 or frame.stage.map is not None or frame.exercise is not None
    if frame.ask is not None and frame.ask.is_asked and frame.ask.guess is None:
        whole = False  # what the stop says further may hold the answer
    shown = frame.captions.prose if whole and frame.captions.prose else frame.captions.story.text
    return spoken("\n\n".join(columns(shown)))


def _is_answered(frame: Frame) -> bool:
    """Return whether there is an answer to what is asked here."""
    return frame.ask is not None and frame.ask.is_asked and frame.ask.guess is not None


def _told(frame: Frame) -> str:
    """Return what the stop says after the sentence that stays."""
    return spoken(first_sentence(frame.captions.prose)[1])


def _words(frame: Frame, *, whole: bool) -> str:
    """Return how a step makes its cells; after the last one, what the stop says."""
    place, captions = frame.place, frame.captions
    if not whole or not 0 < place.steps == place.step or place.depth not in ("cells", "terms"):
        return captions.sentence
    sentence = _told(frame)
    return f"{captions.reason}{'. ' * bool(captions.reason)}{sentence}" if sentence else captions.sentence


def _wrap(text: str, width: int) -> Sequence[str]:
    return wrap(text, max(20, width)) if text else [""]


def _head(frame: Frame, place: StagePlace | None) -> list[str]:
    controls = ", ".join(
        [*(f"{one.name} = {one.text}" for one in frame.lesson.controls), f"seed {frame.lesson.seed}"]
    )
    if place is None:
        stops = f"stop {frame.lesson.stop} of {frame.lesson.stops}: {frame.lesson.stop_title}"
        named = [
            frame.lesson.part,
            *([] if frame.lesson.title == frame.lesson.part else [frame.lesson.title]),
        ]
        return [", ".join(named), stops, controls]
    stops = f"stop {place.stop} of {place.stops}: {clean(place.title)}"
    return [
        clean(place.deck),
        stops,
        *([clean(place.source)] if place.source not in ("", place.deck) else []),
        controls,
    ]


def _program(frame: Frame) -> list[str]:
    if not any(line.strip() for line in frame.listing.code):
        return []
    digits = len(str(len(frame.listing.code)))
    return [
        f"{'>' if number == frame.listing.line else ' '} {number:>{digits}}  {line}"
        for number, line in enumerate(frame.listing.code, 1)
    ]


def _questions(frame: Frame, width: int) -> list[str]:
    """Return the exercise, and the guess while it is asked for."""
    ask = frame.ask.lines if frame.ask is not None and frame.ask.is_asked else ()
    asked = (*ask, *(() if frame.exercise is None else frame.exercise.lines))
    lines = [line for paragraph in asked for line in paragraph.split("\n")]
    return [row for line in lines for row in _wrap(without_formulas(without_links(line)), width)]


def _facts(frame: Frame) -> list[str]:
    node = frame.node
    if node is None:
        return []
    if frame.stage.map is not None:
        what = "box" if frame.stage.map.gallery is None else "head"
        return [f"{what} {frame.place.step} of {frame.place.steps}"]
    shape = f"({', '.join(map(str, node.shape))}{',' if len(node.shape) == 1 else ''})"
    line = f", line {node.line}" if node.line else ""  # an input of a function has none
    kind = f"{node.op}{line}, {node.dtype} {shape}, known by {node.evidence}"
    where = f"{' / '.join(frame.place.path)}: {kind}"
    step = f"step {frame.place.step} of {frame.place.steps}"
    order = (
        f", order {frame.place.order}"
        if frame.place.order and frame.place.depth != "operations"
        else f", {frame.place.depth}"
    )
    shapes = [frame.captions.shape_line] if frame.captions.shape_line else []
    return [where, *shapes, *([step + order] if frame.stage.board is None else [])]


def _drawing(frame: Frame, width: int) -> list[str]:
    """Return what a drawing shows, in words and figures."""
    words = () if frame.stage.drawing is None else frame.stage.drawing.words
    return [
        f"look: {frame.stage.look}",
        *(line for sentence in words for line in wrap(sentence, max(20, width))),
    ]


def _boxes(frame: Frame, width: int) -> list[str]:
    """Return the boxes of a level of the map, the selected one marked."""
    level = frame.stage.map
    if level is None:
        return []
    lines = [f"map: {' / '.join(level.path) or 'all'}" if level.gallery is None else "attention heads"]
    for words, selected in level.plain:
        first, *rest = wrap(words, max(20, width - 2))
        lines += [f"{'>' if selected else ' '} {first}", *(f"  {line}" for line in rest)]
    return lines if level.gallery is None else [*lines, *_weights(level.gallery)]


def _weights(gallery: Gallery) -> Iterator[str]:
    """Yield the weights of the selected head in percent, a row a query; nothing if they are too many."""
    rows = gallery.selection.blocks(1) or ()
    if len(rows) <= ROWS and max(map(len, rows), default=0) <= ROWS:
        yield from ("".join(f"{weight:5.0%}" for weight in row) for row in rows)


def _tensor(panel: Panel, width: int, *, signs: bool = True) -> list[str]:
    """Return a panel as rows of numbers, with the signs of plain text; a window if it is large."""
    cell = _cell(panel)
    rows = window(panel.rows, ROWS, panel.focus_rows)
    margin = label_space.beside(panel)
    columns = window(panel.columns, max(1, (width - margin) // cell), panel.focus_columns)
    sign = f"{panel.sign} " if panel.sign else ""
    label = panel.name if panel.role == "margin" else sign + panel.label_with_names
    if len(rows) < panel.rows:
        label += f", rows {rows.start} to {rows.stop - 1} of {panel.rows}"
    if len(columns) < panel.columns:
        label += f", columns {columns.start} to {columns.stop - 1} of {panel.columns}"
    slot = PanelSlot(0, 0, 0, rows, columns, cell, 4)
    lines = [label]
    if panel.column_edge.labels:
        lines.append(" " * margin + label_space.header(panel, slot))
    for number, row in zip(rows, panel.cells.window(rows, columns, 4), strict=True):
        cells = row if _unknown(panel) or not signs else [_spell(cell, panel) for cell in row]
        text = "".join(piece.text for piece in cell_texts(cells, slot))
        head = cut(panel.row_edge.labels[number], margin - 1, pad=True) + " " if margin else ""
        lines.append(head + text)
    return lines


def _cell(panel: Panel) -> int:
    return label_space.cell_width(panel, panel.width(4) + 2)


def _unknown(panel: Panel) -> bool:
    """Return whether only the shape of the tensor is known."""
    return panel.pending_glyph == "?"


def _spell(cell: Cell, panel: Panel) -> Cell:
    """Return a cell with the signs of plain text; a point in a number is none of the panel's."""
    sign = {panel.pending_glyph: PENDING, panel.mask_glyph: MASKED}.get(cell.text.strip())
    return cell if sign is None else replace(cell, text=sign.rjust(len(cell.text)))


def _legend(panels: Sequence[Panel], width: int) -> list[str]:
    """Return what the marks in the rows of numbers mean, of those that are there."""
    marks = CellMark.NONE
    for panel in panels:
        rows = window(panel.rows, ROWS, panel.focus_rows)
        room = max(1, (width - label_space.beside(panel)) // _cell(panel))
        columns = window(panel.columns, room, panel.focus_columns)
        for row in panel.cells.window(rows, columns, 4):
            for cell in row:
                shown = cell.mark & ~CellMark.PENDING if _unknown(panel) else cell.mark
                hidden = cell.text.strip() == panel.mask_glyph  # and not a number in its place, such as −inf
                marks |= shown if hidden else shown & ~CellMark.MASKED
    meanings = {
        CellMark.PENDING: f"{PENDING} not yet computed",
        CellMark.MASKED: f"{MASKED} masked: 0",
        CellMark.CURSOR: "> < the cursor",
        CellMark.SOURCE: "( ) made it",
        CellMark.CONSUMER: "{ } is fed by it",
        CellMark.CLASH: "! ! does not fit",
    }
    words = [text for mark, text in meanings.items() if mark in marks]
    return [", ".join(words)] if words else []


def _error(frame: Frame, width: int) -> Iterator[str]:
    error = frame.error
    if error is None:
        return
    place = "" if error.line is None else f", line {error.line}"
    kind = "" if error.kind == "unrun" else f"{error.kind}{place}: "  # the sentence says it
    yield from wrap(f"{kind}{error.sentence}", width)
    yield from error.caret.splitlines()
    yield from (f"from {frame}" for frame in error.frames)
    for number, repair in enumerate(error.repairs, 1):
        gives = "" if repair.shape is None else f" gives ({', '.join(map(str, repair.shape))})"
        yield f"repair {number}: {repair.text}{gives}: {repair.why}"
