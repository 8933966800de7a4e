"""Parse the Markdown of lessons, decks and documents, which is CommonMark with tables, into flat blocks.

HTML is plain text, and between dollars stands a formula. Containers are flattened, because a terminal has
only rows: an item of a nested list is an item, and a fence in an item is a fence.

markdown-it-py reads it. That is not imported before the first paint: a text of the plainest blocks and runs
is divided by a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from llm_linalg.base.text import CleanText, clean, clean_lines

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

LESSON = "lesson:"
RULE = "---"
"""The text of a block that is a rule between two parts."""
COLUMN = "|||"
"""The text of a block between two columns of a slide."""
_DIVIDERS = {("text", RULE), ("text", COLUMN)}
MOST_LINES = 20_000  # lines parsed at once; the parser takes up to 70 µs a line
_LINK = re.compile(r"\[([^\[\]\n]+)\]\(lesson:([A-Za-z0-9_-]+)\)")
_SCHEMES = frozenset({"http", "https", "mailto", "lesson"})
# What opens HTML or a link, outside of escapes and of code; then in code too, if others see no code there.
_ACTIVE = (
    re.compile(r"(\\.|(?<!`)(`+)(?!`).*?(?<!`)\2(?!`))|<(?=[A-Za-z/!?])|\["),
    re.compile(r"(\\.)|<(?=[A-Za-z/!?])|\["),
)
_SENTENCE_END = re.compile(r"(?:[.?!]|…(?!\s+[^A-Z]))[\"')*_”’]*(?=\s|$)")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|cf|vs|approx|[Ff]ig|[Ee]q)$")
_LONGEST_ABBREVIATION = 6  # letters
# A formula in TeX: as pandoc has it, dollars of prices are none, as a blank stands before or a digit behind.
FORMULA = (
    r"(?<![\\$\w])\$(?=[^\s$])[^$`\n]{1,600}?(?<=[^\s\\])\$(?![\d$])"
    r"|(?<!\$)\$\$(?!\$)[^$`\n]{1,2000}\$\$(?!\$)"
)
_FIND_FORMULA = re.compile(FORMULA)
_CODE_OR_FORMULA = re.compile(rf"(?<!`)(?P<code>`+)(?!`)[^\n]{{1,1000}}?(?<!`)(?P=code)(?!`)|\\.|{FORMULA}")
_DISPLAY = re.compile(r"\$\$(?!\$)([^$`]{1,2000})\$\$([.,;]?)\s*")
_MOST_FORMULA_LINES = 60
_PICTURE = re.compile(r"!\[([^\[\]\n]{0,300})\]\(<?([^()<>\s]{1,200})>?\)\s*")
# Code, formulas and links, in which no sentence ends. No link is searched for beyond where the next may
# begin, so that a line is gone through once.
_WITHOUT_ENDS = re.compile(rf"`[^`]*+`|\[[^][]*+\]\([^)[]*+\)|{FORMULA}")
_CLAIM = re.compile(r"expect:\s*(.*?)\s*")
# The plainest blocks: a blank line, a heading, a fence, a claim, and lines that begin like no other block.
_PLAIN_BLOCK = re.compile(
    r"\n|## (?P<heading>[^\s#](?:[^\n]*[^\s#])?)\n"
    r"|```(?P<info>[^`~\n]*)\n(?P<code>(?:(?! *```)[^\n]*\n)*)```\n"
    r"|expect:(?P<claim>[^\n]*)\n|(?P<text>(?:(?!expect:)(?:[^\W\d_]|[\"'(\[]|\*\*\w|`(?!``))[^\n]*\n)+)"
)
# The plainest runs: a title in strong text, code, links to lessons, and words in which nothing is markup.
_WORDS = r"(?:[^\\`*_\[\]<&\n]|(?<![^\s_])_|(?<=[A-Za-z0-9])_(?=[A-Za-z0-9]))+"  # no _ ends anything
_PLAIN_RUN = re.compile(
    rf"^\*\*(?=\S)(?P<strong>{_WORDS})(?<=\S)\*\*(?= )"
    rf"|(?<!`)`(?P<code>[^`\s](?:[^`\n]*[^`\s])?)`(?!`)"
    rf"|(?<!!)\[(?P<label>{_WORDS})\]\(lesson:(?P<slug>[A-Za-z0-9-]+)\)"
    rf"|(?P<words>{_WORDS}|\[{_WORDS}\](?![\[(:]))"
)

Kind = Literal["text", "heading", "item", "quote", "row", "code", "formula", "image", "claim"]


class Block(NamedTuple):
    """A block of Markdown.

    Attributes:
        kind: Running text, a heading, a list item, a quotation, a table row, code, a formula or a picture on
            lines of its own, or a lesson's claim.
        first: Its first line, from 0.
        end: The line after its last.
        text: Its text on one line, with inline markup; the lines of code; a formula in TeX; what
            a picture shows.
        mark: The marker of an item, such as `-` or `3.`; the marker of a fence; `|` for a table's head.
        level: The level of a heading, from 1; 0 for other blocks.
        info: The info string of a fence; the file of a picture.
        is_closed: Whether a fence has its closing marker.
        cells: The cells of a table row.
    """

    kind: Kind
    first: int
    end: int
    text: str
    mark: str = ""
    level: int = 0
    info: str = ""
    is_closed: bool = True
    cells: tuple[str, ...] = ()

    @property
    def is_fence(self) -> bool:
        """Whether it is fenced code."""
        return self.kind == "code" and bool(self.mark)

    @property
    def ends_column(self) -> bool:
        """Whether it divides two columns of a slide."""
        return self.kind == "text" and self.text == COLUMN

    @property
    def source(self) -> str:
        """The block as Markdown on one line; a heading becomes strong text."""
        match self.kind:
            case "heading":
                return f"**{self.text}**"
            case "item" | "quote":
                return f"{self.mark} {self.text}"
            case "row":
                line = f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in self.cells)} |"
                return f"{line}\n{'|---' * len(self.cells)}|" if self.mark else line
            case "formula":
                return f"$$ {self.text} $$"
            case "image":
                return f"![{self.text}]({self.info})"
            case "code":
                mark = self.mark or "```"
                return "\n".join([mark + self.info, *([self.text] if self.text else ()), mark])
        return self.text


class TextRun(NamedTuple):
    """A run of text in one style, or a formula in TeX; `slug` is that of the lesson to which a link leads."""

    text: str
    kind: Literal["", "code", "strong", "emphasis", "link", "formula"] = ""
    slug: str = ""


def blocks(text: str, *, claims: bool = False) -> list[Block]:
    """Return the blocks of Markdown, in order.

    With `claims` a line `expect: …` is a block of its own, as in a lesson.
    """
    plain = _tiles(_PLAIN_BLOCK, f"{text}\n")
    if plain is not None and (claims or all(one["claim"] is None for one in plain)):
        return [*_plain_blocks(plain)]
    from markdown_it.tree import SyntaxTreeNode

    tree = SyntaxTreeNode(_parser(claims).parse(text))
    return [*_flat(tree.children, text.split("\n"))]


def _tiles(pattern: re.Pattern[str], text: str) -> list[re.Match[str]] | None:
    """Return the matches, one after another, that a text is made of; None if there is more in it."""
    tiles: list[re.Match[str]] = []
    at = 0
    while at < len(text):
        tile = pattern.match(text, at)
        if tile is None:
            return None
        tiles.append(tile)
        at = tile.end()
    return tiles


def _plain_blocks(tiles: Iterable[re.Match[str]]) -> Iterator[Block]:
    end = 0
    for one in tiles:
        first, end = end, end + one[0].count("\n")
        if one["code"] is not None:
            yield Block("code", first, end, one["code"].removesuffix("\n"), "```", 0, one["info"].strip())
        elif one["heading"]:
            yield Block("heading", first, end, one["heading"], "", 2)
        elif one["claim"] is not None:
            yield Block("claim", first, end, one["claim"].strip())
        elif one["text"]:
            yield Block("text", first, end, " ".join(line.strip() for line in one[0].rstrip().split("\n")))


def group_blocks(parts: Sequence[Block]) -> list[list[Block]]:
    """Return blocks grouped into paragraphs, without empty headings."""
    groups: list[list[Block]] = []
    for block in (block for block in parts if block.text or not block.level):
        above = groups[-1][-1] if groups else None
        if (
            above is not None
            and block.first <= above.end
            and not {block.kind, above.kind} & {"heading", "code", "image"}
            and not {(block.kind, block.text), (above.kind, above.text)} & _DIVIDERS
        ):
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def columns(text: str) -> list[str]:
    """Return the columns of a slide's prose; it is one without a line that divides it."""
    lines = text.split("\n")
    ends = [block.first for block in blocks(text) if block.ends_column] if COLUMN in text else []
    starts = [0, *(end + 1 for end in ends)]
    return ["\n".join(lines[start:end]).strip("\n") for start, end in zip(starts, [*ends, None], strict=True)]


def prose(parts: Sequence[Block]) -> CleanText:
    """Return blocks as a lesson's prose: a line for each block, a blank line between paragraphs."""
    paragraphs = ("\n".join(block.source for block in group) for group in group_blocks(parts))
    return clean_lines("\n\n".join(paragraphs))


@lru_cache(1024)
def text_runs(text: str) -> tuple[TextRun, ...]:
    """Return the text of a block in runs of one style, cleaned, since an entity may be any character."""
    runs: list[TextRun] = []
    plain = None if "$" in text and _FIND_FORMULA.search(text) else _tiles(_PLAIN_RUN, text)
    styled = (
        _words(_inline().parseInline(text)[0].children or []) if plain is None else map(_plain_run, plain)
    )
    for run in styled:
        if runs and runs[-1][1:] == run[1:] and not run.slug and run.kind != "formula":
            runs[-1] = runs[-1]._replace(text=runs[-1].text + run.text)
        elif run.text:
            runs.append(run)
    return tuple(run._replace(text=clean(run.text, None)) for run in runs)


def _plain_run(tile: re.Match[str]) -> TextRun:
    strong, code, label, slug, words = tile.groups()
    if slug:
        return TextRun(label, "link", slug)
    return TextRun(strong, "strong") if strong else TextRun(code, "code") if code else TextRun(words)


def plain_text(text: str) -> CleanText:
    """Return the text of a block without marks, formulas on a line."""
    return clean("".join(_said(run) for run in text_runs(text)), None)


def _said(run: TextRun) -> str:
    return formula_text(run.text) or "" if run.kind == "formula" else run.text


def formula_text(tex: str) -> str | None:
    """Return a formula on a line; None if it can't be read."""
    from llm_linalg.lessons.formulas.formula_layout import line_text  # no start waits for it
    from llm_linalg.lessons.formulas.tex_tree import FormulaError

    try:
        return line_text(tex)
    except FormulaError:
        return None


def formulas(text: str) -> Iterator[str]:
    """Yield the formulas in Markdown, in TeX."""
    for block in blocks(text) if "$" in text else ():
        if block.kind == "formula":
            yield block.text
        elif block.kind != "code":
            for each in block.cells or (block.text,):
                pieces = (one[0] for one in _CODE_OR_FORMULA.finditer(each))
                yield from (one.strip("$") for one in pieces if one.startswith("$"))


def without_formulas(text: str) -> str:
    r"""Return Markdown with its formulas on a line, as text, where they can be read, and pictures as words.

    >>> without_formulas(r"So $\alpha x^2$, and not `$x^2$`.")
    'So αx², and not `$x^2$`.'
    """
    if "$" not in text and "![" not in text:
        return text
    lines = text.split("\n")
    for block in blocks(text):
        if block.kind == "formula":
            shown = [formula_text(block.text) or f"$$ {block.text} $$"]
            lines[block.first : block.end] = [*shown, *[""] * (block.end - block.first - 1)]
        elif block.kind == "image":
            lines[block.first] = words_of_picture(block)
        elif block.kind != "code":
            for number in range(block.first, block.end):
                lines[number] = _CODE_OR_FORMULA.sub(_as_text, lines[number])
    return "\n".join(lines)


def spoken(text: str) -> str:
    """Return Markdown as it is read out: links are their words, formulas on a line; code keeps its marks.

    >>> spoken("It gives to **itself**, see [a product](lesson:matmul): `x * x`.")
    'It gives to itself, see a product: `x * x`.'
    """
    return "\n\n".join("\n".join(map(_spoken, group)) for group in group_blocks(blocks(text)))


def _spoken(block: Block) -> str:
    if block.kind == "image":
        return words_of_picture(block)
    if block.kind == "formula":
        return formula_text(block.text) or block.source
    if block.kind == "code":
        return block.source
    cells = tuple(map(_without_emphasis, block.cells))
    spoken = block._replace(text=_without_emphasis(block.text), cells=cells)
    return spoken.text if spoken.kind == "heading" else spoken.source


def _without_emphasis(text: str) -> str:
    return "".join(f"`{run.text}`" if run.kind == "code" else _said(run) for run in text_runs(text))


def words_of_picture(block: Block) -> str:
    """Return what stands for a picture where none is drawn."""
    return f"(picture: {block.text or block.info})"


def _as_text(match: re.Match[str]) -> str:
    return (formula_text(match[0].strip("$")) if match[0].startswith("$") else None) or match[0]


def links(text: str) -> list[str]:
    """Return the slugs of the lessons to which prose links, in order."""
    prose = (block for block in blocks(text) if block.kind not in ("code", "formula", "image"))
    texts = (each for block in prose for each in block.cells or (block.text,))
    return [run.slug for each in texts for run in text_runs(each) if run.slug]


@lru_cache(1024)
def first_sentence(prose: str) -> tuple[str, str]:
    """Return a lesson's prose divided after its first sentence, both parts without the space between.

    A sentence ends in its line. Where a list, a table or code comes first, there is none.

    >>> first_sentence("Is `a. b` code? Yes.")
    ('Is `a. b` code?', 'Yes.')
    >>> first_sentence("It is x₁ + … + xₙ. A sum.")
    ('It is x₁ + … + xₙ.', 'A sum.')
    """
    line, _, _ = prose.partition("\n")
    head = "\n".join(prose.split("\n", 2)[:2])  # a table is one by its second line
    if not line or blocks(line)[0].kind != "text" or blocks(head)[0].kind == "row":
        return "", prose
    words = _WITHOUT_ENDS.sub(lambda found: "x" * len(found[0]), line)
    ends = (
        at
        for at in _SENTENCE_END.finditer(words)
        if not _ABBREVIATION.search(words, max(0, at.start() - _LONGEST_ABBREVIATION), at.start())
    )
    end = next((at.end() for at in ends), len(line))
    return line[:end], prose[end:].lstrip(" \n")


def inert(text: str) -> str:
    r"""Return Markdown in which nothing is HTML, and no link leads to a script, whoever reads it.

    Here HTML is plain text; for other readers it is escaped. Text without any stays as it is.

    >>> inert("See <b>this</b>.")
    'See \\<b>this\\</b>.'
    """
    if _is_inert(text):
        return text
    lines = text.split("\n")
    code = [block for block in blocks(text) if block.kind == "code"]
    kept = {number for block in code for number in range(block.first, block.end)}
    made = text
    for active in _ACTIVE:
        made = "\n".join(
            line if number in kept else active.sub(lambda found: found[1] or f"\\{found[0]}", line)
            for number, line in enumerate(lines)
        )
        if _is_inert(made):
            break
    return made


def _is_inert(text: str) -> bool:
    """Return whether a reader that knows HTML finds none, and no link but to a page or a lesson."""
    if "<" not in text and ":" not in text:
        return True
    tokens = [*_full().parse(text)]
    for token in tokens:
        tokens += token.children or []
        target = str(token.attrs.get("href", token.attrs.get("src", "")))
        scheme, colon, _ = target.partition(":")
        if token.type.startswith("html") or (colon and scheme.lower() not in _SCHEMES):
            return False
    return True


def without_links(prose: str) -> str:
    """Return prose with the words of each link to a lesson in its place.

    >>> without_links("See [a product](lesson:matmul).")
    'See a product.'
    """
    return _LINK.sub(r"\1", prose)


@cache
def _parser(claims: bool) -> MarkdownIt:
    """Return the block parser, imported only when a lesson is read and not when lessons are listed."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(
        ["normalize", "inline", "reference"]
    )  # the text has plain newlines, and inline markup is parsed later
    ends = ["paragraph", "reference", "blockquote", "list"]
    parser.block.ruler.before("table", "formula", _display, {"alt": ends})
    parser.block.ruler.before("table", "image", _picture, {"alt": ends})
    parser.block.ruler.before("table", "column", _column, {"alt": ends})
    if claims:
        parser.block.ruler.before("table", "claim", _claim, {"alt": ends})
    return parser


@cache
def _full() -> MarkdownIt:
    """Return a parser that takes all that other readers may take: HTML, and every link."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.validateLink = lambda _: True  # type: ignore[assignment, method-assign]
    return parser


@cache
def _inline() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).disable("normalize")
    parser.inline.ruler.before("escape", "formula", _formula)
    return parser


def _display(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    """Match lines `$$ … $$`: a block rule of the parser."""
    first = state.bMarks[line] + state.tShift[line]
    if state.is_code_block(line) or not state.src.startswith("$$", first):
        return False
    for last in range(line, min(end, line + _MOST_FORMULA_LINES)):
        if state.isEmpty(last):
            break
        match = _DISPLAY.fullmatch(state.getLines(line, last + 1, state.blkIndent, False).lstrip())
        if match is None:
            continue
        if not silent:
            state.line = last + 1
            token = state.push("formula", "", 0)
            token.content, token.map = " ".join(match[1].split()) + match[2], [line, last + 1]
        return True
    return False


def _column(state: StateBlock, line: int, _end: int, silent: bool) -> bool:
    """Match a line `|||`: a block rule of the parser."""
    text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()
    if state.is_code_block(line) or text != COLUMN:
        return False
    if not silent:
        state.line = line + 1
        state.push("column", "", 0).map = [line, line + 1]
    return True


def _picture(state: StateBlock, line: int, _end: int, silent: bool) -> bool:
    """Match a line `![what it shows](file)`: a block rule of the parser."""
    if state.is_code_block(line):
        return False
    match = _PICTURE.fullmatch(state.src, state.bMarks[line] + state.tShift[line], state.eMarks[line])
    if match and not silent:
        state.line = line + 1
        token = state.push("image", "", 0)
        token.content, token.info, token.map = match[1].strip(), match[2], [line, line + 1]
    return match is not None


def _formula(state: StateInline, silent: bool) -> bool:
    """Match `$…$`: an inline rule of the parser. What can't be read stays as it is written."""
    match = _FIND_FORMULA.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        tex = match[0].strip("$").strip()
        token = state.push("text" if formula_text(tex) is None else "formula", "", 0)
        token.content = match[0] if token.type == "text" else tex
    state.pos = match.end()
    return True


def _claim(state: StateBlock, line: int, _end: int, silent: bool) -> bool:
    """Match a line `expect: …`: a block rule of the parser."""
    if state.is_code_block(line):
        return False
    match = _CLAIM.fullmatch(state.src, state.bMarks[line] + state.tShift[line], state.eMarks[line])
    if match and not silent:
        state.line = line + 1
        token = state.push("claim", "", 0)
        token.content, token.map = match[1], [line, line + 1]
    return match is not None


def _flat(nodes: Iterable[SyntaxTreeNode], lines: Sequence[str], mark: str = "") -> Iterator[Block]:
    """Yield the blocks of a syntax tree, flattened; `mark` is that of the enclosing item or quotation."""
    for node in nodes:
        first, end = node.map or (0, 0)
        text = node.content.removesuffix("\n")
        match node.type:
            case "list_item":
                yield from _flat(node.children[:1], lines, node.info + node.markup)
                yield from _flat(node.children[1:], lines)
            case "blockquote":
                yield from _flat(node.children, lines, ">")
            case "bullet_list" | "ordered_list":
                yield from _flat(node.children, lines)
            case "table":
                yield from _rows(node)
            case "heading" | "paragraph":
                text = " ".join(line.strip() for line in node.children[0].content.split("\n"))
                level = int(node.tag[1]) if node.type == "heading" else 0
                kind: Kind = "heading" if level else "quote" if mark == ">" else "item" if mark else "text"
                yield Block(kind, first, end, text, mark, level)
            case "fence":
                closed = end - 1 > first and re.fullmatch(f"[ \t>]*{node.markup}+\\s*", lines[end - 1])
                yield Block("code", first, end, text, node.markup, 0, node.info.strip(), bool(closed))
            case "code_block":
                yield Block("code", first, end, text)
            case "claim" | "formula":
                yield Block("claim" if node.type == "claim" else "formula", first, end, text)
            case "image":
                yield Block("image", first, end, text, info=node.info)
            case "hr" | "column":
                yield Block("text", first, end, RULE if node.type == "hr" else COLUMN)


def _rows(table: SyntaxTreeNode) -> Iterator[Block]:
    for part in table.children:
        for row in part.children:
            first, end = row.map or (0, 0)
            cells = tuple(cell.children[0].content for cell in row.children)
            head = part.type == "thead"
            yield Block("row", first, end + head, "", "|" * head, cells=cells)


def _words(tokens: Sequence[Token]) -> Iterator[TextRun]:
    depth = {"strong": 0, "em": 0}
    slug, label = "", ""
    for token in tokens:
        if token.type == "link_open":
            target = str(token.attrs["href"])
            slug, label = target.removeprefix(LESSON) if target.startswith(LESSON) else "", ""
        elif token.type == "link_close":
            if slug:
                yield TextRun(label, "link", slug)
            slug = ""
        elif token.nesting:
            depth[token.tag] = depth.get(token.tag, 0) + token.nesting
        else:
            text = token.content or " " * token.type.endswith("break")
            label += _said(TextRun(text, "formula")) if token.type == "formula" else text
            if token.type == "formula" and not slug:
                yield TextRun(text, "formula")
            elif token.type == "code_inline" and not slug:
                yield TextRun(text, "code")
            elif not slug:
                yield TextRun(text, "strong" if depth["strong"] else "emphasis" if depth["em"] else "")
