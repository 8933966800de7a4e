"""The parameters of a function of the program, and how arguments are bound to them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


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
            TypeError: If the arguments don't fit.
        """
        places = self.places
        if self.is_plain and not named and len(arguments) == len(places):
            return dict(zip(places, arguments, strict=True))
        if len(arguments) > len(places) and self.rest is None:
            count = len(places)
            raise TypeError(f"{title} takes {count} argument{'s' * (count != 1)}, not {len(arguments)}")
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
                raise TypeError(f"{title} has no free parameter {name}")
        missing = [name for name in (*places, *self.named) if name not in values]
        if missing:
            raise TypeError(f"{title} also needs {', '.join(missing)}")
        if self.rest is not None:
            values[self.rest] = tuple(arguments[len(places) :])
        if self.rest_named is not None:
            values[self.rest_named] = others
        return values
