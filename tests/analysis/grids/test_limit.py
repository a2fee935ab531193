from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.grids.cells import grid
from analysis.grids.limit import Limit, limits
from analysis.records import read_run

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


@pytest.fixture
def limit_of(grid_run: Make, point_of: Events, settings_of: Settings) -> Callable[..., Limit]:
    """A function (percent → accuracy of every seed) -> the limit of one recipe."""

    def make(reached: dict[float, list[float]], name: str = "tiny", **more: Any) -> Limit:
        points = [(p, seed, value) for p, values in reached.items() for seed, value in enumerate(values)]
        events = [
            event
            for n, (percent, seed, value) in enumerate(points)
            for event in point_of(n, value, settings_of(percent, seed=seed), **more)
        ]
        found = grid(read_run(grid_run(events, name=name)))
        assert found
        (one,) = limits(found)
        return one

    return make


def test_the_largest_cut_before_the_first_that_is_surely_below(limit_of: Callable[..., Limit]) -> None:
    found = limit_of(
        {
            0.0: [0.95, 0.96, 0.97],
            0.3: [0.951, 0.958, 0.971],
            0.5: [0.91, 0.921, 0.93],
            0.7: [0.95, 0.96, 0.971],
        }
    )
    assert [step.change.verdict for step in found.steps] == ["open", "below", "open"]
    assert found.holds
    assert found.holds.cut.label == "30"
    assert found.below
    assert found.below.cut.label == "50"
    assert [step.cut.label for step in found.open] == ["30"]
    assert found.visible == found.holds.change.visible


def test_it_is_decided_where_the_intervals_begin_above(limit_of: Callable[..., Limit]) -> None:
    found = limit_of({0.0: [0.95, 0.96, 0.97], 0.3: [0.96, 0.971, 0.98], 0.5: [0.91, 0.921, 0.93]})
    assert found.open == ()
    assert found.holds
    assert found.holds.cut.label == "30"


def test_no_cut_holds_where_the_first_is_below(limit_of: Callable[..., Limit]) -> None:
    found = limit_of({0.0: [0.95, 0.96, 0.97], 0.3: [0.91, 0.921, 0.93]})
    assert (found.holds, found.open) == (None, ())
    assert found.visible is not None


def test_single_runs_are_decided_by_the_images(limit_of: Callable[..., Limit]) -> None:
    found = limit_of({0.0: [0.95], 0.3: [0.94], 0.9: [0.5]})
    assert found.steps[0].change.by == "Wilson, 287 images"
    assert found.below
    assert found.below.cut.label == "90"
    unknown = limit_of({0.0: [0.95], 0.3: [0.94]}, "b", validation_images=None)
    assert unknown.visible is None
    assert unknown.open == unknown.steps


def test_a_recipe_without_an_unpruned_network_has_no_limit(grid_run: Make, events_of: Events) -> None:
    found = grid(read_run(grid_run(events_of(percents=(0.3, 0.5))[6:])))
    assert found
    assert limits(found) == ()


def test_a_cut_whose_loss_could_not_be_seen_is_not_said_to_hold(limit_of: Callable[..., Limit]) -> None:
    found = limit_of(
        {
            0.0: [0.95, 0.96, 0.97],
            0.3: [0.951, 0.958, 0.971],
            0.5: [0.90, 0.40, 0.71],
            0.7: [0.95, 0.96, 0.971],
        }
    )
    assert [step.change.verdict for step in found.steps] == ["open", "open", "open"]
    assert found.holds
    assert found.holds.cut.label == "30"
    assert found.below is None
    assert [step.cut.label for step in found.open] == ["30"]
