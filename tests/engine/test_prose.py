"""Markdown in paragraphs: the same for a lesson's prose and a document's."""

from __future__ import annotations

import json

import pytest

from llm_linalg import documents
from llm_linalg.lesson import parse
from llm_linalg.prose import Paragraph, paragraphs

CASES = {
    "One sentence,\nover two lines.": ["One sentence, over two lines."],
    "- a\n- b\n  over lines\n\n| a | b |\n| 1 | 2 |": ["- a\n- b over lines", "| a | b |\n| 1 | 2 |"],
    # A fence goes on to a line of its own marks alone, as many or more; the prose below is joined again.
    "~~~text\n```\na\n\nb\n~~~\none\ntwo": ["~~~text\n```\na\n\nb\n~~~", "one two"],
    "````text\n```\na\n\nb\n````\none\ntwo": ["````text\n```\na\n\nb\n````", "one two"],
    "```text\n```more\n\nb\n```\none\ntwo": ["```text\n```more\n\nb\n```", "one two"],
    "```text\na\n```\none\ntwo": ["```text\na\n```", "one two"],
    "one\n```text\na\n```": ["one", "```text\na\n```"],
    # A word between backticks, however many, opens nothing.
    "```x``` is one\n\ntwo": ["```x``` is one", "two"],
    "one\n### Part\ntwo": ["one", "**Part**", "two"],
    "one\n#\n": ["one #"],
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
    assert list(paragraphs("# T\n~~~\na\n\nb")) == [Paragraph("T", 1), Paragraph("~~~\na\n\nb")]
