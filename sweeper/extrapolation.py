"""What a stopped trial would have reached, from the rung it was stopped at and those that went on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sweeper.asha import rung_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """What is known of a trial; values are such that large is good."""

    rungs: Mapping[str, float]
    """Group at a rung (``asha.group``) -> value there, in the order in which they were reached."""
    final: float | None = None
    """Value at the end; None: it was stopped."""


def finals(curves: Sequence[Curve]) -> list[float]:
    """The final value of every trial, as it is or as it would have been.

    A stopped trial gains from its last rung what finished trials have gained from there on: a line through
    (value at the rung, gain), its slope held within [-1, 1/2] and shrunk towards none as if by one more trial, of
    the usual distance from the others there. Its peers are those of its group; where none of them has finished,
    everyone at that rung; where no one has, the value itself stands. A trial without any rung has no value to go
    by, and is left at the lowest.
    """
    reached = [curve.final if curve.final is not None else _grown(curve, curves) for curve in curves]
    known = [value for value in reached if value is not None]
    lowest = min(known, default=0.0)
    return [lowest if value is None else value for value in reached]


def _grown(curve: Curve, curves: Sequence[Curve]) -> float | None:
    """The value at the last rung and what is gained on the way from there."""
    if not curve.rungs:
        return None
    rung, value = list(curve.rungs.items())[-1]
    pairs = _pairs(curves, rung) or _pairs(curves, rung_of(rung))
    if not pairs:
        return value
    at, end = np.array(pairs).T
    gain, off = end - at, at - at.mean()
    usual = np.var([other.rungs[rung] for other in curves if rung in other.rungs])
    weight = (off * off).sum() + usual
    slope = float(np.clip((off * (gain - gain.mean())).sum() / weight, -1.0, 0.5)) if weight > 0 else 0.0
    return value + float(gain.mean()) + slope * (value - float(at.mean()))


def _pairs(curves: Sequence[Curve], rung: str) -> list[tuple[float, float]]:
    """(value there, value at the end) of those that have finished from a group, or from a rung of any group."""
    return [
        (at, curve.final)
        for curve in curves
        if curve.final is not None
        for group, at in curve.rungs.items()
        if rung in (group, rung_of(group))
    ]
