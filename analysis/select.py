"""Which trial is the best, and how sure that is: a run's records in, frozen results out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.records import Run, Trial, TrialState

Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """One metric to `maximize`, or to minimise."""

    metric: str
    maximize: bool

    @property
    def is_accuracy(self) -> bool:
        """Is it a share of validation images to be maximised, so that a Wilson interval holds?"""
        return self.maximize and self.metric.startswith("accuracy")


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """From `low` to `high`, fractions; `images` is the n that it rests on."""

    low: float
    high: float
    images: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A `place` (from 1) in the ranking by `value`, the objective's; `twins` are trials of one network."""

    place: int
    trial: Trial
    value: float
    interval: Interval | None
    twins: tuple[int, ...]

    def has(self, number: int) -> bool:
        """Is trial `number` this network?"""
        return number in (self.trial.number, *self.twins)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The network to take: `chosen` by `rule`, `top` (the best value), `rivals` that cannot be told from it.

    `rivals` counts the networks whose interval reaches the best value, the top one among them.
    """

    chosen: Ranked
    top: Ranked
    rivals: int
    rule: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """The most accurate network of the sweep of which nothing is cut; `what` says in words which one it is.

    Either that of a complete trial that cuts nothing, or what a trial had before its cut: the end of its
    sparsity training, without any finetuning. Another recipe than that of the pruned networks, in any case.
    """

    trial: int
    what: str
    uncut: bool
    accuracy: float
    interval: Interval | None
    params: float | None
    macs: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PercentBest:
    """The most accurate network at one `percent` (a fraction); `group` is the value of the split, or None."""

    percent: float
    group: str | None
    best: Ranked


def objectives(space: Mapping[str, Any]) -> tuple[Objective, ...]:
    """What the space asks for: `{maximize: accuracy, minimize: [macs, params]}`; by default accuracy."""
    asked = space.get("objective") or {"maximize": "accuracy"}
    return tuple(
        Objective(metric=str(metric), maximize=direction == "maximize")
        for direction, metrics in asked.items()
        for metric in (metrics if isinstance(metrics, list) else [metrics])
        if metric is not None
    )


def primary(space: Mapping[str, Any]) -> Objective:
    """The objective that ranks: the first accuracy among them, else the first."""
    asked = objectives(space)
    return next((objective for objective in asked if objective.is_accuracy), asked[0])


def wilson(accuracy: float, images: int) -> Interval:
    """The 95 % score interval of a share (Wilson 1927), which stays within 0 and 1 and holds near them too.

    Args:
        accuracy: the share that was right, 0 to 1.
        images: of how many, at least 1.

    Raises:
        ValueError: a number is out of range.
    """
    if not 0 <= accuracy <= 1 or images < 1:
        raise ValueError(f"accuracy: 0 to 1 on at least 1 image, got {accuracy} on {images}.")
    share = Z95 * Z95 / images
    centre = (accuracy + share / 2) / (1 + share)
    half = math.sqrt(share * (accuracy * (1 - accuracy) + share / 4)) / (1 + share)
    return Interval(
        low=max(0.0, min(accuracy, centre - half)), high=min(1.0, max(accuracy, centre + half)), images=images
    )


def interval_of(trial: Trial, metric: str = "accuracy") -> Interval | None:
    """The interval of one of a trial's validation accuracies; None where it or the n is not recorded."""
    value, images = trial.metric(metric), trial.metric("validation_images")
    return None if value is None or images is None else wilson(value, int(images))


def images_of(run: Run) -> int | None:
    """The number of validation images, None where no trial recorded it."""
    counts = (trial.metric("validation_images") for trial in run.trials)
    return next((int(count) for count in counts if count is not None), None)


def ranking(run: Run) -> tuple[Ranked, ...]:
    """Complete trials, best first: by the primary objective, then fewest MACs, then number.

    Trials with one address are one network: it stands there once, under the lowest number.
    """
    objective = primary(run.space)
    sign = -1 if objective.maximize else 1
    networks: dict[object, list[Trial]] = {}
    for trial in run.of(TrialState.complete):
        if trial.metric(objective.metric) is not None:
            networks.setdefault(trial.metrics.get("address") or trial.number, []).append(trial)
    rows = [(float(trials[0].metrics[objective.metric]), trials) for trials in networks.values()]
    rows.sort(key=lambda row: (sign * row[0], _cost(row[1][0], "macs"), row[1][0].number))
    return tuple(
        Ranked(
            place=place,
            trial=first,
            value=value,
            interval=interval_of(first, objective.metric) if objective.is_accuracy else None,
            twins=tuple(twin.number for twin in rest),
        )
        for place, (value, (first, *rest)) in enumerate(rows, 1)
    )


def best(run: Run) -> Choice | None:
    """THE rule: the cheapest network whose 95 % Wilson interval reaches the best value.

    Cheapest is fewest MACs, then fewest params, then the better value, then the lower number. Where no
    interval is known (no `validation_images`, an objective that is no accuracy) only equal values reach it.
    None where no trial is complete.
    """
    ranked = ranking(run)
    if not ranked:
        return None
    top = ranked[0]
    rivals = [row for row in ranked if row.value == top.value or _reaches(row.interval, top.value)]
    chosen = min(
        rivals,
        key=lambda row: (_cost(row.trial, "macs"), _cost(row.trial, "params"), row.place, row.trial.number),
    )
    return Choice(chosen=chosen, top=top, rivals=len(rivals), rule=_rule(run, top))


def baseline(run: Run) -> Baseline | None:
    """The most accurate unpruned network, of equal ones the uncut, then the lowest trial; None if unrecorded.

    All trials count, since each measures its network before the cut, infeasible ones too.
    """
    images = images_of(run)
    found = [
        Baseline(
            trial=trial.number,
            what=f"trial {trial.number} {what}",
            uncut=uncut,
            accuracy=accuracy,
            interval=None if images is None else wilson(accuracy, images),
            params=trial.metric(f"params{suffix}"),
            macs=trial.metric(f"macs{suffix}"),
        )
        for trial in run.trials
        for accuracy, what, uncut, suffix in (
            (
                trial.metric("accuracy_unpruned"),
                "after sparsity training, before its cut",
                False,
                "_unpruned",
            ),
            (trial.metric("accuracy") if _is_uncut(trial) else None, "without a cut", True, ""),
        )
        if accuracy is not None
    ]
    return max(found, key=lambda one: (one.accuracy, one.uncut, -one.trial), default=None)


def _is_uncut(trial: Trial) -> bool:
    return trial.state is TrialState.complete and trial.metric("percent_cut") == 0


def best_per_percent(run: Run, *, split: str | None = None) -> tuple[PercentBest, ...]:
    """The first of the ranking at every `prune.percent`, from the smallest; empty where percent is no number.

    Args:
        run: the records.
        split: a dotted key; then the best at every percent for each of its values.
    """
    found: dict[tuple[float, str | None], PercentBest] = {}
    for row in ranking(run):
        share = setting(run, row.trial, "prune.percent")
        if isinstance(share, bool) or not isinstance(share, int | float):
            continue
        group = None if split is None else str(setting(run, row.trial, split))
        found.setdefault((share, group), PercentBest(percent=share, group=group, best=row))
    return tuple(found[key] for key in sorted(found, key=lambda key: (key[0], key[1] or "")))


def setting(run: Run, trial: Trial, key: str) -> object:
    """One dotted setting as `trial` had it; None where the pipeline has none."""
    if key in trial.params:
        return trial.params[key]
    value: object = run.space
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _cost(trial: Trial, metric: str) -> float:
    """A count to be kept small; unknown is more than anything."""
    value = trial.metric(metric)
    return math.inf if value is None else value


def _reaches(interval: Interval | None, value: float) -> bool:
    return interval is not None and interval.high >= value


def _rule(run: Run, top: Ranked) -> str:
    objective = primary(run.space)
    if top.interval is not None:
        return (
            "The cheapest network (fewest MACs, then fewest params) among the complete trials whose 95 % "
            f"Wilson interval on {top.interval.images:,} validation images reaches the best "
            f"{_words(objective)}."
        )
    missing = ", since `validation_images` is not recorded" if objective.is_accuracy else ""
    return (
        f"The {'highest' if objective.maximize else 'lowest'} {_words(objective)} among the complete trials, "
        f"of equal ones the cheapest (fewest MACs, then fewest params); no interval is known{missing}."
    )


def _words(objective: Objective) -> str:
    return objective.metric.replace("_", " ")
