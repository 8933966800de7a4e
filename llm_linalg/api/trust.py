"""Whether foreign programs may run with the user's rights where this machine has no lock.

Said for a whole process by `--trust`, by `LLM_LINALG_TRUST=1` and by the pytest option `linalg_trust`; for
one program by the argument `trust`. Where a lock holds it means nothing: programs are locked in all the same.
"""

from __future__ import annotations

import os

VARIABLE = "LLM_LINALG_TRUST"
YES = ("1", "true", "yes", "on")

_everything = False


def trust_everything(trusted: bool = True) -> None:
    """Say whether every program of this process is trusted."""
    global _everything  # noqa: PLW0603  a process has one user, who says it once
    _everything = trusted


def is_trusted(trust: bool) -> bool:
    """Return whether a program may run without a lock, given what was said for it alone."""
    return trust or _everything or os.environ.get(VARIABLE, "").lower() in YES
