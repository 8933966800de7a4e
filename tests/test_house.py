"""The shape of the house: how deep inheritance goes among our own classes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEEPEST = {"tui": 2, "llm_linalg": 6}  # the engine's interpreter is not yet in parts: this must not grow


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of both packages, by its name."""
    for package in DEEPEST:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__"), ast.parse(path.read_text(encoding="utf-8"))


def bases_of(module: str, tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """The classes of a module in full, each with its bases, as far as a syntax tree tells."""
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
    """How deep each class is: 1 for one with no base of ours, else one more than its deepest base."""
    bases = dict(pair for module, tree in modules() for pair in bases_of(module, tree))

    def depth(name: str) -> int:
        return 1 + max(map(depth, bases[name]), default=0) if name in bases else 0

    return {name: depth(name) for name in bases}


@pytest.mark.parametrize("package", DEEPEST)
def test_inheritance_among_our_own_classes_is_at_most_two_deep(package: str) -> None:
    deep = {name: depth for name, depth in depths().items() if name.startswith(f"{package}.")}
    assert len(deep) > 50
    assert {name: depth for name, depth in deep.items() if depth > DEEPEST[package]} == {}
