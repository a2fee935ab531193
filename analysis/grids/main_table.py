"""The main table: every recipe at every cut, its accuracy over seeds, its costs, and both baselines."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from analysis.grids.baselines import Against, against, is_vanilla
from analysis.grids.cells import Cell, Grid
from analysis.grids.labels import kd_pair, kd_words, label, recipe_order
from analysis.grids.words import over, resting, spread, starred
from analysis.tables import BEST_EPOCH, CHOSEN_ON_TEST, Table, label_of
from analysis.text import column, decimals, percent, plain, show, signed

LAST_EPOCH = "test_accuracy_last_epoch"


def main_table(grid: Grid) -> Table | None:
    """Percent → accuracy ± sd → params → MACs → epochs → differences to both baselines.

    None where nothing is cut, or where there is neither a baseline nor a repetition: the table of the best of
    every percent then says all. The recipes stand in blocks, the vanilla network first.
    """
    if all(cell.cut.uncut for cell in grid.cells) or not (
        grid.repeated or any(cell.cut.uncut for cell in grid.cells)
    ):
        return None
    rows = [against(grid, cell) for cell in sorted(grid.cells, key=_order)]
    cells = [row.cell for row in rows]
    labels = label([cell.settings for cell in cells], [(cell.cut, kd_pair(cell.settings)) for cell in cells])
    columns = [
        ("Percent (%)", "l", [cell.cut.label for cell in cells]),
        ("Cut (%)", "r", [percent(_share_cut(cell)) for cell in cells]),
        ("KD", "l", [kd_words(cell.settings) for cell in cells]),
        ("Settings", "l", list(labels.texts)),
        ("Accuracy (%)", "r", [spread(cell.scores, decimals(grid.images)) for cell in cells]),
        ("n", "r", [str(cell.n) for cell in cells]),
        ("Best epoch (%) †", "r", [_best_epoch(cell, grid.images) for cell in cells]),
        ("Δ unpruned", "r", [starred(row.to_own) for row in rows]),
        ("Δ vanilla", "r", [starred(row.to_vanilla) for row in rows]),
        *_costs(cells),
        ("Epochs", "r", [show(round(cell.epochs, 1)) for cell in cells]),
    ]
    shown = [one for one in columns if any(cell not in ("", "–") for cell in one[2])]
    return Table(
        caption=_caption(grid, rows, labels.usual),
        label=label_of(grid.run, "main"),
        header=tuple(name for name, _, _ in shown),
        rows=tuple(zip(*(cells for _, _, cells in shown), strict=True)),
        align="".join(align for _, align, _ in shown),
        gaps=tuple(place for place in range(1, len(rows)) if _line(cells[place]) != _line(cells[place - 1])),
    )


def _order(cell: Cell) -> tuple[object, ...]:
    """The vanilla network, then recipe by recipe; the unpruned network leads its own."""
    return not is_vanilla(cell), *recipe_order(cell.settings), cell.cut


def _line(cell: Cell) -> Hashable:
    settings = {key: value for key, value in cell.settings.items() if not key.startswith("prune.")}
    return frozenset(settings.items())


def _share_cut(cell: Cell) -> float | None:
    return 0.0 if cell.cut.uncut else cell.metric("percent_cut")


def _best_epoch(cell: Cell, images: int | None) -> str:
    found = [value for one in cell.networks if (value := one.trial.metric(BEST_EPOCH)) is not None]
    return spread(found, decimals(images)) if found else "–"


def _costs(cells: Sequence[Cell]) -> list[tuple[str, str, list[str]]]:
    """Params and MACs in one unit each, and the share saved of each network's own unpruned one."""
    made: list[tuple[str, str, list[str]]] = []
    units: tuple[tuple[str, str, Callable[[str], str]], ...] = (
        ("params", "M", lambda unit: f"Params ({unit})"),
        ("macs", "MG", lambda unit: f"MACs ({unit})"),
    )
    for metric, choice, name in units:
        unit, counts = column([cell.metric(metric) for cell in cells], units=choice)
        made += [(name(unit), "r", counts), ("↓ (%)", "r", [_saved(cell, metric) for cell in cells])]
    return made


def _saved(cell: Cell, metric: str) -> str:
    value, of = cell.metric(metric), cell.metric(f"{metric}_unpruned")
    if cell.cut.uncut or value is None or not of:
        return "–"
    return signed(1 - value / of).lstrip("+")


def _caption(grid: Grid, rows: Sequence[Against], usual: str) -> str:
    known = [row for row in rows if row.to_own or row.to_vanilla]
    told = [
        f"Every recipe of the run {plain(grid.run)} at every pruning percent: {resting(grid)}, "
        f"{over([row.cell.n for row in rows])}.",
        "KD is the distillation in sparsity training → in finetuning.",
    ]
    if usual:
        told.append(f"Settings not named are {usual}.")
    if any(row.to_own for row in rows):
        told.append("Δ unpruned: points against the network of the same recipe of which nothing is cut.")
    if any(row.to_vanilla for row in rows):
        told.append("Δ vanilla: against the one without cut, sparsity and distillation.")
    if known:
        told.append(
            "A star marks a 95 % interval without 0 (paired t over seeds from three on, else Wilson's of the "
            "images), each by itself."
        )
    if any(row.cell.metric(BEST_EPOCH) is not None for row in rows):
        told.append(CHOSEN_ON_TEST)
    if grid.metric == LAST_EPOCH:
        told.append("The accuracy is that of the last epoch.")
    told.append(
        "↓: the share saved of the unpruned network. MACs are multiply-accumulates of one image. Epochs: all student "
        "epochs that lead to one network, sparsity training included."
    )
    return " ".join(told)
