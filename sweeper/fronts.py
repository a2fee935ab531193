"""Networks in order by several values at once: Pareto fronts, and within one the most different first.

The order is that of multi-objective ASHA (Schmucker et al. 2021, arXiv 2106.12639): non-dominated sorting, then in
each front an ε-net, greedily the vector that is farthest from all before it. Where it differs: the first of a front
is the one with the largest first value, not a random one, so that the order hangs on nothing but the values;
distances are taken after each value is scaled to the range that it has in the front, since MACs are in the millions
and accuracies below 1; equal vectors stand together.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from math import dist

from analysis.pareto import dominates

Vector = tuple[float, ...]
"""Values of one network, finite, each the larger the better; all vectors of a comparison have the same length."""


def fronts(vectors: Iterable[Vector]) -> list[list[Vector]]:
    """The distinct vectors by non-dominated sorting, the best front first, each from the largest first value on.

    In descending order no vector comes after one that it dominates, so each is put, once and for all, into the
    first front that has none that dominates it; the fronts that have one are those before it.
    """
    found: list[list[Vector]] = []
    for one in sorted(set(vectors), reverse=True):
        place = bisect_left(found, True, key=lambda front: not _dominated(one, front))
        if place == len(found):
            found.append([])
        found[place].append(one)
    return found


def _dominated(one: Vector, front: Sequence[Vector]) -> bool:
    return any(dominates(other, one) for other in reversed(front))


def spread(front: Sequence[Vector]) -> list[Vector]:
    """A front in the order of its ε-net: its first, then always the farthest from all before, of equals the first.

    Args:
        front: distinct vectors, at least one, as `fronts` lists them.
    """
    sides = [(min(values), max(values)) for values in zip(*front, strict=True)]
    scaled = {
        one: tuple((value - low) / ((high - low) or 1) for value, (low, high) in zip(one, sides, strict=True))
        for one in front
    }
    order, left = [front[0]], list(front[1:])
    far = {one: dist(scaled[one], scaled[front[0]]) for one in left}
    while left:
        order.append(max(left, key=lambda one: far[one]))
        left.remove(order[-1])
        for one in left:
            far[one] = min(far[one], dist(scaled[one], scaled[order[-1]]))
    return order


def ahead(vectors: Collection[Vector], own: Vector) -> int:
    """How many of ``vectors``, with ``own`` among them, stand before it: in better fronts, or earlier in its own."""
    before: set[Vector] = set()
    for front in fronts(vectors):
        if own in front:
            order = spread(front)
            before.update(order[: order.index(own)])
            break
        before.update(front)
    return sum(one in before for one in vectors)
