from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.grids.baselines import against, difference, unpruned, vanilla
from analysis.grids.cells import Cell, Grid, grid
from analysis.records import read_run

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


def cell_of(
    found: Grid, percent: float, sparsity: str = "none", finetune: str = "none", s: float = 0.01
) -> Cell:
    wanted = {"sparsity.kd": sparsity, "finetune.kd": finetune, "sparsity.s": s}
    return next(
        cell
        for cell in found.cells
        if cell.cut.depth == percent and all(cell.settings[key] == value for key, value in wanted.items())
    )


def test_a_cut_stands_against_the_unpruned_network_of_its_own_recipe_and_the_vanilla_one(found: Grid) -> None:
    row = against(found, cell_of(found, 0.5, "dist", "none"))
    assert row.own is cell_of(found, 0.0, "dist", "none")
    assert row.vanilla is cell_of(found, 0.0, s=0.0)
    assert row.to_own
    assert row.to_own.value == pytest.approx(0.935 - 0.98)
    assert row.to_vanilla
    assert row.to_vanilla.value == pytest.approx(0.935 - 0.971)
    assert row.to_vanilla.by == "paired t, 3 seeds"


def test_a_baseline_is_not_compared_with_itself(found: Grid) -> None:
    plain = against(found, cell_of(found, 0.0, s=0.0))
    assert (plain.to_own, plain.to_vanilla) == (None, None)
    assert plain.own is plain.vanilla
    start = against(found, cell_of(found, 0.0, "dist", "dist"))
    assert start.to_own is None
    assert start.to_vanilla


def test_without_a_baseline_there_is_no_difference(grid_run: Make, events_of: Events) -> None:
    made = grid(read_run(grid_run(events_of(percents=(0.3, 0.5))[6:])))
    assert made
    row = against(made, made.cells[0])
    assert (row.own, row.vanilla, row.to_own, row.to_vanilla) == (None, None, None, None)


def test_scratch_stands_against_scratch_where_there_is_one(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    cut = point_of(0, 0.8, settings_of(0.5, finetune__start="scratch"))
    inherited = point_of(1, 0.9, settings_of(0.0))
    made = grid(read_run(grid_run(cut + inherited)))
    assert made
    assert unpruned(made, made.cells[1]) is made.cells[0]
    made = grid(
        read_run(
            grid_run(
                cut + inherited + point_of(2, 0.85, settings_of(0.0, finetune__start="scratch")), name="b"
            )
        )
    )
    assert made
    start = unpruned(made, made.cells[2])
    assert start
    assert start.mean == 0.85


def test_of_several_vanilla_networks_the_one_finetuned_alike_is_taken(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    plain: dict[str, Any] = {"sparsity__s": 0.0}
    events = point_of(0, 0.95, settings_of(0.0, **plain, finetune__epochs=4))
    events += point_of(1, 0.97, settings_of(0.0, **plain, finetune__epochs=8))
    events += point_of(2, 0.9, settings_of(0.5, finetune__epochs=4))
    events += point_of(3, 0.9, settings_of(0.5, finetune__epochs=2))
    made = grid(read_run(grid_run(events)))
    assert made
    picked = {
        cell.settings["finetune.epochs"]: vanilla(made, cell) for cell in made.cells if not cell.cut.uncut
    }
    assert {epochs: one and one.mean for epochs, one in picked.items()} == {4: 0.95, 2: 0.97}


def test_random_draws_of_one_seed_stand_against_one_network(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = point_of(9, 0.9, settings_of(0.5))
    for draw in range(5):
        settings = settings_of(0.5, prune__method="random", prune__draw=draw)
        events += point_of(draw, 0.8 + draw / 100, settings)
    made = grid(read_run(grid_run(events)))
    assert made
    one, random = sorted(made.cells, key=lambda cell: cell.n)
    found = difference(made, random, one)
    assert found.by == "paired t, 5 draws"
    assert found.value == pytest.approx(-0.08)
    assert found.verdict == "below"
