"""`run`: a program and its trace, our own text in this process, anyone else's in a room."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from llm_linalg.api.local_program import Clock, LocalProgram
from llm_linalg.api.node import Node
from llm_linalg.api.programs import SECONDS, Program, ProgramTask
from llm_linalg.api.trace import Trace
from llm_linalg.api.trust import is_trusted
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.garbage import rare_full_collections
from llm_linalg.base.short_repr import short_repr
from llm_linalg.capture.devices import LocalDevice, run_together, trace_of_rank
from llm_linalg.capture.program import ProgramRun, finished
from llm_linalg.explain.shape_errors import explain_failure
from llm_linalg.recording.record import Record


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


def run_text(source: str, *, own: bool, ranks: int = 0, trust: bool = False, **terms: Any) -> Trace:
    """Run a program where it may run: our own text in this process, anyone else's in a room.

    `own` says that it is ours, as the course is, and `trust` that it may run with the user's rights where
    there is no lock. The other terms are those of a `ProgramTask`.

    Raises:
        ProgramError: As `run` does.
    """
    if not isinstance(source, str):
        raise TypeError(f"a program is a text, not {short_repr(source)}")
    task = ProgramTask(source, **terms)
    if ranks:
        timed = replace(task, seconds=None) if own else task
        return _run_on_devices(timed, ranks, here=own or _runs_here(trust))
    with program_of(task, own=own, trust=trust) as program:
        return program.run()


def _run_on_devices(task: ProgramTask, ranks: int, *, here: bool) -> Trace:
    """Run a program on several devices, here or each in a room; return the trace of one."""
    names = dict(task.names or {})
    if not here:
        from llm_linalg.api.room_devices import run_on_devices

        return trace_of_rank(run_on_devices(task, ranks), names)

    clock = Clock.of(task, ranks)

    def run_on(device: LocalDevice, names: Mapping[str, Any]) -> Record[Any]:
        terms = task.source, task.seed, names, task.cells, task.halt
        return finished(
            ProgramRun(*terms, device=device, node_type=Node, explain=explain_failure, running_line=clock)
        )

    try:
        with rare_full_collections():
            records = run_together(run_on, names, ranks)
    except ProgramError as error:
        error.trace = None if error.trace is None else Trace.of(error.trace)
        raise
    return trace_of_rank(tuple(map(Trace.of, records)), names)


@contextmanager
def program_of(task: ProgramTask, *, own: bool, trust: bool = False) -> Iterator[Program]:
    """Hold a program where it may run: our own text in this process, anyone else's in a room.

    Our own, as the course is, has no clock. Any other runs here if it is trusted, and there is no lock.

    Raises:
        RoomError: If nothing foreign may run on this machine.
    """
    program: Program
    if own or _runs_here(trust):
        program = LocalProgram(replace(task, seconds=None) if own else task)
    else:
        from llm_linalg.api.room_program import RoomProgram  # which the course does without

        program = RoomProgram(task)
    with closing(program):
        yield program


def _runs_here(trust: bool) -> bool:
    """Return whether a foreign program runs in this process: there is no lock, and it is trusted."""
    from llm_linalg.room.tier import tier

    return is_trusted(trust) and tier().lock is None
