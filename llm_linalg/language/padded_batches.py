"""Encoders that take a mask of padding: where torch goes another way, which leaves the padding out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.language.refusal import RefusalError

_SKIPPED = (
    "under no_grad and in eval mode torch leaves the padded places out by a way of its own, without steps to "
    "show: write enable_nested_tensor=False where the encoder is made"
)


def watch_padding(layer: nn.Module) -> None:
    """Let an encoder, or that of a transformer, refuse the calls that torch makes with nested tensors."""
    encoder = layer.encoder if isinstance(layer, nn.Transformer) else layer
    if isinstance(encoder, nn.TransformerEncoder):
        encoder.register_forward_pre_hook(_check, with_kwargs=True)


def _check(encoder: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> None:
    """Raise RefusalError for a padded batch that torch would make a nested tensor of."""
    given = dict(zip(("src", "mask", "src_key_padding_mask"), arguments, strict=False)) | dict(named)
    padding, source = given.get("src_key_padding_mask"), given.get("src")
    if not encoder.use_nested_tensor or encoder.training or given.get("mask") is not None:
        return
    if not isinstance(padding, Tensor) or not isinstance(source, Tensor):
        return
    if torch.is_grad_enabled() and any(own.requires_grad for own in (source, *encoder.parameters())):
        return
    raise RefusalError(_SKIPPED)
