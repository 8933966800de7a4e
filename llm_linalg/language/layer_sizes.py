"""How many numbers the weights of a layer have, from what it is made with: they are charged before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language.module_count import check_count, count_layers

Given = Mapping[str, Any]
_IN_A_BLOCK = 18  # layers in a layer of a decoder
_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def _whole(value: Any) -> int:
    """Return a size, or the product of several; at least 1.

    Raises:
        TypeError: If one is no whole number.
    """
    sizes = list(value) if isinstance(value, list | tuple) else [value]
    if not all(isinstance(size, int) for size in sizes):
        raise TypeError(f"a layer's size is a whole number, not {short_repr(value)}")
    return prod(max(size, 1) for size in sizes)


def _product(*names: str) -> Callable[[Given], int]:
    return lambda given: prod(_whole(given[name]) for name in names)


def _convolution(axes: int, *channels: str) -> Callable[[Given], int]:
    def count(given: Given) -> int:
        kernel = given["kernel_size"]
        window = _whole(kernel) if isinstance(kernel, list | tuple) else _whole(kernel) ** axes
        return window * prod(_whole(given[name]) for name in channels)

    return count


def _recurrent(gates: int) -> Callable[[Given], int]:
    def count(given: Given) -> int:
        width, size = _whole(given["hidden_size"]), _whole(given["input_size"])
        ways = 1 + bool(given.get("bidirectional"))
        layers = _whole(given.get("num_layers", 1))
        return gates * ways * layers * width * (size + ways * width + 2)

    return count


def _heads(given: Given) -> int:
    width = _whole(given["embed_dim"])
    others = sum(_whole(width if given.get(name) is None else given[name]) for name in ("kdim", "vdim"))
    return width * (2 * width + others)


def _block(given: Given) -> int:
    width = _whole(given["d_model"])
    return 8 * width**2 + 2 * width * _whole(given["dim_feedforward"])


def _stack(given: Given) -> int:
    """Return how many numbers the copies of a layer have."""
    layer = given["decoder_layer"] if "decoder_layer" in given else given["encoder_layer"]
    count = _whole(given["num_layers"])
    check_count(count * count_layers(layer))
    with untraced():
        cells: int = sum(own.numel() for own in layer.parameters())
    return count * cells


def _transformer(given: Given) -> int:
    """Return how many numbers the layers of a whole transformer have: a decoder's have half as many again."""
    count = _whole(given["num_encoder_layers"]) + _whole(given["num_decoder_layers"])
    check_count(_IN_A_BLOCK * count)
    width, hidden = _whole(given["d_model"]), _whole(given["dim_feedforward"])
    return count * _block({"d_model": width, "dim_feedforward": hidden})


_COUNTS: Mapping[str, Callable[[Given], int]] = {
    "Linear": _product("in_features", "out_features"),
    "Bilinear": _product("in1_features", "in2_features", "out_features"),
    "Embedding": _product("num_embeddings", "embedding_dim"),
    "LayerNorm": _product("normalized_shape"),
    "RMSNorm": _product("normalized_shape"),
    "GroupNorm": _product("num_channels"),
    "PReLU": _product("num_parameters"),
    **{f"BatchNorm{axes}d": _product("num_features") for axes in (1, 2, 3)},
    **{f"Conv{axes}d": _convolution(axes, "in_channels", "out_channels") for axes in (1, 2, 3)},
    **{f"ConvTranspose{axes}d": _convolution(axes, "in_channels", "out_channels") for axes in (1, 2)},
    **{name: _recurrent(gates) for name, gates in _GATES.items()},
    **{f"{name}Cell": _recurrent(gates) for name, gates in _GATES.items()},
    "MultiheadAttention": _heads,
    "TransformerEncoderLayer": _block,
    "TransformerDecoderLayer": _block,
    "TransformerDecoder": _stack,
    "TransformerEncoder": _stack,
    "Transformer": _transformer,
}


def weight_count(kind: str, given: Given) -> int:
    """Return how many numbers the weights of a layer have, at most a few times as many.

    Args:
        kind: Its class.
        given: What it is made with, by name, defaults included.

    Raises:
        TypeError: If a size is no whole number.
    """
    count = _COUNTS.get(kind)
    return count(given) if count is not None else 1
