"""A sweep without training: the real search and the real rungs, with learning curves from a function.

The sampler is `sweeper.search.Search`, stopping is `sweeper.asha.decide`. Ray's own stopping and what OptunaSearch
tells of it, as their sources have them, stand beside it for comparison.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sweeper import asha
from sweeper.knobs import Knob, Params
from sweeper.search import Search
from sweeper.settings import Asha
from sweeper.space import check
from sweeper.strict_yaml import parse

TEXT = """\
data: {{source: digits}}
model: preresnet8
finetune: {{}}
search: {{finetune.lr: {{uniform: [0.1, 0.2]}}}}
sweep: {{trials: 1000000, seed: {seed}, sampler: {sampler}}}
"""


@dataclass(frozen=True, kw_only=True)
class Course:
    """What a trial would go through."""

    values: NDArray[np.float64]
    """Accuracy after each epoch."""
    seconds: NDArray[np.float64]
    """Time since its begin after each epoch."""


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """A rule for early stopping."""

    rungs: Callable[[int], Mapping[int, str]]
    """Epochs of a trial -> epoch at which it is compared -> name of the rung."""
    ours: Asha | None
    """Settings of our rule; None: Ray's."""
    within: Sequence[str] = ()
    reduction: float = 4
    """Of Ray's."""


NEVER = Stopping(rungs=lambda _: {}, ours=Asha())
STOCK = Stopping(rungs=lambda epochs: {e: f"{e}" for e in (1, 4, 16, 64) if e < epochs}, ours=None)
"""ASHAScheduler's defaults: grace period 1, reduction factor 4; stopped trials are told as complete."""


def shares(*of: float, within: Sequence[str] = ()) -> Stopping:
    """Our rule at shares of a trial's own epochs."""
    return Stopping(
        rungs=lambda epochs: {max(1, round(share * epochs)): f"share={share:g}" for share in of},
        ours=Asha(rungs=list(of)),
        within=within,
    )


@dataclass(kw_only=True)
class Sweep:
    """One simulated sweep; ``log`` holds (epochs spent, best final accuracy) whenever that rises."""

    search: Search
    stopping: Stopping
    course: Callable[[Params], Course]
    budget: int
    workers: int = 1
    spent: int = 0
    log: list[tuple[int, float]] = field(default_factory=list)
    finished: dict[int, float] = field(default_factory=dict)
    """Trial -> final accuracy."""
    points: list[Params] = field(default_factory=list)
    _peers: dict[str, dict[str, tuple[float, ...]]] = field(default_factory=dict)

    def run(self) -> "Sweep":
        """Until the budget of epochs is spent; trials that end no later than others begun first are told first."""
        queue: list[tuple[float, int, int]] = []  # time, trial, epochs reached
        courses: dict[int, Course] = {}
        rungs: dict[int, dict[str, tuple[int, float]]] = {}

        def begin(now: float) -> None:
            number = len(self.points)
            self.points.append(self.search.ask(number))
            courses[number], rungs[number] = self.course(self.points[-1]), {}
            advance(number, 0, now)

        def advance(number: int, reached: int, now: float) -> None:
            course = courses[number]
            stops = [*(e for e in self.stopping.rungs(len(course.values)) if e > reached), len(course.values)]
            until = min(stops)
            self.spent += until - reached
            took = course.seconds[until - 1] - (course.seconds[reached - 1] if reached else 0.0)
            heapq.heappush(queue, (now + float(took), number, until))

        for _ in range(self.workers):
            begin(0.0)
        while queue and self.spent < self.budget:
            now, number, reached = heapq.heappop(queue)
            course = courses[number]
            value = float(course.values[reached - 1])
            if reached == len(course.values):
                self._end(number, "complete", value, rungs.pop(number))
                begin(now)
                continue
            group = asha.group(
                self.stopping.rungs(len(course.values))[reached], self.stopping.within, self.points[number]
            )
            rungs[number][group] = (reached, value)
            if self._goes_on(number, group, value):
                advance(number, reached, now)
            else:
                told = "stopped" if self.stopping.ours else "complete"
                self._end(number, told, value, rungs.pop(number), final=False)
                begin(now)
        return self

    def _goes_on(self, number: int, group: str, value: float) -> bool:
        peers = self._peers.setdefault(group, {})
        if (
            self.stopping.ours is None
        ):  # ray/tune/schedulers/async_hyperband.py: a percentile of those before it
            before = [one[0] for one in peers.values()]
            peers[str(number)] = (value,)
            return not before or value >= np.percentile(before, (1 - 1 / self.stopping.reduction) * 100)
        peers[str(number)] = (value,)
        others = asha.others(self._peers, group)
        return asha.decide(peers, str(number), self.stopping.ours, others=others) == "continue"

    def _end(
        self,
        number: int,
        state: str,
        value: float,
        rungs: dict[str, tuple[int, float]],
        *,
        final: bool = True,
    ) -> None:
        metrics = {"accuracy": value} if state == "complete" else {}
        self.search.tell(number, state, metrics, rungs=rungs, violations={})
        if final:
            self.finished[number] = value
            if not self.log or value > self.log[-1][1]:
                self.log.append((self.spent, value))


def search(knobs: Sequence[Knob], sampler: str, seed: int) -> Search:
    """The real search of knobs that no recipe knows."""
    space = check(parse(TEXT.format(sampler=sampler, seed=seed), "simulated.yaml"), default_name="simulated")
    return Search(replace(space, knobs=tuple(knobs)))
