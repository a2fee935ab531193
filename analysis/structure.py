"""The structure figure: the channels of every layer before and after the cut of one network."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.figures import COLOURS, FAINT, legend_above, render, style
from analysis.records import Run, Trial
from analysis.select import Choice, ranking

NUMBERED = 16
"""The most layers with their numbers written on the bars."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Structure:
    """Channels of every layer, in the order of the network, of `trial`."""

    trial: int
    before: tuple[int, ...]
    after: tuple[int, ...]


def structure(run: Run, choice: Choice) -> Structure | None:
    """That of the chosen network, else of the best one whose layers are recorded and cut; None without one."""
    found = (_widths(row.trial) for row in (choice.chosen, *ranking(run)))
    return next((one for one in found if one is not None), None)


def _widths(trial: Trial) -> Structure | None:
    """From before its first cut to after its last one; None where nothing was cut."""
    cuts = [record for record in trial.curve if record.get("stage") == "prune" and record.get("channels")]
    if not cuts:
        return None
    before, after = tuple(cuts[0].get("channels_unpruned") or ()), tuple(cuts[-1]["channels"])
    if len(before) != len(after) or before == after:
        return None
    return Structure(trial=trial.number, before=before, after=after)


def draw_structure(shown: Structure) -> dict[str, bytes]:
    """The figure as {"pdf", "png", "svg"}: a pale bar a layer, filled as far as channels stay."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    count = len(shown.before)
    layers = range(1, count + 1)
    with style():
        figure = Figure(figsize=(3.3, 2.2))
        axes = figure.subplots()
        axes.bar(layers, shown.before, 0.78, color=FAINT, alpha=0.35, linewidth=0, label="before")
        axes.bar(layers, shown.after, 0.78, color=COLOURS[0], linewidth=0, label="after the cut")
        top = max(shown.before)
        if count <= NUMBERED:
            for layer, kept in zip(layers, shown.after, strict=True):
                inside = kept > 0.14 * top
                axes.annotate(
                    str(kept),
                    (layer, kept),
                    xytext=(0, -2 if inside else 1.5),
                    textcoords="offset points",
                    ha="center",
                    va="top" if inside else "bottom",
                    fontsize=6.5,
                    color="white" if inside else COLOURS[0],
                )
        every = math.ceil(count / NUMBERED)
        axes.set_xticks(layers[::every])
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(0.4, count + 0.6)
        axes.set_xlabel("prunable layer")
        axes.set_ylabel("channels")
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
        axes.grid(axis="y")
        legend_above(figure, axes)
        return render(figure)
