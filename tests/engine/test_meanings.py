"""Advice for names that the language lacks: by meaning first, and by spelling for no name that torch has."""

from __future__ import annotations

import builtins

import pytest
import torch
from llm_linalg.language import allowlist
from llm_linalg.language.meanings import SYNONYMS, meant
from torch import Tensor, nn

from llm_linalg import ProgramError, run

HOMES = {"torch": allowlist.TORCH, "F": allowlist.F, "nn": allowlist.NN}
START = "x = torch.eye(3); y = torch.ones(3)\n"


def message(source: str) -> str:
    with pytest.raises(ProgramError) as caught:
        run(source)
    return caught.value.message


def test_each_synonym_runs_and_is_none_of_the_languages_own_names() -> None:
    for shown, written in SYNONYMS.items():
        place, _, name = shown.rpartition(".")
        members = HOMES[place].members if place else {**allowlist.METHODS, **allowlist.ATTRIBUTES}
        assert name not in members, shown
        text = written.replace("x.view(3, 2)", "x.view(9, 1)").replace("x.expand(2, 3)", "x.expand(3, 3)")
        vectors = text.replace("outer(x, y)", "outer(y, y)").replace("[x, y]", "[x, x]")
        run(START + vectors, seconds=None)


def test_a_name_that_torch_has_is_never_taken_for_a_misspelling() -> None:
    places = (("torch", torch), ("F", nn.functional), ("nn", nn), ("torch.linalg", torch.linalg))
    for place, home in places:
        members = getattr(allowlist, place.rpartition(".")[2].upper()).members
        lacking = [name for name in dir(home) if name not in members]
        lines = [f"{place}.{name}" for name in lacking if not name.startswith("_")]
        trace = run("\n".join([*lines, "1"]), cells=range(1, len(lines) + 2), seconds=None)
        said = [error.message for error in trace.cell_errors]
        assert len(said) == len(lines)
        assert not [text for text in said if "did you mean" in text]
    lacking = [name for name in dir(Tensor) if name not in {*allowlist.METHODS, *allowlist.ATTRIBUTES}]
    lines = [f"y.{name}" for name in lacking if not name.startswith("_")]
    trace = run("\n".join([START.strip(), *lines, "1"]), cells=range(1, len(lines) + 3), seconds=None)
    assert not [error.message for error in trace.cell_errors if "did you mean" in error.message]


def test_what_is_meant_stands_where_the_language_has_it() -> None:
    for shown, name in (("torch.dropout", "dropout"), ("torch.kl_div", "kl_div"), ("torch.detach", "detach")):
        where = meant(shown, name)
        assert where.startswith("write "), shown
        run(f"{START}{where.removeprefix('write ').removesuffix('(...)')}")
    assert meant("torch.nothing_like_it", "nothing_like_it") == ""
    assert meant("np.zero", "zero") == ""  # x.zero_() would write into x


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ("nn.RELU", "nn.ReLU"),
        ("nn.Conv2D", "nn.Conv2d"),
        ("nn.CrossEntropy", "nn.CrossEntropyLoss"),
        ("F.mse", "F.mse_loss"),
        ("nn.softmax", "torch.softmax"),  # a function, not the layer
        ("torch.onehot", "F.one_hot"),
        ("torch.reverse", "torch.flip(x, [0])"),
    ],
)
def test_the_same_letters_in_the_same_place_come_first(shown: str, written: str) -> None:
    assert message(shown) == f"{shown} is not part of the language: write {written}"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("torch.sofmax", "torch.sofmax is not part of the language: did you mean softmax?"),
        ("prnt(1)", "nothing is called prnt: did you mean print?"),
        ("Xtr", "nothing is called Xtr"),
        ("logits", "nothing is called logits"),
        ("device", "nothing is called device"),
        (
            "import previous_chapters",
            "previous_chapters can't be imported: leave it out, or write",
        ),
        ("import importlib.resources", "importlib.resources can't be imported: leave it out"),
    ],
)
def test_a_spelling_is_offered_only_where_it_is_near(source: str, said: str) -> None:
    assert message(source).startswith(said)
    assert "did you mean" in said or "did you mean" not in message(source)


def test_what_writes_in_place_is_offered_for_nothing_else() -> None:
    assert message(START + "x.multiply_by(2)").endswith("did you mean multiply?")
    assert message(START + "x.multipl_(2)").endswith("did you mean multiply_?")


def test_no_builtin_is_just_unknown() -> None:
    names = [name for name in dir(builtins) if name[0] != "_" and name not in ("True", "False", "None")]
    trace = run("\n".join([*names, "1"]), cells=range(1, len(names) + 2), seconds=None)
    assert not [error.message for error in trace.cell_errors if "nothing is called" in error.message]
