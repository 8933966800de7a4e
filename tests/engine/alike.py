"""Programs whose oracle is plain Python with plain torch: both print the same."""

from __future__ import annotations

import random
import re
import warnings
from contextlib import redirect_stdout
from io import StringIO

import torch

from tests.engine.here import run

SETUP = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
ADDRESS = re.compile(r"0x[0-9a-f]+")


def programs(text: str) -> list[str]:
    """Returns the programs of a text, which blank lines part."""
    return text.strip().split("\n\n")


def printed(program: str) -> str:
    """Returns what plain Python and torch print; settings are as before."""
    out = StringIO()
    options, drawn = vars(torch._tensor_str.PRINT_OPTS).copy(), random.getstate()
    try:
        with torch.random.fork_rng(), redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            random.seed(0)
            exec(SETUP + program, {"__name__": "__main__"})  # noqa: S102  listed or drawn by a test
    finally:
        random.setstate(drawn)
        torch.set_grad_enabled(True)
        torch.set_default_device(None)  # else each call of a later test would go through Python first
        torch.backends.cudnn.deterministic = False
        vars(torch._tensor_str.PRINT_OPTS).update(options)
    return out.getvalue()


def assert_alike(program: str) -> None:
    """A program that is recorded prints what plain Python prints, but for addresses."""
    recorded, plain = run(SETUP + program).printed, printed(program)
    assert ADDRESS.sub("", recorded) == ADDRESS.sub("", plain), program
