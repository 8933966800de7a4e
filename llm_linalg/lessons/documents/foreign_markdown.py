"""Markdown as notebooks have it, made readable in rows of text: HTML, LaTeX, links, directives of books."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.entities import html5

from llm_linalg.lessons.documents.tex import tex_text

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_TICKS = re.compile(r"`+")
_TAGS = """
    a abbr address article aside audio b blockquote body br button canvas caption center cite code
    col colgroup
    dd del details dfn div dl dt em embed figcaption figure font footer form h1 h2 h3 h4 h5 h6 head
    header hr html
    i iframe img input ins kbd label legend li link main map mark meta nav object ol option p param
    picture pre q
    s samp section select small source span strike strong sub summary sup table tbody td template
    textarea tfoot
    th thead time title tr tt u ul var video wbr svg path
"""
TAGS = frozenset(_TAGS.split())
"""The tags that are HTML; `<eos>` is none."""
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)((?:\s[^<>]{0,4000})?)/?>")
_SCRIPT = re.compile(r"<(script|style)\b[^>]{0,1000}>.{0,20000}?</\1>", re.DOTALL | re.IGNORECASE)
_ROUND = r"[^()\n]{0,2000}(?:\([^()\n]{0,500}\)[^()\n]{0,500})?"
_ALT = re.compile(r"""\balt\s*=\s*["']([^"'<>]{1,200})["']""")
_IMAGE = re.compile(rf"!\[([^\]\n]{{0,300}})\](?:\({_ROUND}\)|\[[^\]\n]{{0,200}}\])")
_LINK = re.compile(rf"(?<!!)\[([^\[\]\n]{{1,500}})\]\((?!lesson:){_ROUND}\)")
_ADDRESS = re.compile(r"<(https?://[^<>\s]{1,2000})>")
_ENTITY = re.compile(r"&[A-Za-z]{2,10};")
_DIRECTIVES = re.compile(
    r"^[ \t]*:(?:label|eqlabel|width|begin_tab|end_tab|bbox)\b[^\n]*$"
    r"|:(?:label|eqlabel|numref|eqref|cite|citet|width|ref|doc|class|func|meth|mod|attr):`[^`\n]{0,300}`"
    r"|^[ \t]*:{3,}[^\n]*$",
    re.MULTILINE,
)
_DISPLAY = re.compile(r"\$\$(.{1,4000}?)\$\$|\\\[((?:(?!\\\[).){1,4000}?)\\\]", re.DOTALL)
_ENVIRONMENT = re.compile(r"\\begin\{(equation|align|gather)\*?\}(.{1,4000}?)\\end\{\1\*?\}", re.DOTALL)
_FORMULA = re.compile(
    r"(?<![\\$\w])\$(?=[^\s$])([^$\n]{1,600}?)(?<=[^\s\\])\$(?![\d$])|\\\(((?:(?!\\\()[^\n]){1,600}?)\\\)"
)
MOST = 200  # scripts, or environments of LaTeX, in a text: each may be searched for its end


def readable(text: str) -> str:
    """Return Markdown without HTML, with formulas and links as text; code stays, and so do its lines."""
    if not any(sign in text for sign in "<$[\\:&"):
        return text
    pieces: list[str] = []
    prose: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            pieces.append(line)
            fence = "" if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]) else fence
        elif mark:
            pieces += [_prose("\n".join(prose)), line] if prose else [line]
            prose, fence = [], mark[1]
        else:
            prose.append(line)
    return "\n".join([*pieces, *([_prose("\n".join(prose))] if prose else [])])


def _prose(text: str) -> str:
    text = _without_comments(text)
    if text.count("<s") <= MOST:
        text = _SCRIPT.sub(lambda found: _keeping_lines(found[0], ""), text)
    if text.count("\\begin{") <= MOST:
        text = _ENVIRONMENT.sub(lambda found: _keeping_lines(found[0], tex_text(found[2])), text)
    text = _DISPLAY.sub(lambda found: _keeping_lines(found[0], tex_text(found[1] or found[2])), text)
    return _outside_code(_DIRECTIVES.sub("", text), _line_text)


def _without_comments(text: str) -> str:
    pieces: list[str] = []
    while True:
        before, start, after = text.partition("<!--")
        inside, end, rest = after.partition("-->")
        if not end:
            return "".join([*pieces, text])
        pieces += [before, _keeping_lines(start + inside + end, "")]
        text = rest


def _line_text(text: str) -> str:
    text = _TAG.sub(_tag_text, text)
    text = _FORMULA.sub(lambda found: tex_text(found[1] or found[2]), text)
    text = _IMAGE.sub(lambda found: f"(picture: {found[1]})" if found[1].strip() else "", text)
    text = _LINK.sub(lambda found: found[1], text)
    text = _ADDRESS.sub(lambda found: found[1], text)
    return _ENTITY.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    """Return the character that an HTML name such as `&gt;` stands for, unless it would begin code."""
    char = html5.get(found[0][1:], found[0]).replace("\xa0", " ")
    return char if char.isprintable() and char not in "`~" else found[0]


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """Return a text changed outside of code between backticks."""
    ticks = [*_TICKS.finditer(text)]
    last: dict[int, int] = {len(found[0]): place for place, found in enumerate(ticks)}
    parts: list[str] = []
    at = place = 0
    while place < len(ticks):
        size = len(ticks[place][0])
        if last[size] == place:  # nothing closes it
            place += 1
            continue
        start = ticks[place].start()
        place = next(k for k in range(place + 1, len(ticks)) if len(ticks[k][0]) == size)
        end = ticks[place].end()
        parts += [change(text[at:start]), text[start:end]]
        at, place = end, place + 1
    return "".join([*parts, change(text[at:])])


def _tag_text(found: re.Match[str]) -> str:
    """Return what stands for a tag: nothing, but where it begins or ends a line, a cell or a list's item."""
    closes, name = bool(found[1]), found[2].casefold()
    if name not in TAGS:
        return found[0]
    if name == "img":
        alt = _ALT.search(found[3])
        return f"(picture: {alt[1]})" if alt else ""
    if name == "li" and not closes:
        return "- "
    if name in ("td", "th") and closes:
        return "  "
    if name in ("b", "strong"):
        return "**"
    lines = found[0].count("\n")
    return "\n" * max(lines, int(name == "br" and not found.string[found.end() :][:1].isspace()))


def _keeping_lines(before: str, after: str) -> str:
    return after + "\n" * (before.count("\n") - after.count("\n"))
