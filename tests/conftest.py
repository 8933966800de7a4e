"""Makes every run the same run.

torch and textual read their environment once, when they are imported, so this module sets it before
either is: kernels that round alike on every processor, one thread, no developer's colours, themes,
locale or terminal size.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tui.cli.main import KERNELS

# What decides how a screen looks.
TERMINAL = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "COLUMNS": "80", "LINES": "24"}
MOST_WORKERS = 6
FOREIGN = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "TMUX", "STY", "SSH_TTY")
FOREIGN_PREFIXES = ("TEXTUAL", "LLM_LINALG_", "TERM_PROGRAM", "XDG_")


def pinned(environment: dict[str, str]) -> dict[str, str]:
    """Returns `environment` with kernels and terminal pinned, without a developer's own shell settings."""
    kept = {
        name: value
        for name, value in environment.items()
        if name not in FOREIGN and not name.startswith(FOREIGN_PREFIXES)
    }
    return kept | KERNELS | TERMINAL


def _pin() -> None:
    early = {"torch", "textual"} & set(sys.modules)
    if early:
        raise RuntimeError(f"{', '.join(sorted(early))} imported before the tests could pin its environment")
    wanted = pinned(dict(os.environ))
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)


_pin()

# The same examples each run: a failure is met again, and a pass still means something tomorrow.
# No deadline: machines differ. `--hypothesis-profile thorough` draws more where a test leaves it open.
for _name, _examples in (("quick", 25), ("thorough", 200)):
    settings.register_profile(
        _name,
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=_examples,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("quick")

# What a shell in the background has its programs ignore, they would pass on to the programs of the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _ignored in (signal.SIGQUIT, signal.SIGHUP):
    signal.signal(_ignored, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Bounds what `-n auto` starts: two workers more than processors.

    Some of the time is waiting for terminals. But each worker imports torch, so they are few.
    """
    return min((os.cpu_count() or 1) + 2, MOST_WORKERS)


@pytest.fixture(autouse=True, scope="module")
def leftovers() -> None:
    """Spares the collector what earlier modules have left, such as caches: it would look it through again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Gives the run a home of its own: nothing is read from the developer's, and nothing is left in it."""
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True, scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Lets the programs that tests start share what they compile, where it isn't written beside the code."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        own = tmp_path_factory.getbasetemp()  # of a worker, in the folder of the run
        run = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(run / "bytecode"))


@pytest.fixture(autouse=True, scope="session")
def own_temporary_folder(own_home: None) -> Iterator[Path]:
    """Gives the run a temporary folder of its own, so that what the app leaves there is seen.

    It isn't in pytest's, which other users, as whom some tests write, may not enter; nor is pytest's in it,
    as paths of sockets have to be short.
    """
    with tempfile.TemporaryDirectory(prefix="tests-of-llm-linalg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMPDIR", folder)
            patch.setattr(tempfile, "tempdir", folder)
            yield Path(folder)


@pytest.fixture(autouse=True)
def no_log(own_temporary_folder: Path) -> Iterator[None]:
    """Fails a test whose app wrote a fault of its own into a log.

    The app tells such a fault and goes on, so that a test which only looks at the end would not see it.
    One that makes a fault gives itself another folder.
    """
    before = own_temporary_folder.stat().st_mtime_ns
    yield
    if own_temporary_folder.stat().st_mtime_ns == before:
        return
    told = []
    for log in sorted(own_temporary_folder.glob("llm-linalg-*.log")):
        with suppress(FileNotFoundError):  # a process that ends takes its own away, if nothing is in it
            told.append(log.read_text(encoding="utf-8", errors="replace"))
            log.unlink()
    if any(told):
        pytest.fail("the app wrote a log:\n" + "\n".join(told))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Brings the tests into an order in which processors rarely wait.

    Those that take minutes come first, so that none is waited for at the end. Modules that wait for terminals
    are spread over the others, which work meanwhile.
    """
    modules = list(dict.fromkeys(map(_module, items)))
    waiting = [module for module in modules if module.startswith("tests/terminal/")]
    others = [module for module in modules if module not in waiting]
    place = {
        module: number / len(group) for group in (waiting, others) for number, module in enumerate(group, 1)
    }
    items.sort(key=lambda item: (not _module(item).startswith("tests/room/"), place[_module(item)]))


def _module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
