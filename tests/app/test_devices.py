"""A program on real local processes: the same as in one process, and none is left whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from threading import Timer
from typing import Any

import pytest
from llm_linalg.api.device_process import available

from llm_linalg import run
from llm_linalg.lessons.reader import find
from tests.app.driving import opened
from tui.cli.main import main
from tui.model import device_processes
from tui.model.device_processes import DeviceProcesses, DevicesError, job_of, verdict
from tui.model.view import View

needs_gloo = pytest.mark.skipif(not available(), reason="this torch has no torch.distributed with gloo")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started."""
    found: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*args: Any, **kwargs: Any) -> subprocess.Popen[bytes]:
        found.append(popen(*args, **kwargs))
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return found


def over(started: list[subprocess.Popen[bytes]], count: int) -> bool:
    return len(started) == count and all(process.returncode is not None for process in started)


def job(source: str, ranks: int = 2) -> dict[str, Any]:
    return {"source": source, "seed": 0, "names": {}, "ranks": ranks}


@needs_gloo
def test_two_processes_make_what_one_makes(started: list[subprocess.Popen[bytes]]) -> None:
    view = View.opening(find("parallel"), 7).set("rank", "1")
    trace = view.lesson.run(7, {"rank": 1})
    text, same = verdict(DeviceProcesses(job_of(view)).run(), trace)
    assert same, text
    assert text.startswith("2 processes, gloo: all ")
    assert "equal to the one process's" in text
    assert over(started, 2)
    assert started[0].pid != started[1].pid


@pytest.mark.slow
@needs_gloo
def test_three_processes_and_every_kind_of_exchange(started: list[subprocess.Popen[bytes]]) -> None:
    source = (
        "x = torch.randn(4) * (rank + 1)\ny = dist.all_reduce(x)\nz = torch.stack(dist.all_gather(y * rank))"
    )
    found = DeviceProcesses(job(source, 3)).run()
    text, same = verdict(found, run(source, ranks=3))
    assert same, text
    assert over(started, 3)
    text, same = verdict(found, run(source.replace("y * rank", "y * (rank + 1)"), ranks=3))
    assert not same
    assert "z of device 0 is another" in text


@pytest.mark.slow
@needs_gloo
def test_gradients_are_those_of_the_own_part(started: list[subprocess.Popen[bytes]]) -> None:
    source = (
        "x = torch.ones(2, requires_grad=True)\ny = dist.all_reduce(x * (rank + 1))\n"
        "z = torch.stack(dist.all_gather(x * 3))\n(y.sum() + z.sum()).backward()\ng = x.grad * 1"
    )
    trace = run(source, ranks=2)
    assert [one["g"].value.tolist() for one in trace.ranks] == [[4, 4], [5, 5]]
    text, same = verdict(DeviceProcesses(job(source)).run(), trace)
    assert same, text
    assert over(started, 2)


@needs_gloo
def test_a_program_that_fails_says_where(started: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(DevicesError, match="on device 0: "):
        DeviceProcesses(job("x = torch.ones(2) @ torch.ones(3)")).run()
    assert over(started, 2)


@needs_gloo
def test_complex_numbers_come_back_as_well() -> None:
    program = "x = torch.complex(torch.ones(2), torch.full((2,), rank + 1.0))\ny = x * x"
    assert verdict(DeviceProcesses(job(program)).run(), run(program, ranks=2))[1]


WAITS = "x = torch.ones(2)\nif rank == 0:\n    x = dist.all_reduce(x)"


@needs_gloo
def test_they_are_ended_when_they_take_too_long(started: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(DevicesError, match="longer than 0 s"):
        DeviceProcesses(job(WAITS), patience=0.0).run()
    assert over(started, 2)


@needs_gloo
def test_they_are_ended_when_nobody_waits_any_more(started: list[subprocess.Popen[bytes]]) -> None:
    running = DeviceProcesses(job(WAITS))
    timer = Timer(0.3, running.stop)
    timer.start()
    with pytest.raises(DevicesError, match="stopped"):
        running.run()
    timer.join()
    assert over(started, 2)


@pytest.mark.slow
@needs_gloo
def test_one_that_dies_ends_the_others(
    started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_processes, "LOOPBACK", "no-such-interface")
    with pytest.raises(DevicesError, match=r"the process of device \d failed"):
        DeviceProcesses(job("y = dist.all_reduce(torch.ones(2))")).run()
    assert over(started, 2)


def test_a_device_ends_with_whoever_started_it(tmp_path: Any) -> None:
    """Nobody writes a job, so it would fail later: its input is closed at once."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", "import llm_linalg.api.device_process as r; r._end_with_the_input()"],
        stdin=reading,
    )
    os.close(reading)
    assert process.poll() is None
    os.close(writing)
    assert process.wait(240) == 3


def test_without_gloo_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
    started: list[subprocess.Popen[bytes]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("llm_linalg.api.device_process.available", lambda: False)
    with pytest.raises(DevicesError, match=r"no torch\.distributed with gloo"):
        DeviceProcesses(job("x = torch.ones(2)")).run()
    assert main(["run", "--ranks", "2", "-c", "y = dist.all_reduce(torch.ones(2) * (rank + 1))"]) == 0
    said = capsys.readouterr()
    assert "all 3" in said.out
    assert "no torch.distributed with gloo" in said.err
    assert started == []


@pytest.mark.slow
@needs_gloo
def test_the_command_runs_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--ranks", "2", "-c", "y = dist.all_reduce(torch.ones(2) * (rank + 1))"]) == 0
    said = capsys.readouterr()
    assert "all 3" in said.out
    assert "are equal to the one process's" in said.err
    assert main(["run", "--ranks", "99", "-c", "x = 1"]) == 2
    assert "number of devices" in capsys.readouterr().err


@needs_gloo
async def test_a_key_runs_them_and_the_app_goes_on(started: list[subprocess.Popen[bytes]]) -> None:
    async with opened("parallel") as d:
        await d.press("D")
        assert started == []  # opening a lesson starts nothing, and this stop is of one device
        for _ in range(6):
            await d.press("full_stop")
        assert started == []
        await d.press("D")
        await d.press("right", "right")  # not held up
        assert d.view.step == 2
        await d.app.workers.wait_for_complete()
        await d.settle()
        assert "2 processes, gloo: all " in d.screen
        assert over(started, 2)


@pytest.mark.slow
@needs_gloo
async def test_leaving_ends_them(started: list[subprocess.Popen[bytes]]) -> None:
    async with opened("parallel") as d:
        for _ in range(6):
            await d.press("full_stop")
        await d.press("D")
    assert [process.wait(240) != 0 for process in started] == [True] * len(started)
