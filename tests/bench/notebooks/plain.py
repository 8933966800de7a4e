"""The same cells in plain Python, each document in a forked process with limits: it is somebody's code.

As a program it reads a job a line on standard input, and writes how its cells ended, a line each.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import hashlib
import io
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import torch
from torch import Tensor

MEMORY = 8 * 2**30
CELL_SECONDS = 8
ALL_SECONDS = 60
MOST_FILE = 200_000_000
LONGEST_PRINT = 200_000
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_REFUSED = (
    *("socket.connect", "socket.bind", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork"),
    *("os.kill", "shutil.", "os.chmod", "os.rename", "os.symlink", "os.link"),
)
_IN_SCRATCH = ("os.remove", "os.mkdir", "os.rmdir")
_COMMAND = re.compile(r"^(\s*)(%%?|!|\?)\s*(\w*)(.*)$|^(\s*)(\S+)\?\??\s*$")
_RUN = ("timeit", "time", "capture", "prun")
_ADDRESS = re.compile(r"( at)? 0x[0-9a-f]{6,16}")


def without_commands(code: str) -> str:
    """Returns a cell as Python: commands of the notebook left out, what `%timeit` measures kept."""
    first = _COMMAND.match(code.lstrip().split("\n")[0])
    if first is not None and first[2] == "%%" and first[3] not in _RUN:
        return ""  # a file that is written, or a program of the shell
    return "\n".join(_line(line) for line in code.split("\n"))


def _line(line: str) -> str:
    found = _COMMAND.match(line)
    if found is None:
        return line
    if found[2] == "%" and found[3] in ("timeit", "time"):
        return found[1] + re.sub(r"^(\s*-\w+(\s*\d+)?)*\s*", "", found[4])
    return found[1] or ""


def same_everywhere(text: str) -> str:
    """Returns a text without addresses in memory."""
    return _ADDRESS.sub("", text)


def fingerprint(value: Any) -> list[Any] | None:
    """Returns what a tensor or an array is, down to its bytes in the order of its cells; None for others."""
    if type(value).__module__ == "numpy" and hasattr(value, "dtype"):
        try:
            value = torch.as_tensor(value.copy())
        except (TypeError, ValueError):  # of a dtype that torch lacks
            return None
    if not isinstance(value, Tensor) or value.layout is not torch.strided or value.is_quantized:
        return None
    flat = value.detach().resolve_conj().resolve_neg().contiguous()
    size = flat.numel() * flat.element_size()
    data = ctypes.string_at(flat.data_ptr(), size) if size else b""
    return [str(value.dtype), list(value.shape), hashlib.blake2b(data, digest_size=8).hexdigest()]


def fence(scratch: str) -> None:
    """Takes this process the network, other programs, and writing outside its folder."""
    libc = ctypes.CDLL(None)
    libc.unshare(_NEW_USER | _NEW_NET)  # where the system lets us; the hook below goes on everywhere
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (ALL_SECONDS, ALL_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED):
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
    exec(compile(ast.Module([statement], []), "<cell>", "exec"), names)  # noqa: S102
    return None


def run_cell(code: str, names: dict[str, Any]) -> dict[str, Any]:
    """Runs a cell's statements, those after one that fails as well; returns how it ended."""
    out = io.StringIO()
    errors: list[str] = []
    answer = None
    try:
        body = ast.parse(without_commands(code)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        body, errors = [], ["not Python"]
    with contextlib.redirect_stdout(out):
        for statement in body:
            answer = None
            try:
                with limited(CELL_SECONDS):
                    answer = fingerprint(run_statement(statement, names))
            except BaseException as error:  # noqa: BLE001 - somebody's code; SystemExit among it
                errors.append(f"{type(error).__name__}: {error}"[:300])
    return {"errors": errors, "answer": answer, "printed": same_everywhere(out.getvalue()[:LONGEST_PRINT])}


def run_cells(cells: list[str], out: Any) -> None:
    """Runs a document's cells, and writes how each ended."""
    names: dict[str, Any] = {"__name__": "__main__"}
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
            fence(os.path.realpath(job["scratch"]))
            run_cells(job["cells"], made)
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
