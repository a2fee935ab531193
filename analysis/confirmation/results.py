"""What confirming a search has shown, computed once: the order, the comparisons, the choice, the flattery.

Candidates are compared by test accuracy, which nothing was chosen on. Finalists are ordered, and one is chosen, by
validation accuracy on fresh seeds: the best of several by test accuracy would be flattered again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.confirmation.candidates import TEST, Candidate, candidates
from analysis.confirmation.compare import PAIRS, Comparison, compare_all, difference
from analysis.confirmation.records import ConfirmRun, asked_of, read_runs
from analysis.finalists import finalists
from analysis.grids.limit import BLIND
from analysis.records import Run
from analysis.select import Choice, primary
from analysis.significance import LEAST_SPREAD, Difference
from analysis.text import percent

ACCURACY = "accuracy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmation:
    """`finalists` in the order that they are confirmed in, `others`: the winner's baseline and twin.

    `winner` is what the search has recommended, `top` the finalist with the best mean validation accuracy,
    `chosen` the one to take; `changes` are finalists minus `top`, by validation accuracy, and what was chosen by.
    `comparisons` are all but the winner minus the winner, by test accuracy.
    """

    finalists: tuple[Candidate, ...]
    others: tuple[Candidate, ...]
    winner: Candidate
    top: Candidate
    chosen: Candidate
    changes: tuple[Comparison, ...]
    comparisons: tuple[Comparison, ...]
    flattered: Difference | None
    """The search's values of the finalists minus their means on fresh seeds; one number a finalist."""
    metric: str
    data: str
    seeds: int
    """Fresh seeds that are asked for."""
    runs: tuple[ConfirmRun, ...]
    """All in the file."""
    former: tuple[ConfirmRun, ...]
    """Those of no candidate: of former finalists, or trained on other data."""

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All, in the order of the tables."""
        return (*self.finalists, *self.others)

    @property
    def baseline(self) -> Candidate | None:
        """The winner's recipe without its cut."""
        return next((one for one in self.others if one.role == "baseline"), None)

    @property
    def ended(self) -> int:
        """Runs of candidates that have come to an end."""
        return sum(one.ended for one in self.candidates)

    @property
    def planned(self) -> int:
        """Runs of candidates that there will be."""
        return sum(max(one.ended, self.seeds) for one in self.candidates)

    @property
    def decides(self) -> bool:
        """Has all ended, so that the answer is the confirmation's? Of its choice there must be a spread."""
        return self.ended == self.planned and len(self.chosen.test) >= PAIRS

    @property
    def images(self) -> int | None:
        """Of the test set."""
        return next((int(n) for one in self.candidates if (n := one.mean("test_images")) is not None), None)

    def against_winner(self, candidate: Candidate) -> Comparison | None:
        """Its comparison by test accuracy; None of the winner."""
        return next((one for one in self.comparisons if one.candidate is candidate), None)


def confirmation(run: Run) -> Confirmation | None:
    """What `run` holds of a confirmation; None where none is asked for, or none has begun.

    Raises:
        ResultsError: the file is damaged.
    """
    asked = asked_of(run)
    runs = read_runs(run)
    rows = finalists(run, asked.top) if asked else ()
    if asked is None or not runs or not rows:
        return None
    objective = primary(run.space)
    metric = objective.metric if objective.is_accuracy else ACCURACY
    found = candidates(runs, rows, metric=metric, data=asked.data)
    return conclude(found, runs, metric=metric, data=asked.data, seeds=asked.seeds)


def conclude(
    found: Sequence[Candidate], runs: Sequence[ConfirmRun], *, metric: str, data: str, seeds: int
) -> Confirmation:
    """All that follows from the runs of the candidates, the winner first."""
    winner = found[0]
    rows = [one for one in found if one.role == "finalist"]
    others = tuple(one for one in found if one.role != "finalist")
    ordered = tuple(sorted(rows, key=lambda one: _last_if_none(one.mean(metric))))
    top = ordered[0]
    changes = compare_all(metric, [one for one in ordered if one is not top], top)
    compared = [one for one in (*ordered, *others) if one is not winner]
    used = {run.trial.number for one in found for run in one.runs}
    return Confirmation(
        finalists=ordered,
        others=others,
        winner=winner,
        top=top,
        chosen=_chosen(top, changes),
        changes=changes,
        comparisons=compare_all(TEST, compared, winner),
        flattered=difference([gap for one in rows if (gap := _gap(one)) is not None]),
        metric=metric,
        data=data,
        seeds=seeds,
        runs=tuple(runs),
        former=tuple(run for run in runs if run.trial.number not in used),
    )


def confirmed_choice(choice: Choice, found: Confirmation) -> Choice:
    """The search's choice, or the confirmation's where that decides."""
    if not found.decides or found.chosen.row is None or not found.chosen.validation:
        return choice
    return Choice(chosen=found.chosen.row, top=choice.top, rivals=choice.rivals, rule=rule(found))


def rule(found: Confirmation) -> str:
    """What was chosen by."""
    return (
        "The cheapest finalist (fewest MACs) that is not worse on fresh seeds than the most accurate one, "
        f"{found.top.name}: the paired 95 % t interval of their difference in {found.metric.replace('_', ' ')} "
        f"on the validation images reaches 0, and does not hide a loss of {percent(BLIND, 0)} points."
    )


def _chosen(top: Candidate, changes: Sequence[Comparison]) -> Candidate:
    """The cheapest of `top` and those that are level with it."""
    level = [top, *(one.candidate for one in changes if _is_level(one.change))]
    return min(level, key=lambda one: math.inf if (macs := one.mean("macs")) is None else macs)


def _is_level(change: Difference | None) -> bool:
    """Does its interval reach 0 without hiding a loss of `BLIND`? One pair says nothing; equal pairs are sure.

    Few seeds that scatter have an interval that reaches 0 from far below, which is no reason to take the cheaper.
    """
    if change is None or change.count < PAIRS:
        return False
    if change.low is None or change.high is None:
        return change.value >= -LEAST_SPREAD
    return change.low > -BLIND and change.high >= 0


def _gap(one: Candidate) -> float | None:
    confirmed = one.mean(one.metric)
    return None if one.searched is None or confirmed is None else one.searched - confirmed


def _last_if_none(value: float | None) -> float:
    return math.inf if value is None else -value
