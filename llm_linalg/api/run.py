"""`run`: a program of anyone's, in a room, and its trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from llm_linalg.api.node import Node
from llm_linalg.api.program_place import program_of, runs_here
from llm_linalg.api.programs import SECONDS
from llm_linalg.api.trace import Trace
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.capture.devices import trace_of_rank
from llm_linalg.capture.program import execute_on_devices
from llm_linalg.explain.shape_errors import explain_failure


def run(
    source: str,
    *,
    seed: int = 0,
    seconds: float | None = SECONDS,
    names: Mapping[str, Any] | None = None,
    cells: Sequence[int] = (),
    halt: Callable[[], bool] | None = None,
    ranks: int = 0,
    read: str | Path | None = None,
    trust: bool = False,
) -> Trace:
    """Run a program and return its trace.

    The text may be anyone's: CPython runs it in a process that can compute, and reach nothing else
    (`llm_linalg.room`).

    Of a loop of very many operations only the first and the last turns are recorded: the trace's `gaps` say
    which are not. All of them are computed.

    Args:
        source: The program.
        seed: What `torch.manual_seed` is called with before it; torch's own generator is left as it was.
        seconds: The time limit; None leaves counts, memory and processor seconds.
        names: Plain values that the program may use, such as a lesson's controls.
        cells: The lines, from 1, at which its cells begin, if it has cells. As in a notebook, a cell that
            fails is left at its failing line and the next one runs; its error is in the trace's
            `cell_errors`. A failure of the last cell is raised.
        halt: Asked all along whether the run is to stop.
        ranks: The number of devices to run on; 0 for a program that uses none. The result is the trace of the
            device given as the name `rank`, else of the first; its `ranks` are the traces of all.
        read: A folder whose files it may read.
        trust: Whether it may run with your rights where this machine can't lock it in.

    Raises:
        ProgramError: If it can't be parsed or run, with line, column and caret; its `trace` is what ran.
        ShapeError: If operands don't fit, with the clashing axes and repairs that work.
        LimitError: If a call or the whole program exceeds the limits of counts, memory or time.
        HaltedError: If `halt` stopped it.
        RoomError: If this machine has no lock, and `trust` is False.
        TypeError: For a program that is no text.
    """
    folder = "" if read is None else str(Path(read).resolve())
    return run_text(
        source, own=False, seed=seed, seconds=seconds, names=names, cells=cells, halt=halt, ranks=ranks,
        read=folder, trust=trust,
    )  # fmt: skip


def run_text(source: str, *, own: bool, ranks: int = 0, **options: Any) -> Trace:
    """Run a program where it may run: our own text in this process, anyone else's in a room.

    Args:
        source: The program.
        own: Whether it is our own text, as the course is.
        ranks: The number of devices; 0 for a program that uses none.
        options: Those of `program_of`.

    Raises:
        ProgramError: As `run` does.
    """
    if not isinstance(source, str):
        raise TypeError(f"a program is a text, not {short_repr(source)}")
    if ranks:
        return _run_on_devices(source, own, ranks, options)
    with program_of(source, own=own, **options) as program:
        return program.run()


def _run_on_devices(source: str, own: bool, ranks: int, options: Mapping[str, Any]) -> Trace:
    """Run a program on several devices, our own in turn in this process; return the trace of one."""
    names = dict(options.get("names") or {})
    if not own and not runs_here(trust=bool(options.get("trust"))):
        from llm_linalg.api.room_devices import run_on_devices

        known = ("seed", "seconds", "halt", "read")
        kept = {name: options[name] for name in known if name in options}
        return trace_of_rank(run_on_devices(source, ranks, names=names, **kept), names)
    try:
        records = execute_on_devices(
            source, options.get("seed", 0), names, options.get("cells", ()), options.get("halt"),
            ranks=ranks, node_type=Node, explain=explain_failure,
        )  # fmt: skip
    except ProgramError as error:
        error.trace = None if error.trace is None else Trace.of(error.trace)
        raise
    return trace_of_rank(tuple(map(Trace.of, records)), names)
