"""What every stage that trains must keep to."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables import summary
from trainables.losses import LOSSES
from trainables.models import Architecture, build
from trainables.pipeline import run
from trainables.place import Place
from trainables.recipe import Data, Recipe
from trainables.stages import teacher
from trainables.stages.training import SINGLE

DATA = {"source": "digits", "val_fraction": 0.9}
SHORT = {"epochs": 3, "warmup": 1, "decay_every": 1}
RECORD = {
    "kind",
    "stage",
    "epoch",
    "lr",
    "train_loss",
    "train_accuracy",
    "accuracy",
    "loss",
    "seconds",
    "address",
    "macs_trained",
}
STAGES: dict[str, dict[str, Any]] = {
    "teacher": {
        "teacher": SHORT | {"model": "resnet8"},
        "finetune": SHORT | {"epochs": 1, "kd": "kd"},
    },
    "sparsity": {"sparsity": SHORT},
    "finetune": {"finetune": SHORT},
    "gradual": {
        "prune": {"percent": 0.5, "gradual": SHORT | {"steps": 2}},
        "finetune": SHORT | {"epochs": 1},
    },
    "scratch": {"prune": {"percent": 0.5}, "finetune": SHORT | {"start": "scratch"}},
    "scratch_b": {"prune": {"percent": 0}, "finetune": SHORT | {"start": "scratch_b"}},
}
NAMES = {"scratch": "finetune", "scratch_b": "finetune"}


@pytest.fixture(autouse=True)
def no_other_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "_READY", {})


def run_to_its_end(stage: str, folder: Path | None, stop: int | None = None) -> tuple[list[Any], Any]:
    teacher._READY.clear()
    recipe = Recipe.model_validate({"data": DATA, "model": "preresnet8"} | STAGES[stage])
    place = Place.prepare(Data.model_validate(DATA), store=folder, ledger=folder and folder / "ledger")
    generator = run(recipe, place)
    records: list[Any] = []
    while len(records) != stop:
        try:
            records.append(next(generator))
        except StopIteration as end:
            return records, end.value.network.state_dict()
    generator.close()
    return records, None


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_reports_each_epoch_in_the_same_words(stage: str) -> None:
    name = NAMES.get(stage, stage)
    records = [r for r in run_to_its_end(stage, None)[0] if r.get("stage") == name]
    assert [set(record) for record in records] == [RECORD] * 3
    assert [record["epoch"] for record in records] == [1, 2, 3]
    assert [record["lr"] for record in records] == sorted((r["lr"] for r in records), reverse=True)
    assert all(0 <= record[key] <= 1 for record in records for key in ("accuracy", "train_accuracy"))
    assert json.loads(json.dumps(records, allow_nan=False)) == records


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_stage_goes_on_where_it_stopped_and_trains_nothing_twice(
    stage: str, stop: int, tmp_path: Path
) -> None:
    run_to_its_end(stage, tmp_path, stop)
    _, weights = run_to_its_end(stage, tmp_path)
    _, alone = run_to_its_end(stage, None)
    assert all(torch.equal(tensor, alone[name]) for name, tensor in weights.items())
    (file,) = (tmp_path / "ledger").iterdir()
    trained = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["epoch"] for line in trained if line["stage"] == NAMES.get(stage, stage)] == [1, 2, 3]


def cut_and_loaded(folder: Path) -> dict[str, dict[str, Any]]:
    """Pipelines with each kind of step that does not train."""
    network = build(Architecture(model="preresnet8", classes=10, channels=1), seed=0)
    torch.save(network.state_dict(), folder / "student.pth")
    begins = {"init": str(folder / "student.pth"), "trained_on": "split", "normalize": "data"}
    last = {"finetune": SHORT | {"epochs": 1}}
    return {
        "init": {"finetune": SHORT | {"epochs": 1} | begins},
        "one cut": last | {"prune": {"percent": 0.5}},
        "a cut of a file": last | {"prune": begins | {"percent": 0.5}},
        "gradual cuts": last | {"prune": {"gradual": SHORT | {"steps": 2, "epochs": 1}}},
        "a probe": {"sparsity": SHORT | {"epochs": 1}, "prune": {"probe": [0.3, 0.5]}},
    }


@pytest.mark.parametrize("name", ["init", "one cut", "a cut of a file", "gradual cuts", "a probe"])
def test_a_step_that_does_not_train_says_what_the_network_costs_and_can_be_reused(
    name: str, tmp_path: Path
) -> None:
    settings = cut_and_loaded(tmp_path)[name]
    recipe = Recipe.model_validate({"data": DATA, "model": "preresnet8"} | settings)
    first, again = (
        [
            record
            for record in run(recipe, Place.prepare(recipe.data, store=tmp_path))
            if record["kind"] in SINGLE
        ]
        for _ in range(2)
    )
    assert first
    for record in first:
        assert record["kind"] == record["stage"]
        assert {"epoch", "accuracy", "loss", "seconds", "address", *summary.CUT} <= record.keys()
        assert 0 <= record["accuracy"] <= 1
        assert record["macs"] <= record["macs_unpruned"]
        assert record["params"] <= record["params_unpruned"]
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    assert again == [record | {"reused": True} for record in first]


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains_a_student_in_its_own_way(loss: str) -> None:
    def weights(kd: str) -> torch.Tensor:
        settings = {
            "teacher": SHORT | {"epochs": 1, "model": "resnet8"},
            "finetune": SHORT | {"epochs": 1, "kd": kd},
        }
        recipe = Recipe.model_validate({"data": DATA, "model": "preresnet8"} | settings)
        generator = run(recipe, Place.prepare(recipe.data, store=None))
        while True:
            try:
                next(generator)
            except StopIteration as end:
                weight: torch.Tensor = end.value.network.get_parameter("fc.weight").detach()
                return weight

    distilled = weights(loss)
    assert distilled.isfinite().all()
    others = [weights(other) for other in ("none", next(name for name in LOSSES if name != loss))]
    assert not any(torch.equal(distilled, other) for other in others)
