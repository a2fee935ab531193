from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.grids.cells import Grid, grid
from analysis.grids.contrast import IN_FINETUNING, IN_SPARSITY, METHOD, START, contrast, square
from analysis.records import read_run

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


def test_distillation_in_one_stage_is_compared_with_the_other_held(found: Grid) -> None:
    for factor, other in ((IN_FINETUNING, "sparsity.kd"), (IN_SPARSITY, "finetune.kd")):
        made = contrast(found, factor)
        assert made
        assert made.levels == ("none", "dist")
        assert [row.cut.label for row in made.rows] == ["0", "0", "30", "30", "50", "50"]
        assert [row.context[other] for row in made.rows] == ["none", "dist"] * 3
        change = made.change(found, made.rows[-1], "dist")
        assert change
        assert change.value == pytest.approx(0.005)


def test_the_square_has_the_four_combinations_in_order(found: Grid) -> None:
    made = square(found)
    assert made
    assert made.levels == ("none → none", "none → dist", "dist → none", "dist → dist")
    assert [row.cut.label for row in made.rows] == ["0", "30", "50"]
    assert [round(made.rows[1].cells[level].mean, 4) for level in made.levels] == [0.95, 0.955, 0.955, 0.96]


def test_no_square_where_only_one_stage_varies(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = point_of(0, 0.9, settings_of(0.5)) + point_of(1, 0.91, settings_of(0.5, "none", "dist"))
    made = grid(read_run(grid_run(events)))
    assert made
    assert square(made) is None
    assert contrast(made, IN_FINETUNING) is not None
    assert contrast(made, IN_SPARSITY) is None
    assert contrast(made, METHOD) is None
    assert contrast(made, START) is None


def test_losses_and_their_weights_are_levels(grid_run: Make, point_of: Events, settings_of: Settings) -> None:
    events = point_of(0, 0.9, settings_of(0.5))
    events += point_of(1, 0.91, settings_of(0.5, "none", "dist"))
    events += point_of(2, 0.92, settings_of(0.5, "none", "dist", finetune__kd_weight=4.0))
    events += point_of(3, 0.93, settings_of(0.5, "none", "kd"))
    made = grid(read_run(grid_run(events)))
    assert made
    found = contrast(made, IN_FINETUNING)
    assert found
    assert found.levels == ("none", "dist, kd_weight 2", "dist, kd_weight 4", "kd")


def test_starts_are_compared_where_something_is_cut(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    starts = ("scratch_b", "scratch", "pruned")
    events = [
        event
        for n, (percent, start) in enumerate((p, s) for p in (0.0, 0.5) for s in starts)
        for event in point_of(n, 0.9, settings_of(percent, finetune__start=start))
    ]
    made = grid(read_run(grid_run(events)))
    assert made
    found = contrast(made, START)
    assert found
    assert found.levels == ("inherited", "scratch", "scratch-B")
    assert [row.cut.label for row in found.rows] == ["50"]


def test_methods_and_scopes_stand_against_slimming(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = point_of(0, 0.9, settings_of(0.5))
    events += point_of(1, 0.9, settings_of(0.5, prune__method="l1"))
    events += point_of(2, 0.9, settings_of(0.5, prune__scope="layer"))
    for draw in range(5):
        random = {"prune__method": "random", "prune__like": "slimming", "prune__draw": draw}
        events += point_of(3 + draw, 0.8 + draw / 100, settings_of(0.5, **random))
    made = grid(read_run(grid_run(events)))
    assert made
    found = contrast(made, METHOD)
    assert found
    assert found.levels == ("slimming", "slimming, layer", "l1", "random like slimming")
    assert found.rows[0].cells["random like slimming"].n == 5
    change = found.change(made, found.rows[0], "random like slimming")
    assert change
    assert change.by == "paired t, 5 draws"


def test_a_missing_level_is_no_difference(grid_run: Make, point_of: Events, settings_of: Settings) -> None:
    events = point_of(0, 0.9, settings_of(0.3)) + point_of(1, 0.9, settings_of(0.3, "none", "dist"))
    events += point_of(2, 0.9, settings_of(0.5, "none", "kd")) + point_of(
        3, 0.9, settings_of(0.5, "none", "dist")
    )
    made = grid(read_run(grid_run(events)))
    assert made
    found = contrast(made, IN_FINETUNING)
    assert found
    assert [found.change(made, row, "dist") is None for row in found.rows] == [False, True]
