"""What a program asks of the machine: there is one CPU, no GPU, and nothing to switch.

The answers are those of torch on a machine without a GPU, so code that looks for one
goes on as it does there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llm_linalg.base.short_repr import short_repr
from llm_linalg.language.autograd import GradMode
from llm_linalg.language.refusal import RefusalError


def _no() -> bool:
    return False


def _none(*_: Any) -> int:
    return 0


def _one() -> int:
    return 1


def _nothing(*_: Any, **__: Any) -> None:
    pass


def compile_function(function: Any = None, **_: Any) -> Any:
    """Do what `torch.compile` does to results: nothing."""
    return compile_function if function is None else function


def autocast(device_type: str = "cuda", _dtype: Any = None, enabled: bool = True, **_: Any) -> GradMode:
    """Do what `torch.autocast` does where the GPU that it is for is missing: nothing.

    Raises:
        TypeError: If it is for the CPU, where it would compute with 16 bits, or for no device.
    """
    if not isinstance(device_type, str):
        raise TypeError(f"autocast takes the name of a device, not {short_repr(device_type)}")
    if enabled and device_type == "cpu":
        raise RefusalError("autocast for the CPU computes with 16 bits: leave it out, or write enabled=False")
    return GradMode(enabled=None)


def _autocast_cuda(enabled: bool = True, **_: Any) -> GradMode:
    return autocast("cuda", None, enabled)


Members = Mapping[str, Any]
CUDA: Members = {
    "is_available": _no,
    "is_initialized": _no,
    "is_bf16_supported": _no,
    "device_count": _none,
    "memory_allocated": _none,
    "max_memory_allocated": _none,
    "manual_seed": _nothing,
    "manual_seed_all": _nothing,
    "empty_cache": _nothing,
    "amp": {"autocast": _autocast_cuda},
}
_SWITCHES = {"enabled": True, "benchmark": False, "deterministic": False, "allow_tf32": True}
BACKENDS: Members = {
    "mps": {"is_available": _no, "is_built": _no},
    "cuda": {"is_built": _no, "matmul": {"allow_tf32": False}},
    "cudnn": {"is_available": _no, **_SWITCHES},
}
MEMBERS: Members = {
    "cuda": CUDA,
    "backends": BACKENDS,
    "mps": {"is_available": _no},
    "xpu": {"is_available": _no},
    "amp": {"autocast": autocast},
    "autocast": autocast,
    "compile": compile_function,
    "get_num_threads": _one,
    "set_num_threads": _nothing,
    "use_deterministic_algorithms": _nothing,
    "set_float32_matmul_precision": _nothing,
}
"""Members of `torch`; a dict is a module within it."""

SWITCHES = frozenset([*_SWITCHES, "allow_tf32"])
"""Members of these modules that may be assigned to, without effect."""

DEVICE: Mapping[str, Callable[[Any], Any]] = {
    "type": lambda device: device.type,
    "index": lambda device: device.index,
}
"""Attributes of a `torch.device`."""
