"""Imports, and the members of imported modules that a program asks for before the line is reached."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from sys import stdlib_module_names
from typing import Any

from llm_linalg.base.syntax import descendants
from llm_linalg.language import allowlist
from llm_linalg.language.attributes import member, nearest
from llm_linalg.language.figures import figure_of
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.local_names import local_names_of, name_of_import
from llm_linalg.language.missing import STAR, MissingModule
from llm_linalg.language.source import PACKAGES
from llm_linalg.language.suggestions import unknown_import

_STRAIGHT = ast.Assign | ast.AugAssign | ast.Expr  # statements whose every expression is evaluated
_CONDITIONAL = ast.IfExp | ast.BoolOp | ast.comprehension  # but within these


def import_names(run: Interpreter, node: ast.Import | ast.ImportFrom) -> None:
    """Execute `import a as b`, `from a import b` and `from a import *`."""
    members = _star_members(node)
    if members is not None:
        run.budget.step(len(members))
        run.names.maps[0].update(members)
        return
    run.budget.step(len(node.names) - 1)
    missing: list[ast.alias] = []
    for alias in node.names:
        path, module = _resolve(node, alias)
        absent = _absence_of(path)
        if module is None and run.takes_missing_imports:
            module = figure_of(path) if alias.name != STAR else None
            if module is None and not (run.tries and absent):
                module = _missing(run, path, node)
                missing.append(alias)
        if module is None:
            raise run.error(_said_of(run, path, node), node, absent)
        run.names.maps[0][name_of_import(alias)] = module
    if missing:
        run.leave_out(node, _without_others(node, missing))


def _without_others(node: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> str:
    """Return the text of an import with some of its names alone; empty if these are all."""
    if len(names) == len(node.names):
        return ""
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import(names))
    return ast.unparse(ast.ImportFrom(node.module, names, node.level))


def _star_members(node: ast.Import | ast.ImportFrom) -> Mapping[str, Any] | None:
    """Return what `from a import *` binds, by name; None if that is not known."""
    if isinstance(node, ast.Import) or node.level or node.names[0].name != STAR:
        return None
    return allowlist.star_members(node.module or "")


def names_of_imports(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the names that an import binds; `*` for those of a module that nobody knows."""
    return list(_star_members(node) or [name_of_import(alias) for alias in node.names])


def _missing(run: Interpreter, path: str, node: ast.Import | ast.ImportFrom) -> MissingModule | None:
    """Return what stands for an import that fails where it is used; None for all of what is there."""
    home = path.removesuffix(f".{STAR}")
    if home == path:
        return MissingModule(path, _said_of(run, path, node))
    return None if home in allowlist.MODULES else MissingModule(home, _said_of(run, home, node), is_star=True)


def _said_of(run: Interpreter, path: str, node: ast.Import | ast.ImportFrom) -> str:
    """Return the message for an import that the language lacks."""
    above, _, name = path.rpartition(".")
    home = allowlist.MODULES.get(above) if isinstance(node, ast.ImportFrom) else None
    shown, known = (f"{home.name}.{name}", home.members) if home else (path, ())
    return unknown_import(path, known, nearest(run, shown))


def _absence_of(path: str) -> ImportError | None:
    """Return what Python raises for an import where a package is missing; None for Python's and torch's."""
    package = path.partition(".")[0]
    if not package:
        return ImportError("attempted relative import with no known parent package")
    if package in stdlib_module_names or package in PACKAGES:
        return None
    return ModuleNotFoundError(f"No module named '{package}'")


def _resolve(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> tuple[str, Any]:
    """Return the path that an import names, and what it binds its name to; None if there is no such thing."""
    if isinstance(node, ast.ImportFrom) and node.level:
        return f"{'.' * node.level}{node.module or ''}.{alias.name}", None
    if isinstance(node, ast.ImportFrom):
        home = allowlist.MODULES.get(node.module or "")
        path = f"{node.module}.{alias.name}"
        return path, allowlist.MODULES.get(path) or (home.members.get(alias.name) if home else None)
    module = allowlist.MODULES.get(alias.name)
    outer = allowlist.MODULES.get(alias.name.partition(".")[0])
    return alias.name, module if module is None or alias.asname else outer


def check_members(run: Interpreter, statements: list[ast.stmt]) -> None:
    """Refuse an unknown `torch.name` that stands below a loop, before the loop has taken its time.

    Raises:
        ProgramError: If a line that is surely reached names what a module lacks.
    """
    loop = next((place for place, item in enumerate(statements) if isinstance(item, ast.For)), None)
    if loop is None:
        return
    modules = _modules(run)
    added = _stored_names(statements)
    for statement in statements[loop + 1 :]:
        parts = list(descendants(statement)) if isinstance(statement, _STRAIGHT) else []
        if not any(isinstance(part, _CONDITIONAL) for part in parts):
            for part in parts:
                if isinstance(part, ast.Attribute) and part.attr not in added:
                    _module_member(run, part, modules)


def _stored_names(statements: list[ast.stmt]) -> set[str]:
    """Return the names that a program assigns to after a dot, as in `F.mine = F.softmax`."""
    return {
        part.attr
        for part in descendants(*statements)
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)
    }


def _modules(run: Interpreter) -> Mapping[str, Any]:
    """Return torch's modules by the names that mean nothing else anywhere in the program."""
    body = run.source.tree.body
    imports = [item for item in body if isinstance(item, ast.Import | ast.ImportFrom)]
    others = local_names_of([item for item in body if item not in imports])
    modules = {**allowlist.IMPORTED}
    for item in imports:
        modules |= {name_of_import(alias): _resolve(item, alias)[1] for alias in item.names}
    return {name: module for name, module in modules.items() if name not in others}


def _module_member(run: Interpreter, node: ast.expr, modules: Mapping[str, Any]) -> Any:
    """Return what a dotted name means in a module, or None if it starts with something else.

    Raises:
        ProgramError: If the module has no such member.
    """
    if isinstance(node, ast.Name):
        value = run.names.get(node.id)
        return modules.get(node.id) if value is None or isinstance(value, allowlist.Namespace) else None
    if not isinstance(node, ast.Attribute):
        return None
    owner = _module_member(run, node.value, modules)
    return member(run, owner, node) if isinstance(owner, allowlist.Namespace) else None
