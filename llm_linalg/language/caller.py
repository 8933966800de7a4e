"""What a function of the language may use of the run that calls it."""

from __future__ import annotations

from typing import Protocol

from llm_linalg.language.budget import Budget
from llm_linalg.recording.recorder import Recorder


class Caller(Protocol):
    """The run that calls a function.

    Attributes:
        budget: What the program may still use up.
        recorder: Records the torch calls.
    """

    budget: Budget
    recorder: Recorder
