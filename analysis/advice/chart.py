"""The figure of the importances: horizontal bars with their intervals, and what chance alone reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.advice.importance import Importance
from analysis.figures import COLOURS, FAINT, INK, PAPER, legend_above, render, style
from analysis.text import short

MOST = 12
"""So many knobs, the first ones, have a bar."""


def draw_importances(found: Sequence[Importance], called: Sequence[str]) -> dict[str, bytes]:
    """The chart as {"pdf", "png", "svg"}: the most important on top, blue where it mattered, else grey.

    Args:
        found: at least one importance.
        called: the names of the knobs, in the same order.
    """
    from matplotlib.figure import Figure

    rows = sorted(zip(found, called, strict=True), key=lambda row: -row[0].value)[:MOST]
    with style():
        figure = Figure(figsize=(3.3, 0.75 + 0.26 * len(rows)))
        axes = figure.subplots()
        for place, (one, _) in enumerate(rows):
            mattered = one.verdict == "mattered"
            label = {True: "mattered", False: "not told from it"}[mattered]
            first = [row.verdict == "mattered" for row, _ in rows].index(mattered) == place
            bar: dict[str, Any] = {"color": COLOURS[0] if mattered else FAINT, "linewidth": 0}
            axes.barh(place, 100 * one.value, 0.62, label=label if first else None, **bar)
            ends = [100 * one.low, 100 * one.high]
            axes.plot(ends, [place, place], color=PAPER, linewidth=2, alpha=0.55, solid_capstyle="butt")
            axes.plot(ends, [place, place], color=INK, linewidth=0.8, solid_capstyle="butt")
            chance: dict[str, Any] = {"color": COLOURS[5], "linewidth": 1.3, "solid_capstyle": "butt"}
            name = "chance (95 %)" if place == 0 else None
            axes.plot([100 * one.chance] * 2, [place - 0.42, place + 0.42], label=name, **chance)
        axes.set_yticks(range(len(rows)), [short(name, 22) for _, name in rows])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(rows) - 0.45, -0.55)
        axes.set_xlim(left=0)
        axes.set_xlabel("explained of being among the best (%)")
        axes.grid(axis="x")
        legend_above(figure, axes)
        return render(figure)
