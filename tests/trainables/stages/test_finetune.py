from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.models import Architecture, build
from trainables.pipeline import run
from trainables.place import Place
from trainables.pruning import prune
from trainables.pruning.surgery import restart
from trainables.recipe import Data, Recipe


def test_from_scratch_the_architecture_is_kept_and_the_weights_are_new() -> None:
    network = build(Architecture(model="preresnet8", classes=10, channels=1), seed=0)
    generator = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.weight.data.uniform_(0.1, 1, generator=generator)
    pruned = prune(network, 0.5)
    new = restart(pruned, seed=1)
    assert new.architecture == pruned.architecture
    before, after = pruned.state_dict(), new.state_dict()
    selections = [name for name in before if name.endswith(".indexes")]
    assert selections
    assert all(torch.equal(before[name], after[name]) for name in selections)
    convolutions = [name for name, tensor in before.items() if tensor.dim() == 4]
    assert convolutions
    assert not any(torch.equal(before[name], after[name]) for name in convolutions)
    again = restart(pruned, seed=1).state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in after.items())
    assert not torch.equal(after[convolutions[0]], restart(pruned, seed=2).state_dict()[convolutions[0]])


DATA = {"source": "digits", "val_fraction": 0.9}


def asked(start: str, *, epochs: int = 4, percent: float = 0.6) -> Recipe:
    return Recipe.model_validate(
        {
            "data": DATA,
            "model": "preresnet8",
            "prune": {"percent": percent, "method": "l1"},
            "finetune": {"epochs": epochs, "warmup": 2, "decay_every": 1, "start": start, "lr": 0.02},
        }
    )


def finetuned(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    told = [epoch for record in records for epoch in record.get("epochs", [record])]
    return [
        {key: value for key, value in entry.items() if key != "kind"}
        for entry in told
        if entry.get("stage") == "finetune"
    ]


@pytest.mark.parametrize(("percent", "most"), [(0.0, 4), (0.2, 7), (0.6, 8)])
def test_scratch_b_trains_for_as_many_macs_but_at_most_twice_the_epochs(
    finish: Any, percent: float, most: int
) -> None:
    recipe = asked("scratch_b", percent=percent)
    records, _ = finish(run(recipe, Place.prepare(recipe.data, store=None)))
    metrics = records[-1]["metrics"]
    saved = metrics["macs_unpruned"] / metrics["macs"]
    assert len(finetuned(records)) == min(8, int(4 * saved + 0.5))
    assert len(finetuned(records)) <= most
    assert metrics["address"] == finetuned(records)[-1]["address"]


def test_scratch_b_goes_on_from_scratch_as_far_as_they_are_one(finish: Any, tmp_path: Path) -> None:
    place = Place.prepare(
        Data.model_validate(DATA),
        store=tmp_path / "store",
        ledger=tmp_path / "ledger",
        keep={"finetune": frozenset({3})},
    )
    first, _ = finish(run(asked("scratch"), place))
    second, end = finish(run(asked("scratch_b"), place))
    assert [one["lr"] for one in finetuned(first)[:3]] == [one["lr"] for one in finetuned(second)[:3]]
    assert [record["kind"] for record in second] == ["prune", "reused", *["epoch"] * 5, "done"]
    assert finetuned(second)[:3] == finetuned(first)[:3]
    alone = finish(run(asked("scratch_b"), Place.prepare(Data.model_validate(DATA), store=None)))[1]
    weights = end.network.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in alone.network.state_dict().items())
    again, _ = finish(run(asked("scratch_b"), place))
    assert [record["kind"] for record in again] == ["prune", "reused", "done"]
    assert again[-1] == second[-1]


def test_a_scratch_b_that_was_stopped_goes_on(finish: Any, tmp_path: Path) -> None:
    def place() -> Place:
        return Place.prepare(Data.model_validate(DATA), store=tmp_path / "store", ledger=tmp_path / "ledger")

    generator = run(asked("scratch_b"), place())
    for _ in range(4):
        next(generator)
    generator.close()
    records, _ = finish(run(asked("scratch_b"), place()))
    assert [record["kind"] for record in records] == ["prune", "reused", *["epoch"] * 5, "done"]
    lines = [line for file in (tmp_path / "ledger").iterdir() for line in file.read_text().splitlines()]
    assert len(lines) == 8
