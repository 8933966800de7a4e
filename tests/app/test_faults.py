"""A lesson that is broken is said with its file, line and reason, and the rest of the app works."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_linalg.lessons.reader import load
from tests.app.driving import lesson, opened
from tests.app.lessons import failure_of
from tui.cli.main import main
from tui.compose.view_runner import open_view
from tui.model.view import View
from tui.model.view_words import arguments

Capture = pytest.CaptureFixture[str]

BROKEN = """\
+++
title = "Broken"
[controls.n]
range = [1, 3]
default = 2
+++
Text.

```python
x = torch.ones(n, 3)
y = x @ x
```

## Nothing is called so
Text.

```python show="z"
w = torch.ones(2)
```
"""
FAULTY = """\
+++
title = "Faulty"
[controls.n]
range = [1, 3]
default = 2
+++
Text.

```python show="z"
x = torch.ones(n, 3)
```

## It works
Text.

```python fails
y = x + 1
```

## Too many
Text.

```python steps="5-99"
y = x + 2
```

## With some controls
Text.

```python show="z"
z = x if n == 2 else 0
w = 0 * x
```
"""


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.md"
    path.write_text(BROKEN, encoding="utf-8")
    return str(path)


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    path = tmp_path / "faulty.md"
    path.write_text(FAULTY, encoding="utf-8")
    return str(path)


def test_a_failing_program_is_said_with_the_line_of_the_file(broken: str, capsys: Capture) -> None:
    assert main(("frame", broken)) == 1
    out, narration = capsys.readouterr()
    assert "broken.md:11: matmul" in " ".join(out.split())
    assert narration.startswith(f"{broken}:11: ")


@pytest.mark.parametrize(
    ("stop", "line", "reason"),
    [
        (1, 9, 'unknown node "z": there is x'),
        (2, 16, "the stop is meant to fail, and does not"),
        (3, 23, "y has 6 steps, not 99"),
    ],
)
def test_what_a_stop_asks_for_in_vain_is_said(
    faulty: str, capsys: Capture, stop: int, line: int, reason: str
) -> None:
    assert main(("frame", faulty, "--stop", str(stop))) == 1
    out, narration = capsys.readouterr()
    assert f"faulty.md:{line}: {reason}" in out
    assert narration == f"{faulty}:{line}: {reason}\n"
    assert "None" not in out


def test_a_change_of_the_reader_s_is_no_fault_of_the_lesson_s(broken: str) -> None:
    lesson = load(broken)
    assert failure_of(open_view(View.opening(lesson))).fault is not None
    changed = open_view(View.opening(lesson).move("n", 1))
    assert changed.failure is None or changed.failure.fault is None


def test_what_is_shown_may_be_missing_with_some_controls_only(faulty: str) -> None:
    view = View.opening(load(faulty), 4)
    # The first stop's `show` is at fault; the fourth's own program is well with the default.
    assert open_view(view).error is None
    missing = open_view(view.move("n", 1))
    assert missing.error is not None
    assert "unknown node" in missing.error.message


async def test_the_app_shows_it_and_goes_on(faulty: str) -> None:
    async with opened(load(faulty)) as d:
        assert 'faulty.md:9: unknown node "z"' in d.screen
        await d.press("full_stop", "full_stop", "full_stop")
        assert d.view.stop == 4
        assert "faulty.md" not in d.screen
        await d.press("right")
        assert d.view.step == 1


async def test_the_copied_command_names_an_order_only_where_there_is_one() -> None:
    async with opened("diagonal") as d:
        await d.press("o", "b")
        assert d.session.navigation is not None
        assert d.view.order not in d.session.navigation.orders
        assert "--order" not in arguments(d.session.reopening_view)


async def test_stepping_brings_back_the_slice_of_the_active_cells() -> None:
    async with opened("shapes", stop=4) as d:
        await d.press("right_curly_bracket", "right_curly_bracket")
        assert d.view.at == (2,)
        await d.press("right")
        assert d.view.at is None
        assert "Y[0]" in d.screen


async def test_a_number_that_is_no_step_is_said() -> None:
    async with opened("matmul") as d:
        await d.press("g", "9", "9", "enter")
        assert d.view.step == 12
        assert "There is no step 99: 0 to 12." in d.rows[-1]


async def test_printed_text_that_is_cut_says_so() -> None:
    async with opened(
        lesson("Text.\n\n```python\nx = torch.ones(2)\nfor i in range(40):\n    print(i)\n```\n")
    ) as d:
        assert "… prints" in d.screen
        assert "prints 39" in d.screen
        assert "prints 0" not in d.screen


async def test_a_stop_shows_what_its_own_lines_print_whole() -> None:
    async with opened("shapes", stop=4) as d:
        assert "prints torch.Size([4, 2, 3])" in d.screen
        assert "… prints" not in d.screen


async def test_a_stop_without_lines_of_its_own_shows_nothing_that_others_print() -> None:
    async with opened("matmul", stop=6) as d:
        await d.press("f")
        assert "A row of Y is" in d.screen
        assert "prints" not in d.screen


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("frame", "matmul", "--cursor", "Y[9,9]"), "there is no cell [9, 9]"),
        (("frame", "shapes", "--stop", "4", "--at", "9"), "0 to 3: there is no slice 9"),
        (("frame", "matmul", "--at", "1"), "has no slices"),
        (("frame", "why", "--stop", "5", "--set", "seq_len=2", "--lineage", "logits[2,3]"), "no cell [2, 3]"),
        (("fram", "matmul"), 'a command "frame"'),
        (("fram",), 'a command "frame"'),
    ],
)
def test_what_is_out_of_range_is_one_line(words: tuple[str, ...], said: str, capsys: Capture) -> None:
    assert main(words) == 2
    out, narration = capsys.readouterr()
    assert not out
    assert said in narration
    assert narration.count("\n") == 1


def test_a_stops_own_cell_that_its_controls_took_away_is_no_fault_of_the_command(capsys: Capture) -> None:
    assert main(("frame", "why", "--stop", "5", "--set", "seq_len=2")) == 0  # what Y copies in the app
    assert "depends on" not in capsys.readouterr()[0]
    assert main(("frame", "why", "--stop", "5", "--set", "seq_len=3")) == 0
    assert "logits[2,3] depends on" in capsys.readouterr()[0]
