"""The searched settings of a run as its space file names them, and where on their scale a value lies.

The grammar is that of docs/space.md; a test compares the values with those that the sweeper makes of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from analysis.errors import ResultsError
from analysis.records import SPACE

Kind = Literal["range", "steps", "categories", "repeats"]
REPEATS = ("seed", "draw")
"""Settings, by the last part of their key, that only number repetitions: there is no better seed to look for."""
STEPS = 50
"""So finely is a range without points cut for its densities, as in Optuna."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Knob:
    """One searched setting; `entry` as it stands in the file, `values` None for a range without points or step.

    `kind`: a range; steps, that is numbers in ascending order; categories; repeats, categories without a better one.
    """

    key: str
    entry: Any
    kind: Kind
    values: tuple[Any, ...] | None = None
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    integer: bool = False
    when: Mapping[str, tuple[Any, ...]]

    @property
    def ordered(self) -> bool:
        """Are neighbours alike, and is there an edge?"""
        return self.kind in ("range", "steps")

    @property
    def cells(self) -> int:
        """How many cells its scale has: one a value, or `STEPS` of a range, of few whole numbers one each."""
        if self.values is not None:
            return len(self.values)
        return min(STEPS, int(self.high - self.low) + 1) if self.integer else STEPS

    def place(self, value: Any) -> float:
        """Where in a range a number lies, 0 at its low end, 1 at its high one; on a log scale where it has one."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        return ((math.log(value) if self.log else value) - low) / (high - low)

    def at(self, place: float) -> float:
        """The number at a place, the inverse of `place`."""
        if self.log:
            return math.exp(math.log(self.low) + place * math.log(self.high / self.low))
        return self.low + place * (self.high - self.low)

    def cell(self, value: Any) -> int | None:
        """The cell of a value; None where it is none of the knob's, or a text for a range."""
        if self.values is not None:
            return next((index for index, one in enumerate(self.values) if same(one, value)), None)
        if not is_number(value) or not self.low <= value <= self.high:
            return None
        return max(0, math.ceil(self.place(value) * (self.cells - 1) - 0.5))


def knobs(space: Mapping[str, Any]) -> tuple[Knob, ...]:
    """The knobs of the search section, in its order; none without one.

    Raises:
        ResultsError: an entry is none that the sweeper writes.
    """
    found = []
    for key, entry in (space.get("search") or {}).items():
        try:
            knob = _knob(key, entry)
        except (AttributeError, KeyError, TypeError, ValueError):
            knob = None
        if knob is None:
            raise ResultsError(f"search.{key}: values or a range, got {entry!r}. Restore {SPACE}.")
        found.append(knob)
    return tuple(found)


def same(one: Any, other: Any) -> bool:
    """Are two values of a file one? 1 is 1.0, true is not 1; floats may differ in their last digits."""
    if is_number(one) and is_number(other):
        return math.isclose(one, other, rel_tol=1e-9)
    return type(one) is type(other) and bool(one == other)


def is_number(value: object) -> bool:
    """Is it a number, rather than true or false?"""
    return isinstance(value, int | float) and not isinstance(value, bool)


def spaced(low: float, high: float, points: int, *, log: bool) -> tuple[float, ...]:
    """The values that `points` makes of a range: evenly spaced, six digits but for the ends."""
    shares = [index / (points - 1) for index in range(points)]
    if log:
        inner = [math.exp(math.log(low) * (1 - t) + math.log(high) * t) for t in shares]
    else:
        inner = [low + (high - low) * t for t in shares]
    return (float(low), *(float(f"{value:.6g}") for value in inner[1:-1]), float(high))


def _knob(key: str, entry: Any) -> Knob | None:
    given = {"choice": entry} if isinstance(entry, list) else entry
    if not isinstance(given, dict):
        return None
    when = {
        name: tuple(value) if isinstance(value, list) else (value,)
        for name, value in (given.get("when") or {}).items()
    }
    if "choice" in given:
        listed = tuple(given["choice"])
        return Knob(key=key, entry=entry, kind=_kind(key, listed), values=listed, when=when)
    for name in ("uniform", "log_uniform", "int_uniform"):
        if name not in given:
            continue
        low, high = given[name]
        log, integer = name == "log_uniform", name == "int_uniform"
        values: tuple[Any, ...] | None = None
        if "points" in given:
            values = spaced(low, high, given["points"], log=log)
        elif "step" in given:
            values = tuple(range(low, high + 1, given["step"]))
        kind = _kind(key, values) if values is not None or _repeats(key) else "range"
        return Knob(
            key=key,
            entry=entry,
            kind=kind,
            values=values,
            low=low,
            high=high,
            log=log,
            integer=integer,
            when=when,
        )
    return None


def _kind(key: str, values: Sequence[Any] | None) -> Kind:
    if _repeats(key):
        return "repeats"
    assert values is not None
    rising = all(map(is_number, values)) and list(values) == sorted(values)
    return "steps" if rising and len(values) > 1 else "categories"


def _repeats(key: str) -> bool:
    return key.rpartition(".")[2] in REPEATS
