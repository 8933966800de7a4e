"""What no module of the project does, found in its syntax tree.

Programs are foreign text. One module runs them, `llm_linalg.capture.program`: in the app's own process
those of the course, all others in a process that can reach nothing. Nothing else may turn text into code, and
nothing may look up an attribute by a name that came from outside.
Foreign text reaches the screen, standard output and files for people as `CleanText`, and never as markup.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

# Each exception: (module, function) -> why no outside name can reach it.
ALLOWED = {
    ("llm_linalg.capture.numpy_calls", "translated"): "NumPy's functions, by the names that they have there",
    (
        "llm_linalg.recording.inline",
        "_for_each",
    ): "the method that one of torch's own `_foreach_` functions calls for each tensor",
    ("llm_linalg", "__getattr__"): "the package's public names, looked up in its own table first",
    (
        "llm_linalg.ops.torch_names",
        "resolve",
    ): "torch functions, by the spellings in our table of operations",
    ("llm_linalg.capture.program", "_execute"): "the one place where a program is run",
    ("llm_linalg.capture.program", "_compiled"): "its code, for that place",
    ("llm_linalg.capture.program", "ProgramRun.__init__"): "the names of the program's own module",
    ("llm_linalg.capture.instrument", "_Instrumenter.generic_visit"): "parts of syntax, by Python's own list",
    ("llm_linalg.capture.program", "ProgramRun._builtins"): "our own methods, by the words that stand there",
    ("llm_linalg.analysis.own_programs", "_compiled"): "templates of our table, without a name or a value",
    ("llm_linalg.analysis.own_programs", "_Program._run_line"): "likewise",
    ("tui.cli.main", "command"): "a command's module, by the words of our table of commands",
    (
        "tui.model.flags",
        "flag_value",
    ): "a flag's value, by a name of our table of settings or of the view's flags",
    (
        "llm_linalg.pytest_plugin",
        "<module>",
    ): "a process of the app makes frames for tests: its words are ours",
    ("llm_linalg.base.text", "clean"): "it makes clean text",
    ("llm_linalg.base.text", "escape_json"): "so does this",
    ("llm_linalg.base.text", "<module>"): "text without a character",
    ("tui.text.glyphs", "ascii_text"): "a spelling of clean text in ASCII is clean",
    ("tui.headless", "capture"): "the text of a screen is clean, and its styles are ours",
    ("tui.screens.palette", "Entry.discovery"): "it hands on text as `Content`, which is no markup",
    ("tui.screens.palette", "Entry.hit"): "likewise",
    ("tui.text.json_line", "json_text"): "it escapes what a terminal would obey",
    ("tui.text.json_line", "json_line"): "likewise",
    ("tui.cli.frames_worker", "<module>"): "it answers a process of ours, in ASCII",
    ("tui.terminal.crash_log", "report"): "it cleans both lines",
    ("tui.terminal.terminal_app", "TerminalApp._handle_exception"): "into the log, cleaned",
    ("llm_linalg.api.trusted", "_imported"): "the user's own module, which they asked to be imported and run",
    ("llm_linalg.api.trusted", "_member"): "the user's own function, by the name that they gave",
}

# The process in which foreign programs run is locked, and started, by calls that Python has no other way to.
ROOM = ("llm_linalg.room.lock", "llm_linalg.room.room_client", "llm_linalg.room.tier",
        "llm_linalg.room.zygote", "llm_linalg.room.zygote_process")  # fmt: skip
ALLOWED |= {
    (module, "<module>"): "the room is made of a socket, a process and calls to the kernel" for module in ROOM
}

RUNS_TEXT = {"eval", "exec", "compile", "__import__"}
LOADS_OBJECTS = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
# The engine computes. It opens no connection, starts no process and calls no C of its own.
OUTSIDE = {"socket", "subprocess", "ctypes", "multiprocessing", "urllib", "http", "code", "codeop"}
# Function -> position of the name that it looks up.
LOOKS_UP = {
    "getattr": 1,
    "setattr": 1,
    "delattr": 1,
    "attrgetter": 0,
    "methodcaller": 0,
    "import_module": 0,
}
# What reads a `str` as markup, in which brackets are styles, links and actions.
READS_MARKUP = {"from_markup", "render_markup", "notify", "Hit", "DiscoveryHit"}
KNOWN_WIDGETS = {"TextArea", "LoadingIndicator"}  # the others of Textual's own read markup
SHOWS_MARKUP = {"tooltip", "border_title", "border_subtitle", "sub_title", "help_text"}
NAMESPACES = {"vars", "globals", "locals"}
DUNDERS = {"__dict__", "__getattribute__", "__globals__", "__builtins__", "__subclasses__"}


@dataclass(frozen=True, slots=True)
class Violation:
    """One forbidden thing: the function (or class) it stands in, its line, what it is."""

    where: str
    line: int
    what: str


def violations(tree: ast.Module, module: str) -> list[Violation]:
    """Returns what is forbidden in the syntax tree of the dotted `module`."""
    engine = f"{module}.".startswith("llm_linalg.")
    return list(_walk(tree, "<module>", engine=engine))


def _walk(node: ast.AST, where: str, *, engine: bool) -> Iterator[Violation]:
    for child in ast.iter_child_nodes(node):
        if _reads_a_literal(child):
            continue
        inside = where
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside = child.name if where == "<module>" else f"{where}.{child.name}"
        for what in _wrong(child, engine=engine):
            yield Violation(where, getattr(child, "lineno", 0), what)
        yield from _walk(child, inside, engine=engine)


def _is_vars(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "vars"


def _reads_a_literal(node: ast.AST) -> bool:
    """Whether this is `vars(value)["name"]` or `vars(value).get("name")`: no text decides the name."""
    match node:
        case ast.Subscript(value=namespace, slice=ast.Constant()):
            return _is_vars(namespace)
        case ast.Call(func=ast.Attribute(value=namespace, attr="get"), args=[ast.Constant(), *_]):
            return _is_vars(namespace)
    return False


def _wrong(node: ast.AST, *, engine: bool) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield from _wrong_module(alias.name, engine=engine)
        case ast.ImportFrom(module=name, names=names):
            yield from _wrong_module(name or "", engine=engine)
            if name == "textual.widgets" and not KNOWN_WIDGETS.issuperset(alias.name for alias in names):
                yield "a widget that reads markup"
            if any(alias.name == "*" for alias in names):
                yield f"from {name} import *"
        case ast.Name(id=name) if name in RUNS_TEXT:
            yield name
        case ast.Attribute(value=ast.Name(id="builtins"), attr=name) if name in RUNS_TEXT:
            yield f"builtins.{name}"
        case ast.Attribute(attr=name) if name in DUNDERS:
            yield name
        case ast.Attribute(attr=name, ctx=ast.Store()) if name in SHOWS_MARKUP:
            yield f"markup in .{name}"
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="sys"), attr=stream), attr="write"):
            yield f"sys.{stream} past tui.files.output"
        case ast.Call():
            yield from _wrong_call(node)
            yield from _wrong_text(node)


def _wrong_module(name: str, *, engine: bool) -> Iterator[str]:
    parts = name.split(".")
    if LOADS_OBJECTS.intersection(parts) or (engine and parts[0] in OUTSIDE):
        yield f"import {name}"


def _wrong_text(call: ast.Call) -> Iterator[str]:
    """Yield how text gets past the function that cleans it, or is read as markup."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in READS_MARKUP:
            yield f"{name}() reads markup"
        case ast.Name(id="CleanText") | ast.Attribute(attr="CleanText"):
            yield "text called clean by its type alone"
        case ast.Name(id="cast") if any("Text" in ast.unparse(word) for word in call.args[:1]):
            yield "text called clean by a cast"
    for word in call.keywords:
        if word.arg == "markup" and not (isinstance(word.value, ast.Constant) and word.value.value is False):
            yield "markup="
        if word.arg == "ensure_ascii" and isinstance(word.value, ast.Constant) and word.value.value is False:
            yield "JSON with characters that a terminal obeys"


def _wrong_call(call: ast.Call) -> Iterator[str]:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            pass
        case _:
            return
    if isinstance(call.func, ast.Name) and name in NAMESPACES:
        yield f"{name}()"
    position = LOOKS_UP.get(name)
    if (
        position is not None
        and len(call.args) > position
        and not isinstance(call.args[position], ast.Constant)
    ):
        yield f"{name} with a name that is not a literal"
    match call.func:
        case ast.Attribute(value=ast.Name(id="torch"), attr="load"):
            safe = any(
                word.arg == "weights_only"
                and isinstance(word.value, ast.Constant)
                and word.value.value is True
                for word in call.keywords
            )
            if not safe:
                yield "torch.load without weights_only=True"
