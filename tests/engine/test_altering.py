"""What may be changed before the run: the name of a method tells whether it changes what it is of."""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import Any

import pytest

from llm_linalg.foresight import Rehearsal, Start
from llm_linalg.foresight.guessing import changes_its_own, changes_nothing
from llm_linalg.language import layers, tables, values
from llm_linalg.language.budget import Budget
from llm_linalg.language.source import Source

SAMPLES: list[Any] = [[3, 1, 2], {1: 3, 2: 1}]
GIVEN: list[tuple[Any, ...]] = [(), (1,), (0, 7), ([5],), ({1: 9},)]
NAMES = sorted({name for sample in SAMPLES for name in values.METHODS[type(sample)]})


def named(name: str) -> ast.expr:
    return ast.parse(f"x.{name}", mode="eval").body


def gone_through(program: str, *, dearest: bool = False) -> Rehearsal:
    source = Source(program)
    rehearsal = Rehearsal(source, lambda: False, dearest=dearest)
    rehearsal.refuse(Start(source.tree.body, [({}, {})], Budget().left))
    return rehearsal


@pytest.mark.parametrize("name", NAMES)
def test_a_method_that_changes_something_is_known_to(name: str) -> None:
    changed = False
    for sample in SAMPLES:
        methods = values.METHODS[type(sample)]
        for given in GIVEN if name in methods else ():
            owner = deepcopy(sample)
            try:
                methods[name](owner, *given)
            except (TypeError, ValueError, KeyError, IndexError):
                continue
            changed |= list(owner) != list(sample) or owner != sample
    assert changes_its_own(named(name)) == changed
    assert changes_nothing(named(name)) != changed


@pytest.mark.parametrize("name", sorted(layers.METHODS))
def test_a_layers_method_may_change_it(name: str) -> None:
    assert not changes_nothing(named(name))


def test_what_goes_back_or_has_no_name_may_change_anything() -> None:
    assert not changes_nothing(named("backward"))
    assert not changes_nothing(named("set_printoptions"))
    assert not changes_nothing(ast.parse("f", mode="eval").body)


def test_a_method_that_tells_something_leaves_lists_known() -> None:
    known = gone_through("x, xs = torch.ones(3), [1, 2]\ny = x[x > 0].sum().item()")
    assert known.evaluate(ast.Name("xs", ast.Load())) == [1, 2]
    assert not known.missing
    assert gone_through("x, xs = torch.ones(3), [1, 2]\ny = x[x > 0].requires_grad_()").missing


@pytest.mark.parametrize(
    ("turn", "altered"),
    [("xs.append(i)", {"xs"}), ("d[i] = 1", {"d"}), ("xs += [i]", {"xs"}), ("d.setdefault(i, 0)", {"d"})],
)
def test_in_the_dearest_case_only_what_was_changed_is_not_known(turn: str, altered: set[str]) -> None:
    program = f"xs, d, ys = [], dict(), [1, 2]\nfor i in range(9000):\n    {turn}"
    rehearsal = gone_through(program, dearest=True)
    for name in ("xs", "d", "ys"):
        value = rehearsal.evaluate(ast.Name(name, ast.Load()))
        assert isinstance(value, list | dict) == (name not in altered)


def test_methods_of_tensors_are_told_by_name() -> None:
    others = {"backward", "requires_grad_", "retain_grad"}
    assert all(changes_nothing(named(name)) for name in tables.METHODS.keys() - others)
