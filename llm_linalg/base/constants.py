"""Words and bounds shared by lessons, command lines and the engine; importing them costs nothing."""

from __future__ import annotations

from typing import Literal, get_args

LookName = Literal[
    "numbers", "plane", "bars", "curve", "weave", "symbols", "top", "devices", "heat", "both", "attention",
    "sizes", "values", "changes",
]  # fmt: skip
LOOK_NAMES: tuple[LookName, ...] = get_args(LookName)  # of `tui.looks.look_table`, and of the map
ORDER_NAMES = ("cells", "terms", "rows", "columns", "outer", "wave")  # of `llm_linalg.walks.orders`
HUES = ("blue", "green", "violet", "pink", "teal", "brown")  # colours that a lesson may give to a tensor
MOST_TRACE_BYTES = 2**33  # of a saved trace
MOST_RANKS = 8  # devices that one program may run on
PRESET_NAMES = ("torch", "nn", "F", "math", "dist")  # modules that a program has without importing them
