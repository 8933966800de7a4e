"""Read the controls in a lesson's front matter, strictly."""

from __future__ import annotations

import builtins
import keyword
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from llm_linalg.base.spelling import quote, unknown
from llm_linalg.base.text import CleanText, clean, unshown
from llm_linalg.lessons.control import LARGEST, Control, Kind, Value, is_number

CONTROL_KEYS = ("choices", "range", "default", "step", "key", "label", "sets", "append", "edits")
# The letters that the app leaves to lessons; it uses the others itself.
FREE_KEYS = "adehijkmtxz"
# Names that a program means something else by.
RESERVED = frozenset(["torch", "nn", "F", "math", "dist", *dir(builtins)])
LONGEST_TEXT = 60


class FrontError(Exception):
    """An error in front matter; `keys` is the path of the key that is wrong."""

    def __init__(self, keys: tuple[str, ...], reason: str) -> None:
        super().__init__(reason)
        self.keys = keys
        self.reason = reason


def controls_of(value: object) -> tuple[Control, ...]:
    """Return the controls in a front matter's table; raise `FrontError` with the key that is wrong."""
    table = table_of(value, ("controls",), "controls is a table of tables: [controls.n]")
    controls = {name: _control(name, value) for name, value in table.items()}
    letters: dict[str, str] = {}
    for name, control in controls.items():
        if control.key is not None and letters.setdefault(control.key, name) != name:
            taken = letters[control.key]
            raise FrontError(("controls", name, "key"), f"the key {control.key} is {taken}'s already")
    return tuple(_with_sets(control, table[name], controls) for name, control in controls.items())


def _control(name: str, value: object) -> Control:
    """Return the control in a table; its `sets` is read later, when all controls are known."""
    at = ("controls", name)
    if not name.isidentifier() or name != unicodedata.normalize("NFKC", name):
        raise FrontError(at, f"a control is a name that the program uses: {quote(name)} is no identifier")
    if keyword.iskeyword(name) or name in RESERVED or name.startswith("__"):
        raise FrontError(at, f"{quote(name)} means something else in a program; take another name")
    table = table_of(value, at, f"a control is a table: [controls.{name}]", CONTROL_KEYS)
    if "default" not in table:
        raise FrontError(at, f"{name} needs a default")
    if "choices" in table and "range" in table:
        raise FrontError((*at, "range"), f"{name} has choices or a range, not both")
    blank = Control(
        name=name,
        kind="int",
        default=0,
        key=_key(table.get("key"), (*at, "key")),
        label=line_of_text(table.get("label", name), (*at, "label")),
    )
    default = table["default"]
    drawn = isinstance(default, list) and any(isinstance(row, list) for row in default)
    kind = _choice if "choices" in table else _grid if drawn else _numbers
    control = kind(blank, table)
    control = control._replace(append=_append(control, table.get("append")))
    if "edits" in table and control.kind != "grid":
        raise FrontError((*at, "edits"), "edits belongs to a grid, whose default is rows of 0 and 1")
    try:
        return control._replace(default=control.check(control.default))
    except ValueError as error:
        raise FrontError((*at, "default"), f"the default: {error}") from None


def _choice(blank: Control, table: Mapping[str, Any]) -> Control:
    at = ("controls", blank.name)
    choices = table["choices"]
    if not isinstance(choices, list) or not 1 <= len(choices) <= 100:
        raise FrontError((*at, "choices"), 'choices is a list: ["a", "b"]')
    for choice in choices:
        if isinstance(choice, str):
            line_of_text(choice, (*at, "choices"))
        elif not isinstance(choice, bool) and not (is_number(choice) and abs(choice) <= LARGEST):
            raise FrontError((*at, "choices"), "a choice is a text, a number, true or false")
    listed = isinstance(table["default"], list)
    default = tuple(table["default"]) if listed else table["default"]
    kind: Kind = "list" if listed else "choice"
    control = blank._replace(kind=kind, default=default, choices=tuple(choices))
    if len(set(map(control.show, choices))) < len(choices):
        raise FrontError((*at, "choices"), "two of the choices read the same")
    if listed and any("," in control.show(choice) for choice in choices):
        raise FrontError((*at, "choices"), "commas part the entries of a list: none may stand in a choice")
    if "step" in table:
        raise FrontError((*at, "step"), "choices have no step")
    return control


def _grid(blank: Control, table: Mapping[str, Any]) -> Control:
    """Return a control of rows of 0 and 1, edited cell by cell on a tensor."""
    at = ("controls", blank.name)
    for key in ("range", "step"):
        if key in table:
            raise FrontError((*at, key), f"rows of 0 and 1 have no {key}")
    rows = tuple(tuple(row) if isinstance(row, list) else row for row in table["default"])
    edits = line_of_text(table["edits"], (*at, "edits")) if "edits" in table else ""
    return blank._replace(kind="grid", default=rows, edits=edits)


def _numbers(blank: Control, table: Mapping[str, Any]) -> Control:
    """Return a numeric control with a range, or a list of numbers with or without one."""
    at = ("controls", blank.name)
    default, bounds = table["default"], table.get("range")
    listed = isinstance(default, list)
    if bounds is None and not listed:
        raise FrontError(at, f"{blank.name} needs choices, a range, or a list as its default")
    if bounds is not None and not (
        isinstance(bounds, list)
        and len(bounds) == 2
        and all(is_number(bound) and abs(bound) <= LARGEST for bound in bounds)
        and bounds[0] <= bounds[1]
    ):
        reason = f"a range is two numbers, the smaller one first, such as [1, 12]: not {bounds}"
        raise FrontError((*at, "range"), clean(reason, 200))
    low, high = bounds or (None, None)
    given: list[object] = [*(default if listed else [default]), *(bounds or ()), table.get("step", 0)]
    floats = any(isinstance(number, float) for number in given)
    step = table.get("step", 0.1 if floats and not listed else 1)
    if not is_number(step) or not 0 < step <= LARGEST:
        raise FrontError((*at, "step"), "a step is a number above 0")
    if listed:
        typed = tuple(float(entry) if floats and is_number(entry) else entry for entry in default)
        return blank._replace(kind="list", default=typed, minimum=low, maximum=high, step=step)
    kind: Kind = "float" if floats else "int"
    return blank._replace(kind=kind, default=default, minimum=low, maximum=high, step=step)


def _append(control: Control, name: object) -> str | None:
    """Return the name of the tensor that a list grows by; None without one."""
    at = ("controls", control.name, "append")
    if name is None:
        return None
    if control.kind != "list":
        raise FrontError(at, "append belongs to a list: default = [1, 2]")
    if not isinstance(name, str) or not name.isidentifier():
        raise FrontError(at, 'append names a tensor of the program: append = "next"')
    return name


def _with_sets(control: Control, table: Mapping[str, Any], controls: Mapping[str, Control]) -> Control:
    """Return the control with its `sets`, checked against the controls that it sets."""
    at = ("controls", control.name, "sets")
    given = table.get("sets", {})
    if control.kind == "grid" and isinstance(given, dict):
        given = {"": given} if given else {}
    elif not isinstance(given, dict) or (given and control.kind != "choice"):
        raise FrontError(at, "sets belongs to choices: sets = { choice = { other = value } }")
    pairs: list[tuple[str, str, Value]] = []
    for choice, values in given.items():
        try:
            chosen = choice and control.show(control.parse(choice))
            if not isinstance(values, dict):
                raise ValueError(f"{quote(choice)} sets a table: {{ other = value }}")
            pairs.extend((chosen, *_set(control, chosen, name, values[name], controls)) for name in values)
        except ValueError as error:
            raise FrontError(at, str(error)) from None
    return control._replace(sets=tuple(pairs))


def _set(
    control: Control, chosen: str, name: str, value: Any, controls: Mapping[str, Control]
) -> tuple[str, Value]:
    if name not in controls or name == control.name:
        raise ValueError(unknown("control", name, (other for other in controls if other != control.name)))
    other = controls[name]
    checked = other.check(tuple(value) if isinstance(value, list) else value)
    if chosen == control.show(control.default) and checked != other.default:
        raise ValueError(f"{chosen} is the default, and sets {name} to something else than its default")
    return name, checked


def _key(value: object, at: tuple[str, ...]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) != 1 or value not in FREE_KEYS:
        raise FrontError(at, f"a key is one of {' '.join(FREE_KEYS)}: the app uses the others")
    return value


def table_of(value: object, at: tuple[str, ...], reason: str, keys: Collection[str] = ()) -> dict[str, Any]:
    """Return a value that is a table; if keys are given, one that has no others.

    Raises:
        FrontError: For any other value, with the reason, or with the key that is unknown.
    """
    if not isinstance(value, dict):
        raise FrontError(at, reason)
    for key in value if keys else ():
        if key not in keys:
            raise FrontError((*at, key), unknown("key", key, keys))
    return value


def line_of_text(value: object, at: tuple[str, ...]) -> CleanText:
    """Return a text of one line that can be shown on the screen; `FrontError` for any other value."""
    if not isinstance(value, str) or not value.strip() or "\n" in value:
        raise FrontError(at, f"{at[-1]} is a text of one line")
    if char := unshown(value):
        raise FrontError(at, f"{at[-1]} can't have {char}")
    if len(value) > LONGEST_TEXT:
        raise FrontError(at, f"{at[-1]} is longer than {LONGEST_TEXT} characters")
    return clean(value.strip(), None)
