"""The backward pass of the transformer's operations: by rules alone, equal to autograd, and explained."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import Node, Trace, trace
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog
from tests.engine.here import run, whole_stops
from tests.thinning import thin

F = nn.functional
TRANSFORMER = [lesson for lesson in catalog() if 6 <= lesson.part <= 8]


def by_rules(program: Trace) -> None:
    """Holds every step of a gradient program to be a rule's or a movement, and walked like any other."""
    own = [node for node in program.nodes if node.op != "grad"]  # what a program's own backward gave
    assert {node.evidence for node in own} <= {"rule", "index"}
    for node in program.nodes:
        assert node.forward_node is not None
        assert node.why
        for order in node.orders:
            walk = node.walk(order)
            assert all(walk[k].text for k in range(min(len(walk), 1)))


@pytest.mark.parametrize("lesson", thin(TRANSFORMER, 5), ids=lambda lesson: lesson.slug)
def test_no_step_of_the_transformer_is_asked_of_autograd(lesson: Lesson) -> None:
    for stop in whole_stops(lesson):
        if not stop.fails:
            found = lesson.run(stop)
            made = [node for node in found.nodes if node.operands and node.value.is_floating_point()]
            for node in made[-5:]:
                by_rules(found.backward(node))


class Block(nn.Module):
    """A pre-norm block with a loss over the logits of every row, for batches of token numbers."""

    def __init__(self, C: int, heads: int, vocab: int) -> None:
        super().__init__()
        self.heads = heads
        self.table = nn.Embedding(vocab, C)
        self.before, self.after = nn.LayerNorm(C), nn.RMSNorm(C, eps=1e-5)
        self.qkv, self.proj = nn.Linear(C, 3 * C), nn.Linear(C, C)
        self.up, self.down = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

    def forward(self, tokens: Tensor, wanted: Tensor) -> Any:
        x = self.table(tokens)
        B, T, C = x.shape
        cut = (
            part.view(B, T, self.heads, -1).transpose(1, 2) for part in self.qkv(self.before(x)).chunk(3, -1)
        )
        q, k, v = cut
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(mixed.transpose(1, 2).reshape(B, T, C))
        x = x + self.down(F.gelu(self.up(self.after(x))))
        return F.cross_entropy((x @ self.table.weight.T).flatten(0, 1), wanted.flatten())


@settings(max_examples=15)
@given(
    st.integers(1, 3), st.integers(1, 4), st.sampled_from([(1, 2), (2, 4), (3, 3), (2, 6)]), st.integers(2, 5)
)
def test_a_whole_block_goes_back_as_autograd_has_it(
    B: int, T: int, sizes: tuple[int, int], vocab: int
) -> None:
    heads, C = sizes
    torch.manual_seed(B + 10 * T)
    model = Block(C, heads, vocab).double()
    tokens, wanted = torch.randint(vocab, (2, B, T))
    found = trace(model, tokens, wanted)
    program = found.backward(found.nodes[-1])
    by_rules(program)
    model(tokens, wanted).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert torch.allclose(program[f"d{name}"].value, parameter.grad, rtol=1e-7, atol=1e-12), name


def why(text: str, name: str, loss: str = "loss") -> str:
    return run(text).backward(loss)[name].why


def test_a_transpose_a_sum_and_the_identity_path_say_why_they_are_there() -> None:
    text = "X = torch.randn(3, 2)\nW = torch.randn(4, 2)\nb = torch.randn(4)\nY = X @ W.T + b\nloss = Y.sum()"
    program = run(text).backward("loss")
    (turned,) = (node for node in program.nodes if node.op == "T")
    assert turned.why == (
        "dY is transposed on the way to dW: W was used along an axis that it lacks, so its gradient sums "
        "over that axis, and the transpose puts the axis inside the product."
    )
    assert program["dW"].why.endswith(
        "W was multiplied with X: its gradient is dY times that, summed over the axis that W lacks (3)."
    )
    assert "b was repeated along axis 0 (broadcast): its copies' gradients are summed." in program["db"].why
    assert "went into the sum" in program["dY"].why
    residual = "X = torch.randn(3, 2)\nF_X = torch.tanh(X)\nR = X + F_X\nloss = (R * R).sum()"
    words = why(residual, "dX")
    assert words == (
        "X went 2 ways, so as many gradients are added: dX_R by R (unchanged, the identity path) "
        "and dX_F_X by F_X."
    )


def test_what_has_parts_and_no_rule_goes_back_part_by_part() -> None:
    found = run("x = torch.randn(2, 3)\nN = F.layer_norm(x, (3,))\nloss = (N * N * N).sum()")
    program = found.backward("loss")
    assert "dN_deviation" in program
    center = program["dN_center"]
    assert center.forward_node is not None
    assert center.forward_node.composite is found["N"]
    assert "part by part" in program["dx"].why


def test_readable_rules() -> None:
    start = "x = torch.randn(2, 3)\n"
    softmax = run(start + "P = torch.softmax(x, dim=-1)\nloss = (P * P).sum()").backward("loss")
    assert "dx = P * (dP - (dP * P).sum(1, keepdim=True))" in softmax.source
    loss = run(start + "loss = F.cross_entropy(x, torch.tensor([2, 0]))").backward("loss")
    assert "dx = dloss * (loss_chances - loss_wanted) / 2" in loss.source
    pieces = run(start + "a, b, c = x.unbind(1)\nloss = (a * c).sum()").backward("loss")
    assert "dx = torch.stack([da, torch.zeros_like(b), dc], dim=1)" in pieces.source
    picked = run(start + "y = x[0, 1:]\nloss = (y * y).sum()").backward("loss")
    assert "dx = torch.zeros_like(x)\ndx[0, 1:] = dy" in picked.source
    keys = run("q = torch.randn(2, 4, 3)\nk = torch.randn(2, 5, 3)\nS = q @ k.mT\nloss = (S * S).sum()")
    assert "dk = dS.mT @ q" in keys.backward("loss").source


def test_an_output_in_the_middle_of_several_has_a_gradient_program() -> None:
    found = run("x = torch.arange(6.)\na, b, c = x.chunk(3)\nd = a + c")
    assert found.backward("b")["dx"].value.tolist() == [0, 0, 1, 1, 0, 0]
    values: Node = run("x = torch.tensor([3., 1., 2.])\nbest, at = x.topk(2)").backward("best")["dx"]
    assert values.value.tolist() == [1, 0, 1]
