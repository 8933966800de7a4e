"""Files are written by one module: whoever goes past it is found on the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.sources import trees

WRITER = "llm_linalg.base.file_io"
# Each exception: (module, function) -> why it needs no care for what is there.
ALLOWED = {
    ("tui.files.output", "Sink.__enter__"): "a device or a pipe is written to as it is",
    ("tui.cli.export_command", "write_site"): "a folder for pages, before the writer writes them",
    ("llm_linalg.pytest_plugin", "_store"): "a folder for frames, before the writer writes them",
    ("llm_linalg.room.lock", "_close_others"): "the null device",
    ("llm_linalg.room.tier", "_attempts"): "what a locked process tries, and must not get",
    ("llm_linalg.room.tier", "self_test"): "a temporary folder of its own, for the test of the lock",
    ("llm_linalg.room.zygote", "Spare.__init__"): "memory that the app shares, and no file",
    ("tui.cli.frames_worker", "program_frame"): "a lesson in a temporary folder of its own",
    ("tui.terminal.crash_log", "log_file"): "a temporary file of its own",
    ("tui.terminal.crash_log", "write_log"): "that temporary file",
    ("tui.terminal.supervisor", "_kept_log"): "that temporary file, removed if it is empty",
    ("tui.terminal.redirect", "redirect_output"): "that temporary file, removed if it is empty",
    ("tui.cli.main", "_hold_streams"): "the null device",
    ("tui.cli.main", "_give_up_output"): "the null device",
    ("tui.audience.meeting", "folder"): "the folder of the sockets",
    ("tui.audience.meeting", "listening_socket"): "a socket",
    ("tui.audience.meeting", "presenters"): "a socket that nobody listens on",
    ("tui.audience.server", "Audience.close"): "its own socket",
    ("tui.screens.presenter", "PresenterScreen._serve"): "opens a socket",
    ("tui.text.half_blocks", "_points"): "a picture that is in memory, for reading",
}

OF_OS = {
    "chmod", "ftruncate", "link", "makedirs", "mkdir", "mkfifo", "remove", "removedirs", "rename",
    "renames", "replace", "rmdir", "symlink", "truncate", "unlink",
}  # fmt: skip
OF_PATHS = {
    "chmod", "hardlink_to", "mkdir", "rename", "rmdir", "symlink_to", "touch", "unlink", "write_bytes",
    "write_text",
}  # fmt: skip
MODULES = {"shutil", "tempfile"}
FOR_READING = {"r", "rb", "rt"}
FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "O_TRUNC"}


def writes(tree: ast.AST, where: str = "") -> Iterator[tuple[str, str]]:
    """Yields what may write, make, move or remove a file, each with the function that it stands in."""
    for child in ast.iter_child_nodes(tree):
        inside = where
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside = f"{where}.{child.name}".lstrip(".")
        if isinstance(child, ast.Call) and (what := write_of(child)):
            yield where, what
        yield from writes(child, inside)


def write_of(call: ast.Call) -> str:
    """Returns what a call may write with; nothing for one that doesn't."""
    match call.func:
        case ast.Name(id="open"):
            return opening(call, 1)
        case ast.Name(id="TemporaryDirectory" | "NamedTemporaryFile" as name):
            return name
        case ast.Attribute(value=ast.Name(id="os"), attr="open"):
            names = {node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)}
            return "os.open" if names & FLAGS or not names & {"O_RDONLY", "O_PATH"} else ""
        case ast.Attribute(value=ast.Name(id="os"), attr="fdopen"):
            return opening(call, 1)
        case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in OF_OS:
            return f"os.{name}"
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in MODULES:
            return f"{module}.{name}"
        case ast.Attribute(value=ast.Name(id="torch" | "np"), attr="save"):
            return "save"
        case ast.Attribute(attr="open"):
            return opening(call, 0)
        case ast.Attribute(attr=name) if name in OF_PATHS:
            return name
        case ast.Attribute(attr="replace") if len(call.args) == 1 and not call.keywords:
            return "replace"  # of a path: a text's takes two
    return ""


def opening(call: ast.Call, place: int) -> str:
    """Returns the mode of an `open` that may write, or that isn't a constant."""
    given = [word.value for word in call.keywords if word.arg == "mode"] or call.args[place : place + 1]
    if not given:
        return ""
    mode = given[0].value if isinstance(given[0], ast.Constant) else None
    return "" if mode in FOR_READING else f"open {mode!r}"


def test_every_file_is_written_by_the_one_writer() -> None:
    found = {
        (module, where): what
        for module, tree in trees().items()
        if module != WRITER
        for where, what in writes(tree)
    }
    assert {place: what for place, what in found.items() if place not in ALLOWED} == {}
    assert set(ALLOWED) - set(found) == set()  # each exception is still needed


@pytest.mark.parametrize(
    "source",
    [
        "open(path, 'w')",
        "open(path, mode='a')",
        "path.open('x')",
        "path.open(mode)",
        "path.write_text(text)",
        "path.replace(other)",
        "path.unlink()",
        "os.open(path, os.O_WRONLY | os.O_CREAT)",
        "os.open(path, flags)",
        "os.replace(a, b)",
        "shutil.copy(a, b)",
        "tempfile.mkstemp()",
        "torch.save(x, path)",
    ],
)
def test_the_rule_catches(source: str) -> None:
    assert [*writes(ast.parse(source))]
