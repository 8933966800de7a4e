"""The shape of the two packages: layers without circles, few modules flat, each name for one thing."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("llm_linalg", "tui")
FLAT = 5
DEEPEST = 2


@cache
def modules(package: str) -> Mapping[str, Path]:
    """Returns the modules of a package by their dotted names."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """Yields the modules of its package that a file imports: also in functions, and for types alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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


@cache
def graph(package: str) -> Mapping[str, frozenset[str]]:
    """Returns what each module imports of its own package."""
    known = modules(package)
    return {name: frozenset(imports(path, known)) - {name} for name, path in known.items()}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_imports_go_in_a_circle(package: str) -> None:
    left = dict(graph(package))
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


def classes() -> Iterator[tuple[str, ast.ClassDef]]:
    """Yields the classes of both packages, each with its module."""
    for package in PACKAGES:
        for module, path in modules(package).items():
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    yield module, node


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Yields each module of both packages with its syntax tree."""
    for package in PACKAGES:
        for module, path in modules(package).items():
            yield module, ast.parse(path.read_text(encoding="utf-8"))


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
    bases = dict(pair for module, tree in trees() for pair in bases_of(module, tree))

    def depth(name: str) -> int:
        return 1 + max(map(depth, bases[name]), default=0) if name in bases else 0

    return {name: depth(name) for name in bases}


@pytest.mark.parametrize("package", PACKAGES)
def test_inheritance_among_our_own_classes_is_at_most_two_deep(package: str) -> None:
    deep = {name: depth for name, depth in depths().items() if name.startswith(f"{package}.")}
    assert len(deep) > 50
    assert {name: depth for name, depth in deep.items() if depth > DEEPEST} == {}


def test_no_class_name_is_for_two_things() -> None:
    nodes = (node for _, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    names = Counter(node.name for node in nodes if not node.name.startswith("_"))
    assert [name for name, count in names.items() if count > 1] == []
