"""Which trials advice rests on, and their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analysis.advice.outcomes import fronts, outcomes, with_refused
from analysis.records import Run, TrialState

Sweep = Callable[..., Run]


def test_trials_that_were_stopped_count_and_are_never_among_the_best(sweep: Sweep) -> None:
    scores = iter([0.9, -0.99, 0.8, -0.5, 0.7, 0.6, 0.5, 0.4])
    (found,) = outcomes(sweep(lambda p, d: next(scores), trials=8))
    assert found.ranks.tolist()[:3] == [0, 8, 1]
    assert found.top.tolist() == [True, False, True, False, False, False, False, False]


def test_what_is_known_before_the_last_stage_ranks_a_stopped_trial_like_all_others(sweep: Sweep) -> None:
    run = sweep(lambda p, d: -0.5, trials=4, objective={"minimize": "macs"})
    (found,) = outcomes(run)
    assert found.whole.all()
    assert found.ranks.tolist() == [0, 1, 2, 3]


def test_ties_with_the_last_of_the_best_are_among_them(sweep: Sweep) -> None:
    (found,) = outcomes(sweep(lambda p, d: 0.5, trials=8))
    assert found.top.all()


def test_several_objectives_have_a_ranking_by_fronts_too(sweep: Sweep) -> None:
    run = sweep(
        lambda p, d: float(d.random()), trials=12, objective={"maximize": "accuracy", "minimize": "macs"}
    )
    assert [one.name for one in outcomes(run)] == ["accuracy", "macs", "trade-off"]
    assert fronts(np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 3.0], [1.0, 3.0]])).tolist() == [0, 0, 1, 0]


def test_a_point_that_was_asked_twice_counts_once(sweep: Sweep) -> None:
    run = sweep(lambda p, d: 0.5, trials=3)
    twin = replace(run.trials[0], number=3, state=TrialState.stopped)
    (found,) = outcomes(replace(run, trials=(*run.trials, twin)))
    assert [trial.number for trial in found.trials] == [0, 1, 2]


def test_refused_trials_rank_behind_all_others(sweep: Sweep) -> None:
    scores = iter([0.9, float("inf"), 0.8])
    run = sweep(lambda p, d: next(scores), trials=3)
    assert len(outcomes(run)[0].trials) == 2
    found = with_refused(run)
    assert [trial.number for trial in found.trials] == [0, 2, 1]
    assert found.ranks.tolist() == [0, 1, 2]
    assert found.whole.tolist() == [True, True, False]


def test_a_run_without_results_has_empty_rankings(sweep: Sweep) -> None:
    (found,) = outcomes(sweep(lambda p, d: 0.5, trials=0))
    assert not len(found.ranks)
    assert not found.top.any()
