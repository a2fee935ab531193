"""A confirmation for scripts: plain JSON, fractions and counts."""

from __future__ import annotations

from typing import Any

from analysis.confirmation.candidates import TEST, Candidate
from analysis.confirmation.compare import Comparison
from analysis.confirmation.results import Confirmation
from analysis.significance import Difference, sd


def confirmation_facts(found: Confirmation) -> dict[str, Any]:
    """What `analysis report --json` says under `confirmation`; `decides`: the answer is the confirmation's."""
    return {
        "data": found.data,
        "ended": found.ended,
        "planned": found.planned,
        "decides": found.decides,
        "winner": found.winner.of,
        "recommended": found.chosen.of if found.decides else None,
        "candidates": [_candidate(one) for one in found.candidates],
        "comparisons": [_comparison(one) for one in found.comparisons],
        "flattered": _difference(found.flattered),
        "former": sorted({run.of for run in found.former}),
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "role": one.role,
        "trial": one.of,
        "test_accuracy": {str(seed): value for seed, value in one.test.items()},
        "test_accuracy_mean": one.mean(TEST),
        "test_accuracy_sd": sd(list(one.test.values())),
        "validation_mean": one.mean(one.metric),
        "searched": one.searched,
        "params": one.mean("params"),
        "macs": one.mean("macs"),
        "failed": [{"seed": run.seed, "reason": run.trial.reason} for run in one.failed],
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    about = {"role": one.candidate.role, "trial": one.candidate.of, "change": _difference(one.change)}
    return about | {"p": one.p, "verdict": one.verdict}


def _difference(change: Difference | None) -> dict[str, Any] | None:
    """`visible`: the smallest difference that could have been seen."""
    if change is None:
        return None
    interval = None if change.low is None else [change.low, change.high]
    return {"mean": change.value, "interval": interval, "visible": change.visible, "count": change.count}
