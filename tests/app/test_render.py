from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from llm_linalg.lessons.reader import parse
from tests.app.lessons import lesson, opened
from tui.compose import cursor_moves
from tui.compose.program_run import Run
from tui.compose.view_runner import open_view
from tui.model.view import View
from tui.navigation import steps
from tui.render.json_text import to_json
from tui.render.plain import to_plain

PRODUCT = "x = torch.tensor([[1., 2.], [3., 4.]])\nW = torch.tensor([[5., 6.], [7., 8.]])\nY = x @ W"


def record(view: View, run: Run) -> dict[str, Any]:
    text = to_json(run.frame(view))
    assert text.endswith("\n")
    assert text.count("\n") == 1
    made = json.loads(text)
    assert isinstance(made, dict)
    return made


def test_json_is_the_contract() -> None:
    view, run = opened(PRODUCT)
    assert record(replace(view, step=3), run) == {
        "format": 1,
        "lesson": "one",
        "stop": 1,
        "story": {"title": "One", "text": "Text."},
        "seed": 0,
        "controls": {},
        "code": PRODUCT,
        "node": {
            "name": "Y",
            "op": "matmul",
            "line": 3,
            "shape": [2, 2],
            "dtype": "float32",
            "evidence": "rule",
        },
        "order": "cells",
        "step": 3,
        "steps": 4,
        "operands": [
            {"name": "x", "shape": [2, 2], "values": [[1.0, 2.0], [3.0, 4.0]]},
            {"name": "W", "shape": [2, 2], "values": [[5.0, 6.0], [7.0, 8.0]]},
        ],
        "output": {"name": "Y", "shape": [2, 2], "values": [[19.0, 22.0], [43.0, None]]},
        "writes": [[1, 0]],
        "reads": [[[1, 0], [1, 1]], [[0, 0], [1, 0]]],
        "terms": [
            {"factors": [3.0, 5.0], "value": 15.0, "state": "done"},
            {"factors": [4.0, 7.0], "value": 28.0, "state": "current"},
        ],
        "value": 43.0,
        "formula": "Y[1,0] = 3·5 + [4·7]\n       = 15 + 28 = 43",
        "shape_line": "(2, 2) @ (2, 2) → (2, 2)   inner 2 = 2 ✓",
        "look": "numbers",
        "text": "Y[1,0] = 3·5 + [4·7] = 43",
    }


def test_before_the_first_step_nothing_is_computed() -> None:
    made = record(*opened(PRODUCT))
    assert (made["step"], made["writes"], made["reads"], made["terms"], made["value"]) == (
        0,
        [],
        [],
        [],
        None,
    )
    assert made["output"]["values"] == [[None, None], [None, None]]


def test_a_step_of_several_cells_has_no_terms_and_no_value() -> None:
    view, run = opened(PRODUCT, 'order="rows"')
    made = record(replace(view, step=1), run)
    assert (made["order"], made["steps"], made["terms"], made["value"]) == ("rows", 2, [], None)
    assert made["writes"] == [[0, 0], [0, 1]]


def test_partial_sums_of_an_order_that_adds_are_shown() -> None:
    view, run = opened(PRODUCT)
    made = record(replace(view, order="outer", step=1), run)
    assert made["output"]["values"] == [[5.0, 6.0], [15.0, 18.0]]


def test_numbers_have_six_significant_digits_and_infinities_are_strings() -> None:
    view, run = opened("x = torch.tensor([1.23456789, float('nan'), float('inf'), -float('inf')])\ny = x + 0")
    made = record(replace(view, step=4), run)
    assert made["output"]["values"] == [1.23457, "nan", "inf", "-inf"]


def test_values_of_a_large_tensor_are_left_out() -> None:
    view, run = opened("x = torch.ones(65, 64)\ny = torch.ones(64, 64) + 1\nz = x @ y")
    made = record(replace(view, step=1), run)
    assert "values" not in made["operands"][0]
    assert "values" in made["operands"][1]
    assert "values" not in made["output"]
    assert made["output"]["shape"] == [65, 64]


def test_n_d_and_0_d_tensors_are_nested_as_in_torch() -> None:
    view, run = opened("x = torch.arange(12).reshape(2, 3, 2)\ny = x + 0")
    made = record(replace(view, step=7), run)
    assert made["output"]["values"] == [[[0, 1], [2, 3], [4, 5]], [[6, None], [None, None], [None, None]]]
    view, run = opened("x = torch.tensor(3.5)\ny = x + 1")
    assert record(replace(view, step=1), run)["output"] == {"name": "y", "shape": [], "values": 4.5}


def test_a_failing_stop_has_its_error() -> None:
    view = View.opening(lesson(), 3)
    made = record(view, open_view(view))
    assert made["node"] is None
    assert made["error"]["type"] == "ShapeError"
    assert made["error"]["line"] == 6
    assert made["error"]["repairs"]
    assert "error" not in record(*opened(PRODUCT))


def test_plain_is_the_frame_in_reading_order() -> None:
    view, run = opened(PRODUCT)
    assert to_plain(run.frame(replace(view, step=3))) == (
        "9 More lessons, One\n"
        "stop 1 of 1: One\n"
        "seed 0\n"
        "\n"
        "Text.\n"
        "\n"
        "  1  x = torch.tensor([[1., 2.], [3., 4.]])\n"
        "  2  W = torch.tensor([[5., 6.], [7., 8.]])\n"
        "> 3  Y = x @ W\n"
        "\n"
        "Y: matmul, line 3, float32 (2, 2), known by rule\n"
        "(2, 2) @ (2, 2) → (2, 2)   inner 2 = 2 ✓\n"
        "step 3 of 4, order cells\n"
        "\n"
        "x (2, 2)\n"
        " 1.  2.\n"
        "[3.  4.]\n"
        "\n"
        "W (2, 2)\n"
        "[5.] 6.\n"
        "[7.] 8.\n"
        "\n"
        "Y (2, 2)\n"
        " 19.  22.\n"
        "[43.]   _\n"
        "\n"
        "_ not yet computed\n"
        "\n"
        "Y[1,0] = 3·5 + [4·7]\n"
        "       = 15 + 28 = 43\n"
        "\n"
        "A cell of Y is a row of x times a column of W, summed.\n"
    )


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_plain_has_no_boxes_and_no_control_characters(stop: int) -> None:
    view = View.opening(lesson(), stop)
    run = open_view(view)
    views = [view]
    if run.trace is not None:
        views += [steps.last(view, run.navigation(view)), cursor_moves.move(run, view, 0, 0)]
    for one in views:
        text = to_plain(run.frame(one))
        assert not any(0x2500 <= ord(character) < 0x2600 for character in text)
        assert all(character == "\n" or character.isprintable() for character in text)


def test_plain_has_the_same_numbers_in_ascii() -> None:
    view = replace(View.opening(lesson(), 2), step=2)
    run = open_view(view)
    assert run.frame(view, ascii_only=True) is not run.frame(view)
    some, other = (
        re.findall(r"(?<![\w.])-?\d+\.\d*|_", to_plain(run.frame(view, ascii_only=ascii_only)))
        for ascii_only in (False, True)
    )
    assert some == other
    assert "_" in some


def test_plain_says_what_fails_and_how_to_mend_it() -> None:
    view = View.opening(lesson(), 3)
    text = to_plain(open_view(view).frame(view))
    assert "ShapeError, line 6" in text
    assert "    ^^^^^" in text
    assert "repair 1: " in text


def test_prose_is_read_at_the_beginning_and_its_first_sentence_at_every_step() -> None:
    view, run = opened(PRODUCT)
    prose = "See [**a** product](lesson:matmul). Then *more*:\n\n- `*x*`\n- __y__"
    text = f"+++\ntitle = 'A'\n+++\n{prose}\n\n```python\n{PRODUCT}\n```"
    view = View.opening(parse(text, "a.md"))
    assert "See a product. Then more:\n\n- `*x*`\n- y\n" in to_plain(run.frame(view))
    assert "\nSee a product.\n" in to_plain(run.frame(replace(view, step=1)))


def test_a_large_tensor_is_a_window_around_what_is_lit() -> None:
    view, run = opened("x = torch.ones(300, 300)\ny = x + 1")
    text = to_plain(run.frame(replace(view, step=300 * 200 + 151)))
    assert "rows 200 to 219 of 300" in text
    assert "[2.]" in text
    assert len(text.splitlines()) < 80
