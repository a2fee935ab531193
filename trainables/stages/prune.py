"""Prune: score all channels, cut the lowest, count what is left and measure what it cost."""

import time

import torch
from torch import nn

from trainables.addresses import Segment
from trainables.counting import complexity
from trainables.fit import TrainingImages, measure, network_input
from trainables.place import Place
from trainables.pruning import prune as cut_channels
from trainables.pruning.selection import Selection
from trainables.recipe import Recipe
from trainables.snapshot import snapshot
from trainables.stages.training import Position, Record


def prune(recipe: Recipe, segment: Segment, position: Position, place: Place) -> Position:
    """The smaller network, measured right after the cut; stored under the stage's address."""
    began = time.monotonic()
    settings = recipe.prune
    assert settings is not None
    before = position.network
    image = place.data.image
    network = cut_channels(before, settings.percent, method=settings.method)
    selection = network.pruned_by
    assert isinstance(selection, Selection)
    network = network.to(place.device).to(memory_format=torch.channels_last)
    if settings.recalibrate:
        recalibrate(
            network,
            place.images,
            batches=settings.recalibrate,
            batch_size=recipe.data.batch_size,
            seed=recipe.seed,
        )
    unpruned, pruned = complexity(before, image=image), complexity(network, image=image)
    measured = measure(network, place.data.validation, place.images.mean, place.images.std, what="prune")
    record: Record = {
        "stage": "prune",
        "epoch": 0,
        **measured,
        "params": pruned.params,
        "macs": pruned.macs,
        "params_unpruned": unpruned.params,
        "macs_unpruned": unpruned.macs,
        "percent_cut": selection.share,
        "channels": [int(mask.sum()) for mask in selection.masks],
        "channels_unpruned": [mask.numel() for mask in selection.masks],
        "rescued": list(selection.rescued),
        "seconds": time.monotonic() - began,
        "address": segment.end,
    }
    history = (*position.history, record)
    place.store.put(segment.end, snapshot(network, None, history))
    return Position(network=network, history=history)


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
            network(network_input(batch.pixels, images.mean, images.std))
            left -= 1
            if not left:
                break
        pass_number += 1
    for layer, momentum in zip(norms, usual, strict=True):
        layer.momentum = momentum
