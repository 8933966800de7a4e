"""What of Textual is private: in one file, of one version, and still there."""

from __future__ import annotations

import ast
import importlib
import inspect
from importlib.metadata import version

import pytest

from tests.sources import trees
from tui.terminal.textual_private import OVERRIDDEN

TRIED = "8.2"
"""Another one: run tests/terminal, look at each name in OVERRIDDEN, then put the new version here."""


def test_the_version_is_the_one_that_this_was_written_for() -> None:
    assert version("textual").startswith(f"{TRIED}.")


def reaches_into_textual(tree: ast.Module) -> bool:
    """Whether a module imports one of Textual's private ones, or looks into a screen."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual"):
            if any(part.startswith("_") for part in (node.module or "").split(".")):
                return True
        elif isinstance(node, ast.Attribute) and node.attr in ("_compositor", "_mounted_event", "_closing"):
            return True
    return False


def test_one_file_reaches_into_textual() -> None:
    reaching = [name for name, tree in trees().items() if reaches_into_textual(tree)]
    assert reaching == ["tui.terminal.textual_private"]


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_what_is_overridden_is_there(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    owner = getattr(importlib.import_module(module), attribute)
    written = "".join(inspect.getsource(one) for one in owner.__mro__ if one.__module__.startswith("textual"))
    assert [private for private in OVERRIDDEN[name] if private not in written] == []
