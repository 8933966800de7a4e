"""The parameters of a function of the program, and how arguments are bound to them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class ArgumentsError(TypeError):
    """Arguments that don't fit the parameters of a function.

    Args:
        title: The function's name.
        said: What is shown, behind the name.
        words: What Python says, behind the name and `()`.

    Attributes:
        path: The function's name within the functions and classes around it.
        words: What Python says.
    """

    def __init__(self, title: str, said: str, words: str) -> None:
        super().__init__(f"{title} {said}")
        self.path, self.words = title, words

    @property
    def exception(self) -> TypeError:
        """What Python raises."""
        return TypeError(f"{self.path}() {self.words}")


class ParameterList(NamedTuple):
    """The parameters of a definition.

    Attributes:
        places: Those that take arguments by position.
        unnamed: How many of them take arguments by position alone: those before a `/`.
        named: Those that take arguments by name alone.
        rest: The one that takes all other arguments by position, as in `*args`; None if there is none.
        rest_named: Likewise for those by name, as in `**kwargs`.
        is_plain: Whether there are only places.
    """

    places: tuple[str, ...]
    unnamed: int
    named: tuple[str, ...]
    rest: str | None
    rest_named: str | None
    is_plain: bool

    @classmethod
    def of(cls, args: ast.arguments) -> ParameterList:
        """Return the parameters that stand in a definition."""
        places = tuple([arg.arg for arg in (*args.posonlyargs, *args.args)])
        named = tuple([arg.arg for arg in args.kwonlyargs])
        rest = None if args.vararg is None else args.vararg.arg
        rest_named = None if args.kwarg is None else args.kwarg.arg
        is_plain = not (args.posonlyargs or named or rest or rest_named)
        return cls(places, len(args.posonlyargs), named, rest, rest_named, is_plain)

    def bind(
        self, title: str, arguments: Sequence[Any], named: Mapping[str, Any], defaults: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the values of the parameters by name.

        Args:
            title: The function's name.
            arguments: The arguments by position.
            named: Those by name.
            defaults: The values of parameters that need no argument.

        Raises:
            ArgumentsError: If the arguments don't fit.
        """
        places = self.places
        if self.is_plain and not named and len(arguments) == len(places):
            return dict(zip(places, arguments, strict=True))
        positional = dict(zip(places, arguments, strict=False))
        values = {**defaults, **positional}
        free = {*places[self.unnamed :], *self.named} - positional.keys()
        others: dict[str, Any] = {}
        for name, value in named.items():
            if name in free:
                values[name] = value
            elif self.rest_named is not None and (name not in positional or name in places[: self.unnamed]):
                others[name] = value
            else:
                raise ArgumentsError(title, f"has no free parameter {name}", self._misnamed(name))
        if len(arguments) > len(places) and self.rest is None:
            said = f"takes {len(places)} argument{_plural(len(places))}, not {len(arguments)}"
            raise ArgumentsError(title, said, self._too_many(arguments, named, defaults))
        missing = [name for name in (*places, *self.named) if name not in values]
        if missing:
            raise ArgumentsError(title, f"also needs {', '.join(missing)}", self._missing(missing))
        if self.rest is not None:
            values[self.rest] = tuple(arguments[len(places) :])
        if self.rest_named is not None:
            values[self.rest_named] = others
        return values

    def _misnamed(self, name: str) -> str:
        """Return what Python says of an argument by name that no parameter takes."""
        if name in self.places[: self.unnamed]:
            return f"got some positional-only arguments passed as keyword arguments: '{name:.100}'"
        if name in self.places:
            return f"got multiple values for argument '{name:.100}'"
        return f"got an unexpected keyword argument '{name:.100}'"

    def _too_many(
        self, arguments: Sequence[Any], named: Mapping[str, Any], defaults: Mapping[str, Any]
    ) -> str:
        most, given = len(self.places), len(arguments)
        optional = sum(name in defaults for name in self.places)
        takes = f"from {most - optional} to {most}" if optional else f"{most}"
        by_name = sum(name in self.named for name in named)
        also = f" positional argument{_plural(given)} (and {by_name} keyword-only argument{_plural(by_name)})"
        were = "was" if given == 1 and not by_name else "were"
        several = "s" if optional else _plural(most)
        return f"takes {takes} positional argument{several} but {given}{also if by_name else ''} {were} given"

    def _missing(self, names: Sequence[str]) -> str:
        """Return what Python says of parameters without a value: those by position come first."""
        by_position = [name for name in names if name in self.places]
        kind, missing = ("positional", by_position) if by_position else ("keyword-only", names)
        quoted = [f"'{name}'" for name in missing]
        *first, last = quoted
        shown = f"{', '.join(first)}{',' * (len(first) > 1)} and {last}" if first else last
        return f"missing {len(quoted)} required {kind} argument{_plural(len(quoted))}: {shown}"


def _plural(count: int) -> str:
    return "" if count == 1 else "s"
