from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.grids.bands import LINES, SHOWN, Band, bands, few_epochs
from analysis.grids.cells import grid
from analysis.grids.contrast import IN_FINETUNING, contrast
from analysis.records import read_run

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


def bands_of(folder: Path) -> tuple[Band, ...]:
    found = grid(read_run(folder))
    assert found
    made = contrast(found, IN_FINETUNING)
    assert made
    return bands(made)


def test_a_band_is_the_mean_and_the_range_of_the_seeds_after_every_epoch(grid_run: Make) -> None:
    found = bands_of(grid_run())
    assert len(found) == 3 * 2 * 2
    one = next(band for band in found if (band.cut.label, band.level) == ("30", "dist"))
    assert one.context["sparsity.kd"] == "none"
    assert one.epochs == (1, 2, 3, 4)
    assert one.mean[-1] == pytest.approx(0.955)
    assert (one.low[-1], one.high[-1]) == (pytest.approx(0.954), pytest.approx(0.956))
    assert one.n == 3
    assert one.at(4) == one.mean[-1]
    assert one.at(5) is None


def test_the_table_has_the_first_epoch_the_ends_of_plateaus_and_the_last(grid_run: Make) -> None:
    assert few_epochs(bands_of(grid_run())) == (1, 2, 4)


def test_many_plateaus_are_thinned(grid_run: Make, point_of: Events, settings_of: Settings) -> None:
    events = []
    for n, kd in enumerate(("none", "dist")):
        asked, last = point_of(n, 0.9, settings_of(0.5, "none", kd))
        last["curve"] = [
            {"stage": "finetune", "epoch": e, "lr": 1 / e, "accuracy": 0.9} for e in range(1, 101)
        ]
        events += [asked, last]
    found = few_epochs(bands_of(grid_run(events)))
    assert len(found) == SHOWN
    assert (found[0], found[-1]) == (1, 100)


def test_epochs_that_a_seed_lacks_are_left_out_and_no_curve_is_no_band(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = []
    for n, (kd, epochs) in enumerate((("none", 0), ("dist", 4))):
        asked, last = point_of(n, 0.9, settings_of(0.5, "none", kd))
        last["curve"] = last["curve"] if epochs else []
        events += [asked, last]
    asked, last = point_of(2, 0.9, settings_of(0.5, "none", "dist", seed=1, finetune__epochs=4))
    last["curve"] = [record for record in last["curve"] if record["epoch"] < 3]
    (only,) = bands_of(grid_run([*events, asked, last]))
    assert only.epochs == (1, 2)
    assert only.n == 2


def test_of_many_surroundings_the_most_accurate_are_kept(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = [
        event
        for n, (s, kd) in enumerate((s, kd) for s in range(9) for kd in ("none", "dist"))
        for event in point_of(n, 0.8 + s / 100, settings_of(0.5, "none", kd, sparsity__s=float(s)))
    ]
    found = bands_of(grid_run(events))
    assert len(found) == LINES
    assert {band.context["sparsity.s"] for band in found} == {6.0, 7.0, 8.0}
