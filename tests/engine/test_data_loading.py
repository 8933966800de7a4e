"""Datasets and loaders give the batches that torch's give, and draw what torch's draw."""

from __future__ import annotations

import contextlib
import io

import pytest
import torch

from llm_linalg import LimitError, ProgramError, run

BEGIN = """
import torch
from torch.utils.data import TensorDataset, DataLoader, Subset, random_split
torch.manual_seed(3)
X = torch.randn(10, 2)
y = torch.arange(10)
ds = TensorDataset(X, y)
"""
PROGRAMS = [
    "print(len(ds), ds[2], ds[1:3], len(ds.tensors))",
    """
for epoch in range(2):
    for xb, yb in DataLoader(ds, batch_size=4, shuffle=True):
        print(xb, yb)
print(torch.rand(1))
""",
    """
a, b = random_split(ds, [7, 3], generator=torch.Generator().manual_seed(42))
print(a.indices, len(b), b[0], [len(part) for part in random_split(ds, [0.5, 0.3, 0.2])])
loader = DataLoader(a, batch_size=3, drop_last=True)
print(len(loader), loader.batch_size, [yb.tolist() for _, yb in loader])
xb, yb = next(iter(loader))
print(xb.shape, yb, torch.rand(1))
""",
    """
g = torch.Generator().manual_seed(1)
loader = DataLoader(list(zip(X, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])), batch_size=5, shuffle=True, generator=g)
for x, t in loader:
    print(x, t)
for x, t in loader:
    print(t)
print(torch.rand(1, generator=g))
""",
    """
print([b for b in DataLoader([1.5, 2.5, 3.5], batch_size=2)], list(DataLoader(ds, batch_size=5))[1])
for i, (xb, yb) in enumerate(DataLoader(ds, batch_size=6)):
    print(i, yb)
print([b for b in DataLoader([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], batch_size=2, num_workers=0)])
print([b for b in DataLoader(X[:3], 2, collate_fn=lambda items: len(items))])
for i, item in enumerate(Subset(ds, [1, 3])):
    print(i, item)
""",
    """
w = torch.zeros(2, requires_grad=True)
for epoch in range(3):
    for xb, yb in DataLoader(ds, batch_size=5, shuffle=True):
        loss = ((xb @ w - yb) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= 0.01 * w.grad
        w.grad = None
print(w)
""",
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_prints_what_it_prints_with_torch(program: str) -> None:
    text = BEGIN + program
    with contextlib.redirect_stdout(io.StringIO()) as printed, torch.random.fork_rng():
        exec(text, {})  # noqa: S102 - programs of this file
    assert run(text, seconds=None).printed == printed.getvalue()


def test_a_batch_of_tensors_is_one_index_a_tensor() -> None:
    trace = run(BEGIN + "for xb, yb in DataLoader(ds, batch_size=5): pass", seconds=None)
    assert [node.op for node in trace.nodes if node.line and node.line > 7] == ["getitem"] * 4
    assert trace["xb"].reads((0, 1)) == ({(5, 1)},)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("DataLoader(ds, batch_size=0)", "from 1"),
        ("DataLoader(ds, batch_sampler=[])", "batch_sampler"),
        ("loader = DataLoader([], shuffle=True)", "num_samples=0"),
        ("DataLoader(5)", "length"),
        ("DataLoader(list)", "length"),
        ("Subset(print, [1])", "length"),
        ("TensorDataset([1])", "tensors"),
        ("TensorDataset(X, X[:3])", "mismatch"),
        ("random_split(ds, [1, 2])", "lengths"),
        ("[b for b in DataLoader([None])]", "no batch"),
        ("DataLoader(ds).run", "run"),
        ("ds.__len__.__self__", "private"),
        ("next(iter(DataLoader(ds))).__getitem__", "__getitem__"),
    ],
)
def test_what_a_loader_does_not_take_is_said(line: str, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        run(BEGIN + line, seconds=None)


@pytest.mark.parametrize(
    "line",
    [
        "s = ds\nfor i in range(1000): s = Subset(s, [0])",
        "x = [1]\nfor i in range(100): x = [x]\nnext(iter(DataLoader([x])))",
    ],
)
def test_what_would_take_all_time_is_stopped(line: str) -> None:
    with pytest.raises(LimitError):
        run(BEGIN + line, seconds=None)


@pytest.mark.slow
def test_counts_alone_end_a_loader_that_begins_again() -> None:
    with pytest.raises(LimitError):
        run(
            BEGIN
            + "loader = DataLoader(X.repeat(2_000, 1), 20_000, shuffle=True)\nwhile True: next(iter(loader))",
            seconds=None,
        )
