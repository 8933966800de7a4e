"""What the engine itself asks of tensors is no part of the program that is being recorded."""

from __future__ import annotations

import torch

untraced = torch._C.DisableTorchFunction
"""``with untraced():`` no function mode sees the torch calls inside: they are no step of a program."""
