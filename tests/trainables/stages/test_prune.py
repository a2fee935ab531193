from typing import Any

import pytest
import torch

from trainables.addresses import Segment
from trainables.counting import complexity
from trainables.fit import measure
from trainables.place import Place
from trainables.recipe import Data, Recipe
from trainables.stages.prune import prune, recalibrate
from trainables.stages.sparsity import start
from trainables.stages.training import Position

DATA = {"source": "digits", "val_fraction": 0.9}
SEGMENT = Segment(stage="prune", rates=(), addresses=("ab" * 20,))


@pytest.fixture
def place() -> Place:
    return Place.prepare(Data.model_validate(DATA), store=None)


def recipe(**settings: Any) -> Recipe:
    return Recipe.model_validate({"data": DATA, "model": "preresnet8", "prune": settings, "finetune": {}})


def uneven(place: Place) -> Position:
    """An untrained network whose channels matter differently."""
    position = start(recipe(), place)
    generator = torch.Generator().manual_seed(0)
    for layer in position.network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.weight.data.uniform_(0.1, 1, generator=generator)
    return position


def test_the_record_says_what_was_cut_and_what_it_cost(place: Place) -> None:
    before = uneven(place)
    after = prune(recipe(percent=0.5), SEGMENT, before, place)
    (record,) = after.history
    kept, all_channels = sum(record["channels"]), sum(record["channels_unpruned"])
    assert record["percent_cut"] == pytest.approx(1 - kept / all_channels)
    assert record["percent_cut"] == pytest.approx(0.5, abs=2 / all_channels)
    assert tuple(record["channels"]) == after.network.architecture.cfg  # type: ignore[union-attr]
    small, whole = (complexity(p.network, image=place.data.image) for p in (after, before))
    assert (record["params"], record["macs"]) == (small.params, small.macs)
    assert (record["params_unpruned"], record["macs_unpruned"]) == (whole.params, whole.macs)
    assert small.params < whole.params
    assert record["address"] == SEGMENT.end
    assert record["rescued"] == []
    measured = measure(
        after.network, place.data.validation, place.images.mean, place.images.std, what="validation"
    )
    assert {key: record[key] for key in measured} == measured


def test_nothing_cut_is_nothing_lost(place: Place) -> None:
    before = uneven(place)
    measured = measure(
        before.network, place.data.validation, place.images.mean, place.images.std, what="validation"
    )
    (record,) = prune(recipe(percent=0), SEGMENT, before, place).history
    assert {key: record[key] for key in measured} == measured
    assert record["percent_cut"] == 0
    assert record["params"] == record["params_unpruned"]


def test_the_network_before_the_cut_is_untouched(place: Place) -> None:
    before = uneven(place)
    weights = {name: tensor.clone() for name, tensor in before.network.state_dict().items()}
    prune(recipe(percent=0.5, recalibrate=2), SEGMENT, before, place)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in before.network.state_dict().items())


def test_recalibration_changes_statistics_alone_and_always_in_the_same_way(place: Place) -> None:
    plain, once, again = (
        prune(recipe(percent=0.5, recalibrate=batches), SEGMENT, uneven(place), place).network.state_dict()
        for batches in (0, 3, 3)
    )
    assert all(torch.equal(tensor, again[name]) for name, tensor in once.items())
    moved = {name for name, tensor in plain.items() if not torch.equal(tensor, once[name])}
    assert moved == {name for name in plain if "running_" in name or "num_batches" in name}


def test_recalibration_is_the_plain_average_over_as_many_batches_as_asked(place: Place) -> None:
    network = uneven(place).network
    norm = next(layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d))
    means: list[torch.Tensor] = []
    norm.register_forward_pre_hook(lambda _, inputs: means.append(inputs[0].mean((0, 2, 3))))
    batch_size = len(place.images.labels) // 2
    recalibrate(network, place.images, batches=5, batch_size=batch_size, seed=0)  # into the third pass
    assert len(means) == 5
    torch.testing.assert_close(norm.running_mean, torch.stack(means).mean(0))
    assert norm.momentum == 0.1
