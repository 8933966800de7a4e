"""`python -m tests.fuzz peers [--rounds N] [--seed N]`: bad peers, forty at once, at a talk's socket.

Each round forty differ in what they say and in how they leave: garbage, half a line, a megabyte without an
end, nothing, stops that are not there, a flood of commands; closed at once, never read, a byte at a time. A
talk on a terminal goes on meanwhile: its keys act, and an honest follower sees what is shown.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path

from tests.app.talks import deck_at
from tests.terminal.console import Console
from tui.audience import meeting
from tui.audience.client import Link
from tui.audience.protocol import encode, greeting

NOTES, FOLLOW = encode(greeting("notes")), encode(greeting("follow"))
NOBODY: dict[str, bytes] = {
    "nothing": b"",
    "garbage": b"\x00\xff\xfe{]\n" * 40,
    "half a line": NOTES[:-9],
    "a megabyte without an end": b"x" * (1 << 20),
    "a greeting of another version": encode({"llm-linalg": 10**30, "as": "notes"}),
    "a deep list": b"[" * 900 + b"\n",
    "a command of an audience": FOLLOW + encode({"do": "next"}),
    "a stop that is no number": NOTES
    + encode({"do": "go", "stop": 1e300})
    + encode({"do": "go", "stop": "9"}),
}
"""What peers say to whom nothing is done."""
SOMEBODY: dict[str, bytes] = {
    "a stop that is not there": NOTES + encode({"do": "go", "stop": 10**6}) + encode({"do": "go", "stop": 0}),
    "a flood of commands": NOTES + encode({"do": "next"}) * 2000,
}
"""What peers say who read the notes, and may go elsewhere with it."""
WAYS = ("is gone at once", "reads to the end", "never reads", "sends a byte at a time")
PEERS = [*product(NOBODY | SOMEBODY, WAYS)]
PATIENCE = 0.3  # seconds that one which does not read stays


async def be_bad(path: Path, said: bytes, way: str) -> None:
    """Be one of the peers, until it is cut off or has had enough."""
    with suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_unix_connection(str(path))
        try:
            if way == "sends a byte at a time":
                for place in range(min(len(said), 300)):
                    writer.write(said[place : place + 1])
                    await writer.drain()
            writer.write(said)
            if way == "is gone at once":
                writer.transport.abort()
            elif way == "never reads":
                await asyncio.sleep(PATIENCE)
            else:
                writer.write_eof()
                await asyncio.wait_for(reader.read(), PATIENCE)
        finally:
            writer.transport.abort()


async def attack(path: Path, seed: int | str) -> None:
    """Let all forty come at once, in an order from a seed."""
    every = NOBODY | SOMEBODY
    order = random.Random(seed).sample(PEERS, len(PEERS))  # noqa: S311 - it is no secret
    await asyncio.gather(*(be_bad(path, every[said], way) for said, way in order))


def main(words: Sequence[str]) -> int:
    """Let them come, round after round; print the figures. Return 1 if the talk suffers."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="rounds of forty peers (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another order (%(default)s)")
    flags = parser.parse_args(words)
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        run.mkdir(mode=0o700)
        home = {"XDG_RUNTIME_DIR": str(run)}
        with Console("present", str(deck_at(Path(folder))), env=home) as console:
            console.until("Only words.")
            place = meeting.folder(home)
            console.until(lambda: bool(meeting.presenters(place)))
            (path,) = meeting.presenters(place)
            console.send("2G")
            console.until("0/2 steps")  # what it needs is loaded
            before = _figures(console.app)
            for number in range(1, flags.rounds + 1):
                asyncio.run(attack(path, f"{flags.seed}/{number}"))
                begun = time.monotonic()
                console.quiet(0.3)  # what they have said was done
                console.send("1G")
                console.until("Only words.")
                console.send("2G")
                console.until("0/2 steps")
                slowest = max(slowest, time.monotonic() - begun)
                shown = asyncio.run(_shown(home))
                assert shown == 2, shown
                assert meeting.presenters(place) == [path]
                if number % 10 == 0:
                    print(f"{number} rounds, {number * len(PEERS):,} peers", flush=True)
            console.quiet(0.5)
            print(f"before: {before}; after: {_figures(console.app)}; slowest answer {slowest:.2f} s")
            console.send("qq")
            assert console.wait() == 0
            assert console.left_over == []
    print(f"{flags.rounds * len(PEERS):,} peers, {len(PEERS)} at once, seed {flags.seed}: 0 failures")
    return 0


async def _shown(home: dict[str, str]) -> int:
    """Return the stop that an honest follower is told."""
    async for now in Link("follow", home).talk():
        return int(now.show["number"])
    raise AssertionError("it is not told what is shown")


def _figures(pid: int) -> str:
    """Return how many files a process has open, and its memory."""
    proc = Path(f"/proc/{pid}")
    held = (proc / "statm").read_text(encoding="ascii").split()[1]
    return f"{len(list((proc / 'fd').iterdir()))} open files, {int(held) * 4 // 1024} MB"
