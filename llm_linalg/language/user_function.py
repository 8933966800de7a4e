"""The values of functions that the program defines."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llm_linalg.language.autograd import GradMode
from llm_linalg.language.local_names import local_names_of, shared_names_of
from llm_linalg.language.methods import Bindable
from llm_linalg.language.signatures import ParameterList
from llm_linalg.language.source import Source
from llm_linalg.language.suspension import pauses_of


@dataclass(frozen=True, slots=True, eq=False)
class FunctionCode:
    """What a definition says, found once for all its functions and calls.

    Attributes:
        node: The definition.
        parameters: The parameters.
        body: The statements, or the expression of a `lambda`.
        local_names: The names that it binds itself, all of them unbound.
        shared_names: The names of which it says `global` (True) or `nonlocal` (False).
        pauses: The statements in which it yields, and those around them; none unless it is a generator.
    """

    node: ast.FunctionDef | ast.Lambda
    parameters: ParameterList
    body: Sequence[ast.stmt] | ast.expr
    local_names: Mapping[str, Any]
    shared_names: Mapping[str, bool]
    pauses: frozenset[ast.AST]

    @classmethod
    def of(cls, node: ast.FunctionDef | ast.Lambda) -> FunctionCode:
        """Return what a definition says."""
        body: Sequence[ast.AST] = node.body if isinstance(node, ast.FunctionDef) else [node.body]
        shared = shared_names_of(body)
        return cls(
            node, ParameterList.of(node.args), node.body, local_names_of(body), shared, pauses_of(body)
        )


@dataclass(slots=True, eq=False, repr=False)
class UserFunction(Bindable):
    """A function that the program defines.

    Attributes:
        name: Its name; `<lambda>` if it has none.
        path: The name within the functions around it, as Python's `__qualname__`.
        code: What its definition says.
        defaults: The values of parameters that need no argument.
        scope: The names around the definition.
        modes: The gradient modes above it, as in `@torch.no_grad()`.
        source: The program that it stands in, which need not be the one that calls it.
        owner: The class in whose body it stands; None outside of all.
    """

    name: str
    path: str
    code: FunctionCode
    defaults: Mapping[str, Any]
    scope: ChainMap[str, Any]
    modes: tuple[GradMode, ...]
    source: Source
    owner: Any = None

    def __repr__(self) -> str:  # its scope may be endless to write
        return "<a function>"

    def __deepcopy__(self, _memo: Any) -> UserFunction:
        return self

    @property
    def qualified_name(self) -> str:
        """Its path, within its class if it stands in one."""
        outer, dot, name = self.path.rpartition(".")
        is_member = self.owner is not None and not outer.endswith("<locals>")
        return f"{outer}{dot}{self.owner.__name__}.{name}" if is_member else self.path

    @property
    def first_parameter(self) -> str:
        """The name of its first parameter, `self` in a method; empty if it has none."""
        return next(iter(self.code.parameters.places), "")
