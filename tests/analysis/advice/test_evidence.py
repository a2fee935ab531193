"""Edges, parts of a range, and values that go."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.advice.evidence import best_values, edge, part, worse
from analysis.advice.knobs import Knob, knobs
from analysis.advice.outcomes import outcomes, with_refused
from analysis.records import Run

Sweep = Callable[..., Run]
RATE = {"finetune.lr": {"log_uniform": [0.001, 0.1]}}
EPOCHS = {"finetune.epochs": [4, 8, 12, 16], "finetune.weight_decay": {"uniform": [0.0, 0.1]}}
"""The decay only makes every point another one."""


def only(run: Run) -> Knob:
    return knobs(run.space)[0]


def rising(params: Mapping[str, Any], drawer: np.random.Generator) -> float:
    """The higher the better, of whatever is searched."""
    return float(np.clip(0.5 + 0.1 * math.log10(next(iter(params.values()))), 0, 1)) + 1e-4 * float(
        drawer.random()
    )


def noise(params: Mapping[str, Any], drawer: np.random.Generator) -> float:
    return float(drawer.random())


@pytest.mark.parametrize("search", [RATE, EPOCHS])
def test_the_best_points_lie_at_the_upper_edge(sweep: Sweep, search: dict[str, Any]) -> None:
    run = sweep(rising, trials=60, search=search)
    found = edge(only(run), outcomes(run)[0])
    assert found is not None
    assert found.side == "high"
    assert found.p < 0.001
    assert 2 * found.count >= found.of >= 15


def test_noise_has_no_edge_and_no_part(sweep: Sweep) -> None:
    for seed in range(10):
        run = sweep(noise, trials=60, seed=seed, search=RATE)
        assert edge(only(run), outcomes(run)[0]) is None
        assert part(only(run), outcomes(run)[0]) is None


def test_categories_have_no_edge(sweep: Sweep) -> None:
    run = sweep(noise, trials=30, search={"finetune.kd": ["none", "dist"]})
    assert edge(only(run), outcomes(run)[0]) is None


def test_an_edge_where_every_trial_lies_is_none(sweep: Sweep) -> None:
    run = sweep(noise, trials=30, search={"finetune.epochs": [4, 12]} | {"finetune.lr": RATE["finetune.lr"]})
    last = tuple(trial for trial in run.trials if trial.params["finetune.epochs"] == 12)
    assert edge(only(run), outcomes(replace(run, trials=last))[0]) is None


def test_the_part_of_the_best_points_has_a_margin(sweep: Sweep) -> None:
    run = sweep(lambda p, d: 1 - abs(math.log10(p["finetune.lr"]) + 2) / 9, trials=80, search=RATE)
    found = part(only(run), outcomes(run)[0])
    assert found is not None
    places = sorted(map(only(run).place, best_values(only(run), outcomes(run)[0])))
    assert found[0] < places[0] < 0.5 < places[-1] < found[1]
    assert found[1] - found[0] < 0.4


def test_values_that_are_rarely_among_the_best_go_only_where_the_knob_mattered(sweep: Sweep) -> None:
    run = sweep(rising, trials=80, search=EPOCHS)
    found = worse([only(run)], [True], with_refused(run))
    assert {one.value for one in found["finetune.epochs"]} == {4, 8, 12}
    assert worse([only(run)], [False], with_refused(run)) == {}


def test_a_value_that_is_always_refused_goes(sweep: Sweep) -> None:
    def refused(params: Mapping[str, Any], drawer: np.random.Generator) -> float:
        return math.inf if params["finetune.epochs"] == 8 else float(drawer.random())

    run = sweep(refused, trials=60, search=EPOCHS)
    (one,) = worse([only(run)], [False], with_refused(run))["finetune.epochs"]
    assert (one.value, one.best) == (8, 0)
    assert one.refused == one.trials >= 3


def test_no_value_goes_by_noise_but_rarely(sweep: Sweep) -> None:
    found = 0
    for seed in range(20):
        run = sweep(noise, trials=60, seed=seed, search=EPOCHS)
        found += bool(worse([only(run)], [True], with_refused(run)))
    assert found <= 3
