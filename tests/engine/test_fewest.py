"""A text that is too large is refused by its names: never one that is not."""

from __future__ import annotations

import ast
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg import LimitError, run
from llm_linalg.language import source
from llm_linalg.lesson import catalog
from llm_linalg.parsing import fewest, parts, signs, statements, within
from tests.engine.fitting import FITTING
from tests.engine.flows import flows

PIECES = [
    *("x", "y.a", "x as y", "not", "in", "1.5e3", "0x1f", "é", "शि", "a·", " . b", "import", "a.b.c"),
    *("from a import b as c", "lambda: "),
    "@g\ndef f(a: int, /, *b, c=1, d, **e) -> int: return",
    *("'", '"', "'''", '"""', "\\", "#", "\n", "r'", "b'a b'", "u''", "f'{x}'", '"a b"', "'''a\nb'''"),
    *("f'{{x}}{y!r:>{z}}'", "rF'{x}'", r"f'\N{EM DASH}{x=}'", "f'''{a}\n{{{b}", "f\"{ {1: 'x'}[1] }\""),
    *("from . import x", "global x", "pass", "\\\n", "# a\n", "match x:\n  case y: ", "try: x\nfinally: "),
    *("\n  ", "elif ", "while ", "with a as b: ", "class A(b): ", "async def f(): ", "del x", "return"),
    *("()", "[x]", "{}", "{x: y}", "x[y]", "f()", "...", "None", "from ... import a", "class A(): ", "( )"),
    *(" ", " = ", ";", "(", ")", "[", "]", ",", ": ", "def f(a, b=c): ", "if ", "for ", "else "),
]  # fmt: skip


def held(text: str) -> bool:
    """Holds what a text's names tell against its tree; returns whether it has one."""
    try:
        tree = statements(text)
    except (SyntaxError, ValueError):
        fewest(text)
        return False
    assert fewest(text) <= sum(1 for _ in ast.walk(tree))
    assert all(list(within(node)) == list(ast.iter_child_nodes(node)) for node in ast.walk(tree))
    return True


@given(flows(known=False))
def test_a_program_has(program: str) -> None:
    assert held(program)
    assert "f'" in program or fewest(program) > len(program) // 40  # it is a bound that tells something


def test_each_lesson_and_each_of_the_tests_own_has() -> None:
    assert all(held(stop.program) for lesson in catalog() for stop in lesson.stops)
    assert all(held(program) for program in FITTING.values())


@settings(max_examples=2_000)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
def test_texts_have(pieces: list[str]) -> None:
    held("".join(pieces))


@pytest.mark.parametrize("name", ["कोशिका_स्थिति_मूल्य", "ñ·ñ·ñ·ñ"])
def test_names_may_have_marks(name: str) -> None:
    assert run(f"{name} = 1\n" + f"print({name})\n" * 1_500).printed == "1\n" * 1_500


@pytest.mark.parametrize("name", ["é", "a", "a.b", "(a)", "a\n"])
def test_many_names_are_refused_before_they_are_parsed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(_: str) -> ast.Module:
        raise AssertionError

    monkeypatch.setattr(source, "statements", parsed)
    with pytest.raises(LimitError, match="too many parts"):
        run(f"x = [{','.join([name] * 10_500)}]")


@pytest.mark.parametrize(
    "line", ["a,", "10", "a()", "(a,\n b,)", "a; b", "()", "[a]", "{}", "if a: b", "a # b, c", "None", "..."]
)
def test_so_are_many_lines(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(_: str) -> ast.Module:
        raise AssertionError

    monkeypatch.setattr(source, "statements", parsed)
    with pytest.raises(LimitError, match="too many parts"):
        run(f"{line}\n" * 5_500 + " = 1")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there a parser is quick with them")
def test_so_are_many_parts_of_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(_: str) -> ast.Module:
        raise AssertionError

    monkeypatch.setattr(source, "statements", parsed)
    with pytest.raises(LimitError, match="too many parts"):
        run("x = f'" + "{1}" * 5_500 + "'")


@pytest.mark.parametrize(
    "line", ["((((((((((1))))))))))", "((...))", "f'{((((((((((1))))))))))}'", "(([x[:, :]]))"]
)
def test_so_are_many_signs(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(_: str) -> ast.Module:
        raise AssertionError

    monkeypatch.setattr(source, "statements", parsed)
    lines = source.MAX_SIGNS // sum(map(line.count, "()[]:,{}'")) + 1
    with pytest.raises(LimitError, match="too many parts"):
        run("\n".join([line] * lines))


def test_signs_of_comments_texts_and_numbers_are_none() -> None:
    numbers = f"x = [{','.join(['1.5'] * 9_900)}]"
    assert len(run(f"# {'(' * 4_000}\ns = '{'-' * 4_000}'\n{numbers}\nprint(len(x))").printed) == 5


@given(flows(known=False))
def test_a_program_has_few_signs(program: str) -> None:
    assert signs(program, 0) <= 2 * sum(1 for _ in ast.walk(statements(program)))


@pytest.mark.parametrize(
    ("text", "words", "signs"),
    [
        ("", 0, 0),
        ("a = b[1] + 'c d'", 5, 6),
        ("é_1 +=\n\t2\x0b;", 2, 3),
        ("x" * 9_999, 1, 0),
        ("[[]]" * 3, 0, 12),
    ],
)
def test_words_and_signs_are_counted(text: str, words: int, signs: int) -> None:
    assert parts(text) == words + signs


def test_how_many_nodes_there_are_is_guessed_only_of_a_text_of_many_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guessed: list[str] = []

    def guess(text: str) -> int:
        guessed.append(text)
        return 0

    monkeypatch.setattr(source, "fewest", guess)
    long = "# " + "x" * 20_000 + "\n"
    source.Source(long)
    assert guessed == []
    source.Source(long + "# " + "a " * 12_000)
    assert len(guessed) == 1
