"""The session without a screen: what TERM=dumb gets, and what a pipe of commands does."""

from __future__ import annotations

import subprocess
import sys

import pytest

from llm_linalg.lessons.reader import catalog, find
from tests.terminal.console import Console, environment
from tests.thinning import thin
from tui.model.view import View
from tui.plain_prompt import PlainPrompt
from tui.session.script.script_words import WORDS


@pytest.mark.parametrize("term", thin(["dumb", "", None], 3))
@pytest.mark.slow
def test_a_terminal_that_cannot_draw_gets_text_and_not_one_escape(term: str | None) -> None:
    with Console("matmul", env={"TERM": term}, size=(100, 200)) as console:
        console.until("step 0 of 12").until("> ")
        console.send("next\n")
        console.until("step 1 of 12").until("Y[0,0] = 1.5410·0.4033")
        console.send("quit\n")
        assert console.wait() == 0
        assert b"\x1b" not in console.raw
        assert console.left_over == []


def piped(*words: str, said: bytes, **changed: str | None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tui", *words],
        env=environment(**changed),
        input=said,
        capture_output=True,
        check=False,
        timeout=240,
    )


@pytest.mark.slow
def test_a_pipe_of_commands_scripts_it() -> None:
    said = b"order rows\nset n 5\nseed 3\nnext\ncell 0 4\nquit\nnext\n"
    done = piped("matmul", "--plain", said=said, TERM=None)
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\x1b" not in done.stdout
    assert "step 1 of 3, order rows" in text
    assert "m = 3, k = 2, n = 5, seed 3" in text
    assert "cursor: Y[0,4] = " in text
    assert "> \n" not in text  # nobody sits there to be prompted


@pytest.mark.slow
def test_a_line_is_one_however_long_and_however_it_ends() -> None:
    done = piped(
        "matmul", "--plain", said=b"x" * 40_000 + b"\nnext\r\n" + b"x" * 80_000 + b"next\norder rows"
    )
    text = done.stdout.decode()
    assert (done.returncode, text.count("unknown word")) == (1, 2)
    assert "step 1 of 3, order rows" in text


@pytest.mark.slow
def test_without_utf8_it_is_ascii() -> None:
    done = piped("matmul", "--plain", said=b"next\nhelp\n", LC_ALL="C")
    assert done.stdout.isascii()
    assert b"(3, 2) @ (2, 4) -> (3, 4)" in done.stdout


def spoken(slug: str, *lines: str) -> tuple[PlainPrompt, str]:
    texts: list[str] = []
    plain = PlainPrompt(View.opening(find(slug)), catalog(), texts.append)
    for line in lines:
        texts.clear()
        plain.hear(line)
    return plain, "".join(texts)


SAID = {
    "step": "step 3", "order": "order outer", "set": "set n 4", "seed": "seed 7", "cell": "cell 1 1",
    "stop": "stop 2", "lesson": "lesson shapes", "repair": "repair 1", "row": "row 1",
}  # fmt: skip


@pytest.mark.parametrize("word", [word.name for word in WORDS])
def test_every_word_does_something_somewhere_and_breaks_nothing_anywhere(word: str) -> None:
    line = SAID.get(word, word)
    for slug in ("why", "shapes"):
        plain, text = spoken(slug, line)
        assert "\x1b" not in text
        assert word == "quit" or text.strip()
        assert plain.session.current is not None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["", ""], "step 2 of 12"),
        (["next", "into"], "step 1 of 24, order terms"),
        (["last", "cell 0 0", "right", "down"], "cursor: Y[1,1] = "),
        (["stop 2", "undo"], "stop 1 of 10"),
        (["lesson transpose"], "Transpose"),
        (["command"], "llm-linalg matmul"),
        (["code"], "import torch"),
        (["lessons"], "matmul"),
        (["help"], "quit"),
        (["play"], "step 12 of 12: Y[2,3] ="),
    ],
)
def test_words_are_the_keys(lines: list[str], expected: str) -> None:
    assert expected in spoken("matmul", *lines)[1]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bogus", "unknown word"),
        ("cell 9 9", "no such cell"),
        ("cell x y", "which cell?"),
        ("lesson ./nope.md", "no lesson file"),
        ("seed 99999999999999999999", "between"),
        ("repair", "nothing here needs a repair"),
        ("\x1b]52;c;aGk=\x07", "unknown word"),
    ],
)
def test_what_cannot_be_is_one_line(line: str, said: str) -> None:
    plain, text = spoken("matmul", line)
    assert said in text
    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert plain.missed == 1


def test_the_next_token_is_a_word() -> None:
    plain, text = spoken("sampling", "stop 7", "append", "append text", "undo")
    assert dict(plain.session.view.controls)["text"].count(",") == 2
    assert "text = the,cat,saw" in text
    assert "none in this lesson" in spoken("matmul", "append")[1]
