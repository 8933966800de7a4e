"""The page on the language is made from its tables: every entry stands on it."""

from __future__ import annotations

import re

import pytest
from llm_linalg.language import allowlist, attribute_functions, modules, source, suggestions, value_methods
from llm_linalg.language.reference import SYNTAX, WIDTH, page

from llm_linalg import run

PAGE = page()


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "names"),
    [
        *((f"`import {name}`", set(module.members)) for name, module in allowlist.MODULES.items()),
        ("Methods of a tensor", set(allowlist.METHODS)),
        ("Attributes of a tensor", set(allowlist.ATTRIBUTES)),
        ("Attributes of a layer", set(modules.ATTRIBUTES)),
        *((f"Methods of a {kind.__name__}", set(names)) for kind, names in value_methods.METHODS.items()),
        ("Python's own", {*allowlist.BUILTINS, *attribute_functions.FUNCTIONS}),
        ("Arguments that no call takes", set(suggestions.ARGUMENTS)),
    ],
)
def test_every_name_of_a_table_is_on_the_page(title: str, names: set[str]) -> None:
    assert set(section(title).split()) == names


def test_the_modules_are_those_of_the_tables() -> None:
    assert tuple(allowlist.MODULES) == source.MODULES


def test_every_kind_of_syntax_is_on_the_page() -> None:
    assert {name for names, _ in SYNTAX for name in names.split()} == {
        kind.__name__ for kind in source.ALLOWED
    }


def test_every_refusal_with_advice_is_on_the_page() -> None:
    said = " ".join(section("Not in the language").split())
    assert [advice for advice in suggestions.SYNTAX.values() if advice not in said] == []


def test_the_page_says_the_bounds_and_stays_narrow() -> None:
    assert f"{source.MAX_CHARACTERS:,} characters" in section("Bounds")
    assert max(map(len, PAGE.splitlines())) <= WIDTH
    assert set(PAGE) - {"\n"} == set(filter(str.isprintable, PAGE))


def test_the_syntax_shown_is_in_the_language() -> None:
    shown = re.findall(r"`([^`]*=[^`]*)`", "\n".join(said for _, said in SYNTAX))
    assert len(shown) > 5
    names = (
        "x = torch.ones(2, 2)\nW = x\nwords = []\nxs = [1]\ny = x[0]\nparts = (1, 2, 3)\n"
        "loss = x.sum()\nn = 1\ni = 0\n"
    )
    for line in shown:
        if line.startswith(("`", "def ", "=", "< ", "0 <=")) or line.endswith("=") or "yield" in line:
            continue
        run(names + line)
