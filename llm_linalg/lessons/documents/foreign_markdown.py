"""Markdown as notebooks have it, made readable in rows of text: without HTML, formulas between dollars."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llm_linalg.lessons.markdown import FORMULA, blocks

# Code and formulas, in which nothing is HTML.
_SPAN = re.compile(rf"((?<!`)(?P<mark>`+)(?!`)[^\n]{{1,1000}}?(?<!`)(?P=mark)(?!`)|{FORMULA})")
_TAGS = """
    a abbr article aside audio b blockquote body br button caption center cite code col dd del details div dl
    dt em embed figcaption figure font footer h1 h2 h3 h4 h5 h6 head header hr html i iframe img kbd li link
    main mark nav object ol p param path picture pre q section small source span strong style sub summary sup
    svg table tbody td tfoot th thead title tr tt u ul video wbr
"""
TAGS = frozenset(_TAGS.split())
"""The tags that are HTML; `<eos>` is none."""
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)(?:\s[^<>]{0,4000})?/?>")
_TAG_TEXTS = {"li": "- ", "/td": "  ", "/th": "  ", "br": "\n"}
_TAG_TEXTS |= dict.fromkeys(["b", "/b", "strong", "/strong"], "**")
_UNSEEN = re.compile(
    r"<!--.{0,20000}?-->|<(script|style)\b[^>]{0,1000}>.{0,20000}?</\1>", re.DOTALL | re.IGNORECASE
)
_DISPLAY = re.compile(
    r"\$\$([^$`]{1,4000}?)\$\$|\\\[((?:(?!\\\[).){1,4000}?)\\\]"
    r"|(\\begin\{((?:equation|align|gather)\*?)\}(?:(?!\\begin\{(?:eq|al|ga)).){1,4000}?\\end\{\4\})",
    re.DOTALL,
)
_BRACKETS = re.compile(r"\\\(((?:(?!\\\()[^$`\n]){1,600}?)\\\)")
_ROUND = r"[^()\n]{0,2000}(?:\([^()\n]{0,500}\)[^()\n]{0,500})?"
_IMAGE = re.compile(rf"!\[([^\]\n]{{0,300}})\](?:\({_ROUND}\)|\[[^\]\n]{{0,200}}\])")
_LINK = re.compile(rf"(?<!!)\[([^\[\]\n]{{1,500}})\]\((?!lesson:){_ROUND}\)")
MOST = 200  # comments and scripts in a text: each may be searched for its end


def readable(text: str) -> str:
    """Return Markdown without HTML, with links as text, and formulas between dollars; code and lines stay."""
    lines, place = text.split("\n"), 0
    pieces: list[str] = []
    for fence in (block for block in blocks(text) if block.is_fence):
        pieces += [*_prose(lines[place : fence.first]), *lines[fence.first : fence.end]]
        place = fence.end
    return "\n".join([*pieces, *_prose(lines[place:])])


def _prose(lines: Sequence[str]) -> list[str]:
    text = "\n".join(lines)
    if text.count("<!--") + text.count("<s") <= MOST:
        text = _UNSEEN.sub(lambda found: "\n" * found[0].count("\n"), text)
    text = _BRACKETS.sub(lambda found: f"${found[1].strip()}$", _DISPLAY.sub(_display, text))
    parts = _SPAN.split(text)  # text, code or a formula, its mark, text …
    parts[::3] = map(_line_text, parts[::3])
    text = "".join(part for place, part in enumerate(parts) if place % 3 != 2)
    return text.split("\n") if lines else []


def _display(match: re.Match[str]) -> str:
    """Return a formula on one line, and as many lines."""
    tex = " ".join((match[1] or match[2] or match[3]).split())
    return f"$${tex}$$" + "\n" * match[0].count("\n")


def _line_text(text: str) -> str:
    text = _TAG.sub(_tag_text, text)
    text = _IMAGE.sub(lambda found: f"(picture: {found[1]})" if found[1].strip() else "", text)
    return _LINK.sub(lambda found: found[1], text)


def _tag_text(match: re.Match[str]) -> str:
    """Return what stands for a tag: nothing, but where it begins or ends a line, a cell or a list's item."""
    name = match[2].casefold()
    if name not in TAGS:
        return match[0]
    return _TAG_TEXTS.get(match[1] + name, "") + "\n" * match[0].count("\n")
