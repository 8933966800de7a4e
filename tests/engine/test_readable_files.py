"""Text beside a document: readable once it was allowed, and nothing else ever."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from llm_linalg.language import readable_files

from llm_linalg import LimitError, ProgramError, run


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with text in it, and a secret beside it."""
    inside = tmp_path / "inside"
    (inside / "data").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (inside / "names.txt").write_text("emma\r\nolivia\nava", encoding="utf-8")
    (inside / "data" / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (inside / ".env.txt").write_text("secret", encoding="utf-8")
    (inside / "tool.sh").write_text("secret", encoding="utf-8")
    (inside / "link.txt").symlink_to(tmp_path / "secret.txt")
    (inside / "up").symlink_to(tmp_path)
    (inside / "hidden.txt").symlink_to(inside / ".env.txt")
    (inside / "tool.txt").symlink_to(inside / "tool.sh")
    (inside / "large.txt").write_text("x" * (readable_files.MOST_BYTES + 1), encoding="utf-8")
    os.mkfifo(inside / "pipe.txt")
    readable_files.allow(inside)
    yield inside
    readable_files.forbid()


def test_a_program_reads_text_as_in_python(folder: Path) -> None:
    program = """
words = open('names.txt', 'r', encoding='utf-8').read().splitlines()
print(words, len(open("names.txt").readlines()))
with open('data/table.csv') as f:
    head = f.readline()
    for line in f:
        print(head.strip(), line.split(","), f.name)
print(repr(f.read()), list(open('names.txt')), [line for line in open('names.txt')][1])
f.close()
"""
    assert run(program, seconds=None).printed == (
        "['emma', 'olivia', 'ava'] 3\na,b ['1', '2\\n'] data/table.csv\n"
        "'' ['emma\\n', 'olivia\\n', 'ava'] olivia\n\n"
    )
    assert readable_files.files_read() == {"names.txt": 16, "data/table.csv": 8}
    assert folder.is_dir()


def test_a_long_text_is_encoded_at_once(folder: Path) -> None:
    text = "to be, or not to be\n" * 50_000
    (folder / "play.txt").write_text(text, encoding="utf-8")
    program = """
text = open("play.txt").read()
chars = sorted(list(set(text)))
codes = {c: i for i, c in enumerate(chars)}
data = torch.tensor([codes[c] for c in text])
print(chars, len(data), data[:19].tolist(), int(data.sum()))
"""
    chars = sorted(set(text))
    codes = [chars.index(c) for c in text[:20]]
    looks = count()
    made = run(program, seconds=None, halt=lambda: next(looks) < 0)
    assert made.printed == f"{chars} {len(text)} {codes[:19]} {50_000 * sum(codes)}\n"
    assert next(looks) < 100  # a character at a time, there are thirty thousand


def test_of_a_text_that_is_too_long_no_list_is_made_a_tensor(folder: Path) -> None:
    (folder / "play.txt").write_text("ab" * 700_000, encoding="utf-8")
    program = 'codes = {"a": 1, "b": 2}\ntorch.tensor([codes[c] for c in open("play.txt").read()])'
    with pytest.raises(LimitError, match="more than 1,250,000 items"):
        run(program, seconds=None)


def test_a_line_ends_where_python_ends_it(folder: Path) -> None:
    (folder / "odd.txt").write_text("a\x0cb\u2028c\x1cd\ne", encoding="utf-8")
    with (folder / "odd.txt").open(encoding="utf-8") as file:
        assert run("print(list(open('odd.txt')))", seconds=None).printed == f"{list(file)}\n"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt", "up/secret.txt", "link.txt", ".env.txt", "data/../../secret.txt", "/etc/hostname",
        "tool.sh", "names", "", "pipe.txt", "data", "large.txt", "nothing.txt", "x" * 300 + ".txt", "~/a.txt",
        "names.txt\\0", "./.env.txt", "hidden.txt", "tool.txt", "data/table.csv/x.txt",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("folder")
def test_nothing_else_is_read(name: str) -> None:
    with pytest.raises((ProgramError, LimitError)) as caught:
        run(f"print(open('{name}').read())", seconds=None)
    assert caught.value.trace is None or "secret" not in caught.value.trace.printed
    assert readable_files.files_read() == {}


@pytest.mark.parametrize(
    "call",
    [
        "open('names.txt', 'w')",
        "open('names.txt', 'r+')",
        "open('names.txt', 'rb')",
        "open('names.txt', opener=print)",
        "open(3)",
        "open('names.txt').write('x')",
        "open('names.txt').buffer",
        "open('names.txt').lines",
        "open('names.txt').__class__.__init__",
        "for i in range(10 ** 9): open('names.txt')",
    ],
)
def test_files_are_read_and_nothing_more(call: str, folder: Path) -> None:
    with pytest.raises((ProgramError, LimitError)):
        run(call, seconds=None)
    assert (folder / "names.txt").read_bytes() == b"emma\r\nolivia\nava"


def test_a_program_names_files_that_it_could_be_let_read(folder: Path) -> None:
    text = """open('names.txt'); open("data/table.csv"); open('none.txt'); f'{x}names.txt'
    '../secret.txt' 'link.txt' ".env.txt" 'tool.sh' 'up/secret.txt' 'pipe.txt' 'data' names.txt"""
    assert readable_files.files_named(text, folder) == ("data/table.csv", "names.txt")


def test_of_files_that_are_named_one_reads_those_and_no_other(folder: Path) -> None:
    readable_files.forbid()
    (folder / "other.txt").write_text("other", encoding="utf-8")
    with readable_files.allowing(folder, ["names.txt"]):
        assert run("print(open('names.txt').readline())").printed == "emma\n\n"
        assert run("print(open('./names.txt').readline())").printed == "emma\n\n"
        for name in ("other.txt", "data/table.csv", "../secret.txt"):
            with pytest.raises(ProgramError):
                run(f"open('{name}')")
        assert not readable_files.allows_all()
    with pytest.raises(ProgramError, match="--read"):
        run("open('names.txt')")
    with readable_files.allowing(folder, []), pytest.raises(ProgramError, match="--read"):
        run("open('names.txt')")


def test_without_a_word_nothing_is_read() -> None:
    with pytest.raises(ProgramError, match="--read"):
        run("open('names.txt')")
