"""A lesson's prose and formulas as rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from rich.cells import cell_len

from llm_linalg.lessons import markdown
from llm_linalg.lessons.markdown import Block, words_of_picture
from tui.text.formula_spans import NO_HUES, NameHues, formula_spans, spans_in_rows
from tui.text.rows import Row, TextSpan, fit, row, width_of, wrap_spans

Pictures = tuple[tuple[str, tuple[Row, ...]], ...]
"""The rows of each picture, by its file."""
Formula = Sequence[tuple[str, str]]
"""A line of a formula: its pieces, each with the state that it is in: plain, done, current, pending."""

BULLET = "· "
INDENT = 2  # columns by which a formula on lines of its own is set in
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def inline(text: str, before: int = 0, hues: NameHues = NO_HUES) -> Row:
    """Return a block's words as spans: `code`, **strong**, formulas on a line, and links to lessons.

    Links are numbered, since a key opens each; `before` says how many came earlier. A name in a formula has
    its colour of `hues`.
    """
    spans: list[TextSpan] = []
    for run in markdown.text_runs(text):
        if run.kind == "formula":
            spans += formula_spans(run.text, hues)
            continue
        do = f"open:{run.slug}" if run.slug else ""
        spans.append(TextSpan(run.text, run.kind, do))
        if do:
            before += 1
            spans.append(TextSpan(str(before).translate(RAISED), "key", do))
    return tuple(spans)


def lead_of(block: Block) -> str:
    """Return what stands before a list's item, a dot or its number, or before a quotation."""
    if block.kind not in ("item", "quote"):
        return ""
    number = block.mark.rstrip(".)")
    return f"{number}. " if number.isdecimal() else BULLET if block.kind == "item" else "> "


def with_title(title: str, text: str) -> str:
    """Return prose that begins with its title."""
    gap = "\n" if any(block.kind not in ("text", "heading") for block in markdown.blocks(text)[:1]) else " "
    return f"**{as_sentence(title)}**{gap}{text}" if title and "*" not in title else text


def as_sentence(text: str) -> str:
    """Return a title or a line with a full stop, unless it ends in a sign of its own."""
    return text if text.endswith((".", "?", "!", ":", "…")) else f"{text}."


def story(title: str, prose: str) -> str:
    """Return what stays on the screen while a stop's picture moves: its title and first sentence."""
    return with_title(title, markdown.first_sentence(prose)[0]).strip()


def after_story(prose: str, width: int, hues: NameHues = NO_HUES, *, most: int | None = None) -> list[Row]:
    """Return the rest of a stop's prose as rows; links are counted from those of its first sentence on."""
    story, rest = markdown.first_sentence(prose)
    return _fitting(rest, width, len(markdown.links(story)), hues, most)


def closing(prose: str, width: int, hues: NameHues = NO_HUES) -> list[Row]:
    """Return the last sentence of a stop's prose as rows; nothing if that is the one of its story."""
    sentence, rest = markdown.first_sentence(prose)
    links = len(markdown.links(sentence))
    while rest:
        sentence, after = markdown.first_sentence(rest)
        if not sentence or not after:
            return _fitting(rest, width, links, hues, None)
        links, rest = links + len(markdown.links(sentence)), after
    return []


def led(lead: Row, prose: str, width: int, hues: NameHues = NO_HUES) -> list[Row]:
    """Return what stands below a stop's story as rows, after other words on the same line."""
    story, rest = markdown.first_sentence(prose)
    blocks = markdown.blocks(rest)
    if [block.kind for block in blocks] != ["text"]:
        return [*wrap_spans(words(lead), width), *after_story(prose, width, hues)]
    spans = inline(blocks[0].text, len(markdown.links(story)), hues)
    return _wrap_glued((*words((*lead, TextSpan(" "))), *words(spans)), width, 0)


def words(spans: Row) -> Row:
    """Return the spans cut after each space, so that they can be wrapped there."""
    cut: list[TextSpan] = []
    for span in spans:
        cut += [span.with_text(word) for word in re.findall(r"\S+\s*|\s+", span.text)]
    return tuple(cut)


def paragraphs(
    text: str, width: int, hues: NameHues = NO_HUES, pictures: Pictures = (), *, most: int | None = None,
    before: int = 0,
) -> list[Row]:  # fmt: skip
    """Return prose as rows of at most `width` columns; list items and table rows are lines of their own.

    A formula between `$$` has as many rows as it is written in by hand, unless all would be more than `most`
    then: then it is on a line. A picture that is not among the `pictures` is its words. Columns stand one
    below the other. Links are numbered from those `before` on.
    """
    return _fitting(text, width, before, hues, most, pictures)


def _fitting(
    text: str, width: int, seen: int, hues: NameHues, most: int | None, pictures: Pictures = ()
) -> list[Row]:
    rows = _paragraphs(text, width, seen, hues, pictures, True)
    too_many = most is not None and len(rows) > most and "$$" in text
    return [*(_paragraphs(text, width, seen, hues, pictures, False) if too_many else rows)]


def sentence_rows(text: str, width: int) -> list[Row]:
    """Return what is said of a step as rows, letter by letter: a name such as `a*b + c*d` is no Markdown."""
    return list(_sentence(text, width))


@lru_cache(64)
def _sentence(text: str, width: int) -> tuple[Row, ...]:
    lines = text.splitlines()
    return tuple(line for part in lines for line in _wrap_glued(words(row(part)), width, 0))


@lru_cache(64)
def _paragraphs(
    text: str, width: int, seen: int, hues: NameHues, pictures: Pictures, tall: bool
) -> tuple[Row, ...]:
    """Return the rows of a text, kept: a step says the same sentence as the one before."""
    rows: list[Row] = []
    for group in markdown.group_blocks(markdown.blocks(text)):
        if group[0].ends_column:
            continue
        if rows:
            rows.append(())
        for kind, run in groupby(group, lambda block: block.kind):
            if kind == "row":
                rows += _table([*run], width, hues)
                continue
            for block in run:
                if kind == "formula":
                    rows += _displayed(block, width, hues, tall)
                    continue
                if kind == "image":
                    words_alone = row((words_of_picture(block), "dim"))
                    rows += dict(pictures).get(block.info) or _wrap_glued(words(words_alone), width, 0)
                    continue
                if kind == "code":
                    lines = block.text.split("\n")
                    rows += [fit(row((line.expandtabs(4), "code")), width) for line in lines]
                    continue
                spans = inline(block.source if block.level else block.text, seen, hues)
                seen += sum(span.role == "key" for span in spans)
                lead = lead_of(block)
                rows += _wrap_glued((*row(*[lead] * bool(lead)), *words(spans)), width, len(lead))
    return tuple(rows)


def _displayed(block: Block, width: int, hues: NameHues, tall: bool) -> list[Row]:
    """Return a formula on lines of its own, set in; as it is written if it can't be read."""
    drawn = spans_in_rows(block.text, hues) if tall else []
    if drawn and INDENT + max(map(width_of, drawn)) <= width:
        return [(TextSpan(" " * INDENT), *line) for line in drawn]
    line = formula_spans(block.text, hues) or (TextSpan(block.source),)
    return _wrap_glued((TextSpan(" " * INDENT), *words(line)), width, 2 * INDENT)


def _table(run: Sequence[Block], width: int, hues: NameHues) -> list[Row]:
    """Return a table's rows with their cells in columns; what goes beyond the width is cut."""
    cells = [[inline(text, 0, hues) for text in block.cells] for block in run]
    wide = [max(map(width_of, column)) for column in zip(*cells, strict=True)]
    rows: list[Row] = []
    for block, line in zip(run, cells, strict=True):
        spans: list[TextSpan] = []
        for cell, columns in zip(line, wide, strict=True):
            strong = tuple(TextSpan(span.text, "strong", span.do) for span in cell) if block.mark else cell
            spans += [*strong, TextSpan(" " * (columns - width_of(cell) + 2))]
        rows.append(fit(tuple(spans[:-1]), width))
    return rows


def words_of(text: str, width: int) -> list[str]:
    """Return prose as lines of text, without marks, each formula on a line."""
    rows = paragraphs(markdown.without_formulas(text), width)
    return ["".join(span.text for span in spans) for spans in rows]


def formula_row(line: Formula) -> Row:
    """Return a formula's line as spans in the roles of its states."""
    return tuple(TextSpan(text, "" if state == "plain" else state) for text, state in line)


def formula(lines: Sequence[Formula], width: int, paint: Callable[[Row], Row] = tuple) -> list[Row]:
    """Return the lines of a formula as rows, wrapped at their spaces; `paint` gives them further roles."""
    rows: list[Row] = []
    for line in lines:
        rows += _wrap_glued(_terms(paint(formula_row(line))), width, 2)
    return rows


def _terms(spans: Row) -> Row:
    """Return the spans cut after each space, but not after a sign or within a vector: `- 0.2·[1 4]`."""
    return tuple(
        span.with_text(piece)
        for span in spans
        for piece in re.findall(r"(?:[-+≈=] )?(?:\[[^][]*\]|\S)+\s*|\s+", span.text)
    )


def least_rows(lines: Sequence[Formula], width: int) -> int:
    """Return how many rows the lines of a formula take at least, wherever they are broken."""
    texts = ("".join(text for text, _ in line).replace(" ", "") for line in lines)
    return sum(-(-cell_len(text) // width) for text in texts)


_NUMBER = r"-?(?:\d[\d.,]*(?:e[+-]?\d+)?|inf|nan|∞)"
_VECTOR = r"\[[^][]*\]"
_NAME = rf"[^\W\d][\w.]*(?:{_VECTOR})?"
_FACTOR = rf"(?:{_NUMBER}|\({_NUMBER}\)|{_VECTOR}|{_NAME})"
_TIMES = r"(?:[·*]| (?:·|⊗|\*|\(x\)) )"
# The first formula compiles these, and not the start.
_PRODUCT = rf"{_FACTOR}(?:{_TIMES}{_FACTOR})+"
_TOTAL = rf"(?<=[=≈~] )(?:{_NUMBER}|{_VECTOR})"


def with_hues(line: Row, hues: Sequence[str], *, term_by_term: bool = False) -> Row:
    """Return a formula's line with the factors of its products, and what it comes to, in their colours.

    The last of the `hues` is that of the total. A step that is one term has the colour of what is done now.
    """
    if not any(hues):
        return line
    spans: list[TextSpan] = []
    for span in line:
        if span.role == "pending" or (term_by_term and span.role == "current"):
            spans.append(span)
        elif span.role == "done" and re.search(_TOTAL, span.text):
            spans += _coloured(span, _TOTAL, [hues[-1]])
        else:
            spans += _coloured(span, _PRODUCT, hues[:-1])
    return tuple(spans)


def _coloured(span: TextSpan, pattern: str, hues: Sequence[str]) -> Iterator[TextSpan]:
    """Yield the parts of a span; numbers in what matches have the colours in turn."""
    begun = 0
    for match in re.finditer(pattern, span.text):
        yield span.with_text(span.text[begun : match.start()])
        parts = re.split(rf"({_TIMES})", match[0])
        for k, part in enumerate(parts):
            hue = hues[k // 2] if k % 2 == 0 and k // 2 < len(hues) else ""
            yield TextSpan(part, f"{span.role} {hue}".strip() if hue else span.role, span.do)
        begun = match.end()
    yield span.with_text(span.text[begun:])


def elide(line: Formula, width: int, dots: str = "…") -> Row:
    """Return a formula's line in one row: terms far from the current one give way to dots."""
    spans = formula_row(line)
    if width_of(spans) <= width or len(spans) < 4:
        return spans
    last = len(spans) - 1
    total = spans[last].text.startswith((" = ", " ≈ "))
    terms = range(1, last if total else last + 1)
    now = next((k for k in terms if line[k][1] in ("current", "error")), terms[-1])
    kept = {0, now, last}
    gap = f" + {dots}"
    for k in (terms[0], *sorted(terms, key=lambda k: (abs(k - now), k))):
        if k not in kept and width_of(_with_gaps(spans, kept | {k}, gap)) <= width:
            kept.add(k)
    return _with_gaps(spans, kept, gap)


def _with_gaps(spans: Row, kept: set[int], gap: str) -> Row:
    spread: list[TextSpan] = []
    for k, span in enumerate(spans):
        if k in kept:
            # What follows the head has no plus of its own, and the dots before it bring none.
            spread.append(span)
        elif k - 1 in kept:
            spread.append(TextSpan(gap if k > 1 else gap.removeprefix(" + ")))
    return tuple(spread)


def _wrap_glued(spans: Row, width: int, indent: int) -> list[Row]:
    """Wrap words; spans that no space parts stay together."""
    if width_of(spans) <= width:
        return wrap_spans(spans, width)
    groups: list[list[TextSpan]] = []
    for span in spans:
        if groups and not groups[-1][-1].text.endswith(" "):
            groups[-1].append(span)
        else:
            groups.append([span])
    marked = tuple(TextSpan("".join(part.text for part in group), str(i)) for i, group in enumerate(groups))
    rows = []
    for line in wrap_spans(marked, width, indent):
        row: list[TextSpan] = []
        for span in line:
            group = groups[int(span.role)] if span.role else []
            whole = "".join(part.text for part in group)
            if not group or len(group) == 1:
                row.append(group[0].with_text(span.text) if group else span)
            elif span.text.strip() == whole.strip():
                row += group
                space = span.text[len(span.text.rstrip()) :]
                row[-1] = row[-1].with_text(row[-1].text.rstrip(" ") + space)
            else:
                row.append(TextSpan(span.text))
        rows.append(tuple(row))
    return rows
