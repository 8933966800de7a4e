"""Read `ask` and `exercise` fences.

```ask
(3, 1) * (1, 4): what comes?
- (3, 4)
- an error
check: (x[:, None] * y).shape
```

A line that begins with a key and a colon is a value; an indented line continues the one above it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from llm_linalg.base import syntax
from llm_linalg.base.spelling import quote, unknown
from llm_linalg.base.text import CleanText, clean, clean_lines, nearest
from llm_linalg.lessons.fence_options import ListFence, parse_options, shown_line
from llm_linalg.lessons.lesson import LineError
from llm_linalg.lessons.markdown import blocks, prose
from llm_linalg.lessons.stop import Stop
from llm_linalg.questions.question import Ask, Exercise, FenceLine, WrongAnswer

ASK_KEYS = ("check", "vary")
EXERCISE_KEYS = ("with", "vary", "check", "hint", "answer", "wrong")
ONCE = ("check",)
MOST_VALUES = 20  # of one key
MOST_CHOICES = 9  # a digit chooses one
MOST_HINTS = 3
LONGEST_QUESTION = 600
LONGEST_VALUE = 1_000
LONGEST_CHOICE = 60

_KEY = re.compile(r"([A-Za-z]+):(?:\s+(.*))?")
_CHOICE = re.compile(r"[-*]\s+(.*)")
_NAMES = re.compile(r"[^\W\d]\w*(?:[\s,]+[^\W\d]\w*)*")


class _Parts(NamedTuple):
    """What the lines of a fence say: the question, its choices, and the values of each key."""

    question: CleanText
    choices: list[FenceLine]
    values: dict[str, list[FenceLine]]


def read_ask(fence: ListFence, controls: Sequence[str]) -> Ask:
    """Return the ask in a fence, whose lesson has these controls; raise `LineError` at a wrong line."""
    if fence.info:
        raise LineError(fence.line, f"nothing stands behind ask: not {quote(fence.info)}")
    parts = _parts(fence, ASK_KEYS)
    if len(parts.choices) == 1 or len(parts.choices) > MOST_CHOICES:
        line, count = parts.choices[-1].line, len(parts.choices)
        raise LineError(line, f"an ask has 2 to {MOST_CHOICES} choices, or none: not {count}")
    choices = tuple(shown_line("a choice", *choice, LONGEST_CHOICE) for choice in parts.choices)
    for k, choice in enumerate(choices):
        if choice in choices[:k]:
            raise LineError(parts.choices[k].line, f"the choice {quote(choice)} stands there twice")
    return Ask(
        question=parts.question,
        check=_check(fence, parts, "whose value is the right answer: check: Y.shape"),
        choices=choices,
        vary=_vary(parts, controls),
        line=fence.line,
    )


def exercise_stop(stop: Stop, fence: ListFence, controls: Sequence[str], above: Sequence[Stop]) -> Stop:
    """Return the stop of an exercise, which continues one of those above, in whose state it works.

    Its question begins its prose, so that it stays on the screen. Where it shows no node of its own, and sets
    nothing up, it shows what that stop shows.

    Raises:
        LineError: At a line that is wrong.
    """
    options = parse_options(f"exercise {fence.info}".rstrip(), fence.line, "exercise")
    parts = _parts(fence, EXERCISE_KEYS)
    if parts.choices:
        reason = "an exercise has no choices: a question with choices is an ask"
        raise LineError(parts.choices[0].line, reason)
    hints = parts.values["hint"]
    if len(hints) > MOST_HINTS:
        raise LineError(hints[MOST_HINTS].line, f"an exercise has at most {MOST_HINTS} hints")
    exercise = Exercise(
        question=parts.question,
        check=_check_of_exercise(fence, parts),
        after=_after(options.pop("after", None), fence.line, above),
        setup=tuple(parts.values["with"]),
        barred=options.pop("without", ()),
        vary=_vary(parts, controls),
        hints=tuple(clean(hint.text, None) for hint in hints),
        answers=tuple(parts.values["answer"]),
        wrong=tuple(map(_wrong, parts.values["wrong"])),
        line=fence.line,
    )
    code, ranks = tuple[str, ...](), 0
    if exercise.after:
        state = above[exercise.after - 1]
        code, ranks = (*state.above, *filter(None, [state.code])), state.ranks
        if not exercise.setup and "show" not in options:
            shown = {} if state.backward else {"show": state.show, "beside": state.beside}
            options = {"order": state.order, "look": state.look, **shown, **options}
    return stop._replace(
        exercise=exercise,
        code="\n".join(line.text for line in exercise.setup),
        prose=clean_lines("\n\n".join(filter(None, (exercise.question, stop.prose)))),
        above=code,
        ranks=ranks,
        **options,
    )


def _parts(fence: ListFence, keys: Sequence[str]) -> _Parts:
    question: list[str] = []
    choices: list[FenceLine] = []
    values: dict[str, list[FenceLine]] = {key: [] for key in keys}
    last: list[FenceLine] | None = None  # where a line that is indented goes on
    for line, place in fence.lines:
        text = line.strip()
        key, choice = _KEY.fullmatch(line.rstrip()), _CHOICE.fullmatch(line.rstrip())
        if not text:
            if last is None:
                question.append("")
        elif last is not None and line[0] in " \t":
            last[-1] = last[-1]._replace(text=f"{last[-1].text} {text}")
        elif key and key[1] in keys:
            last = values[key[1]]
            last.append(FenceLine((key[2] or "").strip(), place))
        elif key and (last is not None or nearest(key[1], keys)):
            raise LineError(place, unknown("key", key[1], keys))
        elif choice and (last is None or last is choices):
            last = choices
            last.append(FenceLine(choice[1].strip(), place))
        elif last is not None:
            raise LineError(place, f"{quote(text)} is neither {', '.join(f'{key}:' for key in keys)}")
        else:
            question.append(text)
    for name, lines in values.items():
        _check_values(name, lines)
    asked = prose(blocks("\n".join(question)))
    if not asked or len(asked) > LONGEST_QUESTION:
        reason = f"it begins with its question, of at most {LONGEST_QUESTION} characters"
        raise LineError(fence.line, reason)
    return _Parts(asked, choices, values)


def _check_values(key: str, lines: Sequence[FenceLine]) -> None:
    most = 1 if key in ONCE else MOST_VALUES
    if len(lines) > most:
        raise LineError(lines[most].line, f"{key} stands twice" if most == 1 else f"{key} stands too often")
    for text, place in lines:
        if not text:
            raise LineError(place, f"{key}: needs a value")
        if len(text) > LONGEST_VALUE or not text.isprintable():
            reason = f"{key}: takes at most {LONGEST_VALUE} characters, without control characters"
            raise LineError(place, reason)


def _check(fence: ListFence, parts: _Parts, what: str) -> FenceLine:
    if not parts.values["check"]:
        raise LineError(fence.line, f"it needs a check, {what}")
    return parts.values["check"][0]


def _check_of_exercise(fence: ListFence, parts: _Parts) -> FenceLine | None:
    if parts.values["answer"] and not parts.values["check"]:
        return None
    return _check(fence, parts, "which is true if answer is right, or an answer: check: answer == Y.sum()")


def _vary(parts: _Parts, controls: Sequence[str]) -> tuple[FenceLine, ...]:
    """Return what varies, one control or one statement each."""
    varied: list[FenceLine] = []
    for line in parts.values["vary"]:
        text, place = line
        if not _NAMES.fullmatch(text):
            if "=" not in text:
                reason = f"vary: names controls, or binds other data: x = torch.randn(4); not {quote(text)}"
                raise LineError(place, reason)
            varied.append(line)
            continue
        for name in re.split(r"[\s,]+", text):
            if name not in controls:
                raise LineError(place, unknown("control", name, controls))
            varied.append(FenceLine(name, place))
    return tuple(varied)


def _after(asked: int | None, place: int, above: Sequence[Stop]) -> int:
    """Return the number of the stop in whose state an exercise works; 0 without one."""
    programs = [stop for stop in above if not stop.slide and leaves_state(stop)]
    if asked is None:
        return programs[-1].number if programs else 0
    if asked > len(above):
        raise LineError(place, f"after names a stop above: there are {len(above)}, and no stop {asked}")
    stop = above[asked - 1]
    if stop not in programs:
        why = "is an exercise" if stop.exercise else "has no program" if stop.slide else "fails"
        why = "runs on several devices" if stop.ranks else why
        raise LineError(place, f"after names a stop that leaves a state, and stop {asked} {why}")
    return asked


def leaves_state(stop: Stop) -> bool:
    """Return whether the stops below continue a stop's program, on one device."""
    return not stop.fails and not stop.refusals and stop.exercise is None and not stop.ranks


def _wrong(line: FenceLine) -> WrongAnswer:
    """Return a wrong answer, with the name of the mistake that stands behind a `#`."""
    code, comment = syntax.split_comment(line.text)
    expression = code.strip()
    if not expression:
        raise LineError(line.line, "wrong: is an expression, and may name the mistake: wrong: A.T # turned")
    return WrongAnswer(expression, clean(comment.lstrip("# "), None), line.line)
