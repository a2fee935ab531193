"""Draws accuracy against finetuning epochs, a panel a cut, a line with its band a kind of distillation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.figures import COLOURS, floor, legend_above, render, style
from analysis.grids.bands import Band
from analysis.grids.cells import is_percent
from analysis.grids.labels import label

PANELS = 6
"""The most panels of the figure; of more cuts those evenly apart are shown."""
DASHES = ("-", (0, (4, 1.6)), (0, (1, 1.4)), (0, (5, 1.4, 1, 1.4)), (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)))


def shown_cuts(found: Sequence[Band]) -> list[str]:
    """The labels of the cuts that have a panel."""
    every = list(dict.fromkeys(band.cut.label for band in sorted(found, key=lambda band: band.cut)))
    if len(every) <= PANELS:
        return every
    return [every[round(place * (len(every) - 1) / (PANELS - 1))] for place in range(PANELS)]


def draw_bands(found: Sequence[Band]) -> dict[str, bytes]:
    """The figure as {"pdf", "png", "svg"}; colour is the distillation in finetuning, the dash the rest."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    cuts = shown_cuts(found)
    levels = list(dict.fromkeys(band.level for band in found))
    texts = label([band.context for band in found], [(band.cut, band.level) for band in found]).texts
    contexts = list(dict.fromkeys(texts))
    columns = min(2, len(cuts))
    rows = math.ceil(len(cuts) / columns)
    with style():
        figure = Figure(figsize=(3.3, 0.75 + 1.35 * rows if rows > 1 else 2.5))
        grid = figure.subplots(rows, columns, squeeze=False)
        panels = list(grid.flat)
        for axes, cut in zip(panels, cuts, strict=False):
            here = [band for band in found if band.cut.label == cut]
            for band, context in zip(found, texts, strict=True):
                if band.cut.label != cut:
                    continue
                kd = "without KD" if band.level == "none" else f"with {band.level}"
                name = ", ".join(filter(None, (kd, context)))
                colour = COLOURS[(1, 0, 2, 3, 4, 5)[levels.index(band.level) % 6]]
                dash = DASHES[contexts.index(context) % len(DASHES)]
                percents = [[100 * value for value in line] for line in (band.mean, band.low, band.high)]
                axes.plot(band.epochs, percents[0], color=colour, linestyle=dash, linewidth=1.1, label=name)
                if band.n > 1:
                    axes.fill_between(
                        band.epochs, percents[1], percents[2], color=colour, alpha=0.16, linewidth=0
                    )
            lows = [value for band in here for value in band.low[len(band.low) // 4 :]]
            top = 100 * max(value for band in here for value in band.high)
            low = floor(100 * min(lows), top)
            axes.set_ylim(low, top + 0.06 * (top - low))
            axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.set_title(f"{cut} % pruned" if is_percent(cut) else f"{cut} %", fontsize=7.5, pad=3)
            axes.grid()
        for axes in panels[len(cuts) :]:
            axes.set_axis_off()
        figure.supxlabel("finetuning epochs", fontsize=8)
        figure.supylabel("validation accuracy (%)", fontsize=8)
        legend_above(figure, panels[0])
        return render(figure)
