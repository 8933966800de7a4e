"""The formats of exports: each entry is complete, and each module of the folder is one."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from llm_linalg.base.text import clean
from tui.export import formats
from tui.export.format import Export, Format
from tui.export.formats import FORMATS

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


def test_how_to_add_one_shows_one_that_works() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    scope: dict[str, object] = {}
    exec(text.split("```python\n")[1].split("```")[0], scope)  # noqa: S102 - our own
    form = scope["FORMAT"]
    assert isinstance(form, Format)
    written: list[str] = []
    form.writer(Export(clean("A title"), (80, 24)), written.append).end()
    assert written == ["stop,step,sentence\n"]
