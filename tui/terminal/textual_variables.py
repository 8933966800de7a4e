"""The variables of the environment that Textual reads: those that act on this app.

Textual is made for developers of apps: its variables load a module in the place of the driver, write logs and
screenshots, press keys, and talk to a console. An environment that somebody else has written must not do that
to a program that opens foreign text. So only those that change how the screen is sent are left in place.
"""

from __future__ import annotations

from collections.abc import MutableMapping

PERMISSION = "LLM_LINALG_TEXTUAL"
"""With the value 1, every variable of Textual's acts."""
HARMLESS = frozenset(
    {
        "TEXTUAL_ALLOW_SIGNALS",
        "TEXTUAL_ANIMATIONS",
        "TEXTUAL_COLOR_SYSTEM",
        "TEXTUAL_DIM_FACTOR",
        "TEXTUAL_DISABLE_KITTY_KEY",
        "TEXTUAL_FPS",
        "TEXTUAL_SMOOTH_SCROLL",
        "TEXTUAL_SPEEDUPS",
    }
)


def remove(environment: MutableMapping[str, str]) -> None:
    """Remove the variables that may do more, unless the user lets them; before Textual is imported."""
    if environment.get(PERMISSION) == "1":
        return
    for name in [*environment]:
        if name.startswith("TEXTUAL") and name not in HARMLESS:
            del environment[name]
