"""Whose damage is shown: one pruned recipe with its seeds, and the seeds of its unpruned network."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from analysis.damage.recorded import UNPRUNED, Damage, parse
from analysis.grids.cells import Cell, Network, Settings, cells
from analysis.records import Run, TrialState
from analysis.select import Choice

RECORD = "damage"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A pruned cell; `pruned` are the records of its seeds, `unpruned` those with another seed of what was cut."""

    cell: Cell
    pruned: tuple[Damage, ...]
    unpruned: tuple[Damage, ...]

    @property
    def sets(self) -> tuple[str, ...]:
        """The test sets on which all of `pruned` were measured before and after, the clean one first."""
        return tuple(
            name for name in self.pruned[0].compared if all(name in one.compared for one in self.pruned)
        )


def subject(run: Run, choice: Choice | None) -> Subject | None:
    """The recipe of the chosen network if it was cut and measured, else the most accurate one that was; None without.

    Draws of one seed count once, the first of them: they share their unpruned network.
    """
    trials = [trial for trial in run.of(TrialState.complete) if trial.metrics.get(RECORD)]
    measured = [cell for cell in cells(run, trials) if not cell.cut.uncut]
    if not measured:
        return None
    chosen = None if choice is None else choice.chosen.trial.number
    best = max(measured, key=lambda cell: (_holds(cell, chosen), cell.mean))
    starts: dict[Hashable, Damage] = {}
    for cell in measured:
        if _before_cut(cell.settings) == _before_cut(best.settings):
            for network in cell.networks:
                starts.setdefault(network.seed, damage(network))
    seeds: dict[Hashable, Damage] = {}
    for network in best.networks:
        seeds.setdefault(network.seed, damage(network))
    first = next(iter(seeds.values()))
    alike = [one for one in seeds.values() if same_sets(one, first)]
    return Subject(
        cell=best,
        pruned=tuple(alike),
        unpruned=tuple(one for one in starts.values() if same_sets(one, first) and UNPRUNED in one.right),
    )


def damage(network: Network) -> Damage:
    """The record of a trial that has one; it was checked when the run was read."""
    return parse(network.trial.metrics[RECORD])


def same_sets(one: Damage, other: Damage) -> bool:
    """Do two records rest on the same images?"""
    return one.classes == other.classes and one.images == other.images


def _holds(cell: Cell, number: int | None) -> bool:
    return any(network.trial.number == number for network in cell.networks)


def _before_cut(settings: Settings) -> Settings:
    """What made the network that was cut: everything but the cut and finetuning."""
    return {key: value for key, value in settings.items() if not key.startswith(("prune.", "finetune."))}
