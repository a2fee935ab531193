"""What becomes of a knob, from records to words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from analysis.advice.advise import advise
from analysis.advice.importance import Importance
from analysis.advice.knobs import knobs
from analysis.advice.moves import Move, move
from analysis.advice.outcomes import outcomes
from analysis.records import Run

Sweep = Callable[..., Run]


def of(run: Run, key: str) -> Move:
    advice = advise(run)
    assert advice is not None
    return next(one for one in advice.moves if one.knob.key == key)


def by(key: str, *, peak: float = math.inf, noise: float = 0.01) -> Callable[..., float]:
    """Accuracy falls with the distance to `peak` on a log scale, of one knob; all others do nothing."""

    def score(params: Mapping[str, Any], drawer: np.random.Generator) -> float:
        where = math.log10(params[key]) - (math.log10(peak) if math.isfinite(peak) else 3)
        return 0.9 - 0.05 * abs(where) + noise * float(drawer.standard_normal())

    return score


def test_a_list_whose_best_lie_at_its_end_is_widened_by_one_step(sweep: Sweep) -> None:
    found = of(sweep(by("finetune.epochs", noise=0.002), trials=100), "finetune.epochs")
    assert found.values is not None
    assert found.values[-1] == 16
    assert found.words("epochs").endswith("widen epochs beyond 12")
    assert "drop epochs 4" in found.words("epochs")


def test_a_range_moves_where_its_best_points_lie(sweep: Sweep) -> None:
    found = of(sweep(by("finetune.lr", peak=0.01, noise=0.005), trials=100), "finetune.lr")
    assert found.ends is not None
    assert 0.001 < found.ends[0] < 0.01 < found.ends[1] < 0.1
    assert found.words("lr").startswith("narrow lr to 0.00")
    found = of(sweep(by("finetune.lr", noise=0.002), trials=100), "finetune.lr")
    assert found.ends is not None
    assert found.ends[1] > 0.1
    assert found.words("lr").startswith("move lr to")


def test_a_category_that_is_never_among_the_best_goes(sweep: Sweep) -> None:
    run = sweep(lambda p, d: 0.9 - 0.05 * (p["finetune.kd"] == "none") + 0.01 * float(d.random()))
    found = of(run, "finetune.kd")
    assert found.value == ("dist",)
    assert found.words("kd") == "fix kd at dist"
    assert "too few for chance" in found.why[0]


def test_a_lighter_cut_is_no_reason_to_widen(sweep: Sweep) -> None:
    search = {"prune.percent": [0.5, 0.6, 0.7, 0.8]}
    run = sweep(lambda p, d: 1 - p["prune.percent"] + 0.01 * float(d.random()), search=search)
    found = of(run, "prune.percent")
    assert found.values is None or min(found.values) == 0.5
    assert "widen" not in found.words("percent")


def test_seeds_are_left_alone_whatever_they_did(sweep: Sweep) -> None:
    run = sweep(lambda p, d: 0.5 + 0.1 * p["seed"], search={"seed": [0, 1, 2]})
    assert not of(run, "seed").changes


def test_few_trials_change_nothing(sweep: Sweep) -> None:
    advice = advise(sweep(by("finetune.lr"), trials=12))
    assert advice is not None
    assert not advice.decides
    assert advice.space is None
    assert not any(one.changes for one in advice.moves)


def test_a_run_without_a_search_has_no_advice(sweep: Sweep) -> None:
    run = sweep(by("finetune.lr"), trials=3)
    space = {key: value for key, value in run.space.items() if key != "search"}
    assert advise(replace(run, space=space)) is None


def test_a_knob_that_surely_did_not_matter_is_fixed_at_its_cheapest(sweep: Sweep) -> None:
    run = sweep(by("finetune.lr", peak=0.01), trials=40)
    outcome = outcomes(run)[0]
    common = {"by": "accuracy", "value": 0.001, "low": 0.0, "high": 0.02, "chance": 0.01}
    fixed = {}
    for knob in knobs(run.space):
        found = Importance(key=knob.key, p=0.8, holm=1.0, trials=200, **common)
        assert found.verdict == "not"
        fixed[knob.key] = move(knob, outcome, (found,), (), space=run.space, keep=())
    assert fixed["finetune.epochs"].value == (4,)
    assert fixed["finetune.kd"].value == ("none",)
    best = outcome.trials[int(outcome.ranks.argmin())].params
    assert fixed["sparsity.s"].value == (best["sparsity.s"],)
    assert "at most 2.0 %" in fixed["finetune.epochs"].why[0]


def test_the_best_networks_values_stay_whatever_is_said_of_them(sweep: Sweep) -> None:
    for seed in range(8):
        run = sweep(by("finetune.epochs", noise=0.01), trials=60, seed=seed)
        best = max(run.trials, key=lambda trial: trial.metrics["accuracy"])
        advice = advise(run)
        assert advice is not None
        for one in advice.moves:
            value = best.params.get(one.knob.key)
            if value is not None and one.values is not None:
                assert value in one.values
