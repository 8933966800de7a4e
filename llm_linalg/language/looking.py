"""What is under way in a run and rehearsed by itself, once: nothing is known of it by how the rest goes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from llm_linalg.language.moments import Moment, Moments
from llm_linalg.language.pace import Going
from llm_linalg.parsing import walk

_SIMPLE = ast.Assign | ast.AugAssign | ast.Expr | ast.Return
MANY_TURNS = 30  # of a loop within others that is worth a rehearsal of its own


class Looking(Moments):
    """Evaluates what an `Assigner` does; parts of it can be rehearsed that are under way."""

    _body: Sequence[ast.stmt] = ()  # what is being run, whole
    _by_others = False  # whether it was told by the pace of other loops how much a program does

    def look_anew(self) -> None:
        """Look at a run from its start: nothing of it is under way, and nothing was looked at."""
        self._looked_at, self._passed = set[ast.stmt](), set[ast.stmt]()
        self._doing = list[Moment]()
        self._places: dict[ast.stmt, int] | None = None  # of the program's statements, when asked for
        self._active, self._passive = set[ast.stmt](), set[ast.stmt]()

    def _look_at(self, inner: Going) -> None:
        """Rehearse a loop of many turns within others, once: by how those go nothing is known of it.

        Raises:
            LimitError: If it surely asks for more than is left.
        """
        loop = inner.moment.statements[0]
        if len(inner.moment.values or ()) >= MANY_TURNS and loop not in self._looked_at:
            self._looked_at.add(loop)
            self._gone_through(inner.moment)

    def _look_beyond(self, loop: Moment) -> None:
        """Rehearse what comes after an outermost loop, once: more is known than at the program's start.

        Raises:
            LimitError: If it surely asks for more than is left.
        """
        place = self._place(loop)
        if 0 <= place < len(self._body) - 1 and loop.statements[0] not in self._passed:
            self._passed.add(loop.statements[0])
            self._gone_through(loop._replace(statements=self._body[place:]), brief=True)

    def _place(self, moment: Moment) -> int:
        """Return the place of what is about to be run among the program's statements; -1 if within one."""
        if self._places is None:
            self._places = {item: place for place, item in enumerate(self._body)}
        return self._places.get(moment.statements[0], -1)

    def comprehends(self, node: ast.stmt) -> bool:
        """Whether items are gone through within a statement that is no block."""
        if node in self._active:
            return True
        inner = walk(node) if isinstance(node, _SIMPLE) else ()
        found = any(isinstance(part, ast.comprehension) for part in inner)
        (self._active if found else self._passive).add(node)
        return found

    @contextmanager
    def watched(self, node: ast.stmt) -> Iterator[None]:
        """Know a statement that is under way while the context is open; it may go through many items."""
        self._doing.append(self._moment([node]))
        try:
            if self._by_others:
                self._look_within()
            yield
        finally:
            self._doing.pop()

    def _look_within(self) -> None:
        """Rehearse what is under way that goes through items, as `_look_at` does a loop.

        Raises:
            LimitError: If it surely asks for more than is left.
        """
        for moment in self._doing:
            if moment.statements[0] not in self._looked_at:
                self._looked_at.add(moment.statements[0])
                self._gone_through(moment)
