"""Ray Tune's searcher, scheduler and stopper as views of a book. They are pickled, so they hold a name."""

import json
from typing import Any

from ray.tune import Callback, Stopper
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from sweeper.engine import config_of, lookup


class BookSearcher(Searcher):  # type: ignore[misc]
    """Hands out the book's trials, as many at a time as there are workers."""

    def __init__(self, key: str) -> None:
        """Take the name of a book."""
        super().__init__(metric=None, mode=None)
        self.key = key

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next trial's config; None while all workers are busy; FINISHED at the end."""
        book, work = lookup(self.key)
        if not book.left and not book.live:
            return str(Searcher.FINISHED)
        if not book.left or len(book.live) >= work.workers:  # one under way may have to be begun again
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

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """One record."""
        book, _ = lookup(self.key)
        decision = book.record(trial.config["trial"], json.loads(result["record"]))
        return str(TrialScheduler.STOP if decision == "stop" else TrialScheduler.CONTINUE)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """The last record, with ``done``, comes this way."""
        book, _ = lookup(self.key)
        book.record(trial.config["trial"], json.loads(result["record"]))

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Nothing to do: ``Quiet`` tells the book."""


class AbortStopper(Stopper):  # type: ignore[misc]
    """Ends the sweep when the book says that it can't go on."""

    def __init__(self, key: str) -> None:
        """Take the name of a book."""
        self.key = key

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """No trial is stopped from here."""
        return False

    def stop_all(self) -> bool:
        """Whether the sweep can't go on."""
        book, _ = lookup(self.key)
        return book.fatal is not None


class Quiet(Callback):  # type: ignore[misc]
    """Takes the place of Ray's own reporting."""

    def __init__(self, key: str) -> None:
        """Take the name of a book."""
        self.key = key

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """The trial's worker died."""
        book, _ = lookup(self.key)
        book.died(trial.config["trial"], "its worker process died")
