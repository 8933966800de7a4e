"""`python -m tests.fuzz.watched COUNT`: runs so many random programs and all hostile ones."""

from __future__ import annotations

import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.engine.hostile import REFUSED
from tests.engine.test_tutorials import TUTORIALS
from tests.fuzz.watching import Watch, outcome
from tests.fuzz.writing import Writer

FEW = 1_000  # random programs, with which only a part of the hostile ones is run


def programs(count: int) -> Iterator[str]:
    """Yield what is run: hostile programs, those of tutorials, random ones from a fixed seed."""
    hostile = [program for kind in REFUSED.values() for program in kind]
    yield from hostile if count > FEW else hostile[::8]
    yield from TUTORIALS.values()
    generator = random.Random(0)  # noqa: S311  the same programs each time
    for _ in range(count):
        yield Writer(generator.randbytes(generator.randrange(200))).program()


def main() -> None:
    """Run everything, watched; what asks for something runs again, when all that it imports late is there."""
    watch = Watch()
    watch.on = True
    with Path(os.devnull).open():
        pass
    control, watch.events = watch.events, Counter()
    events, outcomes = Counter[str](), Counter[str]()
    for program in programs(int(sys.argv[1])):
        outcomes[outcome(program)] += 1
        if watch.events:
            watch.events = Counter()
            outcome(program)
            events, watch.events = events + watch.events, Counter()
    watch.on = False
    print(json.dumps({"control": control, "events": events, "outcomes": outcomes}))


if __name__ == "__main__":
    main()
