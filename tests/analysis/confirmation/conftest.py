"""A run whose search has ended, and what its confirmation may have written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SPACE = """\
search: {prune.percent: [0.3, 0.5, 0.7]}
objective: {maximize: accuracy}
confirm: {top: 3, seeds: 5, data: DATA}
"""
MACS = {1: 5e6, 2: 3e6, 0: 7e6}
Scores = dict[tuple[str, int], list[tuple[float | None, float]]]
"""(role, of) -> (validation, test accuracy) on seeds 1, 2, ..."""


@pytest.fixture
def confirmed(
    make_run: Callable[..., Path], complete: Callable[..., list[dict[str, Any]]]
) -> Callable[..., Path]:
    """A function (scores, data, more events) -> the folder of a run with trials 0, 1 and 2."""

    def make(
        scores: Scores, *, data: str = "train", more: list[dict[str, Any]] | None = None, name: str = "c"
    ) -> Path:
        events: list[dict[str, Any]] = []
        for number, (accuracy, percent) in enumerate([(0.95, 0.3), (0.955, 0.5), (0.952, 0.7)]):
            events += complete(number, accuracy, percent, macs=MACS[number])
        folder = make_run(events, name=name, space=SPACE.replace("DATA", data))
        lines, number = list(more or []), 0
        for (role, of), runs in scores.items():
            for seed, (validation, test) in enumerate(runs, 1):
                about = {"trial": number, "role": role, "of": of, "seed": seed, "data": data}
                metrics = {
                    "test_accuracy": test,
                    "test_images": 360,
                    "macs": MACS[of] * (3 if role == "baseline" else 1),
                }
                metrics |= {"params": 1000} | ({} if validation is None else {"accuracy": validation})
                lines.append({"event": "asked", **about, "params": {}})
                lines.append(
                    {
                        "event": "end",
                        **about,
                        "state": "complete",
                        "metrics": metrics,
                        "reason": None,
                        "curve": [],
                    }
                )
                number += 1
        (folder / "confirm.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return folder

    return make
