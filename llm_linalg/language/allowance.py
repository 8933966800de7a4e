"""What is left of what a program may take: it is counted step by step, and somebody may end the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple

from torch import nn

from llm_linalg.errors import HaltedError, LimitError, OpenEndedError
from llm_linalg.language import costs, layered, plain
from llm_linalg.language.values import Distinct
from llm_linalg.ops.levels import MOST_LEVELS

MAX_STEPS = 100_000
MAX_WEIGHT = 1_000_000
HEED = 100  # steps between two looks at whether the run is to end


class Spent(NamedTuple):
    """What a program, or a part of it, takes of its budget; see `Budget` for the units."""

    total: int
    work: int
    tensors: int
    steps: int
    items: int


_SAID = (
    "makes tensors of more than {} cells in all",
    "needs more than {} multiplications in all",
    "makes more than {} tensors",
    "takes more than {} steps",
    "goes through more than {} items",
)  # a program that takes more than it may, as `Spent` lists it

ROOM = 70_000  # steps and effort of a program of which nobody knows how much it does
UNKNOWN = (
    "it can't be told beforehand how much this program does, and it has done all that such a program may "
    "at once: let it do less, give its loops fewer turns, or have patience with it"
)

LARGE = Spent(2**22, 2**29, 100, 10_000, 25_000)
"""What a program has taken when it is a large one: some ten milliseconds' worth of each."""
MUCH = 30_000
"""What a large program has done, in steps and effort: likewise."""

LITTLE = 20_000  # steps and effort: too little to do something when half of it is done
NEVER = 2**63


def never() -> bool:
    """No."""
    return False


@dataclass(slots=True)
class Share:
    """How much there is room for, of which one of several may have a part.

    Attributes:
        share: How many have a part: devices that do the same together, which share the memory, too; or cells,
            once some have asked for too much.
    """

    share: int = 1

    @property
    def room(self) -> int:
        """How much it may do, in steps and effort, of which nobody knows how much it will do."""
        return ROOM // self.share

    @property
    def much(self) -> int:
        """How much a large program has done, in steps and effort."""
        return MUCH // self.share

    @property
    def large(self) -> Spent:
        """What a large program has taken."""
        return Spent(*[amount // self.share for amount in LARGE])


@dataclass(slots=True)
class Allowance(Share):
    """Bounds on a program, and what is left of those that are for all of it: counted step by step.

    Attributes:
        cells: The most cells of one tensor, also of one that torch makes on the way.
        multiplications: The most multiplications (or like work) of one call.
        total: The most cells of all tensors together.
        work: The most multiplications of all calls together.
        outputs: The most tensors that one call gives.
        tensors: The most tensors that all calls give together.
        steps: The most expressions and statements that are evaluated, repetitions included; what takes
            longer than most counts for several, see `costs`.
        items: The most items of plain values that something goes through.
        halt: Whether somebody wants the run to end; asked before each call, and every so many steps.
        seconds: How long it may run; None for as long as it takes.
        patient: Whether one of which nobody knows how much it will do may do all that there is for.
        alarm: What is done when the program turns out to be large; see `arm`.
        rests: What is done after that, before the program goes on.
    """

    cells: int = 2**25
    multiplications: int = 2**37
    total: int = 2**27
    work: int = 2**38
    outputs: int = 1_000
    tensors: int = 5_000
    steps: int = MAX_STEPS
    items: int = MAX_WEIGHT
    halt: Callable[[], bool] = never
    patient: bool = False
    seconds: float | None = 2.0
    alarm: Callable[[], None] | None = field(default=None, init=False)
    rests: Callable[[], object] = field(default=never, init=False)
    _deadline: float | None = field(default=None, init=False)  # once it has begun
    _whole: Spent = field(init=False)  # what there was to begin with
    _mark: Spent | None = field(default=None, init=False)
    effort: int = field(default=0, init=False)  # that was taken beside the steps, in steps
    settled: int = field(default=0, init=False)  # of it, for what was done by now
    _much: int = field(default=NEVER, init=False)  # effort and steps of a large program
    _begun: int = field(default=0, init=False)  # what was done before the program began
    _free: bool = field(default=False, init=False)  # it was told how much it does
    _until: int = field(default=0, init=False)  # that much is done it may be rehearsed
    _bound: int | None = field(default=None, init=False)  # of all effort, while it is confined
    look: int = field(default=NEVER, init=False)  # below so many steps left there is something to look after

    def __post_init__(self) -> None:
        self.total //= self.share
        self.items //= self.share
        self.steps //= self.share
        self._whole = self.left
        if self.seconds is not None:
            self._deadline = monotonic() + self.seconds

    @property
    def left(self) -> Spent:
        """What is left."""
        return Spent(self.total, self.work, self.tensors, self.steps, self.items)

    @left.setter
    def left(self, left: Spent) -> None:
        self.total, self.work, self.tensors, self.steps, self.items = left
        self.look = NEVER

    def arm(self, alarm: Callable[[], None], mark: Spent | None = None) -> None:
        """Have something done once when less is left than a mark; it may raise.

        Args:
            alarm: What is done.
            mark: What is left then; if None, what is when the program turns out to be a large one.
        """
        self.alarm, self._bound = alarm, None
        if mark is None:
            self._begun = self.done
        self._free = mark is not None
        self._mark = mark or Spent(*[left - large for left, large in zip(self.left, self.large, strict=True)])
        self._much = self.done + self.much if mark is None else NEVER

    def look_again(self, alarm: Callable[[], None], more: int) -> None:
        """Have something done once the program has done so much more, if not before."""
        self.alarm, self._much = alarm, self.done + more

    @property
    def beyond(self) -> bool:
        """Whether less is left than the mark."""
        mark = self._mark
        return mark is not None and (
            self.steps < mark.steps
            or self.tensors < mark.tensors
            or self.total < mark.total
            or self.work < mark.work
            or self.items < mark.items
        )

    @property
    def confined(self) -> bool:
        """Whether the program may do less, since nobody knows how much it will do."""
        return self._bound is not None

    def confine(self, alarm: Callable[[], None] | None = None) -> None:
        """Let the program do only so much as is done in less than a tenth of a second, unless one is patient.

        If it did much already, since it was known that it may, that is a part of it from here on; a small one
        if it did more than was known. A call that is about to be made is not yet done.

        Args:
            alarm: What is done when it has done half of it; None if it did more than was known.
        """
        if self.patient:
            return
        done = self.done - max(self.effort - self.settled, 0)
        self._bound = max(self._begun + self.room, done + self.room // (9 if alarm is None else 3))
        self._mark = Spent(*[-NEVER] * len(self.left))
        if alarm is not None and self._bound - self.done > LITTLE // self.share:
            self.alarm, self._much = alarm, (self.done + self._bound) // 2

    @property
    def done(self) -> int:
        """All that was done so far, in steps."""
        return self._whole.steps - self.steps + self.effort

    def _watch(self) -> None:
        """Ring the alarm, if less is left than the mark; end what does more than it may."""
        if self._bound is not None and self.done > self._bound:
            raise OpenEndedError(UNKNOWN)
        alarm = self.alarm
        if alarm is None:
            return
        if self.done > self._much or self.beyond:
            self.alarm = None
            alarm()
            self.rests()
            if self._bound is not None and self.done > self._bound:
                raise OpenEndedError(UNKNOWN)

    def step(self, count: int = 1) -> None:
        """Count an expression, a statement or so many layers before they are evaluated.

        Raises:
            LimitError: If there are too many.
            HaltedError: If the run is to end.
        """
        self.steps -= count
        if self.steps < self.look:
            self.look_after()

    def look_after(self) -> None:
        """See whether the run is to end, once fewer than `look` steps are left.

        Raises:
            LimitError: If none is left.
            HaltedError: If it is to end.
        """
        self.look = max(self.steps - HEED, 0)
        self.settled = self.effort
        self.heed()
        self._watch()
        if self.steps < 0:
            self.exceeded()

    def weigh(self, *values: Any) -> None:
        """Count the items of plain values, and layers within layers, before something goes through them.

        Raises:
            LimitError: If there are too many.
        """
        nested = False
        for value in values:
            if value.__class__ in plain.SINGLE:
                continue
            if isinstance(value, plain.NESTED):
                nested = True
                self.steps -= costs.A_SET_WEIGHED * (value.__class__ is Distinct)
            elif isinstance(value, nn.Module):
                self.step(costs.A_LAYER_MET * layered.count(value))
        if nested:
            items, levels, others = plain.weighed(*values)
            self.step(costs.A_WEIGHING + costs.A_LEVEL * levels + min(levels, MOST_LEVELS) ** 3 // 12)
            self.go_through(items + others)

    def go_through(self, items: int) -> None:
        """Count items of plain values.

        Raises:
            LimitError: If there are too many.
        """
        self.items -= items
        self.effort += items // costs.ITEMS_GONE_THROUGH
        if self.items < 0:
            self.exceeded()
        self._watch()

    def works(self, multiplications: int) -> None:
        """Count multiplications.

        Raises:
            LimitError: If there are too many.
        """
        self.work -= multiplications
        if self.work < 0:
            self.exceeded()

    def exceeded(self, why: str = "") -> None:
        """Say that more was asked for than there is, if it was.

        Raises:
            LimitError: If so; ``why`` stands before what it says.
        """
        for left, most, said in zip(self.left, self._whole, _SAID, strict=True):
            if left < 0:
                advice = "let it turn less often" if why else "let it do less"
                raise LimitError(f"{why}the program {said.format(f'{most:,}')}: {advice}")

    def heed(self) -> None:
        """Go on, unless the run is to end.

        Raises:
            HaltedError: If it is.
            LimitError: If it has run for as long as it may.
        """
        if self.halt():
            raise HaltedError("stopped: what stands below was not run")
        if self._deadline is not None and monotonic() > self._deadline:
            raise LimitError(f"stopped after {self.seconds:g} s: let it do less")
