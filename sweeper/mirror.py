"""RUN/study.db: the sweep as an Optuna study, for optuna-dashboard. A mirror, never the truth.

It is written by a thread of its own, so neither SQLite nor a dashboard that holds its lock can keep the sweep
waiting. Trials have the same numbers here and there, running ones are seen, and settings have their real
values (the sampler works with positions). Whatever goes wrong with the file, it is made again from the run's
events.
"""

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
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

LOCK_SECONDS = 10.0
"""How long another program's lock is waited for."""
CLOSE_SECONDS = 60.0
"""How long the end of a sweep waits for the file."""
_LOG_FROM = 10
"""Positive numbers whose largest is this many times the smallest, or more, are shown on a log scale."""


class Mirror:
    """A listener of the book's events."""

    def __init__(self, path: Path, space: Space, *, lock_seconds: float = LOCK_SECONDS) -> None:
        """Prepare; the file is opened when there is something to write.

        Args:
            path: RUN/study.db.
            space: what is searched.
            lock_seconds: how long another program's lock is waited for.
        """
        self.path = path
        self.space = space
        self.trouble: str | None = None
        """Why there is no whole file at the end."""
        self._lock_seconds = lock_seconds
        self._newest: dict[int, Event] = {}
        self._failed = False
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def rebuild(self, run_events: Iterable[Event]) -> None:
        """Take in the events of earlier sessions, before any other: what the file lacks of them is added."""
        assert self._thread is None
        self._start(_newest(run_events))

    def event(self, event: Event) -> None:
        """Take in an ``asked`` or an ``end``; it is written in a moment. A ``rung`` is not shown."""
        if event["event"] != "rung":
            if self._thread is None:
                self._start({})
            self._newest[event["trial"]] = event
            self._queue.put(event)

    def close(self) -> None:
        """Write what is left; if anything could not be written before, the whole file anew."""
        if self._thread is None:
            return
        self._queue.put(None)
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            self.trouble = f"{self.path}: was not written within {CLOSE_SECONDS:.0f} s"
            return
        self._thread = None
        if self._failed:
            try:
                remake(self.path, self.space, self._newest.values())
            except Exception as error:  # no sweep fails for its mirror
                self.trouble = f"{self.path}: {error.__cause__ or error}".splitlines()[0]

    def _start(self, earlier: dict[int, Event]) -> None:
        self._newest = dict(earlier)
        self._thread = threading.Thread(target=self._work, args=(earlier,), name="mirror", daemon=True)
        self._thread.start()

    def _work(self, earlier: Mapping[int, Event]) -> None:
        try:
            if not _belongs(self.path, self.space, earlier, self._lock_seconds):
                remake(self.path, self.space, earlier.values())
            with _opened(self.path, self.space, self._lock_seconds) as study:
                for number in sorted(earlier):
                    study.write(earlier[number])
                while (event := self._queue.get()) is not None:
                    study.write(event)
        except Exception:  # such as "database is locked"
            self._failed = True


def remake(path: Path, space: Space, events: Iterable[Event]) -> None:
    """Make the file from a run's events: aside, then one rename. Nothing is left beside it.

    Raises:
        OSError, sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.OptunaError: the disk does not take it.
    """
    aside = path.with_name(f".{path.name}.new")
    _remove(aside)
    newest = _newest(events)
    try:
        with _opened(aside, space) as study:
            for number in sorted(newest):
                study.write(newest[number])
        _remove(path, but_itself=True)
        aside.replace(path)
    finally:
        _remove(aside)


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
        self.trials[number] = trial

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
        trial.datetime_complete = _local(event["time"]) if ended else None
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


def _newest(events: Iterable[Event]) -> dict[int, Event]:
    """The last ``asked`` or ``end`` of each trial."""
    return {event["trial"]: event for event in events if event["event"] != "rung"}


def _belongs(path: Path, space: Space, events: Mapping[int, Event], lock_seconds: float) -> bool:
    """Whether a file can be gone on with: it holds no other trials than the run."""
    if not path.exists():
        return True
    try:
        with _opened(path, space, lock_seconds) as study:
            return all(
                number in events and trial.params == events[number]["params"]
                for number, trial in study.trials.items()
            )
    except Exception:  # whatever is wrong with it, it is made again
        return False


@contextlib.contextmanager
def _opened(path: Path, space: Space, lock_seconds: float = LOCK_SECONDS) -> Iterator[StudyFile]:
    study = StudyFile(path, space, lock_seconds)
    try:
        yield study
    finally:
        study.close()


def _remove(path: Path, *, but_itself: bool = False) -> None:
    """A database with its side files: SQLite would play a killed writer's journal back into the next one."""
    for suffix in ("-journal", "-wal", "-shm") if but_itself else ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _local(text: str) -> datetime:
    """Optuna keeps local times without their zone."""
    return datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
