"""What each statement of a notebook reads, binds and changes, by its text alone; and kinds of cells."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_PURE = """
    torch math typing __future__ random copy collections functools itertools string re dataclasses time numpy
    einops abc enum operator warnings types numbers statistics contextlib timeit datetime heapq bisect gc
"""
PURE = frozenset(_PURE.split())
"""Packages that reach nothing outside the process."""
TENSOR_PACKAGES = frozenset(["torch", "einops"])
OUTSIDE_PARTS = ("torch.hub", "torch.utils.tensorboard", "torch.distributed", "torch.utils.cpp_extension")
OUTSIDE_CALLS = frozenset(["open", "input", "exec", "eval", "get_ipython", "__import__"])
OUTSIDE_MEMBERS = frozenset(["load", "save", "tofile", "fromfile", "loadtxt", "savetxt", "from_file"])
_CHANGING = """
    append extend insert pop remove sort reverse update add clear setdefault step backward
"""
_MUTATORS = frozenset(_CHANGING.split())
_BUILT_IN = frozenset(dir(builtins)) | {"__name__", "__file__", "display"}
_COMMAND = re.compile(r"^(\s*)(%%?|!|\?)\s*(\w*)(.*)$|^(\s*)(\S+)\?\??\s*$")
_TIMED = frozenset(["timeit", "time"])
_RUN = _TIMED | {"capture", "prun"}


def without_commands(code: str) -> str:
    """Returns a cell as Python: commands of the notebook left out, what `%timeit` measures kept."""
    first = _COMMAND.match(code.lstrip().split("\n")[0])
    if first is not None and first[2] == "%%" and first[3] not in _RUN:
        return ""  # a file that is written, or a program of the shell
    return "\n".join(_line(line) for line in code.split("\n"))


def _line(line: str) -> str:
    found = _COMMAND.match(line)
    if found is None:
        return line
    if found[2] in ("%", "%%") and found[3] in _TIMED:
        timed = re.sub(r"^(\s*-\w+(\s*\d+)?)*\s*", "", found[4])
        return f"{found[1]}{timed}" if timed.strip() and found[2] == "%" else f"{found[1]}"
    return found[1] or ""


def statements(code: str) -> list[ast.stmt] | None:
    """Returns the statements of a cell; None if it is no Python even without its commands."""
    try:
        return ast.parse(without_commands(code)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@dataclass(frozen=True, slots=True)
class Flow:
    """What a statement does with the notebook's names.

    Attributes:
        reads: Names that it, or a function that it defines, reads.
        binds: Names that it binds.
        changes: Names whose values it changes in place.
        text: The statement, as Python would write it.
        imports: Paths that it imports, by the name that each binds.
        outside: Whether it reaches outside by itself: a file, or a shell.
        defines: Whether it is a function or a class, which does nothing until it is called.
    """

    reads: frozenset[str]
    binds: frozenset[str]
    changes: frozenset[str]
    text: str = ""
    imports: dict[str, str] = field(default_factory=dict)
    outside: bool = False
    defines: bool = False


def flow_of(statement: ast.stmt, shown: bool = False) -> Flow:
    """Returns what a statement does; `shown` for the last of a cell, whose value is not thrown away."""
    table = symtable.symtable(ast.unparse(statement), "cell", "exec")
    reads, binds = set[str](), set[str]()
    _collect(table, True, reads, binds)
    reads |= {
        node.target.id
        for node in ast.walk(statement)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    }
    imports = dict(_imports(statement))
    outside = any(map(_reaches_outside, ast.walk(statement)))
    changed = frozenset(_changed(statement, shown)) - _BUILT_IN
    text = ast.unparse(statement)
    defines = isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    return Flow(frozenset(reads), frozenset(binds), changed, text, imports, outside, defines)


def _collect(table: symtable.SymbolTable, top: bool, reads: set[str], binds: set[str]) -> None:
    for symbol in table.get_symbols():
        here = top or symbol.is_global()
        if here and symbol.is_referenced():
            reads.add(symbol.get_name())
        if here and (symbol.is_assigned() or symbol.is_imported() or (top and symbol.is_namespace())):
            binds.add(symbol.get_name())
    for child in table.get_children():
        _collect(child, False, reads, binds)


def _imports(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def _reaches_outside(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    match node.func:
        case ast.Name(id=name):
            return name in OUTSIDE_CALLS
        case ast.Attribute(attr=name, value=ast.Name(id=owner)):
            return name in OUTSIDE_MEMBERS and owner in ("torch", "np", "numpy", "pickle", "json")
    return False


def _root(node: ast.AST) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _changed(statement: ast.stmt, shown: bool) -> Iterator[str]:
    """Yields the names whose values a statement changes, outside the functions that it defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return
    dropped = {id(node.value) for node in ast.walk(statement) if isinstance(node, ast.Expr)}
    if shown and isinstance(statement, ast.Expr):
        dropped.discard(id(statement.value))
    for node in ast.walk(statement):
        match node:
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                found = [_root(node)]
            case ast.Call(func=ast.Attribute(attr=name)) if name in _MUTATORS or (
                name.endswith("_") and not name.endswith("__")
            ):
                found = [_root(node.func), *map(_root, node.args[:1])]
            case ast.Call() if id(node) in dropped and _root(node.func) != "print":
                found = [_root(node.func), *(_root(part) for part in node.args)]
            case _:
                continue
        yield from (name for name in found if name is not None)


@dataclass(slots=True)
class Cell:
    """A code cell.

    Attributes:
        number: Its stop in the document.
        code: Its text.
        flows: What its statements do; None for one that is no Python.
        kind: `tensor`, `numpy`, `plain`, `mixed` (tensors, and something outside), `outside`, `imports`,
            `commands` or `unread`.
        inside: Whether nothing that it rests on is outside the notebook.
    """

    number: int
    code: str
    flows: list[Flow] | None
    kind: str = "unread"
    inside: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The names that it mentions."""
        return frozenset().union(*(flow.reads | flow.binds for flow in self.flows or []))


def cells_of(codes: Iterable[tuple[int, str]]) -> list[Cell]:
    """Returns the cells of a notebook with their kinds, from their numbers and texts."""
    cells = []
    for number, code in codes:
        body = statements(code)
        flows = None if body is None else [flow_of(item, item is body[-1]) for item in body]
        cells.append(Cell(number, code, flows))
    _judge(cells)
    return cells


def _is_pure(path: str) -> bool:
    package = path.partition(".")[0]
    return package in PURE and not path.startswith(OUTSIDE_PARTS)


def _judge(cells: Sequence[Cell]) -> None:
    """Gives each cell its kind, by what its names were made with."""
    tensors, numpy, foreign, tainted, made = set[str](), set[str](), set[str](), set[str](), set[str]()
    for cell in cells:
        if cell.flows is None:
            continue
        kinds = set[str]()
        cell.inside = True
        for flow in cell.flows:
            for name, path in flow.imports.items():
                package = path.partition(".")[0]
                for group, belongs in (
                    (tensors, package in TENSOR_PACKAGES),
                    (numpy, package == "numpy"),
                    (foreign, not _is_pure(path)),
                ):
                    (group.add if belongs else group.discard)(name)
            made |= flow.imports.keys()
            reads = flow.reads - flow.binds | (flow.reads & made)
            if not flow.imports:
                own = flow.outside or bool(reads & foreign)
                unknown = reads - made - _BUILT_IN
                rests = own or bool(reads & tainted) or bool(unknown)
                uses = bool(reads & tensors)
                kinds |= {
                    "tensor" if uses else "numpy" if reads & numpy else "plain",
                    *(["outside"] if own else []),
                }
                cell.inside &= not rests
                for group, belongs in ((tensors, uses), (numpy, bool(reads & numpy)), (tainted, rests)):
                    for name in flow.binds:
                        (group.add if belongs or name in flow.changes else group.discard)(name)
                    if belongs:
                        group |= flow.changes
                foreign -= flow.binds
            made |= flow.binds
        cell.kind = _kind(kinds, bool(cell.flows))


def _kind(kinds: set[str], any_statement: bool) -> str:
    if not kinds:
        return "imports" if any_statement else "commands"
    if "outside" in kinds:
        return "mixed" if "tensor" in kinds else "outside"
    return next(kind for kind in ("tensor", "numpy", "plain") if kind in kinds)
