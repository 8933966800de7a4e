"""What stands in a notebook for a value that is not there: of a statement that was not run, or an import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llm_linalg.base.errors import MissingValueError, ProgramError


@dataclass(frozen=True, slots=True, eq=False)
class MissingValue:
    """The value of a name that a statement would have made or changed, had it been run.

    Attributes:
        cell: The number of the statement's cell.
        root: The number of the cell on which that rests; its own, if it was refused or stopped itself.
        reason: Why that cell was not run: `refused: …`.
        verb: What the statement would have done to the value: `made`, `changed`.
        reach: Values that the statement was given or would have changed, and which it may hold on to, by
            their identities. A name may be bound anew before the value is: so it is the values that count.
    """

    cell: int
    root: int
    reason: str
    verb: str = "made"
    reach: tuple[Mapping[int, object], ...] = ()

    def error(self, name: str) -> ProgramError:
        """Return the error of a program that reads it under a name."""
        rests = f", which rests on cell {self.root}" if self.root != self.cell else ""
        found = MissingValueError(f"{name} is {self.verb} by cell {self.cell}{rests}, {self.reason}")
        found.root, found.reason = self.root, self.reason
        return found


@dataclass(frozen=True, slots=True, eq=False)
class MissingModule:
    """What an import gives whose module the language lacks: an error where it is used.

    Attributes:
        path: What is imported.
        message: Why it can't be imported, and what to write instead.
        is_star: Whether all names of it are: any that is not known may be one of them.
    """

    path: str
    message: str
    is_star: bool = False

    @property
    def is_apart(self) -> bool:
        """Whether it surely changes no tensor and draws none of torch's random numbers."""
        return self.path.partition(".")[0] in APART

    def error(self, name: str) -> ProgramError:
        """Return the error of a program that uses it under a name."""
        if self.is_star:
            return ProgramError(f"{name} may be from {self.path}, which can't be imported: write it here")
        return ProgramError(self.message)


_APART = """
    numpy scipy pandas sklearn math cmath os sys re json io csv time datetime pathlib zipfile tarfile
    gzip pickle
    shutil glob tempfile collections itertools functools operator string textwrap copy typing dataclasses enum
    abc importlib platform psutil requests urllib http hashlib base64 struct argparse logging traceback
    inspect
    tiktoken tokenizers sentencepiece nltk spacy regex unicodedata PIL cv2 skimage tqdm random networkx sympy
    pprint warnings contextlib subprocess threading multiprocessing queue socket uuid getpass statistics
    bisect
    heapq decimal fractions numbers types weakref gc locale calendar email html xml sqlite3 yaml toml rich
"""
APART = frozenset(_APART.split())
"""Packages that know nothing of torch, or leave its tensors and its generator alone."""
STAR = "*"
"""The name that stands for all those which `from x import *` would have bound."""
UNREADABLE = (MissingValue, MissingModule)
