"""Words and bounds shared by lessons, command lines and the engine; importing them costs nothing."""

from __future__ import annotations

from typing import Literal, get_args

ORDER_NAMES = (
    "cells",
    "terms",
    "rows",
    "columns",
    "outer",
    "wave",
)  # implemented in `llm_linalg.walks.orders`
LookName = Literal["numbers", "plane", "bars", "curve", "weave", "symbols", "heat", "both"]
LOOK_NAMES: tuple[LookName, ...] = get_args(LookName)  # those beyond numbers and heat: `tui.looks.look_table`
HUES = ("blue", "green", "violet", "pink", "teal", "brown")  # colours that a lesson may give to a tensor
MOST_RANKS = 8  # devices that one program may run on
PRESET_NAMES = ("torch", "nn", "F", "math", "dist")  # modules that a program has without importing them
