"""The settings of a page: what its controls and seeds show is computed ahead, as far as there is room.

First each control moves by itself, then ten seeds are taken, then each two controls move together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import combinations, islice, pairwise, product
from typing import TYPE_CHECKING

from tui.export.progress import Progress
from tui.model.view import View
from tui.model.view_words import command
from tui.session.control_commands import matters

if TYPE_CHECKING:
    from llm_linalg.lessons.control import Control
    from tui.export.page_data import PageLines, PictureMaker, StopData
    from tui.session.session import Session

KB = 1000
SEED = "seed"
SEEDS = 10
MOST_VALUES = 100  # of a control
FULL = 0.95  # of the room, beyond which nothing more is tried


def names_that_matter(view: View) -> tuple[str, ...]:
    """Return the controls that a stop's program reads, and those whose choices set one of these."""
    controls = view.lesson.controls if _has_settings(view) else ()
    return tuple(control.name for control in controls if matters(view, control))


def _has_settings(view: View) -> bool:
    """Return whether a stop is shown at other settings: no exercise, slide or cell of a whole document."""
    return view.at_stop.exercise is None and not view.at_stop.slide and not view.lesson.document


def values_beside(view: View, name: str) -> Iterator[str]:
    """Yield the other values that moving a control leads to, as texts, the nearest first."""
    known, ends = {dict(view.controls)[name]}, {1: view, -1: view}
    while ends:
        for direction, end in [*ends.items()]:
            ends[direction] = end.move(name, direction)
            text = dict(ends[direction].controls)[name]
            if text in known:
                del ends[direction]
            else:
                known.add(text)
                yield text


class PageFiller:
    """Adds the pictures of stops to a page: as they open, and at other settings as long as there is room."""

    def __init__(self, make: PictureMaker, lines: PageLines, most: int) -> None:
        self._make, self._lines, self._most = make, lines, most
        self._progress = Progress("settings", most // KB)

    def begin(self, stop: StopData, shown: Sequence[Session], solution: Sequence[Session]) -> None:
        """Add what a stop opens with, whatever room that takes, and how its exercise is solved."""
        made = [self._make.of(one, settings=stop.walk is None) for one in shown]
        if len({one.step for one in made}) < len(made):  # a script may show a step twice
            made = [one._replace(step=place) for place, one in enumerate(made)]
        stop.walks[stop.key(stop.session.view)] = self._lines.pack(made) or []
        stop.solution = self._lines.pack(map(self._make.of, solution)) or []
        self._guesses(stop, stop.session)

    def fill(self, stops: Sequence[StopData]) -> None:
        """Add what stops show at other settings: what is near the opening first, and of all stops alike."""
        live = [stop for stop in stops if stop.walk is not None and _has_settings(stop.session.view)]
        with self._progress:
            _in_turn(self._values(stop, name) for stop in live for name in stop.names)
            _in_turn(map(self._seeds, live))
            _in_turn(self._pair(stop, *pair) for stop in live for pair in combinations(stop.names, 2))

    def _values(self, stop: StopData, name: str) -> Iterator[None]:
        """Add the values of a control one by one, until one has no room."""
        view = stop.session.view
        for text in islice(values_beside(view, name), MOST_VALUES):
            there = view.set(name, text)
            if not self._add(stop, there):
                return
            stop.alone[name][text] = stop.key(there)
            yield

    def _seeds(self, stop: StopData) -> Iterator[None]:
        """Add ten seeds one by one, where numbers are drawn and any of them changes a picture."""
        from llm_linalg.analysis.random_draws import is_drawn

        view, run = stop.session.view, stop.session.current
        trace = None if run is None else run.trace
        if SEED in stop.names or (trace is not None and not any(map(is_drawn, trace.nodes))):
            return
        keys = {str(view.seed): stop.key(view)}
        for seed in range(SEEDS):
            there = view.with_seed(seed)
            if not self._add(stop, there):
                break
            keys[str(seed)] = stop.key(there)
            yield
        if any(stop.walks[key] != stop.walks[stop.key(view)] for key in keys.values()):
            stop.alone[SEED] = keys

    def _pair(self, stop: StopData, one: str, other: str) -> Iterator[None]:
        """Add the pairs of values of two controls one by one, until one has no room."""
        firsts, seconds = ([*stop.alone[name]][1:] for name in (one, other))
        view = stop.session.view
        for a, b in product(firsts, seconds):
            if not self._add(stop, view.set(one, a).set(other, b)):
                return
            yield
        if firsts and seconds:
            stop.pairs.append((one, other))

    def _add(self, stop: StopData, view: View) -> bool:
        """Add the pictures of a view, and what comes of its guesses; return whether there is room."""
        key = stop.key(view)
        if key not in stop.walks:
            before = self._lines.bytes
            there = () if stop.walk is None or before > FULL * self._most else stop.walk(view)
            walk = self._lines.pack(map(self._make.of, there), self._most)
            self._progress.on(self._lines.bytes // KB - before // KB)
            if not walk:
                return False
            stop.walks[key] = walk
            self._guesses(stop, there[0])
        return True

    def _guesses(self, stop: StopData, session: Session) -> None:
        made, typed = self._make.guesses(session)
        key = stop.key(session.view)
        if made:
            stop.guesses[key] = self._lines.pack(made) or []
        if typed:
            stop.answers[key] = typed


def _in_turn(works: Iterable[Iterator[None]]) -> None:
    """Do a piece of each work in turn, until all are done."""
    waiting = deque(works)
    while waiting:
        work = waiting.popleft()
        if next(work, work) is None:  # it has done a piece, and is not at its end
            waiting.append(work)


def controls_html(stop: StopData) -> str:
    """Return the controls of a stop, and which settings the page has; empty without any."""
    view = stop.session.view
    rows = [_control_html(view.control(name), [*stop.alone[name]]) for name in stop.names]
    if SEED in stop.alone:
        rows.append(_select(SEED, SEED, [*stop.alone[SEED]], sorted(stop.alone[SEED], key=int)))
    if not rows:
        return ""
    moving = [name for name in stop.names if len(stop.alone[name]) > 1]
    settings = [", ".join(moving) + " one at a time" * (len(moving) > 1)] if moving else []
    settings += [f"{one} with {other}" for one, other in stop.pairs]
    settings += [f"{len(stop.alone[SEED])} seeds"] if SEED in stop.alone else []
    has = f"In this page: {escape('; '.join(settings) or 'no other settings')}."
    more = f" <code>{escape(command(view))}</code> has all." if view.lesson.is_own else ""
    note = f'<p class="facts">{has}{more}</p>\n'
    return f'<div class="controls live" role="group" aria-label="controls">\n{"".join(rows)}{note}</div>\n'


def _control_html(control: Control, values: Sequence[str]) -> str:
    """Return a control with the values that the page has, its own first: a slider, or a list."""
    label = control.label or control.name
    key = "" if control.key is None else f' data-key="{escape(control.key)}"'
    if control.kind in ("int", "float"):
        texts = sorted(values, key=float)
        steps = {round(float(b) - float(a), 9) for a, b in pairwise(texts)}
        if len(steps) == 1:
            return (
                f'<label>{escape(label)} <input type="range" name="{control.name}"{key} min="{texts[0]}" '
                f'max="{texts[-1]}" step="{steps.pop():.10g}" value="{values[0]}" autocomplete="off"> '
                f"<output>{values[0]}</output></label>\n"
            )
        return _select(control.name, label, values, texts, key)
    order = [control.show(choice) for choice in control.choices if control.show(choice) in values]
    return _select(control.name, label, values, order if len(order) == len(values) else values, key)


def _select(name: str, label: str, values: Sequence[str], order: Sequence[str], key: str = "") -> str:
    chosen = (f"<option{' selected' * (text == values[0])}>{escape(text)}</option>" for text in order)
    still = " disabled" if len(values) == 1 else ""
    inside = f'<select name="{name}"{key} autocomplete="off"{still}>{"".join(chosen)}</select>'
    return f"<label>{escape(label)} {inside}</label>\n"
