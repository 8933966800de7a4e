"""From text to a checked syntax tree: what is not on the list is refused, with its place.

This is the first of two gates. It knows the syntax alone and needs no torch; what a name or an attribute
means is decided by `allowlist`, when the tree is interpreted.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, ClassVar

from llm_linalg.base.errors import LimitError, ProgramError, Span
from llm_linalg.base.syntax import (
    LEAVES,
    ambiguous_name,
    children,
    descendants,
    excess_mark,
    no_garbage_collection,
    signs,
    slow_to_parse,
    statements,
)
from llm_linalg.base.text import characters
from llm_linalg.language import suggestions
from llm_linalg.language.local_names import import_paths, names_of_pattern, own_parts
from llm_linalg.language.missing import STAR

MAX_CHARACTERS = 50_000
MAX_NODES = 10_000
MAX_SIGNS = 20_000  # brackets, commas, operators
MAX_DEPTH = 60
MAX_NAME = 100
MAX_MARKS = 30  # combining marks in a row, which some terminals draw on top of each other
MAX_DIGITS = 40
_SHORT = 15_000  # characters, which any parser reads in no time
_TOO_LARGE = "the program is too large: it has too many parts"

_EXPRESSIONS: tuple[type[ast.AST], ...] = (
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.keyword,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.Name,
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.Dict,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.Lambda,
    ast.NamedExpr,
    ast.Starred,
    ast.Set,
    ast.Yield,
    ast.YieldFrom,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.comprehension,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
)
_STATEMENTS: tuple[type[ast.AST], ...] = (
    ast.Module,
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
    ast.Expr,
    ast.Import,
    ast.ImportFrom,
    ast.alias,
    ast.Pass,
    ast.Assert,
    ast.With,
    ast.withitem,
    ast.Delete,
    ast.Global,
    ast.Nonlocal,
    ast.Raise,
    ast.Try,
    ast.ExceptHandler,
    ast.For,
    ast.While,
    ast.If,
    ast.Match,
    ast.match_case,
    ast.MatchValue,
    ast.MatchSingleton,
    ast.MatchSequence,
    ast.MatchStar,
    ast.MatchMapping,
    ast.MatchClass,
    ast.MatchAs,
    ast.MatchOr,
    ast.Break,
    ast.Continue,
    ast.FunctionDef,
    ast.ClassDef,
    ast.arguments,
    ast.arg,
    ast.Return,
)
_ARITHMETIC = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
_SPECIAL = """
    init call len getitem setitem delitem contains iter next bool repr str format
    eq ne lt le gt ge hash neg pos invert abs enter exit post_init
"""
SPECIAL_METHODS = frozenset(
    f"__{name}__"
    for name in (*_SPECIAL.split(), *(kind + name for kind in ("", "r", "i") for name in _ARITHMETIC.split()))
)
"""The special methods that a class may define."""
DUNDERS = SPECIAL_METHODS | {"__class__", "__name__", "__version__"}
"""Attributes with two underscores that may be asked for."""
READ_DUNDERS = frozenset(["__dict__"])
"""Those that may be asked for and not assigned to: what the program put on an object of its own."""

_IMPORTS = ast.Import | ast.ImportFrom
ALLOWED = frozenset(_EXPRESSIONS + _STATEMENTS)

MODULES = (
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.nn.utils.rnn",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.autograd",
    "torch.autograd.functional",
    "torch.cuda",
    "torch.amp",
    "torch.backends",
    "torch.linalg",
    "torch.special",
    "torch.func",
    "torch.distributions",
    "torch.distributions.kl",
    "torch.distributions.normal",
    "torch.distributions.lognormal",
    "torch.distributions.uniform",
    "torch.distributions.exponential",
    "torch.distributions.bernoulli",
    "torch.distributions.categorical",
    "torch.distributions.multinomial",
    "torch.distributions.poisson",
    "torch.utils",
    "torch.utils.data",
    "torch.distributed.nn.functional",
    "math",
    "einops",
    "einops.layers",
    "einops.layers.torch",
    "importlib",
    "importlib.metadata",
    "packaging",
    "packaging.version",
    "numpy",
    "numpy.random",
    "numpy.linalg",
    "random",
    "copy",
    "collections",
    "functools",
    "itertools",
    "operator",
    "statistics",
    "string",
    "re",
    "contextlib",
    "time",
    "tqdm",
    "tqdm.auto",
    "tqdm.notebook",
    "dataclasses",
    "safetensors",
    "safetensors.torch",
    "typing",
    "collections.abc",
    "__future__",
)

PACKAGES = frozenset(name.partition(".")[0] for name in MODULES)

# What a notebook's shell takes: `%matplotlib inline`, `!pip install x`, `files = !ls`, `torch.randn?`.
_COMMAND = re.compile(r"\s*(?:\w+\s*=\s*)?(%{1,2}[A-Za-z]\w{0,30}|![ \t]*[\w./-]{1,30})")
_QUESTION = re.compile(r"\s*([\w.]{1,80}\?{1,2}|\?{1,2}[\w.]{1,80})\s*")


def is_parser_kept_busy(text: str) -> bool:
    """Return whether parsing a text would take long, during which nothing else in the process runs."""
    return signs(text, MAX_SIGNS) > MAX_SIGNS or slow_to_parse(text)


def _named_once(source: Source, names: Sequence[tuple[str | None, ast.AST]]) -> None:
    """Refuse two parameters, or two arguments, of one name; `ast.parse` lets them pass."""
    seen: set[str | None] = {None}
    for name, node in names:
        if name in seen and name is not None:
            raise source.error(f"{name} stands there twice", node)
        seen.add(name)


def _fits_all(pattern: ast.pattern) -> bool:
    """Return whether every value fits a pattern."""
    if isinstance(pattern, ast.MatchOr):
        return _fits_all(pattern.patterns[-1])
    return isinstance(pattern, ast.MatchAs) and (pattern.pattern is None or _fits_all(pattern.pattern))


class Source:
    """A checked program: its text, its syntax tree, and where each node stands.

    Args:
        text: The program.
        bounded: Whether its size is limited; programs that this package writes itself may be longer.
        by_statement: Whether a statement that holds what is not part of the language is noted in `refused`
            and no error. Imports are then allowed: one fails where it is used.

    Raises:
        ProgramError: If the text is not Python, or holds what is not part of the language.
        LimitError: If it is too long, too large or nested too deeply.

    Attributes:
        tree: The syntax tree.
        size: How many nodes it has.
        refused: Why each statement of the tree's body is refused that is.
    """

    def __init__(self, text: str, bounded: bool = True, *, by_statement: bool = False) -> None:
        self._begin(text)
        self._bounded, self._by_statement = bounded, by_statement
        self._check_text()
        with no_garbage_collection():
            self._check_size()
            self._check_names()
            self.tree = self._parse()
            self._check_trees()

    def _begin(self, text: str) -> None:
        self._bounded, self._by_statement = True, False
        self.text = text.replace("\r\n", "\n")
        self.size = 0
        self.refused: dict[ast.stmt, ProgramError] = {}
        self._lines = self.text.split("\n")
        self._tried: set[ast.AST] = set()  # imports whose failure the program may catch
        self._slots: set[ast.AST] = set()  # the names in classes that say what their objects have
        self._spans: dict[ast.AST, Span | None] = {}  # a loop asks for the same ones at each turn

    def span(self, node: ast.AST) -> Span | None:
        """Return the place of a syntax node, in characters; `ast` counts bytes."""
        if node not in self._spans:
            self._spans[node] = self._span(node)
        return self._spans[node]

    def _span(self, node: ast.AST) -> Span | None:
        if not isinstance(node, ast.expr | ast.stmt | ast.keyword | ast.alias | ast.arg | ast.pattern):
            return None
        end_line = node.end_lineno or node.lineno
        end = node.end_col_offset if node.end_col_offset is not None else node.col_offset + 1
        return Span(
            node.lineno,
            self._column(node.lineno, node.col_offset),
            end_line,
            self._column(end_line, end),
        )

    def text_of(self, node: ast.AST) -> str:
        """Return a syntax node as it is written."""
        span = self.span(node)
        return span.of(self._lines) if span else ""

    def error(self, message: str, node: ast.AST | None = None) -> ProgramError:
        """Return an error at a syntax node."""
        return ProgramError(message, self.span(node) if node else None, self.text)

    def _place(self, offset: int) -> Span:
        """Return the place of a character of the text, by its number."""
        line = self.text.count("\n", 0, offset) + 1
        column = offset - self.text.rfind("\n", 0, offset) - 1
        return Span(line, column, line, column + 1)

    def _column(self, line: int, offset: int) -> int:
        return characters(self._lines[line - 1], offset)

    def _check_text(self) -> None:
        if self._bounded and len(self.text) > MAX_CHARACTERS:
            message = f"the program has {len(self.text):,} characters; {MAX_CHARACTERS:,} are allowed"
            raise LimitError(message, self._place(MAX_CHARACTERS), self.text)
        mark = excess_mark(self.text, MAX_MARKS)
        if mark is not None:
            message = f"more than {MAX_MARKS} marks one behind another"
            raise LimitError(message, self._place(mark), self.text)
        for number, line in enumerate(self._lines, 1):
            if line.isprintable():
                continue
            for column, char in enumerate(line):
                if char != "\t" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
                    place = Span(number, column, number, column + 1)
                    raise ProgramError(f"a character that can't be seen: U+{ord(char):04X}", place, self.text)

    def _check_size(self) -> None:
        """Refuse a text that would keep the parser busy."""
        if self._bounded and len(self.text) > _SHORT and is_parser_kept_busy(self.text):
            many = range(1, len(self._lines) + 1)
            line = 1 + bisect_left(many, True, key=lambda n: is_parser_kept_busy("\n".join(self._lines[:n])))
            raise LimitError(_TOO_LARGE, Span(line, 0, line, len(self._lines[line - 1])), self.text)

    def _parse(self) -> ast.Module:
        try:
            return statements(self.text)
        except SyntaxError as error:
            line = min(max(error.lineno or 1, 1), len(self._lines))
            column = max((error.offset or 1) - 1, 0)
            place = Span(line, column, line, column + 1)
            if suggestions.has_too_many_digits(error):
                raise LimitError(suggestions.TOO_MANY_DIGITS, place, self.text) from None
            text = self._lines[line - 1]
            command = _COMMAND.match(text) or _QUESTION.fullmatch(text)
            if command:
                raise ProgramError(suggestions.command(command[1]), place, self.text) from None
            raise ProgramError(f"this is not Python: {error.msg}", place, self.text) from None
        except (MemoryError, RecursionError, ValueError, OverflowError):
            message = "the program is nested too deeply, or holds a number too long to read"
            raise LimitError(message, self._line_beyond_parser(), self.text) from None

    def _line_beyond_parser(self) -> Span | None:
        """Return the first line that the parser can't take even by itself; None if there is none."""
        for number, line in enumerate(self._lines, 1):
            try:
                statements(line.strip())
            except SyntaxError:
                continue
            except (MemoryError, RecursionError, ValueError, OverflowError):
                return Span(number, 0, number, len(line))
        return None

    def _check_names(self) -> None:
        """Refuse identifiers that Python reads as others, such as full-width or mathematical letters."""
        found = ambiguous_name(self.text)
        if found is not None:
            name, line, column = found
            span = Span(line, column, line, column + len(name))
            raise ProgramError(f"{name} is not spelt as it would be read", span, self.text)

    def _check_trees(self) -> None:
        if not self._by_statement:
            self._check_tree(self.tree, 0)
            return
        excess: ProgramError | None = None
        for statement in self.tree.body:
            if excess is not None:  # to find where it began goes through the whole text, once
                self.refused[statement] = excess
                continue
            try:
                self._check_tree(statement, 1)
            except ProgramError as error:
                self.refused[statement] = error
                excess = error if self._bounded and self.size > MAX_NODES else None

    def _check_tree(self, tree: ast.AST, depth: int) -> None:
        """Check a tree that stands so deep in the program's."""
        above: list[ast.AST] = []
        level: list[ast.AST] = [tree]
        while level:
            depth += 1
            self.size += len(level)
            if self._bounded and self.size > MAX_NODES:
                raise LimitError(_TOO_LARGE, self.span(self._excess_statement()), self.text)
            if depth > MAX_DEPTH:
                deep = next(node for node in (*level, *above) if self.span(node) is not None)
                error = self.error("this expression is nested too deeply", deep)
                raise LimitError(error.message, error.span, self.text)
            parts = [node for node in level if not isinstance(node, LEAVES)]
            for node in parts:
                self._check_node(node)
            above, level = level, [part for node in parts for part in children(node)]

    def _excess_statement(self) -> ast.stmt:
        """Return the first statement with which there are more than `MAX_NODES`."""
        sizes = accumulate(sum(1 for _ in descendants(statement)) for statement in self.tree.body)
        return self.tree.body[min(bisect_left(list(sizes), MAX_NODES), len(self.tree.body) - 1)]

    def _check_node(self, node: ast.AST) -> None:
        kind = node.__class__
        check = self._CHECKS.get(kind)
        if check is not None:
            check(self, node)
        elif kind not in ALLOWED:
            title = kind.__name__.lower()
            message = suggestions.SYNTAX.get(kind, f"{title} is not part of the tensor language")
            raise self.error(message, node)

    def _check_name(self, node: ast.Name) -> None:
        is_read = isinstance(node.ctx, ast.Load)
        if node in self._slots:
            return
        if "__" in node.id and node.id not in SPECIAL_METHODS and not (node.id == "__name__" and is_read):
            raise self.error(suggestions.UNDERSCORES, node)

    def _check_argument(self, node: ast.arg) -> None:
        if "__" in node.arg:
            raise self.error(suggestions.UNDERSCORES, node)

    def _check_attribute(self, node: ast.Attribute) -> None:
        is_read = node.attr in READ_DUNDERS and isinstance(node.ctx, ast.Load)
        if node.attr.startswith("__") and node.attr not in DUNDERS and not is_read:
            raise self.error(f"{node.attr} is private: it is not part of the language", node)

    def _check_with(self, node: ast.With) -> None:
        """Refuse a `with` of what the language lacks; the run checks the others."""
        for item in node.items:
            called = item.context_expr.func if isinstance(item.context_expr, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in suggestions.NAMES:
                raise self.error(suggestions.unknown_name(called.id, ()), called)

    def _check_try(self, node: ast.Try) -> None:
        """Leave the imports within a `try` to the run: the program may catch that a package is not there."""
        self._tried.update(part for part in descendants(*node.body) if isinstance(part, _IMPORTS))

    def _check_import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Refuse packages other than torch and its like; which of their parts exist, the run checks."""
        if self._by_statement or node in self._tried:
            return
        for path in import_paths(node):
            if path.partition(".")[0] not in PACKAGES:
                raise self.error(suggestions.unknown_import(path), node)

    def _check_stars(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        """Refuse `import *` in a function or a class, which `ast.parse` lets pass."""
        for part in own_parts(node.body):
            if isinstance(part, ast.alias) and part.name == STAR:
                raise self.error(
                    "import * is for the program itself, outside its functions and classes", part
                )

    def _check_function(self, node: ast.FunctionDef) -> None:
        if len(node.name) > MAX_NAME:  # the scope of each call within it holds the name
            raise self.error(f"a function's name has at most {MAX_NAME} characters", node)
        if "__" in node.name and node.name not in SPECIAL_METHODS:
            raise self.error(suggestions.UNDERSCORES, node)
        self._check_stars(node)

    def _check_parameters(self, node: ast.arguments) -> None:
        own = [*node.posonlyargs, *node.args, *node.kwonlyargs, node.vararg, node.kwarg]
        _named_once(self, [(arg.arg, arg) for arg in own if arg is not None])

    def _check_sharing(self, node: ast.Global | ast.Nonlocal) -> None:
        if any("__" in name for name in node.names):
            raise self.error(suggestions.UNDERSCORES, node)

    def _check_handler(self, node: ast.ExceptHandler) -> None:
        if node.name is not None and "__" in node.name:
            raise self.error(suggestions.UNDERSCORES, node)

    def _check_match(self, node: ast.Match) -> None:
        """Refuse the patterns that Python refuses, which `ast.parse` lets pass, and private names in them."""
        for case in node.cases:
            if case is not node.cases[-1] and case.guard is None and _fits_all(case.pattern):
                raise self.error("a case that everything fits stands last", case.pattern)
            self._names_of(case.pattern)

    def _names_of(self, pattern: ast.pattern) -> list[tuple[str | None, ast.AST]]:
        """Return the names that a pattern binds, once it is checked."""
        if isinstance(pattern, ast.MatchOr):
            several = [self._names_of(part) for part in pattern.patterns]
            if any({name for name, _ in names} != {name for name, _ in several[0]} for names in several):
                raise self.error("both sides of a `|` bind the same names", pattern)
            if any(map(_fits_all, pattern.patterns[:-1])):
                raise self.error("a pattern that everything fits stands last", pattern)
            return several[0]
        inner = [part for part in children(pattern) if isinstance(part, ast.pattern)]
        attributes = pattern.kwd_attrs if isinstance(pattern, ast.MatchClass) else []
        _named_once(self, [(name, pattern) for name in attributes])
        if sum(isinstance(part, ast.MatchStar) for part in inner) > 1:
            raise self.error("a pattern has one `*` at most", pattern)
        own: list[str] = names_of_pattern(pattern)
        if any("__" in name for name in (*own, *attributes)):
            raise self.error(suggestions.UNDERSCORES, pattern)
        names = [(name, pattern) for name in own] + [item for part in inner for item in self._names_of(part)]
        _named_once(self, names)
        return names

    def _check_class(self, node: ast.ClassDef) -> None:
        if len(node.name) > MAX_NAME:
            raise self.error(f"a class's name has at most {MAX_NAME} characters", node)
        if "__" in node.name:
            raise self.error(suggestions.UNDERSCORES, node)
        self._check_stars(node)
        for part in node.body:
            match part:
                case ast.Assign(targets=[ast.Name(id="__slots__") as name]):
                    self._slots.add(name)

    def _check_call(self, node: ast.Call) -> None:
        _named_once(self, [(keyword.arg, keyword) for keyword in node.keywords if keyword.arg])

    def _check_constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bytes | complex):
            raise self.error(suggestions.CONSTANTS[type(value)], node)
        if isinstance(value, int) and value.bit_length() > MAX_DIGITS * 3.33:
            error = self.error(f"a whole number of more than {MAX_DIGITS} digits", node)
            raise LimitError(error.message, error.span, self.text)

    _CHECKS: ClassVar[Mapping[type[ast.AST], Callable[[Source, Any], None]]] = {
        ast.Name: _check_name,
        ast.Constant: _check_constant,
        ast.Attribute: _check_attribute,
        ast.Import: _check_import,
        ast.ImportFrom: _check_import,
        ast.FunctionDef: _check_function,
        ast.ClassDef: _check_class,
        ast.Call: _check_call,
        ast.arg: _check_argument,
        ast.With: _check_with,
        ast.Try: _check_try,
        ast.arguments: _check_parameters,
        ast.Global: _check_sharing,
        ast.Nonlocal: _check_sharing,
        ast.ExceptHandler: _check_handler,
        ast.Match: _check_match,
    }
