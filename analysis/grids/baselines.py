"""What a cut is measured against: the unpruned network of its own recipe, and the vanilla one."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.grids.cells import Cell, Grid, Settings
from analysis.grids.labels import kd_pair, owned_by_kd
from analysis.significance import Difference, compare

START = "finetune.start"


@dataclass(frozen=True, kw_only=True, slots=True)
class Against:
    """A cell and its differences to both baselines; None where the run has no such network, or it is one."""

    cell: Cell
    own: Cell | None
    vanilla: Cell | None
    to_own: Difference | None
    to_vanilla: Difference | None


def against(grid: Grid, cell: Cell) -> Against:
    """Compare `cell` with both."""
    own, plain = unpruned(grid, cell), vanilla(grid, cell)
    return Against(
        cell=cell,
        own=own,
        vanilla=plain,
        to_own=None if own is None or own is cell else difference(grid, cell, own),
        to_vanilla=None if plain is None or plain is cell else difference(grid, cell, plain),
    )


def unpruned(grid: Grid, cell: Cell) -> Cell | None:
    """The cell with the same settings of which nothing is cut, `cell` itself where that is so; None without one.

    A network from scratch is measured against an unpruned one from scratch, else against that of its recipe.
    """
    if cell.cut.uncut:
        return cell
    wanted = _without_prune(cell.settings)
    inherited = wanted | ({START: "pruned"} if START in wanted else {})
    uncut = [one for one in grid.cells if one.cut.uncut]
    return next((one for want in (wanted, inherited) for one in uncut if dict(one.settings) == want), None)


def vanilla(grid: Grid, cell: Cell) -> Cell | None:
    """The plain network: nothing cut, no sparsity (s is 0 or there is no such stage), no distillation.

    Of several the one that is finetuned as `cell` is, else the most accurate: it does not flatter pruning.
    """
    found = [one for one in grid.cells if is_vanilla(one)]
    alike = [one for one in found if _finetuning(one.settings) == _finetuning(cell.settings)]
    return max(alike or found, key=lambda one: one.mean, default=None)


def is_vanilla(cell: Cell) -> bool:
    """Is nothing cut, penalised or distilled?"""
    return (
        cell.cut.uncut and not cell.settings.get("sparsity.s") and kd_pair(cell.settings) == ("none", "none")
    )


def difference(grid: Grid, cell: Cell, other: Cell) -> Difference:
    """The accuracy of `cell` minus that of `other`, with its interval."""
    single = len(cell.by_seed) == other.n == 1
    draws = cell.scores if single else ()
    return compare(cell.by_seed, other.by_seed, images=grid.images, draws=draws)


def _without_prune(settings: Settings) -> dict[str, object]:
    return {key: value for key, value in settings.items() if not key.startswith("prune.")}


def _finetuning(settings: Settings) -> dict[str, object]:
    """How a network is finetuned, but for its distillation and its start."""
    kept = {key: value for key, value in settings.items() if key.startswith("finetune.")}
    return {
        key: value
        for key, value in kept.items()
        if not owned_by_kd(key) and key not in (START, "finetune.kd")
    }
