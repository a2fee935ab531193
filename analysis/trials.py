"""From the events of a file to its trials: one frozen record each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from analysis.damage import recorded
from analysis.errors import ResultsError
from analysis.events import EVENTS

COUNTS = ("params", "macs", "params_unpruned", "macs_unpruned", "validation_images", "test_images")
"""Metrics that are at least 1."""


class TrialState(StrEnum):
    """How a trial ended; `running` when no end is recorded (running now, or interrupted)."""

    complete = "complete"
    stopped = "stopped"
    failed = "failed"
    infeasible = "infeasible"
    running = "running"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rung:
    """One comparison of a trial with its peers."""

    rung: str
    epoch: int
    address: str
    value: float
    peers: int
    decision: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One point of the space and all that is recorded of it; fields as in the module's text.

    `place` counts the ends in the order of the file, from 0: the order of time. None without an end. Trials are
    equal whatever it is.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    rungs: tuple[Rung, ...] = ()
    curve: tuple[Mapping[str, Any], ...] = ()
    epochs_trained: int = 0
    epochs_reused: int = 0
    teacher_epochs_trained: int = 0
    seconds: float = 0.0
    seconds_waiting: float = 0.0
    reason: str | None = None
    duplicate_of: int | None = None
    audited: str | None = None
    asked: str | None = None
    ended: str | None = None
    settings: Mapping[str, Any] | None = None
    place: int | None = field(default=None, compare=False)

    def metric(self, name: str) -> float | None:
        """The number called `name`, None where it was not recorded."""
        value = self.metrics.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def fold(events: Sequence[Mapping[str, Any]], file: Path) -> tuple[Trial, ...]:
    """The trials that the events of `file`, a line each, tell of, sorted by number.

    Raises:
        ResultsError: an event is damaged, or out of order. The message names FILE:LINE.
    """
    asked: dict[int, Mapping[str, Any]] = {}
    rungs: dict[int, list[Rung]] = {}
    ended: dict[int, Mapping[str, Any]] = {}
    for line, event in enumerate(events, 1):
        try:
            number, kind = _number(event["trial"]), event["event"]
            if kind == "asked" and number not in asked:
                _trial(number, event, {}, [])
                asked[number] = event
            elif kind == "rung":
                fields = {key: event[key] for key in Rung.__dataclass_fields__}
                rungs.setdefault(number, []).append(Rung(**fields))
            elif kind == "end" and number not in ended:
                _trial(number, {}, event, [])
                ended[number] = event
            elif kind in EVENTS:
                raise ResultsError(f"{file}:{line}: {kind}: trial {number} has one before. Restore the file.")
            else:
                raise ResultsError(f"{file}:{line}: event: one of {', '.join(EVENTS)}, got {kind!r}.")
        except (KeyError, TypeError, AttributeError) as error:
            raise ResultsError(f"{file}:{line}: damaged, {type(error).__name__}: {error}.") from error
        except ResultsError:
            raise
        except ValueError as error:
            raise ResultsError(f"{file}:{line}: damaged, {error}.") from error
    numbers = sorted(asked.keys() | rungs.keys() | ended.keys())
    places = {number: place for place, number in enumerate(ended)}
    return tuple(
        _trial(n, asked.get(n, {}), ended.get(n, {}), rungs.get(n, []), places.get(n)) for n in numbers
    )


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"trial: a number from 0, got {value!r}")
    return value


def _check(metrics: Mapping[str, Any]) -> None:
    """Refuse accuracies that are no fractions and counts below 1; everything else may be any number."""
    for name, value in metrics.items():
        if "accuracy" in name and value is not None and not 0 <= value <= 1:
            raise ValueError(f"metrics.{name}: a fraction from 0 to 1, got {value}")
        if name in COUNTS and value is not None and not value >= 1:
            raise ValueError(f"metrics.{name}: a count from 1, got {value}")
    if metrics.get("damage") is not None:
        recorded.parse(metrics["damage"])


def _trial(
    number: int,
    asked: Mapping[str, Any],
    end: Mapping[str, Any],
    rungs: list[Rung],
    place: int | None = None,
) -> Trial:
    metrics = dict(end.get("metrics") or {})
    _check(metrics)
    return Trial(
        number=number,
        state=TrialState(end["state"]) if end else TrialState.running,
        params=dict(end.get("params", asked.get("params", {}))),
        metrics=metrics,
        rungs=tuple(rungs),
        curve=tuple(end.get("curve") or ()),
        epochs_trained=int(end.get("epochs_trained", 0)),
        epochs_reused=int(end.get("epochs_reused", 0)),
        teacher_epochs_trained=int(end.get("teacher_epochs_trained", 0)),
        seconds=float(end.get("seconds", 0.0)),
        seconds_waiting=float(end.get("seconds_waiting", 0.0)),
        reason=end.get("reason"),
        duplicate_of=end.get("duplicate_of"),
        audited=end.get("audited"),
        asked=asked.get("time"),
        ended=end.get("time"),
        settings=None if end.get("settings") is None else dict(end["settings"]),
        place=place,
    )
