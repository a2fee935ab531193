from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.comparison.draw import caption, curve, draw
from analysis.comparison.results import compare_runs
from analysis.records import read_run
from analysis.significance import t_interval

Make = Callable[..., Path]


def test_two_runs_have_a_band_from_the_lower_to_the_higher(four: list[Path]) -> None:
    found = compare_runs([read_run(path) for path in four])
    one = curve(found.methods[0], found.measures[0])
    assert (one.n, one.epochs) == (2, (10, 16, 22))
    assert one.mean == pytest.approx((0.81, 0.92, 0.955))
    assert (one.low, one.high) == ((0.80, 0.90, 0.95), (0.82, 0.94, 0.96))
    assert one.lines[0] == ((10, 0.80), (16, 0.90), (22, 0.96))
    assert "bands: from the lower to the higher of two runs; thin lines" in caption(found, found.measures[0])


def test_three_runs_have_a_t_interval_as_far_as_all_reach(make_sweep: Make) -> None:
    values = ([0.8, 0.9], [0.7, 0.9], [0.9])
    runs = [make_sweep(f"a-{seed}", row, seed=seed) for seed, row in enumerate(values)]
    found = compare_runs([read_run(path) for path in runs])
    one = curve(found.methods[0], found.measures[0])
    assert one.epochs == (10,)
    assert (one.low[0], one.high[0]) == pytest.approx(t_interval([0.8, 0.7, 0.9]))
    assert "bands: 95 % t intervals of three runs or more; thin" in caption(found, found.measures[0])


def test_a_band_begins_where_every_run_has_found_something(make_sweep: Make) -> None:
    runs = [make_sweep("a", [(0.9, "stopped"), 0.8]), make_sweep("b", [0.9, 0.9], seed=1)]
    found = compare_runs([read_run(path) for path in runs])
    assert curve(found.methods[0], found.measures[0]).epochs == (13,)


@pytest.mark.parametrize(
    "objective", ["{maximize: accuracy, minimize: macs}", "{minimize: loss}", "{maximize: percent_cut}"]
)
def test_every_measure_is_drawn_for_methods_of_any_size(make_sweep: Make, objective: str) -> None:
    measured = {"objective": objective, "loss": 0.3, "percent_cut": 0.5}
    runs = [make_sweep("a", [0.5], **measured)]
    runs += [
        make_sweep(f"b{seed}", [0.9, 0.95], seed=seed, sampler="random", **measured) for seed in range(3)
    ]
    found = compare_runs([read_run(path) for path in runs])
    for measure in found.measures:
        first, again = draw(found, measure), draw(found, measure)
        assert first == again
        assert first["png"].startswith(b"\x89PNG")
    assert "means of n runs" in caption(found, found.measures[0])
