"""Windows and sizes of images, and drawn one-hots: torch's bits, and bounds before anything is made."""

from __future__ import annotations

import pytest

from llm_linalg import ProgramError
from tests.engine.alike import SETUP, printed, programs
from tests.engine.here import run

ALIKE = """
x = torch.arange(16.0).reshape(1, 1, 4, 4).requires_grad_()
y = F.unfold(x, kernel_size=2, stride=2, padding=1)
print(y, F.unfold(x, (2, 3), dilation=(1, 1)).shape)
z = F.fold(y, (4, 4), 2, padding=1, stride=2)
print(z, F.fold(F.unfold(x, 3), output_size=(4, 4), kernel_size=3))
z.sum().backward()
print(x.grad, nn.Unfold(2)(x).shape, nn.Fold((4, 4), 2), nn.Unfold(2, stride=2))
print(nn.Fold((4, 4), (2, 2), stride=2)(nn.Unfold(2, stride=2)(x)))

x = torch.arange(4.0).reshape(1, 1, 2, 2).requires_grad_()
for mode in ('nearest', 'bilinear', 'bicubic', 'area', 'nearest-exact'):
    print(F.interpolate(x, scale_factor=2, mode=mode), F.interpolate(x, size=(3, 5), mode=mode))
print(F.interpolate(x, size=3, mode='bilinear', align_corners=True))
print(F.interpolate(x[0], scale_factor=2.0, mode='linear'))
up = nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False)
y = up(x)
print(up, y, nn.Upsample(size=(3, 3))(x))
print(nn.UpsamplingNearest2d(scale_factor=2)(x), nn.UpsamplingBilinear2d(scale_factor=2)(x))
(y ** 2).sum().backward()
print(x.grad, F.interpolate(x[None], scale_factor=(1, 2, 2)).shape)

logits = torch.randn(3, 4, requires_grad=True)
y = F.gumbel_softmax(logits, tau=0.5)
print(y, F.gumbel_softmax(logits, tau=2, hard=True, dim=0))
hard = F.gumbel_softmax(logits, hard=True)
print(hard)
(hard * torch.arange(4.0)).sum().backward()
print(logits.grad, torch.rand(2))
"""
REFUSED = """
F.interpolate(x, size=10 ** 9)
F.interpolate(x, scale_factor=1e30)
F.interpolate(x, scale_factor=float('nan'))
F.interpolate(x, scale_factor=float('inf'))
F.interpolate(x, scale_factor=-1)
F.interpolate(x, size=(0, 3))
F.interpolate(x, size=2, mode='x' * 10)
F.interpolate(x, size=2, mode=print)
F.interpolate(x[0, 0], size=2)
F.interpolate(x)
F.interpolate(x, size=[10 ** 9] * 2)
nn.Upsample(scale_factor=1e9)(x)
nn.Upsample(size=10 ** 9)(x)
F.unfold(x, 10 ** 9)
F.unfold(x, 2, padding=10 ** 9)
F.unfold(x, 2, stride=0)
F.unfold(x, -2)
F.unfold(x, 0)
F.unfold(x, 2, dilation=0)
F.unfold(x[0, 0, 0], 2)
F.unfold(x, [2] * 9)
F.fold(c, (10 ** 9, 10 ** 9), 2)
F.fold(c, (4, 4), 0)
F.fold(c, (4, 4), 2, padding=10 ** 9)
F.fold(c, 4, 2, stride=-1)
F.fold(c, [4] * 9, 2)
F.gumbel_softmax(x, dim=7)
F.gumbel_softmax(torch.ones(2, dtype=torch.int64))
F.gumbel_softmax(torch.randn(10 ** 5, 10 ** 5))
"""


@pytest.mark.parametrize("program", programs(ALIKE))
def test_a_program_prints_what_torch_prints(program: str) -> None:
    assert run(SETUP + program).printed == printed(program)


@pytest.mark.parametrize("line", REFUSED.strip().splitlines())
def test_what_would_be_too_large_or_can_not_be_is_refused(line: str) -> None:
    with pytest.raises(ProgramError):
        run(f"{SETUP}x, c = torch.ones(1, 1, 4, 4), torch.ones(1, 4, 9)\n{line}")


def test_a_window_knows_its_cells_and_a_drawn_one_hot_its_steps() -> None:
    t = run("import torch.nn.functional as F\nx = torch.arange(9.0).view(1, 1, 3, 3)\ny = F.unfold(x, 2)")
    assert t["y"].reads((0, 3, 1)) == ({(0, 0, 1, 2)},)
    t = run("import torch.nn.functional as F\ny = F.gumbel_softmax(torch.zeros(3), hard=True)")
    drawn = [node for node in t.nodes if node.scope == "gumbel_softmax()"]
    assert {"exponential", "softmax", "scatter"} <= {node.op for node in drawn}
