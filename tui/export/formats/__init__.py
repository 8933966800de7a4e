"""The formats of exports, a module each; `README.md` says how to add one."""

from __future__ import annotations

from tui.export.formats import cast, handout, html, json, svg

FORMATS = (html.FORMAT, cast.FORMAT, svg.ANIMATION, svg.PICTURE, handout.FORMAT, json.FORMAT)
NAMES = tuple(one.name for one in FORMATS)
