"""The playground: a lesson whose program is the learner's own, kept in a view's `code`."""

from __future__ import annotations

import re
from dataclasses import replace

from llm_linalg.base.text import clean
from llm_linalg.lessons.lesson import PART_TITLES, Lesson
from llm_linalg.lessons.stop import Stop
from tui.model.examples import EXAMPLES
from tui.model.view import View

SLUG = "play"
TITLE = clean("Playground")
LONGEST = 50_000  # characters of a program

_FIRST = EXAMPLES[0].program
PLAYGROUND = Lesson(
    slug=SLUG,
    title=TITLE,
    part=len(PART_TITLES),
    order=0,
    seed=0,
    controls=(),
    stops=(
        Stop(
            number=1, title=TITLE, code=_FIRST, show=None, beside=(), order=None,
            steps=None, fails=False, line=1,
        ),
    ),
)  # fmt: skip


def is_playground(lesson: Lesson) -> bool:
    """Return whether a lesson is the playground."""
    return lesson is PLAYGROUND


def playground_view(text: str | None, seed: int = 0) -> View:
    """Return the view with which the playground opens, on a program or on its first example."""
    return replace(View.opening(PLAYGROUND), code=_FIRST if text is None else text, seed=seed)


def last_line(text: str) -> int:
    """Return the number of a program's last line that isn't empty; 1 if all are."""
    return text.rstrip().count("\n") + 1


def as_program(view: View) -> str:
    """Return a stop's program as one that stands alone: the controls that it uses are assigned at its top.

    The program of several devices becomes that of a single one, which has all of it.
    """
    program = view.program.strip("\n")
    used = set(re.findall(r"[^\W\d]\w*", program))
    names = {**view.names, **({"rank": 0, "ranks": 1} if view.at_stop.ranks else {})}
    head = [f"{name} = {value!r}" for name, value in names.items() if name in used]
    return "\n".join([*head, *([""] if head else []), program, ""])


def at_operation(view: View, path: tuple[str, ...]) -> View:
    """Return the view at an operation of the program, shown whole."""
    there = replace(view, path=path, order=None, depth="operations", step=0, return_path=(), backward=False)
    return replace(there, cursor=None, at=view.at if path == view.path else None)
