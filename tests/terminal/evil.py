"""Text that a terminal would obey, files that hold it, and what of it gets through.

What the terminal is sent is read as a terminal reads it. Our own output is a short list of sequences; any
other, and any of the text's own, is a failure.
"""

from __future__ import annotations

import json
import re

EVIL = (
    "\x1b]52;c;aGk=\x07",  # writes to the clipboard
    "\x1b]0;owned\x07",  # the title
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H",  # clears
    "\x1b[?1049l",  # leaves the screen
    "\x1bP+q544e\x1b\\",  # a device string
    "\x9b31m\x9d0;c1\x9c",  # C1
    "\x07\x08\x0b\x0c\x0e\x0f\x7f",
    "\u202eabc\u202c\u2066x\u2069",  # bidi
    "\u200b\u200d\ufeff\u00ad",  # nothing to see
    "e\u0301\u0301\u0301\u0301\u0301\u0301",  # a tower of marks
    "[@click=app.quit]x[/] [/foo] $[bold] [draft] \\[ [link=https://a.b] <b>&lt;",  # markup
)
ALL = "".join(EVIL)
BRACKETS = EVIL[-1]
# What a title may hold: no control character, but brackets, a tower of marks, a letter without a glyph.
LINE = "[/foo] [@click=app.quit]x[/] e\u0301\u0301\u0301\u0301\u3164 <b>"
# What we send: the cursor's place, styles, modes, the keyboard protocol, questions, one of the background.
OURS = re.compile(
    r"\x1b\[\d*(?:;\d*)?H|\x1b\[\d*C|\x1b\[[\d;]*m|\x1b\[\?\d+(?:;\d+)*[hl]|\x1b\[[<>=]\d*(?:;\d+)?u"
    r"|\x1b\[\?\d+\$p|\x1b\[\d*J|\x1b\]11;\?\x1b\\|\x1b\[>4;\d+m|\x1b\[\?u|\x1b\[c"
)
HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u00ad]"
)
TITLE = "\x1b]0;llm-linalg\x07"


def foreign(raw: bytes) -> list[str]:
    """The characters that are neither text nor ours."""
    text = OURS.sub("", raw.decode("utf-8").replace(TITLE, ""))
    return HIDDEN.findall(text)


def lesson(text: str) -> str:
    """A lesson with the text wherever any may stand."""
    words = " ".join(text.split()) or text
    return (
        f'+++\ntitle = "T {LINE}"\n[controls.n]\nrange = [1, 3]\ndefault = 2\nlabel = "n {LINE[:20]}"\n+++\n'
        f"## H {LINE}\nProse {words} **x** `{words}`.\n\n```python\nx = torch.ones(n, 3)  # {BRACKETS}\n"
        f"y = x @ x.T\nprint({json.dumps(words)})\n```\n"
    )


def deck(text: str) -> str:
    """A deck with the text wherever a text of one line may stand, and where any may."""
    line = " ".join(text.split())
    return f"""\
+++
title = "T {LINE}"
[controls.kind]
choices = ["<b>a{LINE[:16]}", "b"]
default = "<b>a{LINE[:16]}"
label = "<b>L {LINE[:16]}"
[axes]
x = ["[/row]", "column"]
[labels]
"[/row]" = ["[/a]", "b{LINE[:20]}"]
[boxes]
add = {{ lesson = "dot", words = "W {LINE[:20]}" }}
+++
## H {LINE}
Prose {line} **{line}** `{line}` *{line}* [{LINE}](lesson:dot).

- item {line}

> {line}

| {line.replace("|", "/")} | b |
|---|---|
| c | {line.replace("|", "/")} |

### {line}

```text
{line}
```

    {line}

```notes minutes=1
Notes {line}

    {line}
```

## P {LINE}

```python
x = torch.ones(2, 3)  # {BRACKETS}
print({line!r}, kind)
y = x + 1
```

## B {LINE}

```board
L [/foo] | y | lesson:dot | words [/foo]
```

## Fails {LINE}

```python fails
z = x @ x  # {BRACKETS}
```
"""


def questions(text: str) -> str:
    """A lesson that asks, with the text wherever any may stand: guesses, exercises, labels, looks."""
    words = " ".join(text.split()) or text
    return f"""\
+++
title = "T {LINE}"
[controls.n]
range = [1, 3]
default = 3
label = "n {LINE[:20]}"
[labels]
word = ["{LINE[:12]}", "[@click=app.quit]w", "é[/]"]
[axes]
P = ["word"]
W = ["word", "word"]
+++
## Story {LINE}
First {words} sentence. Then **more** {words}.

```python show="P" look="bars"
x = torch.arange(1.0, n + 1)
P = torch.softmax(x, -1)
W = torch.outer(P, P)
```
```ask
Which is {words}?
- {LINE[:50]}
- two [/b]
check: "two [/b]"
```

## Yours {LINE}
Do {words} it.

```exercise show="W"
Write {words} twice P.
check: torch.allclose(answer, 2 * P)
hint: hint {LINE} `P {LINE[:20]}`
answer: 2 * P
wrong: 3 * P # three {LINE}
vary: n
```
"""


def notebook(text: str) -> str:
    cells = [
        {"cell_type": "markdown", "source": [f"# {text}\n", text], "metadata": {"tags": [text]}, "id": text},
        *(
            {"cell_type": "code", "source": [code], "metadata": {}, "outputs": [], "execution_count": None}
            for code in (f"x = torch.ones(2, 2)  # {text}\nprint({text!r})\n", f"y = x @ {text}")
        ),
    ]
    kernel = {"kernelspec": {"name": text, "display_name": text, "language": "python"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells})
