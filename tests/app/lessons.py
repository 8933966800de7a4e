"""Lessons for tests, read from text like any other."""

from __future__ import annotations

import re
import shlex
from functools import cache

from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import parse
from tests.common import known
from tui.compose.program_run import Failure, Run
from tui.compose.view_runner import open_view
from tui.model.view import View

PRODUCT = """\
+++
title = "Product"
part = 9
seed = 3
[controls.m]
range = [1, 9]
default = 3
[controls.k]
range = [0, 64]
default = 2
[controls.kind]
choices = ["triu", "tril"]
default = "triu"
key = "t"
sets = { tril = { diagonal = 0 } }
[controls.diagonal]
range = [-4, 4]
default = 1
+++
## Product
A product.

```python show="Y"
x = torch.randn(m, k)
W = torch.randn(k, 4)
Y = x @ W
```

## Softmax
Rows that sum to 1.

```python show="S" order="rows"
S = torch.softmax(Y, dim=-1)
x = x + 1
```

## It fails
On purpose.

```python fails
Z = Y @ W
```

## Mask
Above the diagonal.

```python show="mask"
ones = torch.ones(4, 4)
mask = torch.triu(ones, diagonal) if kind == "triu" else torch.tril(ones, diagonal)
```

## Some steps
Only these.

```python show="Y" steps="3-5"
print("done")
```
"""


@cache
def lesson(text: str = PRODUCT, name: str = "product.md") -> Lesson:
    """The lesson of a text."""
    return parse(text, name)


def one(code: str, info: str = "") -> Lesson:
    """A lesson of one stop with this program."""
    return parse(f'+++\ntitle = "One"\npart = 9\n+++\nText.\n\n```python {info}\n{code}\n```\n', "one.md")


def opened(code: str, info: str = "") -> tuple[View, Run]:
    """The opening view of a one-stop lesson, and its run."""
    view = View.opening(one(code, info))
    return view, open_view(view)


def failure_of(run: Run | None) -> Failure:
    """The failure of a run that failed."""
    assert run is not None
    return known(run.failure)


def shell_split(line: str) -> list[str]:
    """The words of a shell line, as bash reads it: `shlex` knows no ``$'…'``."""
    return shlex.split(re.sub(r"\$'((?:\\.|[^'\\])*)'", lambda found: shlex.quote(_unescape(found[1])), line))


def _unescape(text: str) -> str:
    signs = {"n": "\n", "t": "\t"}

    def char(found: re.Match[str]) -> str:
        if found[1]:
            return bytes.fromhex(found[1].replace("\\x", "")).decode()
        return signs.get(found[2], found[2])

    return re.sub(r"((?:\\x[0-9a-f]{2})+)|\\(.)", char, text)
