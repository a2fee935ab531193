"""Trials as a CSV file: one row each, whatever their state, every digit."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from analysis.records import Trial
from analysis.text import cell

COSTS = ("epochs_trained", "epochs_reused", "teacher_epochs_trained", "seconds")


def to_csv(
    trials: Sequence[Trial],
    keys: Sequence[str],
    *,
    first: str = "trial",
    about: Mapping[int, Mapping[str, object]] | None = None,
) -> str:
    """Params, metrics and costs; texts that a spreadsheet would take for a formula begin with a quote.

    Args:
        trials: a row each.
        keys: the params that have a column.
        first: the title of the column of the trials' numbers.
        about: number → more columns of that trial, in front; the same ones of all.
    """
    more = about or {}
    names = tuple(dict.fromkeys(name for one in more.values() for name in one))
    every = ((name, value) for trial in trials for name, value in trial.metrics.items())
    metrics = tuple(dict.fromkeys(name for name, value in every if not isinstance(value, dict | list)))
    titles = [f"metrics.{name}" if name in (*keys, *names) else name for name in metrics]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([first, *names, "state", *map(cell, (*keys, *titles)), *COSTS, "reason"])
    for trial in trials:
        told = more.get(trial.number, {})
        values: list[object] = [
            *(trial.params.get(key) for key in keys),
            *(trial.metrics.get(name) for name in metrics),
            *(getattr(trial, name) for name in COSTS),
            trial.reason,
        ]
        writer.writerow([trial.number, *map(told.get, names), trial.state.value, *map(cell, values)])
    return text.getvalue()
