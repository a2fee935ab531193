from typing import Any

import pytest

from sweeper.cautions import cautions
from sweeper.knobs import Knob
from sweeper.settings import SpaceFile

PERCENT = Knob(key="prune.percent", values=(0.3, 0.5))


def found(*knobs: Knob, **over: Any) -> list[str]:
    plain = {"data": {"source": "digits"}, "model": "preresnet8", "prune": {}, "finetune": {}}
    return list(cautions(SpaceFile.model_validate(plain | over), knobs))


def test_accuracy_alone_is_won_by_pruning_least() -> None:
    assert found(PERCENT) == [
        "accuracy alone is won by pruning least: "
        'add constraints: {macs: "<= 0.5"} or objective minimize: macs'
    ]
    assert found(PERCENT, constraints={"params": "<= 0.5"}) == []
    assert found(PERCENT, objective={"maximize": "accuracy", "minimize": "macs"}) == []
    assert found() == []


def test_a_range_in_the_sparsity_training_shares_nothing() -> None:
    assert found(Knob(key="sparsity.s", values=None, low=0, high=1), sparsity={}) == [
        "search.sparsity.s has endlessly many values: no two trials share a sparsity training; add points"
    ]
    assert found(Knob(key="sparsity.s", values=(0.1,)), sparsity={}) == []


@pytest.mark.parametrize(
    ("stage", "settings"),
    [
        ("finetune", {"epochs": 4, "warmup": 3, "decay_every": 1}),
        ("sparsity", {"epochs": 5, "warmup": 2, "decay_every": 3}),
        ("teacher", {"epochs": 1, "warmup": 0, "decay_every": 1, "model": "resnet8"}),
    ],
)
def test_a_rate_that_never_drops_is_said(stage: str, settings: dict[str, Any]) -> None:
    assert found(**{stage: settings}) == [
        f"{stage}: the rate never drops in {settings['epochs']} epochs "
        f"(first drop after warmup {settings['warmup']} + decay_every {settings['decay_every']})"
    ]
    assert found(**{stage: settings | {"epochs": settings["epochs"] + 1}}) == []
    assert found(Knob(key=f"{stage}.epochs", values=(1, 9)), **{stage: settings}) == []


def test_a_loaded_teacher_has_no_schedule() -> None:
    assert found(teacher={"checkpoint": "t.pth", "epochs": 1}) == []
