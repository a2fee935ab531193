"""How much a class differs between two seeds of the unpruned network: the null that damage is measured against.

One seed's accuracy of class c is x_c = p_c + g + e_c: what the recipe reaches, a shift of the whole network and one
of the class, both new with every seed. Divided by the binomial standard error √(p(1 − p)/n), g and e have variances
that seeds show and that the classes share, so a few seeds suffice: with K classes e rests on (m − 1)(K − 1) degrees
of freedom, g on m − 1 (a two-way analysis of variance; the degrees of freedom of their sum are Satterthwaite's,
1946). The difference of two seeds has twice that variance. An empirical null of the pairs themselves is too coarse:
3 seeds × 100 classes make p ≥ 1/301, and of 100 tests none below 0.0005 could ever pass Benjamini and Hochberg.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.significance import mean, student_p

LEAST = 1e-12
"""A variance below it is none: seeds that agree on every image give no null."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Null:
    """Of one test set: `scale` is the variance of one seed's class in binomial variances, on `freedom` degrees.

    `errors` are the binomial standard errors of the classes, fractions; `seeds` is the number of networks.
    """

    scale: float
    freedom: float
    errors: tuple[float, ...]
    seeds: int

    def error(self, place: int, pairs: int) -> float:
        """The standard error of the mean difference of `pairs` pairs of networks on the class at `place`."""
        return self.errors[place] * math.sqrt(2 * self.scale / pairs)

    def p(self, difference: float, place: int, pairs: int) -> float:
        """Two-sided: how often two seeds of the unpruned network differ as much."""
        return student_p(difference / self.error(place, pairs), self.freedom)

    def reach(self, place: int, pairs: int) -> float:
        """Half of the range that holds 95 % of such differences."""
        from scipy.special import stdtrit

        return self.error(place, pairs) * float(stdtrit(self.freedom, 0.975))


def null(right: Sequence[Sequence[int]], images: Sequence[int]) -> Null | None:
    """From the right answers of at least two seeds: a row a seed, a column a class.

    Args:
        right: counts of the same unpruned recipe under different seeds, shape [seeds, classes].
        images: of each class; one without images must have been left out.

    Returns:
        The null, or None of fewer than two seeds or classes, or where the seeds differ nowhere.
    """
    seeds, count = len(right), len(images)
    if seeds < 2 or count < 2:
        return None
    errors = [smoothed_error(mean([row[place] for row in right]), of) for place, of in enumerate(images)]
    middles = [mean([row[place] / of for row in right]) for place, of in enumerate(images)]
    off = [
        [(row[place] / of - middles[place]) / errors[place] for place, of in enumerate(images)]
        for row in right
    ]
    shifts = [mean(row) for row in off]
    between = count * math.fsum(shift**2 for shift in shifts) / (seeds - 1)
    within = math.fsum(
        (value - shift) ** 2 for row, shift in zip(off, shifts, strict=True) for value in row
    ) / ((seeds - 1) * (count - 1))
    parts = (between / count, within * (count - 1) / count)
    scale = sum(parts)
    if scale < LEAST:
        return None
    freedom = scale**2 / (parts[0] ** 2 / (seeds - 1) + parts[1] ** 2 / ((seeds - 1) * (count - 1)))
    return Null(scale=scale, freedom=freedom, errors=tuple(errors), seeds=seeds)


def smoothed_error(right: float, images: int) -> float:
    """The binomial standard error of a share, of (right + 1) of (images + 2), so that it is never 0."""
    share = (right + 1) / (images + 2)
    return math.sqrt(share * (1 - share) / images)
