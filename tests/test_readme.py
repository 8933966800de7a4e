"""The README's promises, kept by running what it shows."""

from __future__ import annotations

import argparse
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

from llm_linalg.lessons.check import problems
from llm_linalg.lessons.deck import load as load_deck
from llm_linalg.lessons.reader import load
from tui.cli.main import main
from tui.cli.settings import SETTINGS, resolve
from tui.export.formats import FORMATS
from tui.session.decks import check_views

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^(`{3,})(\w+)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"^!\[.*\]\((.*\.svg)\)\n<!-- made by: llm-linalg (.*) -->$", re.MULTILINE)


GUIDES = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "tui" / "help").glob("*.md"))
}
LESSONS = (ROOT / "llm_linalg" / "lessons" / "README.md").read_text(encoding="utf-8")
LARGEST = 9_000  # bytes of a README that is read to its end
HEADLESS = ("lessons", "frame", "run", "config", "doctor", "help", "completion", "check")


def fences(language: str, text: str = README) -> list[str]:
    """Returns the text of a document's fences in a language."""
    return [inner for _, found, inner in FENCE.findall(text) if found == language]


def lesson_example(words: str) -> str:
    """Returns the one example in the guide to lessons that has these words."""
    [example] = [inner for inner in fences("markdown", LESSONS) if words in inner]
    return example


def headless() -> list[list[str]]:
    """Returns the arguments of each `llm-linalg` command that a document shows and needs no terminal."""
    shown = [
        line
        for text in (README, *GUIDES.values())
        for part in fences("sh", text)
        for line in part.splitlines()
    ]
    commands = [shlex.split(line, comments=True)[1:] for line in shown if line.startswith("llm-linalg ")]
    return [words for words in commands if words[0] in HEADLESS and not {">", "|"} & set(words)]


def examples() -> list[str]:
    """Returns each Python example that stands alone."""
    found = [example for text in (README, *GUIDES.values()) for example in fences("python", text)]
    return [example for example in found if "from llm_linalg import" in example]


def python(*arguments: str, cwd: Path = ROOT, quiet: bool = True) -> str:
    """Returns what a Python process prints; it must end well and, if `quiet`, say nothing else."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, quiet and done.stderr) in ((0, ""), (0, False)), done.stderr
    return done.stdout


def shown(words: Sequence[str], quiet: bool = True) -> str:
    """Returns what `llm-linalg` prints; it must end well and, if `quiet`, say nothing else."""
    out, narration = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(narration):
        code = main(words)
    assert (code, quiet and narration.getvalue()) in ((0, ""), (0, False)), narration.getvalue()
    return out.getvalue()


def test_its_pictures_are_what_the_tool_draws_now() -> None:
    pictures = PICTURE.findall(README)
    assert len(pictures) == README.count("![") == 2
    for file, command in pictures:
        assert shown(shlex.split(command)) == (ROOT / file).read_text(encoding="utf-8"), command
        screen = (ROOT / file).with_suffix(".txt").read_text(encoding="utf-8")
        assert shown([*shlex.split(command), "--format", "screen"]) == screen, command


def test_a_package_has_them_as_text_in_its_description() -> None:
    text = ProjectMetadata(str(ROOT), PluginManager()).core.readme
    assert "![" not in text
    assert text.count("──────┬──────") == 2
    assert text.startswith(README.split("![")[0])
    assert text.endswith(README.rpartition("-->")[2])


def test_it_shows_commands_without_a_terminal() -> None:
    assert {words[0] for words in headless()} >= {"lessons", "frame", "run", "config", "doctor"}


@pytest.mark.parametrize("words", headless(), ids=" ".join)
def test_each_command_that_needs_no_terminal_works(words: list[str], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("x = torch.ones(2)\n", encoding="utf-8")
    assert shown([str(program) if word == program.name else word for word in words]).strip()


def test_the_python_example_works() -> None:
    (example,) = [text for text in fences("python") if "from llm_linalg import" in text]
    printed = python("-c", example).splitlines()
    assert printed[0] == "matmul (3, 4) rule"
    assert printed[2].startswith("12 ")


@pytest.mark.parametrize("example", examples(), ids=lambda text: text.split("\n")[2])
def test_each_python_example_that_stands_alone_works(example: str) -> None:
    python("-c", example)


def test_the_lesson_example_is_a_lesson_that_runs(tmp_path: Path) -> None:
    example = fences("markdown", LESSONS)[0]
    path = tmp_path / "scores.md"
    path.write_text(example, encoding="utf-8")
    lesson = load(path)
    assert [stop.show for stop in lesson.stops] == ["S", "A"]
    for stop in lesson.stops:
        assert shown(["frame", str(path), "--stop", str(stop.number)]).strip()


def test_the_board_example_is_a_board(tmp_path: Path) -> None:
    board = fences("markdown", LESSONS)[1]
    program = "x, y = torch.ones(2), torch.ones(3)\nshare = y.mean()"
    path = tmp_path / "map.md"
    path.write_text(
        f'+++\ntitle = "Map"\n+++\nText.\n\n```python\n{program}\n```\n\n{board}\n', encoding="utf-8"
    )
    assert problems(load(path)) == ()
    assert "matrix × matrix" in shown(["frame", str(path)])


def test_the_example_of_claims_holds(tmp_path: Path) -> None:
    file = tmp_path / "ones.md"
    file.write_text(f'+++\ntitle = "Ones"\n+++\nText.\n\n{lesson_example("expect: ")}', encoding="utf-8")
    assert load(file).stops[0].expects[0] == (9, "Y.shape == (3, 4)")
    assert shown(["check", str(file)], quiet=False) == ""
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("(3, 4)\n", "(4, 3)\n", 1), encoding="utf-8")
    assert [problem.line for problem in problems(load(file))] == [9]


def test_the_deck_example_is_a_deck(tmp_path: Path) -> None:
    file = tmp_path / "talk.md"
    file.write_text(lesson_example("minutes = 10"), encoding="utf-8")
    deck = check_views(load_deck(file))
    assert [stop.title for stop in deck.stops] == [
        "Who attends to whom",
        *["The scores"] * 2,
        "And with numbers",
    ]
    assert "step 3 of" in shown(["frame", str(file), "--stop", "3"])
    assert shown(["check", str(file)], quiet=False) == ""


def test_the_settings_example_is_a_file_of_settings(tmp_path: Path) -> None:
    (example,) = fences("toml", GUIDES["settings"])
    (tmp_path / "llm-linalg").mkdir()
    file = tmp_path / "llm-linalg" / "config.toml"
    file.write_text(example, encoding="utf-8")
    settings = resolve(argparse.Namespace(), {"XDG_CONFIG_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"})
    assert (settings.values.theme, settings.values.speed, settings.values.lesson) == ("light", 8.0, "matmul")
    assert {key.id: key.keys for key in settings.keys if key.id in settings.key_sources} == {
        "stop.next": "pagedown,full_stop",
        "stop.previous": "pageup,comma",
    }
    assert all(setting.name in example for setting in SETTINGS)


def test_it_is_short() -> None:
    assert len(README.encode()) <= LARGEST


def test_what_it_links_to_exists() -> None:
    for file in ROOT.glob("**/*.md"):
        if {".git", ".venv", "curriculum"} & {*file.relative_to(ROOT).parts}:
            continue
        text = FENCE.sub("", file.read_text(encoding="utf-8"))
        targets = re.findall(r"\]\(([^):#]+)\)", re.sub(r"`[^`]*`", "", text))
        assert [target for target in targets if not (file.parent / target).exists()] == [], file


def test_each_format_of_an_export_is_in_the_guides_list() -> None:
    listed = re.findall(r"^- `(\w+)`(?: \((.*)\))?: (.+)$", GUIDES["export"], re.MULTILINE)
    formats = [(name, tuple(re.findall(r"`([^`]+)`", ends)), says) for name, ends, says in listed]
    assert formats == [(one.name, one.suffixes, one.help) for one in FORMATS]
