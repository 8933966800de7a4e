"""`python -m tests.fuzz [FLAG]… [FOLDER]`: atheris, until it finds something; or a long run by its name.

``python -m tests.fuzz keys`` presses random keys in the app, and ``… programs`` draws every picture of random
programs; ``--help`` after the name says what it takes.

Found is: an exception that is no error of ours, an event that the system would see, a program that takes
longer than ``-timeout`` or more than ``-rss_limit_mb``. The flags are libFuzzer's, such as ``-runs=10000``;
the folder keeps what is learnt on the way. ``python -m tests.fuzz --show FILE`` prints the program that the
bytes in a file mean.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

RUNS = {"keys": "tests.fuzz.keys", "programs": "tests.fuzz.programs"}
"""The long runs, and the module of each, which has a `main` that takes the words after the name."""
LIMITS = ["-timeout=20", "-rss_limit_mb=4096", "-max_len=400"]


def hostile() -> Iterator[str]:
    """Yield the programs that must be refused."""
    from tests.engine.hostile import REFUSED

    yield from (program for kind in REFUSED.values() for program in kind)


def sow(folder: Path) -> None:
    """Begin a folder with the hostile programs: a first byte of 0 says that text follows."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        return
    for number, program in enumerate(hostile()):
        (folder / f"hostile-{number}").write_bytes(b"\0" + program[:400].encode("utf-8", "replace"))


def main() -> int:
    """Do a long run, run the job, or show a program."""
    if sys.argv[1:2] and sys.argv[1] in RUNS:
        code: int = import_module(RUNS[sys.argv[1]]).main(sys.argv[2:])
        return code
    if sys.argv[1:2] == ["--show"]:
        from tests.fuzz.writing import Writer

        print(Writer(Path(sys.argv[2]).read_bytes()).program())
        return 0
    try:
        import atheris
    except ImportError:
        print("this job needs atheris: pip install 'llm-linalg[fuzz]'", file=sys.stderr)
        return 2
    import torch  # first, and as it is: it is not torch's lines that are looked for

    torch.set_num_threads(1)
    with atheris.instrument_imports(include=["llm_linalg"]):
        import llm_linalg.language.program  # noqa: F401

    from tests.fuzz.watching import Watch, outcome
    from tests.fuzz.writing import Writer

    for program in hostile():
        outcome(program)  # what is imported late is imported now
    watch = Watch()

    def one(data: bytes) -> None:
        program = Writer(data).program()
        watch.on = True
        try:
            outcome(program)
        finally:
            watch.on = False
        if watch.events:
            raise AssertionError(f"{dict(watch.events)} in {program!r}")

    given = [flag.partition("=")[0] for flag in sys.argv[1:]]
    limits = [flag for flag in LIMITS if flag.partition("=")[0] not in given]
    for word in sys.argv[1:]:
        if not word.startswith("-"):
            sow(Path(word))
    atheris.Setup([sys.argv[0], *limits, *sys.argv[1:]], one)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
