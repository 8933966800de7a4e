"""Run programs of our own, such as a gradient program, over the values of a trace.

Their lines are templates of the table of operations, filled in with names and numbers of the trace, which may
be anybody's. So none of these is ever compiled: a line is taken apart first, and what is compiled has a
placeholder for each name, number and text, as `_0 = _1.T * _2`, to which its value is bound when it runs.
"""

from __future__ import annotations

import builtins
import math
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import takewhile
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError, ProgramError, Span
from llm_linalg.base.garbage import rare_full_collections
from llm_linalg.base.rng import seed_rng
from llm_linalg.ops.operation import Call, Price, operand_cells, price_of
from llm_linalg.recording.aliasing import storage_id
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import N, Origin, RecordNode
from llm_linalg.recording.recorder import Recorder

_OURS: Mapping[str, Any] = {
    "torch": torch,
    "math": math,
    "float": float,
    "None": None,
    "True": True,
    "False": False,
}
TAKEN = frozenset([*_OURS, *dir(builtins), "nn", "F"])
"""Names that mean something else to a reader of such a program."""

NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a rule of the table raises for a call that a trace only pretends: with arguments that no call has."""

_TOKEN = re.compile(
    r"(?P<space> +)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)"
    r"|'(?P<text>[\w,>.-]*)'"
    r"|(?P<member>\.[A-Za-z][A-Za-z0-9_]*|[A-Za-z][A-Za-z0-9_]*(?==[^=]))"  # or a keyword argument
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<mark>[-+*/@<>=!,:()\[\]]|\.\.\.)"
)
Halt = Callable[[], bool]

_TARGETS = re.compile(r"(\w+(?:, \w+)*) = ")
_LOOP = re.compile(r"for (\w+) in (\w+):")

# Four times what a program may make, and more where the values that one starts from are more. A call can't be
# interrupted, so that it may take but a part of the time of all.
_CELLS, _CELLS_PER_CELL, _CELLS_PER_TENSOR = 2**29, 32, 256
_PRODUCTS, _PRODUCTS_PER_PRODUCT, _CALLS = 2**38, 8, 8


@lru_cache(4_096)
def _compiled(template: str) -> tuple[CodeType, tuple[tuple[int | None, ...], ...]]:
    """Return the code of a line, and the first and the last column of each of its instructions."""
    code = compile(template, "<template>", "exec")
    return code, tuple([place[2:] for place in code.co_positions()])


class _Line:
    """A line taken apart.

    Attributes:
        number: Its number, from 1.
        text: The line.
        names: The placeholder of each name.
        values: What is bound to the placeholders of numbers and texts.
        targets: The names that it binds.
        code: The code of its template.
    """

    def __init__(self, number: int, text: str) -> None:
        self.number, self.text = number, text
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        place = len(text) - len(text.lstrip())
        targets = _TARGETS.match(text, place)
        self.targets = targets[1].split(", ") if targets else []
        template = ""
        self._columns: dict[int | None, int] = {}  # of the template, by the text's
        while place < len(text):
            token = _TOKEN.match(text, place)
            if token is None:
                raise ProgramError(f"no template has such a step: {text}")
            self._columns[len(template)] = place
            template += self._piece(token)
            place = token.end()
            self._columns[len(template)] = place
        self.code, self._places = _compiled(template)

    def _piece(self, token: re.Match[str]) -> str:
        """Return what stands in the template for a token of the line."""
        kind, piece = token.lastgroup, token[0]
        if kind == "name" and piece not in _OURS:
            return self.names.setdefault(piece, f"_{len(self.names)}")
        if kind in ("number", "text"):
            own = f"_c{len(self.values)}"
            self.values[own] = token["text"] if kind == "text" else _number(piece)
            return own
        return piece

    def span(self, instruction: int) -> Span:
        """Return the place of the expression that an instruction of its code belongs to."""
        first, last = self._places[instruction] if self.targets else (None, None)
        start, end = self._columns.get(first, 0), self._columns.get(last, len(self.text))
        return Span(self.number, start, self.number, end)


def _number(text: str) -> float:
    return int(text) if text.isdigit() else float(text)


class Bounds:
    """What may be made from some values of a trace, judged by the shapes of each call before it is made.

    Args:
        tensors: The values. What they take in memory counts: a shape may promise anything.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        own = {storage_id(each) or id(each): each for each in tensors}
        cells = sum(each.untyped_storage().nbytes() // each.element_size() for each in own.values())
        # Both operands of a product and its result are in memory: that bounds its multiplications, too.
        self._cells = _CELLS + _CELLS_PER_CELL * cells
        self._products = _PRODUCTS + _PRODUCTS_PER_PRODUCT * int(cells**1.5)
        self._most = self._products // _CALLS

    def charge(self, call: Call) -> Price | None:
        """Charge a call, and the one of the trace that it runs again, as `vjp` does; see `Guard`.

        Raises:
            LimitError: If it would make more than may be made.
        """
        again = call.kwargs.get("call")
        if isinstance(again, Call):
            self.charge_replay(again)
        price = price_of(call)
        if price is not None:
            self.charge_again(call.operation.name, price)
        return price

    def charge_again(self, name: str, price: Price, *_tensors: object) -> None:
        """Charge a call whose price is known."""
        self._charge(name, price.cells + _CELLS_PER_TENSOR * price.outputs, price.multiplications)

    def charge_replay(self, call: Call) -> None:
        """Charge a call of the trace that is run again."""
        operation, cells = call.operation, operand_cells(call) + call.result.numel()
        try:
            price = operation.price(call, call.shape)
        except NONSENSE:
            price = Price(0)
        self._charge(operation.name, max(cells, price.cells), price.products)

    def hold(self, tensors: Iterable[Tensor]) -> None:
        """Raise `LimitError` if one of some tensors has more cells than may be made."""
        for tensor in tensors:
            if tensor.numel() > self._cells:
                raise LimitError(f"a tensor of {tensor.numel():,} cells: too many to work with here")

    def _charge(self, name: str, cells: int, products: int) -> None:
        self._cells -= cells
        self._products -= products
        if self._cells < 0:
            raise LimitError(f"{name} would make {cells:,} cells: too many to work out here")
        if self._products < 0 or products > self._most:
            raise LimitError(f"{name} needs {products:,} multiplications: too many to work out here")

    def charge_query(self) -> None:
        """Charge nothing: it takes no memory."""


class _Program:
    """A run of a program.

    `lines` has, by line, the last node that it bound.
    """

    def __init__(self, values: Mapping[str, Any], bounds: Bounds | None, halt: Halt | None) -> None:
        self.recorder = Recorder(self._origin, bounds, halt=halt)
        self.values = dict(values)
        self.lines: dict[int, Any] = {}
        self._line: _Line | None = None
        self._last = Origin()

    def run(self, text: str) -> None:
        """Run the lines of a program; those of a loop's body are indented, and hold no loop themselves."""
        lines = list(enumerate(text.split("\n"), 1))
        for number, line in lines:
            loop = _LOOP.fullmatch(line)
            if loop is not None:
                inner = takewhile(lambda own: own[1].startswith(" "), lines[number:])
                body = [_Line(*own) for own in inner]
                for value in self.values[loop[2]]:
                    self._bind(loop[1], value, number)
                    for step in body:
                        self._run_line(step)
            elif not line.startswith(" "):
                self._run_line(_Line(number, line))

    def _run_line(self, line: _Line) -> None:
        # Every other name of a line is a placeholder. Python's own names are there for torch, which imports
        # parts of itself on behalf of the frame that calls it.
        scope = {**_OURS, **line.values}
        scope |= {own: self.values[name] for name, own in line.names.items() if name in self.values}
        self._line = line
        exec(line.code, scope)  # noqa: S102 - a template of our table
        for name in line.targets:
            self._bind(name, scope[line.names[name]], line.number)
        if not line.targets:  # it wrote
            self.lines[line.number] = self.recorder.nodes[-1]

    def _bind(self, name: str, value: Any, number: int) -> None:
        self.values[name] = value
        if isinstance(value, Tensor) and (node := self.recorder.bind(name, value)) is not None:
            self.lines[number] = node

    def _origin(self) -> Origin:
        """Return the place of the call that is made now."""
        line = self._line
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and line is not None and frame.f_code is not line.code:
            frame = frame.f_back
        if frame is not None and line is not None:
            span = line.span(frame.f_lasti // 2)
            self._last = Origin(span, line.text[span.column : span.end_column])
        return self._last


@rare_full_collections()
def run_over(
    source: str,
    known: Mapping[str, RecordNode],
    *,
    seed: int = 0,
    names: Mapping[str, Any] | None = None,
    node_type: type[N],
    bounded: bool = True,
    halt: Halt | None = None,
) -> Record[N]:
    """Run a program of our own, such as a backward pass, over the nodes of a record.

    It uses the tensors of the nodes `known`, by the names that it has for them, and other values by `names`.
    If it is bounded, what would take too much memory or time is refused.

    Raises:
        ProgramError: If torch refuses one of its calls.
        LimitError: If one would make too much.
        HaltedError: If it was stopped.
    """
    tensors = {name: node.value for name, node in known.items()}
    program = _Program({**(names or {}), **tensors}, Bounds(tensors.values()) if bounded else None, halt)
    recorder = program.recorder
    recorder.node_type = node_type
    for name, node in known.items():
        recorder.adopt(tensors[name], node)
    try:
        with seed_rng(seed), warnings.catch_warnings(), recorder:
            warnings.simplefilter("ignore")
            program.run(source)
        record: Record[N] = recorder.finish(source, seed)
    except ProgramError:
        raise
    except Exception as error:  # whatever torch raises
        raise ProgramError(str(error), None, source) from error
    finally:
        recorder.release()
    record.lines = program.lines
    return record
