"""The entries of the pointwise operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

import torch
from torch import Tensor

from llm_linalg.ops.operation import NO_DERIVATIVE, Call, Operation, literal
from llm_linalg.ops.pointwise import Pointwise
from llm_linalg.ops.signature import parse_signature


def entry(name: str, signature: str, phrase: str, *cotangents: str, **more: Any) -> Pointwise:
    """Return the entry of a function of some numbers, with the cotangents of its first parameters."""
    names = parse_signature(signature).positional
    gradient = dict(zip(names, cotangents, strict=False))
    # A number may say whether the call writes.
    free = 100 if "inplace" in names else 0
    return Pointwise(name, signature, phrase=phrase, gradient=gradient, first_free_number=free, **more)


def unary(name: str, phrase: str, *cotangent: str, **more: Any) -> Pointwise:
    """Return the entry of a function of one number."""
    return entry(name, "input", phrase, *cotangent, **more)


def _cast(name: str, signature: str) -> Pointwise:
    more = {"phrase_for_call": _cast_phrase, "vjp_for_call": _cast_vjp}
    return entry(name, signature, "{input}", casts=True, **more)


def _cast_phrase(call: Call) -> str:
    """Return the phrase of a cast to a dtype that can't hold every number of its operand's."""
    given, made = call.tensors[0].dtype, call.result.dtype
    try:
        holds_all = torch.promote_types(given, made) is made
    except RuntimeError:  # types of 8 bits have no common type
        holds_all = given is made
    return "" if holds_all else f"{{input}} as {str(made).removeprefix('torch.')}"


def _scaled(sign: str) -> Callable[[Call], str]:
    """Return the rule of a phrase in which `alpha` scales what is added, or taken away."""
    scaled = f"{{input}} {sign} {{alpha}}·{{other}}"
    return lambda call: "" if call.arguments.get("alpha", 1) == 1 else scaled


def _division_phrase(call: Call) -> str:
    rounded = {"floor": "⌊{input} / {other}⌋", "trunc": "trunc({input} / {other})"}
    return rounded.get(call.arguments.get("rounding_mode") or "", "")


def _compare(name: str, operator: str, sign: str, *aliases: str) -> Pointwise:
    phrase = f"{{input}} {sign} {{other}}"
    return entry(name, "input, other", phrase, aliases=aliases, operator=operator)


_POWER = {
    "input": "{d} * {exponent} * {input} ** ({exponent} - 1)",
    "exponent": "{d} * {out} * torch.log({input})",
}
_DIVISION = {"input": "{d} / {other}", "other": "-{d} * {input} / {other} ** 2"}
_GELU = """\
share = 0.5 * (1 + torch.erf({input} / 2**0.5))
bell = torch.exp(-{input} ** 2 / 2) / (2 * torch.pi)**0.5
{d} * (share + {input} * bell)"""
_SILU = """\
gate = torch.sigmoid({input})
{d} * gate * (1 + {input} * (1 - gate))"""


def _power_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of a power; for a plain exponent in the form that one writes by hand."""
    base, exponent = call["input"], call["exponent"]
    if call.place("input") is None:
        return {"exponent": "{d} * {out} * math.log({input})"} if base > 0 else {}
    if call.place("exponent") is not None:
        return _POWER if bool((base > 0).all()) else {}
    if exponent == 0:
        return {"input": "torch.zeros_like({d})"}
    if exponent == 2:
        return {"input": "{d} * 2 * {input}"}
    return {"input": f"{{d}} * {literal(exponent)} * {{input}} ** {literal(exponent - 1)}"}


def _division_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of a quotient; a rounded one is a step function, with slope 0."""
    if call["rounding_mode"] is not None:
        return dict.fromkeys(_DIVISION, "torch.zeros_like({d})")
    return _DIVISION


def _zeros_divided(call: Call, place: int, fixed: Sequence[Tensor | None]) -> Tensor | None:
    """Return the cells of a quotient whose dividend a mask set to 0: no divisor moves them."""
    dividend = call.place("input")
    masked = None if dividend is None or place == dividend else fixed[dividend]
    if dividend is None or masked is None:
        return None
    return (masked & (call.tensors[dividend] == 0)).expand(call.shape)


def _gelu_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of gelu; its tanh approximation is left to autograd."""
    return {"input": _GELU} if call["approximate"] == "none" else {}


def _cast_vjp(call: Call) -> Mapping[str, str]:
    """Return the VJP of a cast: the cotangent in the operand's dtype; none for one that only gives it."""
    lenders = {name: "" for name, places in call.places.items() if places and places[0]}
    return {**lenders, "input": "{d}.type_as({input})" if call.result.is_floating_point() else ""}


def _of_bits(phrase: str) -> Callable[[Call], str]:
    """Return the rule of a phrase that holds where the result has bits, and isn't true or false."""
    return lambda call: "" if call.result.dtype == torch.bool else phrase


_CASTS = "float double half bfloat16 byte char short int long bool cfloat cdouble"
POINTWISE: tuple[Operation, ...] = (
    entry(
        "add",
        "input, other, *, alpha=1",
        "{input} + {other}",
        "{d}",
        "{alpha}{d}",
        operator="+",
        phrase_for_call=_scaled("+"),
        spellings=("torch.Tensor.__add__", "torch.Tensor.__radd__"),
        vjp_explanation="A sum hands its gradient on as it is, to each of what it added.",
        signs=(1, 1),
    ),
    entry(
        "sub",
        "input, other, *, alpha=1",
        "{input} - {other}",
        "{d}",
        "-{alpha}{d}",
        operator="-",
        phrase_for_call=_scaled("-"),
        aliases=("subtract",),
        spellings=("torch.Tensor.__sub__",),
        reflected=("torch.Tensor.__rsub__", "torch.rsub"),
        vjp_explanation="A difference hands its gradient on as it is, with a minus to what it took away.",
        signs=(1, -1),
    ),
    entry(
        "mul",
        "input, other",
        "{input}·{other}",
        "{d} * {other}",
        "{d} * {input}",
        operator="*",
        aliases=("multiply",),
        spellings=("torch.Tensor.__mul__", "torch.Tensor.__rmul__"),
        vjp_explanation="A product moves with one factor by the other: the gradient times the other factor.",
        product=True,
    ),
    entry(
        "div",
        "input, other, *, rounding_mode=None",
        "{input} / {other}",
        operator="/",
        aliases=("divide", "true_divide"),
        spellings=("torch.Tensor.__truediv__", "torch.Tensor.__itruediv__"),
        reflected=("torch.Tensor.__rtruediv__", "torch.Tensor.__rdiv__"),
        phrase_for_call=_division_phrase,
        vjp_for_call=_division_vjp,
        unmoved_by=_zeros_divided,
    ),
    entry(
        "floor_divide",
        "input, other",
        "⌊{input} / {other}⌋",
        NO_DERIVATIVE,
        NO_DERIVATIVE,
        spellings=("torch.Tensor.__floordiv__", "torch.Tensor.__ifloordiv__"),
        reflected=("torch.Tensor.__rfloordiv__",),
    ),
    entry(
        "remainder",
        "input, other",
        "{input} mod {other}",
        spellings=("torch.Tensor.__mod__", "torch.Tensor.__imod__"),
        reflected=("torch.Tensor.__rmod__",),
        multiplications_per_cell=1,
    ),
    entry(
        "pow",
        "input, exponent",
        "{input}^{exponent}",
        operator="**",
        spellings=("torch.Tensor.__pow__",),
        reflected=("torch.Tensor.__rpow__",),
        vjp_for_call=_power_vjp,
        multiplications_per_cell=1,
    ),
    entry("maximum", "input, other", "max({input}, {other})"),
    entry("minimum", "input, other", "min({input}, {other})"),
    unary("neg", "-{input}", "-{d}", aliases=("negative",)),
    unary("abs", "|{input}|", "{d} * torch.sign({input})", aliases=("absolute",)),
    unary("sign", "sign({input})", "torch.zeros_like({d})"),
    unary("exp", "exp({input})", "{d} * {out}", flat_at=-inf),
    unary("log", "ln({input})", "{d} / {input}"),
    unary("sqrt", "√{input}", "{d} / (2 * {out})"),
    unary("rsqrt", "1/√{input}", "-0.5 * {d} * {out} ** 3"),
    unary("square", "{input}²", "{d} * 2 * {input}"),
    unary("reciprocal", "1 / {input}", "-{d} * {out} ** 2"),
    unary("sin", "sin({input})", "{d} * torch.cos({input})"),
    unary("cos", "cos({input})", "-{d} * torch.sin({input})"),
    unary("erf", "erf({input})", "{d} * 2 / torch.pi**0.5 * torch.exp(-({input} ** 2))"),
    unary("tanh", "tanh({input})", "{d} * (1 - {out} ** 2)"),
    unary(
        "sigmoid",
        "σ({input})",
        "{d} * {out} * (1 - {out})",
        spellings=("torch.special.expit",),
        multiplications_per_cell=1,
    ),
    unary("floor", "⌊{input}⌋", "torch.zeros_like({d})"),
    unary("ceil", "⌈{input}⌉", "torch.zeros_like({d})"),
    entry("round", "input, *, decimals=0", "round({input})", "torch.zeros_like({d})"),
    unary("logical_not", "not {input}"),
    unary(
        "bitwise_not",
        "not {input}",
        phrase_for_call=_of_bits("~{input}"),
        spellings=("torch.Tensor.__invert__",),
    ),
    unary("isnan", "{input} is nan"),
    unary("isinf", "{input} is ±inf"),
    unary("isfinite", "{input} is finite"),
    entry(
        "relu",
        "input, inplace=False",
        "max(0, {input})",
        "{d}.masked_fill({input} <= 0, 0)",
        vjp_explanation="Where {target} was above 0 it passed, and so does the gradient; elsewhere it stops.",
    ),
    entry(
        "gelu",
        "input, approximate='none'",
        "gelu({input})",
        vjp_for_call=_gelu_vjp,
        vjp_explanation="gelu(x) is x times the share Φ(x) of the bell curve below x. By the product rule "
        "its slope is Φ(x) plus x times the curve itself.",
        multiplications_per_cell=3,
        in_float32=True,
    ),
    entry(
        "silu",
        "input, inplace=False",
        "{input}·σ({input})",
        _SILU,
        multiplications_per_cell=1,
        in_float32=True,
    ),
    entry("clamp", "input, min=None, max=None", "clamp({input})", aliases=("clip",)),
    _compare("lt", "<", "<", "less"),
    _compare("le", "<=", "≤", "less_equal"),
    _compare("gt", ">", ">", "greater"),
    _compare("ge", ">=", "≥", "greater_equal"),
    _compare("eq", "==", "="),
    _compare("ne", "!=", "≠", "not_equal"),
    *(
        entry(
            f"{kind}_{word}",
            "input, other",
            phrase,
            phrase_for_call=_of_bits(f"{{input}} {sign} {{other}}"),
            spellings=tuple([f"torch.Tensor.__{way}{word}__" for way in ("", "r", "i")] * is_sign),
        )
        for kind, is_sign in (("logical", False), ("bitwise", True))
        for word, sign, phrase in (
            ("and", "&", "{input} and {other}"),
            ("or", "|", "{input} or {other}"),
            ("xor", "xor", "either {input} or {other}"),
        )
    ),
    *(
        entry(
            f"bitwise_{way}_shift",
            "input, other",
            f"{{input}} {sign} {{other}}",
            spellings=(f"torch.Tensor.__{short}__", f"torch.Tensor.__i{short}__"),
            reflected=(f"torch.Tensor.__r{short}__",),
        )
        for way, short, sign in (("left", "lshift", "<<"), ("right", "rshift", ">>"))
    ),
    *(_cast(name, "input, memory_format=None") for name in _CASTS.split()),
    _cast(
        "to",
        "input, kind=None, more=None, non_blocking=False, copy=False, *, dtype=None, device=None, "
        "memory_format=None, tensor=None",
    ),
    _cast("type_as", "input, other"),
    _cast("type", "input, dtype=None, non_blocking=False"),
    *(unary(name, f"{name}({{input}})") for name in ("log1p", "expm1", "log2", "log10", "exp2")),
    unary("trunc", "trunc({input})", aliases=("fix",)),
    unary("logsigmoid", "ln σ({input})", "{d} * torch.sigmoid(-{input})", in_float32=True),
    entry("softplus", "input, beta=1, threshold=20", "softplus({input})"),
    entry("isclose", "input, other, rtol=1e-05, atol=1e-08, equal_nan=False", "{input} ≈ {other}"),
)
