"""Explain why a call failed, in the program's own terms: which axis of which operand, and which rule."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from llm_linalg.base.axes import Shape, ShapeMismatch
from llm_linalg.base.errors import (
    MismatchedAxis,
    OperandInfo,
    ProgramError,
    ShapeError,
    Span,
    StackFrame,
    innermost,
)
from llm_linalg.base.source import Source
from llm_linalg.base.text import one_line
from llm_linalg.explain.operand_parts import Code, code_at, operand_parts
from llm_linalg.ops.call_errors import refusal_reason
from llm_linalg.ops.einsum_specs import PAIRED
from llm_linalg.ops.operation import Call
from llm_linalg.ops.pointwise import RULE
from llm_linalg.ops.terms import Number
from llm_linalg.recording.failed_call import FailedCall
from llm_linalg.recording.tensor_index import detach_value

_SHAPE_WORDS = ("shape", "size", "dimension", "dim ", "broadcast", "same number", "elements")
_OUT_OF_RANGE = re.compile(
    r"Dimension out of range \(expected to be in range of \[(-\d+), (\d+)\], but got (-?\d+)"
)
# As torch writes what a word may be; a set has another order in each process.
_WORDS_IN_A_SET = re.compile(r"\{('\w{1,40}'(?:, '\w{1,40}'){1,20})\}")
_UNEQUAL = re.compile(
    r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d+)"
)
_ALLOCATED = re.compile(r"tried to allocate (\d+) bytes")
_SAID_OTHERWISE: Mapping[str, str] = {
    "leaf Variable that requires grad": "a tensor that gets a gradient is not written in place where torch "
    "records for it: write within `with torch.no_grad():`",
    "modified by an inplace operation": "backward needs a tensor as it was when it was used, and it was "
    "written in place since: write to a new name, as in y = y + 1",
    "backward through the graph a second time": "what the first backward needed is gone: write "
    "loss.backward(retain_graph=True) there, or compute the loss anew",
    "does not require grad and does not have a grad_fn": "no gradient flows back from here: nothing that it "
    "was computed from has requires_grad=True, or torch.no_grad() was on",
    "some elements of the input tensor and the written-to": "it is written while it is read: x.clone() "
    "is a tensor of its own to read from",
    "more than one element of the written-to tensor": "several of its cells are one number in memory, as "
    "after expand: write to x.clone()",
    "can be implicitly created only for scalar outputs": "backward starts from a single number: write "
    "loss.mean() or loss.sum(), or give backward a gradient of its shape",
}
"""What torch says of gradients and of writes in place, and what it means in the terms of a program."""
_FEW = 3  # operands that a sentence names
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def explain_failure(failed: FailedCall, source: Source, span: Span | None) -> ProgramError:
    """Return the error to show for a failed call of a program.

    Where its expression is assigned to, the error is at the statement.
    """
    code = code_at(source, span)
    at = span if code is None else source.span(code)
    parts = operand_parts(failed, source, code)
    operands = [
        _info(failed, place, source.text_of(part) if part is not None else "", source, code)
        for place, part in enumerate(parts)
    ]
    explained = _explained(failed.call, failed.message, operands, at, source.text)
    if isinstance(explained, ShapeError):
        explained.values = tuple(detach_value(tensor) for tensor in failed.call.tensors)
    return explained


def _info(failed: FailedCall, place: int, text: str, source: Source, code: Code | None) -> OperandInfo:
    """Return an operand as it is shown; without a text it has a name of its own, or the layer's."""
    call, operand = failed.call, failed.operands[place]
    tensor, made = call.tensors[place], operand.node
    known = [one_line(text), made.bound_name if made else None, operand.label, *operand.names]
    name = next(filter(None, known), None)
    layer = (
        made.source if made is not None else source.text_of(code.func) if isinstance(code, ast.Call) else ""
    )
    # What comes out of a room is no `Parameter`; its node says that it was one.
    is_parameter = isinstance(tensor, nn.Parameter) or (made is not None and made.op == "parameter")
    if name is None and is_parameter and layer:
        name = f"{one_line(layer)}.{_parameter(call, place)}"
    elif name is None and made is not None:
        name = made.name
    return OperandInfo(name or f"operand {place + 1}", tuple(tensor.shape), text)


def explain_call(
    call: Call, error: Exception, frames: tuple[StackFrame, ...], known: Sequence[str | None]
) -> ProgramError:
    """Return the error to show for a failed call of trusted Python, with the frames that led to it.

    An operand without a known name gets the name of torch's parameter.
    """
    names = [name or _parameter(call, place) for place, name in enumerate(known)]
    operands = [OperandInfo(name, shape, "") for name, shape in zip(names, call.shapes, strict=True)]
    message = str(error) if str(error).strip() else type(error).__name__
    explained = _explained(call, message, operands, *innermost(frames))
    explained.frames = frames
    if isinstance(explained, ShapeError):
        explained.values = tuple(tensor.detach() for tensor in call.tensors)
    return explained


def mismatch_of(call: Call) -> ShapeMismatch | None:
    """Return the mismatch that the operation's shape rule finds in a call; None if it finds none."""
    try:
        call.operation.infer(call)
    except ShapeMismatch as mismatch:
        return mismatch if mismatch.rule else None  # else torch has said it
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, ArithmeticError):
        return None
    return None


def _no_axis(call: Call, detail: str) -> ShapeMismatch | None:
    """Return torch's complaint about an axis that doesn't exist, with the axes that do; else None."""
    match = _OUT_OF_RANGE.search(detail)
    if match is None or not call.tensors:
        return None
    rank = int(match[2]) + 1
    there = f"0 to {rank - 1}" if rank > 1 else "0"
    more = "" if rank == len(call.shapes[0]) else " (with the new one)"
    return ShapeMismatch(
        f"its axes are {there}{more}, or -1 to {match[1]} from the end, not {match[3]}", at=0
    )


def _unequal(call: Call, detail: str) -> ShapeMismatch | None:
    """Return the axes that torch means when it says that the sizes of tensors a and b differ; else None."""
    match = _UNEQUAL.search(detail)
    if match is None or len(call.shapes) < 2:
        return None
    rank = max(map(len, call.shapes[:2]))
    places = [(operand, int(match[3]) - rank + len(call.shapes[operand])) for operand in (0, 1)]
    axes = [
        MismatchedAxis(operand, axis, call.shapes[operand][axis]) for operand, axis in places if axis >= 0
    ]
    sizes = {str(axis.size) for axis in axes}
    return ShapeMismatch(RULE, *axes) if len(axes) == 2 and sizes == {match[1], match[2]} else None


def _explained(
    call: Call, message: str, operands: list[OperandInfo], span: Span | None, source: str
) -> ProgramError:
    detail = plain_message(message)
    ruled = None if call.function is Tensor.resize_ else mismatch_of(call) or refusal_reason(call)  # no view
    mismatch = ruled or _no_axis(call, detail) or _unequal(call, detail)
    name = call.operation.name
    if mismatch is None and not any(word in detail.lower() for word in _SHAPE_WORDS):
        return ProgramError(f"{name}: {detail}", span, source)
    error = ShapeError(
        f"{name}: {detail if mismatch is None else _sentence(mismatch, operands)}",
        span,
        source,
        operation=name,
        operands=tuple(operands),
        axes=() if mismatch is None else mismatch.axes,
        detail=detail,
    )
    if name == "embedding" and error.axes:
        error.most = int(call.tensors[0].max())
    return error


def _sentence(mismatch: ShapeMismatch, operands: list[OperandInfo]) -> str:
    if not mismatch.axes:
        about = operands if mismatch.at is None else [operands[mismatch.at]]
        named = ", ".join(_name_with_shape(operand) for operand in about[:_FEW])
        return f"{named}: {mismatch.rule}" if named else mismatch.rule
    if len(mismatch.axes) > 1 and len({axis.operand for axis in mismatch.axes}) == 1:
        named = " and ".join(str(axis.axis) for axis in mismatch.axes)
        return f"axes {named} of {_name_with_shape(operands[mismatch.axes[0].operand])}: {mismatch.rule}"
    parts = []
    for number, axis in enumerate(mismatch.axes):
        operand = operands[axis.operand]
        if mismatch.rule == PAIRED:
            many = "" if number else " entry" if axis.size == 1 else " entries"
            parts.append(f"{_line(operand, axis)} has {axis.size}{many}")
            continue
        parts.append(f"axis {axis.axis} of {_name_with_shape(operand)} has size {axis.size}")
    return f"{', '.join(parts)}: {mismatch.rule}"


def _line(operand: OperandInfo, axis: MismatchedAxis) -> str:
    """Return what has its entries along an axis: a row of a matrix, a column, or a vector itself."""
    rank = len(operand.shape)
    line = "" if rank < 2 else "a row of " if axis.axis == rank - 1 else "a column of "
    return line + _name_with_shape(operand)


def unpaired(error: ShapeError) -> tuple[list[tuple[Number, Number]], tuple[Number | None, Number | None]]:
    """Return the entries that a product can pair, of the first lines that clash, and the entry left alone.

    Returns:
        Pairs of numbers, and the first pair that lacks one of the two; none of it where nothing is paired.
    """
    if not error.message.endswith(PAIRED) or len(error.axes) != 2 or None in error.values:
        return [], (None, None)
    lines = [
        error.values[axis.operand].movedim(axis.axis, 0).reshape(axis.size, -1)[:, 0].tolist()
        if error.values[axis.operand].numel()
        else []
        for axis in error.axes
    ]
    pairs = min(map(len, lines))
    first, second = (line[pairs] if pairs < len(line) else None for line in lines)
    return list(zip(*lines, strict=False)), (first, second)


def _name_with_shape(operand: OperandInfo) -> str:
    return f"{operand.name} {shape_text(operand.shape)}"


def shape_text(shape: Shape) -> str:
    """Return a shape as Python writes it: `(3, 2)`, `(3,)`, `()`."""
    return str(tuple(shape))


def _parameter(call: Call, place: int) -> str:
    owner = next((name for name, places in call.places.items() if place in places), None)
    return owner or f"the {_ORDINALS[min(place, len(_ORDINALS) - 1)]} operand"


def plain_message(message: str) -> str:
    """Return what torch says on one line, in the terms of a program."""
    for words, meaning in _SAID_OTHERWISE.items():
        if words in message:
            return meaning
    asked = _ALLOCATED.search(message)
    if asked is not None:
        return (
            f"it takes {int(asked[1]) / 1e9:,.1f} GB of memory, which isn't there; smaller sizes may fit, "
            "and under torch.device('meta') the shapes alone are traced"
        )
    line = next((line for line in message.splitlines() if line.strip()), message)
    return _WORDS_IN_A_SET.sub(lambda words: f"{{{', '.join(sorted(words[1].split(', ')))}}}", line)
