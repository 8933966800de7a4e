"""Lessons as files: what is read, and the line and the reason of what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.text import clean
from llm_linalg.lessons import documents, files
from llm_linalg.lessons import reader as lessons
from llm_linalg.lessons.lesson import Lesson, LessonError, UnknownNameError
from llm_linalg.lessons.reader import catalog, find, load, parse

EXAMPLE = """\
+++
title = "Triangular masks"
part = 5
order = 2
seed = 3
format = 1
[controls.kind]
choices = ["triu", "tril"]
default = "triu"
key = "t"
sets = { triu = { diagonal = 1 }, tril = { diagonal = 0 } }
[controls.diagonal]
range = [-4, 4]
default = 1
label = "offset"
[controls.scale]
range = [0, 1.5]
default = 1
[controls.entries]
default = [1.0, 2.0, 3.0]
+++
## The mask hides
One sentence,
over two lines.

And another paragraph, with [a link](lesson:matmul).

```python show="mask" order="rows" steps="1-5"
ones = torch.ones(5, 5)
mask = torch.triu(ones, diagonal)
```

## What fails
It breaks.

```python fails
bad = ones @ torch.ones(4)
```

## And goes on

~~~python show="total, mask"
total = mask.sum()
~~~
A last word.
"""


def lesson() -> Lesson:
    return parse(EXAMPLE, "folder/masks.md")


def refused(text: str) -> LessonError:
    with pytest.raises(LessonError) as info:
        parse(text, "x.md")
    assert str(info.value) == f"x.md:{info.value.line}: {info.value.reason}"
    return info.value


def test_the_front_matter_is_read() -> None:
    read = lesson()
    assert (read.slug, read.title, read.part, read.order, read.seed) == ("masks", "Triangular masks", 5, 2, 3)
    assert read.part_title == "Useful matrices"
    assert [(control.name, control.kind, control.label) for control in read.controls] == [
        ("kind", "choice", "kind"),
        ("diagonal", "int", "offset"),
        ("scale", "float", "scale"),
        ("entries", "list", "entries"),
    ]
    assert read.values() == {"kind": "triu", "diagonal": 1, "scale": 1.0, "entries": (1.0, 2.0, 3.0)}
    assert isinstance(read.values()["scale"], float)


def test_stops_are_fences_with_the_prose_before_them() -> None:
    first, fails, third, last = lesson().stops
    assert first.title == "The mask hides"
    assert first.prose == (
        "One sentence, over two lines.\n\nAnd another paragraph, with [a link](lesson:matmul)."
    )
    assert (first.show, first.order, first.steps, first.fails) == ("mask", "rows", (1, 5), False)
    assert fails.fails
    assert fails.program == f"{first.program}\nbad = ones @ torch.ones(4)"
    # What fails can't be continued: the next program leaves it out.
    assert third.program == f"{first.program}\ntotal = mask.sum()"
    assert (third.show, third.beside) == ("total", ("mask",))
    assert (last.title, last.prose, last.code) == ("And goes on", "A last word.", "")
    assert (last.slide, last.program) == (True, "")


@pytest.mark.parametrize("read", [lesson(), *catalog()], ids=lambda read: read.slug)
def test_a_programs_line_is_found_in_the_file(read: Lesson) -> None:
    text = EXAMPLE if read.slug == "masks" else Path(str(read.path)).read_text(encoding="utf-8")
    lines = text.split("\n")
    for stop in read.stops:
        for number, line in enumerate(stop.program.split("\n") if stop.program else (), 1):
            assert lines[read.line_of(stop, number) - 1].removeprefix("with: ") == line


def test_prose_alone_has_no_program_and_an_empty_fence_is_the_same_program() -> None:
    only = parse('+++\ntitle = "T"\n+++\nJust words.\n', "x.md")
    assert [(stop.prose, stop.program, stop.title) for stop in only.stops] == [("Just words.", "", "T")]
    again = parse(
        '+++\ntitle = "T"\n+++\n```python\nx = 1\n```\n```python order="wave"\n```\n```text\nno\n```\n', "x"
    )
    assert [stop.program for stop in again.stops] == ["x = 1", "x = 1", ""]
    assert again.stops[2].prose == "```text\nno\n```"


def test_windows_line_ends_and_a_mark_in_front_make_no_difference() -> None:
    assert parse("\ufeff" + EXAMPLE.replace("\n", "\r\n"), "folder/masks.md") == lesson()


FRONT = EXAMPLE.split("\n").index("+++", 1)


@pytest.mark.parametrize("place", range(1, FRONT + 1))
def test_an_unknown_key_is_found_wherever_it_stands(place: int) -> None:
    lines = EXAMPLE.split("\n")
    error = refused("\n".join([*lines[:place], "defualt = 1", *lines[place:]]))
    assert error.line == place + 1
    assert error.reason.startswith('unknown key "defualt"')
    assert place <= 6 or 'did you mean "default"?' in error.reason


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('title = "Triangular masks"', "title = ", "TOML"),
        ('title = "Triangular masks"', "title = 3", "title is a text"),
        ('title = "Triangular masks"', 'title = "a\\u001bb"', "can't have U+001B (character 2)"),
        ("part = 5", 'part = "5"', "part is a whole number from 0 to 99"),
        ("seed = 3", "seed = -1", "seed is a whole number from 0"),
        ("format = 1", "format = 2", "this program reads format 1"),
        ("[controls.diagonal]", "[controls.lambda]", '"lambda" means something else'),
        ("[controls.diagonal]", "[controls.2n]", '"2n" is no identifier'),
        ("[controls.scale]", "[contrls.scale]", 'did you mean "controls"?'),
        ('choices = ["triu", "tril"]', 'choices = ["1", 1]', "read the same"),
        ('default = "triu"', 'default = "triuu"', 'did you mean "triu"?'),
        ('key = "t"', 'key = "q"', "a key is one of a d e"),
        ("range = [-4, 4]", "range = [4, -4]", "the smaller one first"),
        ("range = [-4, 4]", "range = [0, 4]\nstep = 0", "a step is a number above 0"),
        ("default = [1.0, 2.0, 3.0]", 'default = [1, "b"]', 'takes numbers, not "b"'),
        ("tril = { diagonal = 0 }", "tril = { diagnal = 0 }", 'did you mean "diagonal"?'),
        ("triu = { diagonal = 1 }", "triu = { diagonal = 2 }", "something else than its default"),
        ("## The mask hides", "##  ", "a heading is 1 to 80 characters"),
        ("## The mask hides", "## Empty\n## The mask hides", "nothing stands below"),
        ("```python fails", "```pyhton fails", 'says python, not "pyhton"'),
        ("```python fails", "```python fail", 'did you mean "fails"?'),
        ("```python fails", '```python ="Y"', "info string"),
        ("```python fails", '```python order="colums"', 'did you mean "columns"?'),
        ("```python fails", '```python steps="5-1"', "counts from 1"),
        ('~~~python show="total, mask"', '~~~~python show="total, mask"', "never closed"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, reason: str) -> None:
    text = EXAMPLE.replace(old, new, 1)
    assert text != EXAMPLE
    error = refused(text)
    assert reason in error.reason
    old_line = EXAMPLE[: EXAMPLE.index(old)].count("\n") + 1
    # A default is to blame for standing outside its range, and the table for the rest.
    assert old_line <= error.line <= old_line + 1 + new.count("\n")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "begins with its front matter"),
        ("---\ntitle: x\n---\n", 1, "TOML between two +++ lines"),
        ('+++\ntitle = "x"\n', 1, "never closed"),
        ("+++\npart = 1\n+++\nHi.", 1, "needs a title"),
        ('+++\ntitle = "x"\n+++\n\n', 4, "needs a stop"),
        ('+++\ntitle = "x"\ntitle = "y"\n+++\nHi.', 3, "TOML"),
        (f'+++\ntitle = "x"\nx = {"[" * 5000}\n+++\nHi.', 1, ""),
        ("+++\n" + "#\n" * 301 + "+++\nHi.", 1, "longer than 300 lines"),
        ('+++\ntitle = "x"\ncontrols = 3\n+++\nHi.', 3, "a table of tables"),
        ('+++\ntitle = "x"\n+++\n' + "```python\nx = 1\n```\n" * 101, 304, "more than 100 programs"),
    ],
)
def test_files_that_are_no_lessons(text: str, line: int, reason: str) -> None:
    error = refused(text)
    assert reason in error.reason
    assert error.line == line or not reason


PIECES = [
    *EXAMPLE.splitlines(keepends=True),
    *("+++\n", "```\n", "```python ", "=", '"', "[", "\x1b", "é", "\n"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text())
def test_any_text_is_a_lesson_or_an_error_with_a_line(text: str) -> None:
    for whole in (text, '+++\ntitle = "x"\n' + text, '+++\ntitle = "x"\n+++\n' + text):
        error = None
        try:
            assert parse(whole, "x.md").stops
        except LessonError as caught:
            error = caught
        assert error is None or 1 <= error.line <= whole.count("\n") + 1
        assert clean(str(error)) == str(error)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def reason(path: Path) -> tuple[int, str]:
        with pytest.raises(LessonError) as info:
            load(path)
        if path.suffix:
            with pytest.raises(LessonError) as opened:  # the app's way to a file
                documents.read(path)
            assert str(opened.value) == str(info.value)
        return info.value.line, info.value.reason

    pipe = tmp_path / "pipe.md"
    os.mkfifo(pipe)
    wrong, large = tmp_path / "wrong.md", tmp_path / "large.md"
    wrong.write_bytes(b"+++\ntitle = 'x'\n\xff")
    large.write_bytes(EXAMPLE.encode() + b"\n" * files.LONGEST_FILE)
    assert reason(tmp_path / "none.md") == (1, "no such file or directory")
    assert reason(tmp_path) == (1, "not a file")
    assert reason(pipe) == (1, "not a file")
    assert reason(wrong) == (3, "not UTF-8 text")
    assert "not a lesson" in reason(large)[1]
    assert reason(Path("a\0b"))[1] == "not a path"
    good = tmp_path / "masks.md"
    good.write_text(EXAMPLE, encoding="utf-8")
    assert load(good).stops == lesson().stops


def test_a_broken_file_leaves_the_catalog_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "lessons"
    folder.mkdir()
    for name, front in [("b", "part = 1\norder = 2"), ("a", "part = 1"), ("c", "part = 0"), ("d", "prt = 1")]:
        (folder / f"{name}.md").write_text(f'+++\ntitle = "T"\n{front}\n+++\nHi.\n', encoding="utf-8")
    (folder / "notes.txt").write_text("no lesson", encoding="utf-8")
    monkeypatch.setattr(files, "FOLDER", tmp_path / "lessons")
    lessons.shelf.cache_clear()
    lessons._built_in.cache_clear()
    try:
        assert [read.slug for read in catalog()] == ["c", "b", "a"]  # without an order, last in its part
        assert [(error.line, 'did you mean "part"?' in error.reason) for error in lessons.problems()] == [
            (3, True)
        ]
        with pytest.raises(LessonError):
            find("d")
    finally:
        lessons.shelf.cache_clear()
        lessons._built_in.cache_clear()


def test_unknown_names_are_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match='"matmull": did you mean "matmul"'):
        find("matmull")
    with pytest.raises(UnknownNameError, match='"knd": did you mean "kind"'):
        lesson().control("knd")
    with pytest.raises(UnknownNameError, match="has stops 1 to 4: there is no stop 9"):
        lesson().stop(9)
    assert find("matmul").slug == "matmul"
    assert lesson().stop(2).number == 2
