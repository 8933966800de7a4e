"""Pages in a browser: what a reader clicks, types and presses, from a file, under the page's own policy."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from llm_linalg.lessons.reader import load
from tests.browser import CHROMIUM, NONE, Browser, browser
from tests.common import file_at, known
from tui.cli.main import main
from tui.model.view import END, View
from tui.session.exercise_commands import session_frame
from tui.session.script.running import ensure_run
from tui.session.session import Session

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NONE)

AXE = os.environ.get("AXE_CORE", "")  # the path of axe.min.js, of the package axe-core

LESSON = """\
+++
title = "A </script><script>document.title = 'owned'</script> lesson"
[controls.n]
range = [1, 4]
default = 2
[controls.kind]
choices = ["a", "<b>\\"b"]
default = "a"
key = "t"
label = "a <i> kind"
[controls.unused]
range = [0, 9]
default = 0
+++
## Twice <img src=x onerror="document.title = 'owned'">
Words ]]> and [more](<lesson:a" onmouseover="document.title='owned'>), \u202eright to left.

```ask
What is the sum?
- `6`
- `5`
- `3 </script><script>document.title = 'owned'</script>`
check: Y.sum()
```

```python show="Y"
x = torch.arange(n) + 1  # </script><script>document.title = 'owned'</script>
Y = 2 * x
print("<img src=x onerror=\\"document.title = 'owned'\\">")
```

## How many

```ask
How many cells has Z?
check: Z.numel()
```

```python show="Z"
Z = torch.randn(n, 1) * x if kind == "a" else torch.outer(x, x)
```

## Yours

```exercise after=1
Write Y by adding.
hint: x twice.
hint: `x + _`
answer: x + x
```
"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as made:
        yield made


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    file = file_at(folder, "twice.md", LESSON)
    assert main(["export", str(file), "-o", str(folder / "twice.html")]) == 0
    return folder / "twice.html"


def text_of(tab: Browser, what: str) -> str:
    """The text of the first element of the open stop that a selector finds."""
    return str(tab.run(f"document.querySelector('.stop.on {what}').innerText"))


def told(tab: Browser) -> str:
    return str(tab.run("document.getElementById('told').textContent"))


def test_foreign_text_runs_nothing_and_asks_for_nothing(tab: Browser, page: Path) -> None:
    tab.open(page)
    for _ in range(15):
        tab.press("ArrowRight")
    assert text_of(tab, "h2") == "Yours"
    assert tab.faults() == []
    assert "owned" in tab.run("document.title") == tab.run("document.querySelector('h1').innerText")
    assert tab.run("document.images.length") == 0
    assert tab.run("document.querySelector('[onmouseover], main a')") is None
    assert "\u202e" not in tab.run("document.body.textContent")
    tab.run("document.body.append(document.createElement('script').appendChild(new Text('x')).parentNode)")
    assert "script-src" in tab.told("Log.entryAdded")[0]["entry"]["text"]


def test_guesses_are_clicked_typed_and_shown(tab: Browser, page: Path) -> None:
    tab.open(page)
    assert told(tab) == "step 0 of 2"
    tab.run("document.querySelector('.stop.on .ask li:nth-child(2) button').click()")
    assert text_of(tab, ".verdict").endswith("It is 6.")
    assert [text_of(tab, f".tensor:nth-child({k}) caption") for k in (1, 2)] == ["your guess ()", "torch ()"]
    tab.press("1")
    assert text_of(tab, ".verdict") == "Right: 6."
    tab.press("ArrowRight")
    assert (told(tab), tab.run("location.hash")) == ("step 1 of 2", "#stop=1&step=1")
    tab.press(".")
    tab.run("document.querySelector('.stop.on input').focus()")
    for key in ("5", "Enter"):
        tab.press(key)
    assert text_of(tab, ".verdict") == "You said 5. It is 4."
    tab.run("document.querySelector('.stop.on input').value = '4.0'")
    tab.press("Enter")
    assert text_of(tab, ".verdict") == "Right: 4."
    assert tab.faults() == []


def move(tab: Browser, name: str, value: str) -> None:
    """Put a control of the open stop at a value."""
    control = f"document.querySelector('.stop.on [name={name}]')"
    tab.run(f"{control}.value = {json.dumps(value)}; {control}.dispatchEvent(new Event('input'))")


def settings(tab: Browser) -> dict[str, str]:
    """The values that the controls of the open stop have."""
    controls = "document.querySelectorAll('.stop.on .controls [name]')"
    return dict(tab.run(f"[...{controls}].map((one) => [one.name, one.value])"))


def test_controls_show_what_python_computes(tab: Browser, page: Path) -> None:
    tab.open(page)
    assert settings(tab) == {"n": "2"}
    move(tab, "n", "4")
    tab.press("End")
    assert text_of(tab, ".shape") == "mul (4,) → (4,)"
    assert text_of(tab, ".tensor:last-child table").split()[-4:] == ["2", "4", "6", "8"]
    tab.press("1")
    assert text_of(tab, ".verdict") == ""  # no choice is right there
    move(tab, "n", "2")
    tab.press("1")
    assert text_of(tab, ".verdict") == "Right: 6."
    tab.press(".")
    move(tab, "n", "4")
    tab.press(",")
    assert text_of(tab, ".verdict") == ""  # it was another setting's
    tab.press(".")
    assert settings(tab) == {"n": "4", "kind": "a", "seed": "0"}
    move(tab, "kind", '<b>"b')
    assert settings(tab) == {"n": "4", "kind": '<b>"b', "seed": "0"}  # a pair that the page has
    tab.press("t")
    tab.press("[")
    assert settings(tab) == {"n": "3", "kind": "a", "seed": "0"}
    move(tab, "seed", "7")
    assert settings(tab) == {"n": "2", "kind": "a", "seed": "7"}  # which moves alone
    assert tab.run("location.hash") == "#stop=2&step=0&set=seed%3D7"
    move(tab, "n", "3")
    move(tab, "kind", '<b>"b')
    tab.press("End")
    shown = tab.run("document.querySelector('.stop.on .step').innerHTML")
    view = View.opening(load(page.with_name("twice.md")), 2).set("n", "3").set("kind", '<b>"b')
    session = ensure_run(Session.start(replace(view, step=END), []))
    made = known(session_frame(session))
    cells = [
        cell.text.strip()
        for panel in made.stage.panels
        for row in panel.cells.window(range(panel.rows), range(panel.columns))
        for cell in row
    ]
    assert re.findall("<td[^>]*>([^<]+)</td>", shown) == cells
    assert tab.faults() == []


def test_the_page_says_what_it_has(tab: Browser, page: Path) -> None:
    tab.open(page)
    said = tab.run("[...document.querySelectorAll('.controls .facts')].map((one) => one.textContent)")
    assert said == [
        "In this page: n.",
        "In this page: n, kind one at a time; n with kind; 10 seeds.",
    ]


def test_hints_open_one_by_one_and_the_solution_is_stepped_through(tab: Browser, page: Path) -> None:
    tab.open(page)
    for key in (".", "."):
        tab.press(key)
    shown = [text_of(tab, ".exercise")]
    for _ in range(3):
        tab.press("h")
        shown.append(text_of(tab, ".exercise"))
    assert [[word in said for word in ("x twice", "x + _", "x + x")] for said in shown] == [
        [k < count for k in range(3)] for count in range(4)
    ]
    tab.press("ArrowRight")
    assert told(tab) == "step 1 of 2"
    assert text_of(tab, ".program .now") == "answer = x + x"
    assert text_of(tab, ".formula") == "answer[0] = 1 + 1 = 2"
    assert tab.faults() == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, page: Path) -> Path:
    """A site of a folder: the hostile lesson, and one that links to it."""
    folder = tmp_path_factory.mktemp("lessons")
    (folder / "twice.md").write_text(LESSON, encoding="utf-8")
    other = '+++\ntitle = "Index"\n+++\n## Zebra\nAs in [twice](lesson:twice) and [dot](lesson:dot).\n'
    (folder / "index.md").write_text(other, encoding="utf-8")
    out = page.with_name("site")
    assert main(["export", str(folder), "--site", str(out)]) == 0
    return out


def test_a_site_is_searched_read_and_remembered(tab: Browser, site: Path) -> None:
    assert sorted(file.name for file in site.iterdir()) == ["index-2.html", "index.html", "twice.html"]
    tab.open(site / "index.html")
    shown = (
        "[...document.querySelectorAll('[data-page]:not([hidden])')].map((one) => one.innerText.split('\\n'))"
    )
    assert [len(lines) for lines in tab.run(shown)] == [1, 1]
    tab.run("document.getElementById('find').focus()")
    for key in "zebra":
        tab.press(key)
    assert tab.run(shown) == [["Index 1 stop", "Zebra"]]
    assert tab.run("document.querySelector('.lessons ul a').getAttribute('href')") == "index-2.html#stop=1"
    tab.open(site / "index-2.html")
    links = tab.run("[...document.querySelectorAll('main a')].map((one) => one.getAttribute('href'))")
    assert links == ["twice.html", "twice.html"]  # in the text, and as the next one
    tab.open(site / "twice.html")
    tab.press(".")
    tab.open(site / "index.html")
    seen = tab.run("[...document.querySelectorAll('.seen')].map((one) => one.textContent)")
    assert seen == [", ✓ all seen", ", 2 seen"]
    assert "owned" in tab.run("document.body.innerText")
    assert tab.faults() == []
    tab.run("document.getElementById('forget').click()")
    assert tab.run("document.querySelector('.seen').textContent") == ""


def test_where_the_browser_keeps_nothing_a_page_works(tab: Browser, site: Path) -> None:
    denied = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })"
    number = tab.call("Page.addScriptToEvaluateOnNewDocument", source=denied)["identifier"]
    for name in ("index.html", "twice.html"):
        tab.open(site / name)
        assert tab.run("document.documentElement.className") == "js"
        assert tab.faults() == []
    tab.press("ArrowRight")
    assert told(tab) == "step 1 of 2"
    tab.call("Page.removeScriptToEvaluateOnNewDocument", identifier=number)


def test_a_site_is_written_over_a_site_and_nothing_else(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson = file_at(tmp_path, "one.md", '+++\ntitle = "One"\n+++\nWords.\n')
    words = ["export", str(lesson), "--site", str(tmp_path / "out")]
    assert [main(words), main(words)] == [0, 0]
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    capsys.readouterr()
    assert main(words) == 1
    assert "mine.txt" in capsys.readouterr().err
    assert main([*words, "--stop", "1"]) == 2
    assert main(["export", str(lesson), str(lesson), "-o", str(tmp_path / "two.html")]) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_cut_in_light_and_dark(scheme: str, tab: Browser, site: Path) -> None:
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    for name in ("index.html", "twice.html"):
        tab.open(site / name, (390, 844))
        for key in (".", "1", "t", "ArrowRight", ".", "h", "h", "h", "ArrowRight"):
            assert tab.run("document.documentElement.scrollWidth") == 390
            tab.press(key)
    dark = tab.run("getComputedStyle(document.documentElement).backgroundColor") == "rgb(23, 24, 27)"
    assert dark == (scheme == "dark")
    tab.call("Emulation.setEmulatedMedia", media="print")
    paper = "[...document.querySelectorAll('.step.paper')].every((one) => one.offsetHeight > 0)"
    assert tab.run(paper)
    assert tab.run("document.querySelector('.bar').offsetHeight") == 0
    assert tab.run("getComputedStyle(document.documentElement).backgroundColor") == "rgb(251, 250, 247)"
    tab.call("Emulation.setEmulatedMedia", media="", features=[])


def test_what_moves_is_in_view_and_of_another_stop_its_title(tab: Browser, page: Path) -> None:
    tab.open(page, (1000, 500))
    place = "document.querySelector('.stop.on %s').getBoundingClientRect()"
    bar = "document.querySelector('.bar').getBoundingClientRect().top"
    assert not tab.run(f"{place % '.tensors'}.bottom <= {bar}")
    tab.press("ArrowRight")
    assert tab.run(f"{place % '.tensors'}.top >= 0 && {place % '.tensors'}.bottom <= {bar}")
    tab.press(".")
    assert tab.run(f"{place % 'h2'}.top >= 0")


def test_rows_of_tensors_beside_each_other_are_level(tab: Browser, tmp_path: Path) -> None:
    head = '+++\ntitle = "Level"\n[axes]\nx = ["word", "word"]\n[labels]\nword = ["a", "b"]\n+++\n## A\n'
    program = "x = torch.ones(2, 2)\ny = x / x.sum(1, keepdim=True)"
    file = file_at(tmp_path, "level.md", f'{head}```python show="y"\n{program}\n```\n')
    assert main(["export", str(file), "-o", str(tmp_path / "level.html")]) == 0
    tab.open(tmp_path / "level.html")
    rows = (
        "[...one.querySelectorAll('tr')].slice(-2).map((row) => Math.round(row.getBoundingClientRect().top))"
    )
    tops = tab.run(f"[...document.querySelectorAll('.first .tensor')].map((one) => {rows})")
    assert len(tops) == 3
    assert tops[0] == tops[1] == tops[2]


def test_a_word_and_a_formula_wider_than_a_phone_are_not_cut(tab: Browser, tmp_path: Path) -> None:
    word = "transformer.h.0.attention.self_attention.weight_of_queries"
    formula = " + ".join(f"\\mathrm{{{letter * 20}}}" for letter in "abcd")
    wide = f"A ${formula}$.\n\n$${formula}$$\n\n    {word * 3}\n"
    deck = file_at(tmp_path, "wide.md", f'+++\ntitle = "Wide"\n+++\n## {word}\n{wide}\n## Short\nA word.\n')
    assert main(["export", str(deck), "-o", str(tmp_path / "wide.html")]) == 0
    tab.open(tmp_path / "wide.html", (390, 844))
    assert tab.run("document.documentElement.scrollWidth") == 390
    scrolled = (
        "[...document.querySelectorAll('[tabindex]')].filter((one) => one.scrollWidth > one.clientWidth)"
    )
    assert tab.run(f"{scrolled}.map((one) => one.className || one.tagName)") == ["prose", "display", "PRE"]
    assert tab.run("getComputedStyle(document.getElementById('at')).visibility") == "hidden"  # of one picture
    tab.press(".")
    assert tab.run("document.querySelector('.stop.on .prose').tabIndex") == -1


@pytest.mark.skipif(not AXE, reason="AXE_CORE names no axe.min.js")
def test_axe_finds_nothing(tab: Browser, site: Path) -> None:
    for name in ("index.html", "twice.html"):
        tab.open(site / name)
        tab.run(f"{Path(AXE).read_text(encoding='utf-8')};0")
        for key in (".", "1", "t", "ArrowRight", ".", "h", "h", "h", "ArrowRight"):
            tab.press(key)
            assert tab.run("axe.run().then((found) => found.violations.map((one) => one.id))") == []
