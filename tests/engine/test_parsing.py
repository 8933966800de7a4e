"""Texts become trees in several threads at once, which CPython's own parser does not bear."""

from __future__ import annotations

import ast
import gc
import io
import sys
import tokenize
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llm_linalg.base.syntax import expression, split_comment, statements

PROGRAM = "\n".join(f"x{n} = [a + (b * {n}) for a, b in zip(y[{n}], z)]" for n in range(40))


@pytest.fixture(autouse=True)
def _threads_take_turns_in_the_midst_of_a_tree() -> Iterator[None]:
    """Garbage is collected often while a tree is made, and what is called then lets other threads run."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()

    def called(_phase: str, _info: dict[str, int]) -> None:
        for _ in range(50):
            pass

    sys.setswitchinterval(1e-6)
    gc.set_threshold(20, 1, 1)
    gc.callbacks.append(called)
    try:
        yield
    finally:
        gc.callbacks.remove(called)
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)


def test_programs_are_read_in_several_threads() -> None:
    alone = ast.dump(statements(PROGRAM))
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(statements, [PROGRAM] * 12))
    assert {ast.dump(tree) for tree in trees} == {alone}


def test_expressions_are_read_in_several_threads() -> None:
    text = f"[{', '.join(['f(x)[1:2] + 3'] * 60)}]"
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(expression, [text] * 12))
    assert {ast.dump(tree) for tree in trees} == {ast.dump(expression(text))}


@given(st.lists(st.sampled_from([*"""ab1 #'"\\+.()""", "'''", '"""', "f'", "# "]), max_size=12).map("".join))
def test_a_comment_is_split_off_where_python_has_it(line: str) -> None:
    where = len(line)
    try:
        for token in tokenize.generate_tokens(io.StringIO(line).readline):
            if token.type == tokenize.COMMENT:
                where = token.start[1]
    except (tokenize.TokenError, SyntaxError):
        assume(False)
    assert split_comment(line) == (line[:where], line[where:])
