"""Draws the accuracies of a confirmation, a line a network."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.confirmation.results import Candidate
from analysis.figures import COLOURS, INK, render, style
from analysis.significance import mean, sd
from analysis.text import short


def draw(drawn: Sequence[Candidate]) -> dict[str, bytes]:
    """The figure as {"pdf", "png", "svg"}: the first candidate on top; every one has a test accuracy."""
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(3.3, 0.55 + 0.34 * len(drawn)))
        axes = figure.subplots()
        for place, one in enumerate(drawn):
            values = [100 * value for value in one.test.values()]
            middle, width = mean(values), sd(values) or 0.0
            axes.plot([middle - width, middle + width], [place, place], color=INK, linewidth=0.9, zorder=1)
            axes.plot([middle, middle], [place - 0.22, place + 0.22], color=INK, linewidth=1.4, zorder=3)
            colour = COLOURS[0] if one.role == "finalist" else COLOURS[1]
            axes.scatter(values, [place] * len(values), s=11, color=colour, linewidths=0, alpha=0.8, zorder=2)
        axes.set_yticks(range(len(drawn)), [short(one.name, 30) for one in drawn])
        axes.set_ylim(len(drawn) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("test accuracy (%)")
        axes.grid(axis="x")
        return render(figure)
