"""What neither shapes nor the parts of a line show is counted: layers, names, views, numbers, texts."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llm_linalg.language import printing
from llm_linalg.language.budget import Budget

from llm_linalg import LimitError, ProgramError, ShapeError, run, trace
from llm_linalg.ops import TABLE
from llm_linalg.ops.operation import SlottedArguments
from llm_linalg.ops.price import price_of
from llm_linalg.recording.recorder import call_of
from tests.engine.counting import at_most
from tests.engine.doing import budgets, nine

NAMES = ", ".join(f"a{k}" for k in range(400))
COSTS = {
    "of layers that are joined": ("s = nn.Sequential(nn.Identity())\n", "s * 400", "s * 2", 20),
    "of names that are unpacked": (f"t = (0,) * 400\n{NAMES} = t\n", f"{NAMES} = t", "a, b = (0, 1)", 5),
    "of names that are imported": ("", f"from torch import {', '.join(['ones'] * 400)}", "import torch", 20),
    "of parameters": ("", f"def f({NAMES}, z=1): pass", "def f(z=1): pass", 2),
    "of a text that is wide": (
        "torch.set_printoptions(sci_mode=False)\nx, y = torch.rand(90).double(), torch.rand(90)\n",
        "s = str(x)", "s = str(y)", 1.5,
    ),
    "of a view that is looked through": (
        "x = torch.ones(90_000)\na, b, c = x[:1], x[1:], x[:2]\nd = b * 1\n",
        "a[0] = 1; d = b", "a[0] = 1; d = d", 1.02,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "line", "other", "times"), COSTS.values(), ids=list(COSTS))
def test_it_takes_so_many_times_as_much(
    before: str, line: str, other: str, times: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, another = nine(before, line, other, monkeypatch)
    assert one > times * another


def test_views_that_a_write_leaves_as_they_were_share_one_memory() -> None:
    def written(x: torch.Tensor) -> None:
        views = [x[k:] for k in range(9)]
        x[0] = 5.0
        views[0].sum()

    nodes = trace(written, torch.arange(90.0)).nodes
    views = [node.value for node in nodes if node.op == "getitem"]
    assert [view.tolist() for view in views] == [torch.arange(k, 90.0).tolist() for k in range(9)]
    assert len({view.untyped_storage().data_ptr() for view in views}) == 1
    assert nodes[-1].value.item() == sum(range(90)) + 5


def test_one_small_view_keeps_no_large_memory() -> None:
    def written(x: torch.Tensor) -> None:
        y = x * 1
        y[:2].sum()
        y += 1

    small = next(node.value for node in trace(written, torch.ones(900)).nodes if node.op == "getitem")
    assert small.untyped_storage().nbytes() <= 900 * small.element_size()


CALLS = {
    "sort": (1,), "topk": (2,), "sum": (1,), "softmax": (0,), "repeat": (3, 2), "expand": (7, -1, -1),
    "view": (2, 6), "reshape": (-1, 2), "unsqueeze": (0,), "transpose": (0, 1), "narrow": (1, 0, 2),
    "flip": (1,), "split": (2,), "chunk": (2,), "unfold": (1, 2, 1), "diagonal": (0, 0, 1), "tril": (1,),
    "cumsum": (1,), "norm": (2, 1), "permute": (1, 0), "movedim": (0, 1), "repeat_interleave": (2, 1),
    "select": (1, 2), "roll": (2,),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_number_that_a_tensor_holds_asks_for_as_much_as_that(name: str) -> None:
    function, tensor = getattr(torch.Tensor, name), torch.ones(3, 4)
    numbers = CALLS[name]
    calls = []
    for given_ in (numbers, tuple(map(torch.tensor, numbers))):
        written = SlottedArguments.of((tensor, *given_), {}, None)
        calls.append(call_of(function, written, written.tensors))
    plain, held = map(price_of, calls)
    assert plain == held
    assert TABLE.entry(function) is not None


@given(st.integers(1, 30), st.integers(0, 4), st.integers(0, 20))
def test_no_more_cells_are_shown_than_are_counted(size: int, edges: int, threshold: int) -> None:
    program = f"torch.set_printoptions(edgeitems={edges}, threshold={threshold})\nx = torch.arange({size})"
    found: list[printing.TextSize] = []
    tensor = torch.arange(size)
    printing.set_printoptions(edgeitems=edges, threshold=threshold)
    try:
        found.append(printing.text_size(tensor))
    finally:
        printing.PRINT_OPTIONS.set(None)
    printed = run(program + "\nprint(x)").printed
    assert len(re.findall(r"\d+", printed.partition("size")[0])) <= found[0].cells


def test_a_tensor_without_cells_shows_no_brackets() -> None:
    assert printing.text_size(torch.zeros(99_999, 0)).lists == 0


@pytest.mark.parametrize(
    "line", ["x.shape * 30", "30 * x.shape", "x.shape * 20 + x.shape * 9", "torch.Size([1] * 60)"]
)
def test_a_size_has_few_numbers(line: str) -> None:
    with pytest.raises(LimitError, match="a size of"):
        run(f"x = torch.ones(2, 3)\ny = {line}")
    assert run("x = torch.ones(2, 3)\nprint(x.shape * 2 + (4,), torch.Size([5]))").printed == (
        f"{torch.Size([2, 3, 2, 3, 4])} {torch.Size([5])}\n"
    )


def test_layers_are_joined_as_torch_does() -> None:
    program = "a = nn.Sequential(nn.ReLU())\nb = a * 2 + a\nm = nn.ModuleList([nn.ReLU()]) + [nn.GELU()]\n"
    assert run(program + "print(len(b), len(m))").printed == "3 2\n"
    with pytest.raises(ProgramError, match=r"write nn\.ModuleList"):
        run("s = nn.ModuleList([nn.Identity()])\nt = sum([s], start=s)")
    with at_most(50_000), suppress(LimitError):
        run("s = nn.Sequential(nn.Identity())\nt = s * 5_000")


def test_to_look_at_gradients_is_no_part_of_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    turn = "(w * w).sum().backward()\n    d = w.grad * 2\n    w = w.detach().requires_grad_()"
    for turns in (5, 50):
        run(f"w = torch.ones(2, requires_grad=True)\nfor i in range({turns}):\n    {turn}")
    few, many = (Budget().tensors - budget.tensors for budget in made)
    assert many - few == 9 * (few - 1)  # each turn takes as many as any


@pytest.mark.parametrize(
    "made",
    ["Softmax(torch.rand(2))", "LayerNorm((1,) * 60)", "GELU('x' * 60)", "Softmax([0, [1]])", "Dropout({})"],
)
def test_a_layer_is_made_with_numbers_and_words(made: str) -> None:
    with pytest.raises(ProgramError, match="takes"):
        run(f"layer = nn.{made}")


def test_what_layers_take_in_tutorials_they_take_here() -> None:
    made = "Softmax(dim=-1) LayerNorm((2,3)) GELU(approximate='tanh') Dropout(0.1) Flatten(1)"
    made += " CrossEntropyLoss(weight=w) MSELoss(reduction='sum') Embedding(5,2) RMSNorm(3)"
    made += " Linear(2,3,bias=False,dtype=torch.float64) Linear(2,3,device=torch.device('cpu'))"
    run("w = torch.ones(3)\n" + "\n".join(f"layer = nn.{each}" for each in made.split()))


def test_of_many_cells_that_fail_few_are_mended_and_none_holds_what_was_at_hand() -> None:
    lines = ["x = torch.ones(2, 3)", *["x @ x"] * 30, "y = x + 1"]
    refused = run("\n".join(lines), cells=range(1, len(lines) + 1)).cell_errors
    assert len(refused) == 30
    mended = [bool(error.repairs) for error in refused if isinstance(error, ShapeError)]
    assert mended[:10] == [True] * 10
    assert mended[20:] == [False] * 10
    assert all(error.__traceback__ is None for error in refused)


def test_a_layer_that_is_stored_is_that_of_the_innermost_name() -> None:
    program = """
layer, other = nn.Linear(1, 1), nn.Linear(1, 1)
same = layer
def f(layer, w):
    layer.weight = w
    return layer.weight
w = f(other, nn.Parameter(torch.ones(1, 1)))
same.weight = nn.Parameter(torch.zeros(1, 1))
y = torch.cat([layer.weight, same.weight, other.weight, w])
"""
    assert run(program)["y"].value.flatten().tolist() == [0, 0, 1, 1]
