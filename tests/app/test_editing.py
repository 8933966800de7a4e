"""What the editor does with text, without an app: colours, notes that move with their lines."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import ProgramError, run
from tests.common import known
from tui.cli.main import main
from tui.compose.line_notes import line_notes, path_at
from tui.compose.nodes import labels
from tui.session.editing import ErrorMark, carry_notes, harmless, indent_after
from tui.text.syntax_colors import tokens

LINE = 'for i in range(3):  # "x"'


def parts(line: str) -> list[tuple[str, str]]:
    return [(line[t.start : t.end], t.role) for t in tokens([line])[0]]


def test_a_line_in_its_parts() -> None:
    assert parts(LINE) == [
        ("for", "keyword"),
        ("in", "keyword"),
        ("range", "call"),
        ("3", "number"),
        ('# "x"', "comment"),
    ]
    assert parts("y = torch.ones(2) + 1e-3 * W.T") == [
        ("torch", "call"),
        ("ones", "call"),
        ("2", "number"),
        ("1e-3", "number"),
    ]


def test_an_open_string_ends_with_its_line_or_with_its_quotes() -> None:
    assert parts("x = 'abc # d") == [("'abc # d", "string")]
    lines = ['s = """a', "for", 'b""" if x', "if"]
    assert [[t.role for t in line] for line in tokens(lines)] == [
        ["string"],
        ["string"],
        ["string", "keyword"],
        ["keyword"],
    ]


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=40), max_size=6))
def test_any_text_has_tokens_within_its_lines(lines: list[str]) -> None:
    for line, found in zip(lines, tokens(lines), strict=True):
        assert all(0 <= token.start <= token.end <= len(line) for token in found)


@given(st.text(max_size=80))
def test_harmless_text_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    kinds = {unicodedata.category(character) for character in harmless(text).replace("\n", "")}
    assert not kinds & {"Cc", "Cf", "Cs"}


def test_notes_move_with_their_lines() -> None:
    old, found = ["a", "b", "c"], {0: "A", 1: "B", 2: "C"}
    assert carry_notes(found, old, ["a", "", "b", "c"], typing=True) == {0: "A", 2: "B", 3: "C"}
    assert carry_notes(found, old, ["a", "bb", "c"], typing=True) == found
    assert carry_notes(found, old, ["a", "bb", "c"], typing=False) == {0: "A", 2: "C"}
    assert carry_notes(found, old, ["c"], typing=False) == {0: "C"}
    assert carry_notes(found, old, old, typing=False) == found


def test_what_follows_a_colon_is_set_in() -> None:
    assert indent_after("  if x:", 4) == "      "
    assert indent_after("  x = 1", 4) == "  "


def test_a_line_has_the_note_of_what_it_bound_last() -> None:
    trace = run(
        "a = torch.ones(2, 3)\nb = a @ a.T; c = b > 0\nprint(a.sum())\nfor i in range(2):\n    d = a + i\n"
    )
    assert line_notes(trace) == {
        1: "(2, 3) float32",
        2: "(2, 2) bool",
        3: "() float32",
        5: "(2, 3) float32",
    }
    assert path_at(trace, 2) == ("c",)
    assert path_at(trace, 4) == path_at(trace, 3)
    assert path_at(trace, 5) == ("d",)
    assert path_at(trace, 0) == ("a",)
    assert path_at(run(""), 1) == ()


def test_a_line_that_calls_returns_or_names_a_tensor_has_its_note() -> None:
    trace = run(
        "def f(x):\n    y = x.sum(0)\n    return y\na = torch.ones(2, 3)\nb = f(a)\nc = a\nb\n"
        "for row in a:\n    d = f(row) * 2\n    print(f(row))\ne = f(f(a))\n"
    )
    assert line_notes(trace) == {
        2: "() float32",
        3: "() float32",
        4: "(2, 3) float32",
        5: "(3,) float32",
        6: "(2, 3) float32",
        7: "(3,) float32",
        8: "(3,) float32",
        9: "() float32",
        11: "() float32",
    }
    assert path_at(trace, 5) == path_at(trace, 7) == (labels(trace.nodes)[trace["b"].index],)
    assert path_at(trace, 6) == path_at(trace, 4) == ("a",)
    assert path_at(trace, 11) == (labels(trace.nodes)[trace["e"].index],)


def test_what_a_line_goes_through_fills_or_looks_at_is_not_what_it_gave() -> None:
    trace = run(
        "x = torch.ones(2, 3)\nxs = [row.sum() for row in x]\nlin = nn.Linear(3, 4)\n"
        "lin(x).sum().backward()\nlin.zero_grad()\nx[0] = 2\nn = x.sum().item()\n"
    )
    assert line_notes(trace) == {
        1: "(2, 3) float32",
        2: "() float32",
        4: "() float32",
        6: "(2, 3) float32",
        7: "() float32",
    }


def test_a_line_that_failed_gave_nothing() -> None:
    with pytest.raises(ProgramError) as caught:
        run("x = torch.ones(3)\ny = torch.relu(x + torch.ones(5))")
    assert line_notes(known(caught.value.trace)) == {1: "(3,) float32"}


def test_an_error_has_a_place() -> None:
    with pytest.raises(ProgramError) as caught:
        run("x = 1\ny = x +")
    mark = known(ErrorMark.of(caught.value))
    assert mark.row == 1
    assert ErrorMark.of(ProgramError("nowhere")) is None


def test_play_says_in_one_line_what_it_cannot_open(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path_factory.mktemp("play")
    (folder / "binary.py").write_bytes(b"\xff\xfe")
    for words in (
        [str(folder)],
        [str(folder / "binary.py")],
        [str(folder / "none" / "x.py")],
        [str(folder / "x.py"), "--code", "x = 1"],
        ["--frobnicate"],
        [],  # no terminal
    ):
        assert main(["play", *words]) == 2
        out, narration = capsys.readouterr()
        assert (out, narration.count("\n")) == ("", 1)
