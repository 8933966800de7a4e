"""Corners that were wrong once: repeated letters of size 1, many axes, an operand that is not there."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch
from llm_linalg.language import allowlist
from torch import Tensor, nn

from llm_linalg import ProgramError, run, trace
from tests.engine.doing import budgets
from tests.ops.drawing import values
from tests.thinning import thin


def test_a_repeated_letter_of_size_one_reads_its_one_cell() -> None:
    node = trace(lambda x, y: torch.einsum("ii,i->i", x, y), values((1, 1), 1), values((3,), 2)).nodes[-1]
    for cell in range(3):
        assert [set(own) for own in node.reads((cell,))] == [{(0, 0)}, {(cell,)}]
    assert set(node.feeds(0, (0, 0))) == {(0,), (1,), (2,)}
    relation = node.operand_reads[0]
    assert set(relation.block((range(1, 3),))) == {(0, 0)}
    assert relation.back(torch.tensor([False, True, False])).tolist() == [[True]]
    assert relation.forward(torch.tensor([[True]])).tolist() == [True, True, True]


def test_more_axes_than_small_letters_can_be_walked() -> None:
    shape = (1,) * 24 + (2, 3)
    node = trace(torch.matmul, values(shape, 1), values((*shape[:-2], 3, 2), 2)).nodes[-1]
    walk = node.walk("outer")
    last = walk.values(len(walk) - 1, (0,) * 24, range(2), range(2))
    assert torch.allclose(torch.tensor(last), node.value.reshape(2, 2).double().float())
    assert walk.values(0, (0,) * 24, range(2), range(2)) != last


def test_an_operand_that_is_not_there_is_an_index_error() -> None:
    node = trace(torch.matmul, values((2, 3), 1), values((3, 2), 2)).nodes[-1]
    for operand in (-1, 2):
        with pytest.raises(IndexError, match="no operand"):
            node.feeds(operand, (0, 0))


def test_a_failure_that_the_function_got_over_is_not_its_next_error() -> None:
    def patient(x: Tensor) -> Tensor:
        try:
            return x @ torch.ones(5, 5)
        except RuntimeError:
            raise ValueError("mine") from None

    with pytest.raises(ValueError, match=r"^mine$"):
        trace(patient, values((2, 3), 1))


def test_evidence_is_measured_once() -> None:
    calls: list[int] = []

    class Counting(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.local_response_norm(x, 2)

    node = trace(Counting(), values((1, 4, 2), 1)).nodes[-1]
    assert node.call is not None
    plain = type(node.call.operation)._relation  # type: ignore[attr-defined]

    def counted(*arguments: object) -> object:
        calls.append(1)
        return plain(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(node.call.operation), "_relation", counted)
        assert [node.evidence for _ in range(3)] == ["autograd"] * 3
        assert node.reads((0, 0, 0))
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "def f(x):\n    y = x\nf(1).shape",
            "None has no .shape: it is what a function gives",
        ),
        ("[torch.ones(2)].shape", "a list has no .shape: torch.tensor makes a tensor of numbers"),
        ("(1.5).item()", "a float has no .item"),
        ("(1, 2).append(3)", "a tuple has no .append"),
        ("{1}.append(3)", "a set has no .append"),
        ("torch.sin(nn.Embedding(3, 2))", "torch.sin takes tensors, numbers and words, not an Embedding"),
        ("torch.sin(dict)", "torch.sin takes tensors, numbers and words, not a type"),
        ("'ab'.shape", "a text has no .shape"),
        ("def f(): pass\nf.shape", "a function has no .shape"),
        ("def f(a, *, a=1): return a", "a stands there twice"),
        ("torch.ones(size=(2,), size=(3,))", "size stands there twice"),
        ("torch.ones(3).narrow(0, 5, 10)", "narrow: start out of range"),
        ("x = set([1]) | [2]", "unsupported operand type(s) for |: 'set' and 'list'"),
        ("x = 2**256", "a whole number of more than 256 bits"),
        ("x = (2**200) * (2**57)", "a whole number of more than 256 bits"),
    ],
)
def test_what_is_refused_is_told_truly(program: str, said: str) -> None:
    with pytest.raises(ProgramError) as caught:
        run(program)
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2**255", 2**255),
        ("-(2**255)", -(2**255)),
        ("2**129", 2**129),
        ("10**77", 10**77),
        ("(2**100) * (2**155)", 2**255),
        ("1 << 255", 1 << 255),
    ],
)
def test_whole_numbers_have_as_many_bits_as_the_page_says(text: str, number: int) -> None:
    assert run(f"print({text})").printed == f"{number}\n"


NUMBERS = "x = torch.ones(4, 4)\nhalf, none, two, yes = [torch.tensor(k) for k in (0.5, 0, 2, True)]\n"
GIVEN = ["half", "none", "two", "yes", "two, two", "(two, two)", "[two]", "0, two", "x, two", "x, 0, yes"]


@pytest.mark.parametrize("place", thin(["F", "torch", "x"], 3))
def test_a_budget_is_of_whole_numbers_whatever_a_call_is_given(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = budgets(monkeypatch)
    members = {"x": allowlist.METHODS, "torch": allowlist.TORCH.members, "F": allowlist.F.members}[place]
    for name, member in members.items():
        for several in GIVEN if callable(member) else ():
            for arguments in {several, several if place == "x" else f"x, {several}"}:
                with suppress(ProgramError):
                    run(f"{NUMBERS}y = {place}.{name}({arguments})")
                assert {type(number) for number in made[-1].left} == {int}, (name, arguments)
                assert type(made[-1].trials) is int
