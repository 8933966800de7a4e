"""Two traces beside each other: on the command line, as a table of the map, and node by node."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from llm_linalg import trace
from llm_linalg.analysis.comparison import compare
from llm_linalg.lessons.external import of_trace
from llm_linalg.lessons.lesson import Lesson, lesson_of
from tests.app.driving import opened
from tests.common import known, ours
from tui.compose.view_runner import open_view
from tui.model.view import View
from tui.model.view_words import command
from tui.render.json_text import frame_object
from tui.render.plain import to_plain

Capture = pytest.CaptureFixture[str]
X = torch.arange(12.0).reshape(3, 4) / 10


class Layer(nn.Module):
    """A layer and what is made of it; `nudge` changes a number in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.nudge = nn.Linear(4, 4), 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Returns as many rows."""
        y = self.linear(x)
        z = y * (1 + self.nudge)
        found: Tensor = z.tanh() * 2
        return found


def model(nudge: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [Layer(), Layer(), Layer()]
    layers[1].nudge = nudge
    return nn.Sequential(*layers)


def z(nudge: float = 0.0) -> Tensor:
    """What is multiplied in the layer in the middle."""
    return trace(model(nudge), X)["z:2"].value


def lesson(nudge: float = 0.5, tolerance: float = 0.0) -> Lesson:
    first, other = trace(model(), X), trace(model(nudge), X)
    return lesson_of(of_trace(first, ("compare", "a", "b"), compare(first, other, tolerance)), "both")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[nn.Module, Tensor], str]:
    """Saves a trace in the current folder, and returns its name."""
    monkeypatch.chdir(tmp_path)

    def saved(layers: nn.Module, x: Tensor) -> str:
        name = f"{len(list(tmp_path.iterdir()))}.trace"
        trace(layers, x).save(name)
        return name

    return saved


Saved = Callable[[nn.Module, Tensor], str]


# On the command line.


def test_the_same_is_the_same(capsys: Capture, files: Saved) -> None:
    code, out, _ = ours(capsys, "compare", files(model(), X), files(model(), X), "--format", "plain")
    assert (code, out.splitlines()) == (0, ["no number differs", "6 modules are the same"])


def test_the_first_that_differs_is_named_and_modules_are_a_table(capsys: Capture, files: Saved) -> None:
    names = files(model(), X), files(model(0.5), X)
    code, out, _ = ours(capsys, "compare", *names, "--format", "plain")
    first, head, *rows = out.splitlines()
    assert code == 1
    assert first.startswith("the first that differs: z (mul) in 1, test_compare.py:")
    assert f"12 of 12 cells, by up to {float((z() / 2).abs().max()):.3g}, 0.5 × its largest" in first
    assert head.split() == ["differ", "begin", "largest", "relative"]
    assert [row.split()[0] for row in rows[:-1]] == ["1", "2", "linear"]
    assert rows[0].split()[1:3] == ["3/6", "1"]
    assert rows[-1].endswith("modules are the same")
    code, out, _ = ours(capsys, "compare", *names, "--format", "json")
    told, *records = map(json.loads, out.splitlines())
    assert (code, told["first"]["node"], told["first"]["path"], told["first"]["cells"]) == (1, "z", "1", 12)
    assert told["first"]["relative"] == pytest.approx(0.5, rel=1e-5)
    by_path = {record["path"]: record for record in records if record["op"] == "module"}
    assert (by_path["0"]["changed"], by_path["1"]["begins"], by_path["2"]["begins"]) == (0, 1, 0)
    assert by_path["1"]["change"] == max(
        record["change"] for record in records if record["path"].startswith("1.") and record["op"] != "module"
    )


class Clipped(nn.Module):
    """What is multiplied, clipped before or not."""

    def __init__(self, least: float | None) -> None:
        super().__init__()
        self.least = least

    def forward(self, x: Tensor) -> Tensor:
        """Returns as many rows."""
        y = x * 2
        z = (y if self.least is None else y.clamp(self.least)) * 3
        found: Tensor = z.tanh()
        return found


def test_a_difference_may_begin_at_what_only_one_has(capsys: Capture, files: Saved) -> None:
    names = [files(nn.Sequential(Clipped(least)), X) for least in (None, 0.5)]
    for one, other in (names, reversed(names)):
        _, out, _ = ours(capsys, "compare", one, other, "--format", "plain")
        assert [row.split()[2] for row in out.splitlines() if row.startswith("0 ")] == ["1"]
        records = [*map(json.loads, ours(capsys, "compare", one, other, "--format", "json")[1].splitlines())]
        assert [record["path"] for record in records if record.get("begins") and "kind" in record] == ["0.z"]


def test_nan_is_called_so(capsys: Capture, files: Saved) -> None:
    names = files(model(), X), files(model(float("nan")), X)
    code, out, _ = ours(capsys, "compare", *names, "--format", "plain")
    first, _, row, *_ = out.splitlines()
    assert (code, first.endswith("12 of 12 cells, by up to NaN")) == (1, True)
    assert row.split() == ["1", "3/6", "1", "NaN", "NaN"]
    told, *_ = map(json.loads, ours(capsys, "compare", *names, "--format", "json")[1].splitlines())
    assert (told["first"]["change"], told["first"]["relative"]) == ("nan", "nan")


def test_a_tolerance_and_its_exit_code(capsys: Capture, files: Saved) -> None:
    names = files(model(), X), files(model(1e-5), X)
    assert ours(capsys, "compare", *names, "--format", "plain")[0] == 1
    assert ours(capsys, "compare", *names, "--format", "plain", "--tolerance", "1e-3")[0] == 0


def test_what_can_not_be_compared_is_said(capsys: Capture, files: Saved, tmp_path: Path) -> None:
    one = files(model(), X)
    (tmp_path / "broken.trace").write_bytes(Path(one).read_bytes()[:100])
    for other, code, said in (
        ("none.trace", 2, "no file"),
        ("broken.trace", 1, "cannot open"),
        (files(nn.Softmax(-1), torch.zeros(2)), 2, "different programs"),
    ):
        assert ours(capsys, "compare", one, other, "--format", "plain")[0] == code
        assert ours(capsys, "compare", other, one, "--format", "plain")[0] == code
        _, out, narration = ours(capsys, "compare", one, other, "--format", "plain")
        assert out == ""
        assert said in narration
    assert ours(capsys, "compare", one, one, "--format", "plain", "--tolerance", "-1")[0] == 2


# On the screen.


@pytest.mark.slow
async def test_it_opens_at_a_table_and_a_key_leads_to_the_first_that_differs() -> None:
    async with opened(lesson()) as d:
        assert "! leads to the first that differs: z in 1, test_compare.py:" in d.screen
        assert d.has(depth="map", look="changes")
        assert "differ  begin  largest  relative" in d.screen
        await d.press("exclamation_mark")
        assert d.has(depth="cells", look="changes", cursor=("z", divmod(int(z().abs().argmax()), 4)))
        assert "there - here" in d.screen
        await d.press("backspace")
        assert d.has(depth="map", look="changes")
        await d.press("v")
        assert d.has(look="numbers")
        for look in ("sizes", "values", "changes", "numbers"):
            await d.press("v")
            assert d.has(look=look)


def test_a_row_counts_what_differs_in_its_box() -> None:
    view = View.opening(lesson())
    frame = open_view(view).frame(view)
    table = known(known(frame.stage.map).table)
    found = {str(row.label): row.facts for row in table.rows}
    assert (found["0"]["changed"], found["1"]["begins"], found["2"]["begins"]) == (0, 1, 0)
    assert found["2"]["changed"] > 1
    assert "differ" in to_plain(frame)
    rows = json.loads(json.dumps(frame_object(frame)))["map"]["table"]["rows"]
    assert [row["changed"] for row in rows] == [row.facts["changed"] for row in table.rows]
    assert command(view) == "llm-linalg compare a b"


def test_the_slices_of_both_and_of_their_difference_have_a_name() -> None:
    one, other = (trace(lambda x: x * 2, x) for x in (torch.ones(2, 3, 4), torch.zeros(2, 3, 4)))
    program = of_trace(one, ("compare", "a", "b"), compare(one, other))
    view = View(lesson_of(program, "both"), path=("x",), depth="operations", look="changes")
    panels = open_view(view).frame(view).stage.panels
    assert [panel.title for panel in panels] == ["x[0]", "there[0]", "difference[0]"]


def test_an_operation_has_its_numbers_here_there_and_their_difference() -> None:
    view = View(lesson(), path=("z:2",), depth="operations", look="changes")
    run = open_view(view)
    panels = run.frame(view).stage.panels
    assert [panel.title for panel in panels] == ["z", "there", "there - here"]
    here, there, gap = (torch.tensor(panel.cells.values(range(3), range(4))) for panel in panels)
    assert (there - here).allclose(gap, atol=1e-6)
    assert gap.allclose(z() / 2, atol=1e-6)
    assert "changes" in run.frame(view).stage.looks
    assert (
        "changes"
        not in open_view(View.opening(lesson_of(of_trace(known(run.trace)), "one")))
        .frame(View.opening(lesson_of(of_trace(known(run.trace)), "one")))
        .stage.looks
    )


def test_other_shapes_stand_beside_each_other_without_a_difference() -> None:
    first, other = trace(model(), X), trace(model(), torch.ones(5, 4))
    both = lesson_of(of_trace(first, (), compare(first, other)), "both")
    view = View(both, path=("z",), depth="operations", look="changes")
    panels = open_view(view).frame(view).stage.panels
    assert [(panel.title, panel.shape) for panel in panels] == [("z", (3, 4)), ("there", (5, 4))]


async def test_where_nothing_differs_there_is_nothing_to_go_to() -> None:
    async with opened(lesson(0.0)) as d:
        assert "leads to" not in d.screen
        before = d.view
        await d.press("exclamation_mark")
        assert d.view == before
