"""Recurrent layers as programs: a step for each position, each from the state after the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor

from llm_linalg.ops.composite import Composite
from llm_linalg.ops.movement import Movement
from llm_linalg.ops.operation import Call, Operation, Price
from llm_linalg.ops.reads import OpaqueReads, Reads, reads_nothing

_KINDS = ("rnn_tanh", "rnn_relu", "gru", "lstm")


def _products(weights: list[str], biased: bool) -> tuple[str, str]:
    """Return the expressions of a step's two products: of the input x, and of the state h."""
    first, second, *biases = weights
    own, before = (f" + {name}" for name in biases) if biased else ("", "")
    return f"x @ {first}.T{own}", f"h @ {second}.T{before}"


def _step(kind: str, weights: list[str], biased: bool) -> list[str]:
    """Return the lines of a step from the input x and the state h (and c) to the next state."""
    given, kept = _products(weights, biased)
    if kind == "gru":
        return [
            f"xr, xz, xn = ({given}).chunk(3, -1)",
            f"hr, hz, hn = ({kept}).chunk(3, -1)",
            "reset = torch.sigmoid(xr + hr)",
            "keep = torch.sigmoid(xz + hz)",
            "new = torch.tanh(xn + reset * hn)",
            "h = (1 - keep) * new + keep * h",
        ]
    if kind == "lstm":
        return [
            f"into, keep, new, out = ({given} + {kept}).chunk(4, -1)",
            "c = torch.sigmoid(keep) * c + torch.sigmoid(into) * torch.tanh(new)",
            "h = torch.sigmoid(out) * torch.tanh(c)",
        ]
    return [f"h = torch.{kind.removeprefix('rnn_')}({given} + {kept})"]


def _layers(call: Call) -> str:
    """Return a recurrent layer as a program; of packed sequences the last steps have fewer rows."""
    kind, biased = call.operation.name, bool(call["has_biases"])
    sizes = call.tensor("batch_sizes").tolist() if "batch_sizes" in call.arguments else None
    axis = int(bool(call.arguments.get("batch_first")))
    each, ways, layers = 4 if biased else 2, 2 if call["bidirectional"] else 1, int(call["num_layers"])
    start, join = "hx_0" if kind == "lstm" else "hx", "stack" if sizes is None else "cat"
    apart = "unbind(0)" if sizes is None else f"split({sizes})"
    lines = [f"steps = input.unbind({axis})" if sizes is None else f"steps = data.{apart}", "hs, cs = [], []"]
    for place in range(min(ways * layers, len(call.places["params"]) // each)):  # what there are weights for
        step = _step(kind, [f"params_{each * place + own}" for own in range(each)], biased)
        states = {"h": f"{start}[{place}]", **({"c": f"hx_1[{place}]"} if kind == "lstm" else {})}
        is_turned = ways == 2 and place % 2 == 1
        if sizes is not None:
            lines += _packed_steps(step, states, sizes, is_turned)
        else:
            lines += [f"{name} = {first}" for name, first in states.items()]
            lines += ["made = []", "turned = steps[::-1]", f"for x in {'turned' if is_turned else 'steps'}:"]
            lines += [
                f"    {line}" for line in [*step, f"made = {'[h] + made' if is_turned else 'made + [h]'}"]
            ]
        lines += [f"{name}s = {name}s + [{name}]" for name in states]
        if ways == 1:
            lines.append("steps = made")
        elif not is_turned:
            lines.append("first = made")
        else:
            lines += [
                f"both = torch.cat([torch.{join}(first), torch.{join}(made)], -1)",
                f"steps = both.{apart}",
            ]
    output = f"torch.stack(steps, {axis})" if sizes is None else "torch.cat(steps)"
    return "\n".join(
        [*lines, (f"output = {output}", "last = torch.stack(hs)", "cell = torch.stack(cs)")[call.position]]
    )


def _packed_steps(step: list[str], states: Mapping[str, str], sizes: list[int], is_turned: bool) -> list[str]:
    """Return the lines of the steps of packed sequences: they end one after the other, or begin so."""
    lines, rows = ["made = []"], sizes[-1] if is_turned else sizes[0]
    lines += [f"{name} = {first}[:{rows}]" for name, first in states.items()]
    ended: list[int] = []
    for place, size in list(enumerate(sizes))[:: -1 if is_turned else 1]:
        if size > rows:
            lines += [
                f"{name} = torch.cat([{name}, {first}[{rows}:{size}]])" for name, first in states.items()
            ]
        if size < rows:
            ended.insert(0, place)
            for name in states:
                lines += [f"{name}_{place} = {name}[{size}:]", f"{name} = {name}[:{size}]"]
        rows = size
        lines += [f"x = steps[{place}]", *step, f"made = {'[h] + made' if is_turned else 'made + [h]'}"]
    for name in states if ended else ():
        lines.append(f"{name} = torch.cat([{name}, {', '.join(f'{name}_{place}' for place in ended)}])")
    return lines


def _cell(call: Call) -> str:
    """Return a recurrent cell as a program."""
    kind = call.operation.name.removesuffix("_cell")
    biased = call.place("b_ih") is not None
    lines = [
        "x = input",
        "h = hx_0" if kind == "lstm" else "h = hx",
        *(["c = hx_1"] if kind == "lstm" else []),
    ]
    lines += _step(kind, ["w_ih", "w_hh", "b_ih", "b_hh"][: 4 if biased else 2], biased)
    if kind == "lstm" and call.position:
        lines.append("cell = c * 1")
    return "\n".join(lines)


def _is_plain(arguments: Mapping[str, Any]) -> bool:
    """Return whether a layer drops nothing, has a batch of sequences, and no projection."""
    values = arguments["data" if "data" in arguments else "input"]
    drops = arguments["dropout"] and arguments["train"]
    weights = (4 if arguments["has_biases"] else 2) * (2 if arguments["bidirectional"] else 1)
    fits = len(arguments["params"]) == weights * arguments["num_layers"]
    return fits and values.dim() == (2 if "data" in arguments else 3) and values.numel() > 0 and not drops


_TERMS = "params, has_biases, num_layers, dropout, train, bidirectional"


def _has_rows(arguments: Mapping[str, Any]) -> bool:
    values = arguments["input"]
    return isinstance(values, Tensor) and values.dim() == 2 and values.numel() > 0


def _layer(kind: str) -> Operation:
    """Return the entry of a layer, for which torch is asked in two ways: packed sequences have lengths."""
    packed = Composite(
        kind,
        f"data, batch_sizes, hx, {_TERMS}",
        write_program=_layers,
        covers=_is_plain,
        depends_on_cells=True,
    )
    return Composite(
        kind,
        f"input, hx, {_TERMS}, batch_first",
        write_program=_layers,
        covers=_is_plain,
        other_for=lambda arguments: None if isinstance(arguments["has_biases"], bool) else packed,
    )


def _lengths_reads(call: Call) -> tuple[Reads, ...] | None:
    """Return the reads of what comes with sequences that are packed or padded: only lengths go into it."""
    if not call.position:
        return None
    (cells, lengths) = call.shapes
    return reads_nothing(call.shape, cells), OpaqueReads(call.shape, lengths)


def _padded_positions(call: Call, tensors: Sequence[Tensor]) -> Tensor:
    """Return padded sequences of numbered cells, with 0 as what they are padded with."""
    padded: Tensor = call.function(*tensors, call["batch_first"], 0, call["total_length"])[0]
    return padded


def _padded_price(call: Call) -> Price:
    """Return what padding takes: all sequences as long as the longest, or longer."""
    sizes = call.tensor("batch_sizes")
    longest = max(sizes.numel(), int(call["total_length"] or 0))
    return Price(longest * (int(sizes[0]) if sizes.numel() else 0) * prod(call.shapes[0][1:]))


RECURRENT: tuple[Operation, ...] = (
    *map(_layer, _KINDS),
    Movement(
        "pack_padded_sequence",
        "input, lengths, batch_first",
        spellings=("torch._pack_padded_sequence",),
        reads_for_call=_lengths_reads,
        depends_on_cells=True,
    ),
    Movement(
        "pad_packed_sequence",
        "data, batch_sizes, batch_first, padding_value, total_length",
        spellings=("torch._pad_packed_sequence",),
        data=("data",),
        positions=_padded_positions,
        price_for_call=_padded_price,
        reads_for_call=_lengths_reads,
        depends_on_cells=True,
    ),
    *(
        Composite(
            f"{kind}_cell",
            "input, hx, w_ih, w_hh, b_ih=None, b_hh=None",
            write_program=_cell,
            covers=_has_rows,
        )
        for kind in _KINDS
    ),
)
