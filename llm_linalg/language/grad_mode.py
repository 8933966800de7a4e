"""Gradient modes, as in `with torch.no_grad():` and `@torch.no_grad()`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llm_linalg.language.autograd import GradMode, enable_grad, inference_mode, no_grad, switch_grad
from llm_linalg.language.hardware import compile_function
from llm_linalg.language.interpreter import Interpreter


def mode_of(value: Any) -> GradMode | None:
    """Return the gradient mode that a value stands for after `with` or `@`; None if it is none."""
    if value is no_grad or value is enable_grad or value is inference_mode:  # `@torch.no_grad`, no brackets
        mode: GradMode = value()
        return mode
    if value is compile_function:
        return GradMode(enabled=None)
    return value if isinstance(value, GradMode) else None


@contextmanager
def set_grad_mode(run: Interpreter, modes: Sequence[GradMode]) -> Iterator[None]:
    """Set the last of several gradient modes, in torch and for the record, while the context is open."""
    wanted = [mode.enabled for mode in modes if mode.enabled is not None]
    if not wanted:
        yield
        return
    before = [mode.outside for mode in modes if mode.outside is not None]
    outside = before[0] if before else not run.recorder.no_grad
    switch_grad(run.recorder, wanted[-1])
    try:
        yield
    finally:
        switch_grad(run.recorder, outside)
