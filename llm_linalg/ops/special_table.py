"""The entries of the functions of mathematics: angles, logarithms, gamma and Bessel functions, activations.

Each is pointwise, like those of `pointwise_table`. Where the slope takes more than a line, autograd gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.pointwise import Pointwise


def _function(name: str, phrase: str, gradient: str = "", **more: Any) -> Pointwise:
    """Return the entry of a function of one number; without a gradient autograd gives it."""
    facts = {"signature": "input", **more}
    cotangents = {"input": gradient} if gradient else {}
    return Pointwise(name, phrase=phrase, gradient=cotangents, autograd=not gradient, **facts)


def _test(name: str, phrase: str, **more: Any) -> Pointwise:
    """Return the entry of a question to one number, which has no slope."""
    return Pointwise(name, "input", phrase=phrase, **more)


def _pair(name: str, phrase: str, gradient: Mapping[str, str] | None = None, **more: Any) -> Pointwise:
    """Return the entry of a function of two numbers; without a gradient autograd gives it."""
    facts = {"signature": "input, other", **more}
    return Pointwise(name, phrase=phrase, gradient=gradient or {}, autograd=not gradient, **facts)


def _whole(name: str, phrase: str, **more: Any) -> Pointwise:
    """Return the entry of a function of two whole numbers, which has no slope."""
    return Pointwise(name, "input, other", phrase=phrase, **more)


def _activation(name: str, signature: str, phrase: str, **more: Any) -> Pointwise:
    facts = {"multiplications_per_cell": 1, **more}
    return Pointwise(name, signature, phrase=phrase, autograd=True, first_free_number=100, **facts)


def _in_special(name: str, phrase: str, **more: Any) -> Pointwise:
    facts = {"signature": "input", **more}
    return Pointwise(name, phrase=phrase, autograd=True, **facts)


def _gamma_cells(call: Call) -> int:
    """Return the cells that mvlgamma makes: one for each of the gammas that it adds up."""
    return max(int(call["p"]), 1) * prod(call.shapes[0])


def _logit_of_eps(call: Call) -> Mapping[str, str]:
    """Return the VJP of a logit; one that is clamped is left to autograd."""
    return {"input": "{d} / ({input} * (1 - {input}))"} if call["eps"] is None else {}


_ANGLES: tuple[Operation, ...] = (
    _function("acos", "arccos({input})", "-{d} / torch.sqrt(1 - {input} ** 2)", aliases=("arccos",)),
    _function("asin", "arcsin({input})", "{d} / torch.sqrt(1 - {input} ** 2)", aliases=("arcsin",)),
    _function("atan", "arctan({input})", "{d} / (1 + {input} ** 2)", aliases=("arctan",)),
    _function("acosh", "arcosh({input})", "{d} / torch.sqrt({input} ** 2 - 1)", aliases=("arccosh",)),
    _function("asinh", "arsinh({input})", "{d} / torch.sqrt({input} ** 2 + 1)", aliases=("arcsinh",)),
    _function("atanh", "artanh({input})", "{d} / (1 - {input} ** 2)", aliases=("arctanh",)),
    _function("sinh", "sinh({input})", "{d} * torch.cosh({input})"),
    _function("cosh", "cosh({input})", "{d} * torch.sinh({input})"),
    _function("tan", "tan({input})", "{d} * (1 + {out} ** 2)"),
    _function("deg2rad", "{input}·π/180", "{d} * torch.pi / 180", multiplications_per_cell=1),
    _function("rad2deg", "{input}·180/π", "{d} * 180 / torch.pi", multiplications_per_cell=1),
    _function("sinc", "sin(π·{input}) / (π·{input})"),
    _pair(
        "atan2",
        "angle of ({other}, {input})",
        {
            "input": "{d} * {other} / ({input} ** 2 + {other} ** 2)",
            "other": "-{d} * {input} / ({input} ** 2 + {other} ** 2)",
        },
        aliases=("arctan2",),
    ),
    _pair(
        "hypot",
        "√({input}² + {other}²)",
        {"input": "{d} * {input} / {out}", "other": "{d} * {other} / {out}"},
        multiplications_per_cell=2,
    ),
)
_EXPONENTIALS: tuple[Operation, ...] = (
    _pair(
        "logaddexp",
        "ln(exp({input}) + exp({other}))",
        {"input": "{d} * torch.exp({input} - {out})", "other": "{d} * torch.exp({other} - {out})"},
    ),
    _pair("logaddexp2", "log2(2^{input} + 2^{other})"),
    _pair("ldexp", "{input}·2^{other}", multiplications_per_cell=1),
    _pair("xlogy", "{input}·ln {other}", multiplications_per_cell=1),
    _in_special("xlog1py", "{input}·ln(1 + {other})", signature="input, other"),
    _in_special("entr", "-{input}·ln {input}"),
    Pointwise(
        "logit",
        "input, eps=None",
        phrase="ln({input} / (1 - {input}))",
        vjp_for_call=_logit_of_eps,
        multiplications_per_cell=1,
        first_free_number=100,
    ),
    _pair("float_power", "{input}^{exponent}", signature="input, exponent", multiplications_per_cell=1),
)
_GAMMA_DENSITY = "torch.exp(({input} - 1) * torch.log({other}) - {other} - torch.lgamma({input}))"
_GAMMAS: tuple[Operation, ...] = (
    _function(
        "digamma",
        "ψ({input})",
        "{d} * torch.polygamma(1, {input})",
        spellings=("torch.special.psi", "torch.special.digamma"),
    ),
    _function(
        "lgamma", "ln |Γ({input})|", "{d} * torch.digamma({input})", spellings=("torch.special.gammaln",)
    ),
    Pointwise(
        "mvlgamma",
        "input, p",
        autograd=True,
        spellings=("torch.special.multigammaln",),
        phrase="ln Γ_p({input})",
        price=_gamma_cells,
        first_free_number=100,
    ),
    Pointwise(
        "polygamma",
        "n, input",
        autograd=True,
        reflected=("torch.Tensor.polygamma",),
        phrase="polygamma({n}, {input})",
        first_free_number=100,
    ),
    *(
        _pair(
            name,
            f"{letter}({{input}}, {{other}})",
            {"input": "", "other": f"{sign}{{d}} * {_GAMMA_DENSITY}"},
            spellings=(f"torch.special.{other}",),
        )
        for name, letter, sign, other in (("igamma", "P", "", "gammainc"), ("igammac", "Q", "-", "gammaincc"))
    ),
    _in_special("zeta", "ζ({input}, {other})", signature="input, other"),
)
_BESSEL = """
    airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_i0 modified_bessel_i1 modified_bessel_k0
    modified_bessel_k1 scaled_modified_bessel_k0 scaled_modified_bessel_k1 spherical_bessel_j0
"""
_BELLS: tuple[Operation, ...] = (
    _function("erfc", "1 - erf({input})", "-{d} * 2 / torch.pi**0.5 * torch.exp(-({input} ** 2))"),
    _function("erfinv", "erf⁻¹({input})", "{d} * torch.pi**0.5 / 2 * torch.exp({out} ** 2)"),
    _in_special("erfcx", "exp({input}²)·erfc({input})"),
    _in_special("ndtr", "Φ({input})"),
    _in_special("ndtri", "Φ⁻¹({input})"),
    _in_special("log_ndtr", "ln Φ({input})"),
    _function("i0", "I₀({input})"),
    *(_in_special(name, f"{name}({{input}})") for name in ("i0e", "i1", "i1e")),
    *(Pointwise(name, "input", phrase=f"{name}({{input}})", autograd=True) for name in _BESSEL.split()),
)
_NUMBERS: tuple[Operation, ...] = (
    _function("frac", "{input} - trunc({input})", "{d}"),
    _test("signbit", "{input} is negative"),
    _test("isneginf", "{input} is -inf"),
    _test("isposinf", "{input} is inf"),
    _test("isreal", "{input} is real"),
    Pointwise("sgn", "input", phrase="sign({input})", autograd=True),
    Pointwise(
        "nan_to_num",
        "input, nan=0.0, posinf=None, neginf=None",
        autograd=True,
        phrase="{input} if finite",
        first_free_number=100,
    ),
    _pair("copysign", "|{input}| with the sign of {other}"),
    _pair("fmod", "{input} - {other}·trunc({input} / {other})", multiplications_per_cell=1),
    _pair("fmax", "max({input}, {other})"),
    _pair("fmin", "min({input}, {other})"),
    _pair(
        "heaviside",
        "0, {values} or 1 by the sign of {input}",
        {"input": "", "values": ""},
        signature="input, values",
    ),
    _pair("nextafter", "the number beside {input}, towards {other}", {"input": "", "other": ""}),
    _whole("gcd", "gcd({input}, {other})"),
    _whole("lcm", "lcm({input}, {other})"),
    Pointwise("clamp_min", "input, min", autograd=True, phrase="max({input}, {min})"),
    Pointwise("clamp_max", "input, max", autograd=True, phrase="min({input}, {max})"),
    Pointwise(
        "lerp",
        "input, end, weight",
        phrase="{input} + {weight}·({end} - {input})",
        gradient={
            "input": "{d} * (1 - {weight})",
            "end": "{d} * {weight}",
            "weight": "{d} * ({end} - {input})",
        },
        multiplications_per_cell=1,
    ),
    Pointwise(
        "addcmul",
        "input, tensor1, tensor2, *, value=1",
        phrase="{input} + {value}·{tensor1}·{tensor2}",
        gradient={
            "input": "{d}",
            "tensor1": "{d} * {value} * {tensor2}",
            "tensor2": "{d} * {value} * {tensor1}",
        },
        multiplications_per_cell=2,
    ),
    Pointwise(
        "addcdiv",
        "input, tensor1, tensor2, *, value=1",
        phrase="{input} + {value}·{tensor1} / {tensor2}",
        gradient={
            "input": "{d}",
            "tensor1": "{d} * {value} / {tensor2}",
            "tensor2": "-{d} * {value} * {tensor1} / {tensor2} ** 2",
        },
        multiplications_per_cell=2,
    ),
)
_ACTIVATIONS: tuple[Operation, ...] = (
    _activation("relu6", "input, inplace=False", "min(max(0, {input}), 6)"),
    _activation("hardtanh", "input, min_val=-1.0, max_val=1.0, inplace=False", "clamp({input})"),
    _activation("hardsigmoid", "input, inplace=False", "clamp({input}/6 + 1/2, 0, 1)"),
    _activation("hardswish", "input, inplace=False", "{input}·clamp({input}/6 + 1/2, 0, 1)"),
    _activation("mish", "input, inplace=False", "{input}·tanh(ln(1 + exp({input})))"),
    _activation("selu", "input, inplace=False", "selu({input})"),
    _activation("celu", "input, alpha=1.0, inplace=False", "celu({input})"),
    _activation("softsign", "input", "{input} / (1 + |{input}|)"),
    _activation("tanhshrink", "input", "{input} - tanh({input})"),
    _activation("softshrink", "input, lambd=0.5", "softshrink({input})"),
    _activation("hardshrink", "input, lambd=0.5", "{input} if |{input}| > {lambd} else 0"),
    _activation(
        "threshold", "input, threshold, value, inplace=False", "{input} if {input} > {threshold} else {value}"
    ),
)


SPECIAL_FUNCTIONS: tuple[Operation, ...] = (
    *_ANGLES,
    *_EXPONENTIALS,
    *_GAMMAS,
    *_BELLS,
    *_NUMBERS,
    *_ACTIVATIONS,
)
