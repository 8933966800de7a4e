"""Plotting in a notebook: modules of ours that take any call, draw nothing, and keep the numbers plotted.

While `Plots.installed` lasts, an import of a plotting package gives one of these, whether the real one is
there or not. `plot`, `bar`, `hist`, `scatter` and the like are kept as numbers, which the app draws; a matrix
as the node that it is of. Whatever else is asked for is another `BlankFigure`.
"""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from itertools import islice
from opcode import opmap
from types import FrameType, ModuleType
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.recording.plot import Plot, PlotKind, PlotSeries

MOST_POINTS = 2_000
MOST_SERIES = 3
MOST_BINS = 100
LONGEST_NAME = 40
_NAMES = """
    matplotlib matplotlib_inline mpl_toolkits pylab seaborn plotly bokeh altair IPython ipywidgets
"""
PACKAGES = frozenset(_NAMES.split())
"""Packages whose only effect is on what is seen beside a program."""
_LINES: Mapping[str, PlotKind] = {
    **dict.fromkeys(["plot", "semilogx", "semilogy", "loglog", "step", "lineplot"], "curve"),
    **dict.fromkeys(["scatter", "scatterplot", "stem"], "points"),
    **dict.fromkeys(["bar", "barh", "barplot"], "bars"),
}
_PICTURES = frozenset(["imshow", "matshow", "heatmap", "pcolormesh", "pcolor"])
_HISTOGRAMS = frozenset(["hist", "histplot"])


class BlankFigureError(TypeError):
    """A program that wants a number of a drawing, which is not drawn."""


class BlankFigure:
    """A figure, axes, or a function of a plotting package: what is asked of one is another."""

    __slots__ = ("_path", "_plots")

    def __init__(self, plots: Plots, path: str) -> None:
        object.__setattr__(self, "_plots", plots)
        object.__setattr__(self, "_path", path)

    def __repr__(self) -> str:
        return "<a drawing>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # whoever asks for these looks for what kind of object it is
            raise AttributeError(name)
        return BlankFigure(self._plots, f"{self._path}.{name}"[-100:])

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Take a call, whose numbers may be plotted."""
        return self._plots.call(self._path.rpartition(".")[2], self, arguments, named, sys._getframe(1))

    def __iter__(self) -> Iterator[BlankFigure]:
        return iter([self] * _unpacked(sys._getframe(1)))

    def __mro_entries__(self, _bases: object) -> tuple[type, ...]:
        return ()

    def _itself(self, *_: object) -> BlankFigure:
        return self

    def _nothing(self, *_: object) -> None:
        pass

    __getitem__ = __enter__ = _itself
    __setitem__ = __setattr__ = __exit__ = __contains__ = _nothing

    def _number(self, *_: object) -> Any:
        raise BlankFigureError(f"{self._path} is a plot, which is not drawn here: it has no value")

    __float__ = __int__ = __index__ = __len__ = __array__ = __add__ = __radd__ = __sub__ = __mul__ = _number
    __rsub__ = __rmul__ = __truediv__ = __rtruediv__ = __lt__ = __gt__ = _number


def _unpacked(frame: FrameType) -> int:
    """Return into how many names a frame unpacks something just now; 0 if it does something else."""
    code, place = frame.f_code.co_code, frame.f_lasti
    return code[place + 1] if place >= 0 and code[place] == opmap["UNPACK_SEQUENCE"] else 0


class _Finder(MetaPathFinder, Loader):
    """Finds the modules of plotting packages."""

    def __init__(self, plots: Plots) -> None:
        self._plots = plots

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        if fullname.partition(".")[0] not in PACKAGES:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module: Any = ModuleType(spec.name)
        module.__getattr__ = BlankFigure(self._plots, spec.name).__getattr__
        return module  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        pass


class Plots:
    """What a program plots.

    `node_of` returns the position of the node of a tensor or an array; None if it has none.

    Attributes:
        plot: The plot of the cell that is running: its first kind.
        statement: The statement that is running, whose arguments name what is plotted.
    """

    def __init__(self, node_of: Callable[[object], int | None] = lambda _: None) -> None:
        self._node_of = node_of
        self.plot: Plot | None = None
        self.statement: ast.stmt | None = None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let imports of plotting packages give what draws nothing."""
        finder = _Finder(self)
        kept = _take_modules()
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            _take_modules()
            sys.modules.update(kept)

    def call(
        self,
        name: str,
        drawing: BlankFigure,
        arguments: Sequence[Any],
        named: Mapping[str, Any],
        frame: FrameType,
    ) -> Any:
        """Take a call of a plotting package, keep its numbers, and return what stands for its result."""
        with untraced():
            shown = self._plot(name, arguments, named, frame)
        before = self.plot
        if before is None:
            self.plot = shown
        elif shown is not None and before.kind == shown.kind and before.series:
            self.plot = before._replace(series=(*before.series, *shown.series)[:MOST_SERIES])
        if name == "subplots":
            rows, columns = (
                *arguments,
                *(named.get(key, 1) for key in ("nrows", "ncols")[len(arguments) :]),
            )[:2]
            return drawing, _axes(drawing, rows, columns, squeeze=named.get("squeeze", True))
        if name == "hist" and shown is not None:
            points = shown.series[0].points
            return [count for _, count in points], [middle for middle, _ in points], drawing
        if name == "display":
            sys.stdout.writelines(f"{value}\n" for value in arguments if not isinstance(value, BlankFigure))
            return None
        return [drawing] if name == "plot" else drawing

    def _plot(
        self, name: str, arguments: Sequence[Any], named: Mapping[str, Any], frame: FrameType
    ) -> Plot | None:
        values = [*arguments[:2], *(named[key] for key in ("x", "y", "data") if key in named)][:2]
        if not values:
            return None
        if name in _PICTURES:
            node = self._node_of(values[0]) if getattr(values[0], "ndim", 0) == 2 else None
            return None if node is None else Plot("heat", node=node)
        numbers = [_numbers(value) for value in values]
        texts = self._texts(frame)
        if name in _HISTOGRAMS and numbers[0]:
            bins = named.get("bins", arguments[1] if len(arguments) > 1 else 10)
            return Plot("bars", (PlotSeries(_name(texts[:1]), _histogram(numbers[0], bins)),))
        kind = _LINES.get(name)
        if kind is None or not numbers[0]:
            return None
        xs, ys, place = [float(k) for k in range(len(numbers[0]))], numbers[0], 0
        if len(numbers) > 1 and numbers[1] is not None and len(numbers[1]) == len(ys):
            xs, ys, place = ys, numbers[1], 1
        label = named.get("label")
        title = label if isinstance(label, str) else _name(texts[place : place + 1])
        return Plot(kind, (PlotSeries(title[:LONGEST_NAME], tuple(zip(xs, ys, strict=True))),))

    def _texts(self, frame: FrameType) -> list[str]:
        """Return the arguments of the call that a frame of the program makes, as they are written."""
        place = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
        for node in ast.walk(self.statement) if self.statement is not None else ():
            if isinstance(node, ast.Call) and place == (
                node.lineno, node.end_lineno, node.col_offset, node.end_col_offset
            ):  # fmt: skip
                return [ast.unparse(argument) for argument in node.args[:2]]
        return []


def is_blank_figure(value: object) -> bool:
    """Return whether a value is nothing but drawings."""
    if isinstance(value, list | tuple) and value:
        return all(map(is_blank_figure, value))
    return isinstance(value, BlankFigure)


def _take_modules() -> dict[str, ModuleType]:
    """Take the modules of plotting packages from those that are imported."""
    if not any(package in sys.modules for package in PACKAGES):
        return {}  # to look at all names touches memory that processes share
    names = [name for name in sys.modules if name.partition(".")[0] in PACKAGES]
    return {name: sys.modules.pop(name) for name in names}


def _axes(drawing: BlankFigure, rows: Any, columns: Any, *, squeeze: Any) -> Any:
    """Return as many axes as `subplots` does, in an array if there is NumPy."""
    counts = [max(1, min(count, 100)) if isinstance(count, int) else 1 for count in (rows, columns)]
    axes: Any = [[drawing] * counts[1] for _ in range(counts[0])]
    numpy = sys.modules.get("numpy")
    if squeeze and counts == [1, 1]:
        return drawing
    if numpy is not None:
        array = numpy.empty(counts, dtype=object)
        array.fill(drawing)
        return array.squeeze() if squeeze else array
    if squeeze and 1 in counts:
        return [drawing] * max(counts)
    return axes


def _name(texts: Sequence[str]) -> str:
    return next((text for text in texts if len(text) <= LONGEST_NAME and "\n" not in text), "values")


def _numbers(value: Any) -> list[float] | None:
    """Return the numbers of a vector; None for anything else, or for very many."""
    if isinstance(value, Tensor) or hasattr(value, "__array_interface__"):
        if value.ndim != 1 or not 0 < len(value) <= MOST_POINTS:
            return None
        value = (value.detach() if isinstance(value, Tensor) else value).tolist()
    if not isinstance(value, list | tuple | range) or not 0 < len(value) <= MOST_POINTS:
        return None
    if any(isinstance(item, str) for item in value):
        return None
    try:
        return [float(item) for item in value]
    except (TypeError, ValueError, RuntimeError):
        return None


def _histogram(numbers: Sequence[float], bins: Any) -> tuple[tuple[float, float], ...]:
    """Return the middle of each bin and how many numbers lie in it."""
    finite = [number for number in numbers if math.isfinite(number)] or [0.0]
    count = bins if isinstance(bins, int) and 0 < bins <= MOST_BINS else 10
    low, high = min(finite), max(finite)
    low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
    histogram = torch.histogram(torch.tensor(finite, dtype=torch.float64), count, range=(low, high))
    middles = (histogram.bin_edges[1:] + histogram.bin_edges[:-1]) / 2
    return tuple(zip(middles.tolist(), histogram.hist.tolist(), strict=True))
