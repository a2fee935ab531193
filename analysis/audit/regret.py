"""How much better the best stopped trial would have ended, by those that went on all the same: the audited."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.records import Run, Trial, TrialState
from analysis.select import Objective, objectives, primary

SURE = 0.95
"""Confidence of the upper bound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Regret:
    """What is known of the trials that a rung would stop.

    `stops` counts them, `audited` those of them that ended, `better` those of these that the best trials which were
    never stopped do not reach, `apart` those of `better` that are smaller than all of these. `value` is how much
    better the best audited trial is, in units of `objective`, 0 where none is; with several objectives, better than
    what is no worse in the others. `most` is the upper bound, at 95 %, of the share of stops that are like `better`.
    """

    stops: int
    audited: int
    better: int
    apart: int
    value: float
    trial: int | None
    objective: Objective
    most: float | None


def would_stop(trial: Trial) -> bool:
    """Did a rung stop the trial, or would it have?"""
    return any(rung.decision in ("stop", "audit") for rung in trial.rungs)


def regret(run: Run) -> Regret:
    """Compare the audited trials with the complete ones that no rung would have stopped."""
    first = primary(run.space)
    audited = [trial for trial in run.of(TrialState.complete, TrialState.infeasible) if trial.audited]
    kept = [trial for trial in run.of(TrialState.complete) if not trial.audited]
    excess = {
        trial.number: _excess(trial, kept, first, objectives(run.space))
        for trial in audited
        if trial.state is TrialState.complete and trial.metric(first.metric) is not None
    }
    better = {number: value for number, value in excess.items() if value > 0}
    measured = {number: value for number, value in better.items() if math.isfinite(value)}
    best = max(measured, key=lambda number: measured[number], default=None)
    return Regret(
        stops=sum(would_stop(trial) for trial in run.trials),
        audited=len(audited),
        better=len(better),
        apart=len(better) - len(measured),
        value=0.0 if best is None else measured[best],
        trial=best,
        objective=first,
        most=share_bound(len(better), len(audited)) if audited else None,
    )


def _excess(trial: Trial, kept: list[Trial], first: Objective, asked: tuple[Objective, ...]) -> float:
    """By how much a trial beats the best of `kept` that are no worse in every other objective; inf: there is none."""
    values = [
        _large(one, first)
        for one in kept
        if all(_large(one, other) >= _large(trial, other) for other in asked if other != first)
    ]
    return _large(trial, first) - max(values, default=-math.inf)


def _large(trial: Trial, objective: Objective) -> float:
    """A trial's value, large being good; unknown is worse than anything."""
    value = trial.metric(objective.metric)
    return -math.inf if value is None else value if objective.maximize else -value


def share_bound(count: int, of: int) -> float:
    """The upper bound, at 95 %, of a share of which `count` were seen among `of` (Clopper and Pearson 1934).

    Raises:
        ValueError: `of` is below 1, or `count` is not from 0 to `of`.
    """
    from scipy.special import betaincinv

    if not 0 <= count <= of or of < 1:
        raise ValueError(f"count: 0 to {of} of at least 1, got {count} of {of}.")
    return 1.0 if count == of else float(betaincinv(count + 1, of - count, SURE))
