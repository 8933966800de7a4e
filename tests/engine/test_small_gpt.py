"""A model as people write it, found, made, traced, and drawn on the map."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_linalg import Trace, trace
from llm_linalg.api.trusted import TargetError, evaluate_inputs, load
from llm_linalg.base.text import elide_title
from tests import small_gpt

FILE = small_gpt.__file__
MADE = "GPT(Settings(layers=2, width=small * 4))"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "own_gpt.py"
    path.write_text(f"{Path(FILE).read_text(encoding='utf-8')}\nsmall = 2\n", encoding="utf-8")
    before = list(sys.path)
    yield path
    sys.path[:] = before
    sys.modules.pop("own_gpt", None)


def traced(target: str) -> Trace:
    return trace(load(target)[0], *evaluate_inputs(["randint:0:50:2x8"])[0])


def test_a_model_is_made_by_an_expression_of_its_files_own_names(file: Path) -> None:
    model, path = load(f"{file}:{MADE}", 3)
    assert path == file
    again, _ = load(f"{file}:{MADE}", 3)
    settings = model.settings  # type: ignore[attr-defined]
    assert (settings.layers, settings.width) == (2, 8)
    tokens = evaluate_inputs(["randint:0:50:2x8"])[0]
    assert model(*tokens).equal(again(*tokens))  # drawn with the seed


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("GPT", 'GPT takes settings: write its arguments, as in "GPT(settings)"'),
        ("GPT(Setings())", '"Setings": did you mean "Settings"'),
        ("GPT(Settings(", "is not an expression"),
        ("Settings()", "is not a function or an nn.Module"),
        ("Settings(layers=1).layers", "is not a function or an nn.Module"),
    ],
)
def test_what_an_expression_lacks_is_one_line(expression: str, said: str, file: Path) -> None:
    with pytest.raises(TargetError) as caught:
        load(f"{file}:{expression}")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("limit", range(4, 26))
def test_the_ends_of_dotted_names_stay_apart(limit: int) -> None:
    names = ("transformer.ln_f.weight", "transformer.ln_f.bias", "transformer.h.0.ln_1.weight")
    shown = [elide_title(name, limit) for name in names]
    assert all(len(text) <= limit for text in shown)
    assert len(set(shown[:2])) == 2
    assert len(set(shown)) == 3 or limit < 12
