"""`python -m tui` does the same as `llm-linalg`."""
# ruff: noqa: I002 - `__future__` too would be looked for in the current folder

import os
import sys

# Python puts the current folder first, whose `torch.py` may be anybody's; `llm-linalg` never looks there.
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - not loaded yet
if sys.path and sys.path[0] == os.getcwd() != _OWN:  # noqa: PTH109
    del sys.path[0]

from llm_linalg.launcher import command  # noqa: E402

if __name__ == "__main__":
    sys.exit(command())
