from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from sweeper.knobs import Knob, Params
from sweeper.search import Search, distribution, inside, outside
from sweeper.space import Space, check
from sweeper.strict_yaml import parse

TEXT = """\
data: {source: digits}
model: preresnet8
teacher: {model: resnet8}
prune: {method: slimming}
finetune: {lr: 0.02}
search:
  prune.percent: [0.3, 0.5, 0.7]
  finetune.lr: {log_uniform: [1e-3, 1e-1]}
  prune.method: [slimming]
  finetune.kd: [none, dist]
  finetune.kd_weight: {choice: [0.5, 1, 2], when: {finetune.kd: dist}}
  finetune.epochs: {int_uniform: [4, 12]}
sweep: {trials: 24, sampler: tpe, startup_trials: 4}
"""
STATES = ("complete", "complete", "stopped", "complete", "failed", "infeasible")


def space(text: str = TEXT) -> Space:
    return check(parse(text, "f.yaml"), default_name="f")


def outcome(number: int, params: Params) -> tuple[str, dict[str, float], dict[int, float], dict[str, float]]:
    """A made-up end of a trial that depends on its point."""
    accuracy = 1 - params["prune.percent"] / 2 - abs(params.get("finetune.kd_weight", 0) - 1) / 10
    state = STATES[number % len(STATES)]
    violations = {"macs": 0.2 if state == "infeasible" else -0.1}
    return state, {"accuracy": accuracy, "macs": 1 - params["prune.percent"]}, {4: accuracy / 2}, violations


def tell(search: Search, number: int, params: Params) -> None:
    state, metrics, rungs, violations = outcome(number, params)
    search.tell(number, state, metrics, rungs=rungs, violations=violations)


def sweep(search: Search, begin: int, end: int) -> list[Params]:
    points = []
    for number in range(begin, end):
        points.append(search.ask(number))
        tell(search, number, points[-1])
    return points


SAMPLERS: dict[str, Callable[[str], str]] = {
    "tpe": lambda text: text,
    "random": lambda text: text.replace("sampler: tpe", "sampler: random"),
    "several objectives": lambda text: text + "objective: {maximize: accuracy, minimize: macs}\n",
    "constrained": lambda text: text + 'constraints: {macs: "<= 0.5"}\n',
}


@pytest.mark.parametrize("change", SAMPLERS.values(), ids=SAMPLERS)
def test_equal_seeds_ask_for_equal_points_and_others_for_others(change: Callable[[str], str]) -> None:
    text = change(TEXT)
    once, again = sweep(Search(space(text)), 0, 16), sweep(Search(space(text)), 0, 16)
    assert once == again
    other = sweep(Search(space(text.replace("trials: 24", "trials: 24, seed: 1"))), 0, 16)
    assert once != other


@pytest.mark.parametrize("change", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("stop", [1, 7, 12])
def test_a_replayed_search_goes_on_as_an_uninterrupted_one(change: Callable[[str], str], stop: int) -> None:
    text = change(TEXT)
    whole = sweep(Search(space(text)), 0, 20)
    later = Search(space(text))
    for number in range(stop):
        assert later.replay(number, whole[number]) == whole[number]
        tell(later, number, whole[number])
    assert sweep(later, stop, 20) == whole[stop:]


def test_trials_under_way_are_replayed_too() -> None:
    whole = Search(space())
    points = [*sweep(whole, 0, 6), whole.ask(6), whole.ask(7)]
    tell(whole, 7, points[7])
    later = Search(space())
    for number in range(8):
        later.replay(number, points[number])
        if number != 6:
            tell(later, number, points[number])
    assert later.ask(8) == whole.ask(8)


def test_the_weight_of_a_loss_is_asked_for_only_with_the_loss() -> None:
    points = sweep(Search(space()), 0, 20)
    assert {point["finetune.kd"] for point in points} == {"none", "dist"}
    for point in points:
        assert ("finetune.kd_weight" in point) == (point["finetune.kd"] == "dist")
        assert point["prune.method"] == "slimming"
        assert point["prune.percent"] in (0.3, 0.5, 0.7)
        assert 1e-3 <= point["finetune.lr"] <= 1e-1
        assert isinstance(point["finetune.epochs"], int)
        assert 4 <= point["finetune.epochs"] <= 12


def test_optuna_is_told_what_became_of_a_trial() -> None:
    search = Search(space())
    sweep(search, 0, 6)
    trials = search._study.trials
    complete, stopped, failed, infeasible = (trials[number] for number in (0, 2, 4, 5))
    assert (complete.state, stopped.state) == (TrialState.COMPLETE, TrialState.PRUNED)
    assert (failed.state, infeasible.state) == (TrialState.FAIL, TrialState.PRUNED)
    assert stopped.intermediate_values.keys() == {4}
    assert failed.values is None


def test_a_grid_has_every_point_in_order_and_as_many_trials_at_most() -> None:
    text = TEXT.replace("{log_uniform: [1e-3, 1e-1]}", "[0.1]").replace("{int_uniform: [4, 12]}", "[4]")
    text = text.replace("trials: 24, sampler: tpe", "sampler: grid")
    search = Search(space(text))
    assert search.budget == 3 * (1 + 3)
    assert sweep(search, 0, search.budget) == list(space(text).points())
    assert Search(space(text.replace("sampler: grid", "sampler: grid, trials: 5"))).budget == 5
    assert Search(space(text.replace("sampler: grid", "sampler: grid, trials: 50"))).budget == 12


@pytest.mark.parametrize(
    ("knob", "seen", "value", "position"),
    [
        (Knob(key="a", values=(0.1, 0.5)), optuna.distributions.IntDistribution(0, 1), 0.5, 1),
        (
            Knob(key="a", values=("x", "y")),
            optuna.distributions.CategoricalDistribution(("x", "y")),
            "y",
            "y",
        ),
        (
            Knob(key="a", values=(False, True)),
            optuna.distributions.CategoricalDistribution((False, True)),
            True,
            True,
        ),
        (
            Knob(key="a", values=None, low=1, high=9, integer=True),
            optuna.distributions.IntDistribution(1, 9),
            4,
            4,
        ),
        (
            Knob(key="a", values=None, low=0.1, high=1, log=True),
            optuna.distributions.FloatDistribution(0.1, 1, log=True),
            0.2,
            0.2,
        ),
    ],
)
def test_ordered_values_are_asked_for_by_position(knob: Knob, seen: Any, value: Any, position: Any) -> None:
    assert distribution(knob) == seen
    assert inside(knob, value) == position
    assert outside(knob, position) == value
