"""How sure a difference of two accuracies is, and what many tests at once may claim.

Two bases, named wherever a result is shown: the spread over seeds (paired t), or, where fewer than three seeds
are there, the number of images (Wilson's intervals). Neither rank tests nor percentile bootstraps are used: with
three seeds the first cannot reach p < 0.25, and a 95 % interval of the second covers 75 %.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.select import wilson

SEEDS = 3
"""The fewest pairs of which a spread is taken."""
LEAST_SPREAD = 1e-9
"""A spread below it is none: equal differences say that images are few, not that seeds agree for ever."""

Basis = Literal["seeds", "draws", "images"]
Verdict = Literal["below", "above", "open"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One accuracy minus another, fractions, and its 95 % interval; None where nothing gives one.

    `count` is the number of seeds, draws or images that it rests on.
    """

    value: float
    low: float | None = None
    high: float | None = None
    basis: Basis | None = None
    count: int = 0

    @property
    def verdict(self) -> Verdict:
        """Is it surely below 0, surely not below (its interval begins at 0 or above), or open?"""
        if self.low is None or self.high is None:
            return "open"
        return "below" if self.high < 0 else "above" if self.low >= 0 else "open"

    @property
    def visible(self) -> float | None:
        """The smallest difference that could have been seen: half of the interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def by(self) -> str:
        """What it rests on, in words; a dash for nothing."""
        match self.basis:
            case None:
                return "–"
            case "images":
                return f"Wilson, {self.count:,} images"
            case unit:
                return f"paired t, {self.count} {unit}"


def compare(
    one: Mapping[Hashable, float],
    other: Mapping[Hashable, float],
    *,
    images: int | None,
    draws: Sequence[float] = (),
) -> Difference:
    """The mean of `one` minus that of `other`.

    Of the seeds that both have, from `SEEDS` on, the paired t interval; else, of one network against several
    `draws` of `one`, the t interval of the draws (the single network stands fixed); else Newcombe's interval.

    Args:
        one: seed → accuracy, a fraction.
        other: the same of what it is compared with.
        images: that each accuracy rests on, where known.
        draws: accuracies of the draws of `one`, where there is one seed and `other` has no draws.
    """
    both = [one[seed] - other[seed] for seed in one if seed in other]
    if interval := t_interval(both):
        return Difference(value=mean(both), low=interval[0], high=interval[1], basis="seeds", count=len(both))
    value = mean(list(one.values())) - mean(list(other.values()))
    if len(other) == 1 and (interval := t_interval(draws)):
        fixed = mean(list(other.values()))
        low, high = interval[0] - fixed, interval[1] - fixed
        return Difference(value=value, low=low, high=high, basis="draws", count=len(draws))
    if images is None:
        return Difference(value=value)
    low, high = newcombe(mean(list(one.values())), mean(list(other.values())), images)
    return Difference(value=value, low=low, high=high, basis="images", count=images)


def t_interval(values: Sequence[float], *, least: int = SEEDS) -> tuple[float, float] | None:
    """The 95 % interval of the mean of `least` values or more (2 at least); None of fewer or without a spread."""
    from scipy.special import stdtrit

    if len(values) < least or (spread := sd(values)) is None or spread < LEAST_SPREAD:
        return None
    half = float(stdtrit(len(values) - 1, 0.975)) * spread / math.sqrt(len(values))
    return mean(values) - half, mean(values) + half


def newcombe(one: float, other: float, images: int) -> tuple[float, float]:
    """The 95 % interval of a difference of two shares from their Wilson intervals (Newcombe 1998, method 10).

    It takes the two for independent; two networks on the same images err alike, so it is rather too wide.
    """
    first, second = wilson(one, images), wilson(other, images)
    value = one - other
    low = value - math.hypot(one - first.low, second.high - other)
    high = value + math.hypot(first.high - one, other - second.low)
    return max(-1.0, low), min(1.0, high)


def t_p(values: Sequence[float], *, least: int = SEEDS) -> float | None:
    """The two-sided p of the mean of `values` being 0, where `t_interval` gives an interval."""
    spread = sd(values)
    if len(values) < least or spread is None or spread < LEAST_SPREAD:
        return None
    return student_p(mean(values) * math.sqrt(len(values)) / spread, len(values) - 1)


def student_p(t: float, freedom: float) -> float:
    """The two-sided p of Student's t with `freedom` (above 0) degrees of freedom."""
    from scipy.special import stdtr

    return min(1.0, 2 * float(stdtr(freedom, -abs(t))))


def fisher_p(one: int, other: int, images: int) -> float:
    """Fisher's exact two-sided p for `one` and `other` right answers of `images` each."""
    right = one + other

    def weight(first: int) -> float:
        return _choose(images, first) + _choose(images, right - first)

    seen = weight(one)
    tables = range(max(0, right - images), min(images, right) + 1)
    logs = [weight(first) for first in tables]
    top = max(logs)
    total = sum(math.exp(value - top) for value in logs)
    return min(1.0, sum(math.exp(value - top) for value in logs if value <= seen + 1e-9) / total)


def benjamini_hochberg(tests: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given: reporting those ≤ q keeps the false discovery rate at q.

    Benjamini and Hochberg (1995); it holds for tests that are independent or positively dependent.
    """
    order = sorted(range(len(tests)), key=lambda index: tests[index], reverse=True)
    adjusted, least = [0.0] * len(tests), 1.0
    for smaller, index in enumerate(order):
        least = min(least, tests[index] * len(tests) / (len(tests) - smaller))
        adjusted[index] = least
    return adjusted


def holm(tests: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given: claiming those ≤ α keeps the chance of any false claim at α.

    Holm (1979); it holds however the tests depend on each other.
    """
    order = sorted(range(len(tests)), key=lambda index: tests[index])
    adjusted, most = [0.0] * len(tests), 0.0
    for place, index in enumerate(order):
        most = max(most, min(1.0, tests[index] * (len(tests) - place)))
        adjusted[index] = most
    return adjusted


def mean(values: Sequence[float]) -> float:
    """The mean of at least one value."""
    return math.fsum(values) / len(values)


def sd(values: Sequence[float]) -> float | None:
    """The standard deviation of a sample, n − 1 below; None of fewer than two."""
    if len(values) < 2:
        return None
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def _choose(of: int, some: int) -> float:
    """The logarithm of a binomial coefficient."""
    return math.lgamma(of + 1) - math.lgamma(some + 1) - math.lgamma(of - some + 1)
