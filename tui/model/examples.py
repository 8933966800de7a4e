"""Programs to start from in the playground."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """A program with its name, and a title that says what it shows."""

    name: str
    title: str
    program: str


EXAMPLES: tuple[Example, ...] = (
    Example(
        "product",
        "A product of two matrices",
        """\
x = torch.randn(3, 2)
W = torch.randn(2, 4)
Y = x @ W
""",
    ),
    Example(
        "broadcast",
        "Broadcasting: a row to every row",
        """\
A = torch.arange(12.).reshape(3, 4)
row = torch.tensor([1., 10., 100., 1000.])
column = torch.arange(3.).unsqueeze(1)
B = A * row
C = B + column
""",
    ),
    Example(
        "attention",
        "One head of causal attention",
        """\
n, d = 5, 4
x = torch.randn(n, d)
Q, K, V = (x @ torch.randn(d, d) for _ in range(3))
scores = Q @ K.T / d ** 0.5
hidden = torch.triu(torch.ones(n, n), 1) == 1
A = scores.masked_fill(hidden, -torch.inf).softmax(-1)
out = A @ V
print(f"row sums {A.sum(-1).tolist()}")
""",
    ),
    Example(
        "mlp",
        "Two layers, a loss, its gradients",
        """\
x = torch.randn(4, 3)
target = torch.tensor([0, 1, 1, 0])
W1 = torch.randn(3, 5, requires_grad=True)
W2 = torch.randn(5, 2, requires_grad=True)
h = F.relu(x @ W1)
logits = h @ W2
loss = F.cross_entropy(logits, target)
loss.backward()
print(f"{loss.item():.4f}", W1.grad.shape)
""",
    ),
    Example(
        "heads",
        "Split into heads, and back",
        """\
B, T, C, heads = 2, 3, 8, 2
x = torch.randn(B, T, C)
split = x.view(B, T, heads, C // heads)
per_head = split.transpose(1, 2)
joined = per_head.transpose(1, 2).reshape(B, T, C)
print(torch.allclose(joined, x))
""",
    ),
    Example(
        "clash",
        "Shapes that clash: ^r repairs",
        """\
x = torch.randn(3, 2)
W = torch.randn(4, 2)
Y = x @ W
""",
    ),
)

BY_NAME = {example.name: example for example in EXAMPLES}
