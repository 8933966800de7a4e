"""Plotting in a notebook: what the plotting libraries give takes every call, and draws nothing here."""

from __future__ import annotations

from llm_linalg.base.errors import FigureError


class Figure:
    """A plotting module, a figure, or axes: each attribute, item and call of one is another.

    Attributes:
        path: How the program came by it, such as `plt.subplots`.
    """

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def __repr__(self) -> str:
        return "<a drawing>"

    def member(self, name: str) -> Figure:
        """Return what stands under a name after the dot."""
        return Figure(f"{self.path}.{name}"[:100])

    def __getitem__(self, key: object) -> Figure:
        """Return an item, such as one of several axes."""
        return self

    def error(self) -> FigureError:
        """Return the error of a program that wants a value of it."""
        return FigureError(f"{self.path} is a plot, which is not drawn here: it has no value")

    def unpack(self, count: int) -> tuple[Figure, ...]:
        """Return it as so many values: figure and axes, or several axes."""
        return (self,) * count


_PACKAGES = """
    matplotlib seaborn plotly bokeh altair pylab mpl_toolkits matplotlib_inline IPython warnings ipywidgets
    tensorboard torchviz graphviz torchinfo torchsummary wandb watermark
"""
PACKAGES = frozenset(_PACKAGES.split())
_OF_TORCH = ("torch.utils.tensorboard", "torch.profiler", "torch.autograd.profiler")
"""Packages whose only effect is on what is seen beside the program."""


def figure_of(path: str) -> Figure | None:
    """Return what an import of a plotting package gives; None for any other import."""
    is_one = path.partition(".")[0] in PACKAGES or path.startswith(_OF_TORCH)
    return Figure(path) if is_one else None
