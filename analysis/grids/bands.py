"""Accuracy against finetuning epochs, with and without distillation, over seeds: from the recorded curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from analysis.grids.cells import Cell, Cut, Settings
from analysis.grids.contrast import Contrast, Row
from analysis.records import Trial
from analysis.significance import mean

LINES = 6
"""The most lines of one panel; of more only the most accurate surroundings are kept."""
SHOWN = 6
"""The most epochs of the table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """The validation accuracy of one cell after each of its finetuning `epochs`: mean, lowest, highest."""

    cut: Cut
    level: str
    context: Settings
    epochs: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: int
    plateaus: tuple[int, ...]
    """Last epochs before the rate drops, and the last one."""

    def at(self, epoch: int) -> float | None:
        """The mean after `epoch`; None where it was not that long."""
        return self.mean[self.epochs.index(epoch)] if epoch in self.epochs else None


def bands(found: Contrast) -> tuple[Band, ...]:
    """A band for every cell of a contrast of finetuning, by cut, surroundings and level.

    Where the surroundings (the settings that are not contrasted) of a cut are too many for a panel, those of the
    highest mean accuracy are kept.
    """
    rows: dict[Cut, list[Row]] = {}
    for row in found.rows:
        rows.setdefault(row.cut, []).append(row)
    most = max(1, LINES // len(found.levels))
    for cut, group in rows.items():
        best = sorted(group, key=lambda row: mean([cell.mean for cell in row.cells.values()]), reverse=True)[
            :most
        ]
        rows[cut] = [row for row in group if any(row is one for one in best)]
    made = [
        _band(row.cells[level], level, row.context)
        for group in rows.values()
        for row in group
        for level in found.levels
        if level in row.cells
    ]
    return tuple(band for band in made if band is not None)


def few_epochs(found: Sequence[Band]) -> tuple[int, ...]:
    """At most `SHOWN` epochs to be tabled: the first, the ends of plateaus and the last."""
    every = sorted({1, *(epoch for band in found for epoch in band.plateaus)})
    if len(every) <= SHOWN:
        return tuple(every)
    step = (len(every) - 1) / (SHOWN - 1)
    return tuple(every[round(place * step)] for place in range(SHOWN))


def _band(cell: Cell, level: str, context: Settings) -> Band | None:
    """None where no epoch is recorded of all networks of the cell."""
    curves = [_curve(network.trial) for network in cell.networks]
    epochs = sorted(set.intersection(*(set(curve) for curve in curves)))
    if not epochs:
        return None
    columns = [[curve[epoch][0] for curve in curves] for epoch in epochs]
    rates = {epoch: curves[0][epoch][1] for epoch in epochs}
    drops = [one for one, then in pairwise(epochs) if (rates[one] or 0) > (rates[then] or 0)]
    return Band(
        cut=cell.cut,
        level=level,
        context=context,
        epochs=tuple(epochs),
        mean=tuple(mean(column) for column in columns),
        low=tuple(min(column) for column in columns),
        high=tuple(max(column) for column in columns),
        n=cell.n,
        plateaus=(*drops, epochs[-1]),
    )


def _curve(trial: Trial) -> dict[int, tuple[float, float | None]]:
    """Finetuning epoch → accuracy and rate."""
    return {
        int(record["epoch"]): (float(record["accuracy"]), record.get("lr"))
        for record in trial.curve
        if record.get("stage") == "finetune" and record.get("accuracy") is not None
    }
