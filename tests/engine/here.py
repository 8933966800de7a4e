"""Runs programs of the tests in this process, as the course's own: no room is their subject."""

from __future__ import annotations

from functools import partial

from llm_linalg.api.run import run_text

run = partial(run_text, own=True)
