from typing import get_args

import pytest
from pydantic import ValidationError

from sweeper.metrics import METRICS
from sweeper.settings import Asha, Confirm, MetricName, Objective, SpaceFile, Sweep, near_name, run_name


def test_an_objective_gives_its_directions_in_order() -> None:
    assert Objective(maximize="accuracy").directions == (("accuracy", "maximize"),)
    both = Objective(maximize=["accuracy"], minimize=["macs", "params"])
    assert both.directions == (("accuracy", "maximize"), ("macs", "minimize"), ("params", "minimize"))


@pytest.mark.parametrize(
    ("given_", "match"),
    [
        ({}, "needs a metric"),
        ({"maximize": []}, "at least 1 item"),
        ({"maximize": "accuracy", "minimize": "accuracy"}, "names accuracy twice"),
        ({"maximize": "test_accuracy"}, "test_accuracy"),
    ],
)
def test_a_bad_objective_is_refused(given_: dict[str, object], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        Objective.model_validate(given_)


def test_trials_are_needed_but_for_a_grid() -> None:
    assert Sweep(sampler="grid").trials is None
    with pytest.raises(ValidationError, match="needs trials with sampler: tpe"):
        Sweep()


def test_confirmation_is_asked_for_and_then_takes_three_networks_and_five_seeds() -> None:
    assert SpaceFile.model_validate(PLAIN).confirm is None
    assert SpaceFile.model_validate(PLAIN | {"confirm": {}}).confirm == Confirm(top=3, seeds=5, data="train")


PLAIN = {"data": {"source": "digits"}, "model": "preresnet8", "finetune": {}}


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("a/b", "a-b"),
        ("../a", "a"),
        (".hidden", "hidden"),
        ("", "sweep"),
        ("a b", "a-b"),
        ("a\n", "a"),
        ("x" * 65, "x" * 64),
        ("学", "sweep"),
    ],
)
def test_a_name_is_a_folders(name: str, near: str) -> None:
    assert SpaceFile.model_validate({**PLAIN, "name": "a-b_1.c"}).name == "a-b_1.c"
    with pytest.raises(ValidationError, match=f"(?s)name.*1 to 64 Latin letters.*Write {near}"):
        SpaceFile.model_validate({**PLAIN, "name": name})
    assert near_name(name) == run_name(near) == near


def test_every_metric_can_be_an_objective_or_be_constrained() -> None:
    assert set(get_args(MetricName)) == set(METRICS)
    for metric in METRICS:
        given_ = {**PLAIN, "objective": {"minimize": metric}, "constraints": {metric: "<= 0.5"}}
        assert SpaceFile.model_validate(given_).constraints == {metric: "<= 0.5"}


def test_rungs_rise() -> None:
    assert Asha(rungs=[0.25, 0.5]).rungs == [0.25, 0.5]
    for rungs in ([0.5, 0.25], [0.5, 0.5]):
        with pytest.raises(ValidationError, match=r"(?s)rungs: must rise\. Write \[0\..*0\.5"):
            Asha(rungs=rungs)


def test_asha_has_the_defaults_of_the_documents() -> None:
    asha = Asha()
    assert (asha.rungs, asha.reduction, asha.min_peers, asha.compare_within) == ("plateaus", 3, 4, None)
    assert (asha.protect, asha.audit) == (1, 0)


def test_any_budget_makes_up_for_the_number_of_trials() -> None:
    for budget in ({"epochs": 10}, {"hours": 0.5}, {"macs": 1e15}, {"patience": 3}):
        assert Sweep.model_validate(budget).trials is None
    with pytest.raises(ValidationError, match=r"(?s)epochs.*greater than or equal to 1"):
        Sweep(epochs=0)
    with pytest.raises(ValidationError, match=r"(?s)hours.*greater than 0"):
        Sweep(hours=0)
