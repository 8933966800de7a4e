"""`explore`: open the app from a script or a REPL."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from llm_linalg.api.trace import Trace
from llm_linalg.base.short_repr import short_repr
from llm_linalg.lessons.external import of_function, of_trace
from llm_linalg.lessons.lesson import lesson_of

COMMAND = "llm-linalg"
NO_TERMINAL = 2  # the app's exit code


def explore(what: Trace | Callable[..., Any], *inputs: Any, seed: int = 0) -> int:
    """Open the app on a trace, or on a callable and its inputs, and return when it is closed.

    Args:
        what: A trace, or a trusted function or `nn.Module`, which is run with the inputs.
        inputs: The arguments of a callable.
        seed: What `torch.manual_seed` is called with before a callable.

    Returns:
        The app's exit code.

    Raises:
        RuntimeError: If the app is not installed beside the engine, or there is no terminal to draw on.
        TypeError: For what is neither a trace nor callable.
    """
    if not isinstance(what, Trace) and not callable(what):
        raise TypeError(f"what is opened is a trace, a function or a module, not {short_repr(what)}")
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
    code = main([], lesson)
    if code == NO_TERMINAL:
        raise RuntimeError("the app could not be opened: standard error says what the terminal lacks")
    return code
