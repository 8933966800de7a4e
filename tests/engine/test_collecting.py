"""While a program runs, old objects are not gone through for garbage; afterwards they are again."""

from __future__ import annotations

import gc
from threading import Barrier, Thread

import pytest
import torch

from llm_linalg import ProgramError, run, trace
from llm_linalg.collecting import old_objects_kept


def test_old_objects_are_kept_while_it_is_open_and_no_longer() -> None:
    with old_objects_kept():
        assert gc.get_freeze_count()
        with old_objects_kept():
            assert gc.get_freeze_count()
        assert gc.get_freeze_count()
    assert not gc.get_freeze_count()


def test_a_run_leaves_nothing_frozen_also_if_it_fails() -> None:
    run("x = torch.ones(2)")
    trace(torch.relu, torch.ones(2))
    with pytest.raises(ProgramError):
        run("x = torch.ones(2) @ torch.ones(3)")
    assert not gc.get_freeze_count()


def test_what_somebody_else_froze_stays_so() -> None:
    gc.freeze()
    try:
        run("x = torch.ones(2)")
        assert gc.get_freeze_count()
    finally:
        gc.unfreeze()


def test_the_last_of_several_threads_ends_it() -> None:
    both = Barrier(2)

    def one() -> None:
        with old_objects_kept():
            both.wait()
            assert gc.get_freeze_count()
            both.wait()

    thread = Thread(target=one)
    thread.start()
    with old_objects_kept():
        both.wait()
        both.wait()
    thread.join()
    assert not gc.get_freeze_count()
