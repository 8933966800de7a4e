"""Markdown in paragraphs: the same for a lesson's prose and a document's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg.base.text import clean
from llm_linalg.lessons import documents, markdown
from llm_linalg.lessons.markdown import (
    TextRun,
    blocks,
    first_sentence,
    inert,
    links,
    prose,
    text_runs,
)
from llm_linalg.lessons.reader import parse

CASES = {
    "One sentence,\nover two lines.": ["One sentence, over two lines."],
    "- a\n- b\n  over lines\n  1) c\n\n  d": ["- a\n- b over lines\n1) c", "d"],
    "|a| b\\|c |\n|-|:-:|\n| 1 | 2 |": ["| a | b\\|c |\n|---|---|\n| 1 | 2 |"],
    "> a\n> b\n\n    c\n\n      d\n\n***\ne": ["> a b", "```\nc\n\n  d\n```", "---", "e"],
    # A fence goes on to a line of its own marks alone, as many or more; the prose below is joined again.
    "~~~text\n```\na\n\nb\n~~~\none\ntwo": ["~~~text\n```\na\n\nb\n~~~", "one two"],
    "````text\n```\na\n\nb\n````\none\ntwo": ["````text\n```\na\n\nb\n````", "one two"],
    "```text\n```more\n\nb\n```\none\ntwo": ["```text\n```more\n\nb\n```", "one two"],
    "```text\na\n```\none\ntwo": ["```text\na\n```", "one two"],
    "one\n```text\na\n```": ["one", "```text\na\n```"],
    # A word between backticks, however many, opens nothing.
    "```x``` is one\n\ntwo": ["```x``` is one", "two"],
    "one\n### Part\ntwo": ["one", "**Part**", "two"],
    "one\n#\n": ["one"],
    "one\n\nPart\n===\ntwo": ["one", "**Part**", "two"],
}


@pytest.mark.parametrize(("text", "found"), CASES.items())
def test_a_lesson_and_a_document_have_the_same_paragraphs(text: str, found: list[str]) -> None:
    lesson = parse(f'+++\ntitle = "T"\n+++\n{text}\n\n```python\nx = 1\n```\n', "t.md")
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": text},
        {"cell_type": "code", "metadata": {}, "source": "x = 1", "outputs": []},
    ]
    data = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()
    document = documents.parse(data, "t.ipynb")
    assert lesson.stops[0].prose == "\n\n".join(found)
    assert document.stops[0].prose == lesson.stops[0].prose


def test_a_fence_that_is_never_closed_ends_the_text() -> None:
    assert prose(blocks("# T\n~~~\na\n\nb")) == "**T**\n\n~~~\na\n\nb\n~~~"


@pytest.mark.parametrize("text", CASES)
def test_prose_that_is_read_again_is_the_same(text: str) -> None:
    once = prose(blocks(text))
    assert prose(blocks(once)) == once


def test_words_are_in_runs_of_one_style_and_html_is_text() -> None:
    assert text_runs("A *b **c** d* ``e`f`` [g `h`](lesson:dot) [i](http://j) <b>k</b> ![l](m)") == (
        TextRun("A "),
        TextRun("b ", "emphasis"),
        TextRun("c", "strong"),
        TextRun(" d", "emphasis"),
        TextRun(" "),
        TextRun("e`f", "code"),
        TextRun(" "),
        TextRun("g h", "link", "dot"),
        TextRun(" i <b>k</b> l"),
    )
    assert links("[a](lesson:dot) `[b](lesson:no)`\n\n- [c](lesson:matmul)") == ["dot", "matmul"]


@given(st.text(st.sampled_from("ab \n\t#*_`~[]()<>&;|-+1.:!\\\x1b\u202e") | st.characters(), max_size=60))
def test_any_text_has_blocks_within_its_lines_and_clean_words(text: str) -> None:
    found = blocks(text)
    ends = [0, *(place for block in found for place in (block.first, block.end)), text.count("\n") + 1]
    assert ends == sorted(ends)
    for block in found:
        for run in text_runs(block.text):
            assert run.text == clean(run.text, None)


@pytest.mark.parametrize("entity", ["&#27;", "&#x202e;", "&#155;", "&NewLine;", "&#xad;", "&zwj;"])
def test_an_entity_stands_for_no_character_that_a_terminal_obeys(entity: str) -> None:
    (run,) = text_runs(f"a{entity}b")
    assert run.text.isprintable()


MARKUP = (
    *(
        "<b>",
        "</b>",
        "<script>",
        "<!--",
        "-->",
        "<a\nb>",
        "<?",
        "<![CDATA[",
        "<javascript:x>",
        "&lt;",
        "&#60;b>",
    ),
    *(
        "[x]",
        "[",
        "]",
        "![",
        "(javascript:1)",
        "(java&#115;cript:1)",
        "[x]: data:1",
        "\\",
        "`",
        "``",
        "```\n",
    ),
    *("~~~\n", "\n", "\n\n", "    ", "> ", "- ", "1. ", "|", "\t", "a"),
)


@given(st.lists(st.sampled_from(MARKUP), max_size=14).map("".join))
def test_nothing_in_inert_prose_is_html_or_leads_to_a_script(text: str) -> None:
    once = inert(text)
    assert inert(once) == once


def test_inert_prose_is_as_it_was_but_for_html() -> None:
    assert (
        inert("a < b, `<b>`, [c](https://d.e) <https://f.g>")
        == "a < b, `<b>`, [c](https://d.e) <https://f.g>"
    )
    assert inert("`List<int>` <b>x</b>\n\n```\n<b>\n```") == "`List<int>` \\<b>x\\</b>\n\n```\n<b>\n```"
    assert inert("[x](javascript:alert(1))") == "\\[x](javascript:alert(1))"


@pytest.mark.parametrize("piece", ["[", "[a](", "\\[", "e.g. ", "`", "…''"])
def test_a_line_is_gone_through_once_for_the_end_of_a_sentence(piece: str) -> None:
    """A search that begins anew at each piece would not end."""
    line = f"A {piece * 400_000}`b. c` [d. e](lesson:f)"
    assert first_sentence(f"{line} G.\nH.") == (f"{line} G.", "H.")


@pytest.mark.parametrize(
    "first", ["| a | b |\n|---|---|\n| x. y | z |", "- one. two", "```\nx = 1. y\n```", "> a. b"]
)
def test_what_is_no_sentence_comes_first_whole(first: str) -> None:
    assert first_sentence(f"{first}\n\nAnd text. More.") == ("", f"{first}\n\nAnd text. More.")


LINES = (
    *("# a b", "## T?", "##  x", "##", "## a #", "text", "text  ", "a\tb", "\ttab", "```", "```py x", "~~~"),
    *(" ```", "````", "    code", "- item", "1. x", "expect: y", "expect:", " expect: z", "> q", "a|b"),
    *("-|-", "---", "===", "", "  ", "(a)", "**b** c", "`c` d", "`a``b`", "*e*", "_x_", "[l](m)", "[l]: m"),
    *("<b>", "a\\", "é\u2028x", "x\xa0", "`` x``"),
)
WORDS = (
    *("a", "b.", " ", "  ", "**", "`", "`x`", "``", "*", "_", "&amp;", "<", "[a]", "\\", "!", "**T.** "),
    *(
        "**T** ",
        ".",
        "é",
        "\t",
        "(",
        "https://x.y",
        "\xa0",
        "\n",
        "[l](lesson:dot)",
        "[ a ]",
        "a_b",
        "___",
        "]",
    ),
)


@settings(max_examples=400)
@given(
    st.lists(st.sampled_from(LINES), max_size=6).map("\n".join),
    st.booleans(),
    st.lists(st.sampled_from(WORDS), max_size=6).map("".join),
)
def test_a_plain_text_is_read_as_the_parser_reads_it(text: str, claims: bool, line: str) -> None:
    read = blocks(text, claims=claims), text_runs.__wrapped__(line)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markdown, "_tiles", lambda *_: None)
        assert (blocks(text, claims=claims), text_runs.__wrapped__(line)) == read
