"""The sections of a space that say how to search: objective, sweep, confirm, resources, store."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from sweeper.metrics import BOUND, read_bound
from sweeper.metrics import METRICS as METRICS
from sweeper.metrics import parse_bound as parse_bound
from sweeper.metrics import violation as violation
from trainables.recipe import Recipe, Settings
from trainables.values import Count, Positive, Seed, fault

MetricName = Literal["accuracy", "accuracy_pruned", "loss", "macs", "params", "percent_cut"]


class Objective(Settings):
    """What is searched for; more than one metric makes the search multi-objective."""

    maximize: MetricName | Annotated[list[MetricName], Field(min_length=1)] | None = None
    """Metric, or metrics, that should be large."""
    minimize: MetricName | Annotated[list[MetricName], Field(min_length=1)] | None = None
    """Metric, or metrics, that should be small."""

    @model_validator(mode="after")
    def _some_and_none_twice(self) -> Self:
        names = [name for name, _ in self.directions]
        if not names:
            raise fault("needs a metric", "Write {maximize: accuracy}.")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise fault(f"names {twice} twice", "Keep one of them.")
        return self

    @property
    def directions(self) -> tuple[tuple[str, Literal["maximize", "minimize"]], ...]:
        """(metric, maximize | minimize) in the order of the file."""
        sides: dict[Literal["maximize", "minimize"], Any] = {
            "maximize": self.maximize,
            "minimize": self.minimize,
        }
        return tuple(
            (name, side)
            for side, names in sides.items()
            for name in ([names] if isinstance(names, str) else names or [])
        )


class Asha(Settings):
    """Early stopping of the last training stage (Li et al. 2018, arXiv 1810.05934), among like peers only."""

    rungs: Literal["plateaus"] | Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)] = (
        "plateaus"
    )
    """Where trials are compared: at the end of each plateau of the rate, or at shares of its own epochs."""
    reduction: Annotated[float, Field(gt=1)] = 3
    """One in so many goes on from a rung."""
    min_peers: Annotated[int, Field(ge=2)] = 4
    """No one is stopped before so many distinct networks, itself among them, have been at the rung."""
    protect: Count = 1
    """The best so many distinct networks of a group are never stopped, nor is the Pareto front of all groups."""
    compare_within: list[str] | None = None
    """Settings that must agree for two trials to be compared; null: finetune.kd, and what changes MACs, unless macs
    or params is an objective."""
    audit: Annotated[float, Field(ge=0, le=1)] = 0
    """Share of the trials that would be stopped, drawn by seed and number, that goes on to the end all the same."""

    @model_validator(mode="after")
    def _shares_rise(self) -> Self:
        if self.rungs != "plateaus" and list(self.rungs) != sorted(set(self.rungs)):
            raise fault("rungs: must rise", f"Write {sorted(set(self.rungs))}.")
        return self


STARTUP_TRIALS = 10
"""Random trials before a model is made, where the file does not say."""


class Sweep(Settings):
    """How much is searched, by which method."""

    trials: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Points to try; null with another budget: as many as it allows, with ``sampler: grid``: all of them."""
    epochs: Annotated[int, Field(ge=1)] | None = None
    """Distinct student epochs to train; once so many are, no other trial begins."""
    hours: Positive | None = None
    """Wall time of the search, of all its sessions; after it no other trial begins."""
    macs: Positive | None = None
    """Multiply-accumulates to execute, the teacher's too; once so many are, no other trial begins."""
    patience: Count | None = None
    """Trials that may end in a row without one that is better than all before; then no other begins."""
    seed: Seed = 0
    """Seed of the sampler."""
    sampler: Literal["tpe", "mfbo", "gp", "nsga2", "nsga3", "cmaes", "random", "sobol", "grid"] = "tpe"
    """Optuna's multivariate TPE; mfbo: a Gaussian process that learns from stopped trials too; Optuna's Gaussian
    process, NSGA-II, NSGA-III, CMA-ES; random; sobol: evenly spread points; grid: every point, in order."""
    startup_trials: Count | None = None
    """Random trials before tpe, mfbo or gp begins to model, or the size of a generation of nsga2 or nsga3; null: 10."""
    cost_aware: bool = False
    """Whether mfbo asks for what improves most per epoch that is not trained yet, counting what the store holds."""
    asha: Asha | None = None
    """Early stopping; null: every trial runs to its end."""

    @model_validator(mode="after")
    def _trials_or_grid(self) -> Self:
        others = (self.epochs, self.hours, self.macs, self.patience)
        if self.trials is None and self.sampler != "grid" and not any(others):
            raise fault(f"needs trials with sampler: {self.sampler}", "Set sweep.trials: 24.")
        return self


class Confirm(Settings):
    """The best networks trained again on seeds that nothing was chosen on, and measured on the test set."""

    top: Count = 3
    """Networks that are confirmed, the recommended one first."""
    seeds: Annotated[int, Field(ge=2)] = 5
    """Fresh seeds of each: the smallest above every seed that is searched."""
    data: Literal["train", "train+val"] = "train"
    """What the student trains on: the training images, or those and the validation images, of which nothing is
    then measured. The teacher stays that of the search."""


class Resources(Settings):
    """What a trial is given."""

    cpus_per_trial: Count = 1
    """Processor cores, and threads of torch; part of the arithmetic, so one number for all trials."""
    gpus_per_trial: Literal["auto"] | Annotated[float, Field(ge=0)] = "auto"
    """GPUs of a trial, fractions allowed; auto: one where there are any."""
    workers: Count | None = None
    """Trials at a time; null: as many as fit."""
    hang_after: Annotated[float, Field(ge=10)] | None = 600.0
    """Seconds without a record or a batch after which a trial's worker is killed and the trial begun again; null:
    never."""


class StoreLimit(Settings):
    """The store of shared states."""

    max_gb: Positive = 20.0
    """Size, in 10**9 bytes, above which the least recently used states are deleted."""


_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


def run_name(name: str) -> str:
    """``name``, if it can be a run's and its folder's.

    Raises:
        ValueError: it can't; says what could.
    """
    if re.fullmatch(_NAME, name):
        return name
    rule = "must be 1 to 64 Latin letters, digits, dots, dashes or underscores, a letter or digit first"
    raise fault(rule, f"Write {near_name(name)}.")


def near_name(name: str) -> str:
    """A name for a run that is much like ``name``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64] or "sweep"


RunName = Annotated[str, AfterValidator(run_name), Field(json_schema_extra={"pattern": _NAME})]
Bound = Annotated[str, BeforeValidator(read_bound), Field(json_schema_extra={"pattern": BOUND})]


class SpaceFile(Recipe):
    """A whole file: the pipeline's own settings, and how to search."""

    name: RunName | None = None
    """Name of the run, and of its folder; null: the file's own name."""
    search: dict[str, Any] | None = None
    """Dotted setting -> the values it may take."""
    objective: Objective = Objective(maximize="accuracy")
    constraints: dict[MetricName, Bound] = Field(default_factory=dict)
    """Metric -> bound, such as "<= 0.5"; of macs and params below 1 a share of the unpruned network's."""
    sweep: Sweep | None = None
    confirm: Confirm | None = None
    """Whether the search's answer is confirmed once it has ended; null: it is not."""
    resources: Resources = Resources()
    store: StoreLimit = StoreLimit()


RECIPE_SECTIONS = tuple(Recipe.model_fields)
