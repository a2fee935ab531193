"""What every stage that trains must keep to."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.pipeline import run
from trainables.place import Place
from trainables.recipe import Data, Recipe
from trainables.stages import teacher

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
}
STAGES: dict[str, dict[str, Any]] = {
    "teacher": {
        "teacher": SHORT | {"model": "resnet8"},
        "finetune": SHORT | {"epochs": 1, "kd": "kd"},
    },
    "sparsity": {"sparsity": SHORT},
    "finetune": {"finetune": SHORT},
}


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
    records = [r for r in run_to_its_end(stage, None)[0] if r.get("stage") == stage]
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
    assert [line["epoch"] for line in trained if line["stage"] == stage] == [1, 2, 3]
