"""Where each part of a program stands, and what can't be read."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import LimitError, ProgramError
from llm_linalg.base.source import MAX_CHARACTERS, MAX_DEPTH, Source

PLAIN = [
    program
    for path in sorted((Path(__file__).parent / "plain").glob("*.txt"))
    for program in path.read_text(encoding="utf-8").split("\n----\n")
]
NAMES = st.sampled_from(["x", "größe", "数", "w_1", "Ωmega"])
LEAVES = st.one_of(NAMES, st.sampled_from(["1", "2.5", "'é — 数'", '"\\n"', "None", "...", "1j", "b'ab'"]))
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" + ", "@", "  ** ", " and ", " < ", "\t-\f"]), inner).map("".join),
        st.tuples(inner, inner, inner).map(lambda part: f"f({part[0]}, *{part[1]}, 键={part[2]})"),
        st.tuples(inner, inner).map(lambda part: f"({part[0]})[{part[1]}:, ...]"),
        st.lists(inner, max_size=3).map(lambda parts: f"[\n  {', '.join(parts)}\n]"),
        inner.map(lambda part: f"(lambda x, *, y=1: {part})"),
        inner.map(lambda part: f"(await_ := {part})"),
        inner.map(lambda part: f"(({part})\n  .T\n  .sum())"),
    ),
    max_leaves=12,
)
BREAKS = st.sampled_from(["\n", "\r\n"])
MARKED = st.booleans()


def parts(source: Source) -> list[ast.expr]:
    """Expressions, but for those in f-strings, which Python before 3.12 places at the string."""
    strings = [node for node in ast.walk(source.tree) if isinstance(node, ast.JoinedStr)]
    within = {part for node in strings for part in ast.walk(node) if part is not node}
    return [node for node in ast.walk(source.tree) if isinstance(node, ast.expr) and node not in within]


@given(st.lists(EXPRESSIONS, min_size=1, max_size=4), BREAKS, MARKED)
def test_each_part_stands_where_its_text_reads_as_the_same(lines: list[str], end: str, marked: bool) -> None:
    text = "\n".join(f"é{number} = {line}" for number, line in enumerate(lines)).replace("\n", end)
    source = Source("\ufeff" * marked + text)
    assert source.text == text.replace(end, "\n")
    for node in parts(source):
        own = source.text_of(node)
        assert own == ast.get_source_segment(source.text, node)
        if isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and not isinstance(
            node, ast.Slice | ast.Starred
        ):
            whole = own if isinstance(node, ast.Tuple) else f"({own})"
            read = ast.parse(whole, mode="eval").body if not isinstance(node, ast.Tuple) else node
            assert ast.dump(read) == ast.dump(node)


@pytest.mark.parametrize("program", PLAIN)
def test_plain_programs_are_read_as_python_reads_them(program: str) -> None:
    source = Source(program)
    assert ast.dump(source.tree) == ast.dump(ast.parse(program))
    for node in parts(source):
        assert source.text_of(node) == ast.get_source_segment(program, node)


def python_error(text: str) -> SyntaxError | None:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return error
    return None


def error_of(text: str) -> ProgramError | None:
    try:
        Source(text)
    except ProgramError as error:
        return error
    return None


PIECES = st.sampled_from([*"ab1(=:'\"\\\n\t \f@,.é", "if", "def ", "\r\n"])


@given(st.lists(PIECES, max_size=20).map("".join))
def test_what_python_refuses_is_said_at_its_line_and_column(text: str) -> None:
    plain = text.replace("\r\n", "\n")
    wanted, found = python_error(plain), error_of(text)
    if wanted is None or found is None:
        assert (wanted, found) == (None, None)
        return
    assert found.message == f"this is not Python: {wanted.msg}"
    assert found.line == min(max(wanted.lineno or 1, 1), plain.count("\n") + 1)
    assert found.column == max((wanted.offset or 1) - 1, 0)


@pytest.mark.parametrize(
    "char", ["\0", "\r", "\x1b", "\u202e", "\u2066", "\u200b", "\ufeff", "\ue000", "\ud800"]
)
def test_what_can_not_be_seen_is_refused_where_it_is(char: str) -> None:
    with pytest.raises(ProgramError, match=f"U\\+{ord(char):04X}") as caught:
        Source(f"x = 1\ny = 'é{char}'")
    assert (caught.value.line, caught.value.column) == (2, 6)


def test_blanks_that_python_takes_are_taken() -> None:
    source = Source("if x:\n\ty\f=\t1\n\f\nz = 2")
    assert [source.text_of(node) for node in source.tree.body] == ["if x:\n\ty\f=\t1", "z = 2"]


HOSTILE = {
    "brackets": "(" * 60_000,
    "brackets in fewer characters": "[" * 30_000,
    "closed brackets": "(" * 20_000 + ")" * 20_000,
    "two megabytes": "x = 1\n" * 350_000,
    "one line of two megabytes": "x" * 2_000_000,
    "dots": "x" + ".a" * 20_000,
    "dots of an import": "import x" + ".a" * 24_000,
    "minus signs": "x = " + "-" * 45_000 + "1",
    "deep sum": "x = " + "+".join(["1"] * 5_000),
    "deep branches": "".join(" " * depth + "if x:\n" for depth in range(99)) + " " * 99 + "y",
    "lambdas": "x = " + "lambda: " * 6_000 + "1",
    "f-strings": "f'" + "{x}" * 16_000 + "'",
    "marks": "x" + "\u0301\u0323" * 24_000,
    "digits": "x = " + "9" * 49_000,
    "many lines": "(\n" * 24_000,
    "commas": "x = [" + "1," * 24_000 + "]",
    "comment": "#" + "(" * 49_000,
    "blanks": " " * 49_000 + "x",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_reading_takes_no_time_to_speak_of(text: str) -> None:
    before = time.process_time()
    error = error_of(text)
    if error is None:
        source = Source(text)
        assert all(source.text_of(node) for node in parts(source)[:100])
    else:
        assert error.span is not None
        assert error.caret
    assert time.process_time() - before < 3


def test_sizes_are_limited() -> None:
    text = "x = 1 # é\n" * (MAX_CHARACTERS // 8)
    with pytest.raises(LimitError, match=r"50,000 are allowed") as caught:
        Source(text)
    assert caught.value.line == MAX_CHARACTERS // 10 + 1


@given(st.integers(2, 2 * MAX_DEPTH))
def test_depth_is_limited(depth: int) -> None:
    text = "x = " + " + ".join("y" * depth)
    levels = depth + 2  # the module, the assignment, a sum each, a name and that it is read
    if levels <= MAX_DEPTH - 1:
        assert Source(text).lines == [text]
    else:
        with pytest.raises(LimitError, match="nested too deeply"):
            Source(text)


def test_a_command_of_a_notebook_is_called_so() -> None:
    for line in ("!pip install x", "%matplotlib inline", "files = !ls", "torch.randn?"):
        with pytest.raises(ProgramError, match="is a notebook's command, not Python: leave it out") as caught:
            Source(f"x = 1\n{line}")
        assert caught.value.line == 2
