"""The Pareto front of accuracy (up) and cost (down), and its knee."""

from __future__ import annotations

import math
from collections.abc import Sequence

STRAIGHT = 1e-9
"""A point that rises less above the chord, in parts of the front's extent, lies on it."""


def front(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Indices of the points that no other one dominates, from the cheapest to the most accurate.

    A point dominates another when it is at least as accurate and at most as costly, and one of the two
    strictly. Of equal points none dominates, so all are kept.

    Args:
        points: pairs (accuracy, cost), finite.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    for index, point in enumerate(points):
        if not all(map(math.isfinite, point)):
            raise ValueError(f"points[{index}]: accuracy and cost are finite, got {point}.")
    kept: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: (points[i][1], -points[i][0], i)):
        if not kept or points[index][0] > points[kept[-1]][0] or points[index] == points[kept[-1]]:
            kept.append(index)
    return tuple(kept)


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Is `one` nowhere worse and somewhere better? Larger is better in every place."""
    return all(a >= b for a, b in zip(one, other, strict=True)) and any(
        a > b for a, b in zip(one, other, strict=True)
    )


def knee(points: Sequence[tuple[float, float]]) -> int | None:
    """The index of the front's knee: beyond it a little more accuracy costs much, before it saves little.

    It is the point farthest above the straight line between both ends of the front, once accuracy and cost are
    scaled to 0..1 over the front (Das 1999, "On characterizing the knee of the Pareto curve"; costs are not in
    logarithms: they are what is paid). Of equally far ones the cheapest. None where no point lies above that
    line: of fewer than three distinct points, on a straight front, or on one that is bent the other way.

    Args:
        points: pairs (accuracy, cost), finite; those that are not on the front are passed over.
    """
    rows = front(points)
    if not rows:
        return None
    (low, least), (high, most) = points[rows[0]], points[rows[-1]]
    if low == high or least == most:
        return None
    rise = {
        row: (points[row][0] - low) / (high - low) - (points[row][1] - least) / (most - least) for row in rows
    }
    best = max(rows, key=lambda row: rise[row])
    return best if rise[best] > STRAIGHT else None
