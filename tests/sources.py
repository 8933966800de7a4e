"""The modules of both packages and their syntax trees, each parsed once for all rules of the house."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("llm_linalg", "tui")


@cache
def modules(package: str) -> Mapping[str, Path]:
    """Returns the modules of a package by their dotted names, found as files: nothing is imported."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def trees() -> Mapping[str, ast.Module]:
    """Returns the syntax tree of each module of both packages."""
    paths = {name: path for package in PACKAGES for name, path in modules(package).items()}
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in paths.items()}
