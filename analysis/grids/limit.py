"""The largest cut that is not below the unpruned network, and how far that is decided."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from analysis.grids.baselines import difference, unpruned
from analysis.grids.cells import Cell, Cut, Grid, Settings
from analysis.grids.labels import recipe_order
from analysis.significance import Difference


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
        """The largest cut up to which none is surely below; None where the first one is."""
        end = self.steps.index(self.below) if self.below else len(self.steps)
        return self.steps[end - 1] if end else None

    @property
    def open(self) -> tuple[Step, ...]:
        """Cuts up to there of which nothing is sure: a loss may be hidden in their intervals."""
        end = self.steps.index(self.below) if self.below else len(self.steps)
        return tuple(step for step in self.steps[:end] if step.change.verdict == "open")

    @property
    def visible(self) -> float | None:
        """The smallest difference that could have been seen at every open cut; None without intervals."""
        sizes = [step.change.visible for step in self.open or self.steps]
        known = [size for size in sizes if size is not None]
        return max(known) if len(known) == len(sizes) else None


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
