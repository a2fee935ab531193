"""Searched settings, and the points that they span: at random, or all of them."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Params = dict[str, Any]
"""One point: dotted setting -> value, without the settings whose condition does not hold."""


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
        return all(is_among(params.get(key, fixed.get(key)), values) for key, values in self.when)

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


def is_among(value: Any, values: Sequence[Any]) -> bool:
    """Whether ``value`` is one of ``values``: 1 and 1.0 are one number, true is none."""
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
