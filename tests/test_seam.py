"""The seam between engine and app, in fresh processes, and what neither may do, on their syntax trees."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys

import pytest

from tests.forbidden import ALLOWED, violations
from tests.sources import ROOT, modules, trees
from tui.cli.command_table import COMMANDS, module_of
from tui.cli.main import DRAWING

# Runs a statement, then says on the last line of stderr which modules it loaded.
PROBE = """
import json, sys
try:
    {statement}
except SystemExit as end:
    code = end.code
else:
    code = 0
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""
HEAVY = {"torch", "textual", "rich"}


def loaded(statement: str) -> set[str]:
    """Returns the top-level packages in `sys.modules` after `statement` has run in a process of its own."""
    return {name.partition(".")[0] for name in loaded_modules(statement)}


def loaded_modules(statement: str) -> list[str]:
    """Returns the modules in `sys.modules` after `statement` has run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code in (0, None), done.stderr
    return list(modules)


def command(*arguments: str) -> str:
    """Returns the statement that runs `llm-linalg` with `arguments` in the probe's own process."""
    argv = ["llm-linalg", *arguments]
    return f"import runpy; sys.argv = {argv!r}; runpy.run_module('tui', run_name='__main__')"


def test_what_the_first_paint_needs_of_the_engine_loads_no_torch() -> None:
    first = ("lessons.reader", "base.errors", "base.text", "base.numbers", "base.cells")
    assert not loaded(f"import {', '.join(f'llm_linalg.{name}' for name in first)}") & HEAVY


def test_the_shelf_of_lessons_is_listed_without_a_parser() -> None:
    listing = "from llm_linalg.lessons import reader; [one.title for one in reader.shelf()]"
    assert not loaded(listing) & {*HEAVY, "markdown_it"}
    assert "markdown_it" in loaded("from llm_linalg.lessons import markdown; markdown.blocks('- an item')")


def test_the_first_picture_of_a_lesson_waits_for_no_reader_of_documents() -> None:
    others = ("llm_linalg.lessons.documents", "llm_linalg.capture", "llm_linalg.room")
    assert not [name for name in loaded_modules("import tui.app, tui.cli.launch") if name.startswith(others)]


def test_no_engine_module_reaches_the_app_or_its_libraries() -> None:
    names = modules("llm_linalg")
    assert "llm_linalg.base.errors" in names
    found = loaded(f"import {', '.join(names)}")
    assert {"torch", "llm_linalg"} <= found  # the probe sees what is loaded
    assert not found & {"textual", "rich", "tui"}


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("lessons",), ("lessons", "--json")])
def test_a_command_that_only_says_something_loads_neither_torch_nor_textual(
    arguments: tuple[str, ...],
) -> None:
    assert not loaded(command(*arguments)) & HEAVY


def test_the_command_line_imports_neither_torch_nor_textual() -> None:
    assert not loaded("import tui.cli.main") & HEAVY


def test_the_process_around_the_app_imports_next_to_nothing() -> None:
    assert not loaded("import tui.cli.main") & {*HEAVY, "argparse", "pathlib", "dataclasses", "asyncio"}


def test_the_commands_that_take_the_terminal_are_known() -> None:
    launch = re.compile(r"return (launch\.report_losses\(\*)?(launch\.run_on_terminal|launch|attend)\(")
    commands = {name: modules("tui")[module_of(name)].read_text(encoding="utf-8") for name in COMMANDS}
    assert {name for name, source in commands.items() if launch.search(source)} == DRAWING


LATE = {
    "torch", "tui.compose.view_runner", "tui.layout.arrange", "tui.model.frame",
    "tui.screens.pager", "tui.screens.palette", "hashlib", "markdown_it", "docutils", "PIL",
}  # fmt: skip


def test_the_app_is_imported_without_torch_and_without_what_the_first_screen_does_not_need() -> None:
    names = loaded_modules("import tui.app, llm_linalg.lessons.reader as reader; reader.find('matmul')")
    assert "textual" in names
    assert LATE.isdisjoint(names)


def test_the_pure_parts_of_the_app_load_neither_torch_nor_textual() -> None:
    pure = ("model.view", "model.frame", "navigation.steps", "layout.arrange", "render")
    assert not loaded(f"import {', '.join(f'tui.{name}' for name in pure)}") & {"torch", "textual"}


def test_nothing_runs_text_as_code_or_looks_names_up_for_a_user() -> None:
    found = {(name, item.where): item for name, tree in trees().items() for item in violations(tree, name)}
    assert {place: item for place, item in found.items() if place not in ALLOWED} == {}
    assert set(ALLOWED) - set(found) == set()  # each exception is still needed


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec(text)",
        "code = compile(text, '', 'exec')",
        "import builtins\nbuiltins.eval('1')",
        "run = eval",
        "__import__(name)",
        "import pickle",
        "from pickle import loads",
        "import torch.utils.cpp_extension, marshal",
        "from torch import *",
        "getattr(torch, name)",
        "setattr(module, name, 1)",
        "import operator\noperator.attrgetter(name)",
        "from operator import methodcaller\nmethodcaller(name)",
        "import_module(name)",
        "vars(torch)[name]",
        "vars(torch).get(name)",
        "torch.__dict__[name]",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "from ast import literal_eval\nlambda: eval('1')",
        "Content.from_markup(title)",
        "self.app.notify(str(error))",
        "from textual.widgets import Static\nStatic(title)",
        "Text.from_markup(title)",
        "yield_(Hit(1.0, name, go, help=title))",
        "console.print(title, markup=True)",
        "widget.border_title = title",
        "shown = CleanText(title)",
        "shown = cast(CleanText, title)",
        "json.dumps(title, ensure_ascii=False)",
        "sys.stdout.write(title)",
    ],
)
def test_the_rule_catches(source: str) -> None:
    assert violations(ast.parse(source), "llm_linalg.example")
