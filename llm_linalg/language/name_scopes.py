"""Scopes that aren't plain dicts: of functions that share names, of classes, and of comprehensions."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from llm_linalg.language.local_names import UNBOUND


class ComprehensionScope(dict[str, Any]):
    """The names of a comprehension: `:=` within it binds its name outside."""

    __slots__ = ()


class ClassScope(dict[str, Any]):
    """The names of a class body: the functions in it don't see them.

    Attributes:
        annotations: What stands behind the colon in `n: int = 1`, by name, in their order.
        functions: The functions that it defines, for which `super()` means the bases of its class.
    """

    __slots__ = ("annotations", "functions")

    def __init__(self) -> None:
        super().__init__()
        self.annotations: dict[str, str] = {}
        self.functions: list[Any] = []


class SharingScope(dict[str, Any]):
    """The names of a function that says `global x` or `nonlocal x`: x is read and bound in another scope.

    Attributes:
        homes: The scope of each shared name.
    """

    __slots__ = ("homes",)

    def __init__(self, homes: Mapping[str, dict[str, Any]]) -> None:
        super().__init__()
        self.homes = homes

    @classmethod
    def within(cls, outer: ChainMap[str, Any], shared: Mapping[str, bool]) -> SharingScope:
        """Return the scope of a function defined within others; `shared` says of which names `global`."""
        homes = {}
        for name, is_global in shared.items():
            inner = () if is_global else outer.maps[:-1]
            homes[name] = next((scope for scope in inner if name in scope), outer.maps[-1])
        return cls({name: _as_plain(name, scope) for name, scope in homes.items()})

    def get(self, name: str, default: Any = None) -> Any:
        """Do what `dict.get` does."""
        home = self.homes.get(name)
        return super().get(name, default) if home is None else home.get(name, default)

    def __getitem__(self, name: str) -> Any:
        home = self.homes.get(name)
        return super().__getitem__(name) if home is None else home[name]

    def __setitem__(self, name: str, value: Any) -> None:
        home = self.homes.get(name)
        if home is None:
            super().__setitem__(name, value)
        else:
            home[name] = value

    def __delitem__(self, name: str) -> None:
        home = self.homes.get(name)
        if home is None:
            super().__delitem__(name)
        else:
            del home[name]

    def __contains__(self, name: object) -> bool:
        home = self.homes.get(name) if isinstance(name, str) else None
        return super().__contains__(name) if home is None else name in home


def _as_plain(name: str, scope: Any) -> dict[str, Any]:
    """Return the scope that a name has in the end: a scope may share it in turn."""
    found: dict[str, Any] = scope.homes.get(name, scope) if isinstance(scope, SharingScope) else scope
    return found


def visible_inside(names: ChainMap[str, Any]) -> ChainMap[str, Any]:
    """Return the names that a scope within another sees: all but those of a class body."""
    return names.parents if isinstance(names.maps[0], ClassScope) else names


def unbind(names: ChainMap[str, Any], name: str) -> None:
    """Take a name's value away; one that is local to a function stays local."""
    scope: Any = names.maps[0]
    if isinstance(scope, SharingScope):
        scope = scope.homes.get(name, scope)
    if scope is names.maps[-1] or isinstance(scope, ClassScope):
        scope.pop(name, None)
    else:
        scope[name] = UNBOUND
