"""What a notebook has saved of its cells: read, cleaned, bounded, and shown where a cell was not run."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.source import Source
from llm_linalg.capture import cell_program
from llm_linalg.lessons.documents import files_named, parse, with_saved
from llm_linalg.lessons.documents.saved_output import LONGEST_OUTPUT, MOST_LINES, MOST_OUTPUTS, saved_text
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.recording.cell_state import CellState

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (640).to_bytes(4) + (480).to_bytes(4) + b"\0" * 900)
TABLE = '<style>td {}</style><table border="1"><tr><th></th><th>a</th></tr></table>'


def stream(text: str | list[str]) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def result(**data: object) -> dict[str, Any]:
    names = {"plain": "text/plain", "html": "text/html", "png": "image/png"}
    return {"output_type": "execute_result", "data": {names[key]: value for key, value in data.items()}}


@pytest.mark.parametrize(
    ("outputs", "shown"),
    [
        ([stream("1\n"), stream(["2\n", "3\n"])], "1\n2\n3"),
        ([stream("10%\r50%\r100%\nend\n")], "100%\nend"),
        ([result(plain="tensor([1.])")], "tensor([1.])"),
        ([result(plain=["   a\n", "0  1"], html=TABLE)], "   a\n0  1"),
        ([result(plain="4", html="<b>4</b>")], "4"),
        ([result(plain="<Figure size 640x480 with 1 Axes>", png=PNG.decode())],
         "a picture of 640 × 480 pixels (png): <Figure size 640x480 with 1 Axes>"),
        ([result(plain="", png="no base64")], "a picture (png)"),
        ([{"output_type": "error", "ename": "ValueError", "evalue": "\x1b[31mno\x1b[0m"}], "ValueError: no"),
        ([stream("\x1b[1;31mred\x1b[0m \x1b]0;title\x07")], "red ␛]0;title␇"),
    ],
)  # fmt: skip
def test_a_saved_output_is_shown_as_text(outputs: list[dict[str, Any]], shown: str) -> None:
    assert saved_text(outputs) == f"saved, not computed here:\n{shown}"


def test_no_output_shows_nothing() -> None:
    assert saved_text([stream(""), result(), 3, {}]) == saved_text(()) == ""


def test_much_is_cut() -> None:
    found = saved_text([stream("a\n" * 10_000)])
    assert found.count("\n") == 1 + MOST_LINES
    assert found.endswith(f"… {10_000 - MOST_LINES:,} more lines")
    assert len(saved_text([stream("a" * 1_000_000)])) == len(saved_text([stream("a")])) - 1 + LONGEST_OUTPUT
    assert saved_text([result(plain="", png="a")] * 1_000).count("\n") == MOST_OUTPUTS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([TABLE, "\x1b[2J"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["output_type", "data", "text", "text/plain", "text/html", "image/png", "ename", "evalue"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
def test_whatever_is_saved_its_text_can_be_shown(values: list[object]) -> None:
    for kind in ("stream", "display_data", "error"):
        outputs = [{**value, "output_type": kind} if isinstance(value, dict) else value for value in values]
        shown = saved_text(outputs)
        assert all(char == "\n" or char.isprintable() or char == "�" for char in shown)


def notebook(*cells: tuple[str, list[dict[str, Any]]], name: str = "a.ipynb") -> Lesson:
    made = [{"cell_type": "code", "metadata": {}, "source": text, "outputs": out} for text, out in cells]
    return parse(json.dumps({"nbformat": 4, "metadata": {}, "cells": made}).encode(), name)


def test_a_cell_that_was_not_run_shows_what_the_notebook_has_saved_of_it() -> None:
    document = notebook(("x = 1", [stream("1")]), ("y = z", []), ("y", [result(plain="2")]))
    heading = "saved, not computed here:\n"
    assert [stop.saved for stop in document.stops] == [f"{heading}1", "", f"{heading}2"]
    states = [CellState(1), CellState(2, "failed"), CellState(3, "rests", 2), CellState(4, "failed")]
    assert [state.saved for state in with_saved(document, states)] == [False, False, True, False]


@pytest.mark.slow
def test_reading_a_notebook_parses_each_cell_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, and however large the pictures in them."""
    parsed: list[int] = []

    def counted(text: str) -> Source:
        parsed.append(len(text))
        return Source(text)

    monkeypatch.setattr(cell_program, "Source", counted)
    picture = result(plain="", png=PNG.decode() * 20)
    cells = [(f"import a{k}", [picture]) for k in range(1_999)]
    large = "import a\n" * 4_500
    document = notebook(*cells, (large, []))
    assert len(document.stops) == 2_000
    assert "640 × 480 pixels" in document.stops[7].saved
    assert sum(parsed) <= 2 * (sum(len(text) for text, _ in cells) + len(large))


def test_the_files_that_a_document_names_are_those_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    (folder / "data").mkdir(parents=True)
    for name in ("names.txt", "data/a.csv", ".env.txt", "model.pt"):
        (folder / name).write_text("a")
    (tmp_path / "secret.txt").write_text("a")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "hidden.txt").symlink_to(folder / ".env.txt")
    names = ["names.txt", "data/a.csv", "./data/a.csv", ".env.txt", "../secret.txt", "link.txt", "hidden.txt",
             str(folder / "model.pt"), "model.pt", "none.txt", "names", "a\0.txt"]  # fmt: skip
    text = "\n".join(f"open({name!r})" for name in names)
    document = notebook((text, []), name=str(folder / "a.ipynb"))
    assert files_named(document) == ("./data/a.csv", "data/a.csv", "model.pt", "names.txt")
    assert files_named(notebook(("open('names.txt')", []), name=str(tmp_path / "b.ipynb"))) == ()
