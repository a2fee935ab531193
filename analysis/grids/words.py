"""Means, spreads and differences of cells as the tables write them, in % and points."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.grids.cells import Grid
from analysis.significance import Difference, mean, sd
from analysis.text import percent, signed


def spread(scores: Sequence[float], digits: int) -> str:
    """Fractions as "97.1 ± 0.4" in %; one alone as "97.1"."""
    middle, width = percent(mean(scores), digits), sd(scores)
    return middle if width is None else f"{middle} ± {percent(width, digits)}"


def starred(change: Difference | None) -> str:
    """A difference in points, with a star where its interval does not hold 0; a dash for None."""
    if change is None:
        return "–"
    sure = change.low is not None and change.high is not None and not change.low <= 0 <= change.high
    return signed(change.value) + ("*" if sure else "")


def reach(change: Difference | None, digits: int = 1) -> str:
    """The interval of a difference in points: "−0.6 to +1.0"; a dash where there is none."""
    if change is None or change.low is None or change.high is None:
        return "–"
    return f"{signed(change.low, digits)} to {signed(change.high, digits)}"


def over(counts: Sequence[int]) -> str:
    """How many networks an entry rests on: "single runs", "mean ± sd of 3", "mean ± sd of up to 5"."""
    most, least = max(counts), min(counts)
    if most == 1:
        return "single runs"
    return f"mean ± sd of {most} networks" if least == most else f"mean ± sd of up to {most} networks (n)"


def resting(grid: Grid) -> str:
    """Which accuracy is shown: "test accuracy on 360 images"."""
    return grid.score + (f" on {grid.images:,} images" if grid.images else "")


def bases(changes: Sequence[Difference | None]) -> str:
    """What intervals rest on, each basis once: "paired t, 3 seeds"; "" for none."""
    return "; ".join(dict.fromkeys(change.by for change in changes if change is not None and change.basis))
