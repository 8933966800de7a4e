"""The command line: pictures, runs and what is wrong, in one line; streams, the locale, and exit codes."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.lessons import PRODUCT
from tests.common import file_at, known, ours
from tests.conftest import pinned
from tui.cli import frame_command, launch
from tui.cli.command_table import COMMANDS
from tui.cli.main import command, main
from tui.cli.parser import DESCRIPTION
from tui.cli.settings import utf8
from tui.model.usage_error import UsageError

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def product(tmp_path: Path) -> str:
    """The path of a lesson file."""
    path = file_at(tmp_path, "product.md", PRODUCT)
    return str(path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["frame", "matmull"], 'unknown lesson "matmull": did you mean "matmul"?'),
        (["frame", "./nowhere.md"], "no lesson file"),
        (["open", "nowhere.ipynb"], 'no file "nowhere.ipynb"'),
        (["export", "./nowhere.py", "-o", "x.html"], 'no file "./nowhere.py"'),
        (["frame", "matmul", "--set", "q=3"], 'unknown control of matmul "q"'),
        (["frame", "matmul", "--set", "m=99"], "m is a whole number from 1 to 12, not 99"),
        (["frame", "matmul", "--set", "m"], "is not NAME=VALUE"),
        (["frame", "matmul", "--stop", "99"], "matmul has stops 1 to 10"),
        (["frame", "matmul", "--stop", "0"], "there is no stop 0"),
        (["frame", "matmul", "--node", "V"], 'unknown node "V": there is x, W, Y'),
        (["frame", "matmul", "--order", "celsl"], 'did you mean "cells"?'),
        (["frame", "matmul", "--node", "x", "--order", "wave"], 'unknown order of x "wave"'),
        (["frame", "matmul", "--look", "curve"], 'unknown look of Y "curve": there is numbers'),
        (["frame", "matmul", "--look", "pie"], 'unknown look "pie"'),
        (["frame", "matmul", "--step", "13"], "Y has steps 0 to 12 (order cells): there is no step 13"),
        (["frame", "matmul", "--step", "9" * 30], "there is no step 999"),
        (["frame", "matmul", "--step", "-1"], 'unknown step "-1"'),
        (["frame", "matmul", "--step", "lst"], 'did you mean "last"?'),
        (["frame", "matmul", "--size", "80"], "is not a size: columns x rows, such as 80x24"),
        (["frame", "matmul", "--size", "0x5"], "is not a size"),
        (["frame", "matmul", "--format", "jsn"], 'did you mean "json"?'),
        (["frame", "matmul", "--format", "svg", "--step", "all"], "an SVG is one picture"),
        (["frame", "matmul", "--seed", "x"], "is not a whole number"),
        (["frame", "matmul", "--seed", "9" * 30], "is not between"),
        (["frame", "matmul", "--stp", "3"], 'unknown option "--stp": did you mean "--stop"?'),
        (["frame", "matmul", "twice"], 'one too many: "twice"'),
        (["frame"], "LESSON"),
        (["frame", "matmul", "--cursor", "Y(1,2)"], "is not a cell, such as Y[1,2]"),
        (["frame", "matmul", "--cursor", "V[0,0]"], "whose tensors are x, W, Y"),
        (["frame", "scalar", "--depth", "terms"], "is not a sum of terms"),
        (["frame", "matmul", "-o", "/nowhere/at/all"], "cannot write"),
        (["run", "nowhere.py"], 'no file "nowhere.py"'),
        (["trace", "nowhere.py:f", "--format", "plain"], 'no file "nowhere.py"'),
        (["run", "file.py", "-c", "x = 1"], "not both"),
        (["run", "--format", "svg", "-c", "x = 1"], "plain, json"),
        (["lessons", "--frmat", "json"], 'did you mean "--format"?'),
        (["progress", "--reset"], "--reset --yes"),
        (["--speed", "fast"], "steps a second"),
        (["--theme", "drak"], 'did you mean "dark"?'),
        (["matmul", "--thme", "dark"], 'did you mean "--theme"?'),
        (["frame", "mat\x1b[31mmul\u202e"], "unknown lesson"),
        (["frame", "qqqqq"], "unknown lesson \"qqqqq\": 'llm-linalg lessons' lists those there are"),
        (["frame", "matmul", "--cursor", "Y[9,9]"], "there is no cell [9, 9]"),
        (["frame", "shapes", "--stop", "4", "--at", "9"], "0 to 3: there is no slice 9"),
        (["frame", "matmul", "--at", "1"], "has no slices"),
        (["frame", "shapes", "--stop", "4", "--at", "4"], "0 to 3: there is no slice 4"),
        (["frame", "why", "--stop", "5", "--set", "seq_len=2", "--lineage", "logits[2,3]"], "no cell [2, 3]"),
        (["fram", "matmul"], 'a command "frame"'),
        (["fram"], 'a command "frame"'),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(words: list[str], said: str, capsys: Capture) -> None:
    code, out, narration = ours(capsys, *words)
    assert (code, out) == (2, "")
    assert said in narration
    assert narration.count("\n") == 1
    assert narration.removesuffix("\n").isprintable()


def test_lessons_are_listed(capsys: Capture) -> None:
    code, out, narration = ours(capsys, "lessons", "--json")
    assert (code, narration) == (0, "")
    listed = json.loads(out)
    (matmul,) = (entry for entry in listed if entry["slug"] == "matmul")
    assert matmul.keys() == {"slug", "title", "part", "controls", "asks", "exercises"}
    assert (matmul["title"], matmul["part"], matmul["controls"]) == ("Matrix × matrix", 3, ["m", "k", "n"])
    code, out, _ = ours(capsys, "lessons")
    assert code == 0
    assert "  matmul       Matrix × matrix\n" in out


def test_a_frame_is_the_opening_unless_told_otherwise(capsys: Capture) -> None:
    code, out, narration = ours(capsys, "frame", "matmul", "--format", "json")
    assert (code, narration) == (0, "")
    made = json.loads(out)
    assert (made["step"], made["stop"], made["seed"], made["order"]) == (0, 1, 0, "cells")
    assert ours(capsys, "frame", "matmul", "--json") == (0, out, "")


@pytest.mark.parametrize(
    ("word", "steps"), [("first", [1]), ("last", [4]), ("3", [3]), ("0", [0]), ("all", [1, 2, 3, 4])]
)
def test_steps_by_number_and_by_name(word: str, steps: list[int], capsys: Capture) -> None:
    words = ["frame", "matmul", "--set", "m=1", "--format", "json", "--step", word]
    code, out, _ = ours(capsys, *words)
    assert code == 0
    assert [json.loads(line)["step"] for line in out.splitlines()] == steps


def test_a_program_that_fails_is_shown_and_told(product: str, capsys: Capture) -> None:
    code, out, narration = ours(
        capsys, "frame", product, "--code", "x = torch.ones(2)\ny = x @ torch.ones(3)"
    )
    assert code == 1
    assert "ShapeError" in out
    assert narration.startswith("line 2, column 5: ")
    assert "^" in narration


def test_a_frame_in_a_file_is_whole_or_not_there(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "frame.txt"
    assert ours(capsys, "frame", "matmul", "-o", str(path)) == (0, "", "")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("3 Changing words")
    path.chmod(0o640)
    assert main(["frame", "matmul", "--step", "last", "-o", str(path)]) == 0
    assert path.read_text(encoding="utf-8") != text
    assert path.stat().st_mode & 0o777 == 0o640

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    kept = path.read_text(encoding="utf-8")
    monkeypatch.setattr(frame_command, "_texts", broken)
    assert main(["frame", "matmul", "-o", str(path)]) == 130
    assert path.read_text(encoding="utf-8") == kept
    assert [entry.name for entry in tmp_path.iterdir()] == ["frame.txt"]


def test_nothing_is_written_over_what_it_is_made_from(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    part, talk, script = tmp_path / "part.md", tmp_path / "talk.md", tmp_path / "go.steps"
    part.write_text(PRODUCT, encoding="utf-8")
    talk.write_text('+++\ntitle = "T"\nminutes = 3\n+++\n```stops\npart.md\n```\n', encoding="utf-8")
    script.write_text("deck talk.md\nnext\n", encoding="utf-8")
    (tmp_path / "other.md").symlink_to(part)
    kept = {file: file.read_text(encoding="utf-8") for file in (part, talk, script)}
    for words in (
        ["frame", "part.md", "-o", "part.md"],
        ["frame", "part.md", "-o", "other.md"],
        ["frame", "talk.md", "-o", "./part.md"],
        ["frame", "talk.md", "--format", "json", "-o", "talk.md"],
        ["export", "talk.md", "-o", "talk.md"],
        ["export", "talk.md", "-o", "part.md"],
        ["export", "go.steps", "--format", "json", "-o", "go.steps"],
        ["export", "go.steps", "-o", "part.md"],
        ["part.md", "--plain", "--record", "part.md"],
        ["present", "talk.md", "--plain", "--record", "part.md"],
    ):
        code, _, said = ours(capsys, *words)
        assert (code, "it is what is shown: choose another file" in said) == (2, True), (words, said)
    assert {file: file.read_text(encoding="utf-8") for file in kept} == kept
    assert ours(capsys, "frame", "part.md", "-o", "new.md")[0] == 0


def test_run_shows_what_ran_before_a_limit(capsys: Capture) -> None:
    program = "a = torch.ones(2)\nprint(a)\nb = torch.ones(10**6, 10**6)"
    code, out, narration = ours(capsys, "run", "-c", program)
    assert code == 1
    assert "a = ones()" in out
    assert "printed:\ntensor([1., 1.])\n" in out
    assert "line 3" in narration
    assert "1,000,000,000,000 cells" in narration
    code, out, _ = ours(capsys, "run", "--format", "json", "-c", program)
    assert code == 1
    assert [json.loads(line).get("node", {}).get("op") for line in out.splitlines()][:1] == ["ones"]


def test_run_reads_a_file_standard_input_and_a_lesson(
    tmp_path: Path, product: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file_at(tmp_path, "program.txt", "x = torch.randn(2)")
    seeded = [ours(capsys, "run", str(path), "--seed", seed)[1] for seed in ("0", "1", "0")]
    assert seeded[0] == seeded[2] != seeded[1]
    for words in (["run", "-"], ["run"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x = torch.randn(2)")))
        assert ours(capsys, *words) == (0, seeded[0], "")
    path.write_bytes("# coding: latin-1\nprint('caf\xe9')".encode("latin-1"))
    assert ours(capsys, "run", str(path)) == (0, "printed:\ncaf\xe9\n", "")
    code, out, _ = ours(capsys, "run", product, "--format", "json")
    assert code == 0
    *nodes, end = [json.loads(line) for line in out.splitlines()]
    assert [node["node"]["name"] for node in nodes if node["node"]["op"] == "matmul"] == ["Y"]
    assert (end["printed"], end["seed"]) == ("done\n", 3)


@pytest.mark.parametrize(
    "code", ["x = 1 +", "import nowhere", "y = torch.ones(2) @ torch.ones(3)", "x = torch.ones(10**9, 10**9)"]
)
def test_a_program_that_cannot_run_is_told_with_its_place(code: str, capsys: Capture) -> None:
    done, out, narration = ours(capsys, "run", "-c", code)
    assert (done, out) == (1, "")
    assert narration.startswith("line 1, column ")
    assert "^" in narration
    assert len(narration.splitlines()) <= 24


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_parser_of_its_name_and_is_listed(name: str) -> None:
    found = command(name)
    assert found.parser().prog == f"llm-linalg {name}"
    assert callable(found.run)
    assert len(re.findall(rf"^  llm-linalg {name} .*  \w.*", DESCRIPTION, re.MULTILINE)) == 1


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_has_a_line_for_each_flag_and_fits(name: str, capsys: Capture) -> None:
    code, out, _ = ours(capsys, *filter(None, [name]), "--help")
    assert code == 0
    assert [line for line in out.splitlines() if len(line) > 90] == []
    switches = re.findall(r"^  --no-([\w-]+)  +(\S.*)", out, re.MULTILINE)
    for flag, off in switches:
        on = known(re.search(rf"^  --{flag}  +(\S.*)", out, re.MULTILINE))
        assert on[1].removesuffix(" (the default)") != off.removesuffix(" (the default)")


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("notes", {"--play", "--speed", "--stop", "--step"}),
        ("follow", {"--play", "--speed", "--stop", "--step"}),
        ("present", {"--play"}),
        ("trace", {"--set", "--code", "--stop", "--row", "--time-limit"}),
        ("play", {"--set", "--stop", "--row"}),
        ("check", {"--seed"}),
    ],
)
def test_help_leaves_out_what_a_command_does_not_take(name: str, flags: set[str], capsys: Capture) -> None:
    _, out, _ = ours(capsys, name, "--help")
    assert flags.isdisjoint(re.findall(r"--[\w-]+", out))


@pytest.mark.slow
def test_python_m_runs_nothing_of_the_current_folder(tmp_path: Path) -> None:
    """Neither what we import, nor what Python imports for us."""
    for name in ("torch", "textual", "__future__", "argparse", "typing", "markdown_it"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('foreign')\n", encoding="utf-8")
    words = ["-m", "tui", "run", "-c", "x = torch.ones(2)"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "x = ones()" in done.stdout


def test_a_screen_on_which_nothing_fits_is_wrong_usage(capsys: Capture) -> None:
    for form in ("screen", "svg", "ansi"):
        code, out, narration = ours(capsys, "frame", "matmul", "--size", "30x10", "--format", form)
        assert (code, out) == (2, "")
        assert "60x18 characters at least" in narration
    assert ours(capsys, "frame", "matmul", "--size", "30x10")[0] == 0  # text has no such bound


def test_only_a_word_that_is_no_lesson_may_have_meant_a_command(capsys: Capture) -> None:
    assert 'there is also a command "doctor"' in ours(capsys, "doctr")[2]
    code, _, told = ours(capsys, "dot")  # no terminal
    assert (code, "command" in told) == (2, False)


def test_what_another_s_module_says_as_it_ends_is_said(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(_: object) -> int:
        raise SystemExit("torch of \x1b[2Jmine")

    monkeypatch.setattr(command("lessons"), "run", leave)
    assert ours(capsys, "lessons") == (1, "", "llm-linalg: torch of ␛[2Jmine\n")


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_interrupt_ends_it_with_130_whatever_python_makes_of_it(
    wrapped: bool, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> int:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            if wrapped:  # as Python 3.11 does while a class is made
                raise RuntimeError("Error calling __set_name__") from error
            raise

    monkeypatch.setattr(frame_command, "run", interrupted)
    assert main(["frame", "matmul"]) == 130
    assert capsys.readouterr() == ("", "")


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_that_cannot_draw_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Tty())
    monkeypatch.setattr(sys, "stdout", Tty())
    assert all(launch.is_dumb(environment) for environment in ({}, {"TERM": ""}, {"TERM": "dumb"}))
    assert not launch.is_dumb({"TERM": "whatever"})
    launch.check_terminal({"TERM": "xterm-kitty"})
    with pytest.raises(UsageError, match="TEXTUAL_COLOR_SYSTEM is one of"):
        launch.check_terminal({"TERM": "xterm", "TEXTUAL_COLOR_SYSTEM": "many"})
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert not launch.is_dumb({})
    with pytest.raises(UsageError, match="standard input is not a terminal"):
        launch.check_terminal({"TERM": "xterm"})
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input"):
        launch.check_terminal({"TERM": "xterm"})


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LC_ALL": "C.UTF-8"}, True),
        ({"LANG": "de_DE.utf8"}, True),
        ({"LC_ALL": "de_DE.ISO-8859-1", "LANG": "C.UTF-8"}, False),
        ({"LC_ALL": "", "LC_CTYPE": "en_US.UTF-8@euro"}, True),
        ({"LANG": "x.nonsense"}, False),
    ],
)
def test_the_locale_says_whether_there_are_glyphs(environment: dict[str, str], expected: bool) -> None:
    assert utf8(environment) is expected


def process(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tui", *words],
        env=pinned(dict(os.environ)) | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=240,
    )


@pytest.mark.slow
def test_a_frame_takes_nothing_from_the_environment() -> None:
    words = ("frame", "matmul", "--step", "6", "--format", "ansi")
    plain = process(*words)
    other = process(
        *words,
        LC_ALL="C",
        NO_COLOR="1",
        TERM="dumb",
        COLUMNS="33",
        TEXTUAL_THEME="dracula",
        OMP_NUM_THREADS="7",
    )
    assert plain.returncode == other.returncode == 0, other.stderr
    assert plain.stdout == other.stdout
    assert "Y = x @ W" in plain.stdout.decode()


def test_a_reader_that_leaves_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "tui", "lessons"],
        stdin=subprocess.DEVNULL,
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        timeout=240,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", [["lessons"], ["--help"], ["frame", "scalar"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])  # without, Python tries once more at its end
def test_a_full_disk_is_one_line(words: list[str], unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tui", *words],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            check=False,
            timeout=240,
        )
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "llm-linalg: cannot write to standard output: No space left on device"
    ]


HELD = """
import atexit, sys
from llm_linalg.launcher import without_teardown
class Held:
    def __del__(self):
        print("torn down")
held = Held()
held.self = held
def run():
    atexit.register(print, "put away")
    print("ran")
    {ends}
sys.exit(without_teardown(run))
"""


@pytest.mark.parametrize(
    ("ends", "code", "last"),
    [("return 7", 7, []), ("sys.exit(3)", 3, ["torn down"]), ("raise ValueError", 1, ["torn down"])],
)
def test_a_process_that_ended_well_is_not_torn_down(ends: str, code: int, last: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELD.format(ends=ends)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()) == (code, ["ran", "put away", *last])
