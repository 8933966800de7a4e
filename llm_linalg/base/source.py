"""A program's text, its syntax tree, and where each part of it stands; reading it takes linear time."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator

from llm_linalg.base.errors import LimitError, ProgramError, Span
from llm_linalg.base.syntax import excess_mark, statements
from llm_linalg.base.text import characters

MAX_CHARACTERS = 50_000  # the worst of which the parser reads in half a second, and most in hundredths
MAX_DEPTH = 200  # of the tree: what walks it by recursion needs some frames for each level
MAX_MARKS = 30  # combining marks in a row, which some terminals draw on top of each other
TOO_MANY_DIGITS = "a whole number of more than 4,300 digits"
_UNSEEN = frozenset(["Cc", "Cf", "Cs", "Co", "Zl", "Zp"])  # Unicode's categories
_BLANKS = "\t\f"
# What a notebook's shell takes: `%matplotlib inline`, `!pip install x`, `files = !ls`, `torch.randn?`.
_COMMAND = re.compile(r"\s*(?:\w+\s*=\s*)?(%{1,2}[A-Za-z]\w{0,30}|![ \t]*[\w./-]{1,30})")
_QUESTION = re.compile(r"\s*([\w.]{1,80}\?{1,2}|\?{1,2}[\w.]{1,80})\s*")


class Source:
    """A program that can be parsed.

    Args:
        text: The program; in `text` it has line breaks of one character, and no byte order mark.

    Raises:
        ProgramError: If the text is not Python, or holds characters that can't be seen.
        LimitError: If it is too long, too large or nested too deeply.
    """

    def __init__(self, text: str) -> None:
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        self.lines = self.text.split("\n")
        self._spans: dict[ast.AST, Span | None] = {}
        self._check_text()
        self.tree = self._parse()
        self._check_depth()

    def span(self, node: ast.AST) -> Span | None:
        """Return the place of a syntax node, in characters; `ast` counts bytes."""
        if node not in self._spans:
            self._spans[node] = self._span(node)
        return self._spans[node]

    def text_of(self, node: ast.AST) -> str:
        """Return a syntax node as it is written."""
        span = self.span(node)
        return span.of(self.lines) if span else ""

    def error(self, message: str, node: ast.AST | None = None) -> ProgramError:
        """Return an error at a syntax node."""
        return ProgramError(message, self.span(node) if node else None, self.text)

    def syntax_error(self, error: SyntaxError) -> ProgramError:
        """Return the error to show for one of Python's parser, or of its compiler."""
        line = min(max(error.lineno or 1, 1), len(self.lines))
        column = max((error.offset or 1) - 1, 0)
        place = Span(line, column, line, column + 1)
        if "set_int_max_str_digits" in str(error):  # its advice is not for programs
            return LimitError(TOO_MANY_DIGITS, place, self.text)
        text = self.lines[line - 1]
        command = _COMMAND.match(text) or _QUESTION.fullmatch(text)
        if command:
            message = f"{command[1]} is a notebook's command, not Python: leave it out"
            return ProgramError(message, place, self.text)
        return ProgramError(f"this is not Python: {error.msg}", place, self.text)

    def _span(self, node: ast.AST) -> Span | None:
        line, offset = getattr(node, "lineno", None), getattr(node, "col_offset", None)
        if line is None or offset is None:
            return None
        end_line, end = getattr(node, "end_lineno", None), getattr(node, "end_col_offset", None)
        end_line, end = end_line or line, offset + 1 if end is None else end
        return Span(line, self._column(line, offset), end_line, self._column(end_line, end))

    def _column(self, line: int, offset: int) -> int:
        return characters(self.lines[line - 1], offset)

    def _place(self, offset: int) -> Span:
        """Return the place of a character of the text, by its number."""
        line = self.text.count("\n", 0, offset) + 1
        column = offset - self.text.rfind("\n", 0, offset) - 1
        return Span(line, column, line, column + 1)

    def _check_text(self) -> None:
        if len(self.text) > MAX_CHARACTERS:
            message = f"the program has {len(self.text):,} characters; {MAX_CHARACTERS:,} are allowed"
            raise LimitError(message, self._place(MAX_CHARACTERS), self.text)
        mark = excess_mark(self.text, MAX_MARKS)
        if mark is not None:
            message = f"more than {MAX_MARKS} marks one behind another"
            raise LimitError(message, self._place(mark), self.text)
        for number, line in enumerate(self.lines, 1):
            for column, char in enumerate("" if line.isprintable() else line):
                if char not in _BLANKS and unicodedata.category(char) in _UNSEEN:
                    place = Span(number, column, number, column + 1)
                    raise ProgramError(f"a character that can't be seen: U+{ord(char):04X}", place, self.text)

    def _whole(self, line: int) -> Span:
        return Span(line, 0, line, len(self.lines[line - 1]))

    def _parse(self) -> ast.Module:
        try:
            return statements(self.text)
        except SyntaxError as error:
            raise self.syntax_error(error) from None
        except (MemoryError, RecursionError, ValueError, OverflowError):
            message = "the program is nested too deeply, or holds a number too long to read"
            line = next(self._lines_beyond_parser(), None)
            raise LimitError(message, self._whole(line) if line else None, self.text) from None

    def _lines_beyond_parser(self) -> Iterator[int]:
        """Yield the lines that the parser can't take even by themselves."""
        for number, line in enumerate(self.lines, 1):
            try:
                statements(line.strip())
            except SyntaxError:
                continue
            except (MemoryError, RecursionError, ValueError, OverflowError):
                yield number

    def _check_depth(self) -> None:
        above: list[ast.AST] = []
        level: list[ast.AST] = [self.tree]
        for _ in range(MAX_DEPTH):
            above, level = level, [part for node in level for part in ast.iter_child_nodes(node)]
            if not level:
                return
        deep = next(node for node in (*level, *above) if self.span(node) is not None)
        raise LimitError("this expression is nested too deeply", self.span(deep), self.text)
