"""What is asked at the views of a run: its stop's own question, or one that is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.navigation.steps import order_of

if TYPE_CHECKING:
    from llm_linalg.questions.drawn import Question
    from llm_linalg.questions.guess import RightAnswer
    from tui.compose.nodes import NodeNavigation
    from tui.model.view import View


class StopQuestions:
    """The questions of a run; the last one is cached, as a frame and several contexts ask for it.

    Args:
        right_answer: The right answer to the stop's own question; None if it has none.
        navigation: Returns the place of a view in the run; None if the run has failed.
    """

    def __init__(
        self, right_answer: RightAnswer | None, navigation: Callable[[View], NodeNavigation] | None
    ) -> None:
        self._right_answer = right_answer
        self._navigation = navigation
        self._last: tuple[View, Question | None] | None = None

    def of(self, view: View) -> Question | None:
        """Return what is asked at a view; None for nothing."""
        if self._last is None or self._last[0] != view:
            self._last = view, self._question(view)
        return self._last[1]

    def _question(self, view: View) -> Question | None:
        from llm_linalg.questions.drawn import Question, WalkPlace, question_at

        if view.guess is not None and view.guess.number:
            place = None if self._navigation is None else self._navigation(view)
            node = None if place is None else place.node
            order = None if place is None or node is None else order_of(view, place)
            if node is None or order is None or view.depth not in ("cells", "terms"):
                return None
            return question_at(WalkPlace(node, order, view.step), view.guess.number)
        own, answer = view.own_ask, self._right_answer
        return None if own is None or answer is None else Question("own", own, answer)
