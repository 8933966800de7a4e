"""Tensors of classes that keep their cells elsewhere: they trace, and nothing false is said of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from llm_linalg import trace
from tests.engine.test_written_outside import broken


class Wrapper(Tensor):
    """Holds another tensor, and computes with that."""

    held: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> Wrapper:
        """Returns a tensor without memory."""
        made: Any = Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)
        made.held = inner
        return made  # type: ignore[no-any-return]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Calls a function with what is held."""
        bare = [
            tree_map(lambda own: own.held if isinstance(own, Wrapper) else own, x)
            for x in (args, kwargs or {})
        ]
        return tree_map(lambda own: cls(own) if isinstance(own, Tensor) else own, func(*bare[0], **bare[1]))


class Codes(Wrapper):
    """Says what numbers its codes stand for."""

    def dequantize(self) -> Tensor:
        """Returns the numbers."""
        return self.held


class Rounded(Codes):
    """Says other numbers than it computes with."""

    def dequantize(self) -> Tensor:
        """Returns the numbers, rounded."""
        return self.held.round()


def product(w: Tensor, x: Tensor) -> Tensor:
    """Returns a plain tensor."""
    y = torch.nn.functional.linear(x, w)
    found: Tensor = y.held + 1 if isinstance(y, Wrapper) else y
    return found


W, X = torch.tensor([[0.4, 0.4], [2.0, -1.5]]), torch.ones(3, 2)


def test_a_class_that_tells_its_numbers_is_shown_by_them() -> None:
    made = trace(product, Codes(W), X)
    linear = next(node for node in made.nodes if node.op == "linear")
    assert linear.evidence == "rule"
    assert type(linear.value) is Tensor
    assert torch.equal(linear.value, X @ W.T)
    assert broken(made) == []
    assert made.nodes[-1].value.tolist() == (X @ W.T + 1).tolist()


def test_what_is_not_true_of_the_numbers_that_are_shown_is_opaque() -> None:
    made = trace(product, Rounded(W), X)
    linear = next(node for node in made.nodes if node.op == "linear")
    assert linear.evidence == "opaque"
    assert [operand.value.tolist() for operand in linear.operands][1] == W.round().tolist()
    assert made.nodes[-1].value.tolist() == (X @ W.T + 1).tolist()


def test_of_a_class_that_tells_nothing_there_are_shapes() -> None:
    made = trace(product, Wrapper(W), X)
    linear = next(node for node in made.nodes if node.op == "linear")
    assert linear.value.is_meta
    assert (linear.evidence, linear.shape) == ("opaque", (3, 2))
    assert made.nodes[-1].value.tolist() == (X @ W.T + 1).tolist()


class Strict(Codes):
    """Computes with none but its own kind."""

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Refuses plain tensors."""
        if any(type(own) is Tensor for own in tree_leaves((args, kwargs))):
            raise RuntimeError("mixed")
        return super().__torch_dispatch__(func, types, args, kwargs)


class Wrap(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        return Strict(x)

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


def test_a_function_that_wraps_its_tensor_is_opaque() -> None:
    def function(x: Tensor) -> Tensor:
        y: Any = Wrap.apply(x) * 2
        held: Tensor = y.held
        return held + 1

    made = trace(function, X)
    (wrapped,) = [node for node in made.nodes if node.op == "Wrap"]
    assert wrapped.evidence == "opaque"
    assert torch.equal(wrapped.value, X)
    assert made.nodes[-1].value.tolist() == (X * 2 + 1).tolist()


def test_a_program_may_ask_torch_func_for_its_products() -> None:
    def pulled(x: Tensor) -> Tensor:
        pair: Any = torch.func.vjp(lambda own: own**3, x)
        (slope,) = pair[1](torch.ones_like(pair[0]))
        product: Tensor = slope * 2
        return product

    x = torch.tensor([1.0, 2.0])
    assert torch.equal(trace(pulled, x).nodes[-1].value, pulled(x))
