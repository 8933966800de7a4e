"""Notebooks, Python files and Markdown as lessons: what becomes a cell, what is refused, what is broken."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import LessonError, ProgramError, ShapeError, Trace, run
from llm_linalg.base.errors import MissingValueError
from llm_linalg.base.syntax import statements
from llm_linalg.lessons.documents import READERS, is_document, parse, python_file, read
from llm_linalg.lessons.documents.notebook import MOST_VALUES
from llm_linalg.lessons.lesson import Lesson


def code(source: str | list[str]) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}


def words(source: str | list[str]) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def notebook(*cells: dict[str, Any]) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def lesson(*cells: dict[str, Any]) -> Lesson:
    return parse(notebook(*cells), "a.ipynb")


EXAMPLE = lesson(
    words(["# Attention\n", "Some words\n", "over lines.\n", "\n", "- a\n", "- b"]),
    code("import torch\n%matplotlib inline"),
    words("## Queries"),
    code(["torch.manual_seed(0)\n", "x = torch.randn(3, 4)\n", "W = torch.randn(4, 4)"]),
    code("import nothing_of_the_kind as np\nz = 3"),
    code("Y = x @ W"),
    code("A = await x"),
    code("Z = Y @ x"),
    code("   \n"),
    code("S = Y.softmax(-1) * z * A"),
    code("T = Y.T"),
    words("The end."),
)


def test_each_code_cell_is_a_stop_with_the_state_of_those_before_it() -> None:
    assert [stop.code.partition("\n")[0] for stop in EXAMPLE.stops] == [
        "import torch", "torch.manual_seed(0)", "import nothing_of_the_kind as np", "Y = x @ W",
        "A = await x", "Z = Y @ x", "S = Y.softmax(-1) * z * A", "T = Y.T", "",
    ]  # fmt: skip
    trace = EXAMPLE.run(8)
    torch.manual_seed(0)
    x, w = torch.randn(3, 4), torch.randn(4, 4)
    assert torch.equal(trace["T"].value, (x @ w).T)


def test_markdown_cells_are_prose_and_headings_the_outline() -> None:
    assert (EXAMPLE.title, EXAMPLE.stops[0].title, EXAMPLE.stops[3].title) == (
        "Attention", "Attention", "Queries",
    )  # fmt: skip
    assert EXAMPLE.stops[0].prose == "Some words over lines.\n\n- a\n- b"
    assert EXAMPLE.stops[8].prose == "The end."
    assert [(heading.level, heading.title, heading.stop) for heading in EXAMPLE.outline] == [
        (1, "Attention", 1), (2, "Queries", 2),
    ]  # fmt: skip


def states(trace: Trace) -> list[tuple[str, int | None]]:
    return [(cell.state, cell.root) for cell in trace.cells]


def test_a_cell_that_is_no_python_has_its_reason() -> None:
    found = lesson(code("x = 1"), code("y = 2\nz = x x"), code("files = !ls\nw = 3"), code("A = await x"))
    assert [stop.refusals for stop in found.stops] == [
        (), ((2, "this is not Python: invalid syntax"),),
        ((1, "not run: !ls is a notebook's command"),), (),
    ]  # fmt: skip


def test_a_cell_that_cannot_be_read_takes_its_names_with_it() -> None:
    with pytest.raises(MissingValueError, match=r"A is made by cell 5, which failed: this is not Python"):
        EXAMPLE.run(7)
    trace = EXAMPLE.run(9)
    assert states(trace) == [
        ("run", None), ("run", None), ("run", None), ("run", None), ("failed", None), ("failed", None),
        ("rests", 5), ("rests", 5), ("run", None),
    ]  # fmt: skip
    assert trace.cells[0].left_out == ("%matplotlib inline",)
    assert trace.cells[2].left_out == ("import nothing_of_the_kind as np",)


def test_a_rule_at_the_end_of_what_a_stop_says_is_no_sentence_of_it() -> None:
    found = lesson(
        words("---\nNote\n\n---\n\nMore\n***"), code("x = 1"), words("---"), code("y = 2"), words("___")
    )
    assert [stop.prose for stop in found.stops] == ["Note\n\n---\n\nMore", ""]


def test_a_cell_that_fails_when_it_runs_is_passed_over_and_told() -> None:
    with pytest.raises(ShapeError) as caught:
        EXAMPLE.run(6)
    assert caught.value.repairs
    trace = EXAMPLE.run(8)
    assert [error.message.partition(":")[0] for error in trace.cell_errors] == [
        "this is not Python", "matmul", "A is made by cell 5, which failed",
    ]  # fmt: skip
    assert EXAMPLE.run(9)["T"].shape == (4, 3)  # prose alone, at the end


def test_a_cell_that_fails_half_way_keeps_what_it_did_as_in_a_notebook() -> None:
    trace = run("x = torch.ones(2)\ny = x + q\nz = 1\nw = x * 2", cells=(1, 4))
    assert ("w" in trace, "y" in trace, len(trace.cell_errors)) == (True, False, 1)
    with pytest.raises(ProgramError, match="'break' outside loop"):
        run("break\nx = 1", cells=(1,))
    assert run("break\nx = torch.ones(1)", cells=(1, 2)).cell_errors


def test_the_column_of_what_a_command_runs_stays() -> None:
    with pytest.raises(ShapeError) as caught:
        run("x = torch.ones(2, 3)\n%timeit x @ x", cells=(1,))
    assert caught.value.caret == "%timeit x @ x\n        ^^^^^"


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"", 1, "not JSON"),
        (b'{\n"nbformat": 4,\n', 3, "not JSON"),
        (b"[]", 1, "no JSON object"),
        (b"[" * 200_000, 1, "too deeply nested"),
        (b'{"nbformat": ' + b"9" * 5_000 + b"}", 1, "too long to read"),
        (b"{}", 1, "no nbformat"),
        (b'{"nbformat": 5, "cells": []}', 1, "format 5 is not known"),
        (b'{"nbformat": -' + b"9" * 4_000 + b"}", 1, "format of that number is not known"),
        (b'{"nbformat": 4}', 1, "it has no cells"),
        (b'{"nbformat": 3, "worksheets": []}', 1, "format 3 is not known"),
        (b'{"nbformat": 4, "cells": []}', 1, "no program in it"),
        (notebook(words("# Only words")), 1, "no program in it"),
        (b'{"nbformat": 4, "cells": [7]}', 1, "cell 1 is no object"),
        (b'{"nbformat": 4, "cells": [{"cell_type": ["code"], "source": "x"}]}', 1, "cell 1 is of no kind"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', 1, "cell 1 has no source"),
        (notebook(code("x"), {"cell_type": "code", "source": 3}), 1, "cell 2 has a source that is neither"),
        (b'{"nbformat": 4, "cells": [], "metadata": {"language_info": {"name": "julia"}}}', 1, "julia"),
        (b'{"nbformat": 4,\n "\xff": 1}', 2, "not UTF-8 text"),
    ],
)
def test_a_broken_notebook_is_one_line_with_file_and_reason(data: bytes, line: int, reason: str) -> None:
    with pytest.raises(LessonError) as caught:
        parse(data, "a.ipynb")
    assert (caught.value.file, caught.value.line) == ("a.ipynb", line)
    assert reason in caught.value.reason
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(LessonError, match="no such file"):
        read(tmp_path / "a.ipynb")
    (tmp_path / "b.ipynb").mkdir()
    with pytest.raises(LessonError, match="not a file"):
        read(tmp_path / "b.ipynb")
    with pytest.raises(LessonError, match="unknown kind of file"):
        parse(b"x = 1", "a.txt")
    assert [is_document(name) for name in ("a.ipynb", "A.PY", "a.md", "matmul", "a.txt")] == [
        True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("latin-1", ""),
        ("cp1252", ""),
        ("ascii", "not ASCII text"),
        ("utf-8", "not UTF-8 text"),
        ("hex", "UTF-8"),
    ],
)
def test_a_python_file_is_read_in_the_encoding_that_it_names(named: str, reason: str) -> None:
    data = f"# -*- coding: {named} -*-\nname = 'caf\xe9'\n".encode("latin-1")
    if not reason:
        assert parse(data, "a.py").stops[0].code.endswith("name = 'caf\xe9'")
        return
    with pytest.raises(LessonError, match=reason) as caught:
        parse(data, "a.py")
    assert caught.value.line == 2


KEYS = ["nbformat", "cells", "cell_type", "source", "metadata"]
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=20)


def lines_said(data: bytes, name: str) -> int:
    """Of a document that can't be read, how many lines say so; else 0, its stops numbered."""
    try:
        made = parse(data, name)
    except LessonError as error:
        return len(str(error).splitlines())
    assert [stop.number for stop in made.stops] == list(range(1, len(made.stops) + 1))
    return 0


@given(
    st.recursive(
        LEAVES | st.sampled_from(["code", "markdown"]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner),
        max_leaves=20,
    )
)
def test_whatever_a_notebook_holds_it_is_a_lesson_or_an_error_of_one_line(value: object) -> None:
    cells = value if isinstance(value, list) else [value]
    for found in (value, {"nbformat": 4, "cells": cells}):
        assert lines_said(json.dumps(found).encode(), "a.ipynb") <= 1


@given(st.text(alphabet=st.sampled_from("#% \n`~>.'\"ax=1()\t\\\x1b\u202e|"), max_size=200))
def test_whatever_a_script_or_markdown_holds_its_lines_stay(text: str) -> None:
    for name in ("a.py", "a.md"):
        try:
            made = parse(text.encode(), name)
        except LessonError:
            continue
        lines = text.split("\n")
        for stop in made.stops:
            for k, line in enumerate(stop.code.split("\n") if stop.code else ()):
                assert line.strip() in lines[stop.line + k].expandtabs() + lines[stop.line + k]
            assert "\x1b" not in stop.prose + stop.title


SCRIPT = '''\
#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""A script.

Second paragraph.
"""
import torch

# Queries and keys
# go together.
Q = torch.randn(3, 4)
K = torch.randn(5, 4)  # keys


def f(x):
    y = x * 2

    return y
# only a comment

Z = f(Q @ K.T)

if __name__ == "__main__":
    print(Z)
'''


def test_a_python_file_is_parted_at_blank_lines_but_not_inside_a_statement() -> None:
    found = parse(SCRIPT.encode(), "dir/s.py")
    assert [(stop.line, stop.code.partition("\n")[0]) for stop in found.stops] == [
        (6, "import torch"), (10, "Q = torch.randn(3, 4)"), (14, "def f(x):"), (20, "Z = f(Q @ K.T)"),
        (22, 'if __name__ == "__main__":'),
    ]  # fmt: skip
    assert found.stops[0].prose == "A script.\n\nSecond paragraph."
    assert found.stops[1].prose == "Queries and keys go together."
    assert [stop.refusal for stop in found.stops] == [None] * 5
    assert found.run(4)["Z"].shape == (3, 5)
    assert found.run(5).printed == f"{found.run(4)['Z'].value}\n"


def test_imports_stand_with_the_code_below_them_but_not_over_prose() -> None:
    text = '"""Why."""\nimport math\n\nimport torch\nfrom torch import nn\n\n\nx = torch.ones(2)\n\ny = (\n'
    found = parse(text.encode(), "s.py")  # nor does what can't be read below it part them
    assert [(stop.line, stop.code) for stop in found.stops] == [
        (1, "import math\n\nimport torch\nfrom torch import nn\n\n\nx = torch.ones(2)"), (9, "y = ("),
    ]  # fmt: skip
    assert found.stops[0].prose == "Why."
    alone = parse(b"import torch\n\n# Ones.\nx = torch.ones(2)\n\nimport math\n", "s.py")
    assert [stop.code for stop in alone.stops] == ["import torch", "x = torch.ones(2)", "import math"]


def test_a_python_file_with_marks_is_parted_at_them() -> None:
    text = "# %% [markdown]\n# # Title\n# words\n# %% First\nx = torch.ones(2)\n\ny = x\n#%%\nz = x + y\n"
    found = parse(text.encode(), "s.py")
    assert [(stop.title, stop.code) for stop in found.stops] == [
        ("First", "x = torch.ones(2)\n\ny = x"), ("First", "z = x + y"),
    ]  # fmt: skip
    assert [heading.title for heading in found.outline] == ["Title", "First"]
    assert "words" in found.stops[0].prose


def test_a_python_file_that_is_not_python_as_a_whole_is_read_in_parts() -> None:
    found = parse(b"x = torch.ones(2)\n\nprint 'old'\n\nfor i in range(2):\n    a = 1\n\n    b = 2\n", "s.py")
    assert [bool(stop.refusal) for stop in found.stops] == [False, True, False]
    assert found.stops[2].code.endswith("b = 2")


def test_any_markdown_with_python_fences_is_read() -> None:
    text = (
        "# Title\nText.\n\n```bash\npip install torch\n```\n## Part\n```python\n>>> x = torch.ones(2, 3)\n"
        ">>> x.sum()\ntensor(6.)\n```\n- list\n\n  ~~~PY\n  y = x * 2\n  ~~~\ntail\n```{python}\nz = 1\n```\n"
    )
    found = parse(text.encode(), "m.md")
    assert [(stop.line, stop.code) for stop in found.stops] == [
        (8, "x = torch.ones(2, 3)\nx.sum()\n".rstrip("\n")), (15, "y = x * 2"), (19, "z = 1"),
    ]  # fmt: skip
    assert "pip install" in found.stops[0].prose
    assert found.run(2)["y"].shape == (2, 3)


def test_a_lesson_is_still_a_lesson_and_one_without_front_matter_an_error() -> None:
    good = parse(b'+++\ntitle = "T"\n+++\nwords\n\n```python show="x"\nx = torch.ones(1)\n```\n', "l.md")
    assert (good.title, good.document) == ("T", False)
    for text in (b'words\n```python show="x"\nx = 1\n```\n', b"only words\n"):
        with pytest.raises(LessonError, match="begins with its front matter"):
            parse(text, "l.md")


def test_too_much_is_refused() -> None:
    with pytest.raises(LessonError, match="cells"):
        lesson(*[code("x = 1")] * 2_001)
    assert "characters" in str(lesson(code("#" * 60_000)).stops[0].refusal)
    for text, name in (
        (b"```py\nx = 1\n```\n" + b"a\n" * 20_000, "m.md"),
        (b"+++\n" + b"a\n" * 20_000, "l.md"),
    ):
        with pytest.raises(LessonError, match="20,000 lines"):
            parse(text, name)


def test_lines_may_end_as_on_windows() -> None:
    text = b"# T\n```\nno program\n```\n> quoted:\n> ```py\n> x = 1\n> ```\n"
    found = parse(text.replace(b"\n", b"\r\n"), "m.md")
    assert [(stop.line, stop.code, stop.prose) for stop in found.stops] == [
        (6, "x = 1", "```\nno program\n```\n\n> quoted:")
    ]


@pytest.mark.parametrize("suffix", [".py", ".md"])
def test_what_is_parsed_as_a_whole_is_not_when_it_is_too_long(tmp_path: Path, suffix: str) -> None:
    place = tmp_path / f"long{suffix}"
    _, most = READERS[suffix]
    place.write_bytes(b"x = 1\n" * (most // 6 + 1))
    with pytest.raises(
        LessonError, match=f"larger than {most // 1_000} KB|larger than {most // 1_000_000} MB"
    ):
        read(place)


@pytest.mark.parametrize("value", ["[]", "{}", "0", '"ab"'])
def test_json_of_very_many_values_is_not_read(value: str) -> None:
    text = f'{{"nbformat": 4, "cells": [{",".join([value] * (MOST_VALUES + 1))}]}}'
    with pytest.raises(LessonError, match="holds more than 4,000,000 values"):
        parse(text.encode(), "a.ipynb")


SCRIPTS = {
    "imports": "import a\n\n" * 300,
    "strings": '"a"\n' * 300,
    "strings and comments": "'a'\n# b\n\n" * 200,
    "imports and calls": "import a\n\nf(a)\n\n" * 200,
    "a marked file": "# %%\n'a'\nimport b\n" * 200,
    "no python": "import a\n\n" * 300 + "for\n",
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=list(SCRIPTS))
def test_a_python_file_is_parsed_a_few_times_however_it_is_parted(
    script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []

    def counted(text: str) -> Any:
        parsed.append(len(text))
        return statements(text)

    monkeypatch.setattr(python_file, "statements", counted)
    cells = python_file.read(script)
    assert sum(parsed) <= 4 * len(script)
    shown = "\n".join(cell.text for cell in cells)
    assert shown.count("import") == script.count("import")


def test_what_keeps_the_parser_busy_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_file, "statements", lambda text: pytest.fail(f"parsed {len(text)} characters"))
    assert [cell.kind for cell in python_file.read("x = [" + "1," * 60_000 + "]")] == ["prose", "code"]


@pytest.mark.parametrize("name", ["a.ipynb", "a.py", "a.md", "lesson.md"])
def test_the_stops_of_a_document_share_the_text_of_what_is_above(name: str) -> None:
    pieces = [f"x{number} = {number}  # {'-' * 50}" for number in range(90)]
    fences = "".join(f"w\n\n```python\n{piece}\n```\n\n" for piece in pieces)
    text = {
        "a.ipynb": notebook(*map(code, pieces)),
        "a.py": "\n\n".join(pieces).encode(),
        "a.md": fences.encode(),
        "lesson.md": f'+++\ntitle = "T"\n+++\n{fences}'.encode(),
    }[name]
    stops = parse(text, name).stops
    assert len(stops) == 90
    texts = stops[-1].above
    assert all(own is text for stop in stops for own, text in zip(stop.above, texts, strict=False))
    assert [stop.program for stop in stops[:2]] == [pieces[0], f"{pieces[0]}\n{pieces[1]}"]
    assert stops[-1].program == "\n".join(pieces)
    assert stops[7] == parse(text, name).stops[7]
    assert hash(stops[7]) == hash(parse(text, name).stops[7])
    assert stops[7].above == texts[:7] != stops[8].above


def test_a_title_is_searched_once_for_metadata() -> None:
    """A search from each bracket to the end of the line would not end."""
    title = "a=[ " * 70_000
    cells = python_file.read(f'# %% {title}\nx = 1\n# %% Words tags=["a", "b"] id="c d"\ny = 2')
    assert [cell.text for cell in cells if cell.kind == "prose" and cell.text] == ["## Words"]


def test_commands_that_are_commented_out_are_no_headings() -> None:
    text = (
        '# %% id="a"\n# # For colab\n# #\n# # !pip install x\n\n# %% [markdown]\n# # Title\n\n# %%\nx = 1\n'
    )
    found = parse(text.encode(), "notes.py")
    assert [heading.title for heading in found.outline] == ["Title"]
    assert "!pip install x" in found.stops[0].prose


def test_reading_a_notebook_imports_no_torch(tmp_path: Path) -> None:
    place = tmp_path / "own.ipynb"
    place.write_bytes(notebook(code("import torch\nfrom torch import nn"), code("x = torch.ones(2)\nx")))
    run = (
        "import sys; from pathlib import Path; from llm_linalg.lessons.documents import read; "
        f"read(Path({str(place)!r})); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", run], check=True)
