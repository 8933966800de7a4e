"""`torch.optim`: what an optimizer keeps, and its step, a call of the record for each parameter.

The updates themselves are operations, in `llm_linalg.ops.updates`; here is what
torch's classes do around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language.arrays.array import numbers_in
from llm_linalg.language.autograd import clear_gradients, without_gradients
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.iteration import take_items
from llm_linalg.language.optimizer_state import Group, Kind, Optimizer, State
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction
from llm_linalg.ops.updates import (
    adadelta_,
    adagrad_,
    adam_,
    adamax_,
    nadam_,
    radam_,
    rmsprop_,
    sgd_,
)

MAX_PARAMETERS = 10_000
_PARAMETER_STEPS = 12
_UNUSUAL = ("foreach", "fused", "capturable", "differentiable")  # other kernels for the same arithmetic


def _zeros(parameter: Tensor) -> Tensor:
    with untraced():
        return torch.zeros_like(parameter, memory_format=torch.preserve_format)


def _keep(state: State, names: Iterable[str], results: Any) -> None:
    """Put the results of an update that follow the parameter into its state."""
    kept = results[1:] if isinstance(results, tuple) else ()
    state.update(zip(names, kept, strict=True))


def _sgd_start(_parameter: Tensor, group: Group) -> State:
    return {"momentum_buffer": None} if group["momentum"] else {}


def _sgd(parameter: Tensor, grad: Tensor, group: Group, state: State) -> None:
    results = sgd_(
        parameter,
        grad,
        state.get("momentum_buffer") if group["momentum"] else None,
        group["lr"],
        group["momentum"],
        group["dampening"],
        group["weight_decay"],
        group["nesterov"],
        group["maximize"],
    )
    _keep(state, ("momentum_buffer",) if group["momentum"] else (), results)


def _adam_start(parameter: Tensor, group: Group) -> State:
    names = ("exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if group["amsgrad"] else ()))
    return {"step": 0.0, **{name: _zeros(parameter) for name in names}}


def _adam(parameter: Tensor, grad: Tensor, group: Group, state: State) -> None:
    state["step"] += 1
    results = adam_(
        parameter,
        grad,
        state["exp_avg"],
        state["exp_avg_sq"],
        state.get("max_exp_avg_sq"),
        state["step"],
        group["lr"],
        tuple(group["betas"]),
        group["eps"],
        group["weight_decay"],
        group["decoupled_weight_decay"],
        group["maximize"],
    )
    _keep(state, list(state)[1:], results)


def _rmsprop_start(parameter: Tensor, group: Group) -> State:
    names = ["square_avg"]
    names += ["momentum_buffer"] if group["momentum"] > 0 else []
    names += ["grad_avg"] if group["centered"] else []
    return {"step": 0.0, **{name: _zeros(parameter) for name in names}}


def _rmsprop(parameter: Tensor, grad: Tensor, group: Group, state: State) -> None:
    state["step"] += 1
    kept = [name for name in ("square_avg", "grad_avg", "momentum_buffer") if name in state]
    results = rmsprop_(
        parameter,
        grad,
        state["square_avg"],
        state.get("grad_avg"),
        state.get("momentum_buffer"),
        group["lr"],
        group["alpha"],
        group["eps"],
        group["weight_decay"],
        group["momentum"],
        group["maximize"],
    )
    _keep(state, kept, results)


def _adagrad_start(parameter: Tensor, group: Group) -> State:
    with untraced():
        return {"step": 0.0, "sum": torch.full_like(parameter, group["initial_accumulator_value"]).detach()}


def _adagrad(parameter: Tensor, grad: Tensor, group: Group, state: State) -> None:
    state["step"] += 1
    rate = group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
    results = adagrad_(
        parameter, grad, state["sum"], rate, group["eps"], group["weight_decay"], group["maximize"]
    )
    _keep(state, ("sum",), results)


def _with_zeros(*names: str) -> Callable[[Tensor, Group], State]:
    """Return what starts a state of zeros, by these names, before the first step."""
    return lambda parameter, _: {"step": 0.0, **{name: _zeros(parameter) for name in names}}


def _adadelta(parameter: Tensor, grad: Tensor, group: Group, state: State) -> None:
    state["step"] += 1
    settings = (group[name] for name in ("lr", "rho", "eps", "weight_decay", "maximize"))
    results = adadelta_(parameter, grad, state["square_avg"], state["acc_delta"], *settings)
    _keep(state, ("square_avg", "acc_delta"), results)


def _adamax(parameter: Tensor, grad: Tensor, group: Group, state: State) -> None:
    state["step"] += 1
    rest = (tuple(group["betas"]), group["eps"], group["weight_decay"], group["maximize"])
    results = adamax_(parameter, grad, state["exp_avg"], state["exp_inf"], state["step"], group["lr"], *rest)
    _keep(state, ("exp_avg", "exp_inf"), results)


def _nadam_start(parameter: Tensor, _group: Group) -> State:
    return {"step": 0.0, "mu_product": 1.0, "exp_avg": _zeros(parameter), "exp_avg_sq": _zeros(parameter)}


def _nadam(parameter: Tensor, grad: Tensor, group: Group, state: State) -> None:
    state["step"] += 1
    momentum = group["betas"][0] * (1.0 - 0.5 * (0.96 ** (state["step"] * group["momentum_decay"])))
    with untraced():  # torch keeps the product as a float32
        state["mu_product"] = (torch.tensor(state["mu_product"]) * momentum).item()
    results = nadam_(
        parameter,
        grad,
        state["exp_avg"],
        state["exp_avg_sq"],
        state["step"],
        state["mu_product"],
        group["lr"],
        tuple(group["betas"]),
        group["eps"],
        group["weight_decay"],
        group["momentum_decay"],
        group["decoupled_weight_decay"],
        group["maximize"],
    )
    _keep(state, ("exp_avg", "exp_avg_sq"), results)


def _radam(parameter: Tensor, grad: Tensor, group: Group, state: State) -> None:
    state["step"] += 1
    results = radam_(
        parameter,
        grad,
        state["exp_avg"],
        state["exp_avg_sq"],
        state["step"],
        group["lr"],
        tuple(group["betas"]),
        group["eps"],
        group["weight_decay"],
        group["decoupled_weight_decay"],
        group["maximize"],
    )
    _keep(state, ("exp_avg", "exp_avg_sq"), results)


_BETAS = (0.9, 0.999)
_UNTOUCHED = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}
_LAST = {"maximize": False, "foreach": None, "capturable": False, "differentiable": False, "fused": None}
_ADAM = {"lr": 0.001, "betas": _BETAS, "eps": 1e-08, "weight_decay": 0, "amsgrad": False, **_LAST}
KINDS: Mapping[str, Kind] = {
    "SGD": Kind(
        torch.optim.SGD,
        {
            "lr": 0.001,
            "momentum": 0,
            "dampening": 0,
            "weight_decay": 0,
            "nesterov": False,
            "maximize": False,
            "foreach": None,
            "differentiable": False,
            "fused": None,
        },
        _sgd,
        _sgd_start,
    ),
    "Adam": Kind(torch.optim.Adam, {**_ADAM, "decoupled_weight_decay": False}, _adam, _adam_start),
    "AdamW": Kind(
        torch.optim.AdamW, {**_ADAM, "weight_decay": 0.01, "decoupled_weight_decay": True}, _adam, _adam_start
    ),
    "RMSprop": Kind(
        torch.optim.RMSprop,
        {
            "lr": 0.01,
            "momentum": 0,
            "alpha": 0.99,
            "eps": 1e-08,
            "centered": False,
            "weight_decay": 0,
            "capturable": False,
            "foreach": None,
            "maximize": False,
            "differentiable": False,
        },
        _rmsprop,
        _rmsprop_start,
    ),
    "Adagrad": Kind(
        torch.optim.Adagrad,
        {
            "lr": 0.01,
            "lr_decay": 0,
            "eps": 1e-10,
            "weight_decay": 0,
            "initial_accumulator_value": 0,
            "foreach": None,
            "maximize": False,
            "differentiable": False,
            "fused": None,
        },
        _adagrad,
        _adagrad_start,
    ),
    "Adadelta": Kind(
        torch.optim.Adadelta,
        {
            "lr": 1.0,
            "rho": 0.9,
            "eps": 1e-06,
            "weight_decay": 0,
            "maximize": False,
            "capturable": False,
            "foreach": None,
            "differentiable": False,
        },
        _adadelta,
        _with_zeros("square_avg", "acc_delta"),
    ),
    "Adamax": Kind(
        torch.optim.Adamax,
        {"lr": 0.002, "betas": _BETAS, "eps": 1e-08, "weight_decay": 0, **_UNTOUCHED},
        _adamax,
        _with_zeros("exp_avg", "exp_inf"),
    ),
    "NAdam": Kind(
        torch.optim.NAdam,
        {
            "lr": 0.002,
            "betas": _BETAS,
            "eps": 1e-08,
            "weight_decay": 0,
            "momentum_decay": 0.004,
            "decoupled_weight_decay": False,
            "maximize": False,
            "foreach": None,
            "capturable": False,
            "differentiable": False,
        },
        _nadam,
        _nadam_start,
    ),
    "RAdam": Kind(
        torch.optim.RAdam,
        {
            "lr": 0.001,
            "betas": _BETAS,
            "eps": 1e-08,
            "weight_decay": 0,
            "maximize": False,
            "foreach": None,
            "capturable": False,
            "decoupled_weight_decay": False,
            "differentiable": False,
        },
        _radam,
        _with_zeros("exp_avg", "exp_avg_sq"),
    ),
}


def _maker(kind: Kind) -> RunFunction:
    """Return what does what a class of `torch.optim` does when it is called."""
    order = [name for name in signature(kind.like).parameters if name != "params"]

    def make(run: Interpreter, params: Any, *arguments: Any, **settings: Any) -> Optimizer:
        if len(arguments) > len(order):
            raise TypeError(f"{kind.title} takes {len(order)} settings at most")
        given = dict(zip(order, arguments, strict=False))
        for name, value in settings.items():
            if name in given or name not in kind.settings:
                raise TypeError(f"{kind.title} has no free setting {name}")
            given[name] = value
        optimizer = Optimizer(kind, {**kind.settings, **given})
        groups = _several(run, params)
        if not groups:
            raise ValueError("an optimizer got no parameters")
        if not all(isinstance(group, dict) for group in groups):
            groups = [{"params": groups}]
        for group in groups:
            add_group(run, optimizer, group)
        return optimizer

    return RunFunction(kind.title, make)


MAKERS: Mapping[str, RunFunction] = {name: _maker(kind) for name, kind in KINDS.items()}


def _several(run: Interpreter, params: Any) -> list[Any]:
    if isinstance(params, Tensor):
        raise TypeError("an optimizer takes a list of parameters: write [W] or model.parameters()")
    return take_items(run, params)


def add_group(run: Interpreter, optimizer: Optimizer, group: Mapping[str, Any]) -> None:
    """Do what `optimizer.add_param_group` does.

    Raises:
        TypeError: If a parameter is none, or a setting is not what torch takes.
        ValueError: If a parameter is in the optimizer already.
    """
    if not isinstance(group, dict) or "params" not in group:
        raise TypeError('a group is a dict with "params" and settings')
    params = group["params"]
    params = [params] if isinstance(params, Tensor) else _several(run, params)
    params = [pair[1] if isinstance(pair, tuple) and len(pair) == 2 else pair for pair in params]
    full = {"params": params, **optimizer.defaults, **group}
    full["params"] = params
    run.budget.step(_PARAMETER_STEPS * (1 + len(params)))
    known = {id(own) for other in optimizer.groups for own in other["params"]}
    for parameter in params:
        if not isinstance(parameter, Tensor):
            raise TypeError(f"an optimizer takes parameters, not {short_repr(parameter)}")
        with untraced():
            if not parameter.is_leaf:
                raise ValueError("an optimizer takes leaves: what is computed from others is no parameter")
        if id(parameter) in known:
            raise ValueError("a parameter is in the optimizer twice")
        known.add(id(parameter))
    if len(known) > MAX_PARAMETERS:
        raise LimitError(f"an optimizer of {len(known):,} parameters; {MAX_PARAMETERS:,} are allowed")
    _check(optimizer.kind, full)
    optimizer.groups.append(full)


def _check(kind: Kind, group: Group) -> None:
    """Check a group's settings, which a program may change between steps.

    Raises:
        TypeError: If a setting is missing or not what torch takes.
        ValueError: If it is a number that torch refuses.
    """
    for name, default in kind.settings.items():
        value = _setting(group, name)
        if name in _UNUSUAL:
            if value not in (None, False):
                raise RefusalError(f"{name}= is not part of the language: leave it out")
        elif name == "betas":
            if not isinstance(value, tuple | list) or len(value) != 2 or not all(map(_is_number, value)):
                raise TypeError("betas are two numbers")
            if not all(0 <= beta < 1 for beta in value):
                raise ValueError(f"betas are from 0 to less than 1, not {short_repr(value)}")
        elif isinstance(default, bool):
            if not isinstance(value, bool):
                raise TypeError(f"{name} is True or False, not {short_repr(value)}")
        elif not _is_number(value):
            raise TypeError(f"{name} is a number, not {short_repr(value)}")
        elif value < 0 and name != "dampening":
            raise ValueError(f"{name} is not less than 0, and {short_repr(value)} is")
    if kind.title == "SGD" and group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
        raise ValueError("nesterov takes a momentum, and no dampening")


def _setting(group: Group, name: str) -> Any:
    """Return a setting, with a number of Python's for one of NumPy's; the group itself if it is missing."""
    given = group.get(name, group)
    value = numbers_in(given)
    if value is not given:
        group[name] = value
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def step(run: Interpreter, optimizer: Optimizer, closure: Any = None) -> Any:
    """Do what `optimizer.step()` does: update each parameter that has a gradient.

    Args:
        run: The run.
        optimizer: The optimizer.
        closure: A function of the program that computes the loss, and its gradients.
    """
    loss = None if closure is None else run.call(closure, [])
    with without_gradients(run.recorder):
        for group in optimizer.groups:
            _check(optimizer.kind, group)
            run.budget.step(_PARAMETER_STEPS * (1 + len(group["params"])))
            for parameter in group["params"]:
                _update(run, optimizer, parameter, group)
    return loss


def _update(run: Interpreter, optimizer: Optimizer, parameter: Any, group: Group) -> None:
    if not isinstance(parameter, Tensor):
        raise TypeError(f"an optimizer takes parameters, not {short_repr(parameter)}")
    grad = parameter.grad
    if grad is None:
        return
    owner = _name_of(run, parameter)
    kept = optimizer.states.get(id(parameter))
    if kept is None:
        run.budget.charge_elements(3 * len(optimizer.kind.settings) * parameter.nelement() // 8)
        kept = optimizer.states[id(parameter)] = parameter, optimizer.kind.start(parameter, group)
        for name, value in kept[1].items():
            if isinstance(value, Tensor):
                run.recorder.note_input(value, f"{owner}.{name}" if owner else None)
    if owner:
        run.recorder.name_node(grad, f"{owner}.grad")
    state = kept[1]
    optimizer.kind.update(parameter, grad, group, state)
    owner = _name_of(run, parameter)
    for name, value in state.items() if owner else ():
        if isinstance(value, Tensor):
            run.recorder.name_node(value, f"{owner}.{name}")


def _name_of(run: Interpreter, parameter: Tensor) -> str | None:
    """Return the name of a parameter, by which what is kept for it is called, as in `W.exp_avg`."""
    node = run.recorder.node_of(parameter)
    return None if node is None else node.bound_name


def zero_grad(run: Interpreter, optimizer: Optimizer, set_to_none: bool = True) -> None:
    """Do what `optimizer.zero_grad()` does."""
    for group in optimizer.groups:
        run.budget.step(len(group["params"]))
        clear_gradients(run.recorder, group["params"], set_to_none)


def state_dict(run: Interpreter, optimizer: Optimizer) -> dict[str, Any]:
    """Do what `optimizer.state_dict()` does."""
    places: dict[int, int] = {}
    groups = []
    for group in optimizer.groups:
        for parameter in group["params"]:
            places.setdefault(id(parameter), len(places))
        settings = {name: value for name, value in group.items() if name != "params"}
        groups.append({**settings, "params": [places[id(parameter)] for parameter in group["params"]]})
    run.budget.step(_PARAMETER_STEPS * (1 + len(places)))
    states = {
        places[key]: {name: _as_tensor(value) for name, value in state.items()}
        for key, (_, state) in optimizer.states.items()
        if key in places and state
    }
    return {"state": states, "param_groups": groups}


def load_state_dict(run: Interpreter, optimizer: Optimizer, state_dict: Any) -> None:
    """Do what `optimizer.load_state_dict()` does.

    Raises:
        ValueError: If it is not that of such an optimizer.
    """
    fits = isinstance(state_dict, dict) and state_dict.keys() >= {"state", "param_groups"}
    groups = state_dict["param_groups"] if fits else None
    if not isinstance(groups, list) or len(groups) != len(optimizer.groups):
        raise ValueError("this is not the state of an optimizer with as many groups")
    parameters: dict[int, Tensor] = {}
    for own, given in zip(optimizer.groups, groups, strict=True):
        if not isinstance(given, dict) or len(given.get("params", ())) != len(own["params"]):
            raise ValueError("a group has another number of parameters")
        _check(optimizer.kind, given)
        own.update({name: value for name, value in given.items() if name != "params"})
        parameters.update(zip(given["params"], own["params"], strict=True))
    for place, kept in state_dict["state"].items():
        parameter = parameters[place]
        run.budget.charge_elements(len(kept) * parameter.nelement())
        with untraced():
            state = {name: _copied(value, parameter) for name, value in kept.items()}
        if state.keys() != optimizer.kind.start(parameter, optimizer.groups[0]).keys():
            raise ValueError("this is the state of another optimizer")
        optimizer.states[id(parameter)] = parameter, state


def _copied(value: Any, parameter: Tensor) -> Any:
    """Return a part of a state: a copy of a tensor of the parameter's shape, or the number in another."""
    if not isinstance(value, Tensor):
        return value
    return value.clone() if value.shape == parameter.shape and value.dim() else value.item()


def _as_tensor(value: Any) -> Any:
    with untraced():
        return torch.tensor(value) if isinstance(value, float) else value


_METHODS: Mapping[str, Callable[..., Any]] = {
    "step": step,
    "zero_grad": zero_grad,
    "state_dict": state_dict,
    "load_state_dict": load_state_dict,
    "add_param_group": add_group,
}
METHODS: Mapping[str, RunFunction] = {name: RunFunction(name, does) for name, does in _METHODS.items()}
ATTRIBUTES: Mapping[str, Callable[[Optimizer], Any]] = {"param_groups": lambda optimizer: optimizer.groups}
