"""Prune: score all channels, cut the lowest, count what is left and measure what it cost."""

import time
from collections.abc import Iterator
from itertools import count, islice
from typing import Any

import torch
from torch import Tensor, nn

from trainables.addresses import Segment, share_of
from trainables.counting import complexity
from trainables.fit import TrainingImages, measure, network_input
from trainables.place import Place
from trainables.pruning import prune as cut_channels
from trainables.pruning.layers import layers_of
from trainables.pruning.selection import Selection
from trainables.recipe import Recipe
from trainables.seeding import derive
from trainables.stages.single import stored
from trainables.stages.start import whole
from trainables.stages.training import Position


def prune(recipe: Recipe, segment: Segment, position: Position, place: Place) -> Position:
    """The smaller network, measured right after the cut; stored under the stage's address."""
    assert recipe.prune is not None
    if recipe.prune.probe is not None:
        return _probe(recipe, recipe.prune.probe, segment, position, place)
    began = time.monotonic()
    before, image = position.network, place.data.image
    network = pruned(before, recipe, place, part=segment.part)
    selection = network.pruned_by
    assert isinstance(selection, Selection)
    network = place.put(network)
    if recipe.prune.recalibrate:
        _recalibrate(network, recipe, place)
    unpruned = whole(before)
    return stored(
        network,
        segment,
        position,
        place,
        began=began,
        measured=measure(network, place.data.validation, what="prune"),
        size=complexity(network, image=image),
        unpruned=complexity(unpruned, image=image),
        percent_cut=selection.share,
        channels=[int(mask.sum()) for mask in selection.masks],
        channels_unpruned=[layer.width for layer in layers_of(unpruned, image)],
        rescued=list(selection.rescued),
    )


def pruned(network: nn.Module, recipe: Recipe, place: Place, *, part: int = 0) -> nn.Module:
    """The network without the channels that the recipe cuts.

    Args:
        network: is left as it is.
        recipe: says how much, and by which method.
        place: whose images method taylor looks at.
        part: which cut of a gradual prune, from 0.
    """
    settings = recipe.prune
    assert settings is not None
    amount: dict[str, Any] = (
        {"keep_macs": settings.keep_macs, "keep_params": settings.keep_params}
        if settings.by_budget
        else {"percent": share_of(settings, part)}
    )
    looks = "taylor" in (settings.method, settings.like)
    batches = _batches(network, recipe, place.images) if looks else ()
    return cut_channels(
        network,
        **amount,
        image=place.data.image,
        batches=islice(batches, settings.batches),
        unpruned=whole(network),
        method=settings.method,
        scope=settings.scope,
        protect_share=settings.protect_share,
        protect=settings.protect,
        like=settings.like,
        seed=derive(recipe.seed, "prune", settings.draw, part),
    )


def _probe(
    recipe: Recipe, percents: list[float], segment: Segment, position: Position, place: Place
) -> Position:
    """The network as it is, with the mean accuracy and loss right after each of several cuts."""
    began = time.monotonic()
    network, image = position.network, place.data.image
    found = []
    assert recipe.prune is not None
    for percent in percents:
        single = recipe.prune.model_copy(update={"probe": None, "percent": percent})
        smaller = place.put(pruned(network, recipe.model_copy(update={"prune": single}), place))
        if single.recalibrate:
            _recalibrate(smaller, recipe, place)
        found.append(measure(smaller, place.data.validation, what="prune"))
    size = complexity(network, image=image)
    return stored(
        network,
        segment,
        position,
        place,
        began=began,
        measured={key: sum(one[key] for one in found) / len(found) for key in found[0]},
        size=size,
        unpruned=size,
        percent_cut=0.0,
        probe={f"{percent:g}": one["accuracy"] for percent, one in zip(percents, found, strict=True) if one},
    )


def _batches(network: nn.Module, recipe: Recipe, images: TrainingImages) -> Iterator[tuple[Tensor, Tensor]]:
    """Training batches without an end, as the network takes them, with their labels."""
    for number in count():
        for batch in images.epoch(
            seed=recipe.seed,
            stage="taylor",
            epoch=number,
            batch_size=recipe.data.batch_size,
            drop_last=False,
        ):
            yield network_input(network, batch.pixels), batch.labels


def _recalibrate(network: nn.Module, recipe: Recipe, place: Place) -> None:
    assert recipe.prune is not None
    recalibrate(
        network,
        place.images,
        batches=recipe.prune.recalibrate,
        batch_size=recipe.data.batch_size,
        seed=recipe.seed,
    )


@torch.no_grad()
def recalibrate(
    network: nn.Module, images: TrainingImages, *, batches: int, batch_size: int, seed: int
) -> None:
    """Take BatchNorm means and variances anew, in place: plain averages over ``batches`` training batches."""
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    usual = [layer.momentum for layer in norms]
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None  # torch's word for a plain average
    network.train()
    pass_number, left = 0, batches
    while left:
        for batch in images.epoch(
            seed=seed, stage="recalibrate", epoch=pass_number, batch_size=batch_size, drop_last=False
        ):
            network(network_input(network, batch.pixels))
            left -= 1
            if not left:
                break
        pass_number += 1
    for layer, momentum in zip(norms, usual, strict=True):
        layer.momentum = momentum
