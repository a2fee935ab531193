"""Which runs may be compared: those that ask one question of one split of one data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from analysis.comparison.methods import flat
from analysis.errors import InputError
from analysis.files import shown
from analysis.records import Run, TrialState
from analysis.select import images_of, objectives, primary
from analysis.text import plain, show

DATA = ("data.source", "data.path", "data.val_fraction", "data.split_seed")
"""Settings that decide which images networks are chosen by, beside `trained_on` of a stage."""


def check(runs: Sequence[Run]) -> None:
    """Refuse runs whose values are not like, and those that have none.

    Raises:
        InputError: a run is given twice, has no complete trial, or differs from the first in the objective, the
            constraints, the data set or its split.
    """
    if len(runs) < 2:
        raise InputError(f"compare: at least two runs, got {len(runs)}. Name another one.")
    for one, other in combinations(runs, 2):
        if one.path.resolve() == other.path.resolve():
            raise InputError(f"{shown(other.path)}: is given twice. Name it once.")
    for run in runs:
        metric = primary(run.space).metric
        if not any(trial.metric(metric) is not None for trial in run.of(TrialState.complete)):
            raise InputError(
                f"{shown(run.path)}: no complete trial with {plain(metric)}, so nothing to compare. Leave it out, or "
                f"let it go on: python -m sweeper resume {shown(run.path)}"
            )
    first = runs[0]
    for other in runs[1:]:
        for (name, value), (_, its) in zip(_question(first), _question(other), strict=True):
            if value != its:
                raise InputError(
                    f"{shown(other.path)}: {name}: runs that are compared agree in it, {plain(first.name)} has "
                    f"{value}, this one {its}. Compare runs of one question on one split."
                )


def _question(run: Run) -> Iterator[tuple[str, str]]:
    """What all runs must agree in, name → text."""
    asked = objectives(run.space)
    yield (
        "objective",
        ", ".join(f"{'maximize' if one.maximize else 'minimize'} {plain(one.metric)}" for one in asked),
    )
    bounds = run.space.get("constraints") or {}
    yield "constraints", ", ".join(f"{plain(key)} {plain(bounds[key])}" for key in sorted(bounds)) or "none"
    settings = flat(run.space)
    for key in DATA:
        yield key, plain(settings.get(key))
    seen = sorted(plain(value) for key, value in settings.items() if key.endswith(".trained_on"))
    yield "trained_on", ", ".join(seen) or "none"
    yield "validation images", show(images_of(run))
