"""Plotting calls of a notebook, taken as numbers: `plt.plot(x, y)`, `ax.imshow(W)`, `plt.hist(x)`."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.language.arithmetic import NUMBER_TYPES
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.figures import Figure
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.recording.plot import Plot, PlotKind, PlotSeries

MOST_POINTS = 2_000
MOST_SERIES = 3
MOST_BINS = 100
_LINES: Mapping[str, PlotKind] = {
    **dict.fromkeys(["plot", "semilogx", "semilogy", "loglog", "step", "lineplot"], "curve"),
    **dict.fromkeys(["scatter", "scatterplot", "stem"], "points"),
    **dict.fromkeys(["bar", "barh", "barplot"], "bars"),
}
_PICTURES = frozenset(["imshow", "matshow", "heatmap", "pcolormesh", "pcolor"])


def take_plot(
    run: Interpreter, node: ast.AST, figure: Figure, arguments: Sequence[Any], named: Mapping[str, Any]
) -> None:
    """Note what a call plots, if it is a plot of numbers that the app draws."""
    name = figure.path.rpartition(".")[2]
    shown = _plot_of(run, node, name, arguments, named)
    if shown is None:
        return
    before = run.plot
    if before is not None and before.kind == shown.kind and before.series:
        shown = shown._replace(series=(*before.series, *shown.series)[:MOST_SERIES])
    elif before is not None:
        return  # the first kind of a cell's plots stays
    run.plot, run.is_drawn = shown, True


def _plot_of(
    run: Interpreter, node: ast.AST, name: str, arguments: Sequence[Any], named: Mapping[str, Any]
) -> Plot | None:
    if not arguments:
        return None
    if name in _PICTURES:
        value = arguments[0].tensor if isinstance(arguments[0], Array) else arguments[0]
        made = run.recorder.node_of(value) if isinstance(value, Tensor) and value.dim() == 2 else None
        return None if made is None else Plot("heat", node=made.index)
    texts = [run.source.text_of(item) for item in node.args] if isinstance(node, ast.Call) else []
    numbers = [_numbers(run, value) for value in arguments[:2]]
    if name == "hist" and numbers[0]:
        bins = named.get("bins", arguments[1] if len(arguments) > 1 else 10)
        return Plot("bars", (PlotSeries(_name(texts[:1]), _histogram(numbers[0], bins)),))
    kind = _LINES.get(name)
    if kind is None or not numbers[0]:
        return None
    both = len(numbers) > 1 and numbers[1] is not None and len(numbers[1]) == len(numbers[0])
    ys = numbers[1] if both and numbers[1] is not None else numbers[0]
    xs = numbers[0] if both else [float(k) for k in range(len(ys))]
    label = named.get("label")
    title = label if isinstance(label, str) else _name(texts[1:2] if both else texts[:1])
    return Plot(kind, (PlotSeries(title[:40], tuple(zip(xs, ys, strict=True))),))


def _name(texts: Sequence[str]) -> str:
    return next((text for text in texts if len(text) <= 40 and "\n" not in text), "values")


def _numbers(run: Interpreter, value: Any) -> list[float] | None:
    """Return the numbers of a vector; None for anything else, or for very many."""
    value = value.tensor if isinstance(value, Array) else value
    if isinstance(value, Tensor):
        with untraced():
            if value.dim() != 1 or not 0 < value.numel() <= MOST_POINTS or value.is_complex():
                return None
            run.budget.step(value.numel())
            return [float(number) for number in value.detach().tolist()]
    if not isinstance(value, list | tuple | range) or not 0 < len(value) <= MOST_POINTS:
        return None
    run.budget.step(len(value))
    found: list[float] = []
    for item in value:
        if isinstance(item, Tensor):
            with untraced():
                if item.numel() != 1 or item.is_complex():
                    return None
                found.append(float(item.item()))
        elif item.__class__ in NUMBER_TYPES or item.__class__ is bool:
            found.append(float(item))
        else:
            return None
    return found


def _histogram(numbers: Sequence[float], bins: Any) -> tuple[tuple[float, float], ...]:
    """Return the middle of each bin and how many numbers lie in it."""
    finite = [number for number in numbers if math.isfinite(number)] or [0.0]
    count = bins if isinstance(bins, int) and 0 < bins <= MOST_BINS else 10
    low, high = min(finite), max(finite)
    low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
    edges = [low + (high - low) * k / count for k in range(count + 1)]
    inside = [0] * count
    for number in finite:
        inside[min(int((number - low) / (high - low) * count), count - 1)] += 1
    middles = [(left + right) / 2 for left, right in pairwise(edges)]
    return tuple(zip(middles, map(float, inside), strict=True))
