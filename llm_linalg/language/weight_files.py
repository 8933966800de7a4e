"""Tensors from files beside the document: `torch.load`, `np.load`, `np.loadtxt` and safetensors' `load_file`.

What may be read is as in `readable_files`. Each format is read by a reader of ours, as data and within
bounds; what is loaded comes into the trace as a leaf that has the file's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.arrays.array_dtypes import torch_dtype
from llm_linalg.language.file_formats.array_format import read_archive, read_array
from llm_linalg.language.file_formats.checkpoint_format import read_checkpoint
from llm_linalg.language.file_formats.format_errors import MOST_BYTES, Charge, FormatError
from llm_linalg.language.file_formats.number_table import rows_of_numbers
from llm_linalg.language.file_formats.safetensors_format import read_tensors
from llm_linalg.language.readable_files import MOST_BYTES as MOST_TEXT
from llm_linalg.language.readable_files import TEXTS, TextFile, read_allowed
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.torch_functions import cpu_device

_CHECKPOINTS = frozenset([".pt", ".pth", ".ckpt", ".bin"])
_ARRAYS = frozenset([".npy", ".npz"])
_TENSORS = frozenset([".safetensors"])
_MOST_NAMED, _LONGEST_NAME = 10_000, 100  # tensors of a file that get a name, and its characters
_MOST_ITEMS, _MOST_LEVELS = 100_000, 32  # of what a file holds
_PLAIN = str | int | float | torch.dtype
_NO_PICKLE = "a pickle is never run here: leave {}= out"


class ArrayArchive(dict[str, Array]):
    """The arrays of an `.npz` file by name, as `np.load` gives them."""

    def __init__(self, name: str, arrays: Mapping[str, Array]) -> None:
        super().__init__(arrays)
        self.name = name

    def __repr__(self) -> str:
        shown = ", ".join([*self][:5])
        return f"NpzFile {self.name!r} with keys: {shown}{'...' if len(self) > 5 else ''}"


def _read(run: Any, name: Any, suffixes: frozenset[str], reader: Callable[[bytes, Charge], Any]) -> Any:
    """Return what a file holds, charged, with a name for each tensor in it.

    Raises:
        RefusalError: If it may not be read, or can't be.
        ProgramError: If there is no such file.
        LimitError: If it is too large.
    """
    data = read_allowed(run, name, suffixes, MOST_BYTES)

    def charge(cells: int) -> None:
        most = run.budget.call_elements
        if cells > most:
            raise LimitError(f"{short_repr(name)} holds a tensor of {cells:,} cells; {most:,} are allowed")
        run.budget.charge_copy(cells)

    try:
        found = reader(data, charge)
        tensors = _tensors_in(found)
    except FormatError as error:
        raise RefusalError(f"{short_repr(name)} can't be read: {error}") from None
    for tensor, path in tensors[:_MOST_NAMED]:
        label = f"{name}: {path}" if path else str(name)
        run.recorder.label(tensor, label, label)
    return found


def _tensors_in(value: Any) -> list[tuple[Tensor, str]]:
    """Return the tensors in dicts and lists, each with the path of its keys.

    Raises:
        FormatError: If there are too many items, or too deep: a list may be in itself.
    """
    found: list[tuple[Tensor, str]] = []
    level, visited = [(value, "")], 0
    for _ in range(_MOST_LEVELS):
        inner: list[tuple[Any, str]] = []
        for item, path in level:
            if isinstance(item, Tensor):
                found.append((item, path))
            elif isinstance(item, dict | list | tuple):
                visited += len(item)
                if visited > _MOST_ITEMS:
                    raise FormatError(f"it holds more than {_MOST_ITEMS:,} items")
                pairs = item.items() if isinstance(item, dict) else enumerate(item)
                inner += [(part, _joined(path, key)) for key, part in pairs]
            elif item is not None and not isinstance(item, _PLAIN):
                raise FormatError("it holds something else than tensors, lists, dicts, text and numbers")
        level = inner
        if not level:
            return found
    raise FormatError(f"it holds lists in lists, more than {_MOST_LEVELS} deep")


def _joined(path: str, key: Any) -> str:
    own = str(key)[:_LONGEST_NAME]
    return f"{path}.{own}" if path else own


def _load(
    run: Any,
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: Any = None,  # noqa: ARG001  nothing else is ever read
    mmap: Any = None,  # noqa: ARG001  nor is a file mapped
) -> Any:
    """Do what `torch.load(f, weights_only=True)` does, onto the CPU."""
    if pickle_module is not None:
        raise RefusalError(_NO_PICKLE.format("pickle_module"))
    if isinstance(map_location, str | torch.device):
        cpu_device(map_location)
    return _read(run, f, _CHECKPOINTS, read_checkpoint)


def _load_array(
    run: Any,
    file: Any,
    mmap_mode: Any = None,  # noqa: ARG001  a file is not mapped
    allow_pickle: Any = False,  # noqa: ARG001  a pickle is never run
) -> Any:
    """Do what `np.load` does for arrays of numbers."""
    is_archive = isinstance(file, str) and file.lower().endswith(".npz")
    found = _read(run, file, _ARRAYS, read_archive if is_archive else read_array)
    if is_archive:
        return ArrayArchive(file, {name: Array(tensor) for name, tensor in found.items()})
    return Array(found)


def _load_tensors(run: Any, filename: Any, device: Any = "cpu") -> Any:
    """Do what `safetensors.torch.load_file` does, onto the CPU."""
    cpu_device(device)
    return _read(run, filename, _TENSORS, read_tensors)


class TensorFile:
    """An open file of tensors, as `safetensors.safe_open` gives it.

    Attributes:
        name: Its name.
        tensors: The tensors by name.
    """

    __slots__ = ("name", "tensors")

    def __init__(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        self.name, self.tensors = name, tensors


def _get_tensor(run: Any, file: TensorFile, name: Any) -> Tensor:
    """Do what `f.get_tensor(name)` does: each tensor has memory of its own."""
    if not isinstance(name, str) or name not in file.tensors:
        raise KeyError(f"File does not contain tensor {short_repr(name)}")
    with untraced():
        run.budget.charge_copy(file.tensors[name].numel())
        found = file.tensors[name].clone()
    label = f"{file.name}: {name[:_LONGEST_NAME]}"
    run.recorder.label(found, label, label)
    return found


def _safe_open(run: Any, filename: Any, framework: Any = "pt", device: Any = "cpu") -> TensorFile:
    """Do what `safetensors.safe_open` does, onto the CPU."""
    if framework not in ("pt", "torch", "pytorch"):
        raise RefusalError("tensors are read for torch here: framework='pt'")
    cpu_device(device)
    return TensorFile(str(filename), _read(run, filename, _TENSORS, read_tensors))


def _save_tensors(_run: Any, *_: Any, **__: Any) -> None:
    raise RefusalError("a program writes no files")


def _load_text(
    run: Any,
    fname: Any,
    dtype: Any = float,
    comments: Any = "#",
    delimiter: Any = None,
    *,
    skiprows: int = 0,
    usecols: Any = None,
    unpack: bool = False,
    ndmin: int = 0,
    encoding: Any = None,  # noqa: ARG001  numbers are ASCII
    max_rows: int | None = None,
) -> Array:
    """Do what `np.loadtxt` does for a table of numbers."""
    return _table(
        run, fname, dtype, comments, delimiter, skiprows, usecols, max_rows, unpack=unpack, ndmin=ndmin
    )


def _load_incomplete(
    run: Any,
    fname: Any,
    dtype: Any = float,
    comments: Any = "#",
    delimiter: Any = None,
    skip_header: int = 0,
    *,
    usecols: Any = None,
    unpack: bool = False,
    ndmin: int = 0,
    encoding: Any = None,  # noqa: ARG001  numbers are ASCII
    max_rows: int | None = None,
) -> Array:
    """Do what `np.genfromtxt` does for a table of numbers: what is none is NaN."""
    return _table(
        run,
        fname,
        dtype,
        comments,
        delimiter,
        skip_header,
        usecols,
        max_rows,
        unpack=unpack,
        ndmin=ndmin,
        takes_missing=True,
    )


def _table(
    run: Any,
    source: Any,
    dtype: Any,
    comments: Any,
    delimiter: Any,
    skipped: int,
    usecols: Any,
    most_rows: int | None,
    *,
    unpack: bool,
    ndmin: int,
    takes_missing: bool = False,
) -> Array:
    """Return the numbers of a file of text as an array, without axes of one cell."""
    kind = torch_dtype(dtype)
    columns: Sequence[int] | None = [usecols] if isinstance(usecols, int) else usecols
    for given, kinds in (
        (comments, str | None),
        (delimiter, str | None),
        (columns, list | tuple | range | None),
    ):
        if not isinstance(given, kinds):
            raise TypeError(f"a table is not read with {short_repr(given)} here")
    if isinstance(source, TextFile):
        lines = source.rest()
    else:
        text = read_allowed(run, source, TEXTS, MOST_TEXT).decode("utf-8")
        lines = text.replace("\r\n", "\n").replace("\r", "\n").splitlines()
    run.budget.step(sum(map(len, lines)) // 4)
    name = source.name if isinstance(source, TextFile) else source
    try:
        rows = rows_of_numbers(
            lines,
            delimiter=delimiter or None,
            comments=comments,
            skipped=skipped,
            columns=columns,
            most_rows=most_rows,
            whole=not kind.is_floating_point,
            takes_missing=takes_missing,
        )
    except FormatError as error:
        raise ValueError(f"{short_repr(name)}: {error}") from None
    cells = sum(map(len, rows))
    run.budget.charge_copy(cells)
    with untraced():
        table = torch.tensor(rows, dtype=kind)
        table = table.T if unpack and table.dim() == 2 else table
        while table.dim() > ndmin and 1 in table.shape:
            table = table.squeeze([*table.shape].index(1))
    run.recorder.label(table, str(name), str(name))
    return Array(table)


def _close(_run: Any, _archive: ArrayArchive) -> None:
    """Close an archive: it is read already."""


LOAD = RunFunction("load", _load)
NUMPY: Mapping[str, RunFunction] = {
    "load": RunFunction("load", _load_array),
    "loadtxt": RunFunction("loadtxt", _load_text),
    "genfromtxt": RunFunction("genfromtxt", _load_incomplete),
}
SAFE_OPEN = RunFunction("safe_open", _safe_open)
FILE_METHODS: Mapping[str, Any] = {
    "keys": lambda file: sorted(file.tensors),
    "get_tensor": RunFunction("get_tensor", _get_tensor),
}
"""The methods of an open file of tensors."""
SAFETENSORS: Mapping[str, RunFunction] = {
    "load_file": RunFunction("load_file", _load_tensors),
    "save_file": RunFunction("save_file", _save_tensors),
}
ARCHIVE_METHODS: Mapping[str, Any] = {
    "keys": dict.keys,
    "values": dict.values,
    "items": dict.items,
    "get": dict.get,
    "close": RunFunction("close", _close),
}
"""The methods of an archive of arrays."""
ARCHIVE_ATTRIBUTES: Mapping[str, Callable[[ArrayArchive], Any]] = {"files": lambda archive: [*archive]}
"""Its attributes."""
