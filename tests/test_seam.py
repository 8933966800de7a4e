"""The seam between engine and app, in fresh processes, and what neither may do, on their syntax trees."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forbidden import ALLOWED, violations
from tui.cli.command_table import COMMANDS, module_of
from tui.cli.main import DRAWING

ROOT = Path(__file__).resolve().parent.parent
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


def modules(package: str) -> list[str]:
    """Returns the dotted names of a package's modules, found as files: nothing is imported."""
    paths = sorted((ROOT / package).rglob("*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names if not name.endswith(".__main__")]


def source_of(name: str) -> str:
    """Returns the source text of the module with that dotted name."""
    path = ROOT / Path(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return path.read_text(encoding="utf-8")


def command(*arguments: str) -> str:
    """Returns the statement that runs `llm-linalg` with `arguments` in the probe's own process."""
    argv = ["llm-linalg", *arguments]
    return f"import runpy; sys.argv = {argv!r}; runpy.run_module('tui', run_name='__main__')"


@pytest.mark.parametrize(
    "module", ["lessons.reader", "base.errors", "base.text", "base.numbers", "base.cells"]
)
def test_what_the_first_paint_needs_of_the_engine_loads_no_torch(module: str) -> None:
    assert not loaded(f"import llm_linalg.{module}") & HEAVY


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
    assert not loaded(f"import {', '.join(names)}") & {"textual", "rich", "tui"}


def test_the_probe_sees_what_is_loaded() -> None:
    assert {"torch", "llm_linalg"} <= loaded("import llm_linalg; llm_linalg.run('')")


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
    assert {name for name in COMMANDS if launch.search(source_of(module_of(name)))} == DRAWING


LATE = {
    "torch", "tui.compose.view_runner", "tui.layout.arrange", "tui.model.frame",
    "tui.screens.pager", "tui.screens.palette", "hashlib", "markdown_it",
}  # fmt: skip


def test_the_app_is_imported_without_torch_and_without_what_the_first_screen_does_not_need() -> None:
    names = loaded_modules("import tui.app, llm_linalg.lessons.reader as reader; reader.find('matmul')")
    assert "textual" in names
    assert LATE.isdisjoint(names)


@pytest.mark.parametrize(
    "module", ["model.view", "model.frame", "navigation.steps", "layout.arrange", "render"]
)
def test_a_pure_part_of_the_app_loads_neither_torch_nor_textual(module: str) -> None:
    assert not loaded(f"import tui.{module}") & {"torch", "textual"}


@pytest.mark.parametrize("name", [*modules("llm_linalg"), *modules("tui")])
def test_nothing_runs_text_as_code_or_looks_names_up_for_a_user(name: str) -> None:
    assert not [item for item in violations(source_of(name), name) if (name, item.where) not in ALLOWED]


def test_each_exception_to_the_rule_is_still_needed() -> None:
    names = {name for name, _ in ALLOWED}
    used = {(name, item.where) for name in names for item in violations(source_of(name), name)}
    assert set(ALLOWED) <= used


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
    assert violations(source, "llm_linalg.example")
