"""A deck for tests, and talks of it without an event loop."""

from __future__ import annotations

from pathlib import Path

from llm_linalg.lessons.deck import load
from tests.common import file_at
from tui.session.commands import run
from tui.session.presentation.stage_moves import require_talk
from tui.session.presentation.state import Talk
from tui.session.script.running import ensure_run
from tui.session.session import Session

DECK = """\
+++
title = "A talk"
minutes = 10
[controls.n]
range = [1, 4]
default = 2
+++
## Welcome
Only words.

```notes minutes=1
Say hello.
```

## A sum
It adds up.

```python show="y"
x = torch.ones(n)
y = x + 1
```

## From elsewhere
```stops
matmul --set n=2 --set m=1 --step 1
```

## The last
```python show="z" steps="1-1"
z = 2 * y
```
"""


def deck_at(folder: Path, text: str = DECK, name: str = "talk.md") -> Path:
    """A deck's file."""
    return file_at(folder, name, text)


def started(file: Path, number: int = 1, **looks: bool) -> Session:
    """A talk at a stop, its program run."""
    deck = load(file)
    talk = Talk(deck, number, big=looks.get("big", False), loop=looks.get("loop", False))
    return ensure_run(Session.start(talk.first_view(number), deck.lessons).with_presentation(talk))


def done(session: Session, *commands: str) -> Session:
    """The session after commands, every program run."""
    for command in commands:
        session = ensure_run(run(session, command))
    return session


def where(session: Session) -> tuple[int, int]:
    """The stop and the step."""
    return require_talk(session).number, session.view.step
