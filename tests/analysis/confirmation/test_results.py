import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from analysis.confirmation.results import Confirmation, confirmation, confirmed_choice
from analysis.records import read_run
from analysis.select import best

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Concluded = Callable[..., Confirmation]


def found_in(folder: Path) -> Confirmation:
    found = confirmation(read_run(folder))
    assert found is not None
    return found


def numbers(found: Confirmation) -> list[tuple[str, int]]:
    return [(one.role, one.of) for one in found.candidates]


def test_finalists_are_ordered_by_validation_accuracy_and_former_ones_are_apart(confirmed_run: Make) -> None:
    found = found_in(confirmed_run())
    assert numbers(found) == [("finalist", 0), ("finalist", 4), ("finalist", 3), ("baseline", 4)]
    assert (found.winner.of, found.top.of) == (4, 0)
    assert (found.ended, found.planned, found.decides) == (12, 12, True)
    assert [(run.of, run.seed) for run in found.former] == [(8, 1), (8, 2)]
    assert (found.images, found.metric, found.data, found.seeds) == (360, "accuracy", "train", 3)
    assert found.top.mean("test_accuracy") == pytest.approx(0.96 + 0.001 / 3)
    assert [one.name for one in found.candidates] == ["trial 0", "trial 4", "trial 3", "trial 4 uncut"]


def test_the_search_is_flattered_by_what_it_said_above_the_means_of_fresh_seeds(confirmed_run: Make) -> None:
    found = found_in(confirmed_run())
    said = {4: 0.965, 0: 0.979, 3: 0.979}
    gaps = [said[one.of] - sum(one.validation.values()) / 3 for one in found.finalists]
    low, high = stats.ttest_1samp(gaps, 0).confidence_interval(0.95)
    assert found.flattered is not None
    assert found.flattered.value == pytest.approx(sum(gaps) / 3)
    assert (found.flattered.low, found.flattered.high) == pytest.approx((low, high))
    assert found.flattered.count == 3


def test_the_order_of_events_changes_nothing(confirmed_run: Make, all_confirm: Events) -> None:
    events = all_confirm()
    whole = [events[place : place + 2] for place in range(0, len(events), 2)]
    random.Random(0).shuffle(whole)
    first = found_in(confirmed_run(name="a"))
    second = found_in(confirmed_run([event for pair in whole for event in pair], name="b"))
    assert first == second


STEADY = {1: 0.94, 2: 0.942, 3: 0.944}


def level(by: float, wobble: float = 0.0) -> dict[int, float]:
    return {seed: value + by + wobble * (seed - 2) for seed, value in STEADY.items()}


def test_the_cheapest_that_is_not_worse_than_the_best_is_chosen(concluded: Concluded) -> None:
    given = [
        ("finalist", 4, STEADY, STEADY, 9e6),
        ("finalist", 0, STEADY, level(-0.001, 0.002), 5e6),
        ("finalist", 2, STEADY, level(-0.05, 0.001), 1e6),
    ]
    found = concluded(given)
    assert (found.top.of, found.chosen.of) == (4, 0)
    assert [(one.candidate.of, one.verdict) for one in found.changes] == [(0, "open"), (2, "worse")]


def test_scattering_seeds_are_no_reason_to_take_the_cheaper(concluded: Concluded) -> None:
    given = [("finalist", 4, STEADY, STEADY, 9e6), ("finalist", 0, STEADY, level(-0.05, 0.04), 1e6)]
    found = concluded(given)
    assert found.changes[0].verdict == "open"
    assert found.chosen.of == 4


def test_a_steady_loss_and_a_single_seed_are_not_taken_for_level(concluded: Concluded) -> None:
    """Equal differences have no interval, but they are no doubt either."""
    given = [
        ("finalist", 4, STEADY, STEADY, 9e6),
        ("finalist", 0, STEADY, level(-0.01), 5e6),
        ("finalist", 2, {1: 0.95, 2: None, 3: None}, {1: 0.9399}, 1e6),
    ]
    assert concluded(given).chosen.of == 4
    given[1] = ("finalist", 0, STEADY, STEADY, 5e6)
    assert concluded(given).chosen.of == 0


def test_trained_on_the_validation_images_too_the_order_of_the_search_stays(
    confirmed_run: Make, confirm_of: Events
) -> None:
    events: list[dict[str, Any]] = []
    for seed in (1, 2, 3):
        for of, test in ((4, 0.94), (0, 0.96), (3, 0.95)):
            events += confirm_of(len(events) // 2, "finalist", of, seed, test + seed / 1000, data="train+val")
    space = "confirm: {top: 3, seeds: 3, data: train+val}\n"
    found = found_in(confirmed_run(events, space=space))
    assert numbers(found) == [("finalist", 4), ("finalist", 3), ("finalist", 0)]
    assert (found.chosen, found.flattered) == (found.winner, None)
    run = read_run(confirmed_run(events, name="b", space=space))
    choice = best(run)
    assert choice is not None
    assert confirmed_choice(choice, found) == choice


def test_runs_on_other_images_are_former_ones(confirmed_run: Make, confirm_of: Events) -> None:
    events = confirm_of(0, "finalist", 4, 1, 0.9, 0.9) + confirm_of(
        1, "finalist", 4, 1, 0.9, data="train+val"
    )
    found = found_in(confirmed_run(events))
    assert [run.trial.number for run in found.former] == [1]


def test_while_runs_are_missing_the_answer_is_the_search_s(confirmed_run: Make, all_confirm: Events) -> None:
    folder = confirmed_run(all_confirm()[:9])
    run, found = read_run(folder), found_in(folder)
    assert (found.ended, found.planned, found.decides) == (4, 12, False)
    choice = best(run)
    assert choice is not None
    assert confirmed_choice(choice, found) == choice


def test_the_choice_is_that_of_the_confirmation_once_all_have_ended(confirmed_run: Make) -> None:
    folder = confirmed_run()
    run, found = read_run(folder), found_in(folder)
    choice = best(run)
    assert choice is not None
    chosen = confirmed_choice(choice, found)
    assert chosen.chosen.trial.number == found.chosen.of
    assert "is not worse on fresh seeds than the most accurate one, trial 0" in chosen.rule


def test_failed_runs_end_a_confirmation_and_count_as_no_seed(concluded: Concluded) -> None:
    given = [
        ("finalist", 4, {1: 0.9, 2: None, 3: 0.91}, {1: 0.9, 3: 0.91}, 9e6),
        ("finalist", 0, dict.fromkeys((1, 2, 3)), {}, 1e6),
    ]
    found = concluded(given)
    assert (found.ended, found.planned, found.decides) == (6, 6, True)
    assert (found.top.of, found.chosen.of) == (4, 4)
    assert [len(one.failed) for one in found.candidates] == [1, 3]
    assert not concluded([("finalist", 4, dict.fromkeys((1, 2, 3)), {}, 9e6)]).decides


def test_runs_to_spare_of_one_finalist_do_not_stand_for_those_that_another_lacks(
    confirmed_run: Make, all_confirm: Events
) -> None:
    events = [event for event in all_confirm() if event["of"] != 0]
    found = found_in(confirmed_run(events, space="confirm: {top: 3, seeds: 2, data: train}\n"))
    assert (found.ended, found.planned, found.decides) == (9, 11, False)


def test_none_is_found_without_a_section_a_file_or_a_complete_trial(
    make_run: Make, confirmed_run: Make, all_confirm: Events
) -> None:
    assert confirmation(read_run(make_run(name="a", confirm=all_confirm()))) is None
    assert confirmation(read_run(confirmed_run([], name="b"))) is None
    assert confirmation(read_run(confirmed_run(name="c", events=[]))) is None
