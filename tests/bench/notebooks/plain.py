"""The same cells in plain Python, each document in a forked process with limits: it is somebody's code.

As a program it reads a job a line on standard input, and writes what came of its cells, a line each.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import ctypes
import io
import json
import math
import os
import random
import resource
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import torch
from torch import nn

from tests.bench.notebooks.flow import statements
from tests.bench.notebooks.values import fingerprint, same_everywhere

MEMORY = 8 * 2**30
CELL_SECONDS = 8
ALL_SECONDS = 60
MOST_FILE = 200_000_000
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_REFUSED = (
    *("socket.connect", "socket.bind", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork"),
    *("os.kill", "shutil.", "os.chmod", "os.rename", "os.symlink", "os.link"),
)
_IN_SCRATCH = ("os.remove", "os.mkdir", "os.rmdir")


_own_fork: list[bool] = []


class AbsentError(ModuleNotFoundError):
    """What is said of a module that could not be imported, where it is used."""


class Absent:
    """Stands for what an import that failed would have bound: it fails where it is used."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        raise AbsentError(f"{self._path} is not there")

    def __call__(self, *_args: Any, **_named: Any) -> Any:
        raise AbsentError(f"{self._path} is not there")


def fence(scratch: str) -> None:
    """Takes this process the network, other programs, and writing outside its folder."""
    libc = ctypes.CDLL(None)
    libc.unshare(_NEW_USER | _NEW_NET)  # where the system lets us; the hook below goes on everywhere
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (ALL_SECONDS, ALL_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED) and not (event == "os.fork" and _own_fork):
            raise PermissionError(f"{event} is not allowed here")
        writes = event == "open" and isinstance(args[2], int) and args[2] & _WRITES
        if writes or event in _IN_SCRATCH:
            place = os.path.realpath(os.fsdecode(args[0]))
            if not place.startswith(scratch):
                raise PermissionError(f"{place} is outside the folder")

    sys.addaudithook(hook)


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raises `TimeoutError` in what takes longer of the processor, however busy the machine is."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"longer than {seconds} s")

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def run_statement(statement: ast.stmt, names: dict[str, Any]) -> Any:
    """Runs a statement, and returns the value of an expression."""
    if isinstance(statement, ast.Expr):
        return eval(compile(ast.Expression(statement.value), "<cell>", "eval"), names)  # noqa: S307
    try:
        exec(compile(ast.Module([statement], []), "<cell>", "exec"), names)  # noqa: S102
    except ImportError:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            raise
        for alias in statement.names:
            names.setdefault(alias.asname or alias.name.partition(".")[0], Absent(alias.name))
    return None


def fails_in_fork(statement: ast.stmt, names: dict[str, Any]) -> str:
    """Returns how a statement fails, run in a copy of this process; nothing where it doesn't."""
    out, into = os.pipe()
    _own_fork.append(True)
    child = os.fork()
    _own_fork.pop()
    if not child:
        said = ""
        try:
            with limited(CELL_SECONDS), contextlib.redirect_stdout(io.StringIO()):
                run_statement(statement, names)
        except BaseException as error:  # noqa: BLE001
            said = f"{type(error).__name__}: {error}"[:300]
        os.write(into, said.encode()[:3000])
        os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    return said


class SteadySet(set[Any]):
    """A set that keeps the order of insertion if it holds text: Python has another order in each run."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._order = dict.fromkeys(items)
        super().__init__(self._order)

    def add(self, item: Any) -> None:
        self._order.setdefault(item)
        super().add(item)

    def __iter__(self) -> Iterator[Any]:
        if not any(isinstance(item, str) for item in self._order):
            return super().__iter__()
        known = [item for item in self._order if item in self]
        return iter([*known, *(item for item in super().__iter__() if item not in self._order)])

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}" if self else "set()"


class _Steady(ast.NodeTransformer):
    """Has what is another in each run of Python be as it is here.

    Tensors that torch makes of sizes alone, as `torch.Tensor(2, 3)`, hold zeros; sets keep their order.
    """

    def visit_Set(self, node: ast.Set) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("set", ast.Load()), [ast.List(node.elts, ast.Load())], [])

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("set", ast.Load()), [ast.ListComp(node.elt, node.generators)], [])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr.endswith("Tensor") and node.args:
            return ast.Call(ast.Name("_zeroed_", ast.Load()), [node.func, *node.args], node.keywords)
        return node


def _zeroed(make: Any, *args: Any, **named: Any) -> Any:
    made = make(*args, **named)
    sized = type(make) is type(torch.FloatTensor) or make is torch.Tensor
    if sized and args and all(isinstance(size, int | torch.Size) for size in args):
        made.zero_()
    return made


def _as_here(done: list[str]) -> list[ast.stmt]:
    """Returns the statements that the tool ran, without what is another in each run of Python."""
    body = [_Steady().visit(ast.parse(text)).body[0] for text in done]
    return [ast.fix_missing_locations(statement) for statement in body]


def _binds_nothing(statement: ast.stmt) -> bool:
    """Returns whether a statement is there for what it does to others, as `plt.rcParams["…"] = 2` is."""
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, ast.Attribute | ast.Subscript) for target in statement.targets)
    return isinstance(statement, ast.Expr)


def run_cell(cell: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Runs a cell's statements until one fails, and returns what came of it."""
    out = io.StringIO()
    done: list[str] = []
    error, answer = None, None
    body = _as_here(cell["done"]) if "done" in cell else statements(cell["code"])
    if cell.get("draws"):
        torch.default_generator.set_state(
            torch.tensor(list(base64.b64decode(cell["draws"])), dtype=torch.uint8)
        )
    with contextlib.redirect_stdout(out):
        try:
            with limited(CELL_SECONDS):
                for statement in [] if body is None else body:
                    try:
                        answer = fingerprint(run_statement(statement, names))
                    except AbsentError:
                        if "done" not in cell or not _binds_nothing(statement):
                            raise  # else the tool left it out, as this does
                    done.append(ast.unparse(statement))
        except BaseException as found:  # noqa: BLE001 - somebody's code; SystemExit among it
            error = f"{type(found).__name__}: {found}"[:300]
    made = {
        "done": done,
        "error": "not Python" if body is None else error,
        "printed": same_everywhere(out.getvalue()[:200_000]),
        "values": {name: _fingerprint(names[name]) for name in cell["names"] if name in names},
        "answer": answer,
    }
    if cell.get("stopped"):
        made["stopped"] = fails_in_fork(ast.parse(cell["stopped"]).body[0], names)
    return made


def _fingerprint(value: Any) -> Any:
    try:
        return fingerprint(value)
    except Exception:  # noqa: BLE001 - whatever somebody's class does when it is looked at
        return None


def run_cells(cells: list[dict[str, Any]], out: Any, known: dict[str, Any]) -> None:
    """Runs a document's cells, and writes what came of each as it ends; `known` are names from the start."""
    names: dict[str, Any] = {"__name__": "__main__", **known}
    torch.manual_seed(0)
    random.seed(0)
    with contextlib.suppress(ImportError):
        import numpy  # type: ignore[import-not-found, unused-ignore]

        numpy.random.seed(0)
    warnings.simplefilter("ignore")
    for cell in cells:
        out.write(json.dumps(run_cell(cell, names)) + "\n")
        out.flush()


def run_job(job: dict[str, Any], out: Path) -> None:
    """Runs a job in a forked process, whose end is waited for; what it got done is in the file."""
    child = os.fork()
    if child:
        timer = Timer(ALL_SECONDS + 60, lambda: os.killpg(child, signal.SIGKILL))
        timer.start()
        os.waitpid(child, 0)
        timer.cancel()
        return
    try:
        with out.open("w", encoding="utf-8") as made:
            os.setsid()
            os.chdir(job["scratch"])
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(0, 1)
            os.dup2(0, 2)
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            os.environ |= dict.fromkeys(
                ("HOME", "TMPDIR", "TORCHINDUCTOR_CACHE_DIR", "MPLCONFIGDIR"), job["scratch"]
            )
            if job["as_here"]:  # what torch leaves undefined is zero here
                vars(torch).update(empty=torch.zeros, empty_like=torch.zeros_like)
            fence(os.path.realpath(job["scratch"]))
            known: dict[str, Any] = {"torch": torch, "nn": nn, "F": nn.functional, "math": math}
            known |= {"_zeroed_": _zeroed, "set": SteadySet}
            run_cells(job["cells"], made, known if job["as_here"] else {})
    finally:
        os._exit(0)


def main() -> int:
    """Serves jobs until standard input ends."""
    torch.set_num_threads(1)
    torch.optim.SGD([torch.ones(1)], lr=1.0)  # it imports much, once for all documents
    for line in sys.stdin:
        job = json.loads(line)
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder) / "scratch"
            scratch.mkdir()
            for path in job["files"]:
                (scratch / Path(path).name).write_bytes(Path(path).read_bytes())
            made = Path(folder) / "made"
            run_job({**job, "scratch": str(scratch)}, made)
            lines = made.read_text(encoding="utf-8").split("\n")[:-1]  # a line that was cut off is left out
            print(f"[{', '.join(lines)}]", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
