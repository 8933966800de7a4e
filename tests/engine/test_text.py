from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from llm_linalg.base.spelling import MOST_LISTED, unknown
from llm_linalg.base.text import (
    characters,
    clean,
    clean_lines,
    elide_title,
    escape_json,
    nearest,
    one_line,
    width,
)
from tests.engine.counting import at_most

# Everything, lone surrogates included, with what is dangerous made frequent.
DANGEROUS = "\x00\x07\x08\t\n\r\x1b\x7f\x85\x9b\x9d\xad\u200b\u200d\u202e\u2028\u2066\ufeff\ud800\u0301漢é👍"
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
anything = st.text(st.characters() | st.sampled_from(DANGEROUS))
# What rich, by whose tables the screen is laid out, and any Python's Unicode agree on.
settled = st.text(st.sampled_from("abc 123é漢字かなカナ한글ｆｕａäßЖя→·∞─━▸α∑🙂🚀🔥e\u0301\u0308ﾊ"))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain [b]text[/b]", "plain [b]text[/b]"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("\x9b31m", "�31m"),
        ("a\x00b\x7f", "a␀b␡"),
        ("abc\u202edcb", "abc�dcb"),
        ("a\u200bb\u2066c", "a�b�c"),
        ("x\ud800y", "x�y"),
        ("\ta\tb", "    a   b"),
        ("漢\tb", "漢  b"),
        ("a\nb\r\nc\rd", "a b c␍d"),
        ("a\u2028b\x0bc", "a�b␋c"),
        ("\u0301e\u0301", "e\u0301"),
        ("e" + "\u0301" * 50, "e\u0301\u0301"),
        ("⚠\ufe0f 👍🏽", "⚠ 👍"),
        ("می\u200cخواهم 👩\u200d👧", "میخواهم 👩👧"),
        ("a\u200db \u200c", "a�b �"),
        ("a\u3164b\ue000", "a�b�"),
        ("", ""),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(anything, st.booleans(), st.none() | st.integers(0, 20))
def test_cleaned_text_is_harmless(text: str, lines: bool, limit: int | None) -> None:
    cleaned = clean(text, limit, lines=lines)
    assert limit is None or len(cleaned) <= limit
    for char in cleaned.replace("\n", "") if lines else cleaned:
        assert unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert unicodedata.bidirectional(char) not in BIDI
    assert cleaned.encode().decode() == cleaned
    assert clean(cleaned, limit, lines=lines) == cleaned


@given(st.text(st.sampled_from("ab\t\n\x00\x1b\u202e\ud800é漢")))
def test_a_limit_cuts_and_says_so(text: str) -> None:
    whole = clean(text, None)
    assert clean(text, len(whole)) == whole
    if len(whole) > 1:
        short = clean(text, len(whole) - 1)
        assert short == whole[: len(whole) - 2] + "…"


@given(st.text(st.sampled_from("ab\x00\x1b\u202e\u200b\ud800é")))
def test_what_is_replaced_keeps_its_column(text: str) -> None:
    assert width(clean(text)) == len(text)


def test_a_long_text_is_not_read_to_its_end() -> None:
    with at_most(20_000):
        assert clean("é" * 1_000_000, 100) == "é" * 99 + "…"
        assert clean("e" + "\u0301" * 1_000_000, 100).endswith("…")


@given(settled)
def test_widths_are_those_that_the_screen_is_laid_out_by(text: str) -> None:
    assert width(clean(text)) == cell_len(clean(text))


def test_width() -> None:
    assert width("abc") == 3
    assert width("漢字") == 4
    assert width("e\u0301") == 1
    assert width("한") == 2
    assert width("") == 0


def test_nearest() -> None:
    assert nearest("sofmax", ["softmax", "sigmoid"]) == "softmax"
    assert nearest("linear", ["Linear", "Line"]) == "Linear"
    assert nearest("zzz", ["softmax", "sigmoid"]) is None
    assert nearest("", []) is None
    assert nearest("softmax" * 10_000, ["softmax"]) is None


def test_a_long_list_does_not_hide_the_nearest_spelling() -> None:
    names = [f"name{k}" for k in range(MOST_LISTED + 1)] + ["triangular"]
    assert unknown("lesson", "triangulr", names) == 'unknown lesson "triangulr": did you mean "triangular"?'
    assert "name7, name8" in unknown("lesson", "q", names)
    assert (
        unknown("key", "titel", ["title", "part"])
        == 'unknown key "titel": did you mean "title"? (title, part)'
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.integers(0, 130))
def test_the_characters_before_a_place_in_bytes(line: str, offset: int) -> None:
    whole = len(line.encode()[:offset].decode(errors="ignore"))
    assert characters(line, offset) == min(whole, len(line))


def test_what_is_passed_on_unread_would_be_passed_on_if_it_were_read() -> None:
    ordinary = "".join(char for char in map(chr, range(0x10000)) if clean(char, None) is char)
    assert len(ordinary) > 30_000
    assert clean(f"\x1b{ordinary}", None)[1:] == ordinary  # an escape has all of it read


def test_lines_and_tabs_are_kept_where_they_are_asked_for() -> None:
    assert clean("a\tb\nc") == "a   b c"
    assert clean("a\tb\r\nc", lines=True) == "a   b\nc"
    assert clean_lines("a\tb\nc\x9b") == "a\tb\nc�"
    assert escape_json('{"a": "\x9b\u202eé\U000e0101"}\n') == '{"a": "\\u009b\\u202eé\\udb40\\udd01"}\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("f(x,  y)", "f(x,  y)"),
        ("torch.stack([\n    x,\n\n    y,\n])", "torch.stack([x, y,])"),
        ("(x\n   + y)", "(x + y)"),
        ("x + \\\n    y", "x + y"),
        ("f(\n)", "f()"),
        ("x \\\n \\\n (\n\ty )", "x  (y )"),
        (
            f"x\n{' ' * 50_000}y{' ' * 50_000}z",
            f"x y{' ' * 50_000}z",
        ),  # gone through once, or it would not end
        (f"x{' ' * 50_000}\\{' ' * 50_000}\\\n", f"x{' ' * 50_000}\\ "),
        ("\n " * 50_000 + "x", " x"),
    ],
    ids=itertools.count(),
)
def test_an_expression_of_several_lines_is_told_on_one(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("dP - (dP * P).sum(1, keepdim=True)", "dP - (…).sum(…)"),
        ("torch.full((1000,), 0.1)", "torch.full(…)"),
        ("transformer.ln_f.weight", "…ln_f.weight"),
        ("x @ W", "x @ W"),
        ("one_name_that_is_too_long", "one_name…oo_long"),
    ],
)
def test_a_title_gives_up_what_stands_in_brackets_first(text: str, short: str) -> None:
    assert elide_title(text, 16) == short
