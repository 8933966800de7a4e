"""`importlib.metadata`: the version of torch, which notebooks print first; nothing is looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from llm_linalg.base.short_repr import short_repr
from llm_linalg.language.refusal import RefusalError


def version(distribution_name: Any) -> str:
    """Do what `importlib.metadata.version` does, for torch alone.

    Raises:
        RefusalError: For another package.
    """
    if distribution_name != "torch":
        raise RefusalError(f"the version of torch alone is told here, not of {short_repr(distribution_name)}")
    return str(torch.__version__)


MEMBERS: Mapping[str, Any] = {"version": version}
