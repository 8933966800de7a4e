"""`explore`: open the app from a script or a REPL."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from llm_linalg.api.trace import Trace
from llm_linalg.lessons.external import of_function, of_trace
from llm_linalg.lessons.lesson import lesson_of

COMMAND = "llm-linalg"


def explore(what: Trace | Callable[..., Any], *inputs: Any, seed: int = 0) -> int:
    """Open the app on a trace, or on a callable and its inputs, and return when it is closed.

    Args:
        what: A trace, or a trusted function or ``nn.Module``, which is run with the inputs.
        inputs: The arguments of a callable.
        seed: What ``torch.manual_seed`` is called with before a callable.

    Returns:
        The app's exit code: 2 where there is no terminal to draw on.

    Raises:
        RuntimeError: If the app is not installed beside the engine.
    """
    # The engine must not import the app, nor name its modules. It looks up the command that this project
    # installs, and calls that command's entry point.
    command = next(iter(entry_points(group="console_scripts", name=COMMAND)), None)
    if command is None:
        raise RuntimeError(f"the {COMMAND} command is not installed here, so there is no app to open")
    if isinstance(what, Trace):
        lesson = lesson_of(of_trace(what), "trace", seed=what.seed)
    else:
        name = getattr(what, "__qualname__", None) or type(what).__name__
        lesson = lesson_of(of_function(what, inputs), str(name), seed=seed)
    main: Callable[..., int] = command.load()
    return main([], lesson)
