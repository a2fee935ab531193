"""The Pareto front of accuracy (up) and cost (down)."""

from __future__ import annotations

import math
from collections.abc import Sequence


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
