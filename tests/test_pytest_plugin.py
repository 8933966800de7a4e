"""The pytest plugin, as other people's tests meet it: in a pytest of its own, in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest

from tests.conftest import pinned
from tests.test_readme import GUIDES, LESSONS, ROOT, fences

MODULE = "llm_linalg.pytest_plugin"


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest in a folder, with no other plugin unless `environment` says so."""
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": MODULE}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *words],
        cwd=folder,
        env=pinned(dict(os.environ)) | alone | {"PYTHONPATH": str(ROOT)} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def write(folder: Path, test: str) -> Path:
    file = folder / "test_lessons.py"
    file.write_text(test, encoding="utf-8")
    return file


@pytest.mark.slow
def test_the_readmes_example(tmp_path: Path) -> None:
    (example,) = [text for text in fences("python", GUIDES["testing"]) if "linalg_frames" in text]
    write(tmp_path, example)
    markdown = fences("markdown", LESSONS)
    lesson, deck = markdown[0], next(text for text in markdown if "```stops" in text)
    (tmp_path / "scores.md").write_text(lesson, encoding="utf-8")
    (tmp_path / "talk.md").write_text(deck, encoding="utf-8")

    done = run(tmp_path, "--update-frames")
    assert done.returncode == 0, done.stdout
    assert "frames written" in done.stdout
    stored = sorted(str(file.relative_to(tmp_path / "frames")) for file in tmp_path.glob("frames/*/*"))
    assert stored == [
        "test_lessons-test_program/program-last.txt",
        "test_lessons-test_scores/scores-1-all-d-8.jsonl",
        "test_lessons-test_scores/scores-1.txt",
        "test_lessons-test_scores/scores-2.txt",
        *(f"test_lessons-test_talk/talk-{number}.svg" for number in range(1, 5)),
    ]
    frames = (tmp_path / "frames" / stored[1]).read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["controls"]["d"] for line in frames} == {8}

    (tmp_path / "scores.md").write_text(lesson.replace("Q @ K.T", "2 * Q @ K.T"), encoding="utf-8")
    (tmp_path / "talk.md").write_text(deck.replace("every other one", "no other one"), encoding="utf-8")
    done = run(tmp_path)
    assert done.returncode == 1
    assert "1 passed" in done.stdout
    told = done.stdout
    assert "scores.md, stop 1: the frame is not the one stored as frames/" in told
    assert "\n-> 3  S = Q @ K.T\n+> 3  S = 2 * Q @ K.T\n" in told
    assert "\n-Q (3, 4)\n-  1.5410  -0.2934  -2.1788   0.5684\n" in told
    assert re.search(r"^-[ \w]* Every token asks every other one\.$", told, re.MULTILINE)
    assert re.search(r"^\+[ \w]* Every token asks no other one\.$", told, re.MULTILINE)
    assert "<svg" not in told
    assert max(len(line) for line in told.splitlines()) <= 200


STOP = "## {0}\n\n```python\n{0} = torch.ones(2)\n```\n\n"
TALK = '+++\ntitle = "T"\nminutes = 5\n+++\n' + STOP.format("a") + STOP.format("b")
MAP = '+++\ntitle = "T"\n+++\n```python map\nY = torch.ones(2, 3) @ torch.ones(3, 4)\n```\n'
COMPARISONS = """
from pathlib import Path

def test_json(linalg_frames):
    linalg_frames.check_program("x = torch.ones(2, 2)\\nY = x @ x", format="json", name="a")

def test_talk(linalg_frames):
    linalg_frames.check(Path("talk.md"), format="plain")
    linalg_frames.check("talk.md", format="json")

def test_map(linalg_frames):
    linalg_frames.check("map.md")
"""


@pytest.mark.slow
def test_what_changed_is_told_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "talk.md").write_text(TALK, encoding="utf-8")
    (tmp_path / "map.md").write_text(MAP, encoding="utf-8")
    write(tmp_path, COMPARISONS)
    assert run(tmp_path, "--update-frames").returncode == 0
    (file,) = tmp_path.glob("frames/test_lessons-test_map/*")
    assert "map: all" in file.read_text(encoding="utf-8")  # what opens on the map is stored as the map

    write(tmp_path, COMPARISONS.replace("ones(2, 2)", "eye(2) * 3.0"))
    (tmp_path / "talk.md").write_text(TALK + STOP.format("c"), encoding="utf-8")
    told = run(tmp_path).stdout
    assert "2 failed, 1 passed" in told

    assert "\n-output.values[0]: [2.0, 2.0]\n-output.values[1]: [2.0, 2.0]\n" in told
    assert "\n+output.values[0]: [9.0, 0.0]\n+output.values[1]: [0.0, 9.0]\n" in told
    assert "\n-code: x = torch.ones(2, 2)\n+code: x = torch.eye(2) * 3.0\n" in told

    assert "talk.md, stop 3: no frame is stored as frames/test_lessons-test_talk/talk-3.txt" in told
    assert "If this is meant: pytest --update-frames" in told
    assert "talk.md, stop 1" not in told  # a stop more leaves the frames of the others
    assert "talk.md, stop 2" not in told


FAILURES = {
    'check("scores.md")': "no lesson file",
    'check("matmul", stop=99)': "there is no stop 99",
    'check("matmul", controls={"q": 1})': 'unknown control of matmul "q"',
    'check_program("x = torch.ones(2, 3)\\nx @ x")': "program, line 2, column 1: matmul",
}


@pytest.mark.slow
def test_what_cannot_be_made_is_said_without_a_traceback(tmp_path: Path) -> None:
    calls = [
        f"def test_{number}(linalg_frames):\n    linalg_frames.{call}\n"
        for number, call in enumerate(FAILURES)
    ]
    write(tmp_path, "".join(calls))
    told = run(tmp_path).stdout
    assert "4 failed" in told
    for number, said in enumerate(FAILURES.values()):
        _, _, below = told.partition(f"_ test_{number} _")
        assert said in below.partition("_ test_")[0]
    assert "Traceback" not in told
    assert "another exception" not in told
    assert not (tmp_path / "frames").exists()


KILL = """
import pytest

def test_a_worker_that_died(linalg_frames):
    linalg_frames.check("matmul", stop=1)
    process = linalg_frames._worker._process
    linalg_frames.check("linear", stop=1)
    assert linalg_frames._worker._process is process
    process.kill()
    with pytest.raises(pytest.fail.Exception, match="no frames could be made"):
        linalg_frames.check("matmul", stop=1)
    linalg_frames.check("matmul", stop=1)
    assert linalg_frames._worker._process is not process
"""


@pytest.mark.slow
def test_one_process_makes_all_frames_unless_it_dies(tmp_path: Path) -> None:
    write(tmp_path, KILL)
    done = run(tmp_path, "--update-frames")
    assert done.returncode == 0, done.stdout


PROBE = """
import sys

OURS = ("torch", "textual", "rich", "tui", "llm_linalg")

def loaded():
    return {name for name in sys.modules if name.partition(".")[0] in OURS}

def test_nothing_was_imported():
    assert loaded() == {"llm_linalg", "llm_linalg.pytest_plugin"}

def test_nothing_large_was_imported_for_the_fixture(linalg_frames):
    linalg_frames.check("matmul", stop=1)
    assert {name.partition(".")[0] for name in loaded()} == {"llm_linalg"}
"""


@pytest.mark.slow
def test_tests_of_others_import_nothing_of_it(tmp_path: Path) -> None:
    write(tmp_path, PROBE)
    done = run(tmp_path, "--update-frames", "-W", "error", "--strict-config", "--strict-markers")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_without_pytest_the_program_works(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['pytest'] = None; from tui.cli.main import main; sys.exit(main(['lessons']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


OWN_TESTS = """
import tests.tui, textual, tui
from llm_linalg.pytest_plugin import LinalgFrames

def test_theirs():
    assert {tui.NAME, tests.tui.NAME, textual.NAME} == {"their own"}

def test_stop(linalg_frames: LinalgFrames) -> None:
    linalg_frames.check("matmul", stop=1)

def test_program(linalg_frames: LinalgFrames) -> None:
    linalg_frames.check_program("Y = torch.ones(2, 2)")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with names of its own for all that the app is made of."""
    for name in ("tui", "tests", "tests/tui"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text('NAME = "their own"\n', encoding="utf-8")
    for name in ("textual", "rich", "markdown_it", "tests/textual"):
        (tmp_path / f"{name}.py").write_text('NAME = "their own"\n', encoding="utf-8")
    (tmp_path / "conftest.py").write_text("import tui\nassert tui.NAME == 'their own'\n", encoding="utf-8")
    write(tmp_path / "tests", OWN_TESTS)
    return tmp_path


@pytest.mark.slow
def test_a_project_may_have_modules_of_the_same_names(project: Path) -> None:
    path = os.pathsep.join([".", str(project), str(ROOT)])
    done = run(project, "--update-frames", "-p", "xdist", "-n", "2", PYTHONPATH=path)
    assert done.returncode == 0, done.stdout
    written = [
        project / "tests/frames/test_lessons-test_program/program-last.txt",
        project / "tests/frames/test_lessons-test_stop/matmul-1.txt",
    ]
    assert listed(done.stdout, "frames written") == written


def test_the_command_starts_the_app_where_a_project_has_one_of_its_name(project: Path) -> None:
    (project / "textual.py").unlink()  # whoever has that in PYTHONPATH has no textual
    # As an installer writes it.
    script = "import sys; from llm_linalg.launcher import command; sys.exit(command())"
    for path in (str(ROOT), os.pathsep.join([".", str(ROOT)])):
        done = subprocess.run(
            [sys.executable, "-c", script, "--version"], cwd=project, env=os.environ | {"PYTHONPATH": path},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout[:10], done.stderr) == (0, "llm-linalg", "")
    script = f"import tui; {script}"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "the app is a package called tui, and another one is in use: " in done.stderr.splitlines()[-1]


SEVERAL = """
import pytest
from llm_linalg.pytest_plugin import LinalgFrames

@pytest.mark.parametrize("code", ["torch.ones(2, 2)", "torch.eye(2)"])
def test_code(linalg_frames: LinalgFrames, code: str) -> None:
    linalg_frames.check_program(f"Y = {code}")

def test_size(linalg_frames: LinalgFrames) -> None:
    linalg_frames.check("matmul", stop=1, size=SIZE)

def test_idle(linalg_frames: LinalgFrames) -> None:
    pass
"""


@pytest.mark.slow
def test_unused_frames_are_said_and_left_alone(tmp_path: Path) -> None:
    write(tmp_path, SEVERAL.replace("SIZE", '"100x30"'))
    frames = tmp_path / "frames"
    unused = [frames / "test_lessons-test_gone/a-1.txt", frames / "test_lessons-test_size/matmul-2.svg"]
    others = [
        frames / "notes-test/a.txt", frames / "test_lessons-more-test_a/a.txt",
        frames / "test_lessons-test_size/README.md", tmp_path / "__snapshots__/a.txt",
    ]  # fmt: skip
    for file in [*unused, *others]:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("as it was", encoding="utf-8")
    (tmp_path / "test_lessons-more.py").write_text("def test_a(): pass\n", encoding="utf-8")

    done = run(tmp_path, "--update-frames", "-p", "xdist", "-n", "2")
    assert done.returncode == 0, done.stdout
    written = [
        frames / "test_lessons-test_code-torch.eye-2/program-last.txt",
        frames / "test_lessons-test_code-torch.ones-2-2/program-last.txt",
        frames / "test_lessons-test_size/matmul-1-100-30.txt",
    ]
    assert listed(done.stdout, "frames written") == written
    assert listed(done.stdout, "frames unused") == unused

    write(tmp_path, SEVERAL.replace("SIZE", "(100, 30)"))
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert listed(done.stdout, "frames written") == []
    assert listed(done.stdout, "frames unused") == unused
    for words in [("-k", "idle"), ("test_lessons.py::test_idle",)]:
        assert listed(run(tmp_path, *words).stdout, "frames unused") == []  # what else is used isn't known
    assert {file.read_text(encoding="utf-8") for file in [*unused, *others]} == {"as it was"}


def listed(told: str, title: str) -> list[Path]:
    """Returns the files in a section of the summary."""
    _, _, below = told.partition(f" {title} =")
    return [Path(line) for line in takewhile(lambda line: line.startswith("/"), below.splitlines()[1:])]


RIGHTS = """
def test_program(linalg_frames):
    linalg_frames.check_program('x = torch.ones(2) + 1')

def test_course(linalg_frames):
    linalg_frames.check('matmul', stop=1)
"""


@pytest.mark.slow
def test_without_a_lock_the_option_says_with_whose_rights_programs_run(tmp_path: Path) -> None:
    write(tmp_path, RIGHTS)
    hidden = {"LLM_LINALG_HIDDEN_CALLS": "landlock_create_ruleset"}
    done = run(tmp_path, "--update-frames", **hidden)
    assert "1 failed, 1 passed" in done.stdout
    assert "--linalg-trust runs it with your rights" in done.stdout
    assert run(tmp_path, "--update-frames", "--linalg-trust", **hidden).returncode == 0
    assert run(tmp_path, "-k", "program", **hidden, LLM_LINALG_TRUST="1").returncode == 0
    write(tmp_path, "def test_option(linalg_frames):\n    assert linalg_frames._worker._trusts\n")
    assert run(tmp_path, "-o", "linalg_trust=true").returncode == 0
    assert run(tmp_path).returncode == 1
