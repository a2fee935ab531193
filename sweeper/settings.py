"""The sections of a space that say how to search: objective, sweep, resources, store."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from trainables.recipe import Count, Positive, Recipe, Seed, Settings, fault

METRICS = {
    "accuracy": "validation accuracy after the last epoch",
    "accuracy_pruned": "validation accuracy right after the cut",
    "loss": "validation loss after the last epoch",
    "macs": "multiply-accumulates of one image",
    "params": "parameters",
    "percent_cut": "share of the channels that was really cut",
}
"""What can be an objective or be constrained. The test set is not among them."""

SHARED_METRICS = ("macs", "params")
"""Metrics whose bound, if below 1, is a share of the unpruned network's."""

CUT_METRICS = ("accuracy_pruned", "percent_cut")
"""Metrics that only a pipeline with a prune section has."""

MetricName = Literal["accuracy", "accuracy_pruned", "loss", "macs", "params", "percent_cut"]
SAMPLERS = ("tpe", "random", "grid")


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
            raise fault("names a metric twice")
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
    compare_within: list[str] | None = None
    """Settings that must agree for two trials to be compared; null: finetune.kd, and what changes MACs."""


class Sweep(Settings):
    """How much is searched, by which method."""

    trials: Count | None = None
    """Points to try; null with ``sampler: grid``: all of them."""
    seed: Seed = 0
    """Seed of the sampler."""
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    """tpe: Optuna's multivariate TPE; random; grid: every point, in order."""
    startup_trials: Count = 10
    """Random trials before TPE begins to model."""
    asha: Asha | None = None
    """Early stopping; null: every trial runs to its end."""

    @model_validator(mode="after")
    def _trials_or_grid(self) -> Self:
        if self.trials is None and self.sampler != "grid":
            raise fault(f"needs trials with sampler: {self.sampler}", "Set sweep.trials: 24.")
        return self


class Resources(Settings):
    """What a trial is given."""

    cpus_per_trial: Count = 1
    """Processor cores, and threads of torch; part of the arithmetic, so one number for all trials."""
    gpus_per_trial: Literal["auto"] | Annotated[float, Field(ge=0)] = "auto"
    """GPUs of a trial, fractions allowed; auto: one where there are any."""
    workers: Count | None = None
    """Trials at a time; null: as many as fit."""


class StoreLimit(Settings):
    """The store of shared states."""

    max_gb: Positive = 20.0
    """Size, in 10**9 bytes, above which the least recently used states are deleted."""


Bound = Annotated[str, Field(pattern=r"^\s*(<=|>=)\s*[0-9.eE+-]+\s*$")]
_BOUND = re.compile(r"\s*(<=|>=)\s*(\S+)\s*")


class SpaceFile(Recipe):
    """A whole file: the pipeline's own settings, and how to search."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = None
    """Name of the run, and of its folder; null: the file's own name."""
    search: dict[str, Any] | None = None
    """Dotted setting -> the values it may take."""
    objective: Objective = Objective(maximize="accuracy")
    constraints: dict[MetricName, Bound] = Field(default_factory=dict)
    """Metric -> bound, such as "<= 0.5"; of macs and params below 1 a share of the unpruned network's."""
    sweep: Sweep | None = None
    resources: Resources = Resources()
    store: StoreLimit = StoreLimit()

    @field_validator("constraints")
    @classmethod
    def _bounds_are_numbers(cls, bounds: dict[str, str]) -> dict[str, str]:
        for metric, bound in bounds.items():
            try:
                parse_bound(bound)
            except ValueError:
                raise fault(f"{metric} needs a bound such as <= 0.5, got {bound}") from None
        return bounds


def parse_bound(bound: str) -> tuple[str, float]:
    """``"<= 0.5"`` -> ("<=", 0.5)."""
    match = _BOUND.fullmatch(bound)
    if match is None:
        raise ValueError(bound)
    return match[1], float(match[2])


def violation(bound: str, metric: str, value: float, unpruned: float | None) -> float:
    """How far ``value`` is outside a bound, relative to it; at most 0 inside.

    Args:
        bound: such as ``<= 0.5``.
        metric: whose bound it is.
        value: what was measured.
        unpruned: the unpruned network's value, for a bound that is a share of it.
    """
    sign, limit = parse_bound(bound)
    if metric in SHARED_METRICS and limit < 1:
        assert unpruned is not None
        value = value / unpruned
    return value - limit if sign == "<=" else limit - value


RECIPE_SECTIONS = tuple(Recipe.model_fields)
