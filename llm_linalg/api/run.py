"""`run`: interpret a program in the tensor language, and return its trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llm_linalg.api.node import Node
from llm_linalg.api.trace import Trace
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.explain.interpreted import explain, repairs
from llm_linalg.language.budget import SECONDS
from llm_linalg.language.devices import trace_of_rank
from llm_linalg.language.execute import Explanations, execute, execute_on_devices
from llm_linalg.recording.ending import Ending

EXPLANATIONS = Explanations(explain, repairs)


def run(
    source: str,
    *,
    seed: int = 0,
    seconds: float | None = SECONDS,
    names: Mapping[str, Any] | None = None,
    cells: Sequence[int] = (),
    halt: Callable[[], bool] | None = None,
    ranks: int = 0,
) -> Trace:
    """Run a program in the tensor language and return its trace.

    The text may be anyone's: it is interpreted over an allow-list, never executed. Runs in several threads
    wait for each other, because they share torch's global random number generator.

    Of a loop of very many operations only the first and the last turns are recorded: the trace's `gaps` say
    which are not. All of them are computed.

    Args:
        source: The program.
        seed: What `torch.manual_seed` is called with before it; torch's own generator is left as it was.
        seconds: The time limit; None for none, so that only counts decide, which every machine agrees on.
        names: Plain values that the program may use, such as a lesson's controls.
        cells: The lines, from 1, at which its cells begin, if it has cells. As in a notebook, a cell that
            fails is left at its failing line and the next one runs; its error is in the trace's
            `cell_errors`. A failure of the last cell is raised.
        halt: Asked before each torch call and every hundred steps whether the run is to stop.
        ranks: The number of devices to run on, in turn and in this process; 0 for a program that uses none
            (see `llm_linalg.language.devices`). The result is the trace of the device given as the name
            `rank`, else of the first; its `ranks` are the traces of all.

    Raises:
        ProgramError: If it can't be parsed or run, with line, column and caret; its `trace` is what ran.
        ShapeError: If operands don't fit, with the clashing axes and repairs that work.
        LimitError: If a call or the whole program exceeds the budget or the time limit.
        HaltedError: If `halt` stopped it.
        TypeError: For a program that is no text.
    """
    if not isinstance(source, str):
        raise TypeError(f"a program is a text, not {short_repr(source)}")
    names = names or {}
    try:
        if not ranks:
            record = execute(source, seed, names, EXPLANATIONS, cells, halt, seconds=seconds, node_type=Node)
            return Trace.of(record)
        records = execute_on_devices(
            source, seed, names, EXPLANATIONS, cells, halt, ranks=ranks, seconds=seconds, node_type=Node
        )
        return trace_of_rank(tuple(map(Trace.of, records)), names)
    except ProgramError as error:
        error.trace = None if error.trace is None else Trace.of(error.trace)
        if error.trace is not None:
            error.trace.ending = Ending.of(error)
        raise
