"""Ray Tune runs the trials of a book.

Ray is asked to place trials on CPUs and GPUs, and for nothing else. The searcher and the scheduler below are
views of the book; they hold no state, since Ray pickles them.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeper.cluster import Cluster
from sweeper.hangs import Watch
from sweeper.interrupts import Interrupts
from sweeper.live import Live
from sweeper.ray_environment import prepare
from sweeper.resources import gpus_here
from sweeper.trials import Trials
from trainables.canonical import canonical
from trainables.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """How trials are run."""

    folder: Path
    """The run folder."""
    ledger: Path
    """Of who trained what."""
    place: Mapping[str, Any]
    """Arguments of Place for the workers, as plain data."""
    cpus: int
    gpus: float
    workers: int
    hang_after: float | None = None
    """Seconds of silence after which a trial's worker is killed."""
    at_most: int | None = None
    """What the space says of ``workers``."""
    cluster: Cluster | None = None
    """Whose nodes run them; None: Ray is started here."""
    test: bool = False
    """Whether the end of every trial is measured on the test set, whatever its recipe says."""
    debug: bool = False
    """Whether what Ray logs is shown; the sweep says by itself what became of its trials."""

    @property
    def room(self) -> int:
        """How many trials may run at this moment: a cluster's nodes come and go."""
        return (
            self.workers if self.cluster is None else self.cluster.workers(self.cpus, self.gpus, self.at_most)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What Ray's views of a book look up."""

    book: Trials
    work: Work
    watch: Watch
    interrupts: Interrupts


_DESKS: dict[str, Desk] = {}
"""What is under way in this process, by its run folder."""


def execute(book: Trials, work: Work, interrupts: Interrupts) -> None:
    """Run the book's trials, to their end unless it is interrupted.

    Raises:
        InputError: Ray can't be started with these resources.
    """
    if work.cluster is None:
        prepare(local=True)
    import ray

    from trainables import tune as trainable

    logging.getLogger("ray").setLevel(logging.WARNING if work.debug else logging.CRITICAL)
    if work.cluster is None:
        _start(ray, work)
    key = str(work.folder)
    _DESKS[key] = Desk(book=book, work=work, watch=Watch(seconds=work.hang_after), interrupts=interrupts)
    try:
        if not interrupts.asked:
            _fit(ray, trainable.Pipeline, key, work)
    finally:
        if work.cluster is None:
            ray.shutdown()
        del _DESKS[key]


def _start(ray: Any, work: Work) -> None:
    """A Ray of this machine, for this process alone."""
    try:
        ray.init(
            address="local",
            num_cpus=work.workers * work.cpus,
            num_gpus=gpus_here(),
            object_store_memory=200_000_000,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            configure_logging=False,
        )
    except ValueError as error:
        raise InputError(f"resources: Ray can't start with them: {error}") from error


def _fit(ray: Any, trainable: Any, key: str, work: Work) -> None:
    from ray import tune
    from ray.tune import CheckpointConfig, FailureConfig, RunConfig, TuneConfig

    from sweeper.ray_views import AbortStopper, BookScheduler, BookSearcher, Quiet

    resources = {"cpu": work.cpus} | ({"gpu": work.gpus} if work.gpus else {})
    tuner = tune.Tuner(
        tune.with_resources(trainable, resources),
        tune_config=TuneConfig(
            search_alg=BookSearcher(key),
            scheduler=BookScheduler(key),
            num_samples=-1,
            reuse_actors=True,
            trial_dirname_creator=_trial_name,
            trial_name_creator=_trial_name,
        ),
        run_config=RunConfig(
            name="ray",
            storage_path=str(work.folder),
            verbose=0,
            stop=AbortStopper(key),
            callbacks=[Quiet(key)],
            failure_config=FailureConfig(max_failures=0),  # the book begins a trial again
            checkpoint_config=CheckpointConfig(checkpoint_at_end=False, checkpoint_frequency=0),
        ),
    )
    tuner.fit()


def _trial_name(trial: Any) -> str:
    return f"trial_{trial.config['trial']:04d}"


def lookup(key: str) -> Desk:
    """What is under way in a run folder."""
    return _DESKS[key]


def config_of(live: Live, work: Work) -> dict[str, Any]:
    """What a worker is given for a trial."""
    return {
        "trial": live.number,
        "test": work.test,
        "recipe": json.dumps(canonical(live.recipe)),
        "place": json.dumps(dict(work.place)),
    }
