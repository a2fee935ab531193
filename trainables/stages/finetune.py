"""Finetuning: train what is left after the cut, from its inherited weights or from a fresh start."""

from collections.abc import Generator

import torch

from trainables.addresses import Segment, batch_size
from trainables.fit import Task
from trainables.place import Place
from trainables.pruning.surgery import restart
from trainables.recipe import Recipe
from trainables.stages.distilled import distillation
from trainables.stages.training import Position, Record, train


def finetune(
    recipe: Recipe, segment: Segment, position: Position, place: Place
) -> Generator[Record, None, Position]:
    """Train to the end of the stage."""
    settings = recipe.finetune
    assert settings is not None
    if position.epoch == 0 and settings.start != "pruned":
        network = restart(position.network, seed=recipe.seed).to(memory_format=torch.channels_last)
        position = Position(network=network, history=position.history)

    def task_of() -> Generator[Record, None, Task]:
        teacher = yield from distillation(recipe, settings, place)
        return Task(
            stage="finetune",
            seed=recipe.seed,
            batch_size=batch_size(settings, recipe),
            drop_last=settings.drop_last,
            distillation=teacher,
            test=recipe.tested("finetune"),
        )

    return (yield from train(segment, settings, position, task_of, place))
