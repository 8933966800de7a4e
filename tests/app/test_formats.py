"""The formats of exports: each entry is complete, and each module of the folder is one."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import pytest

from llm_linalg.base.text import clean
from llm_linalg.lessons.reader import find
from tui.export import formats
from tui.export.format import Export, Format, Shot
from tui.export.formats import FORMATS
from tui.model.view import View
from tui.session.script.running import ensure_run
from tui.session.session import Session

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(formats.__file__).parent


def test_each_module_of_the_folder_is_a_format() -> None:
    entries = []
    for path in sorted(FOLDER.glob("*.py")):
        if path.stem != "__init__":
            module = importlib.import_module(f"{formats.__name__}.{path.stem}")
            own = [value for value in vars(module).values() if isinstance(value, Format)]
            assert own, path.name
            entries += own
    assert {one.name for one in entries} == {one.name for one in FORMATS}
    assert len(entries) == len(FORMATS)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_an_entry_is_complete(form: Format) -> None:
    assert form.name.isidentifier()
    assert form.name.islower()
    assert all(suffix.startswith(".") and suffix.islower() for suffix in form.suffixes)
    assert form.help
    assert not form.help.endswith(".")
    assert len(form.help) <= 80
    written: list[str] = []
    writer = form.writer(Export(clean("A title"), (80, 24)), written.append)
    assert callable(writer.add)
    writer.end()
    assert written


def test_the_guide_lists_every_format() -> None:
    guide = (ROOT / "tui" / "help" / "export.md").read_text(encoding="utf-8")
    for form in FORMATS:
        named = [line for line in guide.splitlines() if line.startswith(f"- `{form.name}`")]
        assert len(named) == 1, form.name
        assert all(f"`{suffix}`" in named[0] for suffix in form.suffixes), form.name


def test_how_to_add_one_shows_one_that_works() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    scope: dict[str, object] = {}
    exec(text.split("```python\n")[1].split("```")[0], scope)  # noqa: S102 - our own
    form = scope["FORMAT"]
    assert isinstance(form, Format)
    written: list[str] = []
    writer = form.writer(Export(clean("A title"), (80, 24)), written.append)
    view = replace(View.opening(find("dot"), 3), step=1)
    writer.add(Shot(ensure_run(Session.start(view, [])), 1.0, 3, clean("A stop")))
    writer.end()
    assert written == ["stop,step,sentence\n", '3,1,"dot is x times y, entry by entry, summed."\n']
