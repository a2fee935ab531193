"""Importances: the right knob is found, noise is not, and a second implementation agrees."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator

from analysis.advice import importance
from analysis.advice.importance import importances
from analysis.advice.knobs import knobs
from analysis.advice.outcomes import BEST, outcomes
from analysis.advice.parzen import densities, divergence
from analysis.records import Run

Sweep = Callable[..., Run]


def peak(params: Mapping[str, Any], drawer: np.random.Generator) -> float:
    """Only the rate matters, at 0.01 best."""
    return 0.9 - 0.05 * abs(math.log10(params["finetune.lr"]) + 2) + 0.005 * float(drawer.standard_normal())


def named(run: Run) -> dict[str, str]:
    found = importances(knobs(run.space), outcomes(run)[0])
    return {one.key: one.verdict for one in found}


def test_the_knob_that_matters_is_found_and_no_other(sweep: Sweep) -> None:
    for seed in range(5):
        verdicts = named(sweep(peak, trials=80, seed=seed))
        assert verdicts.pop("finetune.lr") == "mattered"
        assert "mattered" not in verdicts.values()


def test_noise_names_a_knob_in_few_runs(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "DRAWS", 300)
    noise = [sweep(lambda p, d: float(d.random()), trials=50, seed=seed) for seed in range(40)]
    wrong = sum("mattered" in named(run).values() for run in noise)
    assert wrong <= 5  # 2 are expected; more than 5 of 40 would be at 5 % with a probability of 1.4 %


def test_a_conditional_knob_is_judged_where_it_is_active(sweep: Sweep) -> None:
    def score(params: Mapping[str, Any], drawer: np.random.Generator) -> float:
        weight = params.get("finetune.kd_weight", 1)
        return 0.9 - 0.02 * abs(math.log2(weight)) + 0.001 * float(drawer.random())

    run = sweep(score, trials=120)
    found = {one.key: one for one in importances(knobs(run.space), outcomes(run)[0])}
    weight = found["finetune.kd_weight"]
    assert weight.verdict == "mattered"
    assert weight.trials == sum("finetune.kd_weight" in trial.params for trial in run.trials) < 80


def test_stopping_early_does_not_hide_the_knob_that_matters(sweep: Sweep) -> None:
    def stopped(params: Mapping[str, Any], drawer: np.random.Generator) -> float:
        value = peak(params, drawer)
        return value if value > 0.88 else -value

    run = sweep(stopped, trials=80)
    assert sum(trial.state.value == "stopped" for trial in run.trials) > 30
    assert named(run)["finetune.lr"] == "mattered"


def test_few_trials_and_equal_ones_say_nothing(sweep: Sweep) -> None:
    run = sweep(peak, trials=importance.LEAST - 1)
    assert importances(knobs(run.space), outcomes(run)[0]) == ()
    run = sweep(lambda p, d: 0.5, trials=40)
    assert importances(knobs(run.space), outcomes(run)[0]) == ()


def test_equal_records_give_equal_numbers(sweep: Sweep) -> None:
    run = sweep(peak, trials=40)
    assert importances(knobs(run.space), outcomes(run)[0]) == importances(knobs(run.space), outcomes(run)[0])


def test_the_interval_holds_the_estimate_and_the_estimate_is_a_share(sweep: Sweep) -> None:
    run = sweep(peak, trials=60)
    for one in importances(knobs(run.space), outcomes(run)[0]):
        assert 0 <= one.low <= one.value <= one.high
        assert one.value <= 1
        assert 0 < one.p <= one.holm <= 1


def test_it_agrees_with_optuna(sweep: Sweep) -> None:
    """Ranges, ordered lists and conditional knobs to nine digits; categories Optuna smooths more, so draws lower."""
    run = sweep(
        lambda p, d: peak(p, d) - 0.02 * (p["finetune.kd"] == "none"),
        trials=60,
        seed=1,
    )
    found = knobs(run.space)
    kinds = {
        "range": lambda knob: FloatDistribution(knob.low, knob.high, log=knob.log),
        "steps": lambda knob: IntDistribution(0, len(knob.values) - 1),
        "categories": lambda knob: CategoricalDistribution(knob.values),
    }
    spread = {knob.key: kinds[knob.kind](knob) for knob in found}
    by_key = {knob.key: knob for knob in found}
    study = optuna.create_study(direction="maximize")
    for trial in run.trials:
        params = {
            key: by_key[key].cell(value) if by_key[key].kind == "steps" else value
            for key, value in trial.params.items()
        }
        own = {key: spread[key] for key in params}
        value = trial.metrics["accuracy"]
        study.add_trial(optuna.trial.create_trial(params=params, distributions=own, value=value))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = PedAnovaImportanceEvaluator(target_quantile=BEST).evaluate(study)
    for one in importances(found, outcomes(run)[0]):
        other = theirs[one.key] / (BEST * (1 - BEST))
        if by_key[one.key].kind == "categories":
            assert 0.2 * one.value < other <= one.value
        else:
            assert one.value == pytest.approx(other, rel=1e-6, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=12), st.booleans())
def test_a_density_has_the_sum_one_and_no_hole(counts: list[int], smooth: bool) -> None:
    found = densities(np.array([counts], float), smooth=smooth)
    assert found.sum() == pytest.approx(1)
    assert (found > 0).all()
    assert divergence(found, found)[0] == 0
