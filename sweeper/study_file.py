"""An Optuna study in one SQLite file, written from a run's events: what optuna-dashboard shows."""

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from sweeper.knobs import Knob
from sweeper.search import STATES
from sweeper.space import Space

Event = Mapping[str, Any]

_LOG_FROM = 10
"""Positive numbers whose largest is this many times the smallest, or more, are shown on a log scale."""
_SHOWN = (
    "state",
    "values",
    "params",
    "distributions",
    "user_attrs",
    "intermediate_values",
    "datetime_start",
    "datetime_complete",
)
"""What a trial in the file must agree in with the run's events."""


class StudyFile:
    """The study in one open SQLite file."""

    def __init__(self, path: Path, space: Space, lock_seconds: float) -> None:
        """Open or make it."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(path, timeout=lock_seconds, check_same_thread=False)
            connection.execute("PRAGMA synchronous = OFF")  # it can be made again
            return connection

        self.space = space
        self.distributions = {knob.key: distribution(knob) for knob in space.knobs}
        self.storage = RDBStorage("sqlite:///study.db", engine_kwargs={"creator": connect})
        try:
            self.study = self.storage.get_study_id_from_name(space.name)
        except KeyError:
            objective = space.settings.objective.directions
            sides = [StudyDirection[side.upper()] for _, side in objective]
            self.study = self.storage.create_new_study(sides, space.name)
            names = [name for name, _ in objective]
            self.storage.set_study_system_attr(self.study, "study:metric_names", names)  # Optuna's own key
        self.trials = {trial.number: trial for trial in self.storage.get_all_trials(self.study)}

    def write(self, event: Event) -> None:
        """Add a trial, or end one that is there; what was written before is not written twice."""
        number, trial = event["trial"], self.frozen(event)
        known = self.trials.get(number)
        if known is None:
            trial._trial_id = self.storage.create_new_trial(self.study, trial)
            stored = self.storage.get_trial_number_from_id(trial._trial_id)
            assert stored == number, f"trial {number} stored as number {stored}"
        elif known.state.is_finished() or not trial.state.is_finished():
            return
        else:
            trial._trial_id = known._trial_id
            for key, value in trial.user_attrs.items():
                self.storage.set_trial_user_attr(trial._trial_id, key, value)
            for key, value in trial.system_attrs.items():
                self.storage.set_trial_system_attr(trial._trial_id, key, value)
            for step, value in trial.intermediate_values.items():
                self.storage.set_trial_intermediate_value(trial._trial_id, step, value)
            self.storage.set_trial_state_values(trial._trial_id, trial.state, trial.values)
            self._set_times(trial)
        self.trials[number] = trial

    def _set_times(self, trial: FrozenTrial) -> None:
        """Those of the event; Optuna has taken its own clock's."""
        times = [
            str(at.isoformat(" ", "microseconds"))
            for at in (trial.datetime_start, trial.datetime_complete)
            if at
        ]
        with self.storage.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE trials SET datetime_start = ?, datetime_complete = ? WHERE trial_id = ?",
                (*times, trial._trial_id),
            )

    @property
    def sound(self) -> bool:
        """Whether SQLite finds nothing wrong with the file, and the study is of this space."""
        with self.storage.engine.connect() as connection:
            said = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
        sides = [StudyDirection[side.upper()] for _, side in self.space.settings.objective.directions]
        return said == "ok" and self.storage.get_study_directions(self.study) == sides

    def agrees(self, stored: FrozenTrial, event: Event) -> bool:
        """Whether a trial is there as an event tells it; one that has ended since may still be running."""
        wanted = self.frozen(event)
        if stored.state.is_finished() or not wanted.state.is_finished():
            return all(getattr(stored, name) == getattr(wanted, name) for name in _SHOWN)
        return stored.params == wanted.params and stored.state == TrialState.RUNNING

    def frozen(self, event: Event) -> FrozenTrial:
        """A trial as Optuna keeps it, from its last event."""
        ended = event["event"] == "end"
        state = STATES[event["state"]] if ended else TrialState.RUNNING
        metrics = event["metrics"] if ended else {}
        directions = self.space.settings.objective.directions
        trial = create_trial(
            state=state,
            values=[float(metrics[name]) for name, _ in directions] if state == TrialState.COMPLETE else None,
            params=event["params"],
            distributions={key: self.distributions[key] for key in event["params"]},
            user_attrs=_attributes(event) if ended else {},
            intermediate_values=self._values(event["curve"]) if ended and len(directions) == 1 else {},
            constraints=dict(event["violations"]) if ended else {},
        )
        trial.datetime_start = _local(event.get("started", event["time"]))
        if ended:  # by the duration: the clock may have been set meanwhile
            trial.datetime_complete = trial.datetime_start + timedelta(seconds=event["seconds"])
        return trial

    def _values(self, curve: Iterable[Mapping[str, Any]]) -> dict[int, float]:
        """The first objective, or accuracy, after each epoch of the last stage."""
        metric, stage = self.space.settings.objective.directions[0][0], self.space.settings.last_stage
        return {
            entry["epoch"]: float(entry.get(metric, entry["accuracy"]))
            for entry in curve
            if entry["stage"] == stage
        }

    def close(self) -> None:
        """Let go of the file."""
        self.storage.remove_session()
        self.storage.engine.dispose()


def distribution(knob: Knob) -> BaseDistribution:
    """A searched setting as people see it: numbers on their scale, the rest as categories."""
    values = knob.values if knob.values is not None else (knob.low, knob.high)
    if any(isinstance(value, bool | str | None) for value in values):
        return CategoricalDistribution(values)
    low, high = min(values), max(values)
    if all(isinstance(value, int) for value in values) or knob.integer:
        return IntDistribution(int(low), int(high))
    return FloatDistribution(float(low), float(high), log=knob.log or (low > 0 and high / low >= _LOG_FROM))


def _attributes(event: Event) -> dict[str, Any]:
    """What the dashboard's table shows of an ended trial beside settings and objectives."""
    numbers = {key: value for key, value in event["metrics"].items() if isinstance(value, int | float)}
    also = {key: event[key] for key in ("epochs_trained", "epochs_reused", "seconds")}
    reason = {"reason": event["reason"]} if event["reason"] else {}
    return {"state": event["state"], **reason, **numbers, **also}


def _local(text: str) -> datetime:
    """Optuna keeps local times without their zone."""
    return datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
