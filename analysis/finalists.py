"""Which networks of a search are worth training again on fresh seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence

from analysis.evenly import spread_evenly
from analysis.pareto import dominates
from analysis.records import Run
from analysis.select import Objective, Ranked, best, objectives, ranking


def finalists(run: Run, top: int) -> tuple[Ranked, ...]:
    """At most `top` networks, the recommended one (`select.best`) first, the others in the order of the ranking.

    With one objective they are the best by it. With several they lie on the front, spread evenly from its most
    accurate end to the other. Trials that differ in nothing but `seed` are one, the best of them.

    Args:
        run: whose complete trials.
        top: at least 1.
    """
    choice = best(run)
    if choice is None:
        return ()
    asked = objectives(run.space)
    rows = _distinct(ranking(run))
    if len(asked) > 1:
        rows = [row for row in rows if not any(_dominates(other, row, asked) for other in rows)]
        rows = spread_evenly(rows, top)
    recommended = next((row for row in rows if _recipe(row) == _recipe(choice.chosen)), choice.chosen)
    others = [row for row in rows if row is not recommended]
    return (recommended, *others[: top - 1])


def _distinct(rows: Sequence[Ranked]) -> list[Ranked]:
    first: dict[str, Ranked] = {}
    for row in rows:
        first.setdefault(_recipe(row), row)
    return list(first.values())


def _recipe(row: Ranked) -> str:
    """A trial's settings without its seed."""
    settings = row.trial.settings if row.trial.settings is not None else row.trial.params
    return json.dumps({key: value for key, value in settings.items() if key != "seed"}, sort_keys=True)


def _dominates(one: Ranked, other: Ranked, asked: Sequence[Objective]) -> bool:
    """By the objectives that both have."""
    pairs = [
        (value, than) if objective.maximize else (-value, -than)
        for objective in asked
        if (value := one.trial.metric(objective.metric)) is not None
        and (than := other.trial.metric(objective.metric)) is not None
    ]
    return dominates([mine for mine, _ in pairs], [others for _, others in pairs])
