"""The space as a unit cube with a side for every knob, for samplers that reckon with distances."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeper.knobs import Knob, Params, is_among

Array = NDArray[np.float64]

IDLE = 0.5
"""Where a knob stands whose condition does not hold."""


class Cube:
    """Points as rows of numbers in [0, 1], one for each knob: the middle of a value's share of its side."""

    def __init__(self, knobs: Sequence[Knob], fixed: Mapping[str, Any]) -> None:
        """The knobs in order, each after those that its condition names; ``fixed`` are the file's own settings."""
        self.knobs = tuple(knobs)
        self.fixed = fixed
        self.sides = len(self.knobs)
        self._place = {knob.key: position for position, knob in enumerate(self.knobs)}

    def snap(self, units: Array) -> Array:
        """The points, (n, sides), that rows of [0, 1] stand for; equal rows are equal points."""
        snapped, active = np.empty_like(units), np.ones(units.shape, dtype=bool)
        for side, knob in enumerate(self.knobs):
            count = _count(knob)
            column = units[:, side]
            if count is not None:
                column = (np.minimum(np.floor(column * count), count - 1) + 0.5) / count
            for key, values in knob.when:
                active[:, side] &= self._holds(key, values, snapped, active)
            snapped[:, side] = np.where(active[:, side], column, IDLE)
        return snapped

    def _holds(
        self, key: str, values: Sequence[Any], snapped: Array, active: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Whether a setting is among values, for each row."""
        otherwise = is_among(self.fixed.get(key), values)
        if key not in self._place:
            return np.full(len(snapped), otherwise)
        side = self._place[key]
        knob = self.knobs[side]
        held = np.array([is_among(_value(knob, unit), values) for unit in snapped[:, side]], dtype=bool)
        return np.where(active[:, side], held, otherwise)

    def params(self, row: Array) -> Params:
        """The settings of a snapped row."""
        params: Params = {}
        for knob, unit in zip(self.knobs, row, strict=True):
            if knob.active(params, self.fixed):
                params[knob.key] = _value(knob, float(unit))
        return params

    def row(self, params: Mapping[str, Any]) -> Array:
        """The snapped row of settings."""
        return np.array(
            [_unit(knob, params[knob.key]) if knob.key in params else IDLE for knob in self.knobs]
        )

    def features(self, rows: Array) -> Array:
        """(n, d) numbers that are near for like points: a knob's place in its order, or a switch for each value."""
        columns: list[Array] = []
        for side, knob in enumerate(self.knobs):
            column = rows[:, side]
            if knob.ordered:
                columns.append(column)
                continue
            assert knob.values is not None
            taken = np.floor(column * len(knob.values)).astype(np.int64)
            columns += [(taken == value).astype(np.float64) for value in range(len(knob.values))]
        return np.stack(columns, axis=1)


def _count(knob: Knob) -> int | None:
    """How many values it has; None: a continuum."""
    if knob.values is not None:
        return len(knob.values)
    return int(knob.high) - int(knob.low) + 1 if knob.integer else None


def _value(knob: Knob, unit: float) -> Any:
    count = _count(knob)
    if count is not None:
        position = min(int(unit * count), count - 1)
        return knob.values[position] if knob.values is not None else int(knob.low) + position
    if knob.log:
        value = float(np.exp(np.log(knob.low) + unit * (np.log(knob.high) - np.log(knob.low))))
        return min(max(value, knob.low), knob.high)  # exp and log do not meet the ends exactly
    return knob.low + unit * (knob.high - knob.low)


def _unit(knob: Knob, value: Any) -> float:
    count = _count(knob)
    if count is not None:
        position = knob.values.index(value) if knob.values is not None else int(value) - int(knob.low)
        return (position + 0.5) / count
    if knob.log:
        return float((np.log(value) - np.log(knob.low)) / (np.log(knob.high) - np.log(knob.low)))
    return float((value - knob.low) / (knob.high - knob.low))
