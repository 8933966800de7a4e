"""Keys from the table of commands, for the bindings, the footer, the help and the settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from tui.session.commands import BY_ID, COMMANDS, Command, Topic
from tui.session.contexts import Context

KEYS: tuple[Command, ...] = tuple(command for command in COMMANDS if command.keys)
"""The commands that have keys."""

CONTROLS_AFTER = BY_ID["out"].footer
"""The place in the footer after which a lesson's controls stand: between how one moves and what one asks."""


def live_commands(
    contexts: Collection[Context], table: Iterable[Command] = KEYS, control_keys: Collection[str] = ()
) -> tuple[Command, ...]:
    """Return the commands that do something in these contexts; of two for one key the first has it.

    The keys of the lesson's controls go first: the table leaves their letters free.
    """
    used = set(control_keys)
    commands = []
    for command in table:
        names = command.key_names
        if command.when in contexts and not used.issuperset(names):
            commands.append(command)
            used.update(names)
    return tuple(commands)


def listed_commands(commands: Iterable[Command], digits: Mapping[Context, int]) -> list[Command]:
    """Return the commands that the help lists: of those of a digit as many as do something."""
    return [command for command in commands if (command.digit or 0) <= digits.get(command.when, 9)]


def footer_commands(commands: Iterable[Command]) -> list[Command]:
    """Return the commands that the footer names, in its order."""
    return sorted((command for command in commands if command.footer), key=lambda command: command.footer)


def help_groups(commands: Iterable[Command]) -> list[tuple[Topic, list[Command]]]:
    """Return the commands under the headings of the help, empty headings left out."""
    listed = list(commands)
    groups = [(group, [command for command in listed if command.topic is group]) for group in Topic]
    return [(group, members) for group, members in groups if members]
