"""Run what is given to `torch.compile` as it is written: a compiled function shows none of its calls."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

DISABLED = "TORCHDYNAMO_DISABLE"  # read from the environment by each call of `torch.compile`


@contextmanager
def uncompiled() -> Iterator[None]:
    """Have torch compile nothing while the context is open; only one may be open at a time.

    The compiler is asked where it has been imported, for what it was given before. Importing it takes a
    second or more: where it has not been, the environment says so, in case the program calls it.
    """
    if "torch._dynamo" in sys.modules:
        with torch.compiler.set_stance("force_eager"):
            yield
        return
    before = os.environ.get(DISABLED)
    os.environ[DISABLED] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[DISABLED]
        else:
            os.environ[DISABLED] = before
