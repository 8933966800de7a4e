"""Losses, as small programs of simpler operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from llm_linalg.ops.composite import Composite
from llm_linalg.ops.operation import Call, Operation, literal

_ENDS = {"mean": ".mean()", "sum": ".sum()", "none": ""}


def _ending(call: Call, each: str) -> str:
    """Return the line that binds the loss, from the name of what each cell loses."""
    return f"loss = {each}{_ENDS[call['reduction']] or ' + 0'}"


def _of_each(lines: str, each: str) -> Callable[[Call], str]:
    """Return what writes a loss: lines that say what each cell loses, and by which name."""
    return lambda call: f"{lines}\n{_ending(call, each)}"


_SQUARED = _of_each("error = input - target\nsquare = error * error", "square")
_ABSOLUTE = _of_each("difference = input - target\nsize = difference.abs()", "size")
_BINARY = _of_each(
    "one = torch.log(input).clamp(min=-100)\nother = torch.log(1 - input).clamp(min=-100)\n"
    "each = -(target * one + (1 - target) * other)",
    "each",
)
_BINARY_LOGITS = _of_each(
    "log_share = torch.nn.functional.logsigmoid(input)\neach = (1 - target) * input - log_share", "each"
)
_CHOSEN = _of_each("chosen = input.gather(-1, target.unsqueeze(-1)).squeeze(-1)\neach = -chosen", "each")


def _binary_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of a binary cross-entropy, whose slope torch bounds where a share is 0 or 1."""
    over = f" / {max(call.tensors[0].numel(), 1)}" if call["reduction"] == "mean" else ""
    return {
        "input": f"{{d}}{over} * ({{input}} - {{target}}) / ({{input}} * (1 - {{input}})).clamp(min=1e-12)",
        "target": f"{{d}}{over} * (torch.log(1 - {{input}}) - torch.log({{input}}))",
    }


def _smooth(call: Call) -> str:
    beta = call["beta"]
    return (
        "size = (input - target).abs()\n"
        f"curve = 0.5 * size * size / {literal(beta)}\nline = size - {literal(0.5 * beta)}\n"
        f"each = torch.where(size < {literal(beta)}, curve, line)\n{_ending(call, 'each')}"
    )


def _huber(call: Call) -> str:
    delta = call["delta"]
    return (
        "size = (input - target).abs()\n"
        f"curve = 0.5 * size * size\nline = {literal(delta)} * (size - {literal(0.5 * delta)})\n"
        f"each = torch.where(size <= {literal(delta)}, curve, line)\n{_ending(call, 'each')}"
    )


def _cross_entropy(call: Call) -> str:
    """Return a cross-entropy as a program: the mean of −ln p of each row's target."""
    return (
        "log_probs = torch.log_softmax(input, dim=-1)\n"
        "chosen = log_probs.gather(-1, target.unsqueeze(-1)).squeeze(-1)\n"
        f"loss = (-chosen){_ENDS[call['reduction']]}"
    )


def _cross_entropy_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of a cross-entropy: the predicted shares minus the one-hot targets."""
    *rows, classes = call.shapes[0]
    wanted = f"torch.nn.functional.one_hot({{target}}, {classes})"
    lines = ["chances = torch.softmax({input}, dim=-1)", f"wanted = {wanted}"]
    each = call["reduction"] == "none" and rows
    over = f" / {rows[0]}" if call["reduction"] == "mean" and rows else ""
    lines.append(f"{'{d}.unsqueeze(-1)' if each else '{d}'} * (chances - wanted){over}")
    return {"input": "\n".join(lines)}


def _divergence(call: Call) -> str:
    each = "each = torch.xlogy(target, target) - target * input"
    if call["log_target"]:
        each = "each = target.exp() * (target - input)"
    if call["reduction"] == "batchmean":
        batch = "".join([f" / {size}" for size in call.shapes[0][:1]])  # a number alone is no batch
        return f"{each}\nloss = each.sum(){batch}"
    return f"{each}\n{_ending(call, 'each')}"


def _is_plain(arguments: Mapping[str, Any]) -> bool:
    """Return whether a loss weighs all cells alike, and is reduced as its `reduction` says."""
    plain = arguments.get("weight") is None and arguments.get("pos_weight") is None
    both = isinstance(arguments["input"], Tensor) and isinstance(arguments["target"], Tensor)
    by_name = arguments.get("size_average") is None and arguments.get("reduce") is None
    return plain and both and by_name and arguments["reduction"] in (*_ENDS, "batchmean")


def _has_classes(arguments: Mapping[str, Any]) -> bool:
    if not _is_plain(arguments):
        return False
    values, target = arguments["input"], arguments["target"]
    classes = target.dim() == values.dim() - 1 < 2 and not target.dtype.is_floating_point
    plain = classes and not arguments.get("label_smoothing")
    return plain and bool((target != arguments["ignore_index"]).all())


def _has_bend(arguments: Mapping[str, Any]) -> bool:
    bend = arguments.get("beta", arguments.get("delta"))
    return _is_plain(arguments) and isinstance(bend, int | float) and bend > 0


def _loss(
    name: str,
    signature: str,
    program: Callable[[Call], str],
    covers: Callable[[Mapping[str, Any]], bool] = _is_plain,
    **more: Any,
) -> Operation:
    """Return the entry of a loss; whether `_has_classes` covers a call depends on its targets."""
    by_cells = covers is _has_classes
    return Composite(name, signature, write_program=program, covers=covers, depends_on_cells=by_cells, **more)


_REDUCTION = "size_average=None, reduce=None, reduction='mean'"
_IGNORING = "size_average=None, ignore_index=-100, reduce=None, reduction='mean'"
LOSSES: tuple[Operation, ...] = (
    _loss("mse_loss", f"input, target, {_REDUCTION}, weight=None", _SQUARED),
    _loss("l1_loss", f"input, target, {_REDUCTION}, weight=None", _ABSOLUTE),
    _loss("smooth_l1_loss", f"input, target, {_REDUCTION}, beta=1.0", _smooth, _has_bend),
    _loss("huber_loss", "input, target, reduction='mean', delta=1.0, weight=None", _huber, _has_bend),
    _loss(
        "binary_cross_entropy",
        f"input, target, weight=None, {_REDUCTION}",
        _BINARY,
        vjp_for_call=_binary_vjp,
    ),
    _loss(
        "binary_cross_entropy_with_logits",
        f"input, target, weight=None, {_REDUCTION}, pos_weight=None",
        _BINARY_LOGITS,
    ),
    _loss(
        "cross_entropy",
        f"input, target, weight=None, {_IGNORING}, label_smoothing=0.0",
        _cross_entropy,
        _has_classes,
        vjp_for_call=_cross_entropy_vjp,
        vjp_explanation="All that softmax and logarithm do comes down to this: the gradient of a logit is "
        "its probability, less 1 where the class was right.",
    ),
    _loss("nll_loss", f"input, target, weight=None, {_IGNORING}", _CHOSEN, _has_classes),
    _loss("kl_div", f"input, target, {_REDUCTION}, log_target=False", _divergence),
)
