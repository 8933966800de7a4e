"""The words of scripts and of the prompt: those of the commands, and a few that no command has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from llm_linalg.base.spelling import quote, unknown
from tui.model.usage_error import UsageError
from tui.session.commands import COMMANDS, Command, run
from tui.session.contexts import Context
from tui.session.script import actions
from tui.session.script.actions import Action, ScriptWord
from tui.session.script.running import ensure_run
from tui.session.script.tokens import Words
from tui.session.session import Session

OF_NO_COMMAND = (
    ScriptWord(9, "wait [SECONDS]", "nothing for a while; in a script", actions.wait),
    ScriptWord(
        28,
        "settings SLUG [FLAGS]",
        "with what a lesson opens later on",
        actions.off_stage(actions.keep_settings),
        shows=False,
    ),
    ScriptWord(29, "lessons", "list the lessons", actions.stay, shows=False),
    ScriptWord(30, "deck DECK [--stop N]", "a deck on stage; a script begins with it", actions.to_deck),
    ScriptWord(48, "notes", "of a deck: what the speaker reads here", actions.stay, shows=False),
    ScriptWord(52, "show", "the frame again", actions.stay),
)


def _phrases(name: str) -> Mapping[Words, Command]:
    """Return the commands that a script repeats as a phrase with this word, by what follows it."""
    split = ((tuple(one.script.split()), one) for one in COMMANDS if isinstance(one.script, str))
    return {words[1:]: command for words, command in split if words[0] == name}


def _of_phrases(word: ScriptWord, name: str) -> ScriptWord:
    """Return a word that only stands for commands, with what may follow it."""
    commands = _phrases(name)
    takes = "|".join(f"[{' '.join(rest)}]" for rest in commands if rest)
    return replace(word, usage=f"{name} {takes}".strip(), act=_one_of_commands(commands))


def _one_of_commands(commands: Mapping[Words, Command]) -> Action:
    def act(session: Session, rest: Sequence[str]) -> str:
        command = commands.get(tuple(rest))
        if command is None:
            raise UsageError(f"nothing may follow here: {quote(rest[0])}")
        if command.when is Context.PRESENTATION and session.talk is None:
            raise UsageError("nothing is on stage: 'llm-linalg present DECK' shows a deck")
        return command.id

    leads_away = any(command.leaves_deck for command in commands.values())
    return actions.off_stage(act) if leads_away else act


def _of_commands() -> Iterator[ScriptWord]:
    for command in COMMANDS:
        for word in command.words:
            yield word if word.usage else _of_phrases(word, str(command.script).split()[0])


WORDS = tuple(sorted((*_of_commands(), *OF_NO_COMMAND), key=lambda word: word.place))
BY_NAME = {word.name: word for word in WORDS}


def find_word(name: str, listing: str = "'help' lists all") -> ScriptWord:
    """Return the word of that name. Raises UsageError with the nearest one, and what lists all."""
    word = BY_NAME.get(name.lower())
    if word is None:
        raise UsageError(unknown("word", name, [*BY_NAME]) + f" ({listing})")
    return word


def perform_word(session: Session, words: Words) -> Session:
    """Return the session after one act: a word and what follows it. Raises UsageError or LessonError."""
    word, rest, times = find_word(words[0]), words[1:], 1
    if word.many and rest:
        rest, times = (), actions.whole(rest, "number")
    session = session.with_notice("")
    for number in range(times):
        if number and session.talk is not None:  # the run decides how far the next one leads
            session = ensure_run(session)
        before = session
        done = word.act(session, rest)
        session = run(session, done) if isinstance(done, str) else done
        if session.view == before.view:
            break
    return session


def help_text() -> str:
    """Return what may be said, a line a word."""
    return "".join(f"{word.usage:<20} {word.says}\n" for word in WORDS)
