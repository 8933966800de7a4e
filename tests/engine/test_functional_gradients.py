"""`torch.autograd.functional`, and defaults that are what they are: as torch, to the bit."""

from __future__ import annotations

import pytest
from llm_linalg.language import functional_gradients

from llm_linalg import ProgramError, run
from tests.engine.alike import SETUP, printed, programs

ALIKE = """
from torch.autograd.functional import jacobian, hessian, vjp
def exp_reducer(x): return x.exp().sum(dim=1)
x = torch.rand(2, 2)
print(jacobian(exp_reducer, x), x.requires_grad)
def f(a, b): return 2 * a + 3 * b
print(jacobian(f, (torch.rand(2), torch.rand(2))), jacobian(exp_reducer, x, create_graph=True))
print(hessian(lambda x: x.pow(3).sum(), torch.rand(2, 2)))
print(hessian(lambda a, b: (a * b.pow(2)).sum(), (torch.rand(2), torch.rand(2))))
print(vjp(exp_reducer, x, torch.ones(2)), vjp(f, (torch.rand(2), torch.rand(2)), torch.ones(2)))
print(vjp(lambda x: x.sum(), x), jacobian(lambda x: torch.ones(2), x))
print(torch.autograd.functional.jacobian(lambda x: (x.sum(), x * 2), torch.ones(2)))
with torch.no_grad(): print(jacobian(torch.sin, torch.ones(2)))

torch.set_default_device('cpu')
torch.set_default_dtype(torch.float32)
torch.set_default_tensor_type(torch.FloatTensor)
torch.set_default_tensor_type('torch.FloatTensor')
print(torch.ones(2).dtype)
"""
REFUSED = [
    ("torch.set_default_dtype(torch.float64)", "where a tensor is made"),
    ("torch.set_default_tensor_type(torch.DoubleTensor)", "where a tensor is made"),
    ("torch.set_default_device('cuda')", "only the CPU"),
]


@pytest.mark.parametrize("program", programs(ALIKE))
def test_a_program_prints_what_torch_prints(program: str) -> None:
    assert run(SETUP + program, seconds=None).printed == printed(program)


def test_each_function_is_held_against_torch() -> None:
    assert all(name in ALIKE for name in functional_gradients.MEMBERS)


@pytest.mark.parametrize(("program", "said"), REFUSED)
def test_another_default_is_refused(program: str, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        run(program)
