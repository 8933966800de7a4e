"""Recurrent layers as programs: a step for each position, each from the state after the one before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from llm_linalg.ops.composite import Composite
from llm_linalg.ops.operation import Call, Operation

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
    """Return a recurrent layer as a program."""
    kind = call.operation.name
    axis, biased = int(bool(call["batch_first"])), bool(call["has_biases"])
    each = 4 if biased else 2
    lines = [f"steps = input.unbind({axis})", "hs, cs = [], []"]
    layers = min(int(call["num_layers"]), len(call.places["params"]) // each)  # what there are weights for
    for layer in range(layers):
        weights = [f"params_{each * layer + place}" for place in range(each)]
        start = "hx_0" if kind == "lstm" else "hx"
        lines += [f"h = {start}[{layer}]", *([f"c = hx_1[{layer}]"] if kind == "lstm" else [])]
        lines += ["made = []", "for x in steps:"]
        lines += [f"    {line}" for line in [*_step(kind, weights, biased), "made = made + [h]"]]
        lines += ["steps = made", "hs = hs + [h]", *(["cs = cs + [c]"] if kind == "lstm" else [])]
    ends = [f"output = torch.stack(steps, {axis})", "last = torch.stack(hs)", "cell = torch.stack(cs)"]
    return "\n".join([*lines, ends[call.position]])


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
    """Return whether a layer goes one way, drops nothing, and has sequences side by side."""
    values = arguments["input"]
    if not isinstance(values, Tensor) or not isinstance(arguments["batch_first"], bool):
        return False  # packed sequences come with their lengths in other places
    drops = arguments["dropout"] and arguments["train"]
    return values.dim() == 3 and values.numel() > 0 and not (drops or arguments["bidirectional"])


def _has_rows(arguments: Mapping[str, Any]) -> bool:
    values = arguments["input"]
    return isinstance(values, Tensor) and values.dim() == 2 and values.numel() > 0


RECURRENT: tuple[Operation, ...] = (
    *(
        Composite(
            kind,
            "input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first",
            write_program=_layers,
            covers=_is_plain,
        )
        for kind in _KINDS
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
