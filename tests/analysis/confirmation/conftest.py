"""Confirmations without files: candidates from accuracies by seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count

import pytest

from analysis.confirmation.candidates import Candidate
from analysis.confirmation.records import ConfirmRun
from analysis.confirmation.results import Confirmation, conclude
from analysis.records import Trial, TrialState
from analysis.select import Ranked

Scores = Mapping[int, float | None]
Given = tuple[str, int, Scores, Scores, float]
"""Role, trial of the search, seed → test accuracy (None: failed), seed → validation accuracy, MACs."""


def build(
    many: Sequence[Given], *, searched: float = 0.96, seeds: int = 3, data: str = "train"
) -> Confirmation:
    """What follows from candidates, the winner first."""
    numbers = count()
    found, runs = [], []
    for place, (role, of, test, validation, macs) in enumerate(many, 1):
        own = []
        for seed, score in test.items():
            measured = {
                "test_accuracy": score,
                "accuracy": validation.get(seed),
                "macs": macs,
                "params": macs / 10,
            }
            known = {key: value for key, value in measured.items() if value is not None}
            trial = Trial(
                number=next(numbers),
                state=TrialState.failed if score is None else TrialState.complete,
                params={},
                metrics={} if score is None else known | {"test_images": 360},
                reason="loss is nan" if score is None else None,
            )
            own.append(ConfirmRun(role=role, of=of, seed=seed, data=data, trial=trial))
        row = None
        if role == "finalist":
            of_search = Trial(number=of, state=TrialState.complete, params={}, metrics={"accuracy": searched})
            row = Ranked(place=place, trial=of_search, value=searched, interval=None, twins=())
        found.append(Candidate(role=role, of=of, row=row, metric="accuracy", runs=tuple(own)))
        runs += own
    return conclude(found, runs, metric="accuracy", data=data, seeds=seeds)


@pytest.fixture(scope="session")
def concluded() -> Callable[..., Confirmation]:
    """The function `build`."""
    return build
