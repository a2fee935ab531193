"""Synthetic sweeps whose accuracy is a known function of the knobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.advice.knobs import Knob, knobs
from analysis.records import Run, Trial, TrialState

Score = Callable[[Mapping[str, Any], np.random.Generator], float]

BASE: dict[str, Any] = {
    "name": "tiny",
    "seed": 0,
    "data": {"source": "digits", "val_fraction": 0.2, "split_seed": 0, "batch_size": 64},
    "model": "preresnet8x4",
    "teacher": {"model": "resnet14x4", "epochs": 8},
    "sparsity": {"s": 0.01, "epochs": 12},
    "prune": {"percent": 0.5},
    "finetune": {"epochs": 8, "lr": 0.02},
    "objective": {"maximize": "accuracy"},
    "sweep": {"trials": 40, "seed": 3, "sampler": "random"},
}
"""A whole space but for what is searched."""
SEARCH: dict[str, Any] = {
    "finetune.lr": {"log_uniform": [0.001, 0.1]},
    "sparsity.s": {"log_uniform": [1e-3, 3e-2], "points": 4},
    "finetune.epochs": [4, 8, 12],
    "finetune.kd": ["none", "dist"],
    "finetune.kd_weight": {"choice": [0.5, 1, 2], "when": {"finetune.kd": "dist"}},
}


def drawn(found: tuple[Knob, ...], drawer: np.random.Generator) -> dict[str, Any]:
    """A random point; conditions stand behind what they name."""
    params: dict[str, Any] = {}
    for knob in found:
        if any(params.get(key) not in values for key, values in knob.when.items()):
            continue
        if knob.values is not None:
            params[knob.key] = knob.values[drawer.integers(len(knob.values))]
        else:
            value = knob.at(float(drawer.random()))
            params[knob.key] = round(value) if knob.integer else value
    return params


def make_sweep(
    score: Score,
    *,
    trials: int = 100,
    seed: int = 0,
    search: Mapping[str, Any] = SEARCH,
    **sections: Any,
) -> Run:
    """A run of random points; a score below 0 is a trial that was stopped at its negative, None one that is infeasible."""
    space, drawer = BASE | {"search": dict(search)} | sections, np.random.default_rng(seed)
    found, made = knobs(space), []
    for number in range(trials):
        params = drawn(found, drawer)
        value = score(params, drawer)
        metrics = {"accuracy": abs(value), "macs": 1000 + number, "validation_images": 1_000_000}
        state = TrialState.stopped if value < 0 else TrialState.complete
        if value == float("inf"):
            state, metrics = TrialState.infeasible, {"macs": 5000}
        made.append(Trial(number=number, state=state, params=params, metrics=metrics))
    return Run(
        path=Path("runs/tiny"),
        name="tiny",
        manifest={"status": "done"},
        space=space,
        trials=tuple(made),
        torn=False,
    )


@pytest.fixture(scope="session")
def sweep() -> Callable[..., Run]:
    """The function `make_sweep`."""
    return make_sweep
