"""What an entry of the operation table is.

An operation is one entry: its name, its signature, the torch functions that mean it, and the
mechanism that says what its cells are made of. The families in this folder supply the mechanisms;
an entry supplies the facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any

from torch import Tensor

from llm_linalg.axes import Axes, Shape
from llm_linalg.cells import Index
from llm_linalg.ops.call import Call
from llm_linalg.ops.signature import parsed
from llm_linalg.ops.terms import CellTerm, CellTerms
from llm_linalg.relations import OpaqueReads, Reads

VJPRule = Callable[[Call], Mapping[str, str]]


@dataclass(frozen=True, eq=False)
class Operation:
    """An entry of the table.

    Attributes:
        name: torch's own short name.
        signature: Its parameters, as in ``input, dim=None, keepdim=False, *, dtype=None``.
        in_language: Where programs may write its name and its aliases: words of ``torch``, ``Tensor`` (as a
            method), ``F``, ``linalg`` and ``attribute``; a word with a dot adds another name. Empty: nowhere.
        aliases: torch's other names for it.
        spellings: Other torch functions that mean it, such as Python's operators.
        reflected: Those that take the first two parameters the other way round.
        operator: Python's operator for it, which also stands between the operands on the stage.
        symbol: The sign between the shapes of its operands, if Python has no operator for it.
        phrase: How a cell is made, with the operands' values in braces: ``exp({input})``.
        gradient: For each parameter, its cotangent in torch terms; see `llm_linalg.backward`.
            Lines above the last bind names that it uses; they are named after the node in the program.
            A last line ``{to}`` means that the lines above have bound the cotangent itself.
        vjp_explanation: Why the cotangent is what it is, in a sentence; see `llm_linalg.reasons`.
        vjp_for_call: The cotangents of a call, where they depend on the call.
        joint_vjp: The cotangent of the operand of a call with several outputs, from all of theirs, ``{all}``.
        program: The operation as a small program of simpler ones.
        multiplications_per_cell: Multiplications (or divisions) that a cell of the result takes; functions
            such as exp count none. What has a program takes its multiplications.
        first_free_number: Position of the first argument whose number does not matter to the price of a call.
    """

    name: str
    signature: str
    in_language: str = ""
    aliases: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    reflected: tuple[str, ...] = ()
    operator: str = ""
    symbol: str = ""
    phrase: str = ""
    gradient: Mapping[str, str] = field(default_factory=dict)
    program: str = ""
    vjp_explanation: str = ""
    vjp_for_call: VJPRule | None = None
    joint_vjp: Callable[[Call], str] | None = None
    kind: str = "opaque"
    evidence: str = "rule"
    multiplications_per_cell: int = 0
    first_free_number: int = 100

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any], swap: bool = False) -> dict[str, Any]:
        """Return the arguments by parameter; `TypeError` if they don't fit the signature."""
        if swap:
            args = (args[1], args[0], *args[2:])
        return parsed(self.signature).bind(args, kwargs)

    def depends_on_shapes_only(self, call: Call) -> bool:
        """Whether what a call asks for is said by shapes, types and plain values alone, not by any cell."""
        return False

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        """Return the entry that these arguments mean: an overload may be another operation."""
        return self

    def infer(self, call: Call) -> Shape | None:
        """Return the output's shape from the operands' shapes, or raise `ShapeMismatch`; None if no rule."""
        axes = self.axes(call)
        return axes.shape if axes else None

    def cost(self, call: Call, shape: Shape | None) -> int:
        """Return the number of multiplications (or like work) of a call."""
        return self.peak(call, shape)

    def peak(self, call: Call, shape: Shape | None) -> int:
        """Return the most cells of any tensor that torch makes on the way, the output included."""
        return prod(shape) if shape is not None else sum(map(prod, call.shapes))

    def multiplications(self, call: Call) -> int | None:
        """Return how many multiplications (divisions too) a call that was run takes; None if not known.

        Of what has parts they are counted in those: see `llm_linalg.parts`.
        """
        return self.multiplications_per_cell * prod(call.shape)

    def output_count(self, call: Call) -> int:
        """Return how many tensors a call gives, at most."""
        return 1

    def items(self, call: Call, shape: Shape | None) -> int:
        """Return how many items of plain values a call goes through, or gives, beside its arguments."""
        return 0

    def axes(self, call: Call) -> Axes | None:
        """Return the axes spec, for operations that have one."""
        return None

    def label_axes(self, call: Call) -> Axes | None:
        """Return the axes spec in which what keeps its place along an axis has that axis's label."""
        return self.axes(call)

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        """Return the reads of each operand, for every cell of the output."""
        return tuple(OpaqueReads(call.shape, shape) for shape in call.shapes)

    def terms(self, call: Call, index: Index) -> CellTerms:
        """Return the terms of a cell; what is no sum is its own only term."""
        value = call.result[index].item()
        return CellTerms(tail=(CellTerm((value,), value),))

    def bias_position(self, call: Call) -> int | None:
        """Return the position of the operand that is added, not multiplied."""
        return None

    def term_count(self, call: Call) -> int | None:
        """Return how many terms each cell is the sum of; None if it is no sum, or the number varies."""
        return None

    def unmoved_outputs(self, call: Call, place: int, fixed: Sequence[Tensor | None]) -> Tensor | None:
        """Return the output's cells (bool) that an operand can't move, whatever it is there; None for none.

        Args:
            call: The call.
            place: The operand.
            fixed: For each operand its cells (bool) that masks fixed; None for none.
        """
        return None

    def ignored_cells(self, call: Call, place: int) -> Tensor | None:
        """Return the cells (bool) of an operand that carry nothing, by their values; None for none."""
        return None

    def evidence_of(self, reads: Callable[[], tuple[Reads, ...]]) -> str:
        """Return how the reads are known: ``rule``, ``index``, ``autograd`` or ``opaque``."""
        return self.evidence

    def cotangents(self, call: Call) -> Mapping[str, str]:
        """Return the backward pass: for each parameter, its cotangent in torch terms."""
        return self.vjp_for_call(call) if self.vjp_for_call else self.gradient

    def phrase_for(self, call: Call) -> str:
        """Return the phrase of a call."""
        return self.phrase

    def program_for(self, call: Call) -> str:
        """Return the operation as a small program of simpler ones, over its parameters' names."""
        return filled(self.program, call.arguments)

    def mask_rule(self, call: Call, index: Index) -> str | None:
        """Return the rule that masks a cell, in a few words."""
        return None


def filled(text: str, values: Mapping[str, Any]) -> str:
    """Return a template with the plain values in braces put in."""
    for name, value in values.items():
        if "{" + name + "}" in text and not isinstance(value, Tensor):
            text = text.replace("{" + name + "}", _literal(value))
    return text


def _literal(value: Any) -> str:
    """Return a plain value as the language writes it."""
    if isinstance(value, float) and not isfinite(value):
        return f"float('{value}')"
    return repr(value)
