"""However a program ends, it ends in time, as a sentence with its line, and hurts nobody else."""

from __future__ import annotations

import time

import pytest

from llm_linalg import LimitError, run
from llm_linalg.base.errors import RoomError
from llm_linalg.room.room_client import Room, room
from llm_linalg.room.room_limits import GRACE, RoomLimits
from tests.room.programs import gone, outcome, printed

pytestmark = pytest.mark.usefixtures("locked")

AFTER = 1.0  # seconds after its time in which each has ended


@pytest.mark.slow
def test_what_ran_before_the_end_stays() -> None:
    before, ending = outcome("print('before')\nimport os\nos._exit(3)")
    assert before == "before\n"
    assert str(ending) == "its process exited at line 3: it ended its own process, with code 3"


def test_a_program_ends_itself_when_its_time_is_up() -> None:
    # CPython 3.11 leaves the jump of a loop on one line out of the `try`.
    source = "try:\n    while True:\n        x = 1\nfinally:\n    print('the end')"
    found = outcome(source, 0.2)
    assert (found.printed, found.ending.kind, found.ending.message) == ("the end\n", "time", "")
    assert found.ending.line in (2, 3)


def test_a_halted_program_ends_at_once() -> None:
    run = room().start({"source": "try:\n    while True:\n        x = 1\nfinally:\n    print('the end')"})
    looks = iter([False] * 5 + [True] * 100)
    assert run.wait(None, lambda: next(looks)).kind == "halted"
    assert printed(run) == ""
    run.close()


@pytest.mark.slow
def test_without_a_clock_processor_time_is_left() -> None:
    ending = outcome("while True: pass", None, RoomLimits(processor=1)).ending
    assert ending == ("time", 1, "it used up its processor time")


def test_a_program_that_is_asked_answers_in_the_state_that_it_left() -> None:
    run = room().start({"source": "x = [1, 2]\n1 / 0"})
    assert run.wait().kind == "failed"
    assert run.ask({"ask": "x + [3]"})[:2] == ["value", [1, 2, 3]]
    word, reason = run.ask({"ask": "y"})
    assert (word, reason) == ("error", "NameError: name 'y' is not defined")
    assert run.alive
    run.close()
    assert not run.alive


def test_a_program_whose_time_was_up_is_asked_as_any_other_is() -> None:
    run = room().start({"source": "import threading\nx = 1\nwhile True: pass"})
    assert run.wait(0.2).kind == "time"
    assert run.ask({"ask": f"threading.Event().wait({2 * GRACE}) or x"})[:2] == ["value", 1]
    run.close()


@pytest.mark.parametrize(
    "text", ["9 ** 9 ** 9", "__import__('time').sleep(100)", "__import__('os')._exit(0)"]
)
def test_an_answer_has_a_clock_of_its_own(text: str) -> None:
    run = room().start({"source": "x = 1"})
    run.wait()
    start = time.monotonic()
    try:
        answer = run.ask({"ask": text}, 0.3)
    except RoomError:
        with pytest.raises(RoomError):
            run.ask({"ask": "x"})
    else:
        assert answer[0] == "error"
        assert "stopped" in answer[1]
        assert run.ask({"ask": "x"})[:2] == ["value", 1]
    assert time.monotonic() - start < 0.3 + GRACE + AFTER
    assert run.ending is not None
    assert run.ending.kind == "done"
    run.close()


@pytest.mark.parametrize(
    "line",
    [
        b"\n", b"[]\n", b"{}\n", b"nonsense\n", b'["end"]\n', b'["end", "other", 1, ""]\n',
        b'["end", "done", 1.5, ""]\n', b'["end", "done", "1", ""]\n', b'["begin", 1]\n', b'["answer"]\n',
        b"[" * 10**5 + b"\n", b"\xff\n", b"x" * 2**21,
    ],
    ids=range(13),
)  # fmt: skip
def test_a_program_that_writes_to_the_pipe_of_answers_is_ended(line: bytes) -> None:
    text = repr(line) if len(line) < 1000 else f"{line[:1]!r} * {len(line) - 1} + {line[-1:]!r}"
    source = f"import os\nfor n in range(3, 9):\n    try: os.write(n, {text})\n    except OSError: pass\n"
    source += "while True: pass"
    run = room().start({"source": source})
    assert run.wait(0.5).kind in ("signal", "time")
    run.close()


def test_what_a_program_forges_is_cleaned_and_bounded() -> None:
    line = b'["end", "failed", 99999999999, "\\u001b[2J' + b"x" * 5000 + b'"]\n'
    source = f"import os\nfor n in range(3, 9):\n    try: os.write(n, {line!r})\n    except OSError: pass"
    run = room().start({"source": source})
    ending = run.wait(1.0)
    assert ending.line is None
    assert len(str(ending)) < 1000
    assert "\x1b" not in str(ending)
    run.close()


@pytest.mark.slow
def test_a_run_that_is_closed_leaves_no_child() -> None:
    own = Room()
    run = own.start({"source": "while True: pass"})
    run.close()
    assert gone(run.process)
    own.close()


@pytest.mark.slow
def test_of_cells_in_a_call_that_does_not_return_the_first_is_stopped_and_none_below_was_run() -> None:
    text = "a = 1\nw = torch.zeros(10**6, 3, 3)\ny = torch.bilinear(w[0], w[1], w, None)\nb = a"
    with pytest.raises(LimitError) as raised:
        run(text, seconds=1, cells=(1, 3, 4))
    cells = raised.value.trace.cells
    assert [(cell.number, cell.state, cell.root) for cell in cells] == [
        (1, "run", None),
        (2, "stopped", None),
        (3, "rests", 2),
    ]
    assert (cells[1].line, cells[1].reason) == (3, raised.value.message)
