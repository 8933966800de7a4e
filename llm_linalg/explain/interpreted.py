"""Explain failures of interpreted programs; the interpreter knows the value of each part of an expression."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from llm_linalg.base.errors import HaltedError, ProgramError, Repair, ShapeError
from llm_linalg.base.rng import lock_rng
from llm_linalg.base.source import Source
from llm_linalg.explain.operand_parts import Code
from llm_linalg.explain.repairs import repairs_at
from llm_linalg.explain.shape_errors import explain_at, plain_message
from llm_linalg.language import source as language_source
from llm_linalg.language.interpreter import Interpreter, operand_nodes
from llm_linalg.ops.operation import Call
from llm_linalg.recording.failed_call import FailedCall, FailedOperand, message_of

_BUDGET: Mapping[str, Any] = {"call_elements": 2**22, "elements": 2**23, "multiplications": 2**29}


def explain(run: Interpreter, node: Code, error: Exception) -> ProgramError:
    """Return the error to show for a torch call that failed at a syntax node."""
    call = run.recorder.failed
    run.recorder.failed = None
    if call is None:
        message = _as_called(plain_message(message_of(error)), node)
        return ProgramError(message, run.source.span(node), run.source.text)
    known = run.failed_call.operands if run.failed_call and run.failed_call.node is node else None
    parts = known or operand_nodes(run, node, call.tensors)
    source = cast(Source, run.source)
    return explain_at(failed_call(run, call, error), source, node, parts, source.span(node))


def failed_call(run: Interpreter, call: Call, error: Exception) -> FailedCall:
    """Return a failed call with what the recorder knows of its operands."""
    recorder = run.recorder
    operands = [
        FailedOperand(recorder.node_of(own), tuple(recorder.names_of(own)), recorder.label_of(own))
        for own in call.tensors
    ]
    return FailedCall(call, message_of(error), tuple(operands))


def repairs(
    run: Interpreter, node: Code, error: ShapeError, parts: Sequence[ast.expr | None]
) -> tuple[Repair, ...]:
    """Return texts that can replace the failing one, tried over the names as they were when it failed."""
    return repairs_at(cast(Source, run.source), node, parts, error, lambda text: _value(run, text))


def _value(run: Interpreter, text: str) -> Any:
    """Return the value of an expression over the names as they are, and stay; None if it fails."""
    budget = run.budget.trial(len(text), **_BUDGET)
    if run.budget.trials <= 0:
        return None
    try:
        trial = run.fork(language_source.Source(text), budget)
        statement = trial.source.tree.body[0]
        if not isinstance(statement, ast.Expr):
            return None
        with lock_rng(), trial.recorder.undoing_writes(), trial.recording():
            return trial.evaluate(statement.value)
    except HaltedError:
        raise
    except ProgramError:
        return None
    finally:
        run.budget.trials -= budget.steps_used


def _as_called(said: str, node: Code) -> str:
    """Return Python's message about a call's arguments with the function's name in the program."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return re.sub(r"^[\w.]+\(\)", f"{name}()", said)
    return said
