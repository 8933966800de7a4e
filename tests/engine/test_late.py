"""What a tensor's value makes explode is refused soon after: what came before is an honest program's."""

from __future__ import annotations

import pytest

from llm_linalg import OpenEndedError, run
from llm_linalg.language.allowance import ROOM
from llm_linalg.language.pace import SUDDEN, Going
from tests.engine.doing import budgets, done
from tests.engine.late import LATE


@pytest.mark.parametrize("name", LATE)
def test_it_does_little_more_than_the_honest_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    run(LATE[name].replace("HUGE", "1"))
    with pytest.raises(OpenEndedError):
        run(LATE[name].replace("HUGE", "5000"))
    honest, late = made
    assert done(late) <= max(done(honest), ROOM) + 2 * ROOM // 3


def test_how_much_a_turn_may_do_until_it_is_unlike_the_others() -> None:
    going = Going(None, closely=True)
    for turn in range(1, 6):
        going.turn = turn
        going.begins(10_000 * turn)
    assert going.until_sudden(50_000) == 4 * 10_000
    assert not going.sudden(90_000)
    assert going.sudden(90_001)
    short = Going(None, closely=True)
    short.turn = 3
    short.begins(7)
    assert short.until_sudden(7) == SUDDEN
