"""Markdown as lessons, decks and documents have it: CommonMark and tables, read into small values.

HTML is text, whatever it says: nothing in a value is markup. What a container holds is laid flat, since a
terminal's rows are: an item of a list within a list is an item, and a fence in one is a fence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from llm_linalg.base.text import clean

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

LESSON = "lesson:"
MOST_LINES = 20_000  # of Markdown that is read at once: the parser takes up to 70 µs for each
_LINK = re.compile(r"\[([^\[\]\n]+)\]\(lesson:([A-Za-z0-9_-]+)\)")
_CLAIM = re.compile(r"expect:\s*(.*?)\s*")


Kind = Literal["text", "heading", "item", "quote", "row", "code", "claim"]


class Block(NamedTuple):
    """A block of Markdown.

    Attributes:
        kind: Running text, a heading, a list's item, a quotation, a table's row, code, or a lesson's claim.
        first: The place of its first line, from 0.
        end: The place of the line below its last.
        text: Its words in one line, with their marks; of code, its lines as they stand.
        mark: What stands before an item, as ``-`` or ``3.``; the marks of a fence; of a table's head ``|``.
        level: Of a heading, from 1.
        info: What stands behind the marks of a fence.
        is_closed: Whether a line of marks closes a fence.
        cells: Of a row.
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
        """Whether it is code between two lines of marks."""
        return self.kind == "code" and bool(self.mark)

    @property
    def source(self) -> str:
        """The block as Markdown, its words in one line; a heading within prose is strong."""
        match self.kind:
            case "heading":
                return f"**{self.text}**"
            case "item" | "quote":
                return f"{self.mark} {self.text}"
            case "row":
                line = f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in self.cells)} |"
                return f"{line}\n{'|---' * len(self.cells)}|" if self.mark else line
            case "code":
                mark = self.mark or "```"
                return "\n".join([mark + self.info, *([self.text] if self.text else ()), mark])
        return self.text

    def is_apart_from(self, above: Block) -> bool:
        """Whether a blank line stands between it and the block above it, or might as well."""
        return self.first > above.end or bool({self.kind, above.kind} & {"heading", "code"})


class TextRun(NamedTuple):
    """A run of words in one style; of a link to a lesson, the lesson's slug."""

    text: str
    kind: Literal["", "code", "strong", "link"] = ""
    slug: str = ""


class Paragraph(NamedTuple):
    """Blocks that no blank line parts, as Markdown; of a heading alone its words, and its level from 1."""

    text: str
    level: int = 0

    @property
    def as_prose(self) -> str:
        """The paragraph as prose: a heading within it is strong."""
        return f"**{self.text}**" if self.level else self.text


def blocks(text: str, *, claims: bool = False) -> list[Block]:
    """The blocks of Markdown, from above.

    Args:
        text: The Markdown.
        claims: Whether a line that begins with ``expect:`` is a block of its own, as in a lesson.
    """
    from markdown_it.tree import SyntaxTreeNode

    tree = SyntaxTreeNode(_parser(claims).parse(text))
    return [*_flat(tree.children, text.split("\n"))]


def group_blocks(found: Sequence[Block]) -> list[list[Block]]:
    """The blocks in groups that blank lines part."""
    groups: list[list[Block]] = []
    for block in found:
        if not groups or block.is_apart_from(groups[-1][-1]):
            groups.append([])
        groups[-1].append(block)
    return groups


def paragraphs(text: str) -> list[Paragraph]:
    """The paragraphs of Markdown, each block's words in one line."""
    return paragraphs_of(blocks(text))


def paragraphs_of(found: Sequence[Block]) -> list[Paragraph]:
    """The paragraphs that blocks make."""
    return [
        Paragraph(group[0].text, group[0].level)
        if group[0].level
        else Paragraph("\n".join(block.source for block in group))
        for group in group_blocks([block for block in found if block.text or not block.level])
    ]


def prose(found: Sequence[Block]) -> str:
    """Blocks as a lesson keeps its prose: a line a block, a blank line between paragraphs."""
    return "\n\n".join(paragraph.as_prose for paragraph in paragraphs_of(found))


@lru_cache(1024)
def text_runs(text: str) -> tuple[TextRun, ...]:
    """The words of a block, in runs of one style, and clean: an entity may stand for any character."""
    runs: list[TextRun] = []
    for run in _words(_inline().parseInline(text)[0].children or []):
        if runs and runs[-1][1:] == run[1:] and not run.slug:
            runs[-1] = runs[-1]._replace(text=runs[-1].text + run.text)
        elif run.text:
            runs.append(run)
    return tuple(run._replace(text=clean(run.text, None)) for run in runs)


def links(text: str) -> list[str]:
    """The slugs of the lessons that prose links to, in order."""
    found = (each for block in blocks(text) if block.kind != "code" for each in block.cells or (block.text,))
    return [run.slug for each in found for run in text_runs(each) if run.slug]


def spans(prose: str) -> tuple[tuple[str, str | None], ...]:
    """Prose in pieces: a text, and the slug of the lesson that it links to, or None.

    >>> spans("See [a product](lesson:matmul).")
    (('See ', None), ('a product', 'matmul'), ('.', None))
    """
    pieces: list[tuple[str, str | None]] = []
    at = 0
    for link in _LINK.finditer(prose):
        pieces += [(prose[at : link.start()], None), (link[1], link[2])]
        at = link.end()
    pieces.append((prose[at:], None))
    return tuple((text, slug) for text, slug in pieces if text)


@cache
def _parser(claims: bool) -> MarkdownIt:
    """The parser of blocks. It is imported by who reads a lesson, not by who lists them."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(["normalize", "inline", "reference"])  # lines are parted already, words are read later
    if claims:
        ends = ["paragraph", "reference", "blockquote", "list"]
        parser.block.ruler.before("table", "claim", _claim, {"alt": ends})
    return parser


@cache
def _inline() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).disable("normalize")


def _claim(state: StateBlock, line: int, _end: int, silent: bool) -> bool:
    """A rule of the parser: a line that begins with ``expect:``."""
    if state.is_code_block(line):
        return False
    found = _CLAIM.fullmatch(state.src, state.bMarks[line] + state.tShift[line], state.eMarks[line])
    if found and not silent:
        state.line = line + 1
        token = state.push("claim", "", 0)
        token.content, token.map = found[1], [line, line + 1]
    return found is not None


def _flat(nodes: Iterable[SyntaxTreeNode], lines: Sequence[str], mark: str = "") -> Iterator[Block]:
    """The blocks of a tree, laid flat; `mark` stands before each that is no container."""
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
            case "claim":
                yield Block("claim", first, end, text)
            case "hr":
                yield Block("text", first, end, "---")


def _rows(table: SyntaxTreeNode) -> Iterator[Block]:
    for part in table.children:
        for row in part.children:
            first, end = row.map or (0, 0)
            cells = tuple(cell.children[0].content for cell in row.children)
            head = part.type == "thead"
            yield Block("row", first, end + head, "", "|" * head, cells=cells)


def _words(tokens: Sequence[Token]) -> Iterator[TextRun]:
    strong, slug, label = 0, "", ""
    for token in tokens:
        if token.type == "link_open":
            target = str(token.attrs["href"])
            slug, label = target.removeprefix(LESSON) if target.startswith(LESSON) else "", ""
        elif token.type == "link_close":
            if slug:
                yield TextRun(label, "link", slug)
            slug = ""
        elif token.nesting:
            strong += token.nesting
        else:
            text = token.content or " " * token.type.endswith("break")
            label += text
            if not slug:
                yield TextRun(text, "code" if token.type == "code_inline" else "strong" if strong else "")
