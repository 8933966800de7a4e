"""The updates of `torch.optim`: one call for a parameter, which writes it, and opens into its arithmetic.

Each function does what torch does for one tensor, kernel by kernel, so that it gives the same bits. What
it keeps for the next step, such as a velocity, comes in and goes out as a tensor: an operand, and a result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.overrides import has_torch_function

from llm_linalg.base.axes import Shape
from llm_linalg.ops.composite import Composite
from llm_linalg.ops.operation import Call, Operation, literal

Result = Tensor | tuple[Tensor, ...]
_pop_mode = torch._C._pop_torch_function_stack  # noqa: SLF001
_push_mode = torch._C._push_on_torch_function_stack  # noqa: SLF001


def _descent(parameter: Tensor, grad: Tensor, weight_decay: float, maximize: bool) -> Tensor:
    """Return the gradient with its sign, and the pull of the weights towards 0 added."""
    grad = -grad if maximize else grad
    return grad.add(parameter, alpha=weight_decay) if weight_decay else grad


def _moments(
    parameter: Tensor,
    grad: Tensor,
    mean: Tensor,
    square: Tensor,
    lr: float,
    betas: tuple[float, float],
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradient as Adam's kind takes it, and both new means; a decoupled pull is done here."""
    grad = _descent(parameter, grad, 0 if decoupled else weight_decay, maximize)
    if decoupled and weight_decay:
        parameter.mul_(1 - lr * weight_decay)
    mean = mean.lerp(grad, 1 - betas[0])
    return grad, mean, square.mul(betas[1]).addcmul_(grad, grad, value=1 - betas[1])


def sgd_(
    parameter: Tensor,
    grad: Tensor,
    velocity: Tensor | None,
    lr: float,
    momentum: float = 0,
    dampening: float = 0,
    weight_decay: float = 0,
    nesterov: bool = False,
    maximize: bool = False,
) -> Result:
    """Take a step of stochastic gradient descent.

    Args:
        parameter: The parameter, which is written.
        grad: Its gradient.
        velocity: The velocity after the last step; None at the first, or without momentum.
        lr: The learning rate.
        momentum: The share of the velocity that is kept.
        dampening: The share of the gradient that is left out of it.
        weight_decay: The pull towards 0.
        nesterov: Whether to look ahead along the velocity.
        maximize: Whether to go up.

    Returns:
        The parameter, and with momentum the new velocity.
    """
    own = parameter, grad, velocity, lr, momentum, dampening, weight_decay, nesterov, maximize
    if has_torch_function((parameter,)):
        return _handed_on(sgd_, own)
    grad = _descent(parameter, grad, weight_decay, maximize)
    if not momentum:
        return parameter.add_(grad, alpha=-lr)
    kept = None if velocity is None else velocity.mul(momentum)
    velocity = grad.clone() if kept is None else kept.add(grad, alpha=1 - dampening)
    grad = grad.add(velocity, alpha=momentum) if nesterov else velocity
    return parameter.add_(grad, alpha=-lr), velocity


def adam_(
    parameter: Tensor,
    grad: Tensor,
    mean: Tensor,
    square: Tensor,
    most: Tensor | None,
    step: float,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    decoupled: bool = False,
    maximize: bool = False,
) -> Result:
    """Take a step of Adam (Kingma and Ba, 2015), or with `decoupled` of AdamW (Loshchilov and Hutter, 2019).

    Args:
        parameter: The parameter, which is written.
        grad: Its gradient.
        mean: The running mean of the gradients.
        square: The running mean of their squares.
        most: The largest of those so far, for AMSGrad.
        step: The number of the step, from 1.
        lr: The learning rate.
        betas: The shares of both means that are kept.
        eps: What is added to the root.
        weight_decay: The pull towards 0.
        decoupled: Whether the pull is on the parameter itself.
        maximize: Whether to go up.

    Returns:
        The parameter and both new means, and the new largest where there is one.
    """
    own = parameter, grad, mean, square, most, step, lr, betas, eps, weight_decay, decoupled, maximize
    if has_torch_function((parameter,)):
        return _handed_on(adam_, own)
    grad, mean, square = _moments(parameter, grad, mean, square, lr, betas, weight_decay, decoupled, maximize)
    most = None if most is None else most.maximum(square)
    root = (1 - betas[1] ** step) ** 0.5
    denominator = (square if most is None else most).sqrt().div_(root).add_(eps)
    parameter.addcdiv_(mean, denominator, value=-(lr / (1 - betas[0] ** step)))
    return (parameter, mean, square) if most is None else (parameter, mean, square, most)


def rmsprop_(
    parameter: Tensor,
    grad: Tensor,
    square: Tensor,
    mean: Tensor | None,
    velocity: Tensor | None,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0,
    momentum: float = 0,
    maximize: bool = False,
) -> Result:
    """Take a step of RMSprop.

    Args:
        parameter: The parameter, which is written.
        grad: Its gradient.
        square: The running mean of the squares of the gradients.
        mean: That of the gradients; None for one that is not centered.
        velocity: The velocity; None without momentum.
        lr: The learning rate.
        alpha: The share of the means that is kept.
        eps: What is added to the root.
        weight_decay: The pull towards 0.
        momentum: The share of the velocity that is kept.
        maximize: Whether to go up.

    Returns:
        The parameter and the new mean of squares, then the new mean and velocity where they are given.
    """
    own = parameter, grad, square, mean, velocity, lr, alpha, eps, weight_decay, momentum, maximize
    if has_torch_function((parameter,)):
        return _handed_on(rmsprop_, own)
    grad = _descent(parameter, grad, weight_decay, maximize)
    square = square.mul(alpha).addcmul(grad, grad, value=1 - alpha)
    kept = [square]
    if mean is None:
        root = square.sqrt()
    else:
        mean = mean.lerp(grad, 1 - alpha)
        root = square.addcmul(mean, mean, value=-1).sqrt()
        kept.append(mean)
    root = root.add(eps)
    if velocity is None:
        return (parameter.addcdiv_(grad, root, value=-lr), *kept)
    velocity = velocity.mul(momentum).addcdiv(grad, root)
    return (parameter.add_(velocity, alpha=-lr), *kept, velocity)


def adagrad_(
    parameter: Tensor,
    grad: Tensor,
    total: Tensor,
    lr: float,
    eps: float = 1e-10,
    weight_decay: float = 0,
    maximize: bool = False,
) -> Result:
    """Take a step of Adagrad (Duchi and others, 2011).

    Args:
        parameter: The parameter, which is written.
        grad: Its gradient.
        total: The sum of the squares of the gradients so far.
        lr: The learning rate, as it has decayed by this step.
        eps: What is added to the root.
        weight_decay: The pull towards 0.
        maximize: Whether to go up.

    Returns:
        The parameter and the new sum.
    """
    own = parameter, grad, total, lr, eps, weight_decay, maximize
    if has_torch_function((parameter,)):
        return _handed_on(adagrad_, own)
    grad = _descent(parameter, grad, weight_decay, maximize)
    total = total.addcmul(grad, grad, value=1)
    return parameter.addcdiv_(grad, total.sqrt().add(eps), value=-lr), total


def adadelta_(
    parameter: Tensor,
    grad: Tensor,
    square: Tensor,
    changes: Tensor,
    lr: float,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0,
    maximize: bool = False,
) -> Result:
    """Take a step of Adadelta (Zeiler, 2012).

    Args:
        parameter: The parameter, which is written.
        grad: Its gradient.
        square: The running mean of the squares of the gradients.
        changes: That of the squares of the changes.
        lr: The learning rate.
        rho: The share of both means that is kept.
        eps: What is added before the roots.
        weight_decay: The pull towards 0.
        maximize: Whether to go up.

    Returns:
        The parameter and both new means.
    """
    own = parameter, grad, square, changes, lr, rho, eps, weight_decay, maximize
    if has_torch_function((parameter,)):
        return _handed_on(adadelta_, own)
    grad = _descent(parameter, grad, weight_decay, maximize)
    square = square.mul(rho).addcmul(grad, grad, value=1 - rho)
    change = changes.add(eps).sqrt().div(square.add(eps).sqrt()).mul(grad)
    changes = changes.mul(rho).addcmul(change, change, value=1 - rho)
    return parameter.add_(change, alpha=-lr), square, changes


def adamax_(
    parameter: Tensor,
    grad: Tensor,
    mean: Tensor,
    most: Tensor,
    step: float,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    maximize: bool = False,
) -> Result:
    """Take a step of Adamax (Kingma and Ba, 2015).

    Args:
        parameter: The parameter, which is written.
        grad: Its gradient.
        mean: The running mean of the gradients.
        most: The largest size of a gradient so far, which fades.
        step: The number of the step, from 1.
        lr: The learning rate.
        betas: The shares of both that are kept.
        eps: What is added to the size of the gradient.
        weight_decay: The pull towards 0.
        maximize: Whether to go up.

    Returns:
        The parameter, the new mean and the new largest size.
    """
    own = parameter, grad, mean, most, step, lr, betas, eps, weight_decay, maximize
    if has_torch_function((parameter,)):
        return _handed_on(adamax_, own)
    grad = _descent(parameter, grad, weight_decay, maximize)
    mean = mean.lerp(grad, 1 - betas[0])
    most = most.mul(betas[1]).maximum(grad.abs().add(eps))
    return parameter.addcdiv_(mean, most, value=-(lr / (1 - betas[0] ** step))), mean, most


def _nadam_sizes(
    step: float, product: float, lr: float, beta: float, momentum_decay: float
) -> tuple[float, float]:
    """Return how far NAdam goes along the gradient, and along the mean of the gradients."""
    now, after = (beta * (1.0 - 0.5 * (0.96 ** (at * momentum_decay))) for at in (step, step + 1))
    return lr * (1.0 - now) / (1.0 - product), lr * after / (1.0 - product * after)


def nadam_(
    parameter: Tensor,
    grad: Tensor,
    mean: Tensor,
    square: Tensor,
    step: float,
    product: float,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    momentum_decay: float = 0.004,
    decoupled: bool = False,
    maximize: bool = False,
) -> Result:
    """Take a step of NAdam, Adam with Nesterov's momentum (Dozat, 2016).

    Args:
        parameter: The parameter, which is written.
        grad: Its gradient.
        mean: The running mean of the gradients.
        square: The running mean of their squares.
        step: The number of the step, from 1.
        product: The product of the momenta of all steps so far, this one included.
        lr: The learning rate.
        betas: The shares of both means that are kept.
        eps: What is added to the root.
        weight_decay: The pull towards 0.
        momentum_decay: How fast the momentum grows to its full share.
        decoupled: Whether the pull is on the parameter itself.
        maximize: Whether to go up.

    Returns:
        The parameter and both new means.
    """
    rest = step, product, lr, betas, eps, weight_decay, momentum_decay, decoupled, maximize
    if has_torch_function((parameter,)):
        return _handed_on(nadam_, (parameter, grad, mean, square, *rest))
    grad, mean, square = _moments(parameter, grad, mean, square, lr, betas, weight_decay, decoupled, maximize)
    root = square.div(1 - betas[1] ** step).sqrt().add(eps)
    ahead, along = _nadam_sizes(step, product, lr, betas[0], momentum_decay)
    parameter.addcdiv_(grad, root, value=-ahead)
    return parameter.addcdiv_(mean, root, value=-along), mean, square


def _rectification(step: float, beta: float) -> float | None:
    """Return RAdam's factor for the variance of the scale; None as long as that can't be told."""
    most = 2 / (1 - beta) - 1
    length = most - 2 * step * (beta**step) / (1 - beta**step)
    if length <= 5.0:
        return None
    factor: float = ((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)) ** 0.5
    return factor


def radam_(
    parameter: Tensor,
    grad: Tensor,
    mean: Tensor,
    square: Tensor,
    step: float,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    decoupled: bool = False,
    maximize: bool = False,
) -> Result:
    """Take a step of RAdam, rectified Adam (Liu and others, 2020).

    Args:
        parameter: The parameter, which is written.
        grad: Its gradient.
        mean: The running mean of the gradients.
        square: The running mean of their squares.
        step: The number of the step, from 1.
        lr: The learning rate.
        betas: The shares of both means that are kept.
        eps: What is added to the root.
        weight_decay: The pull towards 0.
        decoupled: Whether the pull is on the parameter itself.
        maximize: Whether to go up.

    Returns:
        The parameter and both new means.
    """
    own = parameter, grad, mean, square, step, lr, betas, eps, weight_decay, decoupled, maximize
    if has_torch_function((parameter,)):
        return _handed_on(radam_, own)
    grad, mean, square = _moments(parameter, grad, mean, square, lr, betas, weight_decay, decoupled, maximize)
    change = mean / (1 - betas[0] ** step) * lr
    factor = _rectification(step, betas[1])
    if factor is not None:
        change = change * ((1 - betas[1] ** step) ** 0.5 / square.sqrt().add(eps)) * factor
    return parameter.add_(change, alpha=-1.0), mean, square


def _handed_on(function: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
    """Hand a call to the mode that watches torch's calls, which for the time of it sees no others.

    `torch.overrides.handle_torch_function` does the same for any arguments, and takes ten times as long.
    """
    mode = _pop_mode()
    try:
        taken: Result = mode.__torch_function__(function, (), arguments)
    finally:
        _push_mode(mode)
    return taken


# The programs: lines of the language, the last of which binds the result that is asked for.


def _direction(call: Call, decay: bool = True) -> tuple[list[str], str]:
    """Return the lines down to the direction of a step, and what that is called."""
    lines, name = [], "grad"
    if call["maximize"]:
        lines, name = ["down = -grad"], "down"
    if decay and call["weight_decay"]:
        lines.append(f"decayed = {name} + {literal(call['weight_decay'])} * parameter")
        name = "decayed"
    return lines, name


def _sgd_program(call: Call) -> str:
    lines, grad = _direction(call)
    lr, momentum = call["lr"], call["momentum"]
    if not momentum:
        return "\n".join([*lines, f"change = {literal(lr)} * {grad}", "stepped = parameter - change"])
    if call.place("velocity") is None:
        lines.append(f"moving = {grad}.clone()")
    else:
        lines.append(f"moving = {literal(momentum)} * velocity + {_number(1 - call['dampening'])} * {grad}")
    if call.position:
        return "\n".join(lines)
    along = "moving"
    if call["nesterov"]:
        lines.append(f"ahead = {grad} + {literal(momentum)} * moving")
        along = "ahead"
    return "\n".join([*lines, f"change = {literal(lr)} * {along}", "stepped = parameter - change"])


def _mean(name: str, old: str, new: str, kept: float) -> str:
    return f"{name} = {literal(kept)} * {old} + {_number(1 - kept)} * {new}"


def _number(value: float) -> str:
    """Return a number as a program shows it, without the digits that rounding left: 0.1 for 1 - 0.9."""
    return literal(float(f"{value:.12g}"))


def _means(call: Call) -> tuple[list[str], str, str]:
    """Return the lines down to both means, what the gradient is called, and from where the step is taken.

    Where one of the means is asked for, the lines go down to that one alone.
    """
    decoupled, decay = call["decoupled"], call["weight_decay"]
    lines, grad = _direction(call, decay=not decoupled)
    (first, second), start = call["betas"], "parameter"
    means = [_mean("average", "mean", grad, first), _mean("spread", "square", f"{grad} * {grad}", second)]
    if call.position:
        return [*lines, means[min(call.position, len(means)) - 1]], grad, start
    if decoupled and decay:
        lines.append(f"shrunk = parameter * {_number(1 - call['lr'] * decay)}")
        start = "shrunk"
    return [*lines, *means], grad, start


def _adam_program(call: Call) -> str:
    lines, _, start = _means(call)
    widest = "spread"
    if call.place("most") is not None and call.position in (0, 3):
        lines.append("largest = torch.maximum(most, spread)")
        widest = "largest"
    if call.position:
        return "\n".join(lines)
    (first, second), step = call["betas"], call["step"]
    root, size = (1 - second**step) ** 0.5, call["lr"] / (1 - first**step)
    return "\n".join(
        [
            *lines,
            f"scale = {widest}.sqrt() / {_number(root)} + {literal(call['eps'])}",
            f"change = {_number(size)} * average / scale",
            f"stepped = {start} - change",
        ]
    )


def _rmsprop_program(call: Call) -> str:
    lines, grad = _direction(call)
    lines.append(_mean("spread", "square", f"{grad} * {grad}", call["alpha"]))
    if call.position == 1:
        return "\n".join(lines)
    root = "spread"
    if call.place("mean") is not None:
        lines.append(_mean("average", "mean", grad, call["alpha"]))
        if call.position == 2:
            return "\n".join(lines)
        lines.append("variance = spread - average * average")
        root = "variance"
    lines.append(f"scale = {root}.sqrt() + {literal(call['eps'])}")
    along = f"{grad} / scale"
    if call.place("velocity") is not None:
        lines.append(f"moving = {literal(call['momentum'])} * velocity + {along}")
        along = "moving"
    if not call.position:
        lines += [f"change = {literal(call['lr'])} * {along}", "stepped = parameter - change"]
    return "\n".join(lines)


def _adagrad_program(call: Call) -> str:
    lines, grad = _direction(call)
    lines.append(f"sum = total + {grad} * {grad}")
    if not call.position:
        lines += [
            f"change = {literal(call['lr'])} * {grad} / (sum.sqrt() + {literal(call['eps'])})",
            "stepped = parameter - change",
        ]
    return "\n".join(lines)


def _adadelta_program(call: Call) -> str:
    lines, grad = _direction(call)
    eps, rho = call["eps"], call["rho"]
    lines.append(_mean("spread", "square", f"{grad} * {grad}", rho))
    if call.position == 1:
        return "\n".join(lines)
    lines.append(f"move = (changes + {literal(eps)}).sqrt() / (spread + {literal(eps)}).sqrt() * {grad}")
    if call.position == 2:
        return "\n".join([*lines, _mean("moved", "changes", "move * move", rho)])
    return "\n".join([*lines, f"change = {literal(call['lr'])} * move", "stepped = parameter - change"])


def _adamax_program(call: Call) -> str:
    lines, grad = _direction(call)
    first, second = call["betas"]
    average = _mean("average", "mean", grad, first)
    largest = f"largest = torch.maximum({literal(second)} * most, {grad}.abs() + {literal(call['eps'])})"
    if call.position:
        return "\n".join([*lines, (average, largest)[call.position - 1]])
    size = _number(call["lr"] / (1 - first ** call["step"]))
    return "\n".join(
        [*lines, average, largest, f"change = {size} * average / largest", "stepped = parameter - change"]
    )


def _nadam_program(call: Call) -> str:
    lines, grad, start = _means(call)
    if call.position:
        return "\n".join(lines)
    (first, second), step = call["betas"], call["step"]
    ahead, along = _nadam_sizes(step, call["product"], call["lr"], first, call["momentum_decay"])
    return "\n".join(
        [
            *lines,
            f"scale = (spread / {_number(1 - second**step)}).sqrt() + {literal(call['eps'])}",
            f"change = ({_number(ahead)} * {grad} + {_number(along)} * average) / scale",
            f"stepped = {start} - change",
        ]
    )


def _radam_program(call: Call) -> str:
    lines, _, start = _means(call)
    if call.position:
        return "\n".join(lines)
    (first, second), step = call["betas"], call["step"]
    factor, change = _rectification(step, second), f"{_number(call['lr'] / (1 - first**step))} * average"
    if factor is not None:
        root = _number((1 - second**step) ** 0.5 * factor)
        lines.append(f"scale = (spread.sqrt() + {literal(call['eps'])}) / {root}")
        change = f"{change} / scale"
    return "\n".join([*lines, f"change = {change}", f"stepped = {start} - change"])


def _own_shape(call: Call) -> Shape:
    return tuple(call.tensor("parameter").shape)


def _update(
    name: str, function: Callable[..., Result], signature: str, program: Callable[[Call], str]
) -> Operation:
    return Composite(
        name,
        signature,
        functions=(function,),
        write_program=program,
        covers=lambda _: True,
        shapes_suffice=lambda _: True,
        peak_for_call=lambda call: 4 * prod(_own_shape(call)),
        output_count_for_call=lambda call: len(call.tensors),
        autograd=True,
        first_free_number=0,
        slowness=3,
    )


UPDATES: Sequence[Operation] = (
    _update(
        "sgd",
        sgd_,
        "parameter, grad, velocity, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False, "
        "maximize=False",
        _sgd_program,
    ),
    _update(
        "adam",
        adam_,
        "parameter, grad, mean, square, most, step, lr, betas=(0.9, 0.999), eps=1e-08, weight_decay=0, "
        "decoupled=False, maximize=False",
        _adam_program,
    ),
    _update(
        "rmsprop",
        rmsprop_,
        "parameter, grad, square, mean, velocity, lr, alpha=0.99, eps=1e-08, weight_decay=0, momentum=0, "
        "maximize=False",
        _rmsprop_program,
    ),
    _update(
        "adagrad",
        adagrad_,
        "parameter, grad, total, lr, eps=1e-10, weight_decay=0, maximize=False",
        _adagrad_program,
    ),
    _update(
        "adadelta",
        adadelta_,
        "parameter, grad, square, changes, lr, rho=0.9, eps=1e-06, weight_decay=0, maximize=False",
        _adadelta_program,
    ),
    _update(
        "adamax",
        adamax_,
        "parameter, grad, mean, most, step, lr, betas=(0.9, 0.999), eps=1e-08, weight_decay=0, "
        "maximize=False",
        _adamax_program,
    ),
    _update(
        "nadam",
        nadam_,
        "parameter, grad, mean, square, step, product, lr, betas=(0.9, 0.999), eps=1e-08, weight_decay=0, "
        "momentum_decay=0.004, decoupled=False, maximize=False",
        _nadam_program,
    ),
    _update(
        "radam",
        radam_,
        "parameter, grad, mean, square, step, lr, betas=(0.9, 0.999), eps=1e-08, weight_decay=0, "
        "decoupled=False, maximize=False",
        _radam_program,
    ),
)
