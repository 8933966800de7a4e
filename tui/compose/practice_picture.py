"""The picture of a practice question: its program and its tensors, as far as they are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tui.compose.guess_frame import without_shape
from tui.compose.view_runner import open_view
from tui.model.view import END, View
from tui.navigation.steps import position

if TYPE_CHECKING:
    from llm_linalg.questions.practice import PracticeQuestion
    from tui.model.frame import Frame


def practice_frame(drawn: PracticeQuestion, *, ascii_only: bool = False) -> Frame:
    """Return the frame that a question is asked about.

    Of a derivative it is the whole of `Y`, and where the program fails, its text alone.
    """
    from llm_linalg.lessons.reader import parse

    text = f'+++\ntitle = "Practice"\n+++\n```python\n{drawn.program}\n```\n'
    view = View.opening(replace(parse(text, "practice.md"), is_own=True))
    path, step = (("Y",), END) if drawn.backward else ((drawn.node,) if drawn.node else (), drawn.step)
    run = open_view(replace(view, path=path))
    view = replace(view, path=path, step=step)
    if run.trace is not None:
        view = replace(view, step=position(view, run.navigation(view))[0])
    frame = run.frame(view, ascii_only=ascii_only)
    if not drawn.node:
        return replace(
            frame, stage=frame.stage._replace(panels=()), listing=frame.listing._replace(line=None)
        )
    return without_shape(frame) if drawn.question.kind == "shape" else frame
