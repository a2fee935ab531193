from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from sweeper.knobs import Knob
from sweeper.search import Search, distribution, inside, outside
from sweeper.space import check
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
sweep: {trials: 24, sampler: tpe}
"""


def search_of(sampler: str = "tpe, startup_trials: 4", more: str = "") -> Search:
    return Search(check(parse(TEXT.replace("tpe", sampler) + more, "f.yaml"), default_name="f"))


def tell(search: Search, number: int, state: str, metrics: dict[str, float], **violations: float) -> Any:
    """What Optuna knows of a trial that ended so, after its rung at epoch 4."""
    search.ask(number)
    search.tell(number, state, metrics, rungs={"share=0.5": (4, 0.3)}, violations=violations)
    return search._study.trials[number]


def test_optuna_is_told_what_became_of_a_trial() -> None:
    search = search_of()
    complete, stopped, failed, infeasible = (
        tell(search, number, state, {"accuracy": 0.5})
        for number, state in enumerate(["complete", "stopped", "failed", "infeasible"])
    )
    assert (complete.state, stopped.state) == (TrialState.COMPLETE, TrialState.PRUNED)
    assert (failed.state, infeasible.state) == (TrialState.FAIL, TrialState.PRUNED)
    assert stopped.intermediate_values == {4: 0.3}
    assert failed.values is None


@pytest.mark.parametrize(
    ("sampler", "infeasible"), [("gp", 0.7), ("nsga2", 0.7), ("nsga3", 0.7), ("cmaes", 0.6)]
)
def test_a_sampler_that_knows_only_values_is_told_how_bad_it_was(sampler: str, infeasible: float) -> None:
    search = search_of(sampler, 'constraints: {macs: "<= 0.5", accuracy: ">= 0.2"}\n')
    assert tell(search, 0, "stopped", {"accuracy": 0.9}).state == TrialState.PRUNED  # nothing to compare with
    tell(search, 1, "complete", {"accuracy": 0.6})
    tell(search, 2, "complete", {"accuracy": 0.8})
    assert tell(search, 3, "stopped", {"accuracy": 0.9}).values == [0.6]
    assert tell(search, 4, "failed", {}).values == [0.6]
    outside = tell(search, 5, "infeasible", {"macs": 0.7}, macs=0.2)
    assert outside.values == pytest.approx([infeasible])
    assert outside.constraints == ({} if sampler == "cmaes" else {"macs": 0.2, "accuracy": 0.0})


def test_what_the_cut_tells_is_told_as_it_is() -> None:
    search = search_of("nsga2", "objective: {minimize: [loss, macs], maximize: accuracy_pruned}\n")
    tell(search, 0, "complete", {"loss": 1.0, "macs": 9.0, "accuracy_pruned": 0.5})
    tell(search, 1, "complete", {"loss": 2.0, "macs": 8.0, "accuracy_pruned": 0.4})
    stopped = tell(search, 2, "stopped", {"loss": 0.5, "macs": 5.0, "accuracy_pruned": 0.3})
    failed = tell(search, 3, "failed", {"macs": 6.0})
    assert (stopped.values, failed.values) == ([0.3, 2.0, 5.0], [0.4, 2.0, 6.0])


def test_a_grid_has_every_point_in_order_and_as_many_trials_at_most() -> None:
    text = TEXT.replace("{log_uniform: [1e-3, 1e-1]}", "[0.1]").replace("{int_uniform: [4, 12]}", "[4]")

    def grid(sweep: str) -> Search:
        return Search(
            check(parse(text.replace("trials: 24, sampler: tpe", sweep), "f.yaml"), default_name="f")
        )

    search = grid("sampler: grid")
    assert search.budget == 3 * (1 + 3)
    assert [search.ask(number) for number in range(12)] == list(search.space.points())
    assert grid("sampler: grid, trials: 5").budget == 5
    assert grid("sampler: grid, trials: 50").budget == 12


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
