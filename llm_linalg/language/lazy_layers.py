"""Layers that take the size of their input from the first one that they see.

They are torch's own, but for what fills their weights then: that is charged, and is no step of the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from torch import Tensor, nn

from llm_linalg.base.untraced import untraced
from llm_linalg.language.budget import Budget


def lend_budget(layer: nn.Module, budget: Budget) -> None:
    """Let a lazy layer charge its weights once their size is known."""
    if isinstance(layer, nn.modules.lazy.LazyModuleMixin):
        vars(layer)["_budget"] = budget


def _charge(layer: nn.Module, cells: int) -> None:
    budget: Budget = vars(layer)["_budget"]
    del vars(layer)["_budget"]
    budget.charge_layer(f"nn.{type(layer).__name__}", cells)


class LazyLinear(nn.LazyLinear):
    """`nn.LazyLinear`."""

    def initialize_parameters(self, input: Tensor) -> None:  # noqa: A002  torch's name for it
        """Make the weights for an input's size."""
        if self.has_uninitialized_params():
            with untraced():
                _charge(self, self.out_features * input.shape[-1])
                super().initialize_parameters(input)


class LazyConv1d(nn.LazyConv1d):
    """`nn.LazyConv1d`."""

    def initialize_parameters(self, input: Tensor) -> None:  # noqa: A002
        """Make the weights for an input's size."""
        if self.has_uninitialized_params():
            with untraced():
                _charge(self, self.out_channels * input.shape[-2] * prod(self.kernel_size))
                super().initialize_parameters(input)


class LazyConv2d(nn.LazyConv2d):
    """`nn.LazyConv2d`."""

    def initialize_parameters(self, input: Tensor) -> None:  # noqa: A002
        """Make the weights for an input's size."""
        if self.has_uninitialized_params():
            with untraced():
                _charge(self, self.out_channels * input.shape[-3] * prod(self.kernel_size))
                super().initialize_parameters(input)


class LazyBatchNorm1d(nn.LazyBatchNorm1d):
    """`nn.LazyBatchNorm1d`."""

    def initialize_parameters(self, input: Tensor) -> None:  # noqa: A002
        """Make the weights for an input's size."""
        if self.has_uninitialized_params():
            with untraced():
                _charge(self, 4 * input.shape[1])
                super().initialize_parameters(input)


class LazyBatchNorm2d(nn.LazyBatchNorm2d):
    """`nn.LazyBatchNorm2d`."""

    def initialize_parameters(self, input: Tensor) -> None:  # noqa: A002
        """Make the weights for an input's size."""
        if self.has_uninitialized_params():
            with untraced():
                _charge(self, 4 * input.shape[1])
                super().initialize_parameters(input)


LAYERS: Mapping[str, type[nn.Module]] = {
    kind.__name__: kind for kind in (LazyLinear, LazyConv1d, LazyConv2d, LazyBatchNorm1d, LazyBatchNorm2d)
}
