"""How many colours a terminal has, as the environment says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

ColorDepth = Literal["standard", "256", "truecolor"]

# Names of terminals that have 16 colours or fewer: the first word of TERM. A name that is none of these
# (alacritty, foot, wezterm, whatever comes) is a modern terminal's.
FEW = frozenset(
    ("ansi", "cons25", "console", "cygwin", "dtterm", "eterm", "hurd", "linux", "minix", "putty", "rxvt",
     "screen", "st", "sun", "teraterm", "tmux", "xterm")
)  # fmt: skip
MODERN = ("kitty", "ghostty", "direct", "truecolor", "24bit")


def color_depth(environment: Mapping[str, str]) -> tuple[ColorDepth, str]:
    """Return the colours of the terminal, and why."""
    declared = environment.get("COLORTERM", "").strip().lower()
    if declared in ("truecolor", "24bit"):
        return "truecolor", f"COLORTERM={declared}"
    term = environment.get("TERM", "").strip().lower()
    first, *rest = term.split("-")
    why = f"TERM={term}"
    if "256color" in rest or any(word in MODERN for word in (first, *rest)):
        return "256", why
    if "16color" in rest or first in FEW or first.startswith("vt"):
        return "standard", why
    return "256", f"{why}, and any terminal of today has 256"
