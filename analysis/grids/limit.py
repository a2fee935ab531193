"""The largest cut that is not below the unpruned network, and how far that is decided."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from analysis.grids.baselines import difference, unpruned
from analysis.grids.cells import Cell, Cut, Grid, Settings
from analysis.grids.labels import recipe_order
from analysis.significance import Difference

BLIND = 0.03
"""A cut whose interval would hide a loss of three points is not said to hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One cut of a recipe, and its difference to the unpruned network of the same recipe."""

    cut: Cut
    change: Difference


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """One recipe at every cut, from the smallest; `start` is its unpruned network."""

    settings: Settings
    start: Cell
    steps: tuple[Step, ...]

    @property
    def below(self) -> Step | None:
        """The first cut that is surely below: its interval ends under 0."""
        return next((step for step in self.steps if step.change.verdict == "below"), None)

    @property
    def holds(self) -> Step | None:
        """The largest cut up to which none is surely below, or too uncertain to tell; None: not even the first."""
        return self.steps[self._end - 1] if self._end else None

    @property
    def _end(self) -> int:
        """How many cuts, from the smallest, are neither below nor blind to a loss of ``BLIND``."""
        ends = (number for number, step in enumerate(self.steps) if step is self.below or _is_blind(step))
        return next(ends, len(self.steps))

    @property
    def open(self) -> tuple[Step, ...]:
        """Cuts up to there of which nothing is sure: a loss may be hidden in their intervals."""
        return tuple(step for step in self.steps[: self._end] if step.change.verdict == "open")

    @property
    def visible(self) -> float | None:
        """The smallest difference that could have been seen at every open cut; None without intervals."""
        sizes = [step.change.visible for step in self.open or self.steps]
        known = [size for size in sizes if size is not None]
        return max(known) if len(known) == len(sizes) else None


def _is_blind(step: Step) -> bool:
    """Whether nothing is sure, and a loss of ``BLIND`` would not have been seen."""
    visible = step.change.visible
    return step.change.verdict == "open" and visible is not None and visible > BLIND


def limits(grid: Grid) -> tuple[Limit, ...]:
    """One for every recipe that is cut and has an unpruned network in the run."""
    lines: dict[Hashable, list[Cell]] = {}
    for cell in grid.cells:
        if not cell.cut.uncut:
            lines.setdefault(frozenset(cell.settings.items()), []).append(cell)
    found = []
    for line in lines.values():
        if (start := unpruned(grid, line[0])) is not None:
            steps = tuple(
                Step(cut=cell.cut, change=difference(grid, cell, start))
                for cell in sorted(line, key=lambda cell: cell.cut)
            )
            found.append(Limit(settings=line[0].settings, start=start, steps=steps))
    return tuple(sorted(found, key=lambda limit: recipe_order(limit.settings)))
