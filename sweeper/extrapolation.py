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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """Gain from a rung to the end: ``gain`` at the value ``middle``, ``slope`` more for each unit above it."""

    middle: float = 0.0
    gain: float = 0.0
    slope: float = 0.0


def finals(curves: Sequence[Curve]) -> list[float]:
    """The final value of every trial, as it is or as it would have been.

    A stopped trial gains from its last rung what finished trials have gained from there on: a line through
    (value at the rung, gain), its slope held within [-1, 1/2] and shrunk towards none as if by one more trial, of
    the usual distance from the others there. Its peers are those of its group; where none of them has finished,
    everyone at that rung; where no one has, the value itself stands. A trial without any rung has no value to go
    by, and is left at the lowest.
    """
    stopped_at = {list(curve.rungs)[-1] for curve in curves if curve.final is None and curve.rungs}
    lines = {rung: _line(curves, rung) for rung in stopped_at}
    reached = [_reached(curve, lines) for curve in curves]
    known = [value for value in reached if value is not None]
    lowest = min(known, default=0.0)
    return [lowest if value is None else value for value in reached]


def _reached(curve: Curve, lines: Mapping[str, _Line]) -> float | None:
    """The value at the end, or the one at the last rung and what is gained from there; None without any."""
    if curve.final is not None or not curve.rungs:
        return curve.final
    rung, value = list(curve.rungs.items())[-1]
    line = lines[rung]
    return value + line.gain + line.slope * (value - line.middle)


def _line(curves: Sequence[Curve], rung: str) -> _Line:
    """What is gained from a rung on."""
    pairs = _pairs(curves, rung) or _pairs(curves, rung_of(rung))
    if not pairs:
        return _Line()
    at, end = np.array(pairs).T
    gain, off = end - at, at - at.mean()
    usual = np.var([curve.rungs[rung] for curve in curves if rung in curve.rungs])
    weight = (off * off).sum() + usual
    slope = float(np.clip((off * (gain - gain.mean())).sum() / weight, -1.0, 0.5)) if weight > 0 else 0.0
    return _Line(middle=float(at.mean()), gain=float(gain.mean()), slope=slope)


def _pairs(curves: Sequence[Curve], rung: str) -> list[tuple[float, float]]:
    """(value there, value at the end) of those that have finished from a group, or from a rung of any group."""
    return [
        (at, curve.final)
        for curve in curves
        if curve.final is not None
        for group, at in curve.rungs.items()
        if rung in (group, rung_of(group))
    ]
