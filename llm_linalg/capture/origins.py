"""The origin of the torch call that a program makes now: its expression, and the function that it is in."""

from __future__ import annotations

import sys

from llm_linalg.capture.call_scopes import CallScopes
from llm_linalg.capture.sites import FILE, Sites
from llm_linalg.recording.folding import Folding
from llm_linalg.recording.record_node import Origin


class Origins:
    """Finds the origin of what happens now.

    Attributes:
        outside: The origin of what happens outside of the program.
    """

    def __init__(self, sites: Sites, scopes: CallScopes) -> None:
        self._sites, self._scopes = sites, scopes
        self.outside = Origin()
        self._known: dict[tuple[int, int], Origin] = {}  # in one scope, the last
        self._scope: object = None
        self._folding = Folding(lambda file: file == FILE)

    def current(self) -> Origin:
        """Return the place in the program of the call that is made now."""
        call = self._folding.find(sys._getframe(1))
        frame = call.frame
        if frame is None:
            return self.outside
        scope = self._scopes.current
        if scope is not self._scope:  # each call of a function has a scope of its own
            self._scope, self._known = scope, {}
        key = id(frame.f_code), frame.f_lasti
        origin = self._known.get(key)
        if origin is None:
            span, text = self._sites.at(frame.f_code, frame.f_lasti) or (None, "")
            origin = self._known[key] = Origin(span, text, scope=scope.path)
        return origin._replace(scope=self._folding.scope(call, origin.scope)) if call.fold else origin

    def line(self) -> int:
        """Return the line of the program that is running; 0 outside of it."""
        span = self.current().span
        return 0 if span is None else span.line
