from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.damage.subject import subject
from analysis.records import read_run
from analysis.select import best

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Record = Callable[..., dict[str, Any]]
Settings = Callable[..., dict[str, Any]]


def test_the_chosen_recipe_is_shown_with_its_seeds(
    make_run: Make, point_of: Events, settings_of: Settings, record_of: Record
) -> None:
    events = []
    for n, (percent, seed) in enumerate((p, s) for p in (0.0, 0.3, 0.7) for s in range(3)):
        damage = record_of([90 + seed, 80], [70, 60])
        events += point_of(n, 0.98 - percent / 100, settings_of(percent, seed=seed), damage=damage)
    run = read_run(make_run(events))
    choice = best(run)
    assert choice
    assert choice.chosen.trial.metrics["percent_cut"] == 0.7
    found = subject(run, choice)
    assert found
    assert found.cell.cut.label == "70"
    assert [one.right["unpruned"]["clean"][0] for one in found.pruned] == [90, 91, 92]
    assert len(found.unpruned) == 3
    alone = subject(run, None)
    assert alone
    assert alone.cell.cut.label == "30"


def test_seeds_of_the_unpruned_network_come_from_other_cuts_too_but_not_from_other_sparsity(
    make_run: Make, point_of: Events, settings_of: Settings, record_of: Record
) -> None:
    damage = record_of([90, 80], [70, 60])
    events = point_of(0, 0.9, settings_of(0.5), damage=damage)
    events += point_of(1, 0.8, settings_of(0.7, "none", "dist", seed=1), damage=damage)
    events += point_of(2, 0.8, settings_of(0.7, "dist", "none", seed=2), damage=damage)
    events += point_of(3, 0.8, settings_of(0.7, seed=3), damage=record_of([9, 8], [7, 6], images=10))
    run = read_run(make_run(events))
    found = subject(run, None)
    assert found
    assert len(found.pruned) == 1
    assert len(found.unpruned) == 2


def test_no_subject_without_records_or_without_a_cut(
    make_run: Make, point_of: Events, settings_of: Settings, record_of: Record
) -> None:
    run = read_run(make_run(point_of(0, 0.9, settings_of(0.5))))
    assert subject(run, best(run)) is None
    uncut = point_of(0, 0.9, settings_of(0.0), damage=record_of([90, 80], [70, 60]))
    run = read_run(make_run(uncut, name="b"))
    assert subject(run, best(run)) is None
