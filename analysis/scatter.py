"""The accuracy–MACs plot: its Pareto front with the knee, the network chosen, the trials stopped early."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from analysis import pareto
from analysis.figures import COLOURS, FAINT, INK, accuracy_axis, floor, legend_above, render, style
from analysis.front import knee_of
from analysis.records import Run, Trial, TrialState
from analysis.select import Choice, baseline, ranking

CHOSEN, KNEE = COLOURS[5], COLOURS[2]
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScatterInfo:
    """Points (MACs, accuracy in %); `chosen` and `unpruned` are None where unknown.

    `knee` is that of the front and the number of its trial, None where the front has none. `front` goes from the
    cheapest to the most accurate. `hidden` counts the stopped trials that lie below `floor`, where the axis begins.
    """

    complete: tuple[Point, ...]
    stopped: tuple[Point, ...]
    front: tuple[Point, ...]
    knee: tuple[Point, int] | None
    chosen: Point | None
    unpruned: Point | None
    floor: float
    hidden: int


def scatter_info(run: Run, choice: Choice | None) -> ScatterInfo | None:
    """The points of a run; None where no complete trial has both an accuracy and MACs.

    A stopped trial stands at the accuracy at which it was stopped. Infeasible and failed ones are not shown.
    """
    complete = _points([row.trial for row in ranking(run)])
    if not complete:
        return None
    start = baseline(run)
    unpruned = (start.macs, 100 * start.accuracy) if start and start.macs else None
    accuracies = [accuracy for _, accuracy in (*complete, *([unpruned] if unpruned else []))]
    low = floor(min(accuracies), max(accuracies))
    stopped = _points(list(run.of(TrialState.stopped)))
    shown = tuple(point for point in stopped if point[1] >= low)
    front = pareto.front([(accuracy, macs) for macs, accuracy in complete])
    bend = knee_of(run)
    return ScatterInfo(
        complete=complete,
        stopped=shown,
        front=tuple(complete[index] for index in front),
        knee=(_points([bend.trial])[0], bend.trial.number) if bend else None,
        chosen=next(iter(_points([choice.chosen.trial] if choice else [])), None),
        unpruned=unpruned,
        floor=low,
        hidden=len(stopped) - len(shown),
    )


def draw_scatter(info: ScatterInfo) -> dict[str, bytes]:
    """The plot as {"pdf", "png", "svg"}."""
    from matplotlib.figure import Figure

    known = [*info.complete, *info.stopped, *([info.unpruned] if info.unpruned else [])]
    macs, accuracies = zip(*known, strict=True)
    units = (("MACs (G)", 1e9), ("MACs (M)", 1e6), ("MACs (k)", 1e3), ("MACs", 1.0))
    title, size = next((title, size) for title, size in units if max(macs) >= size or size == 1)
    with style():
        figure = Figure()
        axes = figure.subplots()

        def plot(points: tuple[Point, ...], **look: Any) -> None:
            axes.plot([macs / size for macs, _ in points], [accuracy for _, accuracy in points], **look)

        dots: dict[str, Any] = {"linestyle": "none", "marker": "o", "clip_on": False, "mec": "none"}
        blue = COLOURS[0]
        plot(info.front, color=blue, linewidth=1.1, drawstyle="steps-post", label="Pareto front", zorder=2.1)
        if info.stopped:
            hollow = dots | {"mfc": "none", "mec": FAINT, "mew": 0.7}
            plot(info.stopped, **hollow, ms=3.4, label="stopped early", zorder=2)
        plot(info.complete, **dots, ms=3.8, mfc=blue, alpha=0.5, label="complete", zorder=3)
        plot(info.front, **dots, ms=3.8, mfc=blue, zorder=4)
        if info.knee:
            square = dots | {"marker": "s", "mfc": "none", "mec": KNEE, "mew": 1.2}
            plot((info.knee[0],), **square, ms=7.5, label="knee", zorder=5)
        if info.unpruned:
            plot((info.unpruned,), **dots | {"marker": "D"}, ms=4, mfc=INK, label="unpruned", zorder=4)
        if info.chosen:
            ring = dots | {"mfc": "none", "mec": CHOSEN, "mew": 1.3}
            plot((info.chosen,), **ring, ms=8.5, label="chosen", zorder=5)
        least, most = min(macs) / size, max(macs) / size
        margin = max(1.2, (most / least) ** 0.07)
        ticks = _ticks(least / margin, most * margin)
        axes.set_xscale("log")
        axes.set_xlim(least / margin, most * margin)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel(title)
        accuracy_axis(axes, info.floor, max(accuracies))
        axes.grid()
        legend_above(figure, axes)
        return render(figure)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two positive ones of which the second is 1.4 times the first or more.

    They are 1, 2, 5, 10, ...; where no two of these lie there 1, 2, 3, ..., then every half, then every fifth.
    """
    power = 10.0 ** math.floor(math.log10(low))
    halves, fifths = ([step / part for step in range(part, 10 * part)] for part in (2, 5))
    for steps in ((1, 2, 5), range(1, 10), halves, fifths):
        ticks = [step * power * scale for scale in (1, 10, 100, 1000, 1e4) for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= 2:
            break
    return ticks


def _points(trials: list[Trial]) -> tuple[Point, ...]:
    """(MACs, accuracy in %) of the trials that have both."""
    pairs = [(trial.metric("macs"), _accuracy(trial)) for trial in trials]
    return tuple((macs, 100 * value) for macs, value in pairs if macs is not None and value is not None)


def _accuracy(trial: Trial) -> float | None:
    value = trial.metric("accuracy")
    return trial.rungs[-1].value if value is None and trial.rungs else value
