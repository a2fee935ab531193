from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.finalists import finalists
from analysis.records import read_run
from analysis.select import best

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
FRONT = "objective: {maximize: accuracy, minimize: macs}"


def numbers(folder: Path, top: int) -> list[int]:
    return [row.trial.number for row in finalists(read_run(folder), top)]


def test_the_recommended_network_is_first_and_then_the_best(make_run: Make) -> None:
    run = read_run(make_run())
    found = finalists(run, 3)
    choice = best(run)
    assert choice is not None
    assert found[0].trial.number == choice.chosen.trial.number
    assert [row.place for row in found[1:]] == [1, 2]
    assert len(finalists(run, 1)) == 1


def test_without_a_complete_trial_there_is_none(make_run: Make) -> None:
    assert numbers(make_run([]), 3) == []


def test_with_several_objectives_they_are_spread_over_the_front(make_run: Make, complete: Events) -> None:
    events: list[dict[str, Any]] = []
    for number, (accuracy, macs) in enumerate([(0.9, 9e6), (0.8, 5e6), (0.7, 1e6), (0.6, 5e5), (0.65, 6e6)]):
        events += complete(number, accuracy, 0.1 * number, macs=macs)
    folder = make_run(events, space=FRONT)
    assert sorted(numbers(folder, 10)) == [0, 1, 2, 3]
    assert {0, 3} <= set(numbers(folder, 3))


def test_trials_that_differ_in_the_seed_alone_are_one(make_run: Make, ending: Any, complete: Events) -> None:
    events: list[dict[str, Any]] = []
    for number, accuracy in enumerate([0.8, 0.9, 0.7]):
        told = complete(number, accuracy, 0.5)
        told[-1]["settings"] = {"seed": number, "prune": {"percent": 0.5 if number < 2 else 0.6}}
        events += told
    assert len(numbers(make_run(events), 3)) == 2
