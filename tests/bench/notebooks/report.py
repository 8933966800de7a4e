"""What came of each cell, judged: the table, and the ranking of what is missing."""

from __future__ import annotations

import builtins
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

from tests.bench.notebooks.flow import Cell
from tests.bench.notebooks.values import alike
from tests.bench.notebooks.watch import Outcome

STATES = ("equal", "refused", "rests", "wrong", "stale", "misled", "broken")
MEANING = {
    "equal": "it runs, and gives what plain Python gives; or both stop at the same statement",
    "refused": "it holds what the language lacks, or exceeds a limit",
    "rests": "it rests on a cell that was not run, and says so",
    "wrong": "it gives what plain Python does not",
    "stale": "it rests on a cell that was not run, and shows an older value without a word",
    "misled": "it rests on a cell that was not run, and its error is about something else",
    "broken": "plain Python can't run it either, alone or as the notebook has it",
}
_REFUSAL = re.compile(
    "is not part of|can't be imported|is private|not spelt|are allowed|notebook's command|is made by|"
    "has no attribute|\\bhere\\b"
)
_UNKNOWN = re.compile(r"nothing is called (\w+)|^(\w+) is not part of the language")
_UNKNOWN_END = re.compile("TimeoutError|plain Python was ended")
_LOOSE = re.compile(r"\b(?:id|data_ptr|time|perf_counter|process_time|now)\(")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(slots=True)
class Verdict:
    """What is said of a cell.

    Attributes:
        file: The document.
        cell: The cell.
        state: One of `STATES`.
        why: The message, or what differs; of an equal cell, what differs where all of the notebook is run,
            which may draw other random numbers.
        lacks: What the language would need for it, by what it uses as well.
    """

    file: str
    cell: Cell
    state: str
    why: str = ""
    lacks: frozenset[str] = field(default_factory=frozenset)


def judge(
    file: str,
    cells: Sequence[Cell],
    ours: Sequence[Outcome],
    same: Sequence[Outcome],
    whole: Sequence[Outcome],
) -> list[Verdict]:
    """Returns what is said of each cell of a document.

    Args:
        file: Its name.
        cells: Its cells.
        ours: What came of them in the tool.
        same: In plain Python, of exactly the statements that the tool ran.
        whole: In plain Python, of the whole document.
    """
    spoiled, modules = set[str](), set[str]()
    lacks: dict[str, frozenset[str]] = {}
    verdicts = []
    for cell, mine, twin, full in zip(cells, ours, same, whole, strict=True):
        reads = frozenset().union(*(flow.reads for flow in cell.flows or []))
        used = _used(cell, mine, spoiled)
        state, why = _state(cell, mine, twin, full, used)
        own = (
            frozenset([lack_of(mine)]) if mine.error is not None and state == "refused" else frozenset[str]()
        )
        need = own.union(*(lacks.get(name, frozenset()) for name in reads))
        verdicts.append(Verdict(file, cell, state, why, need))
        done = list(mine.done)
        for flow in cell.flows or []:
            modules = (modules - flow.binds) | flow.imports.keys()
            lost = mine.error is not None and flow.text not in done
            if not lost and flow.text in done:
                done.remove(flow.text)
            dim = lost or bool(flow.reads & spoiled)
            for name in flow.binds:
                (spoiled.add if dim else spoiled.discard)(name)
                lacks[name] = need if dim else frozenset()
            for name in flow.changes - modules if dim else ():
                spoiled.add(name)
                lacks[name] = lacks.get(name, frozenset()) | need
    return verdicts


def _used(cell: Cell, mine: Outcome, spoiled: Set[str]) -> frozenset[str]:
    """Returns the names, among those that a statement not run would have made, that count for a verdict.

    Of a cell that ran they are those that it read, and did not make anew before; of one that stopped, those
    that the statement read at which it stopped. A definition uses nothing yet.
    """
    used, here = set[str](), set(spoiled)
    for flow in cell.flows or []:
        if not flow.defines and (mine.error is None or flow.text == mine.stopped):
            used |= flow.reads & here
        here -= flow.binds
    return frozenset(used)


def _state(cell: Cell, mine: Outcome, twin: Outcome, full: Outcome, used: frozenset[str]) -> tuple[str, str]:
    if twin.error is not None and _UNKNOWN_END.match(twin.error):
        return "broken", f"{mine.error} | {twin.error}"  # nothing to compare with
    difference = difference_of(cell, mine, twin)
    if difference is not None:
        return "wrong", difference
    if mine.error is None:
        other = bool(used or mine.root) and not _same_end(cell, mine, full)
        if other and mine.root is None:
            return "stale", f"uses {', '.join(sorted(used))}"
        if other:
            return "rests", "it runs, and says that a value may be another"
        drawn = None if full.error is not None else difference_of(cell, mine, full)
        return "equal", f"in the whole notebook, {drawn}" if drawn else ""
    if mine.stopped is not None and twin.stopped and not (mine.limit or _REFUSAL.search(mine.error) or used):
        return "equal", f"both fail: {mine.error}"
    if full.error is not None and not _UNKNOWN_END.match(full.error):
        return "broken", f"{mine.error} | {full.error}"
    unknown = _UNKNOWN.search(mine.error)
    name = (unknown[1] or unknown[2]) if unknown else None
    if mine.root is not None or (name is not None and not hasattr(builtins, name) and name in used):
        return "rests", mine.error
    if used and name is None and mine.stopped is not None and not (mine.limit or _REFUSAL.search(mine.error)):
        return "misled", f"{mine.error} | uses {', '.join(sorted(used))}"
    return "refused", mine.error


def _same_end(cell: Cell, mine: Outcome, full: Outcome) -> bool:
    return full.error is None and difference_of(cell, mine, full) is None


def difference_of(cell: Cell, mine: Outcome, other: Outcome) -> str | None:
    """Returns what differs between two runs of a cell; None if nothing does."""
    if other.error is not None:
        return f"plain Python: {other.error}"
    loose = bool(_LOOSE.search(cell.code))
    printed = [_NUMBER.sub("0", text) if loose else text for text in (mine.printed, other.printed)]
    if mine.error is not None and mine.stopped:  # what the failing statement printed is not to be had
        printed = [printed[0][: len(printed[1])], printed[1]]
    if printed[0] != printed[1]:
        return f"printed: {_first_difference(*printed)}"
    if loose:
        return None
    for name in sorted(mine.values.keys() & other.values.keys()):
        if mine.error is None and not alike(mine.values[name], other.values[name]):
            return f"{name}: {str(mine.values[name])[:80]} | {str(other.values[name])[:80]}"
    if mine.error is None and not alike(mine.answer, other.answer):
        return f"its value: {str(mine.answer)[:80]} | {str(other.answer)[:80]}"
    return None


def _first_difference(one: str, other: str) -> str:
    ours, theirs = one.split("\n"), other.split("\n")
    for mine, twin in zip(ours, theirs, strict=False):
        if mine != twin:
            return f"{mine[:100]!r} | {twin[:100]!r}"
    return f"{len(ours)} lines | {len(theirs)} lines"


def lack_of(outcome: Outcome) -> str:
    """Returns in a few words what the language would need for a cell that it refused."""
    said = (outcome.error or "").split(": ")[0]
    if outcome.limit:
        return "a limit: " + _NUMBER.sub("N", (outcome.error or "").replace(",", ""))[:70]
    return said[:80]


def table(verdicts: Iterable[Verdict], files: bool = True) -> str:
    """Returns the counts of tensor cells: a line a document, then all, and those with nothing outside."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    everything, inside, kinds = Counter[str](), Counter[str](), Counter[str]()
    for verdict in verdicts:
        kinds[verdict.cell.kind] += 1
        if verdict.cell.kind != "tensor":
            continue
        for counts in (rows[verdict.file], everything, *([inside] if verdict.cell.inside else [])):
            counts[verdict.state] += 1
    width = max([len(name) for name in rows] + [34])
    header = (
        f"{'tensor cells':{width}}  cells  "
        + "  ".join(f"{state:>7}" for state in STATES)
        + "  equal of those that run"
    )
    lines = [header]
    lines += [_row(name, counts, width) for name, counts in sorted(rows.items())] if files else []
    lines += ["", _row("all", everything, width), _row("that rest on nothing outside", inside, width)]
    lines += ["", "cells by kind: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())]
    return "\n".join(lines)


def _row(name: str, counts: Counter[str], width: int) -> str:
    total = sum(counts.values())
    able = total - counts["broken"]
    share = f"{counts['equal'] / able:7.1%}" if able else "      –"
    return (
        f"{name:{width}}  {total:5}  "
        + "  ".join(f"{counts[state] or '':>7}" for state in STATES)
        + f"  {share}"
    )


def ranking(verdicts: Sequence[Verdict], most: int = 60) -> str:
    """Returns what is missing, what most cells rest on first."""
    blocks, alone, files = Counter[str](), Counter[str](), defaultdict[str, set[str]](set)
    for verdict in verdicts:
        if verdict.cell.kind != "tensor" or verdict.state not in ("refused", "rests", "stale", "misled"):
            continue
        for lack in verdict.lacks:
            blocks[lack] += 1
            files[lack].add(verdict.file)
        if len(verdict.lacks) == 1:
            alone[next(iter(verdict.lacks))] += 1
    lines = ["blocks  alone  files  what is missing"]
    for lack, count in blocks.most_common(most):
        lines.append(f"{count:6}  {alone[lack] or '':>5}  {len(files[lack]):5}  {lack}")
    return "\n".join(lines)
