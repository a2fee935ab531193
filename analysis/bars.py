"""The bar chart: the best accuracy of every percent, with and without KD."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.figures import (
    COLOURS,
    INK,
    ON_COLOURS,
    PAPER,
    accuracy_axis,
    floor,
    legend_above,
    render,
    style,
)
from analysis.records import Run
from analysis.select import PercentBest, baseline, best_per_percent, primary
from analysis.text import percent, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPLIT = "finetune.kd"
LABELS = 12
"""The most percents that have a label; of more every second, third, ... has one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar, in %: the best accuracy at `percent` (a fraction), its interval (None where unknown)."""

    percent: float
    group: str | None
    accuracy: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BarInfo:
    """What the chart shows; `groups` in the order of the legend, `(None,)` for one series.

    `floor` is where the axis begins, in %: the bars show differences, not ratios, and the caption says so.
    """

    bars: tuple[Bar, ...]
    groups: tuple[str | None, ...]
    unpruned: float | None
    floor: float

    @property
    def top(self) -> float:
        """The highest thing shown, in %."""
        return max(self.unpruned or 0, *(bar.accuracy if bar.high is None else bar.high for bar in self.bars))


def bar_info(run: Run) -> BarInfo | None:
    """The bars of a run; None where no percent has an accuracy.

    They are split by `SPLIT` where it was searched over no more values than there are colours.
    """
    rows = best_per_percent(run, split=SPLIT if SPLIT in (run.space.get("search") or {}) else None)
    if len({row.group for row in rows}) > len(COLOURS):
        rows = best_per_percent(run)
    if not rows or not primary(run.space).is_accuracy:
        return None
    bars = tuple(_bar(row) for row in rows)
    groups = sorted({bar.group for bar in bars}, key=lambda group: (group != "none", group or ""))
    unpruned = baseline(run)
    accuracies = [bar.accuracy for bar in bars] + ([100 * unpruned.accuracy] if unpruned else [])
    lowest = min([*accuracies, *(bar.low for bar in bars if bar.low is not None)])
    return BarInfo(
        bars=bars,
        groups=tuple(groups),
        unpruned=100 * unpruned.accuracy if unpruned else None,
        floor=floor(lowest, max(accuracies)),
    )


def draw_bars(info: BarInfo) -> dict[str, bytes]:
    """The chart as {"pdf", "png", "svg"}."""
    from matplotlib.figure import Figure

    with style():
        figure = Figure()
        axes = figure.subplots()
        percents = sorted({bar.percent for bar in info.bars})
        width = 0.78 / len(info.groups) if len(info.groups) > 1 else 0.6
        for place, group in enumerate(info.groups):
            shift = (place - (len(info.groups) - 1) / 2) * width
            bars = {percents.index(bar.percent) + shift: bar for bar in info.bars if bar.group == group}
            heights = [bar.accuracy - info.floor for bar in bars.values()]
            colour, label = COLOURS[place], _label(group)
            axes.bar(list(bars), heights, 0.92 * width, info.floor, color=colour, label=label, linewidth=0)
            for x, bar in bars.items():
                _mark(axes, x, bar, info.floor, width / max(3, len(percents)), ON_COLOURS[place])
        if info.unpruned is not None:
            label = f"unpruned ({info.unpruned:.1f} %)"
            axes.axhline(info.unpruned, color=INK, linewidth=0.9, linestyle=(0, (4, 2.5)), label=label)
        digits = 0 if all(abs(100 * share - round(100 * share)) < 1e-9 for share in percents) else 1
        every = math.ceil(len(percents) / LABELS)
        places = range(0, len(percents), every)
        axes.set_xticks(places, [percent(percents[place], digits) for place in places])
        axes.tick_params(axis="x", length=0)
        margin = 0.55 + max(0, 3 - len(percents)) / 2  # a bar alone is not as wide as the figure
        axes.set_xlim(-margin, len(percents) - 1 + margin)
        axes.set_xlabel("channels pruned (%)")
        accuracy_axis(axes, info.floor, info.top)
        axes.grid(axis="y")
        legend_above(figure, axes)
        return render(figure)


def _bar(row: PercentBest) -> Bar:
    interval = row.best.interval
    return Bar(
        percent=row.percent,
        group=row.group,
        accuracy=100 * row.best.value,
        low=100 * interval.low if interval else None,
        high=100 * interval.high if interval else None,
    )


def _label(group: str | None) -> str | None:
    return None if group is None else "without KD" if group == "none" else f"with {short(group, 16)}"


def _mark(axes: Axes, x: float, bar: Bar, floor: float, share: float, colour: str) -> None:
    """The interval, and the number at the foot of the bar, where it meets neither interval nor line.

    `share` is the bar's share of the width of the axes (2.75 inches): the number stands upright where it
    fits, else on its side, and is left out where the bar is too thin even for that.
    """
    if bar.low is not None and bar.high is not None:
        axes.plot([x, x], [bar.low, bar.high], color=PAPER, linewidth=2, alpha=0.55, solid_capstyle="butt")
        axes.plot([x, x], [bar.low, bar.high], color=INK, linewidth=0.8, solid_capstyle="butt")
    if share > 0.04:
        axes.annotate(
            f"{bar.accuracy:.1f}",
            (x, floor),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            rotation=0 if share > 0.1 else 90,
            fontsize=6.5,
            color=colour,
        )
