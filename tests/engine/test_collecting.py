"""While a program runs, old objects are seldom gone through for garbage; what runs made is collected."""

from __future__ import annotations

import gc
from threading import Barrier, Thread
from typing import TYPE_CHECKING
from weakref import ref

import pytest
import torch

from llm_linalg import ProgramError, run, trace
from llm_linalg.collecting import SELDOM, old_objects_kept

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL = (700, 10, 10)
MEANWHILE = (700, 10, SELDOM)


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*USUAL)
    yield
    gc.set_threshold(*before)


pytestmark = pytest.mark.skipif(gc.get_threshold()[2] == 0, reason="collects all in increments")


def test_old_objects_are_kept_while_it_is_open_and_no_longer() -> None:
    with old_objects_kept():
        assert gc.get_threshold() == MEANWHILE
        with old_objects_kept():
            assert gc.get_threshold() == MEANWHILE
        assert gc.get_threshold() == MEANWHILE
    assert gc.get_threshold() == USUAL


def test_a_run_leaves_everything_as_it_was_also_if_it_fails() -> None:
    run("x = torch.ones(2)")
    trace(torch.relu, torch.ones(2))
    with pytest.raises(ProgramError):
        run("x = torch.ones(2) @ torch.ones(3)")
    assert gc.get_threshold() == USUAL


def test_what_somebody_else_says_meanwhile_stays_so() -> None:
    with old_objects_kept():
        gc.set_threshold(5000, 20, 30)
    assert gc.get_threshold() == (5000, 20, 30)


def test_the_last_of_several_threads_ends_it() -> None:
    both = Barrier(2)

    def one() -> None:
        with old_objects_kept():
            both.wait()
            assert gc.get_threshold() == MEANWHILE
            both.wait()

    thread = Thread(target=one)
    thread.start()
    with old_objects_kept():
        both.wait()
        both.wait()
    thread.join()
    assert gc.get_threshold() == USUAL


def test_traces_that_nobody_holds_are_collected_however_small_the_runs() -> None:
    program = "x = torch.ones(2)\n" + "x = x + 1\n" * 20
    made = []
    for _ in range(100):
        latest = run(program)  # as in the app, the trace before is there until this one is
        made.append(ref(latest.nodes[-1].value))
    assert sum(found() is not None for found in made) < len(made) // 2
