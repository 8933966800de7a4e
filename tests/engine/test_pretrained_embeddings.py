"""An embedding over given rows shares their memory, as torch's does."""

from __future__ import annotations

import pytest

from llm_linalg import ProgramError, run
from tests.engine.alike import printed

PROGRAMS = (
    """
w = torch.arange(20).view(4, 5).float()
e = nn.Embedding.from_pretrained(w)
print(e, e.weight, e(torch.tensor([1, 3])), torch.randn(2))
w[1] = 7
print(e(torch.tensor(1)))
""",
    """
w = torch.randn(3, 2)
e = nn.Embedding.from_pretrained(w, freeze=False, padding_idx=0)
e(torch.tensor([0, 2])).sum().backward()
with torch.no_grad():
    e.weight.add_(1)
print(e, e.weight.grad, w)
""",
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_prints_what_torch_s_does(program: str) -> None:
    assert run(program, seconds=None).printed == printed(program)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("nn.Embedding.from_pretrained([[1.0]])", "takes a tensor"),
        ("nn.Embedding.from_pretrained(torch.ones(3))", "2-dimensional"),
        ("nn.Embedding.from_pretrained(torch.ones(2, 2), _weight=torch.ones(2, 2))", ""),
        ("nn.Embedding.from_pretrained(torch.ones(2, 2), _freeze=False)", ""),
        ("nn.Embedding.from_pretrained(torch.ones(2, 2), padding_idx=2)", "within"),
        ("nn.Embedding.from_pretrained(torch.ones(2, 2), padding_idx='a')", "a number"),
        ("nn.Embedding.from_pretrained(torch.ones(2, 2), max_norm=1.0)", "not part"),
        ("nn.Linear.from_pretrained(torch.ones(2, 2))", "not part"),
        ("nn.Embedding.from_pretrained.__func__", ""),
    ],
)
def test_what_is_refused(call: str, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        run(call)
