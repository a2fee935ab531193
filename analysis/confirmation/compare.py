"""Two recipes on the same seeds: by how much they differ, how sure that is, and what may be said of it.

Differences are paired by seed, with t intervals of 95 % and Holm's p over all comparisons that are made at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from analysis.confirmation.candidates import Candidate
from analysis.significance import Difference, holm, mean, t_interval, t_p

PAIRS = 2
"""The fewest common seeds of which there are statistics."""
CLAIM = 0.05
"""A difference is claimed where Holm's p is at most this."""

Verdict = Literal["better", "worse", "open", "equal", "none"]
Seed = TypeVar("Seed", int, tuple[int, int])
"""A seed, or the two of a sweep."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tested:
    """One thing minus another, paired by seed, of several such differences; `p` is Holm's, None without a test.

    `change` is None without a common seed; with one it has no interval.
    """

    change: Difference | None
    p: float | None

    @property
    def verdict(self) -> Verdict:
        """`better` or `worse` where it is claimed, `open` where it is not.

        `equal`: no difference on any seed, which is one network twice; `none`: no statistics.
        """
        if self.change is None or self.change.count < PAIRS:
            return "none"
        if self.p is None:
            return "equal" if self.change.value == 0 else "none"
        if self.p > CLAIM:
            return "open"
        return "better" if self.change.value > 0 else "worse"

    @property
    def reach(self) -> float | None:
        """No difference is larger than this, either way, as far as the interval says; None without one."""
        if self.change is None or self.change.low is None or self.change.high is None:
            return None
        return max(abs(self.change.low), abs(self.change.high))


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison(Tested):
    """`candidate` minus what it is compared with."""

    candidate: Candidate


def paired(one: Mapping[Seed, float], other: Mapping[Seed, float]) -> tuple[float, ...]:
    """The differences of the seeds that both have, by seed."""
    return tuple(one[seed] - other[seed] for seed in sorted(one) if seed in other)


def difference(changes: Sequence[float]) -> Difference | None:
    """The mean of `changes` and its t interval from `PAIRS` on; None of none."""
    if not changes:
        return None
    value, count = mean(changes), len(changes)
    if (interval := t_interval(changes, least=PAIRS)) is None:
        return Difference(value=value, count=count)
    return Difference(value=value, low=interval[0], high=interval[1], basis="seeds", count=count)


def judge_all(changes: Sequence[Sequence[float]]) -> tuple[Tested, ...]:
    """The differences by seed of several comparisons: all together are the family that Holm's p allows for."""
    raw = {place: p for place, one in enumerate(changes) if (p := t_p(one, least=PAIRS)) is not None}
    adjusted = dict(zip(raw, holm(list(raw.values())), strict=True))
    return tuple(
        Tested(change=difference(change), p=adjusted.get(place)) for place, change in enumerate(changes)
    )


def compare_all(metric: str, others: Sequence[Candidate], with_: Candidate) -> tuple[Comparison, ...]:
    """Each of `others` minus `with_`, by `metric`."""
    base = with_.by_seed(metric)
    tested = judge_all([paired(one.by_seed(metric), base) for one in others])
    return tuple(
        Comparison(candidate=one, change=result.change, p=result.p)
        for one, result in zip(others, tested, strict=True)
    )
