"""A rehearsal: a program gone through before it is run, apart from all that the run uses."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from llm_linalg import ranks
from llm_linalg.foresight.apart import Others, without_gradients
from llm_linalg.foresight.comprehended import Comprehended
from llm_linalg.foresight.flow import Perhaps
from llm_linalg.foresight.hollow import Fails
from llm_linalg.foresight.least import Least
from llm_linalg.foresight.start import Start
from llm_linalg.foresight.timed import Ends
from llm_linalg.foresight.unknown import Undecided
from llm_linalg.generator import forked
from llm_linalg.language.printing import CHOSEN
from llm_linalg.language.source import Source
from llm_linalg.language.statements import Broken, Continued, Returned


class Rehearsal(Comprehended):
    """Goes through a program before it is run, from where a run started or is now."""

    def __init__(
        self,
        source: Source,
        halt: Callable[[], bool],
        modules: Mapping[str, Any],
        exact: bool = False,
        dearest: bool = False,
    ) -> None:
        super().__init__(source, {}, Least(halt=halt))
        self._modules = dict(modules)
        self.exact, self.dearest = exact, dearest
        if exact or dearest:
            self.hurry()
        self._finished = False

    @property
    def told_all(self) -> bool:
        """Whether it told all that the statements do, or, in the dearest case, may do."""
        return self._finished and not self.left_open

    def refuse(self, start: Start) -> None:
        """Refuse statements that will surely ask for more than is left.

        Raises:
            LimitError: If they will, with the place where.
            HaltedError: If the run is to end.
        """
        self.names, values = start.known(leaves=not self.freezes, ways=self.goes_back)
        self.recorder.severed = start.severed
        self.budget.left = start.left
        options = CHOSEN.set(start.options)
        try:
            with forked(), without_gradients(), ranks.joined(Others()), self.hollow:
                loop = start.statements[0] if start.statements else None
                if values is not None and isinstance(loop, ast.For):
                    self.turns(loop, values)
                else:
                    self._block(start.statements)
            self._finished = True
        except (Ends, Fails, Undecided, RecursionError, Perhaps, Returned, Broken, Continued):
            pass  # it is left to the run
        finally:
            CHOSEN.reset(options)
