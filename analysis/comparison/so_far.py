"""What a run had found after how many epochs: a step for every trial that ended, in the order of time.

The cost of a run is counted in unique student epochs: addresses (a state and the epoch that made it) in the curves of
all trials that have ended, whatever their state, each counted once. So sharing within a run is its merit, but what a
store held before, or another run left there, makes no run look cheaper; a kill and a faster machine change nothing
either. Work in flight counts when its trial ends: with w workers the count is behind by w − 1 trials at most.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.hypervolume import Reference, hypervolume
from analysis.records import Run, Trial, TrialState
from analysis.select import Objective

TRAINED = ("sparsity", "gradual", "finetune")
"""Stages whose records are epochs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A run once trial `trial` had ended, after `epochs` unique epochs.

    `best` is the best value of a complete trial so far, `leader` the number of the first that has it, `volume` the
    hypervolume of the complete ones; None before any, and `volume` where there is no reference.
    """

    trial: int
    epochs: int
    best: float | None
    leader: int | None
    volume: float | None


def steps(run: Run, objective: Objective, to: Reference | None) -> tuple[Step, ...]:
    """One of each ended trial. Stopped, infeasible and failed ones cost epochs and find nothing."""
    seen: set[object] = set()
    best: float | None = None
    leader: int | None = None
    gains: list[tuple[float, ...]] = []
    volume = 0.0
    found = []
    ended = [(trial.place, trial) for trial in run.trials if trial.place is not None]
    for _, trial in sorted(ended, key=lambda pair: pair[0]):
        seen |= _epochs(trial)
        if trial.state is TrialState.complete and (value := trial.metric(objective.metric)) is not None:
            if best is None or (value > best if objective.maximize else value < best):
                best, leader = value, trial.number
            gain = to.gains(trial) if to else None
            if gain is not None and not any(_covers(other, gain) for other in gains):
                gains = [*(other for other in gains if not _covers(gain, other)), gain]
                volume = hypervolume(gains)
        found.append(
            Step(
                trial=trial.number,
                epochs=len(seen),
                best=best,
                leader=leader,
                volume=None if to is None or best is None else volume,
            )
        )
    return tuple(found)


def at(found: Sequence[Step], epochs: int) -> Step | None:
    """The last step within so many epochs; None before the first one."""
    place = bisect_right(found, epochs, key=lambda step: step.epochs)
    return found[place - 1] if place else None


def _epochs(trial: Trial) -> set[object]:
    """The epochs of its curve; one without an address is like no other."""
    return {
        record.get("address") or (trial.number, place)
        for place, record in enumerate(trial.curve)
        if record.get("stage") in TRAINED
    }


def _covers(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True))
