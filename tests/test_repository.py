"""The repository as a whole: what lies where, and that every lesson can be read."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from llm_linalg.lessons.reader import catalog

ROOT = Path(__file__).resolve().parent.parent
TOP_LEVEL = {"llm_linalg", "tui", "tests", "pyproject.toml", "README.md", "LICENSE"}
LESSONS = sorted((ROOT / "llm_linalg" / "lessons" / "curriculum").glob("*.md"))


def tracked() -> list[str]:
    """Returns the paths under version control; skips the test where there is none (an unpacked archive)."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git work tree")
    return done.stdout.splitlines()


def test_a_hole_can_be_reported_in_private() -> None:
    text = (ROOT / ".github" / "SECURITY.md").read_text(encoding="utf-8")
    for part in ("Where a program runs", "What is not promised", "How to report"):
        assert f"## {part}\n" in text
    assert "http" not in text  # the repository is at home on any host
    assert "(.github/SECURITY.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_top_level_holds_only_what_belongs_there() -> None:
    top = {path.split("/")[0] for path in tracked()}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def test_the_catalog_is_the_folder_of_lessons() -> None:
    slugs = [lesson.slug for lesson in catalog()]
    assert sorted(slugs) == [path.stem for path in LESSONS]
    parts = [lesson.part for lesson in catalog()]
    assert parts == sorted(parts)


def test_each_dependency_carries_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    lines = text.splitlines()
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    where = {name: next(i for i, line in enumerate(lines) if f'"{name}"' in line) for name in wanted}
    assert [name for name, i in where.items() if "#" not in lines[i] and "#" not in lines[i - 1]] == []


def test_the_lock_has_what_the_project_asks_for_with_hashes() -> None:
    """Also that it names no place where a package is fetched from, nor where it was made."""
    from packaging.requirements import Requirement

    lines = (ROOT / ".github" / "requirements.lock").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    assert not [mark for mark in ("/", "--index", "--find", " @ ") if mark in text]
    pins = {}
    for entry in text.splitlines():
        requirement, _, hashes = entry.partition("--hash=")
        assert re.fullmatch(r"sha256:[0-9a-f]{64}( +--hash=sha256:[0-9a-f]{64})*", hashes.strip()), entry
        pin = Requirement(requirement.strip())
        (version,) = pin.specifier
        assert version.operator == "=="
        pins[pin.name] = version.version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for wanted in map(Requirement, project["dependencies"]):
        assert wanted.specifier.contains(pins[wanted.name]), wanted
