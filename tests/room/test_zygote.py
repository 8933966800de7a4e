"""The process that children are copies of: what it knows, its replacement, and that none outlives the app."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest

from llm_linalg.base.errors import HaltedError, RoomError
from llm_linalg.room import lock, tier, zygote_process
from llm_linalg.room.room_client import Room, room
from llm_linalg.room.room_limits import RoomLimits
from tests.room.programs import gone, outcome
from tests.terminal.console import within
from tests.thinning import thin

ROOT = Path(__file__).resolve().parents[2]
LOOKS_INSIDE = pytest.mark.skipif(
    os.getuid() != 0, reason="only root may look into the memory of a locked child"
)
NEEDS_LOCK = pytest.mark.usefixtures("locked")
PRIVATE = 12 * 2**20


@pytest.fixture
def own() -> Iterator[Room]:
    """A room that no other test uses."""
    made = Room()
    yield made
    made.close()


def descendants(process: int) -> list[int]:
    """Returns the processes that a process has started, and theirs."""
    children = [
        int(child)
        for task in Path(f"/proc/{process}/task").glob("*/children")
        for child in task.read_text().split()
    ]
    return [*children, *(deeper for child in children for deeper in descendants(child))]


def test_what_the_process_compiles_it_finds_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    for refuses in (True, False):
        monkeypatch.setattr(sys, "dont_write_bytecode", refuses)
        process, (link,) = zygote_process.launch("tier", 1)
        with link:
            assert link.recv(2**16)
        process.communicate()
        assert bool([*tmp_path.rglob("zygote.*.pyc")]) != refuses


@NEEDS_LOCK
def test_a_child_compiles_for_itself() -> None:
    assert outcome("import sys\nprint(sys.pycache_prefix, sys.dont_write_bytecode)").printed == "None True\n"


def kernel() -> tuple[int, ...]:
    return tuple(int(word) for word in platform.release().split("-")[0].split(".")[:2] if word.isdigit())


@NEEDS_LOCK
@LOOKS_INSIDE
@pytest.mark.slow
def test_nothing_of_the_apps_is_in_a_childs_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: Room
) -> None:
    word = "canary-" + "a1b2c3d4"
    monkeypatch.setenv("CANARY", word)
    monkeypatch.setenv("HOME", f"/{word}")
    monkeypatch.chdir(tmp_path)
    search = (
        "import gc, os, sys\nwhole = 'canary-' + ''.join(['a1b2', 'c3d4'])\n"
        "texts = [repr(x) for x in (sys.argv, sys.orig_argv, sys.path, dict(os.environ), sys.flags)]\n"
        "print(any(whole in text for text in texts))"
    )
    assert outcome(search, where=own).printed == "False\n"
    process = own.process
    assert process is not None
    assert word not in Path(f"/proc/{process}/environ").read_text()
    assert "LANG=C.UTF-8" in Path(f"/proc/{process}/environ").read_text()
    assert word not in Path(f"/proc/{process}/cmdline").read_text()
    assert str(Path(f"/proc/{process}/cwd").readlink()) == "/"
    assert not in_memory(process, word.encode())


def in_memory(process: int, word: bytes) -> bool:
    """Returns whether a process has a word in its memory that it can write to."""
    try:
        maps = Path(f"/proc/{process}/maps").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False  # it has ended meanwhile
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            place, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, end = (int(word, 16) for word in place.split("-"))
            if end - start > 2**28:
                continue
            memory.seek(start)
            with suppress(OSError):  # what was given back since the maps were read
                if word in memory.read(end - start):
                    return True
    return False


@NEEDS_LOCK
@LOOKS_INSIDE
@pytest.mark.slow
def test_a_text_is_in_no_later_child_and_not_in_the_zygote() -> None:
    word = "".join(["cana", "ry-", "of-a-text"])
    outcome(f"x = '{word}'")
    zygote = room().process
    assert zygote is not None
    assert not in_memory(zygote, word.encode())
    for process in descendants(zygote):
        with suppress(ProcessLookupError):  # one that has just ended
            assert not in_memory(process, word.encode())


@NEEDS_LOCK
@LOOKS_INSIDE
@pytest.mark.slow
def test_the_children_have_one_thread_and_little_memory_of_their_own(own: Room) -> None:
    outcome("x = 1", where=own)  # in a room whose spares nobody has read, which gives them pages of their own
    run = own.start(
        {"source": "import torch.optim\nx = torch.ones(3, requires_grad=True)\n(x * x).sum().backward()"}
    )
    try:
        run.wait(20)
        assert len(list(Path(f"/proc/{run.process}/task").iterdir())) == 1
        rollup = dict(
            line.split(":") for line in Path(f"/proc/{run.process}/smaps_rollup").read_text().splitlines()[1:]
        )
        assert sum(int(rollup[key].split()[0]) for key in ("Private_Clean", "Private_Dirty")) * 1024 < PRIVATE
    finally:
        run.close()


@NEEDS_LOCK
@pytest.mark.slow
def test_a_zygote_that_is_killed_is_replaced(own: Room) -> None:
    assert outcome("print(1)", where=own).printed == "1\n"
    first = own.process
    assert first is not None
    family = descendants(first)
    os.kill(first, signal.SIGKILL)
    assert all(map(gone, family))
    assert outcome("print(2)", where=own).printed == "2\n"
    assert own.process not in (None, first)


@NEEDS_LOCK
@pytest.mark.slow
def test_a_program_whose_zygote_dies_is_told_dead(own: Room) -> None:
    run = own.start({"source": "while True: pass"})
    run.poll(0.5)
    assert own.process is not None
    os.kill(own.process, signal.SIGKILL)
    assert run.wait(5).kind == "memory"
    run.close()


HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.slow
@NEEDS_LOCK
@pytest.mark.skipif(
    not HUGE_PAGES.exists() or "[never]" in HUGE_PAGES.read_text() or kernel() < (6, 1),
    reason="the kernel gathers no pages when it is asked to",
)
def test_a_zygote_that_nobody_asks_gathers_its_pages(own: Room) -> None:
    assert outcome("print(1)", where=own).printed == "1\n"

    def gathered() -> int:
        pages = Path(f"/proc/{own.process}/smaps_rollup").read_text()
        return sum(int(line.split()[1]) for line in pages.splitlines() if line.startswith("AnonHugePages"))

    assert within(lambda: gathered() > 100_000)
    assert outcome("print(2)", where=own).printed == "2\n"


@NEEDS_LOCK
def test_a_spare_that_is_killed_is_replaced() -> None:
    outcome("print(1)")
    zygote = room().process
    assert zygote is not None
    family = descendants(zygote)
    for process in family:
        os.kill(process, signal.SIGKILL)
    assert all(map(gone, family))
    assert outcome("print(2)").printed == "2\n"


APP = """
import os, signal, sys, threading
from llm_linalg.room.room_client import room
def use():
    {use}
    print(room().process, flush=True)
{how}
{end}
"""
USES = {
    "starting": "room().warm()",
    "idle": "room().start({'source': '1'}).wait(20)",
    "running": "room().start({'source': 'while True: pass'}).poll(0.3)",
}
ENDS = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "exited": "os._exit(0)",
    "ended": "",
    "failed": "raise ValueError",
    "terminated": "os.kill(os.getpid(), signal.SIGTERM)",
}


@NEEDS_LOCK
@pytest.mark.parametrize(("use", "end"), thin(product(USES, ENDS), 4))
@pytest.mark.slow
def test_nothing_is_left_one_second_after_the_app(use: str, end: str) -> None:
    how = "thread = threading.Thread(target=use)\nthread.start()\nthread.join()"
    text = APP.format(
        use=USES[use], how=how if end == "killed" else "use()", end="sys.stdin.readline()\n" + ENDS[end]
    )
    app = subprocess.Popen(
        [sys.executable, "-c", text], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert app.stdout is not None
    zygote = int(app.stdout.readline())
    family = [zygote, *descendants(zygote)]
    app.communicate("\n", timeout=20)
    end_of_app = time.monotonic()
    assert all(gone(process, end_of_app + 1.0 - time.monotonic()) for process in family)


@NEEDS_LOCK
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float8_e5m2", "complex32"])
def test_a_child_needs_no_file_to_know_the_processor(dtype: str) -> None:
    text = f"x = torch.ones(3).to(torch.{dtype})\nprint(x.dtype, (x.to(torch.float32) * 2).tolist())"
    assert outcome(text).printed == f"torch.{dtype} [2.0, 2.0, 2.0]\n"


@NEEDS_LOCK
def test_any_thread_may_use_it() -> None:
    results: list[str] = []

    def use(number: int) -> None:
        results.append(outcome(f"print({number})").printed)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [f"{number}\n" for number in range(8)]


@NEEDS_LOCK
def test_waiting_for_a_child_can_be_stopped() -> None:
    with pytest.raises(HaltedError):
        room().start({"source": "1"}, halt=lambda: True)
    assert outcome("print(1)").printed == "1\n"


@NEEDS_LOCK
@pytest.mark.slow
def test_it_works_with_closed_standard_streams_and_many_descriptors() -> None:
    text = (
        "import os, sys\nout = os.dup(1)\nheld = [os.dup(out) for _ in range(1500)]\nos.closerange(0, 3)\n"
        "from llm_linalg.room.room_client import room\nrun = room().start({'source': '1'})\n"
        "os.write(out, str(run.wait(20)).encode())"
    )
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2000:
        pytest.skip("no more than 2,000 descriptors here")
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (2000, {hard}))\n"
    done = subprocess.run(
        [sys.executable, "-c", limit + text], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "it ran to its end"
    assert soft


@NEEDS_LOCK
def test_a_forked_app_has_a_room_of_its_own() -> None:
    first = room()
    outcome("1")
    child = os.fork()
    if not child:
        os._exit(0 if room() is not first and room().process is None else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert outcome("print(1)").printed == "1\n"


@NEEDS_LOCK
@pytest.mark.slow
def test_a_program_with_an_optimizer_waits_for_the_compiler(own: Room) -> None:
    source = "import sys, torch.optim\nprint('torch._dynamo' in sys.modules)"
    assert outcome(source, 20, where=own).printed == "True\n"


@NEEDS_LOCK
@pytest.mark.slow
def test_what_the_interpreter_can_import_can_be_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: Room
) -> None:
    packages, project, mapped = (tmp_path / name for name in ("site-packages", "project", "mapped"))
    for folder in (packages / "plain_one", project / "edited_one", mapped / "mapped_one"):
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("from . import part\n")
        (folder / "part.py").write_text("value = 1\n")
    for package in (project, project / "edited_one", mapped / "mapped_one"):
        (package / ".env").write_text("SECRET")
    (project / "data.csv").write_text("SECRET")
    (project / "module_one.py").write_text("value = 2\n")
    (packages / "project.pth").write_text(f"{project}\n")
    (packages / "mapped.pth").write_text("import __editable___mapped_finder\n")
    (packages / "__editable___mapped_finder.py").write_text(
        "import importlib.util, sys\n"
        f"MAPPING = {{'mapped_one': {str(mapped / 'mapped_one')!r}}}\n"
        "class Finder:\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        if name in MAPPING:\n"
        "            return importlib.util.spec_from_file_location(name, MAPPING[name] + '/__init__.py',\n"
        "                submodule_search_locations=[MAPPING[name]])\n"
        "sys.meta_path.append(Finder)\n"
    )
    monkeypatch.syspath_prepend(str(packages))
    for source in (
        "import plain_one\nprint(plain_one.part.value)",
        "import edited_one, module_one\nprint(edited_one.part.value)",
        "import mapped_one\nprint(mapped_one.part.value)",
        "import llm_linalg, numpy, einops, csv, json, sqlite3, lzma, bz2, decimal, ctypes\nprint(1)",
    ):
        assert outcome(source, 20, where=own) == ("1\n", ("done", None, ""))
    for name in ("project/.env", "project/data.csv", "project/edited_one/.env", "mapped/mapped_one/.env"):
        assert "PermissionError" in outcome(f"open({str(tmp_path / name)!r})", where=own).ending.message


OPEN = ("a.txt", "data/b.txt", "clean/c.txt", "in")
CLOSED = (
    ".env",
    ".git/config",
    "data/.hidden",
    "data/.cache/x",
    "out",
    "to-hidden",
    "up/outside",
    "../outside",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what may be read in it, and what may not."""
    (tmp_path / "outside").write_text("outside")
    inner = tmp_path / "read"
    for place in ("data", "clean", ".git", "data/.cache"):
        (inner / place).mkdir(parents=True)
    for name in (*OPEN[:3], *CLOSED[:4]):
        (inner / name).write_text("text")
    (inner / "out").symlink_to(tmp_path / "outside")
    (inner / "in").symlink_to(inner / "a.txt")
    (inner / "to-hidden").symlink_to(inner / ".env")
    (inner / "up").symlink_to(tmp_path)
    os.mkfifo(inner / "pipe")
    return inner


@NEEDS_LOCK
def test_files_of_the_folder_can_be_read_and_none_that_is_hidden_or_leads_out(folder: Path) -> None:
    source = (
        f"import os\nfor name in {(*OPEN, *CLOSED, 'pipe')}:\n"
        f"    try: print(name, os.read(os.open('{folder}/' + name, os.O_RDONLY | os.O_NONBLOCK), 9))\n"
        "    except OSError as error: print(name, type(error).__name__)"
    )
    found = outcome(source, limits=RoomLimits(read=str(folder))).printed.splitlines()
    assert dict(line.split(" ", 1) for line in found) == {
        **dict.fromkeys(OPEN, "b'text'"),
        **dict.fromkeys((*CLOSED, "pipe"), "PermissionError"),
    }


@NEEDS_LOCK
def test_nothing_can_be_written_in_the_folder_and_the_next_program_can_read_nothing_there(
    folder: Path,
) -> None:
    path = str(folder / "a.txt")
    ending = outcome(f"open({path!r}, 'w')", limits=RoomLimits(read=str(folder))).ending
    assert ending.line == 1
    assert "PermissionError" in ending.message
    assert Path(path).read_text() == "text"
    assert "PermissionError" in outcome(f"open({path!r})").ending.message


@pytest.mark.parametrize(
    ("hidden", "word"),
    [("landlock_create_ruleset", "5.13"), ("seccomp", "seccomp")],
    ids=["landlock", "seccomp"],
)
def test_without_a_call_there_is_no_tier_and_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, hidden: str, word: str
) -> None:
    monkeypatch.setattr(lock, "HIDDEN", {hidden})
    assert tier.tier().lock is None
    assert tier.tier().reason
    if sys.platform == "linux" and not lock.missing().startswith("there is no lock"):
        assert word in tier.tier().reason
    own = Room()
    with pytest.raises(RoomError):
        own.start({"source": "1"})
    own.close()


@NEEDS_LOCK
@pytest.mark.parametrize("hidden", ["landlock_add_rule", "landlock_restrict_self"])
def test_a_lock_that_fails_half_way_is_none(monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    monkeypatch.setattr(lock, "HIDDEN", {hidden})
    assert tier.tier().lock is None
    assert tier.tier().reason


# Each takes a layer away from the lock, in a process of its own.
def allow(name: str, x86_64: int, aarch64: int) -> str:
    """Returns the statement that adds a call to the allowed ones."""
    return f"system_calls.ALLOWED[{name!r}] = system_calls.SystemCall({x86_64}, {aarch64}, '')"


NO_LANDLOCK = (
    "lock.system_call = lambda name, *a, real=lock.system_call: "
    "0 if name == 'landlock_restrict_self' else real(name, *a)"
)
LIES = {
    "no Landlock": (NO_LANDLOCK, "read a file outside"),
    "no seccomp": ("lock._filter_calls = lambda: None", "open a socket"),
    "neither": ("lock.Lock.apply = lambda self, parent, kept: None", "write to a file"),
    "an allowed fork": (allow("clone", 56, 220), ""),
    "allowed opens": ("system_calls._WRITING = 0", "hold a path"),
    "allowed exec": (allow("execve", 59, 221), "start another program"),
    "allowed sockets": (allow("socket", 41, 198), "open a socket"),
    "refused memory": ("del system_calls.ALLOWED['mmap'], system_calls.ALLOWED['brk']", ""),
    "refused files": ("system_calls.ALLOWED.pop('read')", "is refused"),
    "death": ("lock._filter_calls = lambda: os._exit(0)", ""),
}


@NEEDS_LOCK
@pytest.mark.parametrize("lie", LIES)
def test_a_lock_that_does_not_hold_is_seen(lie: str) -> None:
    change, what = LIES[lie]
    text = (
        "import json, os\nfrom llm_linalg.room import lock, system_calls, tier\n"
        f"{change}\n"
        "print(json.dumps(tier.verdict(tier.self_test())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    name, tried, reason = json.loads(done.stdout)
    assert name is None
    assert reason
    assert not what or any(what in key for key, result in tried.items() if result != "refused"), tried


@NEEDS_LOCK
def test_the_self_test_tries_each_class() -> None:
    tried = tier.tier().tried
    assert len(tried) >= 30
    assert set(tried.values()) == {tier.REFUSED}
    for what in (
        "write",
        "read",
        "socket",
        "program",
        "fork",
        "clone3",
        "signal",
        "trace",
        "path",
        "without a name",
    ):
        assert any(what in key for key in tried)


def test_what_the_process_is_started_with_is_the_same_for_everybody() -> None:
    assert not {"HOME", "USER", "PATH", "LOGNAME"} & set(zygote_process.ENVIRONMENT)
