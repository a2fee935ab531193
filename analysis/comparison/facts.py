"""A comparison for scripts: fractions and counts, plain JSON types."""

from __future__ import annotations

from typing import Any

from analysis.comparison.results import Against, Compared, Entry, counts
from analysis.comparison.so_far import at
from analysis.comparison.tables import sampler
from analysis.files import shown
from analysis.hypervolume import Reference


def comparison_facts(found: Compared) -> dict[str, Any]:
    """Everything but the curves, which are in curves.csv."""
    to = found.to
    return {
        "epochs": found.epochs,
        "objectives": [{"metric": one.metric, "maximize": one.maximize} for one in found.objectives],
        "reference": to.words() if isinstance(to, Reference) else None,
        "runs": [_entry(entry, found) for entry in found.entries],
        "methods": [
            {"name": method.name, "runs": [entry.label for entry in method.entries]}
            for method in found.methods
        ],
        "settings": {key: list(values) for key, values in found.differing.items()},
        "comparisons": [_pair(pair) for pair in found.pairs],
    }


def _entry(entry: Entry, found: Compared) -> dict[str, Any]:
    values = {
        measure.field: {
            "at_equal_epochs": measure.of(at(entry.steps, found.epochs)),
            "at_end": measure.of(entry.last),
        }
        for measure in found.measures
    }
    return {
        "run": entry.label,
        "path": shown(entry.run.path),
        "method": entry.method,
        "sampler": sampler(entry),
        "seed": entry.seeds[0],
        "sweep_seed": entry.seeds[1],
        "status": entry.run.manifest.get("status"),
        "trials": counts(entry.run),
        "epochs": entry.epochs,
        "best_trial": entry.last.leader,
        **values,
    }


def _pair(pair: Against) -> dict[str, Any]:
    change = pair.tested.change
    return {
        "one": pair.one.name,
        "other": pair.other.name,
        "measure": pair.measure.field,
        "seeds": change.count if change else 0,
        "change": change.value if change else None,
        "interval": [change.low, change.high] if change and change.low is not None else None,
        "visible": change.visible if change else None,
        "p": pair.tested.p,
        "verdict": pair.tested.verdict,
    }
