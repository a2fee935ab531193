"""The figure: test accuracy of every candidate, each seed a dot, mean ± sd beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from analysis.confirmation.results import Confirmation
from analysis.figures import COLOURS, INK, PAPER, accuracy_axis, floor, legend_above, render, style
from analysis.scatter import CHOSEN
from analysis.significance import mean, sd

MOST = 12
"""The most candidates that have a label; of more every second, third, ... has one."""
KINDS = {"finalist": COLOURS[0], "baseline": INK, "twin": COLOURS[1]}
NAMES = {"finalist": "finalist", "baseline": "uncut", "twin": "without KD"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One candidate, in %; `sd` is None of one seed."""

    label: str
    role: str
    chosen: bool
    scores: tuple[float, ...]
    mean: float
    sd: float | None


def marks(found: Confirmation) -> tuple[Mark, ...]:
    """Every candidate with a test accuracy, in the order of the table."""
    return tuple(
        Mark(
            label=f"{one.of}" if one.role == "finalist" else f"{one.of}\n{NAMES[one.role]}",
            role=one.role,
            chosen=one is found.chosen and found.decides,
            scores=scores,
            mean=mean(scores),
            sd=sd(scores),
        )
        for one in found.candidates
        if (scores := tuple(100 * value for value in one.test.values()))
    )


def draw_marks(many: tuple[Mark, ...]) -> dict[str, bytes]:
    """The figure as {"pdf", "png", "svg"}; of at least one mark."""
    from matplotlib.figure import Figure

    lows = [score for one in many for score in (*one.scores, one.mean - (one.sd or 0))]
    highs = [score for one in many for score in (*one.scores, one.mean + (one.sd or 0))]
    with style():
        figure = Figure()
        axes = figure.subplots()
        shown: set[str] = set()
        for x, one in enumerate(many):
            name = "recommended" if one.chosen else NAMES[one.role]
            colour = CHOSEN if one.chosen else KINDS[one.role]
            look: dict[str, Any] = {
                "linestyle": "none",
                "marker": "o",
                "ms": 2.8,
                "mec": colour,
                "mfc": PAPER,
            }
            axes.plot([x - 0.16] * len(one.scores), one.scores, **look, mew=0.7, zorder=3)
            axes.errorbar(
                [x + 0.1],
                [one.mean],
                yerr=None if one.sd is None else [one.sd],
                fmt="D" if one.role == "baseline" else "s" if one.role == "twin" else "o",
                color=colour,
                ms=4.6,
                elinewidth=1.1,
                capsize=2.5,
                label=None if name in shown else name,
                zorder=4,
            )
            shown.add(name)
        every = math.ceil(len(many) / MOST)
        axes.set_xticks(range(0, len(many), every), [one.label for one in many[::every]])
        axes.tick_params(axis="x", length=0)
        margin = 0.55 + max(0, 3 - len(many)) / 2
        axes.set_xlim(-margin, len(many) - 1 + margin)
        axes.set_xlabel("trial of the search")
        accuracy_axis(axes, floor(min(lows), max(highs)), max(highs), "test accuracy")
        axes.grid(axis="y")
        legend_above(figure, axes)
        return render(figure)
