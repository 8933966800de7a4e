"""`torch.vmap` and `torch.func.grad`: functions of functions, opened into the calls that they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from llm_linalg.language import gradient_calls
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction


def vmap(
    _run: Interpreter,
    func: Any,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> RunFunction:
    """Do what `torch.vmap` does, one slice after the other.

    Raises:
        TypeError: If an argument is not what torch takes.
    """
    if randomness not in ("error", "different") or chunk_size not in (None, 1):
        raise RefusalError('vmap goes through the slices here: leave out chunk_size= and randomness="same"')
    if not all(isinstance(dim, int) for dim in _several(out_dims)):
        raise TypeError("out_dims is an axis, or one for each result")

    def mapped(run: Interpreter, *arguments: Any, **named: Any) -> Any:
        dims = _dims_of(in_dims, arguments)
        slices = {place: _slices(arguments[place], dim) for place, dim in enumerate(dims) if dim is not None}
        by_name = {name: _slices(value, 0) for name, value in named.items()}
        counts = {len(own) for own in (*slices.values(), *by_name.values())}
        if len(counts) != 1:
            raise ValueError(f"vmap goes along axes of one size, not of {sorted(counts)}")
        results = [
            run.call(
                func,
                [slices[place][turn] if place in slices else value for place, value in enumerate(arguments)],
                {name: own[turn] for name, own in by_name.items()},
            )
            for turn in range(counts.pop())
        ]
        return _joined(results, out_dims)

    return RunFunction("vmap", mapped)


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _dims_of(in_dims: Any, arguments: Sequence[Any]) -> tuple[int | None, ...]:
    dims = in_dims if isinstance(in_dims, tuple) else (in_dims,) * len(arguments)
    if len(dims) != len(arguments) or not all(dim is None or isinstance(dim, int) for dim in dims):
        raise ValueError("in_dims is an axis or None, or one for each argument")
    return dims


def _slices(value: Any, dim: int) -> tuple[Tensor, ...]:
    if not isinstance(value, Tensor):
        raise TypeError("vmap goes through tensors: give None in in_dims for other arguments")
    return value.unbind(dim)


def _joined(results: Sequence[Any], out_dims: Any) -> Any:
    """Return the results of all slices, stacked: each of several on its own."""
    if not results:
        raise ValueError("vmap needs one slice at least, to know what the function returns")
    if not isinstance(results[0], tuple):
        return _stacked(results, out_dims)
    dims = out_dims if isinstance(out_dims, tuple) else (out_dims,) * len(results[0])
    parts = zip(*results, strict=True)
    return tuple([_stacked(own, dim) for own, dim in zip(parts, dims, strict=True)])


def _stacked(results: Sequence[Any], dim: Any) -> Tensor:
    if not all(isinstance(result, Tensor) for result in results):
        raise TypeError("vmap's function returns tensors")
    return torch.stack(list(results), dim)


def grad(_run: Interpreter, func: Any, argnums: int = 0, has_aux: bool = False) -> RunFunction:
    """Do what `torch.func.grad` does: return the function that gives the gradient of one argument."""
    return _with_gradient("grad", func, argnums, has_aux, lambda gradient, _: gradient)


def grad_and_value(_run: Interpreter, func: Any, argnums: int = 0, has_aux: bool = False) -> RunFunction:
    """Do what `torch.func.grad_and_value` does."""
    return _with_gradient("grad_and_value", func, argnums, has_aux, lambda gradient, value: (gradient, value))


def _with_gradient(
    name: str, func: Any, argnums: Any, has_aux: bool, gives: Callable[[Tensor, Tensor], Any]
) -> RunFunction:
    if not isinstance(argnums, int) or has_aux:
        raise RefusalError(f"{name} takes the place of one argument, and no has_aux=")

    def gradient_of(run: Interpreter, *arguments: Any, **named: Any) -> Any:
        if not -len(arguments) <= argnums < len(arguments):
            raise ValueError(f"there is no argument {argnums}")
        place = argnums % len(arguments)
        given = arguments[place]
        if not isinstance(given, Tensor) or not given.is_floating_point():
            raise TypeError(f"{name} takes a tensor of floats for argument {argnums}")
        source = given if given.requires_grad else given.detach().clone().requires_grad_()
        value = run.call(func, [*arguments[:place], source, *arguments[place + 1 :]], named)
        if not isinstance(value, Tensor) or value.dim():
            raise TypeError(f"{name} takes a function that returns a tensor of one number, without axes")
        found = gradient_calls.grad(
            run, value, source, create_graph=given.requires_grad, materialize_grads=True
        )
        return gives(found[0], value) if found[0] is not None else None

    return RunFunction(name, gradient_of)


MEMBERS = {
    "vmap": RunFunction("vmap", vmap),
    "grad": RunFunction("grad", grad),
    "grad_and_value": RunFunction("grad_and_value", grad_and_value),
}
"""Members of `torch.func`."""
