"""The figure of a comparison: what was found so far against unique epochs, a line and a band a method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from analysis.comparison.results import Compared, Measure, Method
from analysis.figures import COLOURS, FAINT, accuracy_axis, floor, legend_above, render, style
from analysis.significance import SEEDS, mean, t_interval

EARLY = 0.2
"""Below this share of the equal epochs a value does not decide where the axis begins: first finds are far below."""
TWO, MANY = "from the lower to the higher of two runs", "95 % t intervals of three runs or more"
DASHES = ("-", (0, (4, 1.6)), (0, (1, 1.4)))
"""Of the methods that have the colours for the first, second, third time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A method by a measure: steps at `epochs`, from where each of its `n` runs has found anything on.

    `low` and `high` are the 95 % t interval of the mean from three runs on, the lowest and highest of two, and
    the mean itself of one. `lines` are the runs' own steps (epochs, value).
    """

    name: str
    n: int
    epochs: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    lines: tuple[tuple[tuple[int, float], ...], ...]


def curve(method: Method, measure: Measure) -> Curve:
    """The mean of a method's runs so far, as far as all of them reach."""
    every = sorted({step.epochs for entry in method.entries for step in entry.steps})
    every = [epochs for epochs in every if epochs <= method.epochs]
    found = [(epochs, list(method.values(measure, epochs).values())) for epochs in every]
    whole = [(epochs, values) for epochs, values in found if len(values) == len(method.entries)]
    bands = [_band(values) for _, values in whole]
    return Curve(
        name=method.name,
        n=len(method.entries),
        epochs=tuple(epochs for epochs, _ in whole),
        mean=tuple(mean(values) for _, values in whole),
        low=tuple(low for low, _ in bands),
        high=tuple(high for _, high in bands),
        lines=tuple(
            tuple((step.epochs, value) for step in entry.steps if (value := measure.of(step)) is not None)
            for entry in method.entries
        ),
    )


def caption(found: Compared, measure: Measure) -> str:
    """What lines and bands are."""
    sizes = {len(method.entries) for method in found.methods}
    several = {size for size in sizes if size > 1}
    few, many = several & {2}, several - {2}
    bands = [text for text, of in ((TWO, few), (MANY, many)) if of]
    said = (
        "Lines: single runs." if not several else "Thick lines: means of n runs, as far as all of them reach"
    )
    said += f", with bands: {', '.join(bands)}; thin lines: every run." if several else ""
    return (
        f"{measure.title[:1].upper()}{measure.title[1:]} of the complete trials so far, against the unique student "
        f"epochs of all trials that had ended. {said} Dotted: {found.epochs:,} epochs, where the runs are compared."
    )


def draw(found: Compared, measure: Measure) -> dict[str, bytes]:
    """The figure as {"pdf", "png", "svg"}; at least one epoch was trained in some run."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    curves = [_scaled(curve(method, measure), measure) for method in found.methods]
    with style():
        figure = Figure(figsize=(3.3, 2.6))
        axes = figure.subplots()
        for place, one in enumerate(curves):
            colour, dash = COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)]
            look: dict[str, Any] = {"drawstyle": "steps-post", "color": colour, "linestyle": dash}
            label = f"{one.name} (n = {one.n})" if one.n > 1 else one.name
            for line in one.lines:
                thin = {"linewidth": 0.6, "alpha": 0.6} if one.n > 1 else {"linewidth": 1.3, "label": label}
                axes.plot(*zip(*line, strict=True), **look, **thin)
            if one.n > 1:
                axes.plot(one.epochs, one.mean, **look, linewidth=1.5, label=label, zorder=3)
                axes.fill_between(
                    one.epochs, one.low, one.high, step="post", color=colour, alpha=0.16, linewidth=0
                )
        axes.axvline(found.epochs, color=FAINT, linewidth=0.8, linestyle=(0, (1, 1.6)), zorder=1)
        axes.set_xlim(0, 1.02 * max(entry.epochs for entry in found.entries))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_xlabel("unique student epochs")
        low, high = _reach(curves, EARLY * found.epochs)
        if measure.digits is not None:
            accuracy_axis(axes, floor(low, high), high, measure.title)
        else:
            edge = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
            axes.set_ylim(low - edge, high + edge)
            axes.yaxis.set_major_locator(MaxNLocator(5))
            axes.set_ylabel(measure.title)
        axes.grid()
        legend_above(figure, axes)
        return render(figure)


def _band(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < SEEDS:
        return min(values), max(values)
    return t_interval(values) or (mean(values), mean(values))


def _scaled(one: Curve, measure: Measure) -> Curve:
    """In %, where the measure is."""
    if measure.digits is None:
        return one
    return replace(
        one,
        mean=tuple(100 * value for value in one.mean),
        low=tuple(100 * value for value in one.low),
        high=tuple(100 * value for value in one.high),
        lines=tuple(tuple((epochs, 100 * value) for epochs, value in line) for line in one.lines),
    )


def _reach(curves: Sequence[Curve], begin: float) -> tuple[float, float]:
    """The lowest and highest value of lines and bands from `begin` on; all of a line that ends before."""
    values: list[float] = []
    for one in curves:
        for line in (
            *one.lines,
            tuple(zip(one.epochs, one.low, strict=True)),
            tuple(zip(one.epochs, one.high, strict=True)),
        ):
            late = [value for epochs, value in line if epochs >= begin]
            values += late or [value for _, value in line[-1:]]
    return min(values), max(values)
