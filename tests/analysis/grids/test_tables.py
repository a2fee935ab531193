from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.grids.bands import bands
from analysis.grids.cells import Grid, grid
from analysis.grids.contrast import IN_FINETUNING, METHOD, contrast, square
from analysis.grids.limit import limits
from analysis.grids.tables import epochs_table, levels_table, limit_table
from analysis.records import read_run

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


def test_the_square_is_known(found: Grid) -> None:
    made = square(found)
    assert made
    table = levels_table(found, made, changes=False)
    assert table.header == ("Percent (%)", "none → none", "none → dist", "dist → none", "dist → dist")
    assert table.rows[1:] == (
        ("30", "95.0 ± 0.1", "95.5 ± 0.1", "95.5 ± 0.1", "96.0 ± 0.1"),
        ("50", "93.0 ± 0.1", "93.5 ± 0.1", "93.5 ± 0.1", "94.0 ± 0.1"),
    )
    assert "Distillation in sparsity training → in finetuning, all else equal, in tiny" in table.caption
    assert "mean ± sd of 3 networks" in table.caption
    assert table.label == "tab:tiny-combinations"


def test_distillation_against_none_has_a_difference_with_its_interval(found: Grid) -> None:
    made = contrast(found, IN_FINETUNING)
    assert made
    table = levels_table(found, made)
    assert table.header == ("Percent (%)", "Settings", "none", "dist", "Δ dist", "95 % interval")
    assert [row[:2] for row in table.rows[2:4]] == [("30", "sparsity KD none"), ("30", "sparsity KD dist")]
    assert table.rows[2][4] == "+0.5"  # three equal differences: the images decide
    assert "Wilson, 287 images" in table.caption


def test_draws_are_counted_in_cells_and_caption(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = point_of(9, 0.9, settings_of(0.5))
    for draw in range(5):
        events += point_of(draw, 0.8 + draw / 100, settings_of(0.5, prune__method="random", prune__draw=draw))
    grid_ = grid(read_run(grid_run(events)))
    assert grid_
    made = contrast(grid_, METHOD)
    assert made
    table = levels_table(grid_, made)
    assert table.rows == (("50", "90.0 (1)", "82.0 ± 1.6 (5)", "−8.0*", "−10.0 to −6.0"),)
    assert "Of random cuts there are up to 5 draws a seed." in table.caption
    assert "paired t, 5 draws" in table.caption


def test_the_limit_says_how_far_how_sure_and_by_what(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    reached = {0.0: (0.95, 0.96, 0.97), 0.3: (0.951, 0.958, 0.971), 0.5: (0.91, 0.921, 0.93)}
    events = [
        event
        for n, (percent, seed) in enumerate((p, s) for p in reached for s in range(3))
        for event in point_of(n, reached[percent][seed], settings_of(percent, seed=seed))
    ]
    made = grid(read_run(grid_run(events)))
    assert made
    table = limit_table(made, limits(made))
    assert table.header[0] == "KD"
    assert "Settings" not in table.header
    assert table.rows == (
        ("none → none", "30", "0.0", "−0.4 to +0.4", "50", "0.4", "no", "paired t, 3 seeds"),
    )
    below = grid(read_run(grid_run(events[:6] + events[12:], name="b")))
    assert below
    assert limit_table(below, limits(below)).rows == (
        ("none → none", "none", "–", "–", "50", "0.1", "yes", "paired t, 3 seeds"),
    )


def test_accuracy_after_a_few_epochs(found: Grid) -> None:
    made = contrast(found, IN_FINETUNING)
    assert made
    table = epochs_table(found, bands(made))
    assert table.header == ("Percent (%)", "Settings", "KD", "Epoch 1", "Epoch 2", "Epoch 4")
    assert table.rows[5] == ("30", "sparsity KD none", "dist", "83.5", "87.5", "95.5")
    assert table.gaps == (4, 8)
    assert "means of 3 runs" in table.caption
