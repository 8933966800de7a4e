"""What draws random numbers or seeds a generator, as far as its text tells."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from llm_linalg.base.syntax import descendants
from llm_linalg.language.effects.names_in_code import is_module_path, own_parts, roots_of

_FROM_TORCH = """
    rand randn randint randperm normal bernoulli binomial multinomial poisson
    rand_like randn_like randint_like dropout
    dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout gumbel_softmax rrelu rsample
    Dropout Dropout1d Dropout2d Dropout3d AlphaDropout RReLU DataLoader RandomSampler random_split uniform_
    normal_ random_ bernoulli_ exponential_ geometric_ cauchy_ log_normal_ trunc_normal_ xavier_uniform_
    xavier_normal_ kaiming_uniform_ kaiming_normal_ orthogonal_ sparse_
"""
_WITH_WEIGHTS = """
    Linear Bilinear Embedding EmbeddingBag Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d
    RNN LSTM GRU RNNCell LSTMCell GRUCell MultiheadAttention
"""
_WITH_MORE = """
    LazyLinear LazyConv1d LazyConv2d Transformer TransformerEncoder TransformerEncoderLayer
    TransformerDecoder TransformerDecoderLayer
"""
_FROM_PYTHON = """
    random randrange choice choices sample shuffle gauss uniform betavariate expovariate triangular
    permutation
    standard_normal normalvariate integers
"""
_OF_ONES_OWN = ("seed", "default_rng", "Generator", "RandomState")
Generator = Literal["torch", "random", "numpy"]
_GENERATORS: Mapping[str, Generator] = {
    **dict.fromkeys(_FROM_TORCH.split(), "torch"),
    **dict.fromkeys([*_WITH_WEIGHTS.split(), *_WITH_MORE.split()], "torch"),
    **dict.fromkeys(_FROM_PYTHON.split(), "random"),
}
"""What draws random numbers, or makes what draws them, and from which generator."""
_MAKERS = frozenset(_WITH_WEIGHTS.split())
"""What draws once, when it is made: layers with weights, but for those that drop or draw these later."""
ALL: frozenset[Generator] = frozenset(["torch", "random", "numpy"])
NO_GENERATOR: frozenset[Generator] = frozenset()
_SEEDING: Mapping[str, frozenset[Generator]] = {
    "manual_seed": frozenset(["torch"]),
    "set_rng_state": frozenset(["torch"]),
    "setstate": frozenset(["random"]),
    "seed": frozenset(["random"]),
    "seed_everything": ALL,
    "set_seed": ALL,
}


def _is_numpys(node: ast.AST) -> bool:
    """Return whether a node is `np.random.name`."""
    match node:
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="random")):
            return True
    return False


def draws_by_name(statement: ast.stmt) -> Iterator[tuple[ast.Call, str]]:
    """Yield each call of a statement that draws at once, by a generator that a name holds, and the name."""
    for part in own_parts(statement):
        match part:
            case ast.Call(func=ast.Attribute(attr=word)) if word in _GENERATORS and word.islower():
                for keyword in part.keywords:
                    if keyword.arg == "generator" and isinstance(keyword.value, ast.Name):
                        yield part, keyword.value.id


def draws_of(node: ast.AST, apart: Collection[ast.AST] = (), *, making: bool = True) -> frozenset[Generator]:
    """Return the generators from which something in a tree draws, by what it is called.

    Args:
        node: The tree.
        apart: Parts of it that don't count.
        making: Whether layers are made; else only what draws each time that it is called counts.
    """
    parts = [*descendants(node)]
    # NumPy's functions have the names of torch's and Python's: they are told by the `random` before them.
    numpys = [part for part in parts if isinstance(part, ast.Attribute) and _is_numpys(part)]
    apart = {*apart, *numpys, *(part.value for part in numpys)}
    words = {part.attr for part in parts if isinstance(part, ast.Attribute) and part not in apart}
    words |= {part.id for part in parts if isinstance(part, ast.Name)} - {"random"}
    words = words & _GENERATORS.keys() if making else (words & _GENERATORS.keys()) - _MAKERS
    found = {_GENERATORS[word] for word in words}
    found |= {"torch"} if "sample" in words else set()  # a method of torch's distributions, too
    found |= (
        {"torch"} if any(isinstance(part, ast.keyword) and part.arg == "dropout" for part in parts) else set()
    )
    return frozenset(found | ({"numpy"} if numpys else set()))


def names_in_getattr(node: ast.AST) -> frozenset[str]:
    """Return the names of what a tree hands to `getattr`: of a module, any function may come of it."""
    calls = [part for part in descendants(node) if isinstance(part, ast.Call) and part.args]
    asking = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "getattr"]
    return frozenset(name for call in asking for name in roots_of(call.args[0]))


def imported_draws(statement: ast.Import | ast.ImportFrom) -> dict[str, frozenset[Generator]]:
    """Return what an import binds that draws, by its name, where the name does not say so: `rand as r`."""
    home = "" if isinstance(statement, ast.Import) else f"{statement.module}."
    found: dict[str, frozenset[Generator]] = {}
    for alias in statement.names:
        name, path = alias.asname or alias.name, f"{home}{alias.name}"
        if path == "numpy.random" or (home == "numpy.random." and alias.name not in _OF_ONES_OWN):
            found[name] = frozenset(["numpy"])
        elif home == "random." and alias.name in (*_FROM_PYTHON.split(), "*"):
            found["random" if alias.name == "*" else name] = frozenset(["random"])
        elif alias.asname and home and alias.name in _GENERATORS:
            found[name] = frozenset([_GENERATORS[alias.name]])
    return found


def seeds(statement: ast.stmt) -> frozenset[Generator]:
    """Return the generators that a statement surely seeds."""
    value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    match value:
        case ast.Call(func=ast.Attribute(attr="seed") as called) if _is_numpys(called):
            return frozenset(["numpy"])
        case ast.Call(func=ast.Attribute(value=owner, attr=name)):
            own = isinstance(owner, ast.Name) and owner.id in ("torch", "random", "pl", "cuda")
            return _SEEDING.get(name, NO_GENERATOR) if own else NO_GENERATOR
        case ast.Call(func=ast.Name(id=name)) if name != "seed":  # of whom, only its import says
            return _SEEDING.get(name, NO_GENERATOR)
    return NO_GENERATOR


def seeds_within(node: ast.AST) -> frozenset[Generator]:
    """Return the generators that something in a tree seeds, by what it is called."""
    parts = [*descendants(node)]
    words = {part.attr for part in parts if isinstance(part, ast.Attribute)}
    words |= {part.id for part in parts if isinstance(part, ast.Name)}
    is_numpys = "seed" in words or any(map(_is_numpys, parts))
    numpys: frozenset[Generator] = frozenset(["numpy"]) if is_numpys else NO_GENERATOR
    if any(
        isinstance(part, ast.Attribute) and part.attr == "seed" and "torch" in roots_of(part)
        for part in parts
    ):
        numpys |= {"torch"}
    return numpys.union(*(_SEEDING[word] for word in words & _SEEDING.keys()))


def generator_names(call: ast.Call) -> set[str]:
    """Return the names of the generators of random numbers that a call draws from."""
    found = {name for item in call.keywords if item.arg == "generator" for name in roots_of(item.value)}
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr in _GENERATORS and not is_module_path(func.value):
        found |= {*roots_of(func.value)}
    return found
