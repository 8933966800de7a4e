"""What a program writes to, or looks up, at many places at once: counted by the cells that it means."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import LimitError, ProgramError, front, run
from llm_linalg.language.budget import Budget

KEYS = st.sampled_from(
    [
        "k",
        "k[:, None], k",
        ":, k",
        "..., k",
        "k, 0",
        "None, k",
        "k[None], :, k",
        "x > 1",
        "x[:, 0] > -1",
        "0",
        "k, ::2",
    ]
)


def spent(program: str) -> int:
    """Return how many cells a program's calls ask for."""
    made: list[Budget] = []

    def noted(**bounds: object) -> Budget:
        made.append(Budget(**bounds))  # type: ignore[arg-type]
        return made[-1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(front, "Budget", noted)
        run(program)
    return Budget().total - made[0].total


@given(KEYS, st.integers(0, 40), st.lists(st.integers(1, 5), min_size=3, max_size=3))
def test_a_write_asks_for_each_cell_that_it_writes(key: str, count: int, sizes: list[int]) -> None:
    before = f"x = torch.zeros{(*sizes,)}\nk = torch.zeros({count}, dtype=torch.int64)\nk + 1\n"
    x, k = torch.zeros(sizes), torch.zeros(count, dtype=torch.int64)
    written = eval(f"x[{key}]", {"x": x, "k": k}).numel()  # noqa: S307  one of the keys above
    assert spent(f"{before}x[{key}] = 1") - spent(before) >= written


def test_a_write_of_too_many_is_refused_whatever_the_tensor_s_own_size() -> None:
    places = "x, k = torch.zeros(3, 3), torch.zeros(100_000, dtype=torch.int64)\n"
    with pytest.raises(LimitError, match="setitem would make 10,000,000,000 cells"):
        run(places + "x[k[:, None], k] = 1")
    with pytest.raises(LimitError, match="10,000,000,000 cells"):
        run(places + "for i in range(5): x[k[:, None], k] += 1")
    run(places + "x[k] = 1\nx[x > 0] = 2")


@pytest.mark.parametrize("key", ["[0] * 20_000", "range(20_000)", "0, [0] * 20_000", "[[0] * 200] * 200"])
def test_a_key_has_a_bounded_number_of_places(key: str) -> None:
    with pytest.raises(LimitError, match=r"more than 10,000 places: write torch\.tensor\(places\)"):
        run(f"x = torch.zeros(2, 20_000)\nx[{key}]")
    run("x = torch.zeros(20_000)\nx[torch.tensor([0] * 20_000)]\nx[[0] * 10_000] = 1")


@pytest.mark.parametrize("call", ["std(xs)", "sum(dim=xs)", "amax(tuple(xs))", "mean(xs, keepdim=True)"])
def test_each_axis_is_named_once(call: str) -> None:
    with pytest.raises(ProgramError, match="each axis is named once: 100,000 are more than 100"):
        run(f"x, xs = torch.zeros(3), [0] * 100_000\nx.{call}")
