"""The shape of the two packages: layers without circles, few modules flat, each name for one thing."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.sources import PACKAGES, ROOT, modules, trees

FLAT = 5
DEEPEST = 2


def imports(tree: ast.Module, known: Mapping[str, Path]) -> Iterator[str]:
    """Yields the modules of its package that a module imports: also in functions, and for types alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            while name and name not in known:
                name = name.rpartition(".")[0]
            if name:
                yield name


@pytest.mark.parametrize("package", PACKAGES)
def test_no_imports_go_in_a_circle(package: str) -> None:
    known = modules(package)
    left = {name: frozenset(imports(trees()[name], known)) - {name} for name in known}
    while free := {name for name, targets in left.items() if not targets & left.keys()}:
        left = {name: targets for name, targets in left.items() if name not in free}
    assert sorted(left) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_few_modules_stand_flat(package: str) -> None:
    flat = sorted(path.name for path in (ROOT / package).glob("*.py"))
    assert len(flat) <= FLAT, flat


def test_no_module_name_stands_twice() -> None:
    paths = (path for package in PACKAGES for path in modules(package).values())
    names = Counter(path.stem for path in paths)
    assert [name for name, count in names.items() if count > 1 and not name.startswith("__")] == []


def bases_of(module: str, tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Yields the classes of a module in full, each with its bases, as far as a syntax tree tells."""
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            written = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
            bases = []
            for name in map(ast.unparse, written):
                first, dot, rest = name.partition(".")
                bases.append(imported.get(first, f"{module}.{first}") + dot + rest)
            yield f"{module}.{node.name}", bases


def depths() -> dict[str, int]:
    """Returns how deep each class is: 1 for one with no base of ours, else one more than its deepest base."""
    bases = dict(pair for module, tree in trees().items() for pair in bases_of(module, tree))

    def depth(name: str) -> int:
        return 1 + max(map(depth, bases[name]), default=0) if name in bases else 0

    return {name: depth(name) for name in bases}


@pytest.mark.parametrize("package", PACKAGES)
def test_inheritance_among_our_own_classes_is_at_most_two_deep(package: str) -> None:
    deep = {name: depth for name, depth in depths().items() if name.startswith(f"{package}.")}
    assert len(deep) > 50
    assert {name: depth for name, depth in deep.items() if depth > DEEPEST} == {}


def test_no_class_name_is_for_two_things() -> None:
    nodes = (node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    names = Counter(node.name for node in nodes if not node.name.startswith("_"))
    assert [name for name, count in names.items() if count > 1] == []
