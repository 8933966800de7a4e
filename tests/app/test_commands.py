"""The table of commands: no record lacks anything or contradicts itself."""

from __future__ import annotations

from itertools import combinations

import pytest

from llm_linalg.lessons.controls import FREE_KEYS
from llm_linalg.lessons.reader import catalog, parse
from tests.app.driving import opened
from tui.cli.keymap import APART
from tui.model.view import View
from tui.navigation.playground import PLAYGROUND
from tui.screens import app_commands
from tui.screens.explorer import STEPS_INSTEAD
from tui.session.commands import BY_ID, COMMANDS, TOGETHER, Command, Unwritten, find_command, run
from tui.session.contexts import Context
from tui.session.keys import KEYS, footer_commands, help_groups, live_commands
from tui.session.script.script_words import BY_NAME, WORDS
from tui.session.session import Session
from tui.text.key_names import key_name

every = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)


@every
def test_a_command_is_the_sessions_or_the_screens(command: Command) -> None:
    done_by = [command.run is not None, command.run_with is not None, command.by_screen]
    assert sum(done_by) == 1
    assert BY_ID[command.id] is find_command(f"{command.id}:1") is command


@every
def test_it_has_keys_and_their_words_or_an_argument(command: Command) -> None:
    assert bool(command.keys) != (command.run_with is not None)
    assert bool(command.keys) == bool(command.key_text) == bool(command.label)
    assert [key_name(name) for name in command.key_names] == command.key_names
    assert command.help
    assert not command.help.endswith(".")
    assert command.keys or not command.footer


@every
def test_a_script_repeats_it_or_the_table_says_why_not(command: Command) -> None:
    script = command.script
    assert (script is None) == command.by_screen, "what the screen does is in no session"
    if isinstance(script, Unwritten):
        assert script.reason
    elif isinstance(script, str):
        assert script.split()[0] in BY_NAME
    for word in command.words:
        if not word.usage:
            assert isinstance(script, str)
        assert BY_NAME[word.name or str(script)].says == word.says


def test_a_word_says_one_thing() -> None:
    names = [word.name for word in WORDS]
    assert len(names) == len(set(names)) == len(BY_NAME)
    assert all(word.says for word in WORDS)


async def test_the_screen_does_what_no_session_does() -> None:
    async with opened("matmul") as driver:
        own = driver.app.explorer._own_commands
    done = [*own, *app_commands.COMMANDS, *app_commands.ABOVE]
    assert sorted(done) == sorted(command.id for command in COMMANDS if command.by_screen)


def test_names_are_there_once_and_what_is_no_command_is_refused() -> None:
    assert len(BY_ID) == len(COMMANDS)
    assert {one for beside in TOGETHER.values() for one in beside} <= set(BY_ID)
    for text in ("nothing", "quit", "set", "into:1"):
        with pytest.raises(KeyError):
            run(None, text)  # type: ignore[arg-type]


def test_every_context_is_some_commands_and_is_told_from_the_others() -> None:
    assert {command.when for command in COMMANDS} == set(Context)
    assert len({context.value for context in Context}) == len(Context)


def test_no_key_of_the_app_is_one_that_lessons_may_take() -> None:
    assert not set(FREE_KEYS) & {name for key in KEYS for name in key.key_names}


def test_commands_of_one_context_share_no_key() -> None:
    for context in Context:
        names = [name for command in KEYS if command.when is context for name in command.key_names]
        assert len(names) == len(set(names)), context


def test_of_two_commands_with_a_key_the_narrower_comes_first() -> None:
    """Else the other's would never be reached: what is live anywhere has it already."""
    wide = (Context.ALWAYS, Context.EVERYWHERE)
    for first, second in combinations(KEYS, 2):
        apart = any(
            {first.when, second.when} & left and {first.when, second.when} & right for left, right in APART
        )
        if not apart and set(second.key_names) <= set(first.key_names):
            assert first.when not in wide, (first.id, second.id)


def test_the_help_and_the_footer_have_every_live_key_once() -> None:
    keys = live_commands(frozenset(Context))
    listed = [key.id for _, members in help_groups(keys) for key in members]
    assert sorted(listed) == sorted(key.id for key in keys)
    for context in Context:
        shown = footer_commands(live_commands({context}))
        assert [key.footer for key in shown] == sorted(key.footer for key in shown)


@pytest.mark.parametrize("part", [0, 3, 6, 8])
def test_an_own_lesson_stands_in_the_part_that_it_names(part: int) -> None:
    own = parse(f'+++\ntitle = "Own"\npart = {part}\n+++\nWords.\n', "own.md")
    listed = Session.start(View.opening(own), catalog()).lessons
    parts = [lesson.part for lesson in listed]
    assert parts == sorted(parts)
    assert [lesson.slug for lesson in listed if lesson.part == part][-1] == "own"
    other = parse('+++\ntitle = "Own"\n+++\nWords.\n', "own.md")
    assert Session.start(View.opening(other), catalog()).lessons[-1] is other
    *lessons, last = Session.start(View.opening(other), [*catalog(), PLAYGROUND]).lessons
    assert last is PLAYGROUND
    assert lessons[-1] is other


def test_every_command_that_plays_has_a_step_in_its_place_without_motion() -> None:
    playing = {one.id for one in COMMANDS if one.run is not None and "play_by" in one.run.__qualname__}
    assert playing == STEPS_INSTEAD.keys()
    assert STEPS_INSTEAD.keys().isdisjoint(STEPS_INSTEAD.values())
    assert set(STEPS_INSTEAD.values()) <= BY_ID.keys()
