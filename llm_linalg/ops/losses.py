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


def _class_axis(call: Call) -> int:
    """Return the axis of the classes: the second, of several examples, and the last of one or of rows."""
    return 1 if len(call.shapes[0]) > 2 else -1


def _class_count(call: Call) -> int:
    return max(call.shapes[0][_class_axis(call)], 1)


def _ignored(call: Call) -> str:
    """Return the lines that set aside the rows whose target is to be ignored; "" if there are none."""
    ignored = call["ignore_index"]
    if not (call.tensor("target") == ignored).any():
        return ""
    return f"ignored = target == {literal(ignored)}\nplace = target.masked_fill(ignored, 0)"


def _chosen(call: Call, log_probs: str = "input") -> str:
    """Return a loss as a program: −ln p of each row's target, and the mean of all that are not ignored."""
    axis, smoothing, ignored = _class_axis(call), call.arguments.get("label_smoothing"), _ignored(call)
    place, count = ("place", "ignored.logical_not()") if ignored else ("target", "")
    lines, loss = [ignored] if ignored else [], "(-chosen)"
    lines.append(f"chosen = {log_probs}.gather({axis}, {place}.unsqueeze({axis})).squeeze({axis})")
    if call["weight"] is not None:
        count, loss = "weights", "(-chosen * weights)"
        lines.append(f"weights = weight[{place}]{'.masked_fill(ignored, 0)' if ignored else ''}")
    if smoothing:
        lines.append(f"others = {log_probs}.mean({axis})")
        loss = f"-(chosen * {literal(1 - smoothing)} + others * {literal(smoothing)})"
    if ignored:
        lines.append(f"each = ({loss}).masked_fill(ignored, 0)")
        loss = "each"
    end = f".sum() / {count}.sum()" if count and call["reduction"] == "mean" else _ENDS[call["reduction"]]
    return "\n".join([*lines, f"loss = {loss}{end}"])


def _shared(call: Call, log_probs: str) -> str:
    """Return a loss as a program: −ln p of all classes, in the shares in which each row wants them."""
    axis, smoothing, lines, wanted = _class_axis(call), call["label_smoothing"], [], "target"
    if smoothing:
        wanted = "wanted"
        lines = [f"wanted = target * {literal(1 - smoothing)} + {literal(smoothing / _class_count(call))}"]
    return "\n".join([*lines, f"each = -({wanted} * {log_probs}).sum({axis})", _ending(call, "each")])


def _cross_entropy(call: Call) -> str:
    """Return a cross-entropy as a program: what its kind of targets makes of ln p."""
    loss = _shared if call.tensor("target").is_floating_point() else _chosen
    return f"log_probs = torch.log_softmax(input, dim={_class_axis(call)})\n{loss(call, 'log_probs')}"


def _cross_entropy_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of a cross-entropy without weights: the predicted shares minus the wanted ones."""
    if call["weight"] is not None or call.tensor("target").is_floating_point():
        return {}
    axis, count, smoothing, ignored = _class_axis(call), "", call["label_smoothing"], _ignored(call)
    wanted = f"torch.nn.functional.one_hot({'place' if ignored else '{target}'}, {_class_count(call)})"
    if axis > 0:
        wanted += f".movedim(-1, {axis})"
    if smoothing:
        wanted += f" * {literal(1 - smoothing)} + {literal(smoothing / _class_count(call))}"
    rows = call.tensor("target").shape
    if call["reduction"] == "mean" and rows:
        count = " / ignored.logical_not().sum()" if ignored else f" / {rows.numel()}"
    each = "{d}" + (f".unsqueeze({axis})" if call["reduction"] == "none" and rows else "")
    slopes = f"{each} * (chances - wanted){count}"
    if ignored:
        slopes = f"({slopes}).masked_fill(ignored.unsqueeze({axis}), 0)"
    lines = [ignored.replace("target", "{target}")] if ignored else []
    lines += [f"chances = torch.softmax({{input}}, dim={axis})", f"wanted = {wanted}", slopes]
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
    """Return whether a loss is that of a class for each row, or of a share for each class."""
    if not _is_plain({**arguments, "weight": None}):
        return False
    values, target, weight = (arguments[name] for name in ("input", "target", "weight"))
    shares = target.is_floating_point()
    fits = target.dim() == values.dim() - (not shares)
    if weight is not None and (shares or arguments.get("label_smoothing")):
        return False
    return bool(fits and (not shares or "label_smoothing" in arguments))


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
    _loss("nll_loss", f"input, target, weight=None, {_IGNORING}", _chosen, _has_classes),
    _loss("kl_div", f"input, target, {_REDUCTION}, log_target=False", _divergence),
)
