from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper.cautions import cautions
from sweeper.knobs import Knob
from sweeper.settings import SpaceFile
from trainables.checkpoints import save
from trainables.models import Architecture, build

PERCENT = Knob(key="prune.percent", values=(0.3, 0.5))


def found(*knobs: Knob, **over: Any) -> list[str]:
    plain = {"data": {"source": "digits"}, "model": "preresnet8", "finetune": {}}
    return list(cautions(SpaceFile.model_validate(plain | over), knobs))


def test_accuracy_alone_is_won_by_pruning_least() -> None:
    assert found(PERCENT) == [
        "accuracy alone is won by pruning least: "
        'add constraints: {macs: "<= 0.5"} or objective minimize: macs'
    ]
    assert found(PERCENT, constraints={"params": "<= 0.5"}) == []
    assert found(PERCENT, objective={"maximize": "accuracy", "minimize": "macs"}) == []
    assert found() == []


EQUAL = (
    "prune: nothing is trained before the cut, so slimming finds all scales equal and each layer is "
    "left with one channel or its protected share; add a sparsity section or prune.init"
)


@pytest.mark.parametrize(
    ("prune", "knobs"),
    [
        ({}, []),
        ({"method": "l1", "like": "slimming"}, []),
        ({"method": "l1"}, [Knob(key="prune.method", values=("l1", "slimming"))]),
        ({"method": "random"}, [Knob(key="prune.like", values=("slimming", None))]),
        ({"scope": "layer"}, [Knob(key="prune.scope", values=("layer", "global"))]),
        ({"percent": 0.0, "keep_macs": 0.5}, []),
    ],
)
def test_slimming_by_scales_that_were_never_trained_is_said(prune: dict[str, Any], knobs: list[Knob]) -> None:
    assert found(*knobs, prune=prune) == [EQUAL]
    assert found(*knobs, prune=prune, sparsity={"s": 0.0}) == []
    assert EQUAL not in found(*knobs, prune=prune | {"init": "network.pth"})


def test_slimming_by_a_searched_percent_is_said_too() -> None:
    ranges = Knob(key="prune.percent", values=None, low=0.1, high=0.9)
    assert EQUAL in found(ranges, prune={"percent": 0.0})


@pytest.mark.parametrize("prune", [{"scope": "layer"}, {"method": "l1"}, {"percent": 0.0}, None])
def test_other_cuts_of_an_untrained_network_are_not(prune: dict[str, Any] | None) -> None:
    assert found(prune=prune) == []


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


def test_a_schedule_by_shares_drops_as_long_as_there_are_epochs_for_it() -> None:
    assert found(finetune={"epochs": 8}) == []
    assert found(finetune={"epochs": 8, "warmup_share": 1.0}) == [
        "finetune: the rate never drops in 8 epochs (first drop after warmup 8 + decay_every 1)"
    ]
    assert (
        found(
            Knob(key="finetune.warmup_share", values=(0.5, 1.0)), finetune={"epochs": 8, "warmup_share": 1.0}
        )
        == []
    )


@pytest.mark.parametrize("key", ["keep_macs", "keep_params"])
def test_accuracy_alone_is_won_by_the_largest_budget(key: str) -> None:
    (line,) = found(Knob(key=f"prune.{key}", values=(0.3, 0.5)), prune={key: 0.5, "method": "l1"})
    assert line.startswith("accuracy alone is won by pruning least")


def test_a_teacher_from_outside_may_have_seen_the_validation_images(tmp_path: Path) -> None:
    network = build(Architecture(model="resnet8", classes=10, channels=1), seed=0)
    torch.save(network.state_dict(), tmp_path / "foreign.pth")
    save(tmp_path / "ours", network, metadata={"data": "a"})
    (tmp_path / "damaged").write_bytes((tmp_path / "ours").read_bytes()[:-3000])
    (line,) = found(teacher={"checkpoint": str(tmp_path / "foreign.pth")})
    assert line.startswith(
        "the teacher has seen the validation images if it was trained on all training images"
    )
    for name in ("ours", "damaged", "missing"):
        assert found(teacher={"checkpoint": str(tmp_path / name)}) == []


def test_a_student_that_has_seen_all_training_images_is_said() -> None:
    begins = {"init": "network.pth", "trained_on": "train"}
    assert found(prune=begins) == [
        "the student comes from a network that has seen all training images: "
        "one half of the test set validates, the other half tests"
    ]
    assert found(prune=begins | {"trained_on": "split"}) == []
