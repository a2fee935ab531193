from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.records import read_run
from analysis.select import Objective, baseline, best, best_per_percent, objectives, primary, ranking, wilson

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]


def test_wilson_gives_the_textbook_values() -> None:
    """Newcombe 1998, table I: 81 of 263 and 1 of 29, method 3."""
    assert (wilson(81 / 263, 263).low, wilson(81 / 263, 263).high) == pytest.approx(
        (0.2553, 0.3662), abs=5e-5
    )
    assert (wilson(1 / 29, 29).low, wilson(1 / 29, 29).high) == pytest.approx((0.0061, 0.1718), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(deadline=None)
def test_an_interval_holds_its_accuracy_within_0_and_1(shares: tuple[int, int]) -> None:
    right, images = shares
    interval = wilson(right / images, images)
    assert 0 <= interval.low <= right / images <= interval.high <= 1


@pytest.mark.parametrize(("accuracy", "images"), [(1.1, 10), (-0.1, 10), (0.5, 0)])
def test_an_accuracy_that_is_no_share_is_refused(accuracy: float, images: int) -> None:
    with pytest.raises(
        ValueError, match=rf"accuracy: 0 to 1 on at least 1 image, got {accuracy} on {images}"
    ):
        wilson(accuracy, images)


def test_the_objective_is_read_from_the_space() -> None:
    assert objectives({}) == (Objective(metric="accuracy", maximize=True),)
    both = {"objective": {"minimize": ["macs", "params"], "maximize": "accuracy"}}
    assert [(o.metric, o.maximize) for o in objectives(both)] == [
        ("macs", False),
        ("params", False),
        ("accuracy", True),
    ]
    assert primary(both).metric == "accuracy"
    assert primary({"objective": {"minimize": "loss"}}) == Objective(metric="loss", maximize=False)


def test_the_cheapest_network_whose_interval_reaches_the_best_is_chosen(make_run: Make) -> None:
    choice = best(read_run(make_run()))
    assert choice
    assert choice.top.trial.number == 3
    assert choice.chosen.trial.number == 4
    assert choice.chosen.interval
    assert choice.chosen.interval.high >= choice.top.value
    assert choice.rivals == 5
    assert "95 % Wilson interval on 287 validation images reaches the best accuracy" in choice.rule


def test_a_network_whose_interval_stays_below_the_best_is_not_chosen(
    make_run: Make, complete: Events
) -> None:
    """On 100,000 images 0.965 cannot be 0.979."""
    events = complete(0, 0.979, 0.3, validation_images=100_000) + complete(
        1, 0.965, 0.7, validation_images=100_000
    )
    choice = best(read_run(make_run(events)))
    assert choice
    assert (choice.chosen.trial.number, choice.rivals) == (0, 1)


def test_equal_macs_are_decided_by_params_then_accuracy_then_number(make_run: Make, complete: Events) -> None:
    events = complete(0, 0.97, 0.5, macs=100, params=50)
    events += complete(1, 0.96, 0.5, macs=100, params=40)
    events += complete(2, 0.97, 0.5, macs=100, params=40)
    events += complete(3, 0.97, 0.5, macs=100, params=40)
    choice = best(read_run(make_run(events)))
    assert choice
    assert choice.chosen.trial.number == 2


def test_only_complete_trials_are_candidates(make_run: Make, ending: Events, complete: Events) -> None:
    cheap = {"accuracy": 1.0, "macs": 1, "params": 1, "validation_images": 287}
    events = complete(0, 0.9, 0.5)
    for number, state in enumerate(("stopped", "failed", "infeasible"), 1):
        events += ending(number, state, {"prune.percent": 0.5}, cheap)
    run = read_run(make_run(events))
    assert [row.trial.number for row in ranking(run)] == [0]


def test_without_a_complete_trial_there_is_no_choice(make_run: Make, ending: Events) -> None:
    run = read_run(make_run(ending(0, "failed", {}, {}, reason="nan")))
    assert best(run) is None
    assert ranking(run) == best_per_percent(run) == ()
    assert baseline(run) is None


def test_trials_of_one_network_share_a_row(make_run: Make, complete: Events) -> None:
    events = (
        complete(0, 0.9, 0.5)
        + complete(1, 0.95, 0.5, address="same")
        + complete(2, 0.95, 0.5, address="same")
    )
    rows = ranking(read_run(make_run(events)))
    assert [(row.place, row.trial.number, row.twins) for row in rows] == [(1, 1, (2,)), (2, 0, ())]


def test_trials_without_macs_come_after_those_with(make_run: Make, complete: Events) -> None:
    events = complete(0, 0.95, 0.5, macs=None, params=None) + complete(1, 0.95, 0.5)
    choice = best(read_run(make_run(events)))
    assert choice
    assert [row.trial.number for row in ranking(read_run(make_run(events, name="again")))] == [1, 0]
    assert choice.chosen.trial.number == 1


def test_without_the_number_of_images_the_best_value_wins_and_the_rule_says_why(
    make_run: Make, complete: Events
) -> None:
    events = complete(0, 0.95, 0.5, validation_images=None) + complete(1, 0.96, 0.3, validation_images=None)
    choice = best(read_run(make_run(events)))
    assert choice
    assert (choice.chosen.trial.number, choice.chosen.interval) == (1, None)
    assert "no interval is known, since `validation_images` is not recorded" in choice.rule


def test_a_minimised_objective_takes_the_lowest(make_run: Make, complete: Events) -> None:
    events = (
        complete(0, 0.95, 0.5, loss=0.2) + complete(1, 0.96, 0.3, loss=0.1) + complete(2, 0.9, 0.9, loss=0.1)
    )
    choice = best(read_run(make_run(events, space="objective: {minimize: loss}")))
    assert choice
    assert (choice.chosen.trial.number, choice.top.trial.number) == (2, 2)
    assert choice.rule.startswith("The lowest loss among the complete trials")


def test_with_two_objectives_accuracy_ranks(make_run: Make, complete: Events) -> None:
    space = "objective: {minimize: macs, maximize: accuracy}"
    run = read_run(make_run(complete(0, 0.95, 0.5) + complete(1, 0.7, 0.9), space=space))
    choice = best(run)
    assert choice
    assert choice.chosen.trial.number == 0


def test_the_best_of_every_percent_also_by_kd(make_run: Make) -> None:
    run = read_run(make_run())
    assert [(row.percent, row.best.trial.number) for row in best_per_percent(run)] == [
        (0.3, 0),
        (0.5, 3),
        (0.7, 4),
        (0.8, 6),
        (0.9, 9),
    ]
    split = best_per_percent(run, split="finetune.kd")
    assert [(row.group, row.best.trial.number) for row in split][:2] == [("dist", 1), ("none", 0)]
    assert len(split) == 10


def test_percent_comes_from_the_space_where_it_is_not_searched(make_run: Make, ending: Events) -> None:
    run = read_run(make_run(ending(0, "complete", {}, {"accuracy": 0.9}), space="prune: {percent: 0.4}"))
    assert [row.percent for row in best_per_percent(run)] == [0.4]
    none = read_run(
        make_run(ending(0, "complete", {}, {"accuracy": 0.9}), name="b", space="prune: {macs: 0.4}")
    )
    assert best_per_percent(none) == ()


def test_the_baseline_is_the_best_network_before_any_cut(
    make_run: Make, complete: Events, ending: Events
) -> None:
    events = complete(0, 0.9, 0.5, accuracy_unpruned=0.97) + complete(1, 0.9, 0.5, accuracy_unpruned=0.975)
    outside = {"accuracy_unpruned": 0.98, "macs_unpruned": 900, "params_unpruned": 90}
    events += ending(2, "infeasible", {}, outside) + complete(3, 0.9, 0.5, accuracy_unpruned=0.98)
    found = baseline(read_run(make_run(events)))
    assert found
    assert (found.trial, found.accuracy, found.macs, found.uncut) == (2, 0.98, 900, False)
    assert found.what == "trial 2 after sparsity training, before its cut"
    assert found.interval == wilson(0.98, 287)


def test_a_trial_that_cuts_nothing_is_the_baseline_where_it_is_no_worse(
    make_run: Make, complete: Events, ending: Events
) -> None:
    events = complete(0, 0.98, 0.5, accuracy_unpruned=0.97) + complete(1, 0.97, 0.0, accuracy_unpruned=0.96)
    found = baseline(read_run(make_run(events)))
    assert found
    assert (found.trial, found.accuracy, found.macs, found.uncut) == (1, 0.97, 11_066_880, True)
    assert found.what == "trial 1 without a cut"
    stopped = ending(2, "stopped", {}, {"accuracy": 0.99, "percent_cut": 0})
    assert baseline(read_run(make_run(events + stopped, name="b"))) == found


def test_a_sweep_without_a_cut_has_no_baseline(make_run: Make, ending: Events) -> None:
    assert baseline(read_run(make_run(ending(0, "complete", {}, {"accuracy": 0.9, "macs": 5})))) is None


def test_an_objective_that_the_space_leaves_null_is_none(make_run: Make, complete: Events) -> None:
    space = "objective: {maximize: null, minimize: loss}"
    assert objectives({"objective": {"maximize": None, "minimize": "loss"}}) == (
        Objective(metric="loss", maximize=False),
    )
    run = read_run(make_run(complete(0, 0.9, 0.5, loss=0.2) + complete(1, 0.8, 0.5, loss=0.1), space=space))
    assert [row.trial.number for row in ranking(run)] == [1, 0]
