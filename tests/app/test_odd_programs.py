"""Small honest programs with odd tensors: every picture of each can be drawn.

`python -m tests.fuzz programs` is the long run over random ones; the slow test draws a few.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from llm_linalg import run
from llm_linalg.lessons.stop import FollowedCell
from tests.fuzz.drawn import draw_program
from tests.fuzz.programs import Tally, draw_all, search
from tui.compose.captions import writer
from tui.compose.lineage_highlight import follow_cell
from tui.compose.view_runner import open_view
from tui.navigation.playground import playground_view
from tui.render.json_text import to_json
from tui.render.plain import to_plain

DRAWN = 60
PROGRAMS = {
    "a slice of no matrices": """
u = torch.randn(3, 2, 4)
v = u[:0]
""",
    "no rows within": """
x = torch.randn(2, 0, 3, 2)
y = x + 1
z = y.sum(-1)
""",
    "a mask that keeps nothing": """
y = torch.randn(2, 2, 3, 2)[False]
z = torch.relu(y)
""",
    "a bias with a row": """
x = torch.randn(2, 3)
y = F.linear(x, torch.randn(4, 3), torch.zeros(1, 4))
y.sum()
""",
    "whole quotients": """
x = torch.tensor([1.5, 7.0])
y = x // 2
y //= 3
z = y * x
""",
    "a remainder by a tensor": """
x = torch.tensor([1.5, 7.0])
y = 9 % x
z = y + 1
""",
    "a full of a tensor": """
y = torch.full((2, 2), torch.tensor(2.5))
z = y * 2
""",
    "counts alone": """
i = torch.repeat_interleave(torch.tensor([0, 2, 1]))
j = torch.repeat_interleave(i * 0)
k = i + 1
""",
    "nothing scattered": """
x = torch.zeros(2, 2)
y = x.scatter_add(0, torch.zeros(0, 2).long(), x + 1)
z = y * 2
""",
    "a roll too far": """
x = torch.ones(4)
y = x.roll(2**62)
z = y * 2
""",
    "sums of one number": """
x = torch.tensor(2.0)
y = x.cumsum(0)
z = torch.cumprod(y, -1)
""",
    "a type of three axes": """
x = torch.randn(2, 2, 3)
y = x.type_as(x)
z = torch.ones_like(y) * y
""",
    "attention without features": """
q = torch.zeros(2, 0)
z = F.scaled_dot_product_attention(q, q, torch.randn(2, 3))
""",
    "a softmax of nothing": """
x = torch.ones(2, 0, requires_grad=True)
y = F.softmax(x, dim=-1)
z = y.sum()
""",
    "rows of several axes": """
x = torch.randn(2, 3, 2)
y = F.normalize(x, dim=(0, 2))
z = y.sum()
""",
    "no number": """
x = torch.tensor([-1.0, 2.0])
y = x.sqrt()
z = y.log() * torch.inf
""",
    "a look-up": """
W = torch.randn(3, 2, requires_grad=True)
y = F.embedding(torch.tensor([2, 0]), W)
y.sum().backward()
g = W.grad
""",
    "one name for two ranks": """
x = torch.randn(1, 2, 2)
x = torch.broadcast_to(x, (2,) + x.shape)
x = x.unsqueeze(0)
""",
    "the derivative of a sign": """
x = torch.randn(2, 2, requires_grad=True)
y = torch.sgn(x * 2)
y.sum().backward()
g = x.grad
z = (y * g).sum()
""",
    "a picked gradient": """
x = torch.randn(2, 3, requires_grad=True)
y = x[:, [0, 0]].flatten()
z = (y * y).sum()
""",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=list(PROGRAMS))
def test_every_picture_of_an_odd_program_is_drawn(program: str) -> None:
    assert open_view(playground_view(program)).error is None
    tally = Tally()
    draw_all(program, random.Random(1), tally)  # noqa: S311  the same pictures each time
    assert tally.examples == {}
    assert tally.pictures > 10


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of a deviation of a single number
def test_every_picture_of_drawn_programs_is_drawn() -> None:
    tally = search(DRAWN, seed=7)
    assert tally.examples == {}
    assert tally.failed < DRAWN // 3
    assert tally.pictures > 20 * DRAWN


def test_drawn_programs_are_the_same_each_time() -> None:
    once, again = ([draw_program(random.Random(f"7/{k}")) for k in range(2)] for _ in "12")  # noqa: S311
    assert once == again


def test_a_slice_that_is_not_there_has_no_cells() -> None:
    view = playground_view("x = torch.randn(2, 0, 3, 2)\ny = x + 1")
    frame = open_view(view).frame(view)
    assert [(panel.label, panel.rows) for panel in frame.stage.panels] == [
        ("x (2, 0, 3, 2)", 0),
        ("y (2, 0, 3, 2)", 0),
    ]
    assert "x (2, 0, 3, 2)" in to_plain(frame)


def test_a_derivative_that_torch_has_not_is_said_and_poisons_what_is_before() -> None:
    view = playground_view("x = torch.tensor([1.5, 7.0])\ny = x // 2\nz = y + x * 3")
    run = open_view(view)
    assert run.trace is not None
    followed = follow_cell(FollowedCell("lineage", "z", (1,)), run.trace)
    said = {node.name: followed.about(node, (1,)) for node in run.trace.nodes}
    assert said["y"] == "∂z[1] / ∂y[1] = 1"
    assert said["x"] == "z[1] depends on it; torch has no derivative of that"
    fed = follow_cell(FollowedCell("reach", "x", (0,)), run.trace)
    assert fed.about(run.trace["z"], (0,)) == "x[0] feeds it; torch has no derivative of that"
    assert fed.about(run.trace["mul_2"], (0,)).endswith("[0] / ∂x[0] = 3")


def test_a_cell_is_followed_through_complex_numbers() -> None:
    run = open_view(playground_view("x = torch.ones(2, 2)\nz = torch.view_as_complex(x)\ny = (z * z).real"))
    assert run.trace is not None
    followed = follow_cell(FollowedCell("lineage", "y", (0,)), run.trace)
    assert followed.about(run.trace["x"], (0, 1)) == "∂y[0] / ∂x[0,1] = -2"
    assert followed.about(run.trace["z"], (0,)) == "y[0] depends on it"


def test_json_has_texts_for_derivatives_that_are_no_numbers() -> None:
    view = playground_view("x = torch.tensor([-1.0, 2.0])\ny = x.sqrt()")
    follows = FollowedCell("lineage", "y", (0,))
    frame = open_view(view).frame(replace(view, depth="map", follows=follows))
    assert '"influence": "nan"' in to_json(frame)
    to_plain(frame)


def test_a_cell_that_writes_beside_torn_views_only_fails_itself() -> None:
    """Torch refuses to say what the parts of `split` come from, once their base was written."""
    lines = ["x = torch.ones(4, requires_grad=True)", "w = x * 2", "a, b = w.split(2)", "w.add_(1)"]
    text = "\n".join([*lines, "w[0] = missing", "y = x + 1"])
    done = run(text, cells=[1, 2, 3, 4, 5, 6], seconds=None)
    assert [error.line for error in done.cell_errors] == [5]
    assert done["y"].value.tolist() == [2.0] * 4


def test_a_real_number_among_complex_ones_is_written_as_they_are() -> None:
    write = writer([0.5, 1 + 2j, -1.0])
    assert [write(number) for number in (0.5, 1 + 2j, 0)] == ["0.500+0.j", "1.000+2.j", "0"]
