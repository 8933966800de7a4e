"""Layers: which of torch.nn there are, their attributes and methods, and how one is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from inspect import Signature, signature
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language import layer_dtypes, suggestions
from llm_linalg.language.autograd import clear_gradients
from llm_linalg.language.budget import LAYER_LOAD_STEPS, LAYER_VISIT_STEPS, Budget
from llm_linalg.language.classes.program_class import MISSING, ProgramClass
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.layer_sizes import weight_count
from llm_linalg.language.lazy_layers import lend_budget
from llm_linalg.language.module_count import MAX_DEPTH, MAX_LAYERS, check_count, count_layers
from llm_linalg.language.padded_batches import watch_padding
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.torch_functions import cpu_device

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter

LAYER_NAMES = """
    Linear Embedding LayerNorm RMSNorm GELU ReLU SiLU Sigmoid Tanh LeakyReLU ELU Softplus Softmax LogSoftmax
    ReLU6 SELU CELU Hardtanh Hardswish Hardsigmoid Mish Softsign Tanhshrink Softshrink Hardshrink
    LogSigmoid PReLU GLU Softmin Dropout Dropout1d Dropout2d AlphaDropout Flatten Unflatten Identity
    Sequential ModuleList ModuleDict Bilinear BatchNorm1d BatchNorm2d GroupNorm Conv1d Conv2d Conv3d
    ConvTranspose1d ConvTranspose2d MaxPool1d MaxPool2d AvgPool1d AvgPool2d AdaptiveAvgPool1d
    PixelShuffle PixelUnshuffle ZeroPad1d ZeroPad2d ConstantPad1d ConstantPad2d ReflectionPad1d
    ReflectionPad2d ReplicationPad1d ReplicationPad2d CircularPad1d CircularPad2d Softmax2d Threshold
    AdaptiveAvgPool2d AdaptiveMaxPool1d AdaptiveMaxPool2d RNN GRU LSTM RNNCell GRUCell LSTMCell
    MultiheadAttention TransformerEncoderLayer TransformerDecoderLayer TransformerDecoder TransformerEncoder
    Transformer Upsample UpsamplingNearest2d UpsamplingBilinear2d Fold Unfold
    CrossEntropyLoss MSELoss L1Loss SmoothL1Loss HuberLoss BCELoss BCEWithLogitsLoss NLLLoss KLDivLoss
    CosineSimilarity PairwiseDistance LazyLinear LazyConv1d LazyConv2d LazyBatchNorm1d LazyBatchNorm2d
"""
_PLAIN = int | float | torch.dtype
_WORDS = frozenset(
    ["reduction", "approximate", "padding", "padding_mode", "nonlinearity", "activation", "mode"]
)
MOST_SIZES = 50  # numbers, or characters, in an argument of a layer
LAYER_LISTS = nn.Sequential | nn.ModuleList
CONTAINERS = LAYER_LISTS | nn.ModuleDict
_FIELDS = """
    in_features out_features num_embeddings embedding_dim normalized_shape eps p training dim approximate
    in_channels out_channels kernel_size stride dilation groups num_features momentum input_size hidden_size
    num_layers bidirectional batch_first running_mean running_var num_batches_tracked embed_dim num_heads
    d_model nhead
"""
FIELDS = frozenset(_FIELDS.split())
PARAMETERS = frozenset(["weight", "bias"])
_TENSORS = PARAMETERS | {"pos_weight"}
_COPIED: Mapping[str, type[nn.Module]] = {
    "decoder_layer": nn.TransformerDecoderLayer,
    "encoder_layer": nn.TransformerEncoderLayer,
    "norm": nn.LayerNorm,
}
"""Arguments that are layers, of which torch takes copies: no class of the program's may stand there."""


def _set_requires_grad(layer: nn.Module, requires_grad: bool = True) -> nn.Module:
    for parameter in layer.parameters():
        parameter.requires_grad_(requires_grad)
    return layer


def check_attachment(layer: nn.Module, other: nn.Module) -> None:
    """Refuse a layer that would make another too large, or hold it in turn.

    Raises:
        LimitError: If it does.
    """
    count_both = count_layers(layer) + count_layers(other)
    if count_both > MAX_LAYERS or any(inner is layer for inner in other.modules()):
        raise LimitError(f"a layer of more than {MAX_LAYERS:,} layers")


def _append(layer: nn.Module, other: nn.Module) -> nn.Module:
    if not isinstance(layer, LAYER_LISTS) or not isinstance(other, nn.Module):
        raise TypeError("a layer is appended only to nn.Sequential or nn.ModuleList")
    check_attachment(layer, other)
    layer.append(other)
    return layer


def add_in_place(layer: nn.Module, others: Any) -> nn.Module:
    """Do `layer += others`, for a list of layers or a sequence of them.

    Raises:
        ValueError: If what is added to a `Sequential` is no other.
    """
    if isinstance(layer, nn.Sequential) and not isinstance(others, nn.Sequential):
        words = f"add operator supports only objects of Sequential class, but {type(others)!s:.100} is given."
        raise ValueError(words)
    return _extend(layer, others)


def _check_name(name: Any) -> None:
    """Refuse a name by which torch would find what it takes for its own; of what is no text torch says so."""
    if isinstance(name, str) and (len(name) > MOST_SIZES or not name.isprintable() or name.startswith("_")):
        raise ValueError(f"{short_repr(name)} can't be the name of a part of a module here")


def _check_free(layer: nn.Module, name: Any, parts: Mapping[str, Any]) -> None:
    """Refuse a name for one of a module's parts under which the program has put something else.

    Raises:
        KeyError: If it has.
    """
    _check_name(name)
    fields: Mapping[str, Any] = vars(layer).get("__fields__") or {}
    kind: Any = type(layer)
    is_taken = name in fields or (isinstance(kind, ProgramClass) and kind.find(name) is not MISSING)
    if isinstance(name, str) and is_taken and name not in parts:
        raise KeyError(f"attribute '{name}' already exists")


def _add_module(layer: nn.Module, name: str, module: nn.Module | None) -> None:
    if module is None or isinstance(module, nn.Module):
        _check_free(layer, name, vars(layer)["_modules"])
    if isinstance(module, nn.Module):
        check_attachment(layer, module)
    layer.add_module(name, module)


def set_item(layer: nn.Module, key: Any, module: Any) -> None:
    """Do `layer[key] = module`, for a list or a dict of layers.

    Raises:
        TypeError: If it is no module.
        IndexError: If a list has nothing at that place.
        LimitError: If the layer would hold too many, or itself.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"{type(layer).__name__} holds layers, not {short_repr(module)}")
    if isinstance(layer, nn.ModuleDict):
        _add_module(layer, key, module)
        return
    if not isinstance(layer, nn.ModuleList | nn.Sequential) or not isinstance(key, int):
        raise TypeError(f"a place in {type(layer).__name__} is a number, not {short_repr(key)}")
    check_attachment(layer, module)
    layer[key] = module


def _register_buffer(layer: nn.Module, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
    _check_free(layer, name, vars(layer)["_buffers"])
    with untraced():
        layer.register_buffer(name, tensor, persistent)


def _register_parameter(layer: nn.Module, name: str, param: nn.Parameter | None) -> None:
    _check_free(layer, name, vars(layer)["_parameters"])
    with untraced():
        layer.register_parameter(name, param)


def _extend(layer: nn.Module, others: Any) -> nn.Module:
    for other in list(others):
        _append(layer, other)
    return layer


def _parameters(layer: nn.Module, recurse: bool = True) -> list[nn.Parameter]:
    """Do what `layer.parameters()` does, without working out their names: it is asked for in loops."""
    layers: dict[int, nn.Module] = {}
    left = [layer]
    while left:
        own = left.pop()
        if id(own) not in layers:
            layers[id(own)] = own
            if not recurse:
                break
            left += [inner for inner in reversed(vars(own)["_modules"].values()) if inner is not None]
    parameters = [own for inner in layers.values() for own in vars(inner)["_parameters"].values()]
    return list({id(own): own for own in parameters if own is not None}.values())


def _zero_grad(run: Interpreter, layer: nn.Module, set_to_none: bool = True) -> None:
    clear_gradients(run.recorder, _parameters(layer), bool(set_to_none))


def _iterator(name: str, items_of: Callable[..., Iterable[Any]]) -> RunFunction:
    """Return a method that gives an iterator over parts of a layer."""

    def iterator(run: Any, layer: nn.Module, *arguments: Any, **named: Any) -> ItemIterator:
        items = list(items_of(layer, *arguments, **named))
        return ItemIterator(run.new_number(), f"generator object Module.{name}", iter(items), layer)

    return RunFunction(name, iterator)


def _named(name: str) -> Callable[..., Iterable[Any]]:
    """Return what gives the parameters or the buffers of a layer with their names."""

    def items_of(layer: nn.Module, prefix: str = "", recurse: bool = True) -> Iterable[Any]:
        of_torch = layer.named_parameters if name == "named_parameters" else layer.named_buffers
        return of_torch(_text(prefix), bool(recurse))

    return items_of


def _insert(layer: nn.Module, index: int, other: nn.Module) -> nn.Module:
    if not isinstance(layer, LAYER_LISTS) or not isinstance(other, nn.Module):
        raise TypeError("a layer is inserted only into nn.Sequential or nn.ModuleList")
    check_attachment(layer, other)
    layer.insert(index, other)
    return layer


def _dict_of(layer: nn.Module) -> dict[str, Any]:
    if not isinstance(layer, nn.ModuleDict):
        raise AttributeError(f"'{type(layer).__name__}' object has no attribute 'keys'")
    return dict(layer.items())


def _text(name: Any) -> str:
    if not isinstance(name, str) or len(name) > MOST_SIZES * MAX_DEPTH:
        raise TypeError(f"a path of names is text, not {short_repr(name)}")
    return name


def _apply(run: Interpreter, layer: nn.Module, function: Any) -> nn.Module:
    """Do what `layer.apply(f)` does: call a function with each layer, the innermost first."""
    for inner in list(layer.children()):  # a layer that is in it twice is one child
        _apply(run, inner, function)
    run.call(function, [layer])
    return layer


def _state_dict(layer: nn.Module) -> dict[str, Any]:
    with untraced():  # a value of it that is read later is an input then
        return layer.state_dict()


def _load_state_dict(run: Interpreter, layer: nn.Module, state: Any, strict: bool = True) -> Any:
    """Do what `layer.load_state_dict` does: each weight is written in place."""
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state)}.")
    if not all(isinstance(value, Tensor) for value in state.values()):
        raise TypeError("a state_dict holds tensors")
    run.budget.step(LAYER_LOAD_STEPS * (count_layers(layer) + len(state)))
    return layer.load_state_dict(state, strict=bool(strict))


def subsequent_mask(sz: int, dtype: Any = None) -> Tensor:
    """Do what `nn.Transformer.generate_square_subsequent_mask` does."""
    return nn.Transformer.generate_square_subsequent_mask(sz, dtype=dtype)


def _subsequent_mask(layer: nn.Module, sz: int, dtype: Any = None) -> Tensor:
    if not isinstance(layer, nn.Transformer):
        raise AttributeError("nn.Transformer alone has generate_square_subsequent_mask")
    return subsequent_mask(sz, dtype)


METHODS: Mapping[str, Callable[..., Any] | RunFunction] = {
    "parameters": _iterator("parameters", _parameters),
    "named_parameters": _iterator("named_parameters", _named("named_parameters")),
    "buffers": _iterator("buffers", lambda layer, recurse=True: layer.buffers(bool(recurse))),
    "named_buffers": _iterator("named_buffers", _named("named_buffers")),
    "children": _iterator("children", lambda layer: layer.children()),
    "named_children": _iterator("named_children", lambda layer: layer.named_children()),
    "modules": _iterator("modules", lambda layer: layer.modules()),
    "named_modules": _iterator("named_modules", lambda layer: layer.named_modules()),
    "add_module": _add_module,
    "register_module": _add_module,
    "register_buffer": _register_buffer,
    "register_parameter": _register_parameter,
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "keys": lambda layer: _dict_of(layer).keys(),
    "values": lambda layer: _dict_of(layer).values(),
    "items": lambda layer: _dict_of(layer).items(),
    "get_submodule": lambda layer, target: layer.get_submodule(_text(target)),
    "get_parameter": lambda layer, target: layer.get_parameter(_text(target)),
    "get_buffer": lambda layer, target: layer.get_buffer(_text(target)),
    "apply": RunFunction("apply", _apply),
    "state_dict": _state_dict,
    "load_state_dict": RunFunction("load_state_dict", _load_state_dict),
    "forward": lambda layer, *arguments, **named: layer(*arguments, **named),
    **layer_dtypes.METHODS,
    "cpu": lambda layer: layer,
    "train": lambda layer, mode=True: layer.train(bool(mode)),
    "eval": lambda layer: layer.eval(),
    "zero_grad": RunFunction("zero_grad", _zero_grad),
    "requires_grad_": _set_requires_grad,
    "generate_square_subsequent_mask": _subsequent_mask,
}
ATTRIBUTES = frozenset([*FIELDS, *PARAMETERS, *METHODS])


def attribute_of(layer: nn.Module, name: str) -> Any:
    """Return a layer's attribute by the table, such as its size.

    Raises:
        KeyError: If the table or the layer has no such attribute.
    """
    if name not in FIELDS:
        raise KeyError(name)
    return vars(layer)[name]


def make_parameter(data: Tensor, requires_grad: bool = True) -> nn.Parameter:
    """Do what `nn.Parameter` does: make a leaf that gets a gradient."""
    if not isinstance(data, Tensor):
        raise TypeError(f"nn.Parameter takes a tensor, not a {type(data).__name__}")
    with untraced():
        return nn.Parameter(data.detach(), requires_grad)


def _recurrent(
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    bias: bool = True,
    batch_first: bool = False,
    dropout: float = 0.0,
    bidirectional: bool = False,
) -> None:
    """Stand for torch's recurrent layers, whose own signatures name nothing."""


def _plain_recurrent(
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    nonlinearity: str = "tanh",
    bias: bool = True,
    batch_first: bool = False,
    dropout: float = 0.0,
    bidirectional: bool = False,
) -> None:
    """Stand for `nn.RNN` likewise."""


_SIGNED: Mapping[Any, Callable[..., None]] = {
    nn.RNN: _plain_recurrent,
    nn.GRU: _recurrent,
    nn.LSTM: _recurrent,
}


def _read_signature(kind: Any) -> Signature:
    return signature(_SIGNED.get(kind, kind))


# Cached: to work out a signature takes longer than to make a layer.
_signature_of: Callable[[Any], Signature] = cache(_read_signature)


def make_layer(
    budget: Budget,
    kind: type[nn.Module],
    arguments: list[Any],
    named: Mapping[str, Any],
) -> nn.Module:
    """Make a layer, charged by the size of its weights.

    What torch calls to fill the weights is no step of the program, and is not recorded.

    Raises:
        TypeError: If an argument is not what a layer takes.
        LimitError: If the layer would be too large.
    """
    arguments, named = _charged_arguments(budget, kind, arguments, named)
    with untraced():
        layer = kind(*arguments, **named)
    lend_budget(layer, budget)
    watch_padding(layer)
    budget.step(LAYER_VISIT_STEPS * count_layers(layer))
    return layer


def fill_layer(
    budget: Budget, layer: nn.Module, kind: type[nn.Module], arguments: list[Any], named: Mapping[str, Any]
) -> None:
    """Do what the `__init__` of a layer's kind does for a layer of a class made from it, likewise charged."""
    arguments, named = _charged_arguments(budget, kind, arguments, named)
    with untraced():
        kind.__init__(layer, *arguments, **named)
    lend_budget(layer, budget)
    watch_padding(layer)
    budget.step(LAYER_VISIT_STEPS * count_layers(layer))


def _charged_arguments(
    budget: Budget, kind: type[nn.Module], arguments: list[Any], named: Mapping[str, Any]
) -> tuple[list[Any], Mapping[str, Any]]:
    """Return the arguments that a layer is made with, checked, and charged by the size of its weights."""
    for argument in arguments:
        if isinstance(argument, list | tuple | dict):
            check_count(len(argument))
        for name in argument if isinstance(argument, dict) else ():
            _check_name(name)
    if not issubclass(kind, CONTAINERS):
        arguments, named = check_arguments(kind, arguments, named)
    bound = _signature_of(kind).bind(*arguments, **named)
    bound.apply_defaults()
    budget.charge_layer(f"nn.{kind.__name__}", weight_count(kind.__name__, bound.arguments))
    return arguments, named


def check_arguments(
    kind: type[nn.Module], arguments: Sequence[Any], named: Mapping[str, Any]
) -> tuple[list[Any], Mapping[str, Any]]:
    """Return the arguments of a layer without a device, after a check: its text will show all of them.

    Raises:
        TypeError: If one is something else than a number, a word or a weight, or is refused by its name.
        ValueError: If the device is another than the CPU.
    """
    bound = _signature_of(kind).bind(*arguments, **named)
    if bound.arguments.get("device") is not None:
        cpu_device(bound.arguments["device"])
    bound.arguments.pop("device", None)
    for name, value in bound.arguments.items():
        if name in suggestions.ARGUMENTS and is_given(value):
            raise RefusalError(f"{name}= is not part of the language: {suggestions.ARGUMENTS[name]}")
        if isinstance(value, Tensor) and name not in _TENSORS and value.numel() == 1:
            with untraced():  # a size that was worked out, such as max(tokens) + 1
                value = bound.arguments[name] = value.item()
        if name in _COPIED and value is not None:
            if value.__class__ is not _COPIED[name]:
                wanted = f"nn.{kind.__name__} takes an nn.{_COPIED[name].__name__} for {name}"
                raise TypeError(f"{wanted}, not {short_repr(value)}")
            continue
        several = isinstance(value, list | tuple) and len(value) <= MOST_SIZES
        short = isinstance(value, str) and len(value) <= MOST_SIZES and name in _WORDS
        plain = value is None or isinstance(value, _PLAIN) or short or several
        if not plain and not (name in _TENSORS and isinstance(value, Tensor)):
            raise TypeError(
                f"nn.{kind.__name__} takes a number or a word for {name}, not {short_repr(value)}"
            )
        for item in value if several else ():
            if not isinstance(item, int | float):
                raise TypeError(f"nn.{kind.__name__} takes numbers for {name}, not {short_repr(item)}")
    return list(bound.args), bound.kwargs


def is_given(value: Any) -> bool:
    """Return whether an argument asks for something, as False and None do not."""
    return isinstance(value, Tensor) or bool(value)
