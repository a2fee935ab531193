"""Synthetic sweeps with curves: every trial shares its sparsity training with the others, and finetunes by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

SPACE = """\
name: {name}
seed: {seed}
data: {{source: digits, val_fraction: 0.2, split_seed: 0, batch_size: 64}}
model: preresnet8x4
sparsity: {{s: 1e-2, epochs: 4}}
prune: {{percent: 0.5}}
finetune: {{epochs: 6}}
search: {{prune.percent: [0.3, 0.5, 0.7]}}
objective: {objective}
constraints: {constraints}
sweep: {{trials: {trials}, seed: {seed}, sampler: {sampler}}}
"""
ONE, TWO = "{maximize: accuracy}", "{maximize: accuracy, minimize: macs}"
Trial = tuple[float, str] | float


def epochs(run: str, number: int, *, finetune: int = 6, reused: bool = False) -> list[dict[str, Any]]:
    """The curve of a trial: four shared epochs, the cut, epochs of its own."""
    shared = [
        {"stage": "sparsity", "epoch": e, "address": f"{run}-s{e}", "reused": number > 0 or reused}
        for e in range(1, 5)
    ]
    cut = {"stage": "prune", "epoch": 0, "accuracy": 0.2, "address": f"{run}-cut{number}"}
    own = [
        {"stage": "finetune", "epoch": e, "address": f"{run}-{number}-{e}", "reused": reused}
        for e in range(1, finetune + 1)
    ]
    return [*shared, cut, *own]


@pytest.fixture
def make_sweep(make_run: Callable[..., Path], ending: Callable[..., Any]) -> Callable[..., Path]:
    """A function (name, values) -> a run folder whose trials have 10 epochs each, 4 of them shared.

    Each value is an accuracy, or a pair with a state other than complete.
    """

    def make(
        name: str,
        values: Sequence[Trial],
        *,
        sampler: str = "tpe",
        seed: int = 0,
        objective: str = ONE,
        constraints: str = "{}",
        space: Callable[[str], str] = str,
        status: str = "done",
        reused: bool = False,
        **measured: Any,
    ) -> Path:
        text = SPACE.format(
            name=name,
            seed=seed,
            sampler=sampler,
            trials=len(values),
            objective=objective,
            constraints=constraints,
        )
        events = []
        for number, value in enumerate(values):
            accuracy, state = value if isinstance(value, tuple) else (value, "complete")
            percent = (0.3, 0.5, 0.7)[number % 3]
            found = {"accuracy": accuracy, "validation_images": 287, "address": f"{name}-{number}"}
            found |= {
                "macs": round(1e6 * (1 - percent)),
                "macs_unpruned": 1_000_000,
                "params": 10,
                **measured,
            }
            if state in ("failed", "infeasible"):
                found = {"macs": 900_000, "macs_unpruned": 1_000_000}
            curve = epochs(name, number, finetune={"complete": 6, "stopped": 3}.get(state, 0), reused=reused)
            events += ending(number, state, {"prune.percent": percent}, found, curve=curve)
        return make_run(events, name=name, space=space(text), status=status)

    return make


@pytest.fixture
def four(make_sweep: Callable[..., Path]) -> list[Path]:
    """Two methods on seeds 0 and 1: tpe is better by 2 and 4 points at the end."""
    return [
        make_sweep("tpe-0", [0.80, 0.90, 0.96], seed=0),
        make_sweep("tpe-1", [0.82, 0.94, 0.95], seed=1),
        make_sweep("random-0", [0.85, 0.80, 0.92], sampler="random", seed=0),
        make_sweep("random-1", [0.84, 0.86, 0.93], sampler="random", seed=1),
    ]
