"""Start the app that lies beside this package, whatever the search path has under its name.

A project may well have a package `tui` of its own, in the current folder or on `PYTHONPATH`. The command,
and the processes that the app and the pytest plugin start, go by the place of this file: as a module
(`main`), or as a script behind `python -P`, with the name of the module that is to be run.
"""

from __future__ import annotations

import atexit
import os
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

APP = "tui"
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib loads slowly


def command(arguments: Sequence[str] | None = None, lesson: object = None) -> int:
    """Run the command line as all that this process does, unless there is something for it to open."""
    if arguments is not None or lesson is not None:
        return main(arguments, lesson)
    return without_teardown(main)


def main(arguments: Sequence[str] | None = None, lesson: object = None) -> int:
    """Run the command line of the app; see `tui.cli.main`."""
    load_package(APP)
    code: int = import_module("tui.cli.main").main(arguments, lesson)
    return code


def without_teardown(run: Callable[[], int | None]) -> int:
    """Run what the process is there for; once that has ended well, end the process without more ado.

    To take torch down module by module lasts half a second, and what it holds is the kernel's anyway. What
    was registered meanwhile to be done at the end is done.
    """
    codes: list[int] = []

    def end() -> None:
        if codes:
            try:
                for stream in filter(None, (sys.stdout, sys.stderr)):
                    stream.flush()
            except (OSError, ValueError):  # which Python reports in its own way
                return
            os._exit(codes[0])

    atexit.register(end)  # what is registered later is called before
    code = run() or 0
    codes.append(code)
    return code


def load_package(name: str) -> None:
    """Import a package from beside this one. Raises ImportError where another of its name is in use."""
    folder = os.path.join(HERE, name)  # noqa: PTH118
    place = os.path.join(folder, "__init__.py")  # noqa: PTH118
    there = sys.modules.get(name)
    if there is not None:
        if there.__file__ is None or not os.path.samefile(there.__file__, place):  # noqa: PTH121
            raise ImportError(
                f"the app is a package called {name}, and another one is in use: {there.__file__}"
            )
        return
    spec = spec_from_file_location(name, place, submodule_search_locations=[folder])
    if spec is None or spec.loader is None:
        raise ImportError(f"there is no package {name} in {HERE}")
    sys.modules[name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)


def run_module(name: str) -> None:
    """Run a module of either package as a script, with the words after its name as arguments."""
    import runpy

    for package in ("llm_linalg", APP):
        load_package(package)
    runpy.run_module(name, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    del sys.argv[0]
    without_teardown(lambda: run_module(sys.argv[0]))
