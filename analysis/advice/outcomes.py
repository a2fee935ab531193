"""Which trials advice rests on, and how they rank.

Complete trials rank by their value. Those that were stopped early count too: each was worse at a rung than enough of
its peers, so all that is said is that it is behind every complete one, never among the best. To leave them out would
hide what early stopping has found: what is left has been filtered, and a knob whose bad half never survives would
look as if it did nothing. Metrics that are known before the last stage (`EARLY`) rank them by their value like all
others. Where trials are compared in groups (`compare_within`) one that was stopped may have been better than a complete
one of another group; since every group loses about the same share, that shifts importances little, and towards 0.
Failed trials say nothing. Infeasible ones were refused for what they cost, before an accuracy was known: they rank
behind all where values are dropped, and are left out of importances. A point that was asked twice counts once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.records import Run, Trial, TrialState
from analysis.select import Objective, objectives

EARLY = ("accuracy_pruned", "accuracy_unpruned", "macs", "params", "percent_cut")
"""Metrics that a trial has before its last stage, whether it was stopped or not."""
BEST = 0.25
"""The share of the trials that is called the best: the paper's γ'. Of 20 trials it leaves 5, Optuna's least."""
JOINT = "trade-off"
"""The name of the ranking by all objectives: fronts, the non-dominated ones first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """n trials and their `ranks` (n whole numbers, 0 is best, equal ones tie); `whole`: may it be among the best?"""

    name: str
    trials: tuple[Trial, ...]
    ranks: NDArray[np.int64]
    whole: NDArray[np.bool_]

    @property
    def top(self) -> NDArray[np.bool_]:
        """The best `BEST` of all, as n truth values; what ties with the last of them is among them."""
        once = np.ones((1, len(self.ranks)), np.int64)
        return np.asarray(top_of(self.ranks, self.whole, once)[0])


def top_of(
    ranks: NDArray[np.int64], whole: NDArray[np.bool_], weights: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """The best `BEST` of n trials of which each counts `weights` times: B × n weights, B × n truth values."""
    if not len(ranks):
        return np.zeros(weights.shape, bool)
    order = np.argsort(ranks, kind="stable")
    running = np.cumsum(weights[:, order], axis=1)
    need = np.ceil(BEST * running[:, -1:] - 1e-9)
    last = ranks[order][np.argmax(running >= need, axis=1)]
    return np.asarray((ranks <= last[:, None]) & whole)


def outcomes(run: Run) -> tuple[Outcome, ...]:
    """One of every objective of the space, in its order; of several also `JOINT`, the last."""
    trials = _distinct(run.of(TrialState.complete, TrialState.stopped))
    asked = objectives(run.space)
    found = [_by(one.metric, [one], trials) for one in asked]
    return (*found, _by(JOINT, asked, trials)) if len(asked) > 1 else tuple(found)


def with_refused(run: Run) -> Outcome:
    """The last of `outcomes`, with the trials that broke a constraint behind all others."""
    found, refused = outcomes(run)[-1], _distinct(run.of(TrialState.infeasible))
    last = (found.ranks.max() if len(found.ranks) else 0) + 1
    return Outcome(
        name=found.name,
        trials=(*found.trials, *refused),
        ranks=np.concatenate([found.ranks, np.full(len(refused), last, np.int64)]),
        whole=np.concatenate([found.whole, np.zeros(len(refused), bool)]),
    )


def _by(name: str, asked: Sequence[Objective], trials: Sequence[Trial]) -> Outcome:
    """The ranking by some objectives: by the value of one, by fronts of several."""
    known: list[tuple[Trial, list[float] | None]] = []
    for trial in trials:
        given = [_value(trial, one) for one in asked]
        values = [value for value in given if value is not None]
        if len(values) == len(given):
            known.append((trial, values))
        elif trial.state is TrialState.stopped:
            known.append((trial, None))
    measured = np.array([values for _, values in known if values is not None]).reshape(-1, len(asked))
    ranks = np.empty(len(known), np.int64)
    whole = np.array([values is not None for _, values in known], bool)
    ranks[whole] = fronts(measured)
    ranks[~whole] = len(known)
    return Outcome(name=name, trials=tuple(trial for trial, _ in known), ranks=ranks, whole=whole)


def _value(trial: Trial, objective: Objective) -> float | None:
    """The number to be kept small; None where the trial was stopped before it had its own."""
    value = trial.metric(objective.metric)
    if value is None or (trial.state is TrialState.stopped and objective.metric not in EARLY):
        return None
    return -value if objective.maximize else value


def fronts(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of the front of each of n points × d numbers to be kept small; of one number its dense rank."""
    if values.shape[1] == 1:
        return np.unique(values[:, 0], return_inverse=True)[1].reshape(-1)
    at_most = np.asarray((values[:, None, :] <= values[None, :, :]).all(axis=2))
    dominates: NDArray[np.bool_] = at_most & ~at_most.T
    ranks, number = np.full(len(values), -1, np.int64), 0
    while (ranks < 0).any():
        left = ranks < 0
        ranks[left & ~np.asarray(dominates[left]).any(axis=0)] = number
        number += 1
    return ranks


def _distinct(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """The first trial of every point, by number; a complete one before one that was stopped."""
    first: dict[str, Trial] = {}
    for trial in sorted(trials, key=lambda one: (one.state is not TrialState.complete, one.number)):
        point = json.dumps([trial.params, trial.settings], sort_keys=True, default=str)
        first.setdefault(point, trial)
    return tuple(sorted(first.values(), key=lambda trial: trial.number))
