"""Types, facts and functions of tensors print what plain Python prints; what can't be bounded is refused."""

from __future__ import annotations

import contextlib
import io
import math

import pytest
import torch
from llm_linalg.language.gradient_functions import GradientFunction
from torch import nn

from llm_linalg import LimitError, ProgramError, run

HEAD = """\
import torch
x = torch.tensor([[3.0, -1.5], [0.25, 2.0]])
i = torch.tensor([3, 1, 3, 0])
s = x @ x.T + torch.eye(2)
"""
ALIKE = """
print(torch.LongTensor([1, 2]), torch.FloatTensor([[1, 2]]), torch.ByteTensor([1]), torch.BoolTensor([0, 2]))
print(torch.Tensor([1, 2]).dtype, torch.Tensor(x).shape, torch.DoubleTensor([1]).dtype)
print(torch.Tensor(2, 3).shape, torch.LongTensor(2).dtype, torch.Tensor().shape)
print(x.type(), i.type(), x.type(torch.LongTensor), x.type("torch.DoubleTensor"), x.type(torch.int16))
print(isinstance(x, torch.Tensor), isinstance(i, torch.LongTensor), isinstance(x, (torch.LongTensor, int)))
print(torch.as_tensor([1, 2.5]), torch.as_tensor(x, dtype=torch.float64).dtype, torch.as_tensor(x) is x)
print(torch.finfo(torch.float16), torch.iinfo(torch.int8).max, torch.finfo(torch.float32).eps)
print(torch.__version__, torch.broadcast_shapes((2, 1), (3,)), torch.result_type(i, 1.5))
print(torch.range(1, 4), torch.range(0, 1, 0.25), torch.range(5, 1, -2))
print(x.new_ones(2), x.new_zeros(1, 2), i.new_tensor([1.0]), x.new_full((2,), 7))
print(x.nbytes, x.itemsize, x.H, x.mH.shape, x.layout, i.is_floating_point(), x.is_contiguous())
print(x.byte().dtype, x.short(), x.char().dtype, x.ravel(), x.clamp_min(0), x.view_as(i).shape)
print(torch.unique(i, return_counts=True), torch.bincount(i), torch.histc(x, 3, -2, 4))
print(torch.linalg.det(x), torch.inverse(x), torch.linalg.slogdet(x).logabsdet, torch.linalg.matrix_rank(x))
print(torch.linalg.eigh(s).eigenvalues, torch.linalg.svd(x).S, torch.linalg.qr(x).R, torch.topk(i, 2).indices)
print(torch.linalg.eigvals(torch.tensor([[0.0, -1.0], [1.0, 0.0]])), torch.linalg.solve(s, x))
print(torch.max(x, 1), torch.median(i), torch.aminmax(x).max, torch.histogram(x, 2).hist)
print(torch.meshgrid(i[:2], i[:2], indexing="ij")[1], torch.cross(torch.eye(3)[0], torch.eye(3)[1], dim=0))
print(torch.view_as_real(torch.polar(torch.ones(2), torch.tensor([0.0, 1.0]))), torch.complex(x, x)[0].abs())
print(torch.acos(torch.tensor(0.5)), torch.special.expit(x), torch.fmod(i, 2), torch.logaddexp(x, x))
print(torch.vmap(lambda row: row.sum())(x), torch.func.grad(lambda t: (t**3).sum())(x))
print(max(i) + 1, torch.nn.Embedding(max(i) + 1, 2), torch.is_nonzero(i[0]), torch.equal(x, x))
print(x.dtype.itemsize, i.dtype.is_floating_point, torch.complex64.is_complex, torch.uint8.is_signed)
torch.set_printoptions(precision=2, sci_mode=True); print(x); torch.set_printoptions(profile="default")
torch.set_printoptions(threshold=3, edgeitems=1); print(x, i); torch.set_printoptions(profile="default")
torch.set_printoptions(profile="short"); print(x); torch.set_printoptions(profile="default")
y = (x.requires_grad_() * x).sum(); print(x.grad_fn, y.grad_fn.name(), y.grad_fn.next_functions[0][1])
print(torch.diff(i), torch.cov(x), torch.quantile(x, 0.5), torch.searchsorted(torch.tensor([1, 3]), i))
print(torch.block_diag(x, i[:1]), torch.combinations(i[:3]), torch.rot90(x), torch.tril_indices(2, 2))
print(i.repeat_interleave(2), x.masked_select(x > 0), torch.take(x, i[:2]), x.index_add(0, i[1:2], x[:1]))
"""


def plain(text: str) -> str:
    """Returns what a program prints, by plain Python."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(text, {"nn": nn})  # noqa: S102 - our own text
    return said.getvalue()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_they_print_what_plain_python_prints() -> None:
    for line in ALIKE.strip().splitlines():
        assert run(HEAD + line, seconds=None).printed == plain(HEAD + line), line


REFUSED = {
    "axes in a tensor": "z = torch.ones(300, 300)\ntorch.tensordot(z, z, torch.tensor([[1], [0]]))",
    "all choices of many": "torch.combinations(torch.arange(1000), 5)",
    "a choice of a huge number": "torch.combinations(torch.arange(3), 2**40)",
    "a grid of grids": "z = torch.arange(400)\ntorch.meshgrid(z, z, z, indexing='ij')",
    "all pairs": "z = torch.arange(5000)\ntorch.cartesian_prod(z, z)",
    "a count up to a number": "torch.bincount(torch.tensor([2**40]))",
    "a count of at least": "torch.bincount(torch.tensor([1]), minlength=2**40)",
    "bins without an end": "torch.histc(torch.ones(2), bins=2**40)",
    "square factors of a long matrix": "torch.linalg.svd(torch.ones(20_000, 1))",
    "a complete qr": "torch.linalg.qr(torch.ones(20_000, 1), 'complete')",
    "eigenvalues of a large matrix": "torch.linalg.eigvals(torch.rand(2000, 2000))",
    "a power by many": "torch.linalg.matrix_power(torch.eye(2), -2**63)",
    "a power of a large matrix": "torch.linalg.matrix_power(torch.rand(1500, 1500), 2**30)",
    "eigenvalues of nan": "torch.linalg.eigvals(torch.full((3, 3), torch.nan))",
    "an exponential of inf": "torch.linalg.matrix_exp(torch.full((3, 3), torch.inf))",
    "a product with a factor": "z = torch.rand(4000, 4000)\ntorch.addmm(z, z, z, alpha=2)",
    "distances of many": "torch.cdist(torch.rand(9000, 9), torch.rand(9000, 9))",
    "powers of each": "torch.vander(torch.rand(9000), 9000)",
    "a diagonal far out": "torch.diagflat(torch.ones(2), 2**20)",
    "a zeta": "torch.special.zeta(torch.ones(1).double() + 1, torch.tensor(-1e12).double() + 0.5)",
    "a polygamma far below 0": "torch.polygamma(2, torch.tensor([-1e12 + 0.5], dtype=torch.float64))",
    "digits of quotients": "torch.full((2**20,), 1e308, dtype=torch.float64) // 1e-320",
    "a range without an end": "torch.range(0, 2**60)",
    "a window without an end": "torch.hann_window(2**40)",
    "indices of a large triangle": "torch.tril_indices(2**20, 2**20)",
    "a logspace without an end": "torch.logspace(0, 1, 2**40)",
    "a tensor type's sizes": "torch.LongTensor(2**20, 2**20)",
    "differences again and again": "torch.diff(torch.rand(20_000), 2**40)",
    "sums of gammas": "torch.mvlgamma(torch.full((9,), 2.0**40), 2**39)",
    "parts without an end": "torch.tensor_split(torch.arange(9), 2**40)",
    "a multiple of the least number": "torch.lcm(torch.tensor(-2**63), torch.tensor(5))",
    "a multiple in place": "z = torch.tensor([-2**31], dtype=torch.int32)\nz.lcm_(5 + 0 * z)",
    "many sorted numbers": "torch.unique(torch.rand(2**24))",
}  # fmt: skip


@pytest.mark.parametrize("program", REFUSED.values(), ids=list(REFUSED))
def test_what_takes_too_long_or_crashes_is_refused_before_it_is_done(program: str) -> None:
    with pytest.raises(ProgramError):
        run(program, seconds=None)


HIDDEN = [
    "x.__class__.__mro__",
    "torch.__dict__",
    "torch.LongTensor.__call__",
    "torch.LongTensor.dtype",
    "torch.finfo(torch.float32).__class__.__mro__",
    "torch.linalg.svd(x).__class__.__base__",
    "torch.linalg.svd(x).n_fields",
    "torch.max(x, 0).count",
    "torch.func.vmap.does",
    "torch.vmap(print).does",
    "(x.requires_grad_() * 2).grad_fn.function",
    "(x.requires_grad_() * 2).grad_fn.metadata",
    "(x.requires_grad_() * 2).grad_fn.register_hook",
    "x.set_(x)",
    "x.resize_(9)",
    "x.as_strided((2,), (1,))",
    "torch.as_strided(x, (9, 9), (1, 1))",
    "torch.frombuffer(x)",
    "torch.special.torch",
    "torch.func.functional_call",
    "torch.__version__.__class__.__mro__",
]


@pytest.mark.parametrize("expression", HIDDEN)
def test_what_lies_behind_them_stays_out_of_reach(expression: str) -> None:
    with pytest.raises(ProgramError):
        run(f"{HEAD}print({expression})", seconds=None)


def test_a_result_as_large_as_its_numbers_is_charged_by_them() -> None:
    for count in (5, 500_000):
        program = f"z = torch.bincount(torch.tensor([0, {count - 1}]))"
        assert run(program, seconds=None)["z"].shape == (count,)
    with pytest.raises(LimitError):
        run("for n in range(40):\n    z = torch.bincount(torch.tensor([2**23 + n]))", seconds=None)
    assert math.isfinite(run("y = torch.matrix_exp(torch.ones(2, 2))", seconds=None)["y"].value.sum().item())
    assert torch.equal(run("y = torch.range(1, 3)")["y"].value, torch.tensor([1.0, 2.0, 3.0]))


def test_a_function_of_autograd_is_told_by_its_name_alone() -> None:
    class Function:
        def __init__(self, text: str) -> None:
            self.text = text

        def __repr__(self) -> str:
            return self.text

    for text in ("<AccumulateGrad object at 0x7f>", "<torch::autograd::AccumulateGrad object at 0x7f>"):
        assert repr(GradientFunction(Function(text))) == "<AccumulateGrad object>"
