from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.comparison.so_far import Step, at, steps
from analysis.hypervolume import Reference, reference
from analysis.records import read_run
from analysis.select import Objective, objectives

Make = Callable[..., Path]
ACCURACY = Objective(metric="accuracy", maximize=True)
TWO = "{maximize: accuracy, minimize: macs}"


def test_a_step_pays_for_every_epoch_once_and_finds_complete_trials_only(make_sweep: Make) -> None:
    values = [0.8, (0.95, "stopped"), (0.0, "infeasible"), (0.0, "failed"), 0.9, 0.85]
    found = steps(read_run(make_sweep("a", values)), ACCURACY, None)
    assert [step.epochs for step in found] == [10, 13, 13, 13, 19, 25]
    assert [step.best for step in found] == [0.8, 0.8, 0.8, 0.8, 0.9, 0.9]
    assert [step.leader for step in found] == [0, 0, 0, 0, 4, 4]
    assert {step.volume for step in found} == {None}


def test_a_store_that_was_full_before_makes_no_run_look_cheaper(make_sweep: Make) -> None:
    one, other = (steps(read_run(make_sweep(n, [0.8, 0.9], reused=n == "b")), ACCURACY, None) for n in "ab")
    assert one == other


def test_trials_count_in_the_order_in_which_they_ended(
    make_run: Make, complete: Callable[..., list[dict[str, Any]]]
) -> None:
    first, second = complete(0, 0.9, 0.5), complete(1, 0.8, 0.5)
    run = read_run(make_run([first[0], second[0], second[1], first[1]]))
    assert [step.trial for step in steps(run, ACCURACY, None)] == [1, 0]
    assert [step.best for step in steps(run, ACCURACY, None)] == [0.8, 0.9]


def test_a_running_trial_is_no_step(make_run: Make, complete: Callable[..., list[dict[str, Any]]]) -> None:
    run = read_run(make_run([*complete(0, 0.9, 0.5), complete(1, 0.8, 0.5)[0]]))
    assert len(steps(run, ACCURACY, None)) == 1


def test_before_a_complete_trial_nothing_is_found(make_sweep: Make) -> None:
    run = read_run(make_sweep("a", [(0.5, "stopped"), 0.4], objective=TWO))
    to = reference([run], objectives(run.space))
    assert isinstance(to, Reference)
    first, second = steps(run, ACCURACY, to)
    assert (first.best, first.leader, first.volume) == (None, None, None)
    assert second.volume == 0.4 * 0.5


def test_the_lowest_is_best_of_what_is_minimised(make_sweep: Make) -> None:
    run = read_run(make_sweep("a", [0.8, 0.9, 0.7]))
    found = steps(run, Objective(metric="macs", maximize=False), None)
    assert [step.best for step in found] == [700_000, 500_000, 300_000]


@given(st.lists(st.integers(0, 9), max_size=9), st.integers(0, 10))
@settings(deadline=None)
def test_at_is_the_last_step_within_the_epochs(epochs: list[int], most: int) -> None:
    found = [
        Step(trial=n, epochs=e, best=None, leader=None, volume=None) for n, e in enumerate(sorted(epochs))
    ]
    within = [step for step in found if step.epochs <= most]
    assert at(found, most) is (within[-1] if within else None)
