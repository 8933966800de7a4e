"""The words below the picture: the rest of the prose, a step's formula and sentence, a cell, or an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from llm_linalg.base.text import NOTHING
from llm_linalg.lessons.markdown import plain_text
from tui.layout.pane_sizes import Picture
from tui.navigation.playground import is_playground
from tui.panes.cell_rows import head, saved_rows, shows_cell
from tui.panes.story_pane import shorten
from tui.panes.transport import printed_beside, stop_output
from tui.text.large import ACROSS, DOWN, enlarge_rows
from tui.text.prose import (
    after_story,
    as_sentence,
    closing,
    elide,
    formula,
    formula_row,
    least_rows,
    led,
    paragraphs,
    sentence_rows,
    with_hues,
    words,
)
from tui.text.rows import Row, TextSpan, cut_rows, fit, fit_words, row, width_of, wrap, wrap_spans
from tui.widgets.row_widget import RowWidget

if TYPE_CHECKING:
    from tui.model.frame import CursorView, ErrorView, Frame
    from tui.model.question_view import AskView, ExerciseView
    from tui.text.glyphs import Glyphs

GAP: Row = (TextSpan(""),)
"""A row above a stop's text that is kept free for the formulas of its steps, unless there is more to say."""
_CODE = re.compile("`([^`]+)`")
_FRAME = re.compile(r"(.*?)(:\d+ in .*)")
LEAST_PATH = 24  # characters of a frame's path that are shown in any case, from its end
LEAST_REPAIRS = 2  # repairs that are shown in any case
ABOVE = 2  # rows above a stop's text that are kept free for the formulas of its steps
ROOMY = 6  # rows from which there is one more between them
AROUND = 6  # lines of a file of one's own before and after the one that is shown, in the large view


class TextPane(RowWidget):
    """A fixed number of rows; what doesn't fit is a key away, and the last row says so."""

    DEFAULT_CSS = "TextPane { height: 4; }"

    def show_picture(self, picture: Picture) -> None:
        """Show what there is to say about this step."""
        room = picture.room
        if room.big:
            self.show(large(picture, room.main)[: room.words])
            return
        self.show(pane_rows(picture, self.glyphs))


def pane_rows(picture: Picture, glyphs: Glyphs) -> list[Row]:
    """Return what the pane shows of a picture, in letters of one row each."""
    room = picture.room
    key = "esc p" if picture.session.editor.is_open else "p"  # the editor takes a letter for itself
    return cut(_rows(picture, glyphs), room.words, room.main, glyphs.dots, key)


def _rows(picture: Picture, glyphs: Glyphs) -> list[Row]:
    """Return what there is to say, most important first; more than there is room for is cut."""
    room, frame = picture.room, picture.frame
    remarks = remark_rows(picture, room.main)
    above = [*remarks, *below_story(picture, room.main)]
    if frame is not None and frame.error is not None and above:
        mend = picture.session.editor.is_open
        return failing_rows(
            above, shown_error(frame, frame.error), room.main, room.words, mend=mend, dots=glyphs.dots
        )
    most = room.words - len(remarks)
    rows = [*remarks, *text_rows(picture, room.main, most=most)]
    if len(rows) > room.words:
        rows = [*remarks, *text_rows(picture, room.main, short=True)]
        error = None if frame is None else frame.error
        if error is not None and (len(rows) < room.words or len(error.frames) > 1):
            place = min(len(rows), room.words - 1)  # an outer frame makes room for torch's words
            whole = torch_says(error, room.main)
            one = [fit(line, room.main) for line in torch_says(error, 10_000)]
            rows[place:place] = whole if len(rows) + len(whole) <= room.words else one
    if frame is None or frame.error is not None:
        return rows
    printed = [] if printed_beside(picture, glyphs) else output_rows(stop_output(picture), room.main)
    if is_playground(picture.session.view.lesson) and len(printed) == 1:
        printed = []  # it has a row of its own
    free = room.words - len(rows)
    for _ in range(min(rows.count(GAP), max(0, len(printed) - free))):
        rows.remove(GAP)
    spare = room.words - len(rows)
    if (
        frame.listing.cell is not None
    ):  # whose prints are its own, and stand on the stage if nothing else does
        result = [] if shows_cell(frame) else cell_result_rows(frame, room.main)
        if result and frame.place.step == 0 and room.words > 1 and spare < 1:
            rows, spare = shorten(rows, room.words - 1, room.main, glyphs.dots), 1
        if spare == 1:
            return [*rows, *cut(result, 1, room.main, glyphs.dots)]
        return [*rows, *head(result, spare, glyphs, "lines")]
    return [*rows, *ending(printed, spare, glyphs.dots)] if spare > 0 else rows


def shown_error(frame: Frame, error: ErrorView) -> ErrorView:
    """Return a frame's error; where the stage has the cell's lines, its line need not stand below it too."""
    return (
        replace(error, caret=NOTHING)
        if shows_cell(frame) and frame.listing.cell and frame.listing.cell.line
        else error
    )


def failing_rows(
    above: list[Row], error: ErrorView, width: int, height: int, *, mend: bool, dots: str
) -> list[Row]:
    """Return what a stop that failed says, and below it why it failed.

    Where there is little room the reason has two rows, then repairs are left out, then the end of the prose.
    """
    reason = _reason_rows(error, width)
    whole = error_rows(error, width, mend=mend)
    if len(above) + len(whole) <= height:
        return [*above, *([row()] if len(above) + len(whole) < height else []), *whole]
    rest = error_rows(error, width, brief=True, mend=mend)[len(reason) :]
    short = reason if len(above) + len(reason) + len(rest) <= height else shorten(reason, 2, width, dots)
    above = shorten(above, max(1, height - len(short) - min(len(rest), LEAST_REPAIRS)), width, dots)
    rows = [*above, *short, *rest]
    if len(rows) < height:
        rows += [fit(line, width) for line in torch_says(error, 10_000)]
    left = height - len(rows)
    return rows if short == reason else [*rows, *[()] * (left + 1)]  # one too many: the last says what key


def text_rows(picture: Picture, width: int, *, short: bool = False, most: int | None = None) -> list[Row]:
    """Return everything that is said about this step, in as many rows as it takes; in `short` in fewer.

    A formula that needs more than `most` rows is shortened at once.
    """
    frame = picture.frame
    if frame is None:
        return below_story(picture, width)
    if frame.error is not None:
        error = shown_error(frame, frame.error)
        return error_rows(error, width, brief=short, mend=picture.session.editor.is_open)
    if frame.ask is not None and frame.ask.is_asked:
        return ask_rows(frame.ask, width) if frame.ask.guess is None else verdict_rows(picture, width, most)
    if frame.cursor is not None:
        return about_cell(frame.cursor, width, brief=short)
    if frame.exercise is not None and picture.session.view.code is None:
        asked, answer = below_story(picture, width), exercise_rows(frame.exercise, width)
        if not answer and picture.session.talk is not None:  # there no footer says what one can do
            answer = [_WAYS_TO_ANSWER]
        if short:
            left = max(0, picture.room.words - len(answer))
            asked = shorten([one for one in asked if one], left, width, "…")
        return [*answer, *asked]
    if frame.stage.board is not None:  # the sentence is a node's, which is not shown
        return below_story(picture, width)
    if frame.node is None and picture.session.view.solution_line is not None:
        return [*sentence_rows(frame.captions.sentence, width), *below_story(picture, width)]
    if frame.stage.map is not None or not (frame.captions.formula or frame.captions.sentence or frame.moves):
        return below_story(picture, width) or sentence_rows(frame.captions.sentence, width)
    return node_rows(picture, frame, width, short=short, most=most)


def node_rows(picture: Picture, frame: Frame, width: int, *, short: bool, most: int | None) -> list[Row]:
    """Return what is said of a node at a step: by the stop, or of the step where it is the stop's no more."""
    session, place = picture.session, frame.place
    elsewhere = len(place.path) > 1 or session.view.order not in (None, session.view.at_stop.order)
    story = below_story(picture, width)
    secret = session.keeps_secret and 0 < place.step < place.steps
    if not story or elsewhere or secret:
        return step_rows(frame, width, short=short, most=most)
    if place.step == 0:
        return [*gap(story, most), *story] if frame.moves else story
    if most is None or short:
        return step_rows(frame, width, short=short, most=most)
    closes = [] if session.view.lesson.document else closing(frame.captions.prose, width, picture.name_hues)
    answers = session.view.at_stop.ask is not None and place.step == place.steps
    return told_rows(frame, width, story, closes or story, most, answers=answers)


def gap(story: list[Row], most: int | None) -> list[Row]:
    """Return the rows that are kept free above a stop's text for the formulas of its steps."""
    kept = ABOVE if most is None or most < ROOMY else ABOVE + 1
    return [GAP] * min(kept, max(0, (most or 0) - len(story)))


def told_rows(
    frame: Frame, width: int, story: list[Row], closes: list[Row], most: int, *, answers: bool
) -> list[Row]:
    """Return a step's formula, and below it what the stop says: all of it, or how it `closes`.

    The formula gives way first: it has one row where it would take more, and none beside a text that
    `answers` what the stop has asked and needs them all.
    """
    paint = painter(frame)
    whole = formula(frame.captions.formula, width, paint)
    brief = [paint(elide(frame.captions.brief, width))] if frame.captions.brief else []
    ways = [(whole, story)]
    if answers or width_of(formula_row(frame.captions.brief)) <= width:
        ways.append((brief, story))
    if answers:
        ways.append(([], story))
    ways += [(whole, closes), (brief, closes), ([], closes)]
    reason = sentence_rows(frame.captions.reason, width)
    for lines, rows in ways:
        above = [*lines, *reason]
        if len(above) + len(rows) <= most:
            return [*above, *gap(rows, most)[len(above) :], *rows]
    return step_rows(frame, width, short=False, most=most)


def painter(frame: Frame) -> Callable[[Row], Row]:
    """Return what gives a formula the colours of the tensors in it."""
    return partial(with_hues, hues=frame.stage.hues, term_by_term=frame.place.order == "terms")


def step_rows(frame: Frame, width: int, *, short: bool, most: int | None) -> list[Row]:
    """Return a step's formula, and how the step makes its cells."""
    paint = painter(frame)
    if short or (most is not None and least_rows(frame.captions.formula, width) > most):
        lines = [paint(elide(line, width)) for line in frame.captions.formula]
    else:
        lines = formula(frame.captions.formula, width, paint)
    return [*lines, *sentence_rows(frame.captions.sentence, width)]


def verdict_rows(picture: Picture, width: int, most: int | None) -> list[Row]:
    """Return what came of an answer, and what the stop says to it: on one line if there is little room."""
    frame = picture.frame
    ask = None if frame is None else frame.ask
    if frame is None or ask is None or ask.guess is None:
        return []
    role = "ok" if ask.guess.right else "current"
    verdict, story = (
        [row((text, role)) for text in wrap(ask.guess.sentence, width)],
        below_story(picture, width),
    )
    if not story or most is None or len(verdict) + len(story) <= most or not picture.room.story:
        return [*verdict, *story]
    whole = led(row((ask.guess.sentence, role)), frame.captions.prose, width, picture.name_hues)
    return (
        whole
        if len(whole) <= most
        else led(row((ask.guess.brief, role)), frame.captions.prose, width, picture.name_hues)
    )


def remark_rows(picture: Picture, width: int) -> list[Row]:
    """Return what may be different in a document's cell, and what was left out of it."""
    cell = None if picture.frame is None else picture.frame.listing.cell
    if cell is None or picture.frame is None or picture.frame.cursor is not None:
        return []
    changed = cell.state == "rests" and picture.frame.error is None
    return [
        row((text, "current" if changed and not place else "dim"))
        for place, remark in enumerate(cell.remarks)
        for text in wrap(f"~ {remark}" if changed and not place else remark, width)[:2]
    ]


def ask_rows(ask: AskView, width: int) -> list[Row]:
    """Return what is asked, with its choices in as few rows as they take."""
    entries = [
        row((str(number), "key", f"guess.{number}"), (f": {plain_text(choice)}", "", f"guess.{number}"))
        for number, choice in enumerate(ask.choices, 1)
    ]
    rows: list[Row] = []
    for entry in entries:
        if rows and width_of(rows[-1]) + 3 + width_of(entry) <= width:
            rows[-1] = (*rows[-1], *row("   "), *entry)
        else:
            rows.append(entry)
    return [*paragraphs(ask.question, width), *(fit(one, width) for one in rows)]


def below_story(picture: Picture, width: int) -> list[Row]:
    """Return what the stop says further: all of it, where its first sentence does not stand above."""
    frame, hues, most = picture.frame, picture.name_hues, picture.room.words
    prose = picture.session.view.at_stop.prose if frame is None else frame.captions.prose
    if picture.room.story:
        return after_story(prose, width, hues, most=most)
    return paragraphs(prose, width, hues, most=most)


def exercise_rows(exercise: ExerciseView, width: int) -> list[Row]:
    """Return what came of the last answer to an exercise, and the hints that were asked for.

    Once there is a verdict, only the last hint is there.
    """
    rows: list[Row] = []
    if exercise.is_right:
        shown = (" steps through the solution.", "label")
        return [row(("Right. ", "accent"), ("H", "key", "exercise.hint"), shown)]
    if exercise.summary:
        first, *rest = exercise.summary
        role = "accent" if exercise.is_half else "current"
        spans = words(row((f"{first} ", role), " ".join(map(as_sentence, rest))))
        rows += wrap_spans(spans, width)
    elif exercise.answer:
        rows += wrap_spans(words(row(("your answer: ", "label"), (exercise.answer, "code"))), width)
    hints = [*enumerate(exercise.hints[: exercise.rungs], 1)]
    for number, text in hints[-1:] if exercise.summary else hints:
        rows += wrap_spans(words(row((f"hint {number} ", "label"), *_hint(text))), width)
    return rows


_WAYS_TO_ANSWER = row(
    ("An exercise: ", "label"), ("↵", "key", "exercise.write"), (" answer  ", ""),
    ("H", "key", "exercise.hint"), (" hint", ""),
)  # fmt: skip


def _hint(text: str) -> list[tuple[str, str]]:
    """Return a hint as pieces: code between backticks, and all else as it is written, blanks among it."""
    pieces = _CODE.split(text)
    return [(piece, "code" if place % 2 else "") for place, piece in enumerate(pieces) if piece]


def large(picture: Picture, width: int) -> list[Row]:
    """Return what is said on a stage, for the back row: large letters as far as there is room."""
    frame, room = picture.frame, picture.room
    narrow = width // ACROSS
    if frame is None or frame.error is not None or frame.cursor is not None:
        return text_rows(picture, width, short=True)
    if frame.ask is not None and frame.ask.is_asked:
        return text_rows(picture, width, short=True)
    lines = formula(frame.captions.formula, narrow, painter(frame)) if frame.place.step else []
    if lines and len(lines) <= room.words // DOWN:
        sentence = closing(frame.captions.prose, width, picture.name_hues)
        left = room.words - len(lines) * DOWN
        return [*enlarge_rows(lines), *(sentence or sentence_rows(frame.captions.sentence, width))[:left]]
    rows = text_rows(picture, narrow)
    return enlarge_rows(rows) if len(rows) * DOWN <= room.words else text_rows(picture, width, short=True)


def output_rows(printed: str, width: int) -> list[Row]:
    """Return what was printed, space by space, with room for a sign that more stands above."""
    return [
        row(("prints ", "dim"), piece) for text in printed.splitlines() for piece in cut_rows(text, width - 9)
    ]


def cell_result_rows(frame: Frame, width: int) -> list[Row]:
    """Return what a document's cell printed, its value if that is no tensor, and what is saved of it."""
    cell = frame.listing.cell
    answer = NOTHING if cell is None else cell.answer
    pieces = [piece for text in answer.splitlines() for piece in cut_rows(text, width - 9)]
    words = ["gives ", *["      "] * len(pieces)]
    return [
        *output_rows(frame.listing.printed, width),
        *(row((word, "dim"), piece) for word, piece in zip(words, pieces, strict=False)),
        *([] if cell is None else saved_rows(cell, width)),
    ]


def ending(rows: list[Row], height: int, dots: str) -> list[Row]:
    """Return the last of some rows; the first of them says if there are more above."""
    if len(rows) <= height:
        return rows
    first, *rest = rows[len(rows) - height :]
    return [(*row((f"{dots} ", "dim")), *first), *rest]


def about_cell(cursor: CursorView, width: int, *, brief: bool = False) -> list[Row]:
    """Return what the cell under the cursor is."""
    sign, value = cursor.statement
    first = row(
        (cursor.zero, "strong"),
        f" {sign} ",
        (value, "strong"),
    )
    for text, role in (
        (cursor.where or (f"{cursor.one} counting from 1" if cursor.index else ""), "label"),
        (f"by {cursor.evidence}" if cursor.evidence else "", "dim"),
    ):
        more = (*first, *row((f"   {text}", role))) if text else first
        first = more if width_of(more) <= width else first
    rest = (
        (cursor.relation, "current"),
        (cursor.nan_reason, "current"),
        (cursor.mask_rule or "", "current"),
        ("" if cursor.nan_reason else cursor.formula, ""),
        (f"made from {cursor.sources}" if cursor.sources else "", "label"),
        (f"feeds {cursor.feeds}" if cursor.feeds else "", "label"),
    )
    wrapped = [row((line, role)) for text, role in rest if text for line in wrap(text, width)]
    short = [fit(row(piece), width) for piece in rest if piece[0]]
    return [fit(first, width), *(short if brief else wrapped)]


def error_rows(error: ErrorView, width: int, *, brief: bool = False, mend: bool = False) -> list[Row]:
    """Return why the program failed, and the keys of the repairs."""
    rows = _reason_rows(error, width)
    if error.repairs:
        for number, repair in enumerate(error.repairs, 1):
            shape = "" if repair.shape is None else f"  → {tuple(repair.shape)}"
            why = f"  {repair.why}" if repair.why else ""
            spans = (
                TextSpan(_repair_key(number, mend), "key", f"repair.{number}"),
                TextSpan(repair.text, "strong", f"repair.{number}"),
                TextSpan(shape, "", f"repair.{number}"),
                TextSpan(why, "label", f"repair.{number}"),
            )
            short = brief and width_of(spans) > width
            rows.append(fit(spans[:-1] if short else spans, width))
    else:
        rows += [row((text, "code")) for text in error.caret.splitlines()]
    rows += [
        fit(row((f"from {_shorten(frame, width - 5)}", "dim")), width) for frame in reversed(error.frames)
    ]
    return rows if brief else [*rows, *torch_says(error, width)]


def _reason_rows(error: ErrorView, width: int) -> list[Row]:
    """Return why there is no picture: a mistake, or that the program waits to be trusted."""
    role = "current" if error.kind == "unrun" else "error"
    return [row((text, role)) for text in wrap(error.sentence, width)]


def _shorten(frame: str, width: int) -> str:
    """Return a frame with as much of its path, from the end, as leaves room for the line and the function."""
    match = _FRAME.match(frame)
    if match is None or len(frame) <= width:
        return frame
    path, rest = match.groups()
    room = max(width - len(rest), LEAST_PATH)
    return frame if len(path) <= room else f"...{path[3 - room :]}{rest}"


def torch_says(error: ErrorView, width: int) -> list[Row]:
    """Return Torch's own message, where the sentence is another."""
    if not error.detail or error.detail in error.sentence:
        return []
    lines = wrap(error.detail, width - 7)
    return [row((f"torch: {text}" if i == 0 else text, "dim")) for i, text in enumerate(lines)]


def _repair_key(number: int, mend: bool) -> str:
    """Return what applies a repair: a digit; in the editor, which takes digits for itself, a key so often."""
    if not mend:
        return f" {number} "
    return "^r " if number == 1 else f"{number}× "


def cut(rows: list[Row], count: int, width: int, dots: str, key: str = "p") -> list[Row]:
    """Return at most `count` rows; if some are left out, the last says which key shows them."""
    if len(rows) <= count or not count:
        return rows[:count]
    kept = rows[:count]
    more = row((f" {dots} ", "dim"), (key, "key", "text"), (" more", "dim", "text"))
    last = fit_words(kept[-1], width - width_of(more))
    return [*kept[:-1], (*last, *more)]


def whole_text(picture: Picture, width: int) -> list[Row]:
    """Return the program and everything said, for the large view."""
    frame = picture.frame
    view = picture.session.view
    code = frame.listing.code if frame is not None else tuple(view.program.splitlines())
    above = 0
    if (
        frame is not None and frame.listing.cell is not None and not frame.place.backward
    ):  # what stands above it is read there
        above = max(0, len(code) - len(frame.listing.cell.code))
    rows: list[Row] = [row((f"{view.stop} {view.at_stop.title}", "title")), ()]
    rows += paragraphs(view.at_stop.prose, width, picture.name_hues)
    if frame is not None and frame.exercise is not None:
        rows += [row(line) for text in frame.exercise.lines[1:] for line in wrap(text, width)]
    rows.append(())
    around = None if frame is None or view.lesson.external is None else frame.listing.line or 1
    for number, text in enumerate(code[above:], 1):
        if around is not None and abs(number - around) > AROUND:
            continue  # of a file of one's own only what is near
        now = frame is not None and frame.listing.line == number + above
        lead = TextSpan(f"{'▸' if now else ' '}{number:>3}  ", "accent" if now else "dim")
        rows += [(lead, TextSpan(text, "code-now" if now else "code"))]
    rows.append(())
    if frame is not None and frame.stage.board is not None:
        rows += [row(line) for one in frame.stage.board.rows for line in wrap(one.plain, width)]
        rows += output_rows(frame.listing.printed, width)
    elif frame is not None and frame.stage.map is not None:
        rows += [row(line) for words, _ in frame.stage.map.plain for line in wrap(words, width)]
        rows += [
            (),
            *sentence_rows(frame.captions.sentence, width),
            *output_rows(frame.listing.printed, width),
        ]
    elif frame is not None:
        rows += [row((frame.captions.shape_line, "strong")), ()] if frame.captions.shape_line else []
        if frame.error is not None:
            rows += [row(line) for line in frame.error.caret.splitlines()] + error_rows(frame.error, width)
        elif frame.cursor is not None:
            rows += about_cell(frame.cursor, width)
        else:
            rows += formula(frame.captions.formula, width)
            rows += sentence_rows(frame.captions.sentence, width)
        rows += remark_rows(picture, width) + cell_result_rows(frame, width)
    return [spans if width_of(spans) <= width else fit(spans, width) for spans in rows]
