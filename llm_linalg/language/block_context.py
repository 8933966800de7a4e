"""What `contextlib` makes for a `with`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llm_linalg.language.item_iterator import ItemIterator


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BlockContext:
    """A context manager.

    Attributes:
        value: What the name after `as` is bound to.
        generator: The generator of a `@contextmanager`, which gives that value instead; None for others.
        suppressed: The exceptions that end the `with` and no more.
    """

    value: Any = None
    generator: ItemIterator | None = None
    suppressed: tuple[type[BaseException], ...] = ()

    def __repr__(self) -> str:
        return "<a context>"
