"""The parts of an HTML page: prose, and frames with program, tensors as tables, formula and words."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from html import escape
from itertools import groupby
from pathlib import Path

from llm_linalg.lessons.markdown import Block, blocks, columns, group_blocks, text_runs, words_of_picture
from llm_linalg.lessons.picture_files import PictureError, read_picture
from tui.looks.canvas import ACROSS, DOWN, CanvasDrawing, Stroke, VectorCanvas
from tui.model.board_view import BoardView
from tui.model.drawing import Drawing
from tui.model.frame import Cell, CellMark, ErrorView, Frame, Panel, RepairFacts
from tui.model.gallery import Gallery, HeadPicture
from tui.model.map_table import HEADS, MapTable, cell_text
from tui.model.map_view import MapView
from tui.model.window import window
from tui.render.mathml import mathml
from tui.render.svg_drawing import CELL, text_elements
from tui.text.formula_spans import NO_HUES, NameHues
from tui.text.prose import BULLET, formula_row, lead_of, with_hues
from tui.text.rows import Row, TextSpan, width_of
from tui.text.themes import STRENGTHS, step_of

VALUE = 60  # columns of a board's value
PIXELS = 24  # blocks along a side of a head's picture, at most
PICTURE = 72  # its width
FAINTEST = 0.01  # the weight below which a block has no colour
NOW = ' class="now" aria-current="true"'
DRAWN = (60, 16)  # columns and rows of a drawing
SQUARE = CELL[0] / ACROSS  # pixels of a dot on a canvas, in both directions: a right angle looks right
WIDEST = 24  # columns of a cell, as the style sheet has them
SCROLLED = ' tabindex="0" role="group" aria-label="tensors"'  # by the arrow keys where it has no room
ROWS, COLUMNS = 16, 12  # of a panel; beyond them a window around what is lit
CLASSES = {
    CellMark.PENDING: "q",
    CellMark.READ: "r",
    CellMark.FACTOR: "f",
    CellMark.WRITE: "w",
    CellMark.MASKED: "m",
    CellMark.CURSOR: "u",
    CellMark.SOURCE: "d",
    CellMark.CONSUMER: "e",
    CellMark.CLASH: "x",
}


def position_text(frame: Frame) -> str:
    """Return where the frame is, in a few words."""
    if frame.error is not None or not frame.place.steps:
        return frame.lesson.stop_title if frame.error is None else "it fails"
    return f"step {frame.place.step} of {frame.place.steps}"


def picture(frame: Frame, *, settings: bool = True) -> str:
    """Return all of a frame but its prose; without its `settings` where controls show them."""
    return "".join([*_parts(frame), _facts(frame, settings)])


def _facts(frame: Frame, settings: bool) -> str:
    """Return the settings and the order of a frame."""
    controls = [f"{control.label} = {control.text}" for control in frame.lesson.controls]
    ordered = frame.place.order and frame.place.depth != "operations" and frame.stage.board is None
    facts = [*controls, f"seed {frame.lesson.seed}"] if settings else []
    facts += [f"order {frame.place.order}"] if ordered else []
    return f'<p class="facts">{escape(", ".join(facts))}</p>\n' if facts else ""


def _parts(frame: Frame) -> Iterator[str]:
    if any(line.strip() for line in frame.listing.code):
        now = ' class="now" aria-current="true"'
        lines = (
            f"<li{now if n == frame.listing.line else ''}>{escape(line)}</li>"
            for n, line in enumerate(frame.listing.code, 1)
        )
        yield "".join(['<ol class="program" tabindex="0" aria-label="program">', *lines, "</ol>\n"])
    if frame.error is not None:
        yield _error(frame.error)
    if frame.captions.shape_line:
        yield f'<p class="shape">{escape(frame.captions.shape_line)}</p>\n'
    if frame.stage.board is not None:
        yield _board(frame.stage.board)
    if frame.stage.map is not None:
        yield _boxes(frame.stage.map)
    if frame.stage.drawing is not None:
        yield _drawing(frame.stage.drawing)
    elif frame.stage.panels:
        yield _tensors(frame, frame.stage.look != "numbers")
    if frame.cursor is not None:
        yield "".join(f'<p class="facts">{escape(line)}</p>\n' for line in frame.cursor.lines)
    if frame.error is None and frame.stage.board is None:
        paint = partial(with_hues, hues=frame.stage.hues, term_by_term=frame.place.order == "terms")
        rows = [paint(formula_row(line)) for line in frame.captions.formula]
        formula = "\n".join("".join(map(_span, row)) for row in rows)
        yield (
            f'<div class="words">\n<p class="formula">{formula}</p>\n'
            f'<p class="sentence">{escape(frame.captions.sentence)}</p>\n</div>\n'
        )
    if frame.listing.printed.strip():
        yield f'<pre class="printed">{escape(frame.listing.printed.rstrip())}</pre>\n'
    if frame.listing.cell is not None and frame.listing.cell.saved:
        yield f'<pre class="saved">{escape(frame.listing.cell.saved)}</pre>\n'


def _board(board: BoardView) -> str:
    """Return a board as a table, a chain as boxes in it; each row names the lesson that it opens."""
    lines = []
    for row in board.rows:
        apart = ' class="apart"' if row.apart else ""
        value, lesson = row.value_in(VALUE, "…"), f'<a href="#lesson={row.lesson}">{escape(row.title)}</a>'
        cells = "".join(f"<td>{cell}</td>" for cell in (escape(value), escape(row.words), lesson))
        lines.append(f'<tr{apart}><th scope="row">{escape(row.label)}</th>{cells}</tr>\n')
    kind = "board chain" if board.chain else "board"
    return f'<div class="tensors"{SCROLLED}>\n<table class="{kind}">\n{"".join(lines)}</table>\n</div>\n'


def link_lessons(html: str, links: Mapping[str, str]) -> str:
    """Return HTML in which the lessons that have an address are links, and others plain words."""

    def link(match: re.Match[str]) -> str:
        address = links.get(match[1])
        return match[2] if address is None else f'<a href="{escape(address)}">{match[2]}</a>'

    return re.sub(r'<a href="#lesson=([^"]*)">(.*?)</a>', link, html)


def _boxes(level: MapView) -> str:
    """Return a level of the map as a table: the selected box is marked, and what is followed is counted."""
    if level.table is not None:
        return _table(level.table, level.path)
    if level.gallery is not None:
        return _gallery(level.gallery)
    asked = ("cells", "derivative") if level.question else ("multiplications", "share")
    lines = [_heads(("shape", *asked, "reads"))]
    for place, row in enumerate(level.rows):
        now = ' class="now" aria-current="true"' if place == level.row else ""
        cells = (row.sizes, *row.columns, ", ".join(level.reads(place)))
        inside = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        lines.append(f'<tr{now}><th scope="row">{escape(row.label)}</th>{inside}</tr>\n')
    return _captioned(level.path, level.question, lines)


def _table(table: MapTable, path: Sequence[str]) -> str:
    """Return the table of a level of the map: the selected row is marked."""
    lines = [_heads(("shape", "dtype", *(HEADS[column] for column in table.columns)))]
    for place, row in enumerate(table.rows):
        now = ' class="now" aria-current="true"' if place == table.row else ""
        cells = (row.shape, row.dtype, *(cell_text(row.facts, column) for column in table.columns))
        inside = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        lines.append(f'<tr{now}><th scope="row">{escape(row.label)}</th>{inside}</tr>\n')
    return _captioned(path, "", lines)


def _heads(heads: Sequence[str]) -> str:
    """Return the row of a table that says what its columns are; the first has the names of the rows."""
    named = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    return f"<tr><td></td>{named}</tr>\n"


def _gallery(gallery: Gallery) -> str:
    """Return attention heads as small pictures, a row a layer, a square a block of queries and keys."""
    lines = []
    for place, layer in enumerate(gallery.layers):
        cells = "".join(
            f"<td{NOW if (place, k) == (gallery.layer, gallery.head) else ''}>{_head_picture(picture)}</td>"
            for k, picture in enumerate(layer.heads)
        )
        lines.append(f'<tr><th scope="row">{escape(layer.label)}</th>{cells}</tr>\n')
    return _captioned(("attention",), "", lines)


def _head_picture(picture: HeadPicture) -> str:
    size = -(-max(picture.shape) // PIXELS)
    rows = picture.blocks(size) or ()
    squares = "".join(
        f'<rect x="{x}" y="{y}" width="1" height="1" fill="currentColor" fill-opacity="{weight:.2g}"/>'
        for y, row in enumerate(rows)
        for x, weight in enumerate(row)
        if weight >= FAINTEST
    )
    across, down = max(map(len, rows), default=1), max(1, len(rows))
    box = f'<rect width="{across}" height="{down}" fill="currentColor" fill-opacity="0.06"/>'
    return (
        f'<svg viewBox="0 0 {across} {down}" width="{PICTURE}" role="img" aria-label="head {picture.head}">'
        f"{box}{squares}</svg>"
    )


def _captioned(path: Sequence[str], question: str, lines: Sequence[str]) -> str:
    trail = " › ".join(("map", *path))
    caption = f"<caption>{escape(trail)} {escape(question)}</caption>\n"
    inside = "".join([caption, *lines])
    return f'<div class="tensors"{SCROLLED}>\n<table class="board">\n{inside}</table>\n</div>\n'


def _drawing(drawing: Drawing) -> str:
    """Return a drawing as SVG, read aloud as words and figures: few fonts have dots as wide as letters."""
    lines, (across, down) = "", CELL
    if isinstance(drawing, CanvasDrawing):
        sheet, down = drawing.sheet(*DRAWN, VectorCanvas), SQUARE * DOWN
        rows, shown = sheet.rows, range(DRAWN[1])
        if isinstance(sheet.canvas, VectorCanvas):
            strokes = "".join(map(_stroke, sheet.canvas.strokes))
            lines = f'<g class="lines" transform="translate(0 {down * len(sheet.above):g})">\n{strokes}</g>\n'
    else:
        rows = drawing.rows(*DRAWN)
        full = [k for k, row in enumerate(rows) if any(span.text.strip() for span in row)]
        shown = range(full[0], full[-1] + 1) if full else range(0)
    texts = ((y, "".join(_drawn(rows[k]))) for y, k in enumerate(shown) if k < len(rows))
    drawn = (f'<g transform="translate(0 {down * y:g})">{text}</g>\n' for y, text in texts if text)
    words = escape(" ".join(drawing.words))
    return (
        f'<svg class="drawing" viewBox="0 0 {DRAWN[0] * across:g} {len(shown) * down:g}" role="img" '
        f'aria-label="{words}">\n{lines}{"".join(drawn)}</svg>\n'
    )


def _stroke(stroke: Stroke) -> str:
    """Return lines of one role as a path, a spot as a line without length, which has round ends."""
    size = SQUARE / VectorCanvas.fine
    paths = [[f"{size * x:.1f} {size * y:.1f}" for x, y in path] for path in stroke.paths]
    close = "z" * stroke.closed
    data = "".join(f"M{path[0]}{''.join(f'L{at}' for at in path[1:]) or 'h0'}{close}" for path in paths)
    on, period = stroke.pattern
    dashes = f' stroke-dasharray="{on * 3} {(period - on) * 3}"' if period > on else ""
    role = " ".join(filter(None, [stroke.role, "spot" * (len(stroke.paths[0]) == 1)]))
    return f'<path class="{role}"{dashes} d="{data}"/>\n'


def _drawn(row: Row) -> Iterator[str]:
    """Yield the SVG of a drawing's row."""
    x = 0
    for span in row:
        yield from text_elements(span.text, x, f' class="{span.role}"' if span.role else "")
        x += width_of([span])


def _span(span: TextSpan) -> str:
    """Return a piece of a formula; what is done looks as if nothing was said of it."""
    role = " ".join(one for one in span.role.split() if one != "done")
    return f'<span class="{role}">{escape(span.text)}</span>' if role and span.text else escape(span.text)


def _tensors(frame: Frame, heat: bool) -> str:
    widest = max(panel.width(4) for panel in frame.stage.panels)
    cross = {"top", "left", "result"} if frame.stage.arrangement == "falk" else set()
    inside = "".join(_tensor(panel, frame, heat) for panel in frame.stage.panels if panel.role in cross)
    beside = "".join(_tensor(panel, frame, heat) for panel in frame.stage.panels if panel.role not in cross)
    crossed = f'<div class="cross">\n{inside}</div>\n' if inside else ""
    kind = f"tensors {frame.stage.arrangement} {_wide(widest)}"
    return f'<div class="{kind}"{SCROLLED}>\n{crossed}{beside}</div>\n'


def _wide(columns: int) -> str:
    """Return the class of cells that are so wide: a style of their own is what a policy may forbid."""
    return f"w{min(columns, WIDEST)}"


def _tensor(panel: Panel, frame: Frame, heat: bool) -> str:
    rows = window(panel.rows, ROWS, panel.focus_rows)
    columns = window(panel.columns, COLUMNS, panel.focus_columns)
    across = frame.stage.arrangement == "falk" and panel.role == "result"
    head = panel.column_edge.labels if not across else ()
    side = panel.row_edge.labels if not across and panel.role != "top" else ()
    sign = f'<span class="sign">{escape(panel.sign)}</span>' if panel.sign else ""
    lines = []
    if head:
        corner = "<td></td>" if side else ""
        names = "".join(f'<th scope="col">{escape(head[column])}</th>' for column in columns)
        lines.append(f"<tr>{corner}{names}</tr>\n")
    for row, cells in zip(rows, panel.cells.window(rows, columns, 4), strict=True):
        name = f'<th scope="row">{escape(side[row])}</th>' if side else ""
        lines.append(f"<tr>{name}{''.join(_cell(cell, panel, heat) for cell in cells)}</tr>\n")
    label, _, shape = panel.label_with_names.partition(" (")
    hue = f' class="{panel.hue}"' if panel.hue else ""
    caption = f"<b{hue}>{escape(label)}</b> ({escape(shape)}{escape(_cut(panel, rows, columns))}"
    crossed = frame.stage.arrangement == "falk" and panel.role == "left"  # the others share their columns
    own = f" {_wide(panel.width(4))}" if crossed else ""
    return (
        f'<div class="tensor {panel.role}{own}">{sign}<table>\n<caption>{caption}</caption>\n'
        f"{''.join(lines)}</table></div>\n"
    )


def _cut(panel: Panel, rows: range, columns: range) -> str:
    """Return which rows and columns are shown, where that is not all."""
    ranges = ""
    if len(rows) < panel.rows:
        ranges += f", rows {rows.start}–{rows.stop - 1}"
    if len(columns) < panel.columns:
        ranges += f", columns {columns.start}–{columns.stop - 1}"
    return ranges


@cache
def _classes(mark: CellMark) -> tuple[str, ...]:
    return tuple(name for one, name in CLASSES.items() if one in mark)


def _cell(cell: Cell, panel: Panel, heat: bool) -> str:
    names = [*_classes(cell.mark)]
    if panel.hue and panel.hue in panel.role_of(cell.mark):
        names = [name for name in names if name != "f"] + [panel.hue]
    if heat and cell.level is not None:
        strength = step_of(cell.level, STRENGTHS)
        names += [f"{'n' if cell.level < 0 else 'p'}{strength}"] if strength else []
    kind = f' class="{" ".join(names)}"' if names else ""
    return f"<td{kind}>{escape(cell.text.strip())}</td>"


def _repair(one: RepairFacts) -> str:
    gives = "" if one.shape is None else f" gives ({', '.join(map(str, one.shape))})"
    return f"<p>repair: <code>{escape(one.text)}</code>{gives}: {escape(one.why)}</p>\n"


def _error(error: ErrorView) -> str:
    place = "" if error.line is None else f", line {error.line}"
    kind = f"<strong>{escape(error.kind)}{place}</strong> "
    repairs = "".join(map(_repair, error.repairs))
    caret = f"<pre>{escape(error.caret)}</pre>\n" if error.caret else ""
    return f'<div class="error">\n<p>{kind}{escape(error.sentence)}</p>\n{caret}{repairs}</div>\n'


def paragraphs(
    text: str, hues: NameHues = NO_HUES, lesson: Path | None = None, links: Mapping[str, str] | None = None
) -> str:
    """Return a lesson's prose as HTML; a formula is MathML, a link to a lesson without an address its words.

    A picture beside the file of the `lesson` is in it, and columns stand beside each other.
    """
    return link_lessons(_paragraphs(text, hues, lesson), links or {})


def _paragraphs(text: str, hues: NameHues, lesson: Path | None) -> str:
    if len(parts := columns(text)) > 1:
        inside = "".join(f"<div>\n{_paragraphs(part, hues, lesson)}</div>\n" for part in parts)
        return f'<div class="columns">\n{inside}</div>\n'
    runs = (run for group in group_blocks(blocks(text)) for run in groupby(group, _tag))
    return "".join(
        "".join(_picture(block, lesson) for block in run) if tag == "img" else _element(tag, [*run], hues)
        for tag, run in runs
    )


def _picture(block: Block, lesson: Path | None) -> str:
    try:
        image = read_picture(lesson, block.info)
    except PictureError:
        return f"<p>{escape(words_of_picture(block))}</p>\n"
    source = f"data:image/{image.kind};base64,{b64encode(image.data).decode('ascii')}"
    return f'<p class="picture"><img src="{source}" alt="{escape(block.text)}"></p>\n'


def _tag(block: Block) -> str:
    """Return the HTML tag of what a block stands in."""
    tags = {"code": "pre", "row": "table", "quote": "blockquote", "item": "ol"}
    tags |= {"formula": "math", "image": "img"}
    return "ul" if lead_of(block) == BULLET else tags.get(block.kind, "p")


def _element(tag: str, run: list[Block], hues: NameHues) -> str:
    match tag:
        case "pre":
            return "".join(f"<pre>{escape(block.text)}</pre>\n" for block in run)
        case "math":
            return "".join(f'<div class="display">{_displayed(block, hues)}</div>\n' for block in run)
        case "p":
            return "".join(f"<p>{inline(block.source, hues)}</p>\n" for block in run)
        case "table":
            inside = "".join(f"<tr>{_cells(block, hues)}</tr>\n" for block in run)
        case "blockquote":
            inside = "".join(f"<p>{inline(block.text, hues)}</p>\n" for block in run)
        case _:
            inside = "".join(f"<li>{inline(block.text, hues)}</li>\n" for block in run)
    number = run[0].mark.rstrip(".)")
    first = f' start="{number}"' if tag == "ol" and number != "1" else ""
    return f"<{tag}{first}>\n{inside}</{tag}>\n"


def _displayed(block: Block, hues: NameHues) -> str:
    return mathml(block.text, hues, display=True) or escape(block.source)


def _cells(row: Block, hues: NameHues) -> str:
    tag = "th" if row.mark else "td"
    return "".join(f"<{tag}>{inline(text, hues)}</{tag}>" for text in row.cells)


def inline(text: str, hues: NameHues = NO_HUES) -> str:
    """Return a line of prose as HTML."""
    tags = {"code": "code", "strong": "strong", "emphasis": "em", "link": "a"}
    parts = []
    for run in text_runs(text):
        tag = tags.get(run.kind)
        shown = mathml(run.text, hues) if run.kind == "formula" else escape(run.text)
        named = f' href="#lesson={escape(run.slug)}"' if run.kind == "link" else ""
        parts.append(f"<{tag}{named}>{shown}</{tag}>" if tag else shown)
    return "".join(parts)
