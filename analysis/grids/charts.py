"""What the bar charts show: each combination of distillation, and the best recipe against both baselines."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from analysis.figures import floor
from analysis.grids.baselines import START, is_vanilla, unpruned, vanilla
from analysis.grids.cells import Cell, Grid, Settings
from analysis.grids.labels import kd_pair, kd_words
from analysis.select import wilson
from analysis.significance import mean

QUARTERS = {
    (False, False): "accuracy-kd-off-off",
    (False, True): "accuracy-kd-off-on",
    (True, False): "accuracy-kd-on-off",
    (True, True): "accuracy-kd-on-on",
}
"""Is distillation on in sparsity training and in finetuning → the name of the figure."""
OWN = "accuracy-own"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One bar, in %: the mean of `scores`, and `low` to `high`: ± sd, or Wilson's interval of a single one."""

    label: str
    mean: float
    low: float | None
    high: float | None
    scores: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Bars of several series over shared labels; `lines` are (name, accuracy in %) of baselines.

    `settings` are those of the recipe of each series; `floor` and `top` are the ends of the axis, in %.
    """

    name: str
    title: str
    series: tuple[tuple[str, tuple[Column, ...]], ...]
    settings: tuple[Settings, ...]
    lines: tuple[tuple[str, float], ...]
    floor: float
    top: float
    what: str


def combination_charts(grid: Grid) -> tuple[Chart, ...]:
    """A chart for each quarter of the 2 × 2 that the run has, with one axis; none of a run with one quarter.

    A series is the best recipe of one pair of losses. Networks trained from scratch count only where no other does.
    """
    quarters: dict[tuple[bool, bool], dict[tuple[str, str], list[list[Cell]]]] = {}
    for line in _lines(grid):
        pair = kd_pair(line[0].settings)
        quarters.setdefault((pair[0] != "none", pair[1] != "none"), {}).setdefault(pair, []).append(line)
    if len(quarters) < 2:
        return ()
    chosen = {
        quarter: [_best(quarters[quarter][pair]) for pair in sorted(quarters[quarter])]
        for quarter in QUARTERS
        if quarter in quarters
    }
    low, top = _ends(
        [_column(grid, cell) for lines in chosen.values() for line in lines for cell in line],
        [one for lines in chosen.values() for line in lines for _, one in _baselines(grid, line[0])],
    )
    return tuple(
        Chart(
            name=QUARTERS[quarter],
            title=_title(quarter),
            series=tuple((f"KD {kd_words(line[0].settings)}", _columns(grid, line)) for line in lines),
            settings=tuple(line[0].settings for line in lines),
            lines=_baselines(grid, lines[0][0]),
            floor=low,
            top=top,
            what=grid.score,
        )
        for quarter, lines in chosen.items()
    )


def own_chart(grid: Grid) -> Chart | None:
    """The recipe of the highest mean accuracy over its cuts, beside both baselines; None without a baseline."""
    lines = _lines(grid)
    if not lines:
        return None
    line = _best(lines)
    own, plain = unpruned(grid, line[0]), vanilla(grid, line[0])
    starts = [(name, cell) for name, cell in (("vanilla", plain), ("unpruned", own)) if cell is not None]
    if own is not None and own is plain:
        starts = starts[1:]
    if not starts:
        return None
    before = tuple((name, (_column(grid, cell),)) for name, cell in starts)
    columns = _columns(grid, line)
    low, top = _ends([*(column for _, (column,) in before), *columns], [])
    return Chart(
        name=OWN,
        title="The best recipe against both baselines",
        series=(*before, (f"pruned, KD {kd_words(line[0].settings)}", columns)),
        settings=(line[0].settings,),
        lines=(),
        floor=low,
        top=top,
        what=grid.score,
    )


def _lines(grid: Grid) -> list[list[Cell]]:
    """The cut cells of every recipe, by cut; those trained from scratch only where there are no others."""
    lines: dict[Hashable, list[Cell]] = {}
    for cell in grid.cells:
        if not cell.cut.uncut:
            lines.setdefault(frozenset(cell.settings.items()), []).append(cell)
    made = list(lines.values())
    return [line for line in made if line[0].settings.get(START, "pruned") == "pruned"] or made


def _best(lines: list[list[Cell]]) -> list[Cell]:
    """Of the recipes with the most cuts, that of the highest mean accuracy."""
    return max(lines, key=lambda line: (len(line), mean([cell.mean for cell in line])))


def _baselines(grid: Grid, cell: Cell) -> tuple[tuple[str, float], ...]:
    own, plain = unpruned(grid, cell), vanilla(grid, cell)
    found = [("vanilla", plain)] if plain is not None else []
    found += [("unpruned", own)] if own is not None and not is_vanilla(own) else []
    return tuple((name, 100 * one.mean) for name, one in found)


def _columns(grid: Grid, line: Iterable[Cell]) -> tuple[Column, ...]:
    return tuple(_column(grid, cell) for cell in line)


def _column(grid: Grid, cell: Cell) -> Column:
    low = high = None
    if cell.sd is not None:
        low, high = cell.mean - cell.sd, min(1.0, cell.mean + cell.sd)
    elif grid.images is not None:
        interval = wilson(cell.mean, grid.images)
        low, high = interval.low, interval.high
    return Column(
        label=cell.cut.label,
        mean=100 * cell.mean,
        low=None if low is None else 100 * low,
        high=None if high is None else 100 * high,
        scores=tuple(100 * score for score in cell.scores),
    )


def _ends(columns: list[Column], lines: list[float]) -> tuple[float, float]:
    lows = [*lines, *(column.mean if column.low is None else column.low for column in columns)]
    highs = [*lines, *(column.mean if column.high is None else column.high for column in columns)]
    scores = [score for column in columns for score in column.scores]
    return floor(min(lows + scores), max(column.mean for column in columns)), max(highs + scores)


def _title(quarter: tuple[bool, bool]) -> str:
    match quarter:
        case (False, False):
            return "No distillation"
        case (False, True):
            return "Distilled in finetuning only"
        case (True, False):
            return "Distilled in sparsity training only"
        case _:
            return "Distilled in both"
