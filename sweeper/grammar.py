"""The grammar of one searched setting: which values it may take, and where it matters.

prune.percent: [0.3, 0.5, 0.7]                              a choice
sparsity.s: {log_uniform: [1e-3, 3e-2], points: 4}          four values, evenly spaced on a log scale
finetune.lr: {uniform: [0.01, 0.1]}                         any value between
finetune.epochs: {int_uniform: [4, 12], step: 4}            4, 8, 12
finetune.kd_weight: {choice: [1, 2], when: {finetune.kd: dist}}   only where finetune.kd is dist
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sweeper.faults import MISSING, Fault
from sweeper.flow import flow
from sweeper.knobs import Knob, is_among
from sweeper.settable import number_kind, value_fault
from sweeper.strict_yaml import Document
from sweeper.wording import mend_for

KINDS: Final = ("choice", "uniform", "log_uniform", "int_uniform")
"""One of these says which values there are."""
MAX_VALUES: Final = 1000
"""So many values may a setting have, listed or made by `points` or `step`."""

_KEYS = (*KINDS, "points", "step", "when")


def read_knob(document: Document, key: str) -> tuple[Knob | None, list[Fault]]:
    """The knob that the search section gives for the setting ``key``, and all that is wrong with it.

    The knob is None where its values can't be told; that what it depends on exists is not looked at.
    """
    reader = _Reader(document, key)
    return reader.read(document.at("search", key)), reader.faults


class _Reader:
    """Reads one entry and collects its faults."""

    def __init__(self, document: Document, key: str) -> None:
        self._document = document
        self._key = key
        self._number = number_kind(key)
        self.faults: list[Fault] = []

    def _add(self, *inside: str | int, rule: str, got: object = MISSING, mend: str | None = None) -> None:
        """One more fault, at a place inside of the entry."""
        self.faults.append(self._document.fault(("search", self._key, *inside), rule, got, mend))

    def read(self, given: Any) -> Knob | None:
        """The knob, or None."""
        if isinstance(given, list):
            values = self._choice(given)
            return None if values is None else Knob(key=self._key, values=values)
        if not isinstance(given, dict):
            fits = value_fault(self._key, given) is None
            example = f"Write {self._key}: [{flow(given)}]" if fits else "List its values in [ ]"
            mend = f"{example}, or take it out of search."
            self._add(rule="must be a list of values or a range", got=given, mend=mend)
            return None
        for name, value in given.items():
            if name not in _KEYS:
                self._add(name, rule="is no setting here", got=value, mend=mend_for(name, _KEYS))
        when = self._when(given["when"]) if "when" in given else ()
        kinds = [kind for kind in KINDS if kind in given]
        if len(kinds) == 1:
            knob = self._range(kinds[0], given) if kinds != ["choice"] else self._dressed_choice(given)
            return None if knob is None or when is None else replace(knob, when=when)
        if not self.faults:
            self._add(rule=f"needs exactly one of {', '.join(KINDS)}", got=given)
        return None

    def _dressed_choice(self, given: dict[str, Any]) -> Knob | None:
        for name in ("points", "step"):
            if name in given:
                self._add(name, rule="has no effect on a choice", got=given[name], mend="Remove it.")
        values = self._choice(given["choice"], "choice")
        return None if values is None else Knob(key=self._key, values=values)

    def _choice(self, values: Any, *inside: str) -> tuple[Any, ...] | None:
        if not isinstance(values, list) or not 1 <= len(values) <= MAX_VALUES:
            self._add(*inside, rule=f"must be a list of 1 to {MAX_VALUES} values", got=values)
            return None
        found = len(self.faults)
        for position, value in enumerate(values):
            if isinstance(value, list | dict):
                self._add(*inside, position, rule="must be one value", got=value)
            elif is_among(value, values[:position]):
                self._add(*inside, position, rule="is given twice", got=value, mend="Remove one.")
            else:
                self._value(value, *inside, position)
        return tuple(values) if len(self.faults) == found else None

    def _value(self, value: object, *inside: str | int) -> None:
        if fault := value_fault(self._key, value):
            self._add(*inside, rule=fault.rule, got=fault.got, mend=fault.mend)

    def _range(self, kind: str, given: dict[str, Any]) -> Knob | None:
        found = len(self.faults)
        ends = self._ends(kind, given)
        count = self._count("points" if kind != "int_uniform" else "step", given)
        if ends is None or len(self.faults) > found:
            return None
        low, high = ends
        values: tuple[Any, ...] | None = None
        if count is not None and kind == "int_uniform":
            if (high - low) // count >= MAX_VALUES:
                rule = f"gives more than {MAX_VALUES} values"
                mend = f"Write {-(-(high - low) // (MAX_VALUES - 1))} or more."
                self._add("step", rule=rule, got=count, mend=mend)
                return None
            values = tuple(range(low, high + 1, count))
        elif count is not None:
            values = spaced(low, high, count, log=kind == "log_uniform")
            if list(values) != sorted(set(values)):
                self._add("points", rule="are too many for so narrow a range", got=count)
                return None
        return Knob(
            key=self._key,
            values=values,
            low=low,
            high=high,
            log=kind == "log_uniform",
            integer=kind == "int_uniform",
        )

    def _ends(self, kind: str, given: dict[str, Any]) -> tuple[Any, Any] | None:
        ends, rule, mend = given[kind], None, None
        if self._number is None:
            rule, mend = "takes no range", "List its values in [ ]."
        elif not isinstance(ends, list) or len(ends) != 2 or not all(map(_is_number, ends)):
            rule, mend = "must be [low, high], two numbers", f"Write {kind}: [LOW, HIGH]."
        elif ends[0] == ends[1]:
            rule, mend = "must be [low, high] with low below high", f"Write {self._key}: {flow(ends[:1])}."
        elif ends[0] > ends[1]:
            rule, mend = "must be [low, high] with low below high", f"Write {kind}: {flow(ends[::-1])}."
        elif self._number is float and kind == "int_uniform":
            rule = f"is for whole numbers, and {self._key} is a real one"
            mend = self._written(given, "uniform", ends)
        elif self._number is int and kind != "int_uniform":
            rule = f"is for real numbers, and {self._key} is a whole one"
            mend = self._written(given, "int_uniform", whole(ends))
        elif kind == "int_uniform" and not all(isinstance(end, int) for end in ends):
            rule, mend = "must be two whole numbers", self._written(given, kind, whole(ends))
        elif kind == "log_uniform" and ends[0] <= 0:
            rule, mend = "must be above 0 on a log scale", "Write uniform, or a low end such as 1e-4."
        if rule is not None:
            self._add(kind, rule=rule, got=ends, mend=mend)
            return None
        for position, end in enumerate(ends):
            self._value(end, kind, position)
        return ends[0], ends[1]

    def _written(self, given: dict[str, Any], kind: str, ends: list[Any]) -> str:
        """The mend that gives the entry another range and leaves its condition."""
        entry = {kind: ends, **({"when": given["when"]} if "when" in given else {})}
        return f"Write {self._key}: {flow(entry)}."

    def _count(self, name: str, given: dict[str, Any]) -> int | None:
        """The whole number under ``points`` or ``step``, None if it is not given or wrong."""
        other = "step" if name == "points" else "points"
        if other in given:
            home = "int_uniform" if other == "step" else "uniform and log_uniform"
            self._add(other, rule=f"belongs to {home}", got=given[other], mend=f"Write {name}.")
        if name not in given:
            return None
        value, least = given[name], 2 if name == "points" else 1
        most = MAX_VALUES if name == "points" else math.inf
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        bounds = f"from {least} to {MAX_VALUES}" if name == "points" else f"of at least {least}"
        self._add(name, rule=f"must be a whole number {bounds}", got=value)
        return None

    def _when(self, when: Any) -> tuple[tuple[str, tuple[Any, ...]], ...] | None:
        if not isinstance(when, dict) or not when:
            rule, mend = "must be a mapping of setting: value", "Write when: {finetune.kd: dist}."
            self._add("when", rule=rule, got=when, mend=mend)
            return None
        found = len(self.faults)
        conditions = {key: value if isinstance(value, list) else [value] for key, value in when.items()}
        for key, values in conditions.items():
            if not values or any(isinstance(value, list | dict) for value in values):
                self._add("when", key, rule="must be a value or a list of values", got=when[key])
        return None if len(self.faults) > found else tuple((k, tuple(v)) for k, v in conditions.items())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def whole(ends: Sequence[float]) -> list[int]:
    """The whole numbers within a range, as a range; of one alone, and the next."""
    low, high = math.ceil(ends[0]), math.floor(ends[1])
    return [low, max(low + 1, high)]


def spaced(low: float, high: float, points: int, *, log: bool) -> tuple[float, ...]:
    """``points`` values from low to high, evenly spaced, rounded to six digits but for the ends."""
    shares = [i / (points - 1) for i in range(points)]
    if log:
        inner = [math.exp(math.log(low) * (1 - t) + math.log(high) * t) for t in shares]
    else:
        inner = [low + (high - low) * t for t in shares]
    return (float(low), *(float(f"{value:.6g}") for value in inner[1:-1]), float(high))
