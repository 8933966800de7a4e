"""The picture of a practice question: its program and its tensors, as far as they are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tui.compose.guess_frame import without_shape
from tui.compose.view_runner import open_view
from tui.model.view import View

if TYPE_CHECKING:
    from llm_linalg.questions.practice import PracticeQuestion
    from tui.model.frame import Frame


def practice_frame(drawn: PracticeQuestion, *, ascii_only: bool = False) -> Frame:
    """Return the frame that a question is asked about; of a derivative or a failure, the program alone."""
    from llm_linalg.lessons.reader import parse

    text = f'+++\ntitle = "Practice"\n+++\n```python\n{drawn.program}\n```\n'
    view = View.opening(parse(text, "practice.md"))
    view = replace(view, path=(drawn.node,) if drawn.node and not drawn.backward else (), step=drawn.step)
    frame = open_view(view).frame(view, ascii_only=ascii_only)
    if drawn.backward or not drawn.node:
        return replace(frame, panels=(), line=None)
    return without_shape(frame) if drawn.question.kind == "shape" else frame
