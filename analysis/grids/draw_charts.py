"""Draws the bar charts of `charts`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from analysis.figures import (
    COLOURS,
    FAINT,
    INK,
    ON_COLOURS,
    PAPER,
    accuracy_axis,
    legend_above,
    render,
    style,
)
from analysis.grids.cells import is_percent
from analysis.grids.charts import OWN, Chart, Column
from analysis.text import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHES = {"vanilla": (0, (1, 1.6)), "unpruned": (0, (4, 2.5))}


def draw_chart(chart: Chart) -> dict[str, bytes]:
    """The chart as {"pdf", "png", "svg"}."""
    from matplotlib.figure import Figure

    own = chart.name == OWN
    with style():
        figure = Figure()
        axes = figure.subplots()
        labels, places = _places(chart, own)
        width = 0.7 if own or len(chart.series) == 1 else 0.8 / len(chart.series)
        for number, (name, columns) in enumerate(chart.series):
            place = chart.series[::-1].index((name, columns)) if own else number % len(COLOURS)
            colour = (COLOURS[0], COLOURS[4], FAINT)[place] if own else COLOURS[place]
            foot = ("white", ON_COLOURS[4], "white")[place] if own else ON_COLOURS[place]
            heights = [column.mean - chart.floor for column in columns]
            axes.bar(
                places[number],
                heights,
                0.94 * width,
                chart.floor,
                color=colour,
                linewidth=0,
                label=short(name, 34),
            )
            for x, column in zip(places[number], columns, strict=True):
                _mark(axes, x, column, chart.floor, foot, upright=len(labels) <= 8 and width > 0.5)
        for name, value in chart.lines:
            text = f"{name} ({value:.1f} %)"
            axes.axhline(value, color=INK, linewidth=0.9, linestyle=DASHES.get(name, "-"), label=text)
        every = math.ceil(len(labels) / 12)
        axes.set_xticks(range(0, len(labels), every), labels[::every])
        axes.tick_params(axis="x", length=0)
        margin = 0.55 + max(0, 3 - len(labels)) / 2
        axes.set_xlim(-margin, len(labels) - 1 + margin)
        axes.set_xlabel("channels pruned (%)" if all(map(is_percent, labels)) else "cut (%)")
        accuracy_axis(axes, chart.floor, chart.top, chart.what)
        axes.grid(axis="y")
        legend_above(figure, axes)
        return render(figure)


def _places(chart: Chart, own: bool) -> tuple[list[str], list[list[float]]]:
    """The labels of the x axis, and where the bars of each series stand: one after another, or side by side."""
    if own:
        labels = [column.label for _, columns in chart.series for column in columns]
        places = iter(range(len(labels)))
        return labels, [[float(next(places)) for _ in columns] for _, columns in chart.series]
    labels = list(dict.fromkeys(column.label for _, columns in chart.series for column in columns))
    width, middle = 0.8 / len(chart.series), (len(chart.series) - 1) / 2
    return labels, [
        [labels.index(column.label) + (number - middle) * width for column in columns]
        for number, (_, columns) in enumerate(chart.series)
    ]


def _mark(axes: Axes, x: float, column: Column, foot: float, colour: str, *, upright: bool) -> None:
    """The spread and each network as a dot, and the mean at the foot of the bar."""
    if column.low is not None and column.high is not None:
        axes.plot(
            [x, x], [column.low, column.high], color=PAPER, linewidth=2, alpha=0.55, solid_capstyle="butt"
        )
        axes.plot([x, x], [column.low, column.high], color=INK, linewidth=0.8, solid_capstyle="butt")
    if len(column.scores) > 1:
        dots: dict[str, Any] = {
            "linestyle": "none",
            "marker": "o",
            "ms": 2.4,
            "mfc": PAPER,
            "mec": INK,
            "mew": 0.5,
        }
        axes.plot([x] * len(column.scores), column.scores, **dots, zorder=3)
    axes.annotate(
        f"{column.mean:.1f}",
        (x, foot),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        rotation=0 if upright else 90,
        fontsize=6.5,
        color=colour,
    )
