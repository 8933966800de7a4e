"""Programs whose oracle is plain Python with plain torch: both print the same."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

import torch

SETUP = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"


def programs(text: str) -> list[str]:
    """Returns the programs of a text, which blank lines part."""
    return text.strip().split("\n\n")


def printed(program: str) -> str:
    """Returns what plain Python and torch print; torch's settings are as before."""
    out = StringIO()
    torch.manual_seed(0)
    options = vars(torch._tensor_str.PRINT_OPTS).copy()
    try:
        with redirect_stdout(out):
            exec(SETUP + program, {})  # noqa: S102  listed or drawn by a test
    finally:
        torch.set_grad_enabled(True)
        torch.set_default_device(None)  # else each call of a later test would go through Python first
        torch.backends.cudnn.deterministic = False
        vars(torch._tensor_str.PRINT_OPTS).update(options)
    return out.getvalue()
