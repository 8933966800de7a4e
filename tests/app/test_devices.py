"""A program on several locked processes: the same as in one process, or why not."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest

from llm_linalg import Trace, run
from llm_linalg.lessons.reader import find
from llm_linalg.room.tier import tier
from tests.app.driving import LONGEST, opened
from tui.cli.main import main
from tui.model.device_processes import DeviceProcesses, DevicesError, job_of, verdict
from tui.model.view import View

pytestmark = pytest.mark.skipif(tier().lock is None, reason="this machine has no lock")


def job(source: str, ranks: int = 2) -> dict[str, Any]:
    return {"source": source, "seed": 0, "names": {}, "ranks": ranks}


def test_two_processes_make_what_one_makes() -> None:
    view = View.opening(find("parallel"), 7).set("rank", "1")
    trace = view.lesson.run(7, {"rank": 1})
    text, same = verdict(DeviceProcesses(job_of(view)).run(), trace)
    assert same, text
    assert text.startswith("2 processes: all ")
    assert "equal to the one process's" in text


def test_three_processes_and_every_kind_of_exchange() -> None:
    source = (
        "x = torch.randn(4) * (rank + 1)\ny = dist.all_reduce(x)\nz = torch.stack(dist.all_gather(y * rank))"
    )
    found = DeviceProcesses(job(source, 3)).run()
    text, same = verdict(found, run(source, ranks=3))
    assert same, text
    text, same = verdict(found, run(source.replace("y * rank", "y * (rank + 1)"), ranks=3))
    assert not same
    assert "of device 0 is another" in text


def test_gradients_are_those_of_the_own_part() -> None:
    source = (
        "x = torch.ones(2, requires_grad=True)\ny = dist.all_reduce(x * (rank + 1))\n"
        "z = torch.stack(dist.all_gather(x * 3))\n(y.sum() + z.sum()).backward()\ng = x.grad * 1"
    )
    trace = run(source, ranks=2)
    assert [one["g"].value.tolist() for one in trace.ranks] == [[4, 4], [5, 5]]
    text, same = verdict(DeviceProcesses(job(source)).run(), trace)
    assert same, text


def test_complex_numbers_come_back_as_well() -> None:
    program = "x = torch.complex(torch.ones(2), torch.full((2,), rank + 1.0))\ny = x * x"
    assert verdict(DeviceProcesses(job(program)).run(), run(program, ranks=2))[1]


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(DevicesError, match="be paired up"):
        DeviceProcesses(job("x = torch.ones(2) @ torch.ones(3)")).run()


ENDLESS = "while True:\n    x = dist.all_reduce(torch.ones(2))"


def test_they_are_ended_when_they_take_too_long_or_nobody_waits_any_more() -> None:
    with pytest.raises(DevicesError, match="longer than 0 s"):
        DeviceProcesses(job(ENDLESS), patience=0.0).run()
    left = DeviceProcesses(job(ENDLESS))
    left.stop()
    with pytest.raises(DevicesError, match="stopped"):
        left.run()


def test_the_command_runs_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--ranks", "2", "-c", "y = dist.all_reduce(torch.ones(2) * (rank + 1))"]) == 0
    assert "all 3" in capsys.readouterr().out
    assert main(["run", "--ranks", "99", "-c", "x = 1"]) == 2
    assert "number of devices" in capsys.readouterr().err


@pytest.mark.slow
async def test_a_key_runs_them_and_the_app_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    keys_pressed, run = Event(), DeviceProcesses.run

    def run_later(processes: DeviceProcesses) -> tuple[Trace, ...]:
        assert keys_pressed.wait(LONGEST)
        return run(processes)

    monkeypatch.setattr(DeviceProcesses, "run", run_later)
    async with opened("parallel") as d:
        await d.press("D")
        assert "processes" not in d.screen  # this stop is of one device
        for _ in range(6):
            await d.press("full_stop")
        await d.press("D")
        await d.press("right", "right")  # not held up
        assert d.view.step == 2
        keys_pressed.set()
        await d.app.workers.wait_for_complete()
        await d.settle()
        assert "2 processes: all " in d.screen


async def test_the_app_ends_while_they_run() -> None:
    async with opened("parallel", stop=7) as d:
        await d.press("D")
