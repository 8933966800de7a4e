"""Normalisation over a batch or over groups of channels, and the running statistics that training writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import batch_norm, instance_norm

from llm_linalg.ops.composite import Composite
from llm_linalg.ops.operation import Call, Operation, literal
from llm_linalg.ops.signature import parse_signature


def _along_channels(name: str, rank: int) -> str:
    """Return the expression that lays a number for each channel along the second axis."""
    return f"{name}.view({(1, -1) + (1,) * (rank - 2)})"


def _scaled(call: Call, lines: list[str], name: str, view: int) -> str:
    """Return the program with the weight and the bias of each channel, where there are any."""
    if call.place("weight") is not None:
        lines.append(f"scaled = {name} * {_along_channels('weight', view)}")
        name = "scaled"
    if call.place("bias") is not None:
        lines.append(f"shifted = {name} + {_along_channels('bias', view)}")
    return "\n".join(lines)


def _batch_program(call: Call) -> str:
    """Return the norm over a batch, or over each of its items, as a program."""
    rank = len(call.shapes[0])
    alone = call.operation.name == "instance_norm"
    dims = (*range(2, rank),) if alone else (0, *range(2, rank))
    if call["use_input_stats" if alone else "training"] or call["running_mean"] is None:
        lines = [
            f"center = input.mean({dims}, keepdim=True)",
            f"spread = input.var({dims}, unbiased=False, keepdim=True)",
        ]
    else:
        lines = [
            f"center = {_along_channels('running_mean', rank)}",
            f"spread = {_along_channels('running_var', rank)}",
        ]
    lines.append(f"normal = (input - center) / torch.sqrt(spread + {literal(call['eps'])})")
    return _scaled(call, lines, "normal", rank)


def _group_program(call: Call) -> str:
    shape, groups = call.shapes[0], int(call["num_groups"])
    lines = [
        f"groups = input.reshape({shape[0]}, {groups}, -1)",
        "center = groups.mean(-1, keepdim=True)",
        "spread = groups.var(-1, unbiased=False, keepdim=True)",
        f"flat = (groups - center) / torch.sqrt(spread + {literal(call['eps'])})",
        f"normal = flat.reshape({shape})",
    ]
    return _scaled(call, lines, "normal", len(shape))


def _weight_program(call: Call) -> str:
    """Return a direction times a length, for each place along an axis, as a program."""
    rank, dim = len(call.shapes[0]), int(call["dim"])
    dims = tuple([axis for axis in range(rank) if dim == -1 or axis != dim % rank])
    return f"length = torch.linalg.vector_norm(v, 2, {dims}, keepdim=True)\nweight = v * (g / length)"


def _running_program(call: Call) -> str:
    """Return a running statistic after a batch in training, as a program."""
    share, alone = call["momentum"], call.operation.name == running_item_var.__name__
    reduced, places = call.operation.name.rpartition("_")[2], range(2, len(call.shapes[1]))
    lines = f"own = values.{reduced}({(*places,) if alone else (0, *places)}){'.mean(0)' if alone else ''}"
    return f"{lines}\nmoved = {literal(1 - share)} * before + {literal(share)} * own"


def _running_multiplications(call: Call) -> int:
    """Return what an update multiplies: both shares. The statistic of the batch is counted in its norm."""
    return 2 * call.tensor("before").numel()


def running_mean(before: Tensor, values: Tensor, momentum: float) -> Tensor:
    """Return the running mean after a batch in training."""
    return (1 - momentum) * before + momentum * values.mean((0, *range(2, values.dim())))


def running_var(before: Tensor, values: Tensor, momentum: float) -> Tensor:
    """Return the running variance after a batch in training."""
    return (1 - momentum) * before + momentum * values.var((0, *range(2, values.dim())))


def running_item_var(before: Tensor, values: Tensor, momentum: float) -> Tensor:
    """Return the running variance after items were normalised each by itself in training."""
    own: Tensor = values.var((*range(2, values.dim()),)).mean(0)
    return (1 - momentum) * before + momentum * own


STATISTICS: Mapping[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    update.__name__: update for update in (running_mean, running_var, running_item_var)
}
"""By name, the updates of running statistics, through which no gradient goes."""


def running_updates(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[tuple[Callable[..., Tensor], Tensor, Tensor, float]]:
    """Return what a call writes beside its result: for each, its update, itself, the batch, the momentum."""
    if function not in _UPDATES:
        return []
    given = parse_signature(_UPDATES[function]).bind(args, kwargs)
    if not given.get("training", given.get("use_input_stats")):
        return []
    spread = running_var if "training" in given else running_item_var
    statistics = ((running_mean, given["running_mean"]), (spread, given["running_var"]))
    return [(update, own, given["input"], given["momentum"]) for update, own in statistics if own is not None]


def _has_batch(arguments: Mapping[str, Any]) -> bool:
    values = arguments["input"]
    return isinstance(values, Tensor) and values.dim() > 1 and values.numel() > 0


def _has_items(arguments: Mapping[str, Any]) -> bool:
    return _has_batch(arguments) and arguments["input"].dim() > 2


_BATCH_NORM = (
    "input, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, "
    "eps=1e-05"
)
_INSTANCE_NORM = (
    "input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, "
    "eps=1e-05"
)
_UPDATES: Mapping[Callable[..., Any], str] = {
    batch_norm: _BATCH_NORM,
    torch.batch_norm: "input, weight, bias, running_mean, running_var, training, momentum, eps, "
    "cudnn_enabled",
    instance_norm: _INSTANCE_NORM,
}
BATCH_NORMS: tuple[Operation, ...] = (
    Composite(
        "batch_norm",
        _BATCH_NORM,
        spellings=("torch.nn.functional.batch_norm",),
        write_program=_batch_program,
        in_float32=True,
        covers=_has_batch,
    ),
    Composite(
        "group_norm",
        "input, num_groups, weight=None, bias=None, eps=1e-05",
        write_program=_group_program,
        in_float32=True,
        covers=_has_batch,
    ),
    Composite(
        "instance_norm",
        _INSTANCE_NORM,
        spellings=("torch.nn.functional.instance_norm",),
        write_program=_batch_program,
        in_float32=True,
        covers=_has_items,
    ),
    Composite(
        "weight_norm",
        "v, g, dim=0",
        spellings=("torch._weight_norm",),
        write_program=_weight_program,
        in_float32=True,
    ),
    *(
        Composite(
            update.__name__,
            "before, values, momentum",
            functions=(update,),
            write_program=_running_program,
            multiplications_for_call=_running_multiplications,
        )
        for update in STATISTICS.values()
    ),
)
