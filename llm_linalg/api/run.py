"""`run`: a program of anyone's as a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llm_linalg.api.node import Node
from llm_linalg.api.trace import Trace
from llm_linalg.base.errors import ProgramError
from llm_linalg.explain.repairs import repairs
from llm_linalg.explain.shape_errors import explain
from llm_linalg.language.budget import SECONDS
from llm_linalg.language.devices import trace_of_rank
from llm_linalg.language.execute import Explanations, execute, execute_on_devices

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

    The text may be anyone's: it is interpreted over an allow-list, never executed. Of runs in several threads
    one waits for the other, since they draw from torch's one generator.

    Args:
        source: The program.
        seed: What ``torch.manual_seed`` is called with before it; torch's own generator is left as it was.
        seconds: How long it may run; None if counts alone decide, which are the same on every machine.
        names: Plain values that the program may use, such as a lesson's controls.
        cells: Lines, from 1, at which its cells begin, if it has cells. As in a notebook, one that fails is
            passed over from there on, and is in the trace's `refused`; but the last one has to run.
        halt: Asked before each torch call and every hundred steps; once it says yes, the run ends.
        ranks: If not 0: it is run on so many devices, in turn and in this process; see
            `llm_linalg.language.devices`. The trace is that of the device whose number is given as the name
            ``rank``, else of the first; its `ranks` are those of all.

    Raises:
        ProgramError: If it can't be read or run, with line, column and caret; its `trace` is what ran.
        ShapeError: If operands don't fit, with the clashing axes and repairs that work.
        LimitError: If one of its calls, or all it does, is more than the budget allows, or its time is over.
        HaltedError: If it was stopped.
    """
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
        raise
