"""The looks that a lesson may ask for, by name. How each is drawn stands in `tui.looks.look_table`."""

from __future__ import annotations

from typing import Literal, get_args

LookName = Literal["numbers", "plane", "bars", "curve", "weave", "symbols", "heat", "both"]
LOOK_NAMES: tuple[LookName, ...] = get_args(LookName)
