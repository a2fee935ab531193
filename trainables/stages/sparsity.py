"""Sparsity training: network slimming's penalty on BatchNorm scales, with or without a teacher."""

from collections.abc import Generator

import torch

from trainables.addresses import Segment, batch_size
from trainables.fit import Task
from trainables.models import Architecture, build
from trainables.place import Place
from trainables.recipe import Recipe
from trainables.stages.distilled import distillation
from trainables.stages.training import Position, Record, train


def start(recipe: Recipe, place: Place) -> Position:
    """The untrained student."""
    architecture = Architecture(
        model=recipe.model, classes=place.identity.classes, channels=place.identity.channels
    )
    network = build(architecture, seed=recipe.seed)
    network = network.to(place.device).to(memory_format=torch.channels_last)
    return Position(network=network, history=())


def sparsity(
    recipe: Recipe, segment: Segment, position: Position, place: Place
) -> Generator[Record, None, Position]:
    """Train under the penalty to the end of the stage."""
    settings = recipe.sparsity
    assert settings is not None

    def task_of() -> Generator[Record, None, Task]:
        teacher = yield from distillation(recipe, settings, place)
        return Task(
            stage="sparsity",
            seed=recipe.seed,
            batch_size=batch_size(settings, recipe),
            drop_last=settings.drop_last,
            s=settings.s,
            on=settings.on,
            distillation=teacher,
        )

    return (yield from train(segment, settings, position, task_of, place))
