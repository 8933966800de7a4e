"""The guides: listed, printed, and nothing of them cut at 80 columns."""

from __future__ import annotations

import re

import pytest

from tui.cli.help_command import GENERATED
from tui.cli.main import main
from tui.session.keys import KEYS
from tui.text.guides import guide_rows, guides


def words(topic: str, width: int) -> list[str]:
    """The words of a guide as it is shown in some columns."""
    rows = guide_rows(guides()[topic].text, width)
    return "\n".join("".join(span.text for span in spans) for spans in rows).split()


def test_topics_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    listed = re.findall(r"^  (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert listed == sorted([*guides(), *GENERATED])
    assert {"settings", "terminals", "keys", "programs"} <= {*listed}


@pytest.mark.parametrize("topic", [*guides(), *GENERATED])
def test_each_topic_is_printed_without_marks(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", topic]) == 0
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) > 8
    # How to write a lesson shows lessons, which are Markdown.
    assert (
        topic in GENERATED
        or topic == "lessons"
        or not re.search(r"(?<!\w)\*\*|```|^#{2,} |\]\(", printed, re.MULTILINE)
    )


def test_every_key_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["help", "keys"])
    printed = capsys.readouterr().out
    assert [key.id for key in KEYS if f"{key.key_text:<10} {key.help}" not in printed] == []


@pytest.mark.parametrize("topic", guides())
def test_a_guide_has_a_title_and_fits_a_terminal(topic: str) -> None:
    guide = guides()[topic]
    assert guide.title
    assert not guide.title.startswith("#")
    assert "](lesson:" not in guide.text  # a link to a lesson is a key in the app, and nothing here
    assert words(topic, 76) == words(topic, 1000)


def test_a_line_in_a_fence_is_no_heading() -> None:
    rows = guide_rows("Text.\n\n## Head\n\n```sh\n# comment\n```\n", 40)
    assert [[(span.text, span.role) for span in spans] for spans in rows] == [
        [("Text.", "")],
        [],
        [("Head", "title")],
        [],
        [("# comment", "code")],
    ]


@pytest.mark.parametrize("words", [["language"], ["language", "--json"], ["help", "language"]])
def test_where_the_language_was_the_guide_of_programs_is_named(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "llm-linalg help programs" in err


def test_an_unknown_topic_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "setings"]) == 2
    assert 'did you mean "settings"' in capsys.readouterr().err
