"""What a program may name: torch's functions, a tensor's methods and attributes, layers, Python's own.

This is the second of two gates, after `source`, and the language's only way to torch: a name that is not here
does not exist. Torch's operations come from the table in `llm_linalg.ops`; the rest is listed below.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import getmembers
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.language import (
    autograd,
    builtin_functions,
    clipping,
    containers,
    data_loading,
    devices,
    distributions,
    einops_functions,
    einops_layers,
    exceptions,
    function_transforms,
    functional_gradients,
    generators,
    gradient_calls,
    gradient_functions,
    hardware,
    initializers,
    iterators,
    lazy_layers,
    modules,
    optimizers,
    packed_sequences,
    printing,
    readable_files,
    schedulers,
    storages,
    strings,
    suggestions,
    tensor_types,
    torch_functions,
    weight_files,
)
from llm_linalg.language.arrays import array_functions, array_generators, array_linear_algebra, array_random
from llm_linalg.language.arrays.array import Array, of_tensor, tensor_of
from llm_linalg.language.classes import data_class, own_functions, reflection
from llm_linalg.language.missing import MissingModule
from llm_linalg.language.python_modules import (
    clocks,
    collection_types,
    context_tools,
    copies,
    function_tools,
    iterator_tools,
    mathematics,
    operator_functions,
    package_versions,
    patterns,
    python_random,
    texts,
    type_hints,
)
from llm_linalg.language.sets import FrozenSet, OrderedSet
from llm_linalg.language.type_function import TypeFunction, kind_of
from llm_linalg.ops import TABLE, fallback

_DTYPES = """
    float float32 float64 double half float16 bfloat16 int int8 int16 int32 int64 short long uint8 uint16
    uint32 uint64 bool complex64 complex128 cfloat cdouble
"""


def _pick(home: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the members that a module or class has, of those names in our tables."""
    found = {name: getattr(home, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _operations(place: str, home: Any) -> dict[str, Any]:
    """Return the operations that our table spells with `torch.`, `F.` or as a method."""
    return _pick(home, (*TABLE.names_in(place), *fallback.names_in(place)))


def _written_in_place() -> dict[str, Any]:
    """Return torch's functions that are named after methods which write, such as `torch.sin_`."""
    return {name: does for name, does in _operations("Tensor", Tensor).items() if _is_function(name)}


def _is_function(name: str) -> bool:
    return name.endswith("_") and hasattr(torch, name)


@dataclass(frozen=True, slots=True, repr=False)
class Namespace:
    """A module as a program sees it, such as `torch`, `nn`, `F` or `math`."""

    name: str
    members: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<module {self.name}>"


def _spaces(path: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return members with a namespace for each table among them."""
    return {
        name: Namespace(f"{path}.{name}", _spaces(f"{path}.{name}", value))
        if isinstance(value, dict)
        else value
        for name, value in members.items()
    }


F = Namespace("F", {**_operations("F", nn.functional), "gumbel_softmax": torch_functions.gumbel_softmax})
INIT = Namespace("torch.nn.init", initializers.MEMBERS)
RNN_UTILS = Namespace("torch.nn.utils.rnn", packed_sequences.MEMBERS)
UTILS = Namespace("torch.nn.utils", {**clipping.MEMBERS, "rnn": RNN_UTILS})
NN = Namespace(
    "nn",
    {
        **_pick(nn, modules.LAYER_NAMES.split()),
        **lazy_layers.LAYERS,
        "functional": F,
        "Parameter": TypeFunction(nn.Parameter, modules.make_parameter),
        "Module": nn.Module,
        "init": INIT,
        "utils": UTILS,
    },
)
SCHEDULERS = Namespace("torch.optim.lr_scheduler", schedulers.MAKERS)
OPTIM = Namespace("torch.optim", {**optimizers.MAKERS, "lr_scheduler": SCHEDULERS})
LINALG = Namespace("torch.linalg", _operations("linalg", torch.linalg))
AUTOGRAD_FUNCTIONAL = Namespace("torch.autograd.functional", functional_gradients.MEMBERS)
AUTOGRAD = Namespace(
    "torch.autograd",
    {
        "grad": gradient_calls.GRAD,
        "Function": own_functions.FUNCTION,
        "functional": AUTOGRAD_FUNCTIONAL,
        "Variable": autograd.make_variable,
        "no_grad": autograd.no_grad,
        "enable_grad": autograd.enable_grad,
        "set_grad_enabled": gradient_calls.SET_GRAD_ENABLED,
        "set_detect_anomaly": autograd.unchanged_mode,
        "detect_anomaly": autograd.unchanged_mode,
    },
)
SPECIAL = Namespace("torch.special", _operations("special", torch.special))
DATA = Namespace("torch.utils.data", {"Dataset": torch.utils.data.Dataset, **data_loading.FUNCTIONS})
DATACLASSES = Namespace("dataclasses", data_class.FUNCTIONS)
DIST = Namespace("dist", {"all_reduce": devices.all_reduce, "all_gather": devices.all_gather})
MATH = Namespace("math", mathematics.MATH)
TYPING = Namespace("typing", type_hints.TYPING)
ABSTRACT = Namespace("collections.abc", type_hints.ABSTRACT)
FUTURE = Namespace("__future__", {"annotations": "annotations"})
DISTRIBUTIONS = Namespace("torch.distributions", _spaces("torch.distributions", distributions.MEMBERS))
FUNC = Namespace("torch.func", function_transforms.MEMBERS)
TORCH = Namespace(
    "torch",
    {
        **_operations("torch", torch),
        "manual_seed": torch_functions.manual_seed,
        "set_default_device": torch_functions.set_default_device,
        "set_default_dtype": torch_functions.set_default_dtype,
        "set_default_tensor_type": torch_functions.set_default_tensor_type,
        **_pick(torch, _DTYPES.split()),
        "pi": math.pi,
        "inf": math.inf,
        "nan": math.nan,
        "nn": NN,
        "linalg": LINALG,
        "utils": Namespace("torch.utils", {"data": DATA}),
        **_spaces("torch", hardware.MEMBERS),
        "autograd": AUTOGRAD,
        "optim": OPTIM,
        "Generator": TypeFunction(torch.Generator, generators.make_generator),
        "special": SPECIAL,
        "empty": torch.zeros,  # torch leaves its cells undefined; here every run is the same
        "empty_like": torch.zeros_like,
        "device": TypeFunction(torch.device, torch_functions.cpu_device),
        "Size": TypeFunction(torch.Size, torch_functions.make_size),
        "func": FUNC,
        "distributions": DISTRIBUTIONS,
        **_written_in_place(),
        "vmap": function_transforms.MEMBERS["vmap"],
        "random": Namespace("torch.random", {"manual_seed": torch_functions.manual_seed}),
        **tensor_types.MEMBERS,
        "no_grad": autograd.no_grad,
        "inference_mode": autograd.inference_mode,
        "enable_grad": autograd.enable_grad,
        "set_grad_enabled": gradient_calls.SET_GRAD_ENABLED,
        "is_grad_enabled": autograd.is_grad_enabled,
        "set_printoptions": printing.set_printoptions,
        "from_numpy": tensor_of,
        "load": weight_files.LOAD,
    },
)
METHODS: Mapping[str, Any] = {
    **_operations("Tensor", Tensor),
    **tensor_types.METHODS,
    "to": torch_functions.to_dtype,
    "backward": autograd.backward,
    "tolist": torch_functions.to_list,
    "resize_": torch_functions.resize,
    "numpy": of_tensor,
    "cpu": torch_functions.to_dtype,
    "register_hook": own_functions.REGISTER_HOOK,
    **storages.OF_TENSORS,
}
ATTRIBUTES: Mapping[str, Callable[[Any], Any]] = {
    "shape": lambda x: x.shape,
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "dtype": lambda x: x.dtype,
    "ndim": lambda x: x.ndim,
    "grad": lambda x: x.grad,
    "requires_grad": lambda x: x.requires_grad,
    "data": lambda x: x.detach(),  # shares the memory as torch's does, but writing to it is recorded
    "is_leaf": lambda x: x.is_leaf,
    "device": lambda x: x.device,
    "is_cuda": lambda _: False,
    **tensor_types.ATTRIBUTES,
    "grad_fn": gradient_functions.of_tensor,
}
STORED: Mapping[str, Callable[[Tensor, Any], None]] = {
    "grad": autograd.set_grad,
    "data": autograd.set_data,
    "requires_grad": autograd.set_requires_grad,
}
"""Attributes of a tensor that can be assigned to."""
FIELDS: Mapping[str, tuple[str, ...]] = {
    kind.__name__: kind.__match_args__  # type: ignore[attr-defined]
    for kind in torch.return_types.all_return_types
}
"""The names of what a function of torch returns, where it is several: `values` and `indices` of a topk."""
EINOPS_TORCH = Namespace("einops.layers.torch", einops_layers.LAYERS)
EINOPS_LAYERS = Namespace("einops.layers", {"torch": EINOPS_TORCH})
EINOPS = Namespace("einops", {**einops_functions.FUNCTIONS, "layers": EINOPS_LAYERS})
SAFETENSORS = Namespace("safetensors.torch", weight_files.SAFETENSORS)
METADATA = Namespace("importlib.metadata", package_versions.MEMBERS)
PACKAGING = Namespace("packaging.version", package_versions.VERSIONS)
NP_RANDOM = Namespace("np.random", {**array_random.RANDOM, **array_generators.MEMBERS})
NP_LINALG = Namespace("np.linalg", array_linear_algebra.LINALG)
NUMPY = Namespace(
    "np",
    {
        **array_functions.CONSTANTS,
        **array_functions.FUNCTIONS,
        **weight_files.NUMPY,
        "ndarray": TypeFunction(Array, array_functions.FUNCTIONS["zeros"]),
        "random": NP_RANDOM,
        "linalg": NP_LINALG,
    },
)
BUILTINS: Mapping[str, Any] = {
    "abs": abs,
    "round": builtin_functions.round_number,
    "pow": builtin_functions.power,
    "divmod": builtin_functions.quotient_and_rest,
    "len": len,
    "set": OrderedSet,
    "frozenset": FrozenSet,
    "dict": TypeFunction(dict, containers.make_dict),
    "float": float,
    "int": int,
    "bool": bool,
    "tuple": tuple,
    "list": list,
    "range": TypeFunction(range, builtin_functions.make_range),
    "slice": slice,
    "NotImplemented": NotImplemented,
    "open": readable_files.OPEN,
    "chr": chr,
    "ord": ord,
    "bin": bin,
    "oct": oct,
    "hex": hex,
    **iterators.FUNCTIONS,
    **strings.FUNCTIONS,
    **exceptions.EXCEPTIONS,
    **reflection.FUNCTIONS,
}
"""Python's own functions and types, by name."""
_LIBRARY: Mapping[str, Mapping[str, Any]] = {
    "random": python_random.MEMBERS,
    "copy": copies.MEMBERS,
    "collections": {**collection_types.MEMBERS, "abc": ABSTRACT},
    "functools": function_tools.MEMBERS,
    "itertools": iterator_tools.MEMBERS,
    "operator": operator_functions.MEMBERS,
    "statistics": mathematics.STATISTICS,
    "string": texts.MEMBERS,
    "re": patterns.MEMBERS,
    "contextlib": context_tools.MEMBERS,
    "time": clocks.TIME,
    "tqdm": clocks.TQDM,
    "tqdm.auto": clocks.TQDM,
    "tqdm.notebook": clocks.TQDM,
}
IMPORTED: Mapping[str, Namespace] = {"torch": TORCH, "nn": NN, "F": F, "math": MATH, "dist": DIST}
"""Modules that a program can use without an import, by name."""

MODULES: Mapping[str, Namespace] = {
    "torch": TORCH,
    "torch.nn": NN,
    "torch.nn.functional": F,
    "torch.nn.init": INIT,
    "torch.nn.utils": UTILS,
    "torch.nn.utils.rnn": RNN_UTILS,
    "torch.optim": OPTIM,
    "torch.optim.lr_scheduler": SCHEDULERS,
    "torch.autograd": AUTOGRAD,
    "torch.autograd.functional": AUTOGRAD_FUNCTIONAL,
    "torch.cuda": TORCH.members["cuda"],
    "torch.amp": TORCH.members["amp"],
    "torch.backends": TORCH.members["backends"],
    "torch.linalg": LINALG,
    "torch.special": SPECIAL,
    "torch.func": FUNC,
    "torch.distributions": DISTRIBUTIONS,
    **{
        f"torch.distributions.{name}": part
        for name, part in DISTRIBUTIONS.members.items()
        if isinstance(part, Namespace)
    },
    "torch.utils": TORCH.members["utils"],
    "torch.utils.data": DATA,
    "torch.distributed.nn.functional": DIST,
    "math": MATH,
    "einops": EINOPS,
    "einops.layers": EINOPS_LAYERS,
    "einops.layers.torch": EINOPS_TORCH,
    "importlib": Namespace("importlib", {"metadata": METADATA}),
    "importlib.metadata": METADATA,
    "packaging": Namespace("packaging", {"version": PACKAGING}),
    "packaging.version": PACKAGING,
    "numpy": NUMPY,
    "numpy.random": NP_RANDOM,
    "numpy.linalg": NP_LINALG,
    **{name: Namespace(name, members) for name, members in _LIBRARY.items()},
    "dataclasses": DATACLASSES,
    "safetensors": Namespace("safetensors", {"torch": SAFETENSORS, "safe_open": weight_files.SAFE_OPEN}),
    "safetensors.torch": SAFETENSORS,
    "typing": TYPING,
    "collections.abc": ABSTRACT,
    "__future__": FUTURE,
}
_NOT_AT_ONCE = frozenset(["numpy", "numpy.random", "numpy.linalg", "importlib", "__future__"])
"""Modules whose `*` is not known: NumPy's are never loaded here, and the others bind nothing of use."""


@cache
def star_members(path: str) -> Mapping[str, Any] | None:
    """Return what `from path import *` binds, by name; None where that can't be known.

    These are the names that Python binds, where it has loaded the module, and those of the table where not.
    One that the language lacks hides an older one all the same: it fails where it is used.
    """
    home = MODULES.get(path)
    if home is None or path in _NOT_AT_ONCE:
        return None
    in_python = _in_python(path)
    public = in_python.get("__all__") or in_python or home.members
    names = [name for name in public if not name.startswith("_")]
    found = {name: MODULES.get(f"{path}.{name}", home.members.get(name)) for name in names}
    for name in names:
        if found[name] is None:
            found[name] = _elsewhere(name, in_python.get(name)) or _absent(f"{path}.{name}")
    return found


@cache
def _in_python(path: str) -> Mapping[str, Any]:
    """Return what the module of Python's or torch's at a path has, by name; nothing if it is not loaded."""
    return dict(getmembers(sys.modules[path])) if path in sys.modules else {}


def _elsewhere(name: str, value: Any) -> Any:
    """Return what the language calls a value that a module has from another one, such as `torch` of `F`."""
    if isinstance(value, ModuleType):
        return MODULES.get(value.__name__)
    homes = [home for home in ("torch", "torch.nn", "typing", "math") if name in MODULES[home].members]
    return next((MODULES[home].members[name] for home in homes if _in_python(home).get(name) is value), None)


def _absent(path: str) -> MissingModule:
    return MissingModule(path, suggestions.unknown_import(path))


TAKE_ARRAYS = frozenset(
    [
        *einops_functions.FUNCTIONS.values(),
        *filter(
            callable, [*NUMPY.members.values(), *NP_RANDOM.members.values(), *NP_LINALG.members.values()]
        ),
        torch.tensor,
        *(TORCH.members[name] for name in ("from_numpy", "as_tensor", "asarray")),
        *tensor_types.TYPES.values(),
    ]
)
"""Functions that take arrays."""
TYPES: Mapping[type, Any] = {
    kind: value
    for space in (BUILTINS, TORCH.members, NN.members, DATA.members, NUMPY.members, _LIBRARY["collections"])
    for value in space.values()
    if (kind := kind_of(value)) is not None
}
"""What the language calls each type of Python's and torch's that it has."""
REFUSED_ARGUMENTS = frozenset(suggestions.ARGUMENTS)
TORCH_FUNCTIONS = frozenset(
    value
    for space in (TORCH, F, LINALG, SPECIAL, NUMPY, NP_RANDOM, NP_LINALG, EINOPS)
    for value in space.members.values()
    if callable(value) and not isinstance(value, type)
)
"""What hands its arguments to torch."""


def attribute(value: Any, name: str) -> Any:
    """Return a tensor's attribute by the table; `KeyError` if it is not in there."""
    return ATTRIBUTES[name](value)
