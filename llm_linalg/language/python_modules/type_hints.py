"""`typing` and `collections.abc`: names for annotations, which are never looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.type_function import HINT

_OF_BOTH = """
    Callable Collection Container Generator Hashable Iterable Iterator Mapping MutableMapping
    MutableSequence MutableSet Reversible Sequence Sized
"""
_OF_TYPING = """
    Annotated Any ClassVar Counter DefaultDict Deque Dict Final FrozenSet List Literal NoReturn Optional Self
    Set Text Tuple Type TypeAlias Union
"""


def _cast(_run: Interpreter, _kind: Any, value: Any) -> Any:
    """Do what `typing.cast` does: nothing."""
    return value


TYPING: Mapping[str, Any] = {
    **dict.fromkeys([*_OF_BOTH.split(), *_OF_TYPING.split()], HINT),
    "TYPE_CHECKING": False,
    "cast": RunFunction("cast", _cast),
}
ABSTRACT: Mapping[str, Any] = dict.fromkeys([*_OF_BOTH.split(), "Set"], HINT)
"""What stands in `collections.abc`."""
