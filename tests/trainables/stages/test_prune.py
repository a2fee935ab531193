import itertools
from typing import Any

import pytest
import torch

from trainables.addresses import Segment
from trainables.counting import complexity
from trainables.errors import InputError
from trainables.fit import measure
from trainables.place import Place
from trainables.pruning import IMPORTANCES
from trainables.recipe import Data, Recipe
from trainables.stages.prune import prune, pruned, recalibrate
from trainables.stages.start import begin
from trainables.stages.training import Position
from trainables.summary import summary

DATA = {"source": "digits", "val_fraction": 0.9}
SEGMENT = Segment(stage="prune", rates=(), addresses=("ab" * 20,))


@pytest.fixture
def place() -> Place:
    return Place.prepare(Data.model_validate(DATA), store=None)


def recipe(**settings: Any) -> Recipe:
    return Recipe.model_validate({"data": DATA, "model": "preresnet8", "prune": settings, "finetune": {}})


def uneven(place: Place) -> Position:
    """An untrained network whose channels matter differently."""
    position = begin(recipe(), place)
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
    measured = measure(after.network, place.data.validation, what="validation")
    assert {key: record[key] for key in measured} == measured


def test_nothing_cut_is_nothing_lost(place: Place) -> None:
    before = uneven(place)
    measured = measure(before.network, place.data.validation, what="validation")
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


def test_every_method_takes_its_share_and_no_two_the_same_channels(place: Place) -> None:
    before = uneven(place)
    masks = {}
    for method in IMPORTANCES:
        after = prune(recipe(percent=0.5, method=method, batches=1), SEGMENT, before, place)
        assert after.history[-1]["percent_cut"] == pytest.approx(0.5, abs=0.05)
        masks[method] = after.network.pruned_by.masks  # type: ignore[union-attr]
    for one, other in itertools.combinations(masks, 2):
        assert not alike(masks[one], masks[other]), (one, other)


def alike(one: Any, other: Any) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_taylor_looks_at_as_many_training_images_as_asked_and_always_at_the_same(place: Place) -> None:
    before = uneven(place)

    def masks(batches: int, seed: int = 0) -> Any:
        asked = recipe(method="taylor", batches=batches).model_copy(update={"seed": seed})
        return pruned(before.network, asked, place).pruned_by.masks  # type: ignore[union-attr]

    assert alike(masks(2), masks(2))
    assert not alike(masks(1), masks(8))
    assert not alike(masks(1), masks(1, seed=1))


@pytest.mark.parametrize("settings", [{"method": "random"}, {"method": "random", "like": "slimming"}])
def test_equal_draws_are_equal_and_others_are_not(place: Place, settings: dict[str, Any]) -> None:
    before = uneven(place)

    def masks(draw: int, seed: int = 0) -> Any:
        asked = recipe(**settings, draw=draw).model_copy(update={"seed": seed})
        return pruned(before.network, asked, place).pruned_by.masks  # type: ignore[union-attr]

    draws = [masks(draw) for draw in range(5)]
    assert alike(draws[3], masks(3))
    assert not any(alike(one, other) for one, other in itertools.combinations(draws, 2))
    assert not alike(draws[0], masks(0, seed=1))


def test_like_another_method_is_as_many_of_each_layer_but_others(place: Place) -> None:
    before = uneven(place)
    plain, random = (
        prune(recipe(**settings), SEGMENT, before, place)
        for settings in ({"method": "slimming"}, {"method": "random", "like": "slimming"})
    )
    assert plain.history[-1]["channels"] == random.history[-1]["channels"]
    assert not alike(plain.network.pruned_by.masks, random.network.pruned_by.masks)  # type: ignore[union-attr]


@pytest.mark.parametrize(("key", "metric"), [("keep_macs", "macs"), ("keep_params", "params")])
@pytest.mark.parametrize("share", [0.6, 0.2])
@pytest.mark.parametrize("more", [{}, {"scope": "layer"}, {"method": "random", "like": "slimming"}])
def test_a_budget_is_kept_and_used(
    place: Place, key: str, metric: str, share: float, more: dict[str, Any]
) -> None:
    (record,) = prune(recipe(**{key: share}, **more), SEGMENT, uneven(place), place).history
    kept = record[metric] / record[f"{metric}_unpruned"]
    assert share * (0.75 if "scope" in more else 0.9) < kept <= share


def test_a_budget_that_cannot_be_kept_is_told_with_what_can(place: Place) -> None:
    with pytest.raises(
        InputError, match=r"^keep_macs: a share that can be reached, got 0\.001; .* Write 0\.\d+"
    ):
        prune(recipe(keep_macs=0.001), SEGMENT, uneven(place), place)


def test_layers_can_be_protected(place: Place) -> None:
    def channels(**settings: Any) -> tuple[list[int], list[int]]:
        (record,) = prune(recipe(percent=0.8, **settings), SEGMENT, uneven(place), place).history
        return record["channels"], record["channels_unpruned"]

    left, full = channels(protect_share=0.25)
    assert all(4 * one >= whole for one, whole in zip(left, full, strict=True))
    left, full = channels(protect=["layer1.*"])
    whole = [one == all_of_it for one, all_of_it in zip(left, full, strict=True)]
    assert whole == [True, True, *[False] * (len(full) - 2)]
    left, full = channels(scope="layer")
    assert all(
        one / whole == pytest.approx(0.2, abs=1 / whole) for one, whole in zip(left, full, strict=True)
    )


def test_a_probe_measures_several_cuts_and_leaves_the_network_whole(place: Place) -> None:
    before = uneven(place)
    percents = [0.2, 0.5]
    after = prune(
        Recipe.model_validate(
            {
                "data": DATA,
                "model": "preresnet8",
                "sparsity": {},
                "prune": {"probe": percents, "recalibrate": 2},
            }
        ),
        SEGMENT,
        before,
        place,
    )
    singles = [
        prune(recipe(percent=percent, recalibrate=2), SEGMENT, before, place).history[-1]
        for percent in percents
    ]
    (record,) = after.history
    assert after.network is before.network
    assert record["probe"] == {f"{p:g}": one["accuracy"] for p, one in zip(percents, singles, strict=True)}
    for key in ("accuracy", "loss"):
        assert record[key] == pytest.approx(sum(one[key] for one in singles) / 2)
    assert record["percent_cut"] == 0
    assert (record["params"], record["macs"]) == (record["params_unpruned"], record["macs_unpruned"])
    assert summary(after.history)["accuracy_pruned"] == record["accuracy"]
