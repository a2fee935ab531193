"""Tables of comparisons: one thing varied, the largest cut without a loss, accuracy against epochs."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.grids.bands import Band, few_epochs
from analysis.grids.cells import Cell, Grid
from analysis.grids.contrast import Contrast
from analysis.grids.labels import kd_pair, kd_words, label
from analysis.grids.limit import Limit
from analysis.grids.words import bases, over, reach, resting, spread, starred
from analysis.significance import Difference
from analysis.tables import Table, label_of
from analysis.text import decimals, percent, plain, signed

TITLES = {
    "combinations": "distillation in sparsity training → in finetuning",
    "distillation-sparsity": "distillation in sparsity training",
    "distillation-finetune": "distillation in finetuning",
    "scratch": "inherited weights against training the pruned architecture from scratch",
    "methods": "pruning methods",
}


def levels_table(grid: Grid, found: Contrast, *, changes: bool = True) -> Table:
    """A row a cut (and other settings, where they vary), a column a level, then differences to the first one."""
    others = found.levels[1:]
    labels = label([row.context for row in found.rows], [row.cut for row in found.rows])
    named = labels.any
    counts = [cell.n for row in found.rows for cell in row.cells.values()]
    uneven = len(set(counts)) > 1
    every = [found.change(grid, row, level) for row in found.rows for level in others] if changes else []
    rows = []
    for row, told in zip(found.rows, labels.texts, strict=True):
        differences = [found.change(grid, row, level) for level in others] if changes else []
        rows.append(
            (
                row.cut.label,
                *((told,) if named else ()),
                *(_cell(row.cells.get(level), grid.images, uneven) for level in found.levels),
                *(text for one in differences for text in (starred(one), reach(one))),
            )
        )
    columns = tuple(name for level in others for name in (f"Δ {level}", "95 % interval")) if changes else ()
    return Table(
        caption=_levels_caption(grid, found, every, labels.usual if named else ""),
        label=label_of(grid.run, found.factor.name),
        header=("Percent (%)", *(("Settings",) if named else ()), *found.levels, *columns),
        rows=tuple(rows),
        align="l" + ("l" if named else "") + "r" * (len(found.levels) + len(columns)),
    )


def limit_table(grid: Grid, found: Sequence[Limit]) -> Table:
    """The largest percent of every recipe that is not below its unpruned network, and how sure that is."""
    labels = label([limit.settings for limit in found], [kd_pair(limit.settings) for limit in found])
    named = labels.any
    rows = tuple(
        (
            kd_words(limit.settings),
            *((text,) if named else ()),
            limit.holds.cut.label if limit.holds else "none",
            signed(limit.holds.change.value) if limit.holds else "–",
            reach(limit.holds.change) if limit.holds else "–",
            limit.below.cut.label if limit.below else "none",
            percent(limit.visible),
            "no" if limit.open else "yes",
            (limit.holds or limit.steps[0]).change.by,
        )
        for limit, text in zip(found, labels.texts, strict=True)
    )
    return Table(
        caption=(
            f"The largest percent of every recipe in {plain(grid.run)} up to which none is below the unpruned "
            f"network of the same recipe ({resting(grid)}): no 95 % interval of the difference ends under 0, and "
            "none is so wide that a loss of three points would not have been seen. Below from: the first whose "
            "interval ends under 0. It is decided where the intervals up to there begin at 0 or above; where not, "
            "a loss may be hidden: a difference smaller than the one under Could see could not have been seen. "
            "Intervals are paired t over seeds from three on, else Wilson's of the images, each by itself."
            + (f" Settings not named are {labels.usual}." if named and labels.usual else "")
        ),
        label=label_of(grid.run, "limit"),
        header=(
            "KD",
            *(("Settings",) if named else ()),
            "Not below up to (%)",
            "Δ there",
            "95 % interval",
            "Below from (%)",
            "Could see",
            "Decided",
            "By",
        ),
        rows=rows,
        align="l" + ("l" if named else "") + "rrrrrll",
    )


def epochs_table(grid: Grid, found: Sequence[Band]) -> Table:
    """Validation accuracy after a few finetuning epochs, a row a cut and a level of distillation."""
    epochs = few_epochs(found)
    labels = label([band.context for band in found], [(band.cut, band.level) for band in found])
    named = labels.any
    rows = tuple(
        (
            band.cut.label,
            *((text,) if named else ()),
            band.level,
            *(percent(band.at(epoch)) for epoch in epochs),
        )
        for band, text in zip(found, labels.texts, strict=True)
    )
    cuts = [band.cut for band in found]
    return Table(
        caption=(
            f"Validation accuracy (%) after finetuning epochs in {plain(grid.run)}: the first, the last before each "
            f"drop of the rate, and the last; {_mean_of([band.n for band in found])}. Within one training, not of "
            "separate ones."
        ),
        label=label_of(grid.run, "finetune-epochs"),
        header=(
            "Percent (%)",
            *(("Settings",) if named else ()),
            "KD",
            *(f"Epoch {epoch}" for epoch in epochs),
        ),
        rows=rows,
        align="l" + ("l" if named else "") + "l" + "r" * len(epochs),
        gaps=tuple(place for place in range(1, len(cuts)) if cuts[place] != cuts[place - 1]),
    )


def _cell(cell: Cell | None, images: int | None, uneven: bool) -> str:
    if cell is None:
        return "–"
    return spread(cell.scores, decimals(images)) + (f" ({cell.n})" if uneven else "")


def _mean_of(counts: Sequence[int]) -> str:
    return (
        "single runs"
        if max(counts) == 1
        else f"means of {'up to ' if len(set(counts)) > 1 else ''}{max(counts)} runs"
    )


def _levels_caption(grid: Grid, found: Contrast, changes: Sequence[Difference | None], usual: str) -> str:
    cells = [cell for row in found.rows for cell in row.cells.values()]
    draws = max(len({network.draw for network in cell.networks}) for cell in cells)
    told = [
        f"{TITLES[found.factor.name].capitalize()}, all else equal, in {plain(grid.run)}: {resting(grid)} (%), "
        f"{over([cell.n for cell in cells])}."
    ]
    if draws > 1:
        told.append(f"Of random cuts there are up to {draws} draws a seed.")
    if usual:
        told.append(f"Settings not named are {usual}.")
    if any(changes):
        by = bases(changes)
        told.append(
            f"Δ: points against {found.levels[0]}, with 95 % intervals{f' ({by})' if by else ''}; a star marks "
            "one without 0."
        )
    return " ".join(told)
