"""Read Jupyter notebooks, JSON of format 4, with the outputs that are saved in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from llm_linalg.lessons.documents.code_cells import DocumentCell
from llm_linalg.lessons.documents.saved_output import saved_text
from llm_linalg.lessons.lesson import LineError

FORMAT = 4
MOST_VALUES = 4_000_000  # of JSON: as Python's objects, small ones take twenty times what they take as text
_CELLS = ("code", "markdown", "raw")


def read(text: str) -> list[DocumentCell]:
    """Return the cells of a notebook; raise `LineError` if the text is not one in Python."""
    if sum(map(text.count, "[{,")) > MOST_VALUES:
        raise LineError(1, f"not a notebook: it holds more than {MOST_VALUES:,} values")
    try:
        document: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise LineError(error.lineno, f"not JSON: {error.msg.lower()} (column {error.colno})") from None
    except RecursionError:
        raise LineError(1, "not a notebook: too deeply nested") from None
    except ValueError:
        raise LineError(1, "not a notebook: it holds a number too long to read") from None
    if not isinstance(document, dict):
        raise LineError(1, "not a notebook: it is no JSON object")
    _check_language(document)
    return [cell for number, value in enumerate(_cells(document), 1) for cell in _cell(value, number)]


def _cells(notebook: dict[str, Any]) -> list[Any]:
    version = notebook.get("nbformat")
    if not isinstance(version, int) or isinstance(version, bool):
        raise LineError(1, "not a notebook: it has no nbformat")
    if version != FORMAT:
        shown = version if abs(version) < 1_000_000 else "of that number"
        raise LineError(1, f"notebook format {shown} is not known: {FORMAT} is")
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise LineError(1, f"not a notebook: {'it has no' if cells is None else 'no list of'} cells")
    return cells


def _check_language(notebook: dict[str, Any]) -> None:
    """Raise `LineError` for a notebook whose metadata names another language."""
    match notebook:
        case {"metadata": {"language_info": {"name": str() as name}}} if "python" not in name.lower():
            raise LineError(1, f"a notebook in {name:.40}, not in Python")


def _cell(value: Any, number: int) -> Iterator[DocumentCell]:
    if not isinstance(value, dict):
        raise LineError(1, f"cell {number} is no object")
    kind = value.get("cell_type")
    if kind not in _CELLS:
        raise LineError(1, f"cell {number} is of no kind that is known: {', '.join(_CELLS)}")
    if kind == "raw":
        return  # for converters, not for readers
    text = _tagged(value, _text(value, number))
    text = text.replace("\r\n", "\n").strip("\n")
    if kind == "code":
        yield DocumentCell("code", text, number, saved_text(value.get("outputs")))
    else:
        yield DocumentCell("prose", text, number)


def _tagged(cell: dict[str, Any], text: str) -> str:
    """Return the text of a cell below the word of its tag, if that is `ask` or `exercise`."""
    match cell:
        case {"metadata": {"tags": list() as tags}} if "check:" in text:
            marks = [tag for tag in tags if tag in ("ask", "exercise")]
        case _:
            marks = []
    if not marks:
        return text
    if cell.get("cell_type") != "code":
        return f"{marks[0]}\n{text}"
    lines = text.split("\n")
    if any(line.startswith("check:") for line in lines):  # as it stands, not as comments
        lines = [f"# {line}" for line in lines]
    return "\n".join([f"# {marks[0]}", *lines])


def _text(cell: dict[str, Any], number: int) -> str:
    match cell.get("source"):
        case str() as text:
            return text
        case list() as lines if all(isinstance(line, str) for line in lines):
            return "".join(lines)
        case None:
            raise LineError(1, f"cell {number} has no source")
    raise LineError(1, f"cell {number} has a source that is neither text nor a list of texts")
