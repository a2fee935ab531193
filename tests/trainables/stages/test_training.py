from collections.abc import Generator
from pathlib import Path

import pytest

from trainables.addresses import Segment, digest
from trainables.errors import TrainingFailedError
from trainables.fit import Task
from trainables.place import Place
from trainables.recipe import Data, Finetune, Recipe
from trainables.schedule import rates
from trainables.stages.start import begin
from trainables.stages.task import task_of
from trainables.stages.training import Position, Record, reused, train

DATA = {"source": "digits", "val_fraction": 0.9}
TASK = Task(stage="finetune", seed=0, batch_size=64, drop_last=False)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.prepare(Data.model_validate(DATA), store=tmp_path / "store", ledger=tmp_path / "ledger")


def stage(place: Place, training: Finetune, asked: list[str]) -> Generator[Record, None, Position]:
    lrs = rates(training)
    addresses = [digest("start")]
    for lr in lrs:
        addresses.append(digest([addresses[-1], lr]))
    segment = Segment(stage="finetune", rates=lrs, addresses=tuple(addresses))

    def task_of() -> Generator[Record, None, Task]:
        asked.append("task")
        yield {"kind": "epoch", "stage": "teacher"}
        return TASK

    recipe = Recipe.model_validate({"data": DATA, "model": "preresnet8", "finetune": {}})
    return train(segment, training, begin(recipe, place), task_of, place)


def test_the_task_is_made_before_the_first_epoch_that_is_trained_and_only_then(place: Place) -> None:
    asked: list[str] = []
    training = Finetune(epochs=2, warmup=0, decay_every=1)
    records = list(stage(place, training, asked))
    assert [record["stage"] for record in records] == ["teacher", "finetune", "finetune"]
    assert [record.get("lr") for record in records] == [None, *rates(training)]
    assert asked == ["task"]
    assert [record["kind"] for record in stage(place, training, asked)] == ["reused"]
    assert asked == ["task"]


def test_a_training_that_fails_stores_nothing_of_the_epoch(place: Place, tmp_path: Path) -> None:
    with pytest.raises(TrainingFailedError, match="finetune: the loss is not finite in epoch 1"):
        list(stage(place, Finetune(lr=1e30), []))
    assert list((tmp_path / "store").glob("??/*")) == []
    assert not (tmp_path / "ledger").exists()


def test_reused_epochs_come_as_one_record_a_stage() -> None:
    history: tuple[Record, ...] = (
        {"stage": "sparsity", "epoch": 1},
        {"stage": "sparsity", "epoch": 2},
        {"stage": "prune", "epoch": 0},
        {"stage": "finetune", "epoch": 1},
    )
    assert list(reused(history)) == [
        {"kind": "reused", "stage": "sparsity", "epochs": list(history[:2])},
        {"kind": "prune", "stage": "prune", "epoch": 0, "reused": True},
        {"kind": "reused", "stage": "finetune", "epochs": [history[3]]},
    ]
    assert list(reused(())) == []


def test_the_student_alone_is_trained_in_another_precision() -> None:
    asked = {"data": DATA, "model": "preresnet8", "teacher": {"model": "resnet8"}, "finetune": {"kd": "dist"}}
    half = Recipe.model_validate(asked | {"precision": "bfloat16"})
    assert [task_of(half, stage).autocast for stage in ("teacher", "finetune")] == [False, True]
    assert not task_of(Recipe.model_validate(asked), "finetune").autocast
