"""Reloading a deck that was saved during its talk, which goes on at the same stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from tui.model.view import View
from tui.session.decks import view_at
from tui.session.presentation.stage_moves import require_talk

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import Deck, DeckStop
    from tui.session.session import Session


def reload_deck(session: Session, deck: Deck) -> Session:
    """Go on with the deck as it was saved now, at the same stop; changes to stops stay as far as they fit."""
    talk = require_talk(session)
    places = match_stops(talk.deck, deck)
    number = places.get(talk.number) or _nearest(places, talk.number, len(deck.stops))

    def carry(view: View, before: int, now: int) -> View:
        return _carry(view, talk.deck.stops[before - 1], deck.stops[now - 1])

    left = {places[k]: carry(was, k, places[k]) for k, was in talk.last_views.items() if k in places}
    view = carry(session.view, talk.number, number)
    fresh = replace(talk, deck=deck, number=number, last_views=left, history=(), fault="")
    return session.at_stop(view, fresh).with_notice("The deck was saved: this is the new one.")


def match_stops(old: Deck, new: Deck) -> dict[int, int]:
    """Return the numbers of the stops that are in both decks, old to new: by lesson and title, in order."""
    before, now = (
        [(stop.lesson.slug, stop.title, stop.at.title) for stop in deck.stops] for deck in (old, new)
    )
    blocks = SequenceMatcher(None, before, now, autojunk=False).get_matching_blocks()
    return {block.a + k + 1: block.b + k + 1 for block in blocks for k in range(block.size)}


def _nearest(places: Mapping[int, int], number: int, most: int) -> int:
    """Return the new number of a stop that is gone or renamed: as far as it was from the last that stayed."""
    known = max((old for old in places if old < number), default=0)
    return max(1, min(places.get(known, 0) + number - known, most))


def _carry(view: View, before: DeckStop, now: DeckStop) -> View:
    """Return a view at a stop that was read again: its place and its changes stay, as far as they fit."""
    old, new = view_at(before), view_at(now)
    step = new.step if view.step == old.step else view.step
    there = replace(new, step=step if view.path == old.path else new.step)
    if before.at.program == now.at.program:
        there = replace(view, lesson=now.lesson, stop=now.stop, step=step)
    edited = view.choices != old.choices and before.lesson.controls == now.lesson.controls
    return there.with_choices_of(view if edited else new)
