"""The entries of the functions of mathematics: angles, logarithms, gamma and Bessel functions, activations.

Each is pointwise, like those of `pointwise_table`. Where the slope takes more than a line, autograd gives it.
"""

from __future__ import annotations

from llm_linalg.ops.operation import NO_DERIVATIVE, Operation
from llm_linalg.ops.pointwise_table import entry, unary

_BESSEL = """
    airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_i0 modified_bessel_i1 modified_bessel_k0
    modified_bessel_k1 scaled_modified_bessel_k0 scaled_modified_bessel_k1 spherical_bessel_j0
"""
SPECIAL_FUNCTIONS: tuple[Operation, ...] = (
    # Angles, and hyperbolic functions.
    unary("acos", "arccos({input})", "-{d} / torch.sqrt(1 - {input} ** 2)", aliases=("arccos",)),
    unary("asin", "arcsin({input})", "{d} / torch.sqrt(1 - {input} ** 2)", aliases=("arcsin",)),
    unary("atan", "arctan({input})", "{d} / (1 + {input} ** 2)", aliases=("arctan",)),
    unary("acosh", "arcosh({input})", "{d} / torch.sqrt({input} ** 2 - 1)", aliases=("arccosh",)),
    unary("asinh", "arsinh({input})", "{d} / torch.sqrt({input} ** 2 + 1)", aliases=("arcsinh",)),
    unary("atanh", "artanh({input})", "{d} / (1 - {input} ** 2)", aliases=("arctanh",)),
    unary("sinh", "sinh({input})", "{d} * torch.cosh({input})"),
    unary("cosh", "cosh({input})", "{d} * torch.sinh({input})"),
    unary("tan", "tan({input})", "{d} * (1 + {out} ** 2)"),
    unary("deg2rad", "{input}·π/180", "{d} * torch.pi / 180"),
    unary("rad2deg", "{input}·180/π", "{d} * 180 / torch.pi"),
    unary("sinc", "sin(π·{input}) / (π·{input})"),
    entry(
        "atan2",
        "input, other",
        "angle of ({other}, {input})",
        aliases=("arctan2",),
    ),
    entry(
        "hypot",
        "input, other",
        "√({input}² + {other}²)",
        "{d} * {input} / {out}",
        "{d} * {other} / {out}",
    ),
    # Exponentials and logarithms.
    entry(
        "logaddexp",
        "input, other",
        "ln(exp({input}) + exp({other}))",
        "{d} / (1 + torch.exp({other} - {input}))",
        "{d} / (1 + torch.exp({input} - {other}))",
    ),
    entry("logaddexp2", "input, other", "log2(2^{input} + 2^{other})"),
    entry("ldexp", "input, other", "{input}·2^{other}"),
    entry("xlogy", "input, other", "{input}·ln {other}"),
    entry("xlog1py", "input, other", "{input}·ln(1 + {other})"),
    unary("entr", "-{input}·ln {input}"),
    entry(
        "logit",
        "input, eps=None",
        "ln({input} / (1 - {input}))",
        phrase_for_call=lambda call: "" if call.arguments.get("eps") is None else "logit({input}, eps={eps})",
    ),
    entry("float_power", "input, exponent", "{input}^{exponent}", multiplications_per_cell=1),
    # The gamma function.
    unary(
        "digamma",
        "ψ({input})",
        "{d} * torch.polygamma(1, {input})",
        spellings=("torch.special.psi", "torch.special.digamma"),
    ),
    unary("lgamma", "ln |Γ({input})|", "{d} * torch.digamma({input})", spellings=("torch.special.gammaln",)),
    # Bell curves, and Bessel functions.
    unary("erfc", "1 - erf({input})", "-{d} * 2 / torch.pi**0.5 * torch.exp(-({input} ** 2))"),
    unary("erfinv", "erf⁻¹({input})", "{d} * torch.pi**0.5 / 2 * torch.exp({out} ** 2)"),
    unary("erfcx", "exp({input}²)·erfc({input})"),
    unary("ndtr", "Φ({input})"),
    unary("ndtri", "Φ⁻¹({input})"),
    unary("log_ndtr", "ln Φ({input})"),
    unary("i0", "I₀({input})"),
    *(unary(name, f"{name}({{input}})") for name in ("i0e", "i1", "i1e")),
    *(unary(name, f"{name}({{input}})") for name in _BESSEL.split()),
    # Parts of a number, and choices between numbers.
    unary("frac", "{input} - trunc({input})", "{d}"),
    unary("signbit", "{input} is negative"),
    unary("isneginf", "{input} is -inf"),
    unary("isposinf", "{input} is inf"),
    unary("isreal", "{input} is real"),
    unary("sgn", "sign({input})"),
    entry("nan_to_num", "input, nan=0.0, posinf=None, neginf=None", "nan_to_num({input})"),
    entry("copysign", "input, other", "|{input}| with the sign of {other}"),
    entry("fmod", "input, other", "{input} - {other}·trunc({input} / {other})"),
    entry("fmax", "input, other", "max({input}, {other})"),
    entry("fmin", "input, other", "min({input}, {other})"),
    entry("heaviside", "input, values", "0, {values} or 1 by the sign of {input}", *[NO_DERIVATIVE] * 2),
    entry("nextafter", "input, other", "the number beside {input}, towards {other}"),
    entry("gcd", "input, other", "gcd({input}, {other})"),
    entry("lcm", "input, other", "lcm({input}, {other})"),
    entry("clamp_min", "input, min", "max({input}, {min})"),
    entry("clamp_max", "input, max", "min({input}, {max})"),
    entry(
        "lerp",
        "input, end, weight",
        "{input} + {weight}·({end} - {input})",
        "{d} * (1 - {weight})",
        "{d} * {weight}",
        "{d} * ({end} - {input})",
    ),
    entry(
        "addcmul",
        "input, tensor1, tensor2, *, value=1",
        "{input} + {value}·{tensor1}·{tensor2}",
        "{d}",
        "{d} * {value} * {tensor2}",
        "{d} * {value} * {tensor1}",
    ),
    entry(
        "addcdiv",
        "input, tensor1, tensor2, *, value=1",
        "{input} + {value}·{tensor1} / {tensor2}",
        "{d}",
        "{d} * {value} / {tensor2}",
        "-{d} * {value} * {tensor1} / {tensor2} ** 2",
    ),
    # Activations.
    entry("relu6", "input, inplace=False", "min(max(0, {input}), 6)"),
    entry("hardtanh", "input, min_val=-1.0, max_val=1.0, inplace=False", "clamp({input})"),
    entry("hardsigmoid", "input, inplace=False", "clamp({input}/6 + 1/2, 0, 1)"),
    entry("hardswish", "input, inplace=False", "{input}·clamp({input}/6 + 1/2, 0, 1)"),
    entry("mish", "input, inplace=False", "{input}·tanh(ln(1 + exp({input})))"),
    entry(
        "leaky_relu",
        "input, negative_slope=0.01, inplace=False",
        "leaky_relu({input})",
        multiplications_per_cell=1,
    ),
    entry("elu", "input, alpha=1.0, inplace=False", "elu({input})", multiplications_per_cell=1),
    entry("selu", "input, inplace=False", "selu({input})", multiplications_per_cell=1),
    entry("celu", "input, alpha=1.0, inplace=False", "celu({input})", multiplications_per_cell=1),
    entry("softsign", "input", "{input} / (1 + |{input}|)"),
    entry("tanhshrink", "input", "{input} - tanh({input})"),
    entry("softshrink", "input, lambd=0.5", "softshrink({input})"),
    entry("hardshrink", "input, lambd=0.5", "{input} if |{input}| > {lambd} else 0"),
    entry(
        "threshold", "input, threshold, value, inplace=False", "{input} if {input} > {threshold} else {value}"
    ),
)
