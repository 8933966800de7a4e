"""Each public name of torch's is in the language, or on the list of what it lacks with the reason."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
import torch
from llm_linalg.language import allowlist, suggestions
from llm_linalg.language.omissions import (
    LATER,
    LIST_RELEASE,
    PLACES,
    REASONS,
    WIDTH,
    omissions,
    page,
)

PUBLIC = {place: [name for name in dir(home) if name[0] != "_"] for place, (home, _) in PLACES.items()}

SOME = {
    "align_as", "const_data_ptr", "dataclasses", "linear_cross_entropy", "matrix_sqrth", "names",
    "read_vitals", "refine_names", "rename", "thread_safe_generator", "vitals_enabled",
}  # fmt: skip
"""Names that some releases of torch lack from 2.10 on."""


@pytest.mark.parametrize("place", PLACES)
def test_each_public_name_is_in_the_language_or_has_a_reason(place: str) -> None:
    had = PLACES[place][1]
    lacking = omissions(place)
    assert [name for name, reason in lacking.items() if not reason] == []
    assert lacking.keys() & had.keys() == set()
    assert set(PUBLIC[place]) - lacking.keys() - had.keys() == set()


def test_no_word_of_the_list_is_for_nothing() -> None:
    names = {name for names in PUBLIC.values() for name in names}
    words = [word for line in REASONS.values() for word in line.split()]
    assert [word for word in words if not any(fnmatchcase(name, word) for name in names | SOME)] == []
    assert len(set(words)) == len(words)


def test_a_later_torch_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.linalg, "unheard_of", torch.linalg.det, raising=False)
    for version, reason in (("2.10.0", ""), (".".join(map(str, LIST_RELEASE)) + ".1+cpu", "")):
        monkeypatch.setattr(torch, "__version__", version)
        assert omissions("torch.linalg")["unheard_of"] == reason
    monkeypatch.setattr(torch, "__version__", f"{LIST_RELEASE[0]}.{LIST_RELEASE[1] + 1}.0a0+git")
    assert omissions("torch.linalg")["unheard_of"] == LATER


def test_the_page_names_each_of_them_and_stays_narrow() -> None:
    text = page()
    sections = {part.partition("\n")[0]: part.split() for part in text.split("\n## ")[1:]}
    for place in PLACES:
        assert omissions(place).keys() <= set(sections[place])
    assert max(map(len, text.splitlines())) <= WIDTH
    assert all(
        (reason.endswith(".") and reason[0].isupper()) or reason.startswith("torch") for reason in REASONS
    )


def test_no_advice_is_left_for_what_is_in_the_language() -> None:
    spaces = {
        "torch": allowlist.TORCH,
        "F": allowlist.F,
        "torch.linalg": allowlist.LINALG,
        "math": allowlist.MATH,
    }
    for name in suggestions.MEMBERS:
        home, _, member = name.rpartition(".")
        assert home not in spaces or member not in spaces[home].members, name
    layers = {"to"}  # which layers lack
    assert suggestions.ATTRIBUTES.keys() & (allowlist.METHODS.keys() | allowlist.ATTRIBUTES.keys()) <= layers
