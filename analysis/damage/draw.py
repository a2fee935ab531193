"""Figures of the damage: accuracy on every test set, and the change of every class against chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.damage.classes import ClassLine
from analysis.damage.recorded import CLEAN
from analysis.damage.sets import SetLine
from analysis.figures import COLOURS, FAINT, INK, legend_above, render, style
from analysis.significance import mean
from analysis.text import short

ROWS = 24
"""The most rows of a figure; more sets are shown as the mean over the severities of a corruption."""
NAMED = 30
"""The most classes that are all named; of more only those that pay."""
Row = tuple[str, float, float | None, float, bool]


def set_rows(lines: Sequence[SetLine]) -> list[Row]:
    """(name, unpruned, pruned, final, does it pay), fractions, the clean set first, then the greatest loss."""
    rows: list[Row] = [(line.name, line.unpruned, line.pruned, line.final, line.pays) for line in lines]
    if len(rows) <= ROWS:
        return rows
    groups: dict[str, list[SetLine]] = {}
    for line in lines:
        name, _, last = line.name.rpartition(" ")
        groups.setdefault(name if last.isdigit() and name else line.name, []).append(line)
    merged: list[Row] = []
    for name, group in groups.items():
        cut = [line.pruned for line in group if line.pruned is not None]
        merged.append(
            (
                name,
                mean([line.unpruned for line in group]),
                mean(cut) if cut else None,
                mean([line.final for line in group]),
                any(line.pays for line in group),
            )
        )
    merged.sort(key=lambda row: (row[0] != CLEAN, row[3] - row[1]))
    return merged[:ROWS]


def draw_sets(lines: Sequence[SetLine]) -> dict[str, bytes]:
    """A row a set: unpruned, right after the cut, final, joined by a line; {"pdf", "png", "svg"}."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    rows = set_rows(lines)
    places = range(len(rows))
    with style():
        figure = Figure(figsize=(3.3, 0.85 + 0.19 * len(rows)))
        axes = figure.subplots()
        for place, (_, before, cut, after, _) in zip(places, rows, strict=True):
            ends = [100 * value for value in (before, after) if value is not None]
            axes.plot([min(ends), max(ends)], [place, place], color=FAINT, linewidth=1.4, zorder=2, alpha=0.6)
            if cut is not None:
                axes.plot(
                    100 * cut,
                    place,
                    "o",
                    ms=3.6,
                    mfc="none",
                    mec=COLOURS[1],
                    mew=1,
                    zorder=3,
                    label=_once("after the cut", place),
                )
            axes.plot(
                100 * before,
                place,
                "D",
                ms=3.6,
                mfc=INK,
                mec="none",
                zorder=3,
                label=_once("unpruned", place),
            )
            axes.plot(
                100 * after,
                place,
                "o",
                ms=4.4,
                mfc=COLOURS[0],
                mec="none",
                zorder=4,
                label=_once("final", place),
            )
        axes.set_yticks(places, [short(name, 24) + (" *" if pays else "") for name, *_, pays in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("accuracy (%)")
        axes.grid(axis="x")
        legend_above(figure, axes)
        return render(figure)


def draw_classes(lines: Sequence[ClassLine]) -> dict[str, bytes]:
    """The change of every class of one set, the greatest loss first, over the range of chance."""
    from matplotlib.figure import Figure

    ranked = sorted(lines, key=lambda line: line.change)
    places = list(range(len(ranked)))
    changes = [100 * line.change for line in ranked]
    chance = [100 * line.chance for line in ranked]
    named = len(ranked) <= NAMED
    with style():
        figure = Figure(figsize=(3.3, 2.5))
        axes = figure.subplots()
        edges = [place + side for place in places for side in (-0.5, 0.5)]
        high = [value for value in chance for _ in range(2)]
        axes.fill_between(
            edges,
            [-value for value in high],
            high,
            color=FAINT,
            alpha=0.22,
            linewidth=0,
            label="by chance, 95 %",
        )
        axes.axhline(0, color=INK, linewidth=0.7)
        size = max(1.8, min(4.2, 150 / len(ranked)))
        for kind, colour, label in ((False, FAINT, "class"), (True, COLOURS[5], "found at FDR 5 %")):
            some = [place for place in places if ranked[place].found is kind]
            if some:
                axes.plot(
                    some,
                    [changes[place] for place in some],
                    "o",
                    ms=size,
                    mfc=colour,
                    mec="none",
                    label=label,
                )
        if named:
            axes.set_xticks(
                places, [short(line.name, 14) for line in ranked], rotation=_turn(ranked), fontsize=6.5
            )
        else:
            axes.set_xticks([])
            axes.set_xlabel(f"{len(ranked)} classes, greatest loss first")
            for place in [place for place in places if ranked[place].found][:6]:
                axes.annotate(
                    short(ranked[place].name, 14),
                    (place, changes[place]),
                    xytext=(4, -2),
                    textcoords="offset points",
                    fontsize=6,
                )
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(-0.6, len(ranked) - 0.4)
        axes.set_ylabel("final − unpruned (points)")
        axes.grid(axis="y")
        legend_above(figure, axes)
        return render(figure)


def _once(label: str, place: int) -> str:
    """Only the first row has a label for the legend."""
    return label if place == 0 else f"_{label}"


def _turn(lines: Sequence[ClassLine]) -> int:
    """Upright names where all fit, else on their side."""
    longest = max(len(line.name) for line in lines)
    return 0 if longest * len(lines) < math.floor(3.3 * 14) else 90
