"""What runs a program asks nothing of the system: a process of its own counts what an audit hook sees."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.writing import Writer
from tests.thinning import thin

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("many", thin([100, 400, 1_500], 3))
def test_no_file_process_or_connection_for_any_program(many: int) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz.watched", str(many)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert sum(seen["control"].values()) == 1  # the watch does see a file that is opened
    assert seen["events"] == {}
    assert seen["outcomes"].keys() == {"", "ProgramError", "LimitError", "ShapeError", "MissingValueError"}
    assert sum(seen["outcomes"].values()) > many
    assert seen["outcomes"][""] > many / 10


def test_any_bytes_are_a_program_and_always_the_same() -> None:
    for length in range(60):
        data = bytes(7 * place % 256 for place in range(length))
        assert Writer(data).program() == Writer(data).program()
    assert Writer(b"\0x = 1").program() == "x = 1"


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is optional")
def test_the_job_for_atheris_runs(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz", "-runs=500", "-seed=1", str(corpus)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Done 500 runs" in done.stderr
    assert any(corpus.iterdir())
