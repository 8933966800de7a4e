"""Settings: which of their sources decides, what is wrong is said with its place, and keys can be moved."""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import pytest
from textual.keys import _character_to_key

from llm_linalg.lessons.reader import find
from tests.app.driving import opened
from tui.app import Options
from tui.cli import launch
from tui.cli.config_file import NAME, ConfigError
from tui.cli.keymap import APART, KeyMapError, change_keys
from tui.cli.main import main
from tui.cli.parser import app_parser
from tui.cli.settings import COLOURS, DISPLAY, SETTINGS, Setting, Settings, SettingValue, example, resolve
from tui.files.state_file import StateFile
from tui.model.flags import Parser
from tui.model.usage_error import UsageError
from tui.model.view_words import VIEW, add_picture_flags
from tui.session.commands import BY_ID, TOGETHER
from tui.session.contexts import Context
from tui.session.keys import KEYS, live_commands
from tui.text.guides import guides
from tui.text.key_names import CHARACTERS, key_label, key_name

UTF8 = {"LC_ALL": "C.UTF-8"}
NOTHING = argparse.Namespace()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "llm-linalg"
    folder.mkdir()
    return folder / NAME


def settings(config: Path, text: str, *words: str, **environment: str) -> Settings:
    config.write_text(text, encoding="utf-8")
    given = UTF8 | {"XDG_CONFIG_HOME": str(config.parent.parent)} | environment
    return resolve(app_parser().read(words), given, StateFile(config.parent))


@pytest.mark.parametrize(
    ("name", "default", "others"),
    [
        (
            "theme",
            "dark",
            [("light", "light"), ("high-contrast", "high-contrast"), ("no-colour", "no-colour")],
        ),
        ("speed", 4.0, [("2", 2.0), ("8", 8.0), ("0.5", 0.5)]),
        ("ascii", False, [("true", True), ("false", False), ("true", True)]),
        ("mouse", True, [("false", False), ("true", True), ("false", False)]),
        ("time_limit", 2.0, [("10", 10.0), ("0", 0.0), ("off", 0.0)]),
        ("slow_link", False, [("true", True), ("false", False), ("true", True)]),
    ],
)
def test_a_flag_goes_before_the_environment_and_that_before_the_file(
    config: Path, name: str, default: object, others: list[tuple[str, object]]
) -> None:
    (file, in_file), (variable, in_variable), (flag, in_flag) = others
    quotes = '"' if name == "theme" else ""
    text = f"# first\n{name} = {quotes}{file}{quotes}\n"
    environment = {f"LLM_LINALG_{name.upper()}": variable}
    word = f"--{name.replace('_', '-')}"
    if isinstance(default, bool):
        words = [word if in_flag else word.replace("--", "--no-", 1)]
    else:
        words = [word, flag]
    found = [
        settings(config, "").by_name[name],
        settings(config, text).by_name[name],
        settings(config, text, **environment).by_name[name],
        settings(config, text, *words, **environment).by_name[name],
    ]
    assert [(one.value, one.source) for one in found] == [
        (default, "default"), (in_file, "file"), (in_variable, "environment"), (in_flag, "flag"),
    ]  # fmt: skip
    assert [one.where for one in found] == ["", f"{config}:2", *environment, words[0]]


def test_the_last_runs_theme_goes_before_the_default_alone(config: Path) -> None:
    StateFile(config.parent).update(lambda state: type(state)(theme="light"))
    assert settings(config, "").by_name["theme"].source == "state"
    assert settings(config, "").values.theme == "light"
    assert settings(config, 'theme = "high-contrast"').values.theme == "high-contrast"
    assert settings(config, 'theme = "light"', NO_COLOR="1").values.theme == "no-colour"
    assert settings(config, "", LLM_LINALG_THEME="dark", NO_COLOR="1").values.theme == "dark"


def test_a_locale_without_utf8_asks_for_ascii(config: Path) -> None:
    assert settings(config, "ascii = false", LC_ALL="C").values.ascii
    assert not settings(config, "", "--no-ascii", LC_ALL="C").values.ascii


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('them = "dark"', 1, 'unknown key "them": did you mean "theme"?'),
        ('\ntheme = "drak"', 2, 'theme: unknown theme "drak": did you mean "dark"?'),
        ("speed = 0", 1, 'speed: "0" is not a number of steps a second from 0.05 to 100'),
        ('speed = "8"', 1, "speed: it has to be a number"),
        ("mouse = 1", 1, "mouse: it has to be true or false"),
        ("lesson = 3", 1, "lesson: it is a text, in quotes"),
        ("\na = ]", 2, "TOML: "),
        (f"speed = 2\na{'.a' * 60_000} = 1", 2, "TOML: A key has too many parts (column 1)"),
        (f"\nspeed = {'9' * 5000}\n\n", 2, "TOML: a whole number of more than 4,300 digits"),
        ("speed = 2\ntheme = dark", 2, 'theme: a text stands in quotes, as theme = "dark"'),
        ("mouse = False", 1, "mouse: it is written false, not False"),
        ('[keys]\n"stop.nxet" = "x"', 2, 'there is no command "stop.nxet": did you mean stop.next?'),
        ('[keys]\nstop.next = "pgdwn"', 2, 'stop.next: there is no key "pgdwn": did you mean pagedown?'),
        ('[keys]\nstop.next = "crtl+x"', 2, 'unknown modifier "crtl": did you mean "ctrl"?'),
        ("[keys]\nstop.next = []", 2, "stop.next: a command has one key at least"),
        ("[keys]\nstop.next = 3", 2, "stop.next: a key is a text, or a list of texts"),
        ('keys = "x"', 1, "keys is a table"),
        ('[keys]\nquit = "Z"\nstop.next = ["x", "n"]', 3, 'the key n is that of "over" (next op) already'),
        ('[keys]\nstop.next = "Z"\nover = "Z"', 3, 'the key Z is that of "stop.next" (next) already'),
    ],
)
def test_what_is_wrong_names_file_line_key_and_the_nearest_spelling(
    config: Path, text: str, line: int, said: str
) -> None:
    (problem,) = settings(config, text).problems
    assert problem.startswith(f"{config}:{line}: ")
    assert said in problem
    assert "\n" not in problem


def test_what_is_wrong_is_left_out_and_all_of_it_is_told(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'them = "dark"\nspeed = 8\nmouse = 3\n[keys]\n"step.next" = "x"\n"stop.next" = "."\n'
    found = settings(config, text)
    assert [problem.split(":")[1] for problem in found.problems] == ["1", "3", "5"]
    assert (found.values.speed, found.values.mouse) == (8.0, True)
    assert {key.id: key.keys for key in found.keys}["stop.next"] == "full_stop"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config.parent.parent))
    assert main(["config"]) == 2
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 3
    last = out.splitlines()[-1]
    assert last.split() == ["stop.next", ".", f"{config}:6"]
    column = last.index(" . ") + 1
    assert {line[column - 2 : column] for line in out.splitlines()[1:]} == {"  "}


def test_of_another_file_in_its_place_the_beginning_is_told(config: Path) -> None:
    for table in ("", "[keys]\n"):
        found = settings(config, table + "".join(f"a{number} = 1\n" for number in range(1000)))
        assert 20 <= len(found.problems) <= 21


def test_what_was_set_aside_is_said_before_what_is_wrong_with_the_settings(
    config: Path, tmp_path: Path
) -> None:
    (tmp_path / "state.json").write_text(
        '{"format": 1, "place": ["matmul"], "progress": 7}', encoding="utf-8"
    )
    found, file = settings(config, "them = 1\n"), StateFile(tmp_path)
    assert launch.opening_notice(found, file, "You are where you left off.").startswith(
        "state.json can't be read"
    )
    assert launch.opening_notice(found, file, "You are where you left off.").startswith("A setting is wrong")


def test_a_typo_is_a_notice_of_the_app(config: Path) -> None:
    found = settings(config, 'them = "dark"\nspeed = "x"\nlesson = "matmol"\n')
    told = launch.first_notice(found, "Something else.")
    assert told.startswith(f"3 settings are wrong, see 'llm-linalg config': {config}:1: unknown key \"them\"")
    one = launch.first_notice(settings(config, 'them = "dark"\n'), "")
    assert one.startswith("A setting is wrong, see 'llm-linalg config': ")
    assert launch.lesson_of_settings(found) is None
    assert launch.first_notice(settings(config, ""), "Something else.") == "Something else."


def test_a_variable_that_is_wrong_is_named() -> None:
    for name, value in (("LLM_LINALG_THEME", "drak"), ("LLM_LINALG_MOUSE", "perhaps")):
        with pytest.raises(ConfigError, match=f"{name}: "):
            resolve(NOTHING, UTF8 | {name: value})


def test_what_is_no_file_is_said_and_a_home_that_is_none_is_not(tmp_path: Path) -> None:
    (tmp_path / "llm-linalg" / NAME).mkdir(parents=True)
    (problem,) = resolve(NOTHING, UTF8 | {"XDG_CONFIG_HOME": str(tmp_path)}).problems
    assert problem.endswith("config.toml: cannot be read: not a file")
    (tmp_path / "llm-linalg" / NAME).rmdir()
    (tmp_path / "llm-linalg" / NAME).write_bytes(b"\xff")
    (problem,) = resolve(NOTHING, UTF8 | {"XDG_CONFIG_HOME": str(tmp_path)}).problems
    assert "not UTF-8" in problem
    for nowhere in ("/dev/null", "/nowhere"):
        assert resolve(NOTHING, UTF8 | {"XDG_CONFIG_HOME": nowhere}).values.theme == "dark"
    assert resolve(NOTHING, UTF8).file is None


def test_the_example_is_the_defaults(config: Path) -> None:
    text = example()
    assert settings(config, text).keys == KEYS
    lines = [line.removeprefix("#") for line in text.splitlines() if not line.startswith("# ")]
    table = tomllib.loads("\n".join(lines))
    keys = table.pop("keys")
    assert table == {one.name: one.default for one in SETTINGS}
    listed = {name: [value] if isinstance(value, str) else value for name, value in keys.items()}
    assert {name: [*map(key_name, names)] for name, names in listed.items()} == {
        key.id: [*key.key_names] for key in KEYS
    }
    assert settings(config, "\n".join(lines)).keys == KEYS


@pytest.mark.parametrize("one", SETTINGS, ids=lambda one: one.name)
def test_each_setting_is_complete(one: Setting, config: Path) -> None:
    assert one.says
    assert one.read(str(one.default)) == one.default
    assert f"\n#{one.name} = " in example()
    assert one.name in guides()["settings"].text
    assert one.variable == f"LLM_LINALG_{one.name.upper()}"
    actions = [action for action in app_parser().actions if action.dest == one.name]
    helps = {str(action.help).removesuffix(" (the default)") for action in actions}
    assert helps == {*filter(None, (one.flag, one.off))} or one.name == "lesson"
    assert (one.name in (*COLOURS, *DISPLAY, "time_limit")) == bool(one.flag)
    assert settings(config, "").by_name[one.name] == SettingValue(one.default)


def test_the_view_flags_are_named_whole() -> None:
    parser = Parser(add_help=False)
    add_picture_flags(parser)
    assert tuple(dict.fromkeys(action.dest for action in parser.actions)) == VIEW  # --twin is --backward


def test_config_says_where_each_value_is_from(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config.parent.parent))
    monkeypatch.setenv("LLM_LINALG_SPEED", "8")
    config.write_text('theme = "light"\n[keys]\n"stop.next" = ["Z", "pagedown"]\n', encoding="utf-8")
    assert main(["config"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["file:", str(config)]
    assert ["theme", "light", f"{config}:1"] in lines
    assert ["speed", "8", "LLM_LINALG_SPEED"] in lines
    assert ["mouse", "true", "default"] in lines
    assert lines[-1] == ["stop.next", "Z", "pagedown", f"{config}:3"]
    assert main(["config", "--format", "json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["settings"][1] == {
        "name": "theme", "value": "light", "source": "file", "where": f"{config}:1",
    }  # fmt: skip
    assert table["keys"] == [{"command": "stop.next", "keys": ["Z", "pagedown"], "where": f"{config}:3"}]
    config.write_text('lesson = "matmol"', encoding="utf-8")
    assert main(["config"]) == 2
    assert f'{config}:1: lesson: unknown lesson "matmol": did you mean "matmul"?' in capsys.readouterr().err
    config.write_text("", encoding="utf-8")
    assert main(["config"]) == 0
    assert main(["config", "--example"]) == 0
    assert capsys.readouterr().out.endswith(example())


# Keys.


def test_names_of_keys_are_textuals() -> None:
    for code in range(0x21, 0x7F):
        assert key_name(chr(code)) == _character_to_key(chr(code))
    assert {name: key_label(name) for name in CHARACTERS} == CHARACTERS
    for key in KEYS:
        for name in key.key_names:
            assert key_name(name) == name


def test_what_a_footers_entry_shows_is_made_of_its_keys() -> None:
    for key in KEYS:
        names = key.key_names
        if key.id in TOGETHER:
            made = "".join(key_label(BY_ID[one].key_names[0]) for one in TOGETHER[key.id])
            assert key.key_text == made
        else:
            assert key.key_text in {key_label(name) for name in names}


def test_moved_keys_are_shown() -> None:
    table = {
        key.id: key for key in change_keys({"back": ["<"], "play.back": ["B"], "order": ["ctrl+o", "O"]})
    }
    assert table["forward"].key_text == "<→"
    assert (table["back"].keys, table["back"].key_text) == ("less_than_sign", "<")
    assert (table["order"].keys, table["order"].key_text) == ("ctrl+o,O", "^o")
    assert table["cursor.left"].key_text == "←↑↓→"


def test_a_key_may_mean_two_things_where_only_one_can_hold() -> None:
    assert change_keys({"edit.save": ["o"]})  # in the editor; "order" is never live there
    assert change_keys({"cursor.panel": ["Z"], "control.next": ["Z"]})  # they share one from the start
    for pair in ({"over": ["o"]}, {"order": ["."]}, {"help": ["ctrl+p"]}):
        with pytest.raises(KeyMapError, match="already"):
            change_keys(pair)


@pytest.mark.slow
async def test_contexts_that_are_told_apart_never_hold_at_once() -> None:
    for slug in ("why", "matmul", "shapes", "summary", "play"):
        async with opened(slug if slug != "play" else "matmul") as d:
            if slug == "play":
                await d.press("E")
            for key in ("right", "c", "l", "escape", "escape", "full_stop", "u", "l", "down", "escape"):
                await d.press(key)
                held = d.app.explorer.input.contexts
                assert not any(held & left and held & right for left, right in APART), (slug, key, held)


async def test_a_moved_key_works_is_shown_and_the_old_one_is_free() -> None:
    table = change_keys({"forward": ["Z"], "over": ["x"], "help": ["ctrl+t"]})
    async with opened("matmul", options=Options(keys=table)) as d:
        assert "←Z step" in d.rows[-1]
        assert "^t help" in d.rows[-1]
        await d.press("Z", "right", "Z")
        assert d.view.step == 2
        await d.press("ctrl+t")
        assert "      Z  Step forward" in d.screen or "←Z  Step forward" in d.screen
        await d.press("escape")
        assert "matmul" in d.view.lesson.slug


async def test_a_lessons_control_goes_before_a_key_that_was_moved_to_its_letter() -> None:
    table = change_keys({"order": ["t"]})
    assert "order" not in {key.id for key in live_commands({Context.TENSORS}, table, {"t"})}
    lesson = find("triangular")
    async with opened("triangular", options=Options(keys=table)) as d:
        kind = dict(d.view.controls)["kind"]
        await d.press("t")
        assert dict(d.view.controls)["kind"] != kind
        assert d.rows[-1].count(" t ") == 1
        assert lesson.control("kind").key == "t"


def test_a_flags_former_name_is_still_read() -> None:
    parser = Parser(add_help=False)
    add_picture_flags(parser)
    assert [parser.read([flag]).backward for flag in ("--twin", "--no-twin")] == [True, False]
    with pytest.raises(UsageError) as caught:
        parser.read(["--twun"])
    assert "--twin" not in str(caught.value)


def test_a_name_of_thousands_of_parts_is_one_line(config: Path) -> None:
    (problem,) = settings(config, f"[keys]\n{'.'.join('a' * 3000)} = 'x'\n").problems
    assert problem.endswith("config.toml:2: a command has 20 parts at most")
    (problem,) = settings(config, "[keys]\na.a.a = 'x'\n").problems
    assert "config.toml:2: a.a.a: there is no command" in problem
