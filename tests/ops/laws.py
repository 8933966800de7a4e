"""Laws that every operation of the table keeps, whatever it is called with: torch is the oracle."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from itertools import product
from math import prod
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from llm_linalg import Node, Trace, Walk, trace
from llm_linalg.analysis.axis_names import AxisNaming
from llm_linalg.base.axis_labels import AxisDeclarations
from llm_linalg.explain.formula import walk_of
from llm_linalg.ops import TABLE
from llm_linalg.ops.batch_norms import STATISTICS
from llm_linalg.ops.composite import Composite
from llm_linalg.ops.fallback import FallbackOperation
from llm_linalg.ops.movement import Movement
from llm_linalg.ops.operation import price_of
from llm_linalg.ops.pointwise import Pointwise
from llm_linalg.ops.vjp import has_gradient
from tests.common import known
from tests.ops.drawing import Sample, values

Index = tuple[int, ...]


class Traced(NamedTuple):
    """A sample, traced once for all laws.

    Attributes:
        sample: The call and its inputs, which are `inputs_0`, `inputs_1`, … of the trace.
        trace: Of the call and of a number that its result goes into.
        own: The nodes of the call, its inputs among them.
        nodes: Those of the operation: one for each output.
        seed: Of random masks.
    """

    sample: Sample
    trace: Trace
    own: list[Node]
    nodes: list[Node]
    seed: int


def traced(name: str, sample: Sample, seed: int = 0) -> Traced:
    """Traces a sample of an operation."""

    def loss(*inputs: Tensor) -> Tensor:
        return weighed(sample.function(*inputs))

    t = trace(loss, *sample.inputs)
    end = next(node.index for node in t.nodes if node.op == "zeros" and node.shape == ())
    own = [node for node in t.nodes if node.index < end]
    found = [node for node in own if node.op == name]
    assert found, name
    return Traced(sample, t, own, found, seed)


def weighed(result: Any) -> Tensor:
    """Returns a number that each cell of a result goes into, each with another weight."""
    outputs = [result] if isinstance(result, Tensor) else list(result)
    total = torch.zeros((), dtype=torch.float64)
    for place, made in enumerate(outputs):
        output = torch.view_as_real(made.resolve_conj()) if made.is_complex() else made
        if output.is_floating_point():
            total = total + (output * values(tuple(output.shape), 90 + place)).sum()
    return total


def cells(shape: Index) -> list[Index]:
    return list(product(*map(range, shape)))


KINDS = {operation.kind for operation in TABLE.operations.values()} | {"opaque", "matrix"}


def law_kind_and_evidence(call: Traced) -> None:
    """A node is of the kind that the table says, and its reads are proved as it says."""
    for node in call.nodes:
        entry = TABLE.operations[node.op]
        entry = node.call.operation if node.call and entry.name == node.call.operation.name else entry
        if isinstance(entry, FallbackOperation):
            assert node.evidence in ("autograd", "opaque")
        else:
            assert node.evidence == entry.evidence
        assert node.kind == entry.kind
        assert node.kind in KINDS


def law_a_call_gives_its_value_again(call: Traced) -> None:
    """Made again on what went into it, a call gives what it gave."""
    for node in call.nodes:
        if node.kind != "creation":
            own = known(node.call)
            made = own.replay([tensor.clone() for tensor in own.tensors])
            assert (made.shape, made.dtype) == (node.shape, node.value.dtype)
            assert torch.allclose(made, node.value, equal_nan=True)


def law_feeds_invert_reads(call: Traced) -> None:
    """A cell feeds those that read it, each once, and no others."""
    for node in call.nodes:
        _inverse(node)


def _inverse(node: Node) -> None:
    for place, operand in enumerate(node.operands):
        shape = tuple(operand.value.shape)
        read = {cell: node.reads(cell)[place] for cell in cells(node.shape)}
        for cell, own in read.items():
            assert set(own) <= set(cells(shape))
            assert len(own) == len(set(own))
            assert all(index in own for index in own)
            assert all(cell in node.feeds(place, index) for index in own)
        for index in cells(shape):
            fed = node.feeds(place, index)
            assert set(fed) == {cell for cell, own in read.items() if index in own}
            assert len(fed) == len(set(fed))


def law_masks_follow_reads(call: Traced) -> None:
    """What a mask of cells reads, and feeds, is what its cells do."""
    generator = torch.Generator().manual_seed(call.seed)
    for node in call.nodes:
        _masks(node, generator)


def _masks(node: Node, generator: torch.Generator) -> None:
    for place, relation in enumerate(node.operand_reads):
        shape = tuple(node.operands[place].value.shape)
        out = torch.rand(node.shape, generator=generator) < 0.3
        own = torch.rand(shape, generator=generator) < 0.3
        back, forward = relation.back(out), relation.forward(own)
        assert (back.dtype, tuple(back.shape)) == (torch.bool, shape)
        assert (forward.dtype, tuple(forward.shape)) == (torch.bool, node.shape)
        reads = [node.reads(tuple(cell))[place] for cell in out.nonzero().tolist()]
        feeds = [node.feeds(place, tuple(cell)) for cell in own.nonzero().tolist()]
        assert {tuple(cell) for cell in back.nonzero().tolist()} == set().union(*reads)
        assert {tuple(cell) for cell in forward.nonzero().tolist()} == set().union(*feeds)


EXACT = {"contraction", "movement"}
EXACT_OPS = {
    "add",
    "sub",
    "mul",
    "sum",
    "mean",
    "cumsum",
    "triu",
    "tril",
    "masked_fill",
    "where",
    "exp",
}


def law_reads_match_perturbation(call: Traced) -> None:
    """What changes when a cell does, read it; of exact operations, nothing else did."""
    for node in call.nodes:
        for place, operand in enumerate(node.operands):
            if operand.value.is_floating_point() and node.kind != "creation":
                _perturbed(node, place)


def _perturbed(node: Node, place: int) -> None:
    exact = node.kind in EXACT or node.op in EXACT_OPS
    for cell in cells(tuple(node.operands[place].value.shape))[:9]:
        fed = set(node.feeds(place, cell))
        moved = [changed(node, place, cell, by) for by in (0.1234, 87.65, -91.2)]
        assert set().union(*moved) <= fed
        if exact and "round" not in str(node.call.kwargs if node.call else ""):
            assert moved[0] == fed


def changed(node: Node, place: int, cell: Index, by: float) -> set[Index]:
    """Returns the result's cells that change when a cell of an operand does, by torch itself."""
    assert node.call is not None
    tensors = [tensor.clone() for tensor in node.call.tensors]
    tensors[place][cell] += by
    if node.op == "setitem":
        result = tensors[0]
        result[node.call["key"]] = tensors[1] if len(tensors) > 1 else node.call["value"]
    else:
        try:
            result = node.call.replay(tensors)
        except RuntimeError:  # such as a Cholesky factor of what is no longer positive
            return set()
    if result.shape != node.value.shape:  # as many as are found
        return set(cells(node.shape))
    before = node.value
    if node.op.startswith("running"):  # torch has rounded otherwise
        before = node.call.replay(node.call.tensors)
    return {tuple(index) for index in differs(result, before).nonzero().tolist()}


def differs(one: Tensor, other: Tensor) -> Tensor:
    return (one != other) & ~((one != one) & (other != other))


def law_masked_cells_read_nothing(call: Traced) -> None:
    """A cell that a mask hides reads none of what it hides, and names the rule."""
    for node in call.nodes:
        if node.op in ("triu", "tril", "masked_fill", "where"):
            _masked(node)


def _masked(node: Node) -> None:
    floats = [place for place, operand in enumerate(node.operands) if operand.value.is_floating_point()]
    for cell in cells(node.shape):
        rule = node.mask_rule(cell)
        if node.op == "where" and len(node.operands) == 3:
            assert rule is None
        elif rule is None:
            assert any(node.reads(cell)[place] for place in floats)
        elif node.op != "where" and len(node.operands) < 3:
            assert not any(node.reads(cell)[place] for place in floats)
            assert rule.strip() == rule
            assert len(rule) > 8
            if node.op in ("triu", "tril"):  # `j ≥ i - 1: 0 ≥ 2 - 1 is false`
                said, _, truth = rule.partition(": ")[2].partition(" is ")
                holds = eval(said.replace("≥", ">=").replace("≤", "<="))  # noqa: S307 - numbers of ours
                assert (holds, truth) == (False, "false")


def law_shape_rule(call: Traced) -> None:
    """The rule says the shape that torch gives, and its bounds are none below zero."""
    for node in call.nodes:
        assert node.call is not None
        operation = node.call.operation
        shape = operation.infer(node.call)
        assert shape is None or shape == node.shape or node.op == "topk"
        price = operation.price(node.call, node.shape)
        assert min(price) >= 0
        assert price.outputs >= 1 or not node.value.numel()
        if operation.output_count_for_call is not None:
            assert price.outputs == len(node.call.replay_all(node.call.tensors))


def law_gradient(call: Traced) -> None:
    """The gradient program and influence give what autograd does; where torch raises, they refuse."""
    if not any(map(has_gradient, call.sample.inputs)):
        return
    last = call.trace.nodes[-1]
    try:
        wanted = gradients(lambda *inputs: weighed(call.sample.function(*inputs)), call.sample.inputs)
    except RuntimeError:
        for ask in (call.trace.backward, lambda node: call.trace.influence(node, ())):
            with pytest.raises(LookupError):
                ask(last)
        return
    program, influence = call.trace.backward(last), call.trace.influence(last, ())
    for place, gradient in enumerate(wanted):
        if has_gradient(call.sample.inputs[place]):
            same(program, f"inputs_{place}", gradient)
            found = influence.get(call.trace[f"inputs_{place}"])
            assert alike(found, gradient)


# They view memory where they can, or view so little of it that a copy may be large.
MAY_COPY = {"contiguous", "flatten", "ravel", "reshape", "reshape_as", "unflatten"}
MAY_COPY |= {"broadcast_to", "expand", "expand_as"}


def law_price_covers_what_is_made(call: Traced) -> None:
    """A call's price, where a rule tells its shape, is no less than what it makes, but for views."""
    for node in call.nodes:
        assert node.call is not None
        price, operation = price_of(node.call), node.call.operation
        assert price is not None
        picks = operation.name == "getitem" and _share_memory(node.value, node.call.tensors[0])
        views = isinstance(operation, Movement) and (operation.views or picks)
        unknown = operation.infer(node.call) is None
        assert price.cells >= node.value.numel() or views or unknown
        shared = isinstance(operation, Movement) and _share_memory(node.value, node.call.tensors[0])
        assert not price.cells or not shared or operation.name in MAY_COPY or not node.value.numel()
        assert price.products == node.multiplications or not operation.name.startswith("conv")
        assert price.products >= (node.multiplications or 0) or operation.name != "grouped_mm"


def law_products_take_what_torch_makes(call: Traced) -> None:
    """A sum of products takes one multiplication less a term than factors, and torch's largest tensor."""
    for node in call.nodes:
        own, price = known(node.call), known(price_of(known(node.call)))
        if node.kind == "matrix" and len(own.shapes) == 1:
            cells, side = prod(own.shapes[0]), max(own.shapes[0][-2:])
            assert own.operation.price(own, node.shape)[:2] == (cells + prod(node.shape), 10 * cells * side)
        if node.kind == "contraction":
            walk, made = node.walk("cells"), Made()  # type: ignore[no-untyped-call]
            factors = [len(term.factors) for k in range(len(walk)) for term in walk[k].terms]
            assert node.multiplications == sum(count - 1 for count in factors)
            beside = own.operation.bias_position(own) is not None
            assert price.products == len(factors) - beside * prod(node.shape)
            with made:
                own.replay([tensor.clone() for tensor in own.tensors])
            if prod(node.shape) and node.op != "tensordot":  # it sums up first what it would have to repeat
                assert price.cells == max(made.most, *map(prod, own.shapes))


class Made(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes how many cells the largest tensor has that torch makes."""

    most: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.most = max(self.most, result.untyped_storage().nbytes() // result.element_size())
        return result


def _share_memory(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def gradients(function: Any, inputs: tuple[Tensor, ...]) -> list[Tensor | None]:
    """Returns autograd's gradients."""
    leaves = [x.clone().requires_grad_(has_gradient(x)) for x in inputs]
    loss = function(*leaves)
    wanted = [x for x in leaves if x.requires_grad]
    if not loss.requires_grad:
        return [None] * len(inputs)
    found = iter(torch.autograd.grad(loss, wanted, allow_unused=True))
    return [next(found) if x.requires_grad else None for x in leaves]


def same(program: Trace, name: str, wanted: Tensor | None) -> None:
    assert alike(program[f"d{name}"].value if f"d{name}" in program else None, wanted)


def alike(found: Tensor | None, wanted: Tensor | None) -> bool:
    """Returns whether two gradients are the same; None is one of zeros."""
    if found is None or wanted is None:
        return not any(own is not None and own.any() for own in (found, wanted))
    kinds = {(own.shape, own.dtype) for own in (found, wanted)}
    return len(kinds) == 1 and torch.allclose(found, wanted, rtol=1e-6, atol=1e-9, equal_nan=True)


def law_walk(call: Traced) -> None:
    """Under each order the steps cover the result, read what its cells read, and add up to it."""
    for node in call.nodes:
        assert node.orders[0] == "cells"
        assert len(set(node.orders)) == len(node.orders)
        for order in node.orders:
            walk = node.walk(order)
            for check in (_covers, _reads, _adds_up, _looks):
                check(walk)


def _covers(walk: Walk) -> None:
    """All steps together write each cell, as often as the order says, and `locate` finds the first."""
    node, written = walk.node, Counter[Index]()
    first: dict[Index, int] = {}
    for k in range(len(walk)):
        writes = list(walk[k].writes)
        assert len(writes) == len(set(writes)) == len(walk[k].writes)
        assert all(cell in walk[k].writes for cell in writes)
        written.update(writes)
        for cell in writes:
            first.setdefault(cell, k)
    terms = node.term_count if walk.order in ("terms", "outer") else 1
    assert terms is not None
    assert written == Counter(dict.fromkeys(cells(node.shape), terms)) if terms else not written
    for cell, k in first.items():
        assert walk.locate(cell) == k
        assert walk.state(k - 1, cell) == "pending"
        last = walk.span(cell)[1]
        assert cell in walk[last].writes
        assert {walk.state(k, cell), walk.state(last, cell)} == {"current"}
        assert walk.state(last + 1, cell) == "done"


def _reads(walk: Walk) -> None:
    """A step reads what its cells read; the terms of a cell read it part by part."""
    node = walk.node
    by_cell: dict[Index, list[set[Index]]] = {}
    for k in range(len(walk)):
        step = walk[k]
        own: list[set[Index]] = [set() for _ in node.operands]
        for cell in step.writes:
            for place, found in enumerate(node.reads(cell)):
                own[place] |= set(found)
        assert len(step.reads) == len(node.operands)
        for place, found in enumerate(step.reads):
            if walk.order in ("terms", "outer"):
                assert set(found) <= own[place]
            else:
                assert set(found) == own[place]
            for cell in step.writes:
                by_cell.setdefault(cell, [set() for _ in node.operands])[place] |= set(found)
    if walk.order == "terms":
        for cell, parts in by_cell.items():
            assert parts == [set(found) for found in node.reads(cell)]


def _adds_up(walk: Walk) -> None:
    """A step's value is the sum of the terms up to it, and the last one's is the node's."""
    node = walk.node
    for k in range(len(walk)):
        step = walk[k]
        if walk.order not in ("cells", "terms"):
            assert step.value is None
            assert tuple(step.terms) == ()
            assert step.current is None
            continue
        (cell,) = step.writes
        assert node.term_count is None or len(step.terms) == node.term_count
        states = [term.state for term in step.terms]
        assert states == sorted(states, key=["done", "current", "pending"].index)
        if states:
            assert states.count("current") == 1
            assert step.current == states.index("current")
            assert repr(step.terms[-1]) == repr(list(step.terms)[-1])  # nan equals nothing
        else:
            assert step.current is None
        signed = node.call is not None and bool(getattr(node.call.operation, "signs", ()))
        if node.term_count or signed:
            total = sum(term.value for term in step.terms if term.state != "pending")
            assert close(total, step.value)
            if node.value.dtype.is_floating_point:
                for term in step.terms:
                    assert close(prod(term.factors), term.value)
        if k in (walk.span(cell)[1], walk.locate(cell)) and k == walk.span(cell)[1]:
            assert close(node.value[cell].item(), step.value)


def _looks(walk: Walk) -> None:
    """A window after a step holds what is done, what is under way, and None for the rest, small or whole."""
    node = walk.node
    rows = node.shape[-2] if len(node.shape) > 1 else 1
    columns = node.shape[-1] if node.shape else 1
    for k in {-1, 0, len(walk) // 2, len(walk) - 1} & set(range(-1, len(walk))):
        for at in product(*map(range, node.shape[:-2])):
            shown = walk.values(k, at, range(rows), range(columns))
            assert [len(row) for row in shown] == [columns] * rows
            for r, c in product(range(rows), range(columns)):
                cell = (*at, r, c)[-len(node.shape) :] if node.shape else ()
                state = walk.state(k, cell)
                assert (shown[r][c] is None) == (state == "pending")
                if state == "done" or (state == "current" and k == walk.span(cell)[1]):
                    assert close(shown[r][c], node.value[cell].item(), exact=True)
                elif state == "current" and walk.order == "terms":
                    assert close(shown[r][c], walk[k].value)
                elif state == "current":
                    cells_walk = walk_of(node, "terms")
                    done = k - walk.locate(cell)
                    assert close(shown[r][c], cells_walk[cells_walk.locate(cell) + done].value)
            part = walk.values(k, at, range(rows)[rows // 2 :], range(columns)[1:3])
            for own, whole in zip(part, shown[rows // 2 :], strict=True):
                assert all(map(close, own, whole[1:3]))
                assert len(own) == len(whole[1:3])


def close(one: Any, other: Any, exact: bool = False) -> bool:
    if isinstance(one, bool | int) or one is None or exact:
        return bool(one == other or (one != one and other != other))
    if isinstance(one, complex) and isinstance(other, complex):
        return close(one.real, other.real) and close(one.imag, other.imag)
    return float(one) == pytest.approx(float(other), rel=1e-4, abs=1e-5, nan_ok=True)


def law_formula_is_one_clean_line(call: Traced) -> None:
    """All that a node says of itself is one line, whatever its numbers are."""
    for node in call.own:
        described(node)


# What stands in a phrase, and how Python writes it.
ARITHMETIC = {"·": "*", "^": "**", "²": "**2", "⌊": "floor(", "⌋": ")", " xor ": " ^ "}
FUNCTIONS = {name: getattr(math, name) for name in ("exp", "floor", "trunc", "inf", "nan")}


def law_phrase_computes_the_cell(call: Traced) -> None:
    """A phrase that is arithmetic gives the cell's number, with the numbers that stand in it."""
    for node in call.nodes:
        own = node.call
        if own is None or not isinstance(own.operation, Pointwise) or node.value.is_complex():
            continue
        text, _, dtype = own.operation.phrase_for(own).partition(" as ")
        if " is " in text:  # it is a fact, and no number
            continue
        for sign, written in ARITHMETIC.items():
            text = text.replace(sign, written)
        for index in cells(node.shape):
            numbers = own.operation.values(own, index).items()
            written = text.format_map({name: f"({value!r})" for name, value in numbers})
            try:
                made = eval(written, FUNCTIONS)  # noqa: S307 - of our own table
            except (NameError, SyntaxError, TypeError):  # it is no arithmetic, but a name
                break
            except (ValueError, OverflowError, ZeroDivisionError):  # as of log(0)
                continue
            if dtype:
                made = torch.tensor(made).to(getattr(torch, dtype)).item()
            rounded = torch.tensor(made).to(node.value.dtype).item()
            assert close(node.value[index].item(), rounded), text


def described(node: Node) -> None:
    """Holds all that a node says of itself against what a line must be."""
    assert is_line(node.shape_line)
    for order in node.orders:
        assert is_line(node.sentence(order))
        walk = node.walk(order)
        for step in (walk[k] for k in {0, len(walk) // 2, len(walk) - 1} & set(range(len(walk)))):
            assert is_line(step.text)
            assert len(step.text) < 1000
            assert "{" not in step.text
    if node.value.numel():
        cell = tuple(size - 1 for size in node.shape)
        walk = node.walk("cells")
        assert is_line(walk[walk.locate(cell)].text)


def is_line(text: str) -> bool:
    return bool(text.strip()) and not any(unicodedata.category(char) in ("Cc", "Cf", "Zl") for char in text)


OPENED = sorted(
    name
    for name, operation in TABLE.operations.items()
    if operation.program or isinstance(operation, Composite)
)


def law_parts(call: Traced) -> None:
    """The parts of a composite give what the whole gives."""
    for node in call.nodes:
        if node.op in OPENED and node.kind not in ("measured", "movement"):
            opened(node)


SIZES = ("offs", "batch_sizes")  # parameters whose numbers say what the parts are


def opened(node: Node) -> None:
    """Holds a node's parts against the node."""
    assert node.parts
    last = node.parts[-1]
    assert last.shape == node.shape
    assert torch.allclose(last.value, node.value, rtol=1e-5, atol=1e-6, equal_nan=True)
    sizes = [place for name in SIZES if node.call for place in node.call.places.get(name, ())]
    own = {operand.node for place, operand in enumerate(node.operands) if place not in sizes}
    used = {operand.node for part in node.parts for operand in part.operands}
    later = node.call is not None and node.call.position > 0  # such as the velocity of a step
    assert own <= used or later
    inner = set(node.parts)
    assert used - inner == own or (later and used - inner < own)
    for part in node.parts:
        assert part.evidence in ("rule", "index")
        for order in part.orders:
            walk = part.walk(order)
            assert all(walk[k].text for k in range(min(len(walk), 2)))


ALONG_A_ROW = {"softmax", "log_softmax", "layer_norm", "rms_norm", "normalize", "cumsum", "cumprod"}
ALONG_A_ROW |= {"cummax", "cummin", "logcumsumexp"}
DRAWN = {"normal", "bernoulli", "poisson", "binomial", "multinomial"}


def law_labels_keep_to_their_rows(call: Traced) -> None:
    """Whatever else an operand holds elsewhere, a row with one of its labels stays as it is."""
    if not all(x.is_floating_point() for x in call.sample.inputs):
        return
    # Their means, or lengths, are those of all rows.
    norms = {"batch_norm", *STATISTICS, "instance_norm", "weight_norm"}
    if {node.op for node in call.nodes} & (DRAWN | norms):
        return
    naming = declared(call.trace, len(call.sample.inputs))
    for node in [node for node in call.own if node.operands][-1:]:
        if len({operand.node for operand in node.operands}) < len(node.operands):
            return  # x @ x: its rows are those of the first, and it reads all of the second
        for axis, edge in enumerate(naming.of(node)):
            for i, label in enumerate(edge.labels):
                if label:
                    _held(call.sample, node, axis, i, label)


def declared(t: Trace, count: int) -> AxisNaming:
    """Names every place of every axis of the inputs: ``0:1:2`` is operand 0, axis 1, place 2."""
    axes = [
        (f"inputs_{p}", tuple(f"{p}:{b}" for b in range(len(t[f"inputs_{p}"].shape)))) for p in range(count)
    ]
    labels = [
        (name, tuple(f"{name}:{j}" for j in range(t[tensor].shape[b])))
        for tensor, names in axes
        for b, name in enumerate(names)
    ]
    return AxisNaming(AxisDeclarations(tuple(axes), tuple(labels)), {})


def _held(sample: Sample, node: Node, axis: int, i: int, label: str) -> None:
    operand, own, place = map(int, label.split(":"))
    if node.op in ALONG_A_ROW:
        assert node.shape == tuple(sample.inputs[operand].shape)
        assert (axis, i) == (own, place)
        return
    position = node.call.position if node.call else 0
    assert not moved(sample, position, operand, own, place).select(axis, i).any()


def moved(sample: Sample, output: int, operand: int, axis: int, place: int) -> Tensor:
    """Returns an output's cells that change when an operand does anywhere but at a place of an axis."""
    other = [x.clone() for x in sample.inputs]
    outside = torch.arange(other[operand].shape[axis]) != place
    changed = other[operand].movedim(axis, 0)
    changed[outside] = changed[outside] * 0.5 + 0.25
    results = [sample.function(*given) for given in (sample.inputs, other)]
    before, after = (x if isinstance(x, Tensor) else x[output] for x in results)
    return torch.ne(before, after) & ~(before.isnan() & after.isnan())


LAWS = tuple(law for name, law in globals().items() if name.startswith("law_"))
