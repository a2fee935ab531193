import math
import random
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna._hypervolume import compute_hypervolume

from analysis.hypervolume import Reference, hypervolume, reference, volume
from analysis.records import Run, read_run
from analysis.select import Objective, objectives

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Rows = list[tuple[float, ...]]
FRONT = "objective: {maximize: accuracy, minimize: macs}\n"
BOTH = "objective: {maximize: accuracy, minimize: [macs, params]}\n"


def rows(columns: int) -> st.SearchStrategy[Rows]:
    number = st.integers(0, 8).map(lambda step: step / 8)
    return st.lists(st.tuples(*[number] * columns), max_size=9)


EITHER = st.sampled_from((2, 3)).flatmap(rows)


def counted(gains: Rows, columns: int) -> float:
    """Of the 8^d cells of a grid that all boxes end on, the share that a box holds."""
    cells = product(range(8), repeat=columns)
    held = (any(all(c < 8 * g for c, g in zip(cell, row, strict=True)) for row in gains) for cell in cells)
    return sum(held) / 8**columns


@pytest.mark.parametrize("columns", [2, 3])
def test_the_volume_is_that_of_the_cells_that_are_covered(columns: int) -> None:
    @given(rows(columns))
    @settings(deadline=None, max_examples=60)
    def law(gains: Rows) -> None:
        assert hypervolume(gains) == pytest.approx(counted(gains, columns), abs=1e-12)

    law()


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_the_volume_is_optunas(columns: int) -> None:
    draw = np.random.default_rng(columns)
    for count in (1, 2, 30):
        gains = draw.random((count, columns))
        theirs = compute_hypervolume(1 - gains, np.ones(columns))
        assert hypervolume(gains.tolist()) == pytest.approx(theirs, rel=1e-12)


def test_the_volume_is_the_share_of_darts_that_hit_it() -> None:
    draw = np.random.default_rng(0)
    gains, darts = draw.random((12, 3)) ** 0.5, draw.random((40_000, 3))
    hit = (darts[:, None] < gains[None]).all(axis=2).any(axis=1).mean()
    assert hypervolume(gains.tolist()) == pytest.approx(hit, abs=0.01)


@given(EITHER, st.data())
@settings(deadline=None)
def test_one_more_point_never_takes_volume_away(gains: Rows, data: st.DataObject) -> None:
    more = data.draw(st.tuples(*[st.floats(0, 1)] * (len(gains[0]) if gains else 2)))
    assert hypervolume([*gains, more]) >= hypervolume(gains) - 1e-12


@given(EITHER, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_neither_order_nor_dominated_points_change_it(gains: Rows, chance: random.Random) -> None:
    worse = [tuple(value * chance.random() for value in row) for row in gains]
    mixed = [*gains, *worse, *gains]
    chance.shuffle(mixed)
    assert hypervolume(mixed) == pytest.approx(hypervolume(gains), abs=1e-12)


def test_small_cases() -> None:
    assert hypervolume([]) == 0
    assert hypervolume([(0.5, 0.0), (-1.0, 0.5)]) == 0
    assert hypervolume([(0.5, 0.5)]) == 0.25
    assert hypervolume([(1.0, 0.25), (0.25, 1.0)]) == 0.4375
    assert hypervolume([(1, 1, 0.5), (0.5, 0.5, 1)]) == 0.625


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_number_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=rf"gains\[1\]: finite numbers, got \(0.5, {bad}\)"):
        hypervolume([(0.5, 0.5), (0.5, bad)])


def read(folder: Path) -> tuple[Run, Reference]:
    run = read_run(folder)
    to = reference([run], objectives(run.space))
    assert isinstance(to, Reference)
    return run, to


def test_accuracy_counts_from_nothing_and_macs_from_the_unpruned_network(
    make_run: Make, complete: Events
) -> None:
    events = complete(0, 0.9, 0.5, macs=250, macs_unpruned=1000) + complete(
        1, 0.5, 0.9, macs=50, macs_unpruned=1000
    )
    run, to = read(make_run(events, space=FRONT))
    assert [to.gains(trial) for trial in run.trials] == [(0.9, 0.75), (0.5, 0.95)]
    assert volume(run.trials, to) == pytest.approx(0.9 * 0.75 + 0.5 * 0.2)
    assert to.words() == "accuracy 0, MACs 1 (the unpruned network's 1.00 k)"


def test_of_unpruned_networks_the_largest_is_the_reference(make_run: Make, complete: Events) -> None:
    events = complete(0, 0.9, 0.5, params_unpruned=1000, params=10) + complete(
        1, 0.9, 0.5, params_unpruned=2000
    )
    _, to = read(make_run(events, space=BOTH))
    assert to.sizes[2] == 2000
    assert "params 1 (the unpruned network's 2.00 k)" in to.words()


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ([("accuracy", True)], "it is for 2 to 3 objectives, got 1"),
        ([("accuracy", True), ("loss", False)], "nothing is the worst that `minimize: loss` can be"),
        ([("accuracy", True), ("macs", True)], "nothing is the worst that `maximize: macs` can be"),
        ([("accuracy", True), ("macs", False)], "no trial says how many MACs the unpruned network has"),
    ],
)
def test_without_a_reference_there_is_a_reason(
    make_run: Make, complete: Events, asked: list[tuple[str, bool]], why: str
) -> None:
    run = read_run(make_run(complete(0, 0.9, 0.5, macs_unpruned=None)))
    assert reference([run], [Objective(metric=name, maximize=up) for name, up in asked]) == why


def test_a_trial_without_one_of_the_metrics_covers_nothing(make_run: Make, complete: Events) -> None:
    run, to = read(make_run(complete(0, 0.9, 0.5) + complete(1, 0.99, 0.5, macs=None), space=FRONT))
    assert to.gains(run.trials[1]) is None
    assert volume(run.trials, to) == volume(run.trials[:1], to)
