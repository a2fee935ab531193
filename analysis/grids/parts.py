"""The sections of the report that compare the recipes of a grid; each only where the run has what it needs."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.grids.bands import Band, bands
from analysis.grids.cells import Grid
from analysis.grids.charts import OWN, Chart, combination_charts, own_chart
from analysis.grids.contrast import IN_FINETUNING, IN_SPARSITY, METHOD, START, contrast, square
from analysis.grids.draw_bands import draw_bands, shown_cuts
from analysis.grids.draw_charts import draw_chart
from analysis.grids.labels import kd_pair, kd_words, label
from analysis.grids.limit import Limit, limits
from analysis.grids.main_table import main_table
from analysis.grids.tables import epochs_table, levels_table, limit_table
from analysis.pages import Picture, Section
from analysis.text import percent

BANDS = "finetune-epochs"
SENTENCES = 6
"""The most recipes that have a sentence each; of more the table says all."""


def grid_sections(grid: Grid) -> tuple[Section, ...]:
    """All that apply, in the order of the report."""
    made = (
        _baselines(grid),
        _limit(grid),
        _square(grid),
        _distillation(grid),
        _scratch(grid),
        _methods(grid),
    )
    return tuple(section for section in made if section is not None)


def _baselines(grid: Grid) -> Section | None:
    table, chart = main_table(grid), own_chart(grid)
    if table is None:
        return None
    return Section(
        title="Against both baselines",
        pictures=(_bars(grid, chart),) if chart else (),
        tables=(("main", table),),
    )


def _limit(grid: Grid) -> Section | None:
    found = limits(grid)
    if not found:
        return None
    return Section(
        title="The largest percent without a loss",
        words=_verdicts(found) if len(found) <= SENTENCES else (),
        tables=(("limit", limit_table(grid, found)),),
    )


def _square(grid: Grid) -> Section | None:
    found, charts = square(grid), combination_charts(grid)
    if found is None and len(charts) < 2:
        return None
    return Section(
        title="Distillation in sparsity training × in finetuning",
        pictures=tuple(_bars(grid, chart) for chart in charts),
        tables=(("combinations", levels_table(grid, found, changes=False)),) if found else (),
    )


def _distillation(grid: Grid) -> Section | None:
    found = {factor.name: contrast(grid, factor) for factor in (IN_FINETUNING, IN_SPARSITY)}
    tables = [(name, levels_table(grid, one)) for name, one in found.items() if one is not None]
    curves = found[IN_FINETUNING.name]
    drawn = bands(curves) if curves else ()
    if not tables:
        return None
    return Section(
        title="Distillation against none",
        pictures=(_curves(drawn),) if drawn else (),
        tables=(*tables, *(((BANDS, epochs_table(grid, drawn)),) if drawn else ())),
    )


def _scratch(grid: Grid) -> Section | None:
    if (found := contrast(grid, START)) is None:
        return None
    return Section(
        title="Inherited weights against scratch", tables=(("scratch", levels_table(grid, found)),)
    )


def _methods(grid: Grid) -> Section | None:
    if (found := contrast(grid, METHOD)) is None:
        return None
    return Section(title="Pruning methods", tables=(("methods", levels_table(grid, found)),))


def _verdicts(found: Sequence[Limit]) -> tuple[str, ...]:
    """One sentence a recipe."""
    labels = label([limit.settings for limit in found], [kd_pair(limit.settings) for limit in found])
    return tuple(
        _verdict(limit, ", ".join(filter(None, (f"KD {kd_words(limit.settings)}", text))))
        for limit, text in zip(found, labels.texts, strict=True)
    )


def _verdict(limit: Limit, name: str) -> str:
    """How far a recipe holds, and what could not have been seen."""
    below = f"; below it from {limit.below.cut.label} %" if limit.below else ""
    if limit.holds is None:
        return f"{name}: below the unpruned network at every percent of the run."
    holds = f"{name}: not below the unpruned network up to {limit.holds.cut.label} %{below}."
    if not limit.open:
        return holds
    if limit.visible is None:
        return f"{holds} That is not decided: nothing says how far chance reaches."
    return (
        f"{holds} That is not decided: a loss under {percent(limit.visible)} points could not have been seen."
    )


def _bars(grid: Grid, chart: Chart) -> Picture:
    bars = "; ".join(
        f"{name}: " + ", ".join(f"at {column.label}, {column.mean:.1f} %" for column in columns)
        for name, columns in chart.series
    )
    spread = "lines are ± 1 sd, dots single networks" if grid.repeated else "lines are 95 % Wilson intervals"
    labels = label(
        [cell.settings for cell in grid.cells], [(cell.cut, kd_pair(cell.settings)) for cell in grid.cells]
    )
    texts = {id(cell.settings): text for cell, text in zip(grid.cells, labels.texts, strict=True)}
    told = [text for settings in chart.settings if (text := texts[id(settings)])]
    which = f" Shown is the recipe with {'; '.join(told)}." if told else ""
    if len(chart.series) > 1 and chart.lines:
        which += f" Unpruned is that of {chart.series[0][0]}."
    which += " Best is the highest mean over its percents." if chart.name == OWN else ""
    return Picture(
        name=chart.name,
        title=chart.title,
        alt=f"Bar chart of {chart.what}: {bars}",
        caption=f"{chart.title}: {chart.what} by percent; {spread}. The axis begins at {chart.floor:g} %.{which}",
        files=draw_chart(chart),
    )


def _curves(drawn: Sequence[Band]) -> Picture:
    ends = [f"{band.cut.label} % pruned, {band.level}: {percent(band.mean[-1])} %" for band in drawn]
    over = (
        "; lines are means over seeds, bands reach from the lowest to the highest"
        if any(band.n > 1 for band in drawn)
        else ", single runs"
    )
    return Picture(
        name=BANDS,
        title="Accuracy against finetuning epochs",
        alt=f"Line chart of validation accuracy over finetuning epochs; at the end {'; '.join(ends[:8])}",
        caption=f"Validation accuracy after every epoch of finetuning{over}. Each panel has its own axis; the first "
        f"epochs may lie below it. Percents shown: {', '.join(shown_cuts(drawn))}.",
        files=draw_bands(drawn),
    )
