"""Foreign text in every field, through every way out but a terminal: it is shown, and never obeyed."""

from __future__ import annotations

import io
import json
import re
from html import unescape
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from llm_linalg.base.text import clean, clean_lines, escape_json
from llm_linalg.lessons.markdown import inert
from tests.app.talks import started
from tests.common import file_at
from tests.terminal.evil import ALL, BRACKETS, EVIL, HIDDEN, LINE, deck, notebook, questions
from tui.audience.protocol import deck_message, lesson_message, show_message
from tui.cli.main import main
from tui.cli.notes_command import _notes_text
from tui.model.broadcast import Broadcast
from tui.panes.notes_pane import NotesContent, notes_rows
from tui.plain_prompt import PlainPrompt
from tui.screens.follower import talk_of
from tui.screens.palette import stop_entries
from tui.session.presentation.stage_moves import require_talk
from tui.session.script.running import ensure_run
from tui.text.glyphs import UNICODE
from tui.text.rows import clean_row

Capture = pytest.CaptureFixture[str]
OURS = re.compile(r"\x1b\[[\d;]*m")  # of `frame --format ansi`


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose own name is foreign text, with a deck, a notebook, a Python file and a program."""
    made = tmp_path_factory.mktemp("evil") / "f[foo]\x1b[31m\u202e\x9b"
    made.mkdir()
    (made / "deck[foo]\x1b]0;t\x07.md").write_text(deck(ALL), encoding="utf-8")
    (made / "book\x1b[2J[foo].ipynb").write_text(notebook(ALL), encoding="utf-8")
    code = f"x = torch.ones(2)  # {BRACKETS}\nprint({ALL!r})\ny = x + 1\n"
    (made / "cells\x9b[foo].py").write_text(f"# %% [markdown]\n# {ALL}\n# %%\n{code}", encoding="utf-8")
    (made / "program[foo].txt").write_text(code, encoding="utf-8")
    (made / "broken[foo]\x1b[2J.md").write_text(f"+++\ntitle = 'a{ALL}'\n+++\n{ALL}", encoding="utf-8")
    return made


def hidden(text: str) -> list[str]:
    return HIDDEN.findall(OURS.sub("", text))


def test_the_deck_opens_everywhere(folder: Path) -> None:
    talk = require_talk(started(next(folder.glob("deck*"))))
    assert [stop.at.slide for stop in talk.deck.stops] == [True, False, False, False]
    assert all(LINE.split()[1] in stop.title for stop in talk.deck.stops)


@pytest.mark.parametrize("form", ["plain", "json", "screen", "svg", "ansi"])
def test_frames(folder: Path, capsys: Capture, form: str) -> None:
    for words in (["deck*", "--stop", "2"], ["book*"], ["cells*"], ["deck*", "--stop", "4"]):
        file = str(next(folder.glob(words[0])))
        if form in ("plain", "json") or words == ["deck*", "--stop", "2"]:
            main(["frame", file, *words[1:], "--step", "last", "--format", form])
            out, err = capsys.readouterr()
            assert hidden(out + err) == []
            assert "[/foo]" in unescape(out)


@pytest.mark.parametrize("form", ["html", "markdown", "json", "cast"])
def test_exports(folder: Path, capsys: Capture, form: str) -> None:
    for name in ("deck*", "book*", "cells*"):
        main(["export", str(next(folder.glob(name))), "--format", form, "--step", "last"])
        out, err = capsys.readouterr()
        assert hidden(out + err) == []
        assert form == "cast" or "[@click=app.quit]x" in unescape(out).replace("\\", "")
        assert form != "html" or "<b>&lt;" not in out
        assert form != "markdown" or inert(out) == out
        if form in ("json", "cast"):
            assert all(json.loads(line) for line in (out.splitlines() if form == "cast" else [out]))


@pytest.mark.parametrize("form", ["svg", "animation", "html", "markdown"])
def test_an_export_of_what_is_no_character_is_well_formed(form: str, tmp_path: Path) -> None:
    odd = "".join(map(chr, (*range(32), *range(127, 160), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x2028, 0x202E)))
    book, made = (
        file_at(tmp_path, "odd.ipynb", notebook(f"a{odd}]]>&#0;</title><script>b")),
        tmp_path / "made",
    )
    main(["export", str(book), "--format", form, "--step", "last", "-o", str(made)])
    text = made.read_text(encoding="utf-8")
    assert hidden(text) == []
    assert not re.search("[\0-\x08\ud800-\udfff\ufffe\uffff\u2028]", text)
    assert form == "markdown" or "<script>b" not in text
    if form in ("svg", "animation"):
        assert "␀" in "".join(fromstring(text).itertext())  # noqa: S314 - our own


@pytest.mark.parametrize("form", ["plain", "json"])
def test_runs_and_checks(folder: Path, capsys: Capture, form: str) -> None:
    for name in ("book*", "cells*", "program*", "deck*"):
        main(["run", str(next(folder.glob(name))), "--format", form])
        out, err = capsys.readouterr()
        assert hidden(out + err) == []
        if form == "json" and name == "program*":
            assert json.loads(out.splitlines()[-1])["printed"] == f"{ALL}\n"
    for name in ("deck*", "broken*", "nowhere"):
        main(["check", str(next(folder.glob(name), folder / "nowhere\x1b[2J")), "--format", form])
        out, err = capsys.readouterr()
        assert hidden(out + err) == []


def test_the_plain_session_of_a_talk(folder: Path) -> None:
    file = next(folder.glob("deck*"))
    session = started(file)
    texts: list[str] = []
    plain = PlainPrompt(session.view, session.lessons, texts.append, talk=require_talk(session))
    plain.show()
    for line in (
        "notes",
        "lessons",
        "help",
        "command",
        "code",
        "next",
        "next",
        "code",
        "map",
        ALL,
        f"stop {ALL}",
    ):
        plain.hear(line)
    text = "".join(texts)
    assert hidden(text) == []
    assert text.count("[@click=app.quit]x[/]") > 20
    assert "\x1b" not in text


@pytest.mark.slow
def test_what_asks(folder: Path, capsys: Capture) -> None:
    """Guesses, their choices and verdicts, exercises, hints, named mistakes, labels in every look."""
    file = file_at(folder, "asks[foo]\x9b.md", questions(ALL))
    looks = (("1", "bars"), ("1", "symbols"), ("2", "numbers"))
    commands = [
        *(
            ["frame", str(file), "--stop", stop, "--look", look, "--step", "last", "--format", form]
            for stop, look in looks
            for form in ("plain", "json", "ansi")
        ),
        *(["export", str(file), "--format", form, "--step", "last"] for form in ("markdown", "html")),
        *(["answer", str(file), answer] for answer in ("3 * P", "2 * P", ALL, f"P @ {BRACKETS}")),
        ["frame", str(file), "--guess", "2", "--format", "plain"],
        ["practice", ALL],
        ["frame", str(file), "--look", ALL],
    ]
    for words in commands:
        main(words)
        out, err = capsys.readouterr()
        assert hidden(out + err) == []
        assert out + err
    main(["answer", str(file), "3 * P"])
    assert f"Not yet: three {LINE[:20]}" in capsys.readouterr().out
    texts: list[str] = []
    plain = PlainPrompt(started(file).view, started(file).lessons, texts.append)
    plain.show()
    for line in (
        f"guess {ALL}",
        "guess 2",
        "stop 2",
        "hint",
        "answer 3 * P",
        f"answer {ALL}",
        "hint",
        "hint",
    ):
        plain.hear(line)
    told = "".join(texts)
    assert hidden(told) == []
    assert "\x1b" not in told
    assert "hint [/foo] [@click=app.quit]x[/]" in told


def test_what_followers_are_sent_and_show(folder: Path) -> None:
    session = started(next(folder.glob("deck*")))
    talk = require_talk(session)
    lines = [
        deck_message(talk.deck),
        lesson_message(talk.deck, talk.stop.lesson),
        show_message(session, "notes", 0.0),
    ]
    sent = {kind: value for line in lines for kind, value in line.items()}
    sent = {**sent, "show": {**sent["show"], "fault": ALL, "next": ALL, "notes": ALL}}  # type: ignore[dict-item]
    sent = {**sent, "deck": {**sent["deck"], "title": ALL, "stops": [[ALL, 1.0]] * 4}}  # type: ignore[dict-item]
    now = Broadcast(**sent)  # type: ignore[arg-type]
    assert hidden(_notes_text(now)) == []
    rows = [clean_row(row) for row in notes_rows(NotesContent(now, 3.0, ALL), 80, 40, UNICODE)]
    assert hidden("\n".join(span.text for row in rows for span in row)) == []
    seen, view = talk_of(now, talk.stop.lesson)
    assert hidden("\n".join([seen.deck.title, *(stop.title for stop in seen.deck.stops)])) == []
    texts: list[str] = []
    shown = ensure_run(session.at_stop(view, seen))
    PlainPrompt(view, [view.lesson], texts.append, talk=seen).show()
    assert hidden("".join(texts)) == []
    assert [hidden(entry.name + entry.about) for entry in stop_entries(require_talk(shown))] == [[]] * 4


def test_clean_text_stays_clean_and_json_the_same() -> None:
    for evil in (*EVIL, ALL, LINE, BRACKETS):
        for made in (clean(evil, None), clean_lines(evil)):
            assert clean_lines(made) == made
            assert hidden(made) == []
        escaped = escape_json(json.dumps({"a": evil}, ensure_ascii=False))
        assert hidden(escaped) == []
        assert json.loads(escaped) == {"a": evil}
    assert clean(BRACKETS) == BRACKETS


def test_a_crash_is_told_in_clean_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.terminal import crash_log

    err = io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    crash_log.report(ValueError(ALL), Path(ALL))
    assert hidden(err.getvalue()) == []
