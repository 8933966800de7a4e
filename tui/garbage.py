"""Python's collector of cycles, kept out of the way while the app starts.

A start makes hundreds of thousands of objects that all stay, torch's most of all. Looking through them again
and again takes a tenth of the start, and afterwards a collection in the midst of a step.
"""

from __future__ import annotations

import gc

_put_off = False


def put_off() -> None:
    """No collection until `resume`; nothing happens where there are none anyway."""
    global _put_off  # noqa: PLW0603 - the collector is the process's too
    if gc.isenabled():
        _put_off = True
        gc.disable()


def resume() -> None:
    """Collects again, but for what there is now, which is left alone; only after a `put_off`."""
    global _put_off  # noqa: PLW0603
    if _put_off:
        _put_off = False
        gc.freeze()
        gc.enable()
