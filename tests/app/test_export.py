"""Exports: each format read by a parser, the command, the same bytes everywhere, nothing from the network."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pyte
import pytest

from llm_linalg.base.text import clean
from llm_linalg.lessons.deck import of_lesson
from llm_linalg.lessons.reader import find
from tests.common import file_at, known
from tests.conftest import pinned
from tests.terminal.console import within
from tui.app import Options
from tui.cli import export_command
from tui.cli.export_command import parser
from tui.cli.main import main
from tui.export import formats, screens
from tui.export.format import Export, Format, Shot
from tui.export.formats import FORMATS
from tui.export.formats.handout import KEYS
from tui.export.html_parts import paragraphs
from tui.export.screens import draw
from tui.export.shots import MOST, of_deck
from tui.model.view import View
from tui.render.json_text import frame_object
from tui.render.shapes import SHAPES, THIN, split_shapes, split_widths
from tui.session.script.running import ensure_run
from tui.session.session import Session

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"
DECK = """\
+++
title = "A talk"
+++
## Welcome
Words <alone>, and `code`.

```stops
matmul --set n=2 --order rows
shapes:1
```
"""


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages as they open: what their controls show is for `test_pages.py`."""
    monkeypatch.setattr("tui.export.formats.html.MOST_BYTES", 0)


def scenes(*words: str, what: str = "matmul") -> list[Shot]:
    flags = parser().read([what, *words])
    return [*of_deck(of_lesson(find(what)), flags, parser())]


def exported(tmp_path: Path, form: str, *words: str, what: str = "matmul") -> str:
    """The text of an export, made by the command."""
    file = tmp_path / f"out.{form}"
    assert main(["export", what, "-o", str(file), "--format", form, *words]) == 0
    return file.read_bytes().decode()


def root_of(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own


def test_a_stop_is_its_steps_and_a_lesson_its_stops() -> None:
    assert [one.session.view.step for one in scenes("--stop", "1")] == [*range(13)]
    assert [one.session.view.step for one in scenes("--stop", "1", "--step", "4")] == [4]
    assert [one.session.view.step for one in scenes("--stop", "1", "--order", "rows")] == [0, 1, 2, 3]
    every = scenes("--set", "m=2", "--seed", "5")
    stops = find("matmul").stops
    assert [*dict.fromkeys(one.stop for one in every)] == [stop.number for stop in stops]
    assert {one.session.view.seed for one in every} == {5}
    assert {dict(one.session.view.controls)["m"] for one in every} == {"2"}


def test_a_walk_that_is_too_long_says_what_it_leaves_out() -> None:
    flags = parser().read(["matmul", "--stop", "2", *(f"--set={name}=12" for name in "mkn")])
    told: list[str] = []
    made = [*of_deck(of_lesson(find("matmul")), flags, parser(), told.append)]
    assert len(made) == MOST
    assert made[-1].session.view.step == 12**3
    assert told == [f"stop 2 has 1,728 steps: the first {MOST - 1} and the last are shown"]


def events(text: str) -> tuple[dict[str, object], list[tuple[float, str, str]]]:
    """An asciicast, held against the published format."""
    head, *lines = text.splitlines()
    header = json.loads(head)
    assert header["version"] == 3
    assert set(header) <= {
        "version",
        "term",
        "title",
        "timestamp",
        "idle_time_limit",
        "command",
        "env",
        "tags",
    }
    assert set(header["term"]) <= {"cols", "rows", "type", "version", "theme"}
    assert re.fullmatch(r"(#[0-9a-f]{6}:){15}#[0-9a-f]{6}", header["term"]["theme"]["palette"])
    assert all(re.fullmatch(r"#[0-9a-f]{6}", header["term"]["theme"][name]) for name in ("fg", "bg"))
    read = [tuple(json.loads(line)) for line in lines]
    for interval, code, data in read:
        assert isinstance(interval, int | float)
        assert interval >= 0
        assert code in ("o", "i", "m", "r", "x")
        assert isinstance(data, str)
    assert [code for _, code, _ in read].count("x") == 1
    assert read[-1][1:] == ("x", "0")
    return header, read


@pytest.mark.slow
def test_a_recording_ends_with_the_last_picture(tmp_path: Path) -> None:
    header, read = events(exported(tmp_path, "cast"))
    assert header["term"]["cols"] == 80  # type: ignore[index]
    made = scenes()
    markers = [data for _, code, data in read if code == "m"]
    assert markers == [f"{stop.number} {stop.title}" for stop in find("matmul").stops]
    assert sum(interval for interval, _, _ in read) == pytest.approx(sum(one.seconds for one in made))
    terminal = pyte.Screen(80, 24)
    stream = pyte.Stream(terminal)
    for _, code, data in read:
        if code == "o":
            stream.feed(data)
    wanted: list[str] = []
    draw(made[-1:], (80, 24), Options(), lambda shot: wanted.extend(strip.text for strip in shot.screen))
    assert terminal.display == [line.ljust(80) for line in wanted]


def test_a_recording_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    texts = {}
    for version in ("2", "3"):
        first, *lines = exported(tmp_path, "cast", "--stop", "1", "--cast-version", version).splitlines()
        assert json.loads(first)["version"] == int(version)
        read = [json.loads(line) for line in lines]
        texts[version] = [data for _, code, data in read if code == "o"]
        terminal = pyte.Screen(80, 24)
        stream = pyte.Stream(terminal)
        for text in texts[version]:
            stream.feed(text)
        assert not terminal.cursor.hidden
        assert (terminal.cursor.x, terminal.cursor.y) == (0, 23)
        assert (terminal.cursor.attrs.fg, terminal.cursor.attrs.bg) == ("default", "default")
        times = [time for time, _, _ in read]
        assert (times == sorted(times)) == (version == "2")
        assert ("x" in {code for _, code, _ in read}) == (version == "3")
    assert texts["2"] == texts["3"]


def test_a_picture_stands_as_long_as_its_new_words_take() -> None:
    walk = scenes("--stop", "1")
    assert walk[0].seconds > walk[1].seconds >= walk[2].seconds == 0.5
    assert walk[-1].seconds == 2.0
    failing = next(stop for stop in find("shapes").stops if stop.fails)
    (shown,) = scenes("--stop", str(failing.number), what="shapes")
    error = known(shown.frame().error)
    read = len(failing.prose) + len(error.sentence) + sum(len(repair.why) for repair in error.repairs)
    assert shown.seconds >= 2 + read / 20


def test_without_colour_a_recording_names_none(tmp_path: Path) -> None:
    text = exported(tmp_path, "cast", "--stop", "1", "--step", "3", "--theme", "no-colour")
    assert "theme" not in json.loads(text.splitlines()[0])["term"]
    assert "38;5" not in text


def pictures(text: str) -> list[tuple[int, str, str]]:
    """The pictures of a page as it opens, as its script puts them together: step, where that is, HTML."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data = json.loads(known(found)[1])
    return [
        (step, data["lines"][said], "\n".join(data["lines"][line] for line in html))
        for stop in data["stops"]
        for step, said, *html in stop["walks"][stop["start"]]
    ]


class Page(HTMLParser):
    """The tags of a page or a picture, balanced, and the text of its cells."""

    VOID = frozenset({"meta", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.cells: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] == "td":
            self.cells.append(data)


def test_a_page_has_a_table_for_each_tensor_of_each_step(tmp_path: Path) -> None:
    text = exported(tmp_path, "html", "--stop", "1")
    page, shown = Page(text), pictures(text)
    made = scenes("--stop", "1")
    assert len(shown) == len(made) == 13
    assert [said for _, said, _ in shown] == [f"step {k} of 12" for k in range(13)]
    for (_, _, html), scene in zip(shown, made, strict=True):
        cells, frame = Page(html).cells, scene.frame()
        wanted = [
            cell.text.strip()
            for panel in frame.stage.panels
            for row in panel.cells.window(range(panel.rows), range(panel.columns), 4)
            for cell in row
        ]
        assert sorted(cells) == sorted(wanted)
    assert [tag for tag, attrs in page.tags if "src" in attrs or (tag == "link")] == []
    assert [attrs["href"] for tag, attrs in page.tags if tag == "a"] == []


def test_a_page_is_for_everybody(tmp_path: Path) -> None:
    text = exported(tmp_path, "html")
    page = Page(text)
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert links == [f"#stop={stop.number}" for stop in find("matmul").stops]
    assert dict(page.tags)["html"] == {"lang": "en"}
    names = {tag for tag, _ in page.tags}
    assert {"h1", "h2", "nav", "main", "section", "table", "caption", "button"} <= names
    assert "prefers-color-scheme" in text
    assert "@media (max-width:30rem){.program li{white-space:pre-wrap" in text  # a phone
    assert text.count('<div class="tensor left w') == text.count('<div class="tensor left') > 0
    assert "@media print" in text
    assert 'aria-live="polite"' in text


def test_a_film_has_a_picture_a_scene_and_a_time_for_each(tmp_path: Path) -> None:
    text = exported(tmp_path, "animation", "--stop", "1")
    root = root_of(text)
    (film,) = [group for group in root.iter(f"{SVG}g") if group.get("class") == "film"]
    assert len(film) == 13
    rows = {group.get("id") for group in root.iter(f"{SVG}g") if group.get("id")}
    assert {use.get("href") for use in root.iter(f"{SVG}use")} <= {f"#{name}" for name in rows}
    assert len(rows) < 13 * 24 / 2  # a row that stays is named again, not drawn again
    times = [float(time) for time in re.findall(r"([0-9.]+)%\{", text)]
    assert times == sorted(times)
    assert len(times) == 14
    assert "prefers-reduced-motion" in text
    assert "-1.7224" in "".join(root.itertext())


def test_lines_and_blocks_are_drawn_and_meet() -> None:
    text, boxes = split_shapes("─┬█ ▀▀x")
    assert text == "      x"
    across = [(column, box) for column, box in boxes if box[3] == THIN]
    assert across == [(0, (0.0, 0.5 - THIN / 2, 2.0, THIN))]  # of two cells, one line
    assert (2, (0.0, 0.0, 1.0, 0.5)) in boxes
    assert (4, (0.0, 0.0, 2.0, 0.5)) in boxes
    inside = [box for shape in SHAPES.values() for box in shape]
    assert all(0 <= left <= left + wide <= 1.0001 for left, _, wide, _ in inside)
    assert all(0 <= top <= top + high <= 1.0001 for _, top, _, high in inside)


def test_a_hatched_bar_is_stripes_that_meet() -> None:
    text, boxes = split_shapes("▒▒▒")
    assert text == "   "
    assert [(column, box[2]) for column, box in boxes] == [(0, 3.0)] * 4


def test_wide_characters_put_nothing_out_of_place() -> None:
    text, boxes = split_shapes("▀日本▀")
    assert text == " 日本 "
    assert boxes == [(0, (0.0, 0.0, 1.0, 0.5)), (5, (0.0, 0.0, 1.0, 0.5))]
    assert split_widths("ab日本cé") == [(0, "ab"), (2, "日本"), (6, "cé")]
    assert split_widths("plain") == [(0, "plain")]


def test_a_page_draws_dots_where_their_columns_are(tmp_path: Path) -> None:
    """A browser takes dots from another font than letters, as wide as it likes."""
    drawings = re.findall("<svg.*?</svg>", exported(tmp_path, "html", what="vector"), re.DOTALL)
    for text in drawings:
        assert not set("".join(root_of(text).itertext())) & set(SHAPES)
    assert '<svg class="drawing" viewBox="0 0 504 ' in drawings[0]
    row = next(group for group in root_of(drawings[0]).iter("g") if "cat" in "".join(group.itertext()))
    (name,) = (one for one in row.iter("text") if one.text == "cat")
    drawn = known(scenes(what="vector")[0].frame().stage.drawing)
    (line,) = (line for line in ("".join(s.text for s in row) for row in drawn.rows(60, 16)) if "cat" in line)
    assert float(name.get("x", "0")) == pytest.approx(8.4 * line.index("cat"))


def test_an_arrow_in_a_page_is_a_line_to_a_tenth_of_a_pixel(tmp_path: Path) -> None:
    file = file_at(
        tmp_path,
        "arrow.md",
        '+++\ntitle = "A"\n+++\n```python look="plane"\nv = torch.tensor([3.0, 1])\n```\n',
    )
    (*_, drawing) = re.findall(
        '<svg class="drawing".*?</svg>', exported(tmp_path, "html", what=str(file)), re.DOTALL
    )
    paths = [re.findall(r"[-\d.]+ [-\d.]+", known(path.get("d"))) for path in root_of(drawing).iter("path")]
    points = [[tuple(map(float, at.split())) for at in path] for path in paths]
    (x, y), *_ = points[0]  # the axis across, then the one up: they cross at the origin
    origin = points[0][2][0], y
    assert x == 0.0
    tip = max(point for path in points[1:] for point in path)
    assert (origin[1] - tip[1]) / (tip[0] - origin[0]) == pytest.approx(1 / 3, abs=0.002)


def test_json_is_what_frame_prints(tmp_path: Path) -> None:
    made = json.loads(exported(tmp_path, "json", "--stop", "1"))
    assert made["title"] == find("matmul").title
    frames = [json.loads(json.dumps(frame_object(one.frame()))) for one in scenes("--stop", "1")]
    assert [{**one, "seconds": None} for one in made["frames"]] == [
        {**one, "seconds": None} for one in frames
    ]


def test_a_handout_has_every_program_and_every_last_picture(tmp_path: Path) -> None:
    text = exported(tmp_path, "markdown")
    stops = find("matmul").stops
    assert re.findall(r"^## \d+\. (.*)$", text, re.MULTILINE) == [stop.title for stop in stops]
    fences = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    programs = [body for kind, body in fences if kind == "python"]
    assert [body.endswith(f"\n\n{stop.program}\n") for body, stop in zip(programs, stops, strict=True)]
    for body in programs:
        scope: dict[str, object] = {}
        exec(body, scope)  # noqa: S102 - our own
        assert scope["m"] == 3
    commands = [body for kind, body in fences if kind == "sh"]
    assert commands[0] == "llm-linalg matmul --step 12\n"
    assert text.count(f"{KEYS}\n\n```sh\n{commands[0]}") == text.count(KEYS) == 1  # no paper has keys
    pictures = [body for kind, body in fences if kind == "text"]
    assert len(pictures) == len(stops)
    assert "step 12 of 12, order cells" in pictures[0]
    assert pictures[0].count("torch.randn") == 0  # the program stands above it


def test_a_deck_has_its_slides_and_what_was_rehearsed(tmp_path: Path) -> None:
    deck = file_at(tmp_path, "deck.md", DECK)
    page = exported(tmp_path, "html", what=str(deck))
    assert "Words &lt;alone&gt;, and <code>code</code>." in page
    assert pictures(page)[0][1] == "Welcome"
    made = json.loads(exported(tmp_path, "json", what=str(deck)))["frames"]
    assert {(one["lesson"], one.get("order")) for one in made} >= {("matmul", "rows")}
    assert {one["controls"]["n"] for one in made if one["lesson"] == "matmul"} == {2}
    _, read = events(exported(tmp_path, "cast", what=str(deck)))
    assert next(data for _, code, data in read if code == "m") == "1 Welcome"


def test_a_deck_goes_on_from_the_step_it_names_which_is_the_one_on_paper(tmp_path: Path) -> None:
    deck = file_at(tmp_path, "deck.md", DECK.replace("shapes:1", "matmul --stop 1 --step 4"))
    frames = json.loads(exported(tmp_path, "json", what=str(deck)))["frames"]
    end = [one["step"] for one in frames][-9:]
    assert end == [*range(4, 13)]  # as on a stage
    assert "step 4 of 12" in exported(tmp_path, "markdown", what=str(deck)).rpartition("## ")[2]
    text = exported(tmp_path, "html", what=str(deck))
    papers = re.findall(r'<div class="step.*? paper">\n(.*?)</div>\n</section>', text, re.DOTALL)
    assert papers[-1].startswith(next(html for step, _, html in pictures(text) if step == 4)[:-40])
    alone = exported(tmp_path, "json", "--stop", str(len(papers)), "--step", "6", what=str(deck))
    assert [one["step"] for one in json.loads(alone)["frames"]] == [6]


def test_emphasis_is_em_and_a_link_its_words() -> None:
    told = paragraphs("*a* **b** [c](lesson:dot) ***d***")
    assert told == "<p><em>a</em> <strong>b</strong> c <strong>d</strong></p>\n"


def test_a_script_is_exported_as_it_is_played(tmp_path: Path) -> None:
    script = file_at(tmp_path, "demo.steps", "lesson matmul\nwait 2\nnext 2\nset n 2\nstop 2\nplay 3\n")
    _, read = events(exported(tmp_path, "cast", what=str(script)))
    assert [data for _, code, data in read if code == "m"] == ["1 Row by column", "2 Every single product"]
    assert [interval for interval, code, _ in read if code == "o"][:2] == [0.0, 3.0]
    fast = events(exported(tmp_path, "cast", "--speed", "2", what=str(script)))[1]
    assert sum(one[0] for one in fast) == pytest.approx(sum(one[0] for one in read) / 2, abs=0.01)
    frames = json.loads(exported(tmp_path, "json", what=str(script)))["frames"]
    assert [one["step"] for one in frames] == [0, 2, 2, 0, 1, 2, 3]


def test_a_page_has_lists_and_tables_as_such() -> None:
    text = "Words:\n- a\n- `b`\n\n3. c\n4. d\n\n| x | y |\n|---|---|\n| 1 | <2> |\n\n```text\n<i>\n\n  j\n```"
    assert paragraphs(text) == (
        "<p>Words:</p>\n<ul>\n<li>a</li>\n<li><code>b</code></li>\n</ul>\n"
        '<ol start="3">\n<li>c</li>\n<li>d</li>\n</ol>\n'
        "<table>\n<tr><th>x</th><th>y</th></tr>\n<tr><td>1</td><td>&lt;2&gt;</td></tr>\n</table>\n"
        "<pre>&lt;i&gt;\n\n  j</pre>\n"
    )


BOARD_DECK = """+++
title = "Shares"
minutes = 5
+++
## Walk
```stops
matmul --step 4
```

## Board
```python show="Y"
x = torch.ones(4, 4)
Y = x @ x
```
```board chain
Product | Y | lesson:matmul | sums
Ones | x | lesson:matrix | numbers
```
"""


def test_a_page_counts_steps_as_its_words_do_and_links_a_board(tmp_path: Path) -> None:
    deck = file_at(tmp_path, "shares.md", BOARD_DECK)
    text = exported(tmp_path, "html", what=str(deck))
    shown = pictures(text)
    assert [(step, said) for step, said, _ in shown[:9]] == [(k, f"step {k} of 12") for k in range(4, 13)]
    assert re.findall(r'<tr><th scope="row">(\w+)</th><td>([^<]*)</td>', text) == [
        ("Product", "(4, 4) 4. 4. 4. 4. …"),
        ("Ones", "(4, 4) 1. 1. 1. 1. …"),
    ]
    assert '<table class="board chain">' in text
    assert '<td><a href="#stop=1">Matrix × matrix</a></td>' in text  # which this page has
    assert "<td>Matrix</td>" in text
    assert len(shown) == 9 + 1  # a board is one picture
    assert "More lessons" not in text


FOLDER = Path(formats.__file__).parent


def test_each_module_of_the_folder_is_a_format() -> None:
    entries = []
    for path in sorted(FOLDER.glob("*.py")):
        if path.stem != "__init__":
            module = importlib.import_module(f"{formats.__name__}.{path.stem}")
            own = [value for value in vars(module).values() if isinstance(value, Format)]
            assert own, path.name
            entries += own
    assert {one.name for one in entries} == {one.name for one in FORMATS}
    assert len(entries) == len(FORMATS)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_an_entry_is_complete(form: Format) -> None:
    assert form.name.isidentifier()
    assert form.name.islower()
    assert all(suffix.startswith(".") and suffix.islower() for suffix in form.suffixes)
    assert form.help
    assert not form.help.endswith(".")
    assert len(form.help) <= 80
    written: list[str] = []
    writer = form.writer(Export(clean("A title"), (80, 24)), written.append)
    assert callable(writer.add)
    writer.end()
    assert written


def test_how_to_add_one_shows_one_that_works() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    scope: dict[str, object] = {}
    exec(text.split("```python\n")[1].split("```")[0], scope)  # noqa: S102 - our own
    form = scope["FORMAT"]
    assert isinstance(form, Format)
    written: list[str] = []
    writer = form.writer(Export(clean("A title"), (80, 24)), written.append)
    view = replace(View.opening(find("dot"), 3), step=1)
    writer.add(Shot(ensure_run(Session.start(view, [])), 1.0, 3, clean("A stop")))
    writer.end()
    assert written == ["stop,step,sentence\n", '3,1,"dot is x times y, entry by entry, summed."\n']


ELSEWHERE = re.compile(r"https?:|url\(|@import|@font-face|//cdn|\bsrc=", re.IGNORECASE)


@pytest.mark.parametrize("form", [one.name for one in FORMATS])
def test_nothing_is_asked_of_the_network(form: str, tmp_path: Path) -> None:
    text = exported(tmp_path, form, "--stop", "1").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert ELSEWHERE.findall(text) == []


ALL = """\
import sys
from tui.cli.main import main
from tui.export.formats import html
html.MOST_BYTES = 200_000
for name in sys.argv[2:]:
    words = ["export", "why", "--stop", "1", "--format", name, "-o", f"{sys.argv[1]}/{name}"]
    assert main(words) == 0
"""


@pytest.mark.slow
def test_the_bytes_are_the_same_in_every_process(tmp_path: Path) -> None:
    names = [one.name for one in FORMATS]
    made = []
    for number, changed in enumerate(
        (
            {"PYTHONHASHSEED": "1", "TZ": "Asia/Kolkata", "LC_ALL": "C.UTF-8", "COLUMNS": "80"},
            {"PYTHONHASHSEED": "2", "TZ": "America/Lima", "LC_ALL": "C", "COLUMNS": "200", "NO_COLOR": "1"},
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", ALL, str(folder), *names],
            cwd=ROOT,
            env=pinned(dict(os.environ)) | changed,
            capture_output=True,
            text=True,
            check=False,
        )
        player = "llm-linalg: asciicast 3: asciinema 3 plays it\n"
        assert (done.returncode, done.stderr) == (0, player)  # no bar where nobody looks
        made.append({name: (folder / name).read_bytes() for name in names})
    assert made[0] == made[1]
    assert not any(str(tmp_path).encode() in data for data in made[0].values())


# A signal, the exit code, and how many bytes have been written by then.
ENDS = [
    (signal.SIGINT, 130, 0),
    (signal.SIGHUP, 129, 20_000),
]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code", "written"), ENDS)
def test_an_export_that_is_interrupted_leaves_what_was_there(
    number: signal.Signals, code: int, written: int, tmp_path: Path
) -> None:
    def parts() -> list[Path]:
        return [file for file in tmp_path.iterdir() if file.name != "lesson.cast"]

    (tmp_path / "lesson.cast").write_text("before")
    with subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tui",
            "export",
            "matmul",
            "-o",
            str(tmp_path / "lesson.cast"),
        ],
        cwd=ROOT,
        env=pinned(dict(os.environ)),
        stderr=subprocess.PIPE,
    ) as process:
        assert within(
            lambda: process.poll() is not None or any(part.stat().st_size >= written for part in parts())
        )
        assert len(parts()) == 1  # it is being written, beside
        process.send_signal(number)
        said = process.communicate()[1]
    assert (process.returncode, said) == (code, b"")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("lesson.cast", "before")]


def test_a_signal_that_comes_while_the_loop_is_made_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[asyncio.AbstractEventLoop] = []
    make = asyncio.events.new_event_loop

    def told_meanwhile() -> asyncio.AbstractEventLoop:
        signal.raise_signal(signal.SIGTERM)
        made.append(make())
        return made[0]

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    monkeypatch.setattr(asyncio.events, "new_event_loop", told_meanwhile)
    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(SystemExit, match="143"):
            screens.draw([], (80, 24), Options(), lambda *_: None)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [loop.is_closed() for loop in made] == [True]


def test_what_fails_once_it_was_told_to_end_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def starts(ends: signal.Signals | None, *_: object) -> None:
        try:
            if ends is not None:
                signal.raise_signal(ends)
                await asyncio.Event().wait()  # until it is cancelled
        finally:
            raise RuntimeError("no panes yet")

    cases: list[tuple[signal.Signals | None, type[BaseException], tuple[object, ...]]] = [
        (signal.SIGTERM, SystemExit, (143,)),
        (signal.SIGINT, KeyboardInterrupt, ()),
        (None, RuntimeError, ("no panes yet",)),
    ]
    before = signal.getsignal(signal.SIGINT)
    for ends, kind, said in cases:
        monkeypatch.setattr(screens, "_draw", partial(starts, ends))
        with pytest.raises(kind) as caught:
            screens.draw([], (80, 24), Options(), lambda *_: None)
        assert caught.value.args == said
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["matmul"], "export where?"),
        (["matmul", "-o", "x.gif"], 'unknown suffix ".gif"'),
        (["matmul", "--format", "gif"], "unknown format"),
        (["matmul", "-o", "x.svg", "--step", "all"], "one picture"),
        (["matmul", "-o", "x.cast", "--stop", "99"], "there are stops 1 to 10: there is no stop 99"),
        (["matmul", "-o", "x.cast", "--node", "x"], "--node is said of one stop"),
        (["matmul", "-o", "x.cast", "--set", "q=1"], "unknown control"),
        (["matmul", "-o", "x.cast", "--stop", "1", "--order", "wave9"], "unknown order"),
        (["matmul", "-o", "x.html", "--stop", "1", "--node", "nope"], "unknown node"),
        (["nope", "-o", "x.cast"], "unknown lesson"),
        (["nope.steps", "-o", "x.cast"], "cannot read"),
        (["matmul", "-o", "/nowhere/x.md"], "cannot write"),
        (["matmul", "-o", "x.svg", "--size", "20x5"], "--size: the app's screen has 60x18"),
    ],
)
def test_what_cannot_be_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_script_names_its_own_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = file_at(tmp_path, "demo.steps", "lesson matmul\nnext\nrow 3\n")
    assert main(["export", str(script), "-o", str(tmp_path / "x.cast"), "--seed", "3"]) == 2
    assert "a script itself says what it shows" in capsys.readouterr().err
    assert main(["export", str(script), "-o", str(tmp_path / "x.cast")]) == 1
    assert "demo.steps:3: there is no board here" in capsys.readouterr().err
    assert not (tmp_path / "x.cast").exists()


def test_a_program_that_fails_and_should_not_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson = file_at(
        tmp_path,
        "bad.md",
        '+++\ntitle = "Bad"\n+++\n## One\nA.\n\n```python\nx = torch.ones(2) @ torch.ones(3)\n```\n',
    )
    assert main(["export", str(lesson), "-o", str(tmp_path / "bad.html")]) == 1
    assert "bad.md:8" in capsys.readouterr().err
    book = file_at(
        tmp_path, "book.md", "# A\n\n```python\nimport numpy\n```\n\n```python\nx = torch.ones(2)\n```\n"
    )
    assert main(["export", str(book), "-o", str(tmp_path / "book.html")]) == 0  # refused, and said so
    assert "numpy" in (tmp_path / "book.html").read_text()
    assert "<strong>" in (tmp_path / "bad.html").read_text()


def test_every_suffix_names_one_format() -> None:
    suffixes = [suffix for one in FORMATS for suffix in one.suffixes]
    assert len(suffixes) == len(set(suffixes))
    for one in FORMATS:
        for suffix in one.suffixes:
            flags = parser().read(["matmul", "-o", f"x{suffix}"])
            assert export_command.format_of(flags) is one
