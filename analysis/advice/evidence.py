"""Where the best points of a knob lie, and which of its values are worse than the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.advice.domains import Side
from analysis.advice.importance import LEVEL, places
from analysis.advice.knobs import Knob
from analysis.advice.outcomes import Outcome
from analysis.records import TrialState
from analysis.significance import holm

OUTER = 0.2
"""How much of a range, on its own scale, is its edge: of a quarter of the points, half or more can lie there."""
AT_EDGE = 3
"""So many of the best points make an edge, if they are half of them too; a value is judged from so many trials on."""
TO_NARROW = 5
"""So many of the best points say in which part of a range they lie."""
NARROWER = 0.75
"""A range is narrowed where no more than this share of it is left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """`count` of the `of` best points lie at one end, where chance would put as many with probability `p`."""

    side: Side
    count: int
    of: int
    p: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Worse:
    """A value that goes: of its `trials` only `best` are among the best, or all were `refused`; `holm` is its p."""

    value: Any
    trials: int
    best: int
    refused: int
    holm: float


def best_values(knob: Knob, outcome: Outcome) -> list[Any]:
    """The knob's values of the best points where it had an effect, the best first."""
    rows = [index for index in np.argsort(outcome.ranks, kind="stable") if outcome.top[index]]
    params = [outcome.trials[row].params for row in rows]
    return [p[knob.key] for p in params if knob.key in p and knob.cell(p[knob.key]) is not None]


def edge(knob: Knob, outcome: Outcome) -> Edge | None:
    """The end at which half of the best points or more lie, and more than by chance (p ≤ 5 %); None without one.

    In a range they must not thin out towards it: a third of them lie in the outer half of the edge.
    """
    if not knob.ordered:
        return None
    every = [trial.params[knob.key] for trial in outcome.trials if knob.key in trial.params]
    every = [value for value in every if knob.cell(value) is not None]
    best = best_values(knob, outcome)
    found = []
    for side in ("low", "high"):
        here, there = (sum(_at(knob, value, side) for value in values) for values in (best, every))
        last = sum(_at(knob, value, side, outer=OUTER / 2) for value in best)
        if here >= AT_EDGE and 2 * here >= len(best) and 3 * last >= here:
            found.append(
                Edge(side=side, count=here, of=len(best), p=_tail(here, len(best), there, len(every)))
            )
    return min((one for one in found if one.p <= LEVEL), key=lambda one: one.p, default=None)


def part(knob: Knob, outcome: Outcome) -> tuple[float, float] | None:
    """The part of a range in which the best points lie, as two places; None where it is most of it, or they are few.

    Around k points stands a margin of their span / (k − 1): the ends of a range from which k points come evenly lie
    so far outside of them, on average. It is 5 % of the range at least.
    """
    if knob.kind != "range":
        return None
    found = sorted(knob.place(value) for value in best_values(knob, outcome))
    if len(found) < TO_NARROW:
        return None
    margin = max(0.05, (found[-1] - found[0]) / (len(found) - 1))
    low, high = max(0.0, found[0] - margin), min(1.0, found[-1] + margin)
    return (low, high) if high - low <= NARROWER else None


def worse(knobs: Sequence[Knob], mattered: Sequence[bool], outcome: Outcome) -> dict[str, tuple[Worse, ...]]:
    """Key → its values that go: rarely among the best, or never within the constraints.

    Of a knob that mattered, those among the best more rarely than by chance (hypergeometric, Holm over its values:
    that it mattered has been asked of all knobs at once). Of any knob, those of which every trial was refused, more
    than by chance (Holm over all values). Values with fewer than `AT_EDGE` trials, or others so few, are not judged.

    Args:
        knobs: the searched settings.
        mattered: of each, whether it did.
        outcome: the trials, the refused ones among them.
    """
    refused = np.array([trial.state is TrialState.infeasible for trial in outcome.trials], bool)
    listed = [
        (knob, did, _counts(knob, outcome, refused))
        for knob, did in zip(knobs, mattered, strict=True)
        if knob.values is not None and knob.kind != "repeats"
    ]
    rows = [(knob, count) for knob, _, counts in listed for count in counts]
    tests = holm([_tail(count.refused, *count.refusal) for _, count in rows])
    found: dict[str, list[Worse]] = {}
    for (knob, count), p in zip(rows, tests, strict=True):
        if count.refused == count.trials and p <= LEVEL:
            found.setdefault(knob.key, []).append(count.worse(p))
    for knob, did, counts in listed:
        tests = holm([_tail(count.trials - count.best, *count.misses) for count in counts])
        for count, p in zip(counts, tests, strict=True):
            if did and p <= LEVEL and count.refused < count.trials:
                found.setdefault(knob.key, []).append(count.worse(p))
    return {key: tuple(rows) for key, rows in found.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Count:
    """How one value did: of `trials` some were among the `best`, some `refused`; of `all_` trials `all_best`, ..."""

    value: Any
    trials: int
    best: int
    refused: int
    all_trials: int
    all_best: int
    all_refused: int

    @property
    def refusal(self) -> tuple[int, int, int]:
        """What `_tail` takes to ask whether more were refused than by chance."""
        return self.trials, self.all_refused, self.all_trials

    @property
    def misses(self) -> tuple[int, int, int]:
        """And whether fewer were among the best."""
        return self.trials, self.all_trials - self.all_best, self.all_trials

    def worse(self, p: float) -> Worse:
        """It, as a value that goes."""
        return Worse(value=self.value, trials=self.trials, best=self.best, refused=self.refused, holm=p)


def _counts(knob: Knob, outcome: Outcome, refused: NDArray[np.bool_]) -> list[_Count]:
    """Of each value that has trials enough, and others to be compared with."""
    cells = places(knob, outcome) > 0
    active = cells.any(axis=1)
    total, best, out = (int((active & mask).sum()) for mask in (active, outcome.top, refused))
    assert knob.values is not None
    return [
        _Count(
            value=value,
            trials=count,
            best=int((here & outcome.top).sum()),
            refused=int((here & refused).sum()),
            all_trials=total,
            all_best=best,
            all_refused=out,
        )
        for value, here in zip(knob.values, cells.T, strict=True)
        if (count := int(here.sum())) >= AT_EDGE and total - count >= AT_EDGE
    ]


def _at(knob: Knob, value: Any, side: Side, *, outer: float = OUTER) -> bool:
    if knob.kind == "range":
        place = knob.place(value)
        return place <= outer if side == "low" else place >= 1 - outer
    return knob.cell(value) == (0 if side == "low" else knob.cells - 1)


def _tail(seen: int, drawn: int, marked: int, total: int) -> float:
    """The probability of `seen` marked ones or more among `drawn` of `total`, hypergeometric."""
    ways = sum(
        math.comb(marked, k) * math.comb(total - marked, drawn - k)
        for k in range(seen, min(drawn, marked) + 1)
    )
    return ways / math.comb(total, drawn)
