"""Ray Tune's searcher, scheduler and stopper as views of a book. They are pickled, so they hold a name."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError
from ray.tune import Callback, Stopper
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from sweeper.deaths import reason_of
from sweeper.engine import Work, config_of, lookup
from trainables.ledger import write_lines


class BookSearcher(Searcher):  # type: ignore[misc]
    """Hands out the book's trials, as many at a time as there are workers."""

    def __init__(self, key: str) -> None:
        """Take the name of a book."""
        super().__init__(metric=None, mode=None)
        self.key = key

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next trial's config; None while all workers are busy; FINISHED at the end."""
        desk = lookup(self.key)
        book, work = desk.book, desk.work
        if not book.left and not book.live:
            return str(Searcher.FINISHED)
        if not book.left or len(book.live) >= work.room:  # one under way may have to be begun again
            return None
        live = book.next()
        if live is not None:
            return config_of(live, work)
        return None if book.live else str(Searcher.FINISHED)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing to do: the book has seen the record, or ``BookScheduler`` the error."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing is kept here."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing is kept here."""


class BookScheduler(FIFOScheduler):  # type: ignore[misc]
    """Gives every record to the book and does what it decides."""

    def __init__(self, key: str) -> None:
        """Take the name of a book."""
        super().__init__()
        self.key = key

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """A trial is known to Ray; from the first one on a death of any kind is the trial's alone."""
        super().on_trial_add(tune_controller, trial)
        _survive(_manager(tune_controller))

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """Asked in every round of Ray's loop, also while no trial says anything: so hanging ones are found here."""
        desk = lookup(self.key)
        for number, seconds in desk.watch.look(desk.book.live, time.monotonic()).items():
            if _kill(tune_controller, number):
                desk.watch.hung[number] = seconds
        return super().choose_trial_to_run(tune_controller)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """One record."""
        desk = lookup(self.key)
        decision = desk.book.record(trial.config["trial"], _record(result, desk.work))
        return str(TrialScheduler.STOP if decision == "stop" else TrialScheduler.CONTINUE)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """The last record, with ``done``, comes this way."""
        desk = lookup(self.key)
        desk.book.record(trial.config["trial"], _record(result, desk.work))

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Nothing to do: ``Quiet`` tells the book."""


def _record(result: dict[str, Any], work: Work) -> dict[str, Any]:
    """What a worker said; the ledger's lines that it carries from a node are written down first."""
    record: dict[str, Any] = json.loads(result["record"])
    lines = record.pop("ledger", ())
    if lines:
        write_lines(work.ledger, lines)
    return record


class AbortStopper(Stopper):  # type: ignore[misc]
    """Ends the sweep when the book says that it can't go on."""

    def __init__(self, key: str) -> None:
        """Take the name of a book."""
        self.key = key

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """No trial is stopped from here."""
        return False

    def stop_all(self) -> bool:
        """Whether the sweep can't go on, or was asked to stop before Ray Tune listened to that."""
        desk = lookup(self.key)
        return desk.book.fatal is not None or desk.interrupts.asked


class Quiet(Callback):  # type: ignore[misc]
    """Takes the place of Ray's own reporting."""

    def __init__(self, key: str) -> None:
        """Take the name of a book."""
        self.key = key

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """The trial's worker died."""
        desk, number = lookup(self.key), trial.config["trial"]
        desk.book.died(number, desk.watch.died(number) or reason_of(_account(trial)))


def _account(trial: Any) -> str:
    """What Ray has written down of a trial's error."""
    file = trial.error_file
    return Path(file).read_text(encoding="utf-8", errors="replace") if file and Path(file).exists() else ""


def _manager(tune_controller: Any) -> Any:
    """Ray Tune's keeper of actors, which it shows to no one."""
    return tune_controller._tune_controller._actor_manager


def _kill(tune_controller: Any, number: int) -> bool:
    """Kill a trial's worker, on whichever node it is; False while Ray has not begun one for it.

    The raylet beside the worker sends SIGKILL, so one that was stopped by a signal dies too.
    """
    for trial, tracked in tune_controller._tune_controller._trial_to_actor.items():
        begun = _manager(tune_controller)._live_actors_to_ray_actors_resources.get(tracked)
        if trial.config["trial"] == number and begun is not None:
            ray.kill(begun[0], no_restart=True)
            return True
    return False


def _survive(manager: Any) -> None:
    """Let every way in which a worker can be lost be the loss of that worker.

    Ray Tune 2.60 expects an actor's death only as RayActorError; what Ray's memory monitor has killed comes as
    OutOfMemoryError, which ends the whole sweep with a RuntimeError.
    """
    if "_actor_task_failed" in vars(manager):
        return
    failed: Callable[..., None] = manager._actor_task_failed

    def lost(*task: Any, exception: Exception, **more: Any) -> None:
        known = isinstance(exception, (RayActorError, RayTaskError))
        failed(*task, exception=exception if known else RayActorError(None, str(exception)), **more)

    manager._actor_task_failed = lost
