"""What the language has for a name that it lacks, by what the name means; a spelling comes after that.

A name that torch has is no misspelling of another one: who writes `torch.conv1d` does not mean `torch.cov`.
So it is looked for where the language has it, and among the synonyms; otherwise nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor, nn

from llm_linalg.language import allowlist

_PLACES = (
    ("torch.", allowlist.TORCH.members),
    ("F.", allowlist.F.members),
    ("torch.linalg.", allowlist.LINALG.members),
    ("nn.", allowlist.NN.members),
)
REAL: Mapping[str, frozenset[str]] = {
    "torch.": frozenset(dir(torch)),
    "F.": frozenset(dir(nn.functional)),
    "torch.linalg.": frozenset(dir(torch.linalg)),
    "nn.": frozenset(dir(nn)),
    ".": frozenset(dir(Tensor)),
}
"""The names that torch has, whether or not the language has them."""
SYNONYMS: Mapping[str, str] = {
    "torch.append": "torch.cat([x, y])",
    "torch.array": "torch.tensor([1, 2])",
    "torch.average": "torch.mean(x)",
    "torch.compare": "torch.eq(x, y)",
    "torch.copy": "x.clone()",
    "torch.cross_product": "torch.linalg.cross(x, x)",
    "torch.dims": "x.ndim",
    "torch.dot_product": "torch.dot(y, y)",
    "torch.elementwise_mul": "x * y",
    "torch.euclidean_distance": "torch.dist(x, y)",
    "torch.expand": "x.expand(2, 3)",
    "torch.expand_dims": "x.unsqueeze(0)",
    "torch.fill": "torch.full((2, 3), 7.0)",
    "torch.gaussian": "torch.randn(2, 3)",
    "torch.ger": "torch.outer(x, y)",
    "torch.hadamard": "x * y",
    "torch.identity": "torch.eye(3)",
    "torch.inner_product": "torch.dot(y, y)",
    "torch.invert": "torch.linalg.inv(x)",
    "torch.is_equal": "torch.equal(x, y)",
    "torch.len": "len(x)",
    "torch.length": "len(x)",
    "torch.ln": "torch.log(x)",
    "torch.lower_triangular": "torch.tril(x)",
    "torch.magnitude": "torch.linalg.norm(x)",
    "torch.matrix": "torch.tensor([[1, 2], [3, 4]])",
    "torch.mean_squared_error": "F.mse_loss(x, x)",
    "torch.minus": "x - y",
    "torch.mod": "torch.remainder(x, 2)",
    "torch.modulo": "torch.remainder(x, 2)",
    "torch.outer_product": "torch.outer(x, y)",
    "torch.permutation": "torch.randperm(5)",
    "torch.plus": "x + y",
    "torch.power": "torch.pow(x, 2)",
    "torch.product": "torch.prod(x)",
    "torch.rank": "x.ndim",
    "torch.repeat": "x.repeat(2, 3)",
    "torch.reverse": "torch.flip(x, [0])",
    "torch.shape": "x.shape",
    "torch.shuffle": "x[torch.randperm(len(x))]",
    "torch.size": "x.shape",
    "torch.swish": "F.silu(x)",
    "torch.symeig": "torch.linalg.eigh(x)",
    "torch.times": "x * y",
    "torch.truncate": "torch.trunc(x)",
    "torch.uniform": "torch.rand(2, 3)",
    "torch.upper_triangular": "torch.triu(x)",
    "torch.vector": "torch.tensor([1, 2])",
    "torch.view": "x.view(3, 2)",
    "F.mae": "F.l1_loss(x, x)",
    "F.swish": "F.silu(x)",
    "nn.BatchNormalization": "nn.BatchNorm1d(3)",
    "nn.Dense": "nn.Linear(2, 3)",
    "nn.LayerNormalization": "nn.LayerNorm(3)",
    "nn.MAE": "nn.L1Loss()",
    "nn.MAELoss": "nn.L1Loss()",
    "nn.Swish": "nn.SiLU()",
    ".append": "torch.cat([x, y])",
    ".astype": "x.to(torch.float32)",
    ".average": "x.mean()",
    ".concat": "torch.cat([x, y])",
    ".copy": "x.clone()",
    ".cumulative_sum": "x.cumsum(0)",
    ".determinant": "torch.linalg.det(x)",
    ".dims": "x.ndim",
    ".dot_product": "torch.dot(y, y)",
    ".expand_dims": "x.unsqueeze(0)",
    ".extend": "torch.cat([x, y])",
    ".fillna": "x.nan_to_num(0.0)",
    ".flat": "x.flatten()",
    ".ger": "torch.outer(x, y)",
    ".head": "x[:5]",
    ".insert": "torch.cat([x, y])",
    ".len": "len(x)",
    ".length": "len(x)",
    ".magnitude": "torch.linalg.norm(x)",
    ".minus": "x - y",
    ".plus": "x + y",
    ".product": "x.prod()",
    ".rank": "x.ndim",
    ".reverse": "x.flip(0)",
    ".root": "x.sqrt()",
    ".shift": "x.roll(1, 0)",
    ".swap": "x.transpose(0, 1)",
    ".symeig": "torch.linalg.eigh(x)",
    ".tail": "x[-5:]",
    ".times": "x * y",
    ".to_list": "x.tolist()",
    ".transposed": "x.T",
    ".zero": "x.zero_()",
}
"""By a name as a message shows it, what means the same here."""


def meant(shown: str, name: str) -> str:
    """Return what to write for a name that the language lacks; empty if nothing here means the same.

    What has the same letters in the same place comes before what has them elsewhere: `nn.RELU` is `nn.ReLU`.

    Args:
        shown: The name as the message shows it, such as `torch.conv1d` or `.solve`.
        name: Its last part.
    """
    if shown in SYNONYMS:
        return f"write {SYNONYMS[shown]}"
    place = shown.removesuffix(name)
    if name.endswith("_"):  # what writes in place is a method
        return f"write x.{name}(...)" if place != "." and name in allowlist.METHODS else ""
    own = _key(name)
    here = [
        written for key in (own, f"{own}loss") for where, written in _index().get(key, ()) if where == place
    ]
    for written in here:
        if written.removeprefix(place)[0].isupper() == name[0].isupper():  # a class for a class
            return f"write {written}"
    for key in (own, own.removesuffix("loss")):
        for other, written in _index().get(key, ()):
            writes = written.removesuffix("(...)").endswith("_")
            if other != place and not (writes and place == "np."):
                return f"write {written}"
    return ""


def is_real(shown: str, name: str) -> bool:
    """Return whether torch has a name, so that it is no misspelling of another."""
    return name in REAL.get(shown.removesuffix(name), ())


def _key(name: str) -> str:
    return name.replace("_", "").casefold()


@cache
def _index() -> Mapping[str, list[tuple[str, str]]]:
    """Return by a name's letters where the language has it, and how it is written there."""
    found: dict[str, list[tuple[str, str]]] = {}
    for place, members in _PLACES:
        for name in sorted(members):
            found.setdefault(_key(name), []).append((place, place + name))
    for name in sorted(allowlist.METHODS):
        found.setdefault(_key(name), []).append((".", f"x.{name}(...)"))
    return found
