"""Keep the engine's own torch calls out of the program that is being recorded."""

from __future__ import annotations

import torch

untraced = torch._C.DisableTorchFunction
"""A context manager: function modes don't see the torch calls inside `with untraced():`."""
