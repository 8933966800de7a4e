"""The engine of llm-linalg: every picture is a traced torch program.

    program (text) -> trace (what torch did) -> walk (one operation, step by step) -> frame (the screen)

Public names are loaded on first use, so that importing the package imports no torch.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_linalg.api.node import Node as Node
    from llm_linalg.api.node import Operand as Operand
    from llm_linalg.api.run import run as run
    from llm_linalg.api.trace import Trace as Trace
    from llm_linalg.api.trace import load_trace as load_trace
    from llm_linalg.api.trace import trace as trace
    from llm_linalg.base.errors import FormatError as FormatError
    from llm_linalg.base.errors import HaltedError as HaltedError
    from llm_linalg.base.errors import LimitError as LimitError
    from llm_linalg.base.errors import ProgramError as ProgramError
    from llm_linalg.base.errors import RoomError as RoomError
    from llm_linalg.base.errors import ShapeError as ShapeError
    from llm_linalg.lessons.control import Control as Control
    from llm_linalg.lessons.explore import explore as explore
    from llm_linalg.lessons.lesson import Lesson as Lesson
    from llm_linalg.lessons.lesson import LessonError as LessonError
    from llm_linalg.lessons.stop import Stop as Stop
    from llm_linalg.ops.terms import Term as Term
    from llm_linalg.walks.walk import Step as Step
    from llm_linalg.walks.walk import Walk as Walk

__version__ = "0.1.0"

# torch runs without numpy, and so do we; that it looked for it is no news to anyone.
warnings.filterwarnings("ignore", message="Failed to initialize NumPy", category=UserWarning)

_HOMES = {
    name: home
    for home, names in {
        "api.node": "Node Operand",
        "api.run": "run",
        "api.trace": "Trace load_trace trace",
        "base.errors": "FormatError HaltedError LimitError ProgramError RoomError ShapeError",
        "lessons.control": "Control",
        "lessons.explore": "explore",
        "lessons.lesson": "Lesson LessonError",
        "lessons.stop": "Stop",
        "ops.terms": "Term",
        "walks.walk": "Step Walk",
    }.items()
    for name in names.split()
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    """Load a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = vars(import_module(f"{__name__}.{_HOMES[name]}"))[name]
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
