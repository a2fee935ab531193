"""The search section's grammar: dotted setting -> the values that it may take.

prune.percent: [0.3, 0.5, 0.7]                              a choice
sparsity.s: {log_uniform: [1e-3, 3e-2], points: 4}          four values, evenly spaced on a log scale
finetune.lr: {uniform: [0.01, 0.1]}                         any value between
finetune.epochs: {int_uniform: [4, 12], step: 4}            4, 8, 12
finetune.kd_weight: {choice: [1, 2], when: {finetune.kd: dist}}   only where finetune.kd is dist
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sweeper.faults import Fault
from sweeper.wording import mend_for

Params = dict[str, Any]
"""One point: dotted setting -> value, without the settings whose condition does not hold."""

KINDS = ("choice", "uniform", "log_uniform", "int_uniform")
_KEYS = (*KINDS, "points", "step", "when")


@dataclass(frozen=True, kw_only=True, slots=True)
class Knob:
    """One searched setting."""

    key: str
    values: tuple[Any, ...] | None
    """All values, in order; None for a range without ``points``."""
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    integer: bool = False
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """(setting, values that it must have) for this one to matter; all must hold."""

    @property
    def ordered(self) -> bool:
        """Whether its values are numbers in order, so that neighbours are alike."""
        if self.values is None:
            return True
        numbers = [v for v in self.values if isinstance(v, int | float) and not isinstance(v, bool)]
        return len(numbers) == len(self.values) and numbers == sorted(numbers)

    def active(self, params: Mapping[str, Any], fixed: Mapping[str, Any]) -> bool:
        """Whether its condition holds for the settings chosen so far; ``fixed`` are the file's own."""
        return all(_equal_any(params.get(key, fixed.get(key)), values) for key, values in self.when)

    def draw(self, rng: random.Random) -> Any:
        """A value, each equally likely."""
        if self.values is not None:
            return self.values[rng.randrange(len(self.values))]
        if self.integer:
            return rng.randint(int(self.low), int(self.high))
        if self.log:
            return math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return rng.uniform(self.low, self.high)

    def probes(self) -> tuple[Any, ...]:
        """Values that stand for all: each of a choice, the ends of a range."""
        if self.values is not None:
            return self.values
        return (int(self.low), int(self.high)) if self.integer else (self.low, self.high)


def _equal_any(value: Any, values: Sequence[Any]) -> bool:
    return any(value == other and isinstance(value, bool) == isinstance(other, bool) for other in values)


def in_order(knobs: Sequence[Knob]) -> tuple[Knob, ...]:
    """The knobs so that each comes after those that its condition names.

    Raises:
        ValueError: conditions that go round in a circle; the text names a key.
    """
    searched = {knob.key for knob in knobs}
    done: list[Knob] = []
    left = list(knobs)
    while left:
        ready = [
            knob
            for knob in left
            if all(key not in searched or any(key == d.key for d in done) for key, _ in knob.when)
        ]
        if not ready:
            raise ValueError(left[0].key)
        done += ready
        left = [knob for knob in left if knob not in ready]
    return tuple(done)


def draw(knobs: Sequence[Knob], fixed: Mapping[str, Any], rng: random.Random) -> Params:
    """A random point."""
    params: Params = {}
    for knob in knobs:
        if knob.active(params, fixed):
            params[knob.key] = knob.draw(rng)
    return params


def grid(knobs: Sequence[Knob], fixed: Mapping[str, Any]) -> Iterator[Params]:
    """Every point once, the last knob turning fastest; every knob must have ``values``."""

    def turn(position: int, params: Params) -> Iterator[Params]:
        if position == len(knobs):
            yield dict(params)
            return
        knob = knobs[position]
        if not knob.active(params, fixed):
            yield from turn(position + 1, params)
            return
        assert knob.values is not None
        for value in knob.values:
            yield from turn(position + 1, params | {knob.key: value})

    yield from turn(0, {})


def read_knob(key: str, given: Any, integer: bool) -> tuple[Knob | None, list[Fault]]:
    """The knob that the file gives for ``key``.

    Args:
        key: dotted setting.
        given: what stands behind it.
        integer: whether the setting is a whole number.

    Returns:
        The knob, or None with what is wrong (keys relative to the search section, lines not yet known).
    """
    at = f"search.{key}"
    if isinstance(given, list):
        given = {"choice": given}
    if not isinstance(given, dict):
        mend = f"Write {key}: [{given}, ...], or fix it outside of search."
        return None, [Fault(rule="must be a list of values or a range", key=at, got=given, mend=mend)]
    faults = [
        Fault(rule="is no setting here", key=f"{at}.{name}", got=value, mend=mend_for(name, _KEYS))
        for name, value in given.items()
        if name not in _KEYS
    ]
    kinds = [kind for kind in KINDS if kind in given]
    if len(kinds) != 1:
        rule = f"needs exactly one of {', '.join(KINDS)}"
        return None, [*faults, Fault(rule=rule, key=at, got=given)]
    when, more = _when(at, given.get("when", {}))
    faults += more
    if kinds[0] == "choice":
        faults += [
            Fault(rule="has no effect on a choice", key=f"{at}.{name}", got=given[name], mend="Remove it.")
            for name in ("points", "step")
            if name in given
        ]
        values, more = _choice(at, given["choice"])
        return (None if more else Knob(key=key, values=values, when=when)), faults + more
    knob, more = _range(key, at, kinds[0], given, when, integer)
    return (None if faults or more else knob), faults + more


def _choice(at: str, values: Any) -> tuple[tuple[Any, ...], list[Fault]]:
    if not isinstance(values, list) or not values:
        return (), [Fault(rule="must be a list with at least one value", key=at, got=values)]
    faults = []
    for position, value in enumerate(values):
        if not isinstance(value, str | int | float | bool) and value is not None:
            faults.append(Fault(rule="must be one value", key=f"{at}[{position}]", got=value))
        elif _equal_any(value, values[:position]):
            faults.append(
                Fault(rule="is given twice", key=f"{at}[{position}]", got=value, mend="Remove one.")
            )
    return tuple(values), faults


def _range(
    key: str,
    at: str,
    kind: Literal["uniform", "log_uniform", "int_uniform"] | str,
    given: Mapping[str, Any],
    when: tuple[tuple[str, tuple[Any, ...]], ...],
    integer: bool,
) -> tuple[Knob | None, list[Fault]]:
    ends, where = given[kind], f"{at}.{kind}"
    numbers = isinstance(ends, list) and all(
        isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end) for end in ends
    )
    if not numbers or len(ends) != 2 or not ends[0] < ends[1]:
        return None, [Fault(rule="must be [low, high] with low below high", key=where, got=ends)]
    low, high = ends
    whole = kind == "int_uniform"
    if whole and not all(isinstance(end, int) for end in ends):
        return None, [Fault(rule="must be two whole numbers", key=where, got=ends)]
    if whole != integer:
        needed = "int_uniform" if integer else "uniform or log_uniform"
        return None, [
            Fault(rule=f"needs {needed} here", key=where, got=ends, mend=f"Write {needed}: {ends}.")
        ]
    log = kind == "log_uniform"
    if log and low <= 0:
        return None, [Fault(rule="needs a low end above 0", key=where, got=ends)]
    faults: list[Fault] = []
    points, step = given.get("points"), given.get("step")
    for name, value, least in (("points", points, 2), ("step", step, 1)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            faults.append(
                Fault(rule=f"must be a whole number of at least {least}", key=f"{at}.{name}", got=value)
            )
    if step is not None and not whole:
        faults.append(Fault(rule="belongs to int_uniform", key=f"{at}.step", got=step, mend="Write points."))
    if points is not None and whole:
        faults.append(
            Fault(
                rule="belongs to uniform and log_uniform", key=f"{at}.points", got=points, mend="Write step."
            )
        )
    if faults:
        return None, faults
    values: tuple[Any, ...] | None = None
    if whole:
        values = tuple(range(low, high + 1, step)) if step else None
    elif points is not None:
        values = spaced(low, high, points, log=log)
    return (
        Knob(key=key, values=values, low=low, high=high, log=log, integer=whole, when=when),
        [],
    )


def spaced(low: float, high: float, points: int, *, log: bool) -> tuple[float, ...]:
    """``points`` values from low to high, evenly spaced, rounded to six digits but for the ends."""
    shares = [i / (points - 1) for i in range(points)]
    inner = [low * (high / low) ** t if log else low + (high - low) * t for t in shares]
    return (float(low), *(float(f"{value:.6g}") for value in inner[1:-1]), float(high))


def _when(at: str, when: Any) -> tuple[tuple[tuple[str, tuple[Any, ...]], ...], list[Fault]]:
    if not isinstance(when, dict):
        return (), [Fault(rule="must be a mapping of setting: value", key=f"{at}.when", got=when)]
    return tuple((key, tuple(v) if isinstance(v, list) else (v,)) for key, v in when.items()), []
