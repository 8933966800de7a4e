"""The same bytes on another processor: one without AVX, emulated by QEMU where that is installed."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EMULATOR = shutil.which("qemu-x86_64")
PROGRAM = "x = torch.randn(64, 300)\nprint((x @ x.T)[0].tolist(), x.exp().std(0).tolist())"  # every digit
PROCESSOR = "Nehalem"  # of 2008: SSE 4.2 and nothing later

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        EMULATOR is None or (platform.system(), platform.machine()) != ("Linux", "x86_64"),
        reason="qemu-x86_64 is optional, and emulates Linux",
    ),
]


def printed(*before: str, words: tuple[str, ...]) -> bytes:
    """Returns what `llm-linalg` prints, run by what stands before it."""
    argv = [*before, sys.executable, "-m", "tui", *words]
    return subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    "words",
    [
        ("frame", "matmul", "--set", "m=8", "--set", "k=12", "--step", "last", "--format", "json"),
        ("frame", "why", "--set", "d_model=64", "--set", "seq_len=16", "--format", "json"),
        ("frame", "attention", "--stop", "4", "--step", "last", "--format", "svg"),
        ("run", "-c", PROGRAM),
    ],
    ids=lambda words: words[1],
)  # fmt: skip
def test_another_processor_prints_the_same(words: tuple[str, ...]) -> None:
    here = printed(words=words)
    assert here
    assert printed(str(EMULATOR), "-cpu", PROCESSOR, words=words) == here
