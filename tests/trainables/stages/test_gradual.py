"""Cuts with training between them come to what one cut comes to, whatever was stored or interrupted."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.addresses import chain
from trainables.fit import Task, sgd, train_epoch
from trainables.pipeline import run
from trainables.place import Place
from trainables.recipe import Recipe
from trainables.stages import teacher, training
from trainables.stages.training import Position, Record
from trainables.store import NoStore, State

DATA = {"source": "digits", "val_fraction": 0.9}
SHORT = {"epochs": 1, "warmup": 1, "decay_every": 1, "lr": 0.02}
STEPS: dict[str, Any] = {"steps": 3, "epochs": 2, "warmup": 1, "decay_every": 1, "lr": 0.02}
TEACHER = {"model": "resnet8", "epochs": 1, "warmup": 1, "decay_every": 1}
KINDS = ["epoch", "prune", "epoch", "epoch", "prune", "epoch", "epoch", "prune", "epoch", "done"]
Weights = dict[str, Tensor]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "_READY", {})
    monkeypatch.setattr(training, "WAIT_SECONDS", 0.001)


def recipe(steps: dict[str, Any] | None = STEPS, **prune: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "data": DATA,
            "model": "preresnet8",
            "teacher": TEACHER,
            "sparsity": SHORT,
            "prune": {"percent": 0.6, "gradual": steps} | prune,
            "finetune": SHORT,
        }
    )


def place_of(asked: Recipe, store: Path | None) -> Place:
    return Place.prepare(asked.data, store=store, ledger=store and store / "ledger")


def equal(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def alone() -> tuple[list[Record], Weights]:
    """A run that stores nothing and is not interrupted."""
    records: list[Record] = []
    generator = run(recipe(), place_of(recipe(), None))
    while True:
        try:
            records.append(next(generator))
        except StopIteration as end:
            return records, end.value.network.state_dict()


def cuts(records: list[Record]) -> list[Record]:
    return [record for record in records if record["kind"] == "prune"]


def test_it_goes_from_cut_to_cut(alone: tuple[list[Record], Weights]) -> None:
    records, _ = alone
    assert [record["kind"] for record in records] == KINDS
    assert [record["epoch"] for record in records if record.get("stage") == "gradual"] == [1, 2, 3, 4]
    assert [record["epoch"] for record in cuts(records)] == [0, 1, 2]
    shares = [record["percent_cut"] for record in cuts(records)]
    assert shares == sorted(shares)
    metrics = records[-1]["metrics"]
    assert metrics["percent_cut"] == shares[-1]
    assert metrics["accuracy_pruned"] == cuts(records)[-1]["accuracy"]
    assert metrics["accuracy_unpruned"] == records[0]["accuracy"]


@pytest.mark.parametrize("ratio", ["linear", "cubic"])
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_it_comes_to_the_channels_of_one_cut(finish: Any, ratio: str, scope: str) -> None:
    several, once = recipe(STEPS | {"ratio": ratio, "epochs": 1}, scope=scope), recipe(None, scope=scope)
    last, one = (cuts(finish(run(asked, place_of(asked, None)))[0])[-1] for asked in (several, once))
    assert sum(last["channels"]) == sum(one["channels"])
    assert last["percent_cut"] == one["percent_cut"] == pytest.approx(0.6, abs=0.02)
    for key in ("channels_unpruned", "params_unpruned", "macs_unpruned"):
        assert last[key] == one[key]
    if scope == "layer":
        assert last["channels"] == one["channels"]


def test_a_single_step_is_one_cut(finish: Any) -> None:
    one, none = recipe({"steps": 1, "epochs": 5}), recipe(None)
    (first, end), (_, other) = (finish(run(asked, place_of(asked, None))) for asked in (one, none))
    assert [record["kind"] for record in first] == ["epoch", "prune", "epoch", "done"]
    assert equal(end.network.state_dict(), other.network.state_dict())


@pytest.mark.parametrize("stop", range(1, len(KINDS)))
def test_it_goes_on_from_any_record_to_the_same_bits(
    alone: tuple[list[Record], Weights], tmp_path: Path, finish: Any, stop: int
) -> None:
    generator = run(recipe(), place_of(recipe(), tmp_path))
    for _ in range(stop):
        next(generator)
    generator.close()
    records, end = finish(run(recipe(), place_of(recipe(), tmp_path)))
    assert equal(end.network.state_dict(), alone[1])
    told = [epoch for record in records for epoch in record.get("epochs", [record])]
    assert [(entry["stage"], entry["epoch"]) for entry in told[:-1]] == [
        (entry["stage"], entry["epoch"]) for entry in alone[0][:-1]
    ]
    lines = [line for file in (tmp_path / "ledger").iterdir() for line in file.read_text().splitlines()]
    assert len(lines) == 6  # nothing is trained twice


def test_any_of_its_states_may_be_lost(
    alone: tuple[list[Record], Weights], tmp_path: Path, finish: Any
) -> None:
    finish(run(recipe(), place_of(recipe(), tmp_path)))
    for lost in sorted(tmp_path.glob("??/*.state")):
        lost.unlink()
        assert equal(finish(run(recipe(), place_of(recipe(), tmp_path)))[1].network.state_dict(), alone[1])


def test_the_random_numbers_of_its_epochs_go_on_over_its_parts(tmp_path: Path, finish: Any) -> None:
    place = place_of(recipe(), tmp_path)
    finish(run(recipe(), place))
    segments = chain(recipe(), data=place.identity, arithmetic=place.arithmetic, teacher=None)
    second = next(one for one in segments if one.stage == "gradual" and one.part == 1)
    cut = next(one for one in segments if one.stage == "prune" and one.part == 1)
    start, end = (place.store.get(address) for address in (cut.end, second.end))
    assert isinstance(start, State)
    assert isinstance(end, State)
    network = Position.read(start, 0, place).network
    settings = recipe().gradual
    assert settings is not None
    optimizer = sgd(network, settings)
    task = Task(stage="gradual", seed=0, batch_size=64, drop_last=False)
    for epoch, lr in zip((3, 4), second.rates, strict=True):
        train_epoch(network, optimizer, place.images, task, epoch=epoch, lr=lr)
    assert equal(network.state_dict(), Position.read(end, 0, place).network.state_dict())


def test_what_waits_in_its_midst_says_its_epoch_among_all(tmp_path: Path) -> None:
    place = place_of(recipe(), tmp_path)
    assert not isinstance(place.store, NoStore)
    segments = chain(recipe(), data=place.identity, arithmetic=place.arithmetic, teacher=None)
    third = next(one for one in segments if one.stage == "gradual" and one.part == 1).addresses[1]
    generator = run(recipe(), place)
    for _ in range(5):
        next(generator)
    with place_of(recipe(), tmp_path).store.lock(third):
        assert next(generator) == {"kind": "waiting", "stage": "gradual", "epoch": 3}
    generator.close()


def test_it_can_be_distilled(finish: Any) -> None:
    asked = recipe({"steps": 2, "epochs": 1, "lr": 0.02, "kd": "dist"})
    records, end = finish(run(asked, place_of(asked, None)))
    assert [record.get("stage") for record in records] == [
        "sparsity", "prune", "teacher", "gradual", "prune", "finetune", None,
    ]  # fmt: skip
    plain = recipe({"steps": 2, "epochs": 1, "lr": 0.02})
    other = finish(run(plain, place_of(plain, None)))[1]
    assert not torch.equal(*(at.network.state_dict()["conv1.weight"] for at in (end, other)))


def test_chance_is_drawn_anew_in_every_cut(finish: Any) -> None:
    asked = recipe({"steps": 2, "epochs": 1}, method="random", draw=3)
    same, other = (
        recipe({"steps": 2, "epochs": 1}, method="random", draw=3),
        recipe({"steps": 2, "epochs": 1}, method="random", draw=4),
    )
    found = [
        [record["channels"] for record in cuts(finish(run(one, place_of(one, None)))[0])]
        for one in (asked, same, other)
    ]
    assert found[0] == found[1]
    assert found[0][0] != found[2][0]
