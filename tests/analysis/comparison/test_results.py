from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.comparison.results import Measure, compare_runs
from analysis.records import read_run
from analysis.significance import t_interval

Make = Callable[..., Path]
TWO = "{maximize: accuracy, minimize: macs}"


def test_methods_are_paired_by_seed_at_the_epochs_of_the_shortest_run(make_sweep: Make) -> None:
    runs = [
        make_sweep("tpe-0", [0.80, 0.90, 0.96], seed=0),
        make_sweep("tpe-1", [0.82, 0.94], seed=1),
        make_sweep("random-1", [0.84, 0.86, 0.93], sampler="random", seed=1),
        make_sweep("random-0", [0.85, 0.80, 0.92], sampler="random", seed=0),
    ]
    found = compare_runs([read_run(path) for path in runs])
    assert found.epochs == 16
    (pair,) = found.pairs
    assert (pair.one.name, pair.other.name) == ("tpe", "random")
    assert pair.one.values(pair.measure, 16) == {(0, 0): 0.90, (1, 1): 0.94}
    change = pair.tested.change
    assert change
    assert change.value == pytest.approx((0.90 - 0.85 + 0.94 - 0.86) / 2)
    assert (change.low, change.high) == pytest.approx(t_interval([0.05, 0.08], least=2))
    assert (pair.tested.verdict, change.count) == ("open", 2)


def test_without_a_common_seed_there_are_no_statistics(make_sweep: Make) -> None:
    runs = [make_sweep("a", [0.9], seed=0), make_sweep("b", [0.8], seed=1, sampler="random")]
    (pair,) = compare_runs([read_run(path) for path in runs]).pairs
    assert (pair.tested.change, pair.tested.p, pair.tested.verdict) == (None, None, "none")


def test_a_positive_change_is_better_for_what_is_minimised_too(make_sweep: Make) -> None:
    asked = "{minimize: loss}"
    runs = [make_sweep("a", [0.9], objective=asked, loss=0.5)]
    runs += [make_sweep("b", [0.9], objective=asked, loss=0.2, sampler="random")]
    (pair,) = compare_runs([read_run(path) for path in runs]).pairs
    assert pair.tested.change
    assert pair.tested.change.value == pytest.approx(-0.3)
    assert pair.measure.change(-0.3) == "−0.3"


def test_several_objectives_are_judged_by_hypervolume_too_and_all_pairs_are_one_family(
    make_sweep: Make,
) -> None:
    runs = [
        make_sweep(f"{sampler}-{seed}", [0.8 + 0.01 * seed + gain + 0.001 * seed * place, 0.9 - 0.03 * seed], seed=seed, sampler=sampler, objective=TWO)
        for place, (sampler, gain) in enumerate((("tpe", 0.1), ("random", 0.0), ("grid", 0.05)))
        for seed in range(3)
    ]  # fmt: skip
    found = compare_runs([read_run(path) for path in runs])
    assert [measure.field for measure in found.measures] == ["best", "volume"]
    assert len(found.pairs) == 6
    entry = found.entries[0]
    assert entry.last.volume == pytest.approx(0.9 * 0.5)
    assert all(pair.tested.p is not None for pair in found.pairs)


def test_three_methods_of_one_seed_are_compared_without_claims(make_sweep: Make) -> None:
    runs = [make_sweep(sampler, [0.9], sampler=sampler) for sampler in ("tpe", "random", "grid")]
    found = compare_runs([read_run(path) for path in runs])
    assert [pair.tested.verdict for pair in found.pairs] == ["none"] * 3


def test_runs_of_one_name_are_told_apart_by_their_paths(make_sweep: Make, tmp_path: Path) -> None:
    one = make_sweep("a", [0.9])
    one.rename(tmp_path / "a")
    other = make_sweep("a", [0.8], seed=1)
    found = compare_runs([read_run(tmp_path / "a"), read_run(other)])
    assert [entry.label for entry in found.entries] == [str(tmp_path / "a"), str(other)]


def test_numbers_are_shown_in_their_own_unit() -> None:
    share = Measure(field="best", title="best accuracy", maximize=True, digits=1)
    volume = Measure(field="volume", title="hypervolume", maximize=True, digits=None)
    assert (share.text(0.956), share.change(-0.01), share.unit) == ("95.6", "−1.0", " points")
    assert (volume.text(0.5), volume.change(0.01), volume.unit) == ("0.5000", "+0.0100", "")
    assert volume.text(None) == "–"
