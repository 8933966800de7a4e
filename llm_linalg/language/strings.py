"""f-strings, and the functions that make text of values: `print`, `str`, `repr`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from llm_linalg.base.errors import LimitError
from llm_linalg.language import printing
from llm_linalg.language.budget import CHARACTERS_PER_STEP
from llm_linalg.language.containers import MAX_TEXT
from llm_linalg.language.interpreter import MAX_PRINTED, Interpreter
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction


def f_string(run: Interpreter, node: ast.JoinedStr) -> str:
    """Evaluate `f"a {b}"`, and the format after the colon of one."""
    text = ""
    for part in node.values:
        text += str(run.evaluate(part))
        run.budget.step(len(text) // CHARACTERS_PER_STEP)
        if len(text) > MAX_TEXT:
            raise LimitError(f"a text of more than {MAX_TEXT:,} characters")
    run.budget.charge_new_text(len(text))
    return text


def replacement_field(run: Interpreter, node: ast.FormattedValue) -> str:
    """Evaluate `{b!r:>8}` within an f-string."""
    value = run.evaluate(node.value)
    spec = run.evaluate(node.format_spec) if node.format_spec else ""
    return format_charged(run, value, node.conversion, spec)


def str_of(run: Interpreter, value: Any = "") -> str:
    """Return `str(value)`, charged before it is made."""
    run.budget.charge_text(printing.text_size(value))
    return printing.str_text(value)


def repr_of(run: Interpreter, value: Any) -> str:
    """Return `repr(value)`, charged before it is made."""
    run.budget.charge_text(printing.text_size(value))
    return printing.repr_text(value)


def ascii_of(run: Interpreter, value: Any) -> str:
    """Return `ascii(value)`, charged before it is made."""
    run.budget.charge_text(printing.text_size(value))
    text = printing.ascii_text(value)
    run.budget.charge_new_text(len(text))  # a character may become ten
    return text


def format_of(run: Interpreter, value: Any, spec: str = "") -> str:
    """Return `format(value, spec)`, charged before it is made."""
    if not isinstance(spec, str):
        raise TypeError("a format is text, such as '.2f'")
    return format_charged(run, value, -1, spec)


def format_charged(run: Interpreter, value: Any, conversion: int, spec: str) -> str:
    """Return a value as an f-string shows it, after its conversion and in its format, charged."""
    run.budget.charge_items(value)
    if not printing.is_number(value, conversion):
        run.budget.charge_text(printing.text_size(value))
    text = printing.format_value(value, conversion, spec)
    run.budget.step(2 + len(text) // 15)
    return text


def print_line(run: Interpreter, *values: Any, **options: Any) -> None:
    """Do what `print` does, into the output of the run."""
    unknown = options.keys() - {"sep", "end", "flush"}
    if "file" in unknown:
        raise RefusalError("print has no file= in this language")
    if unknown:
        raise TypeError(f"'{min(unknown):.100}' is an invalid keyword argument for print()")
    sep, end = options.get("sep"), options.get("end")
    between = " " if sep is None else str_of(run, sep)
    texts = [str_of(run, value) for value in values]
    if sum(map(len, texts)) + len(between) * len(texts) > run.printable:
        raise LimitError(f"the program prints more than {MAX_PRINTED:,} characters")
    line = between.join(texts)
    line += "\n" if end is None else str_of(run, end)
    run.printable -= len(line)
    if run.printable < 0:
        raise LimitError(f"the program prints more than {MAX_PRINTED:,} characters")
    run.printed.append(line)
    run.print_lines.append(getattr(run.current, "lineno", 0))


FUNCTIONS: Mapping[str, RunFunction] = {
    function.name: function
    for function in (
        RunFunction("print", print_line),
        RunFunction("str", str_of, str),
        RunFunction("repr", repr_of),
        RunFunction("ascii", ascii_of),
        RunFunction("format", format_of),
    )
}
