"""The student's training: under network slimming's penalty, between two cuts, or of what is left after them.

The stages differ in their settings alone, and in where finetuning begins.
"""

from collections.abc import Generator

import torch

from trainables.addresses import Segment
from trainables.fit import Task
from trainables.place import Place
from trainables.pruning.surgery import restart
from trainables.recipe import Distilled, Finetune, Recipe
from trainables.stages.distilled import distillation
from trainables.stages.task import task_of
from trainables.stages.training import Position, Record, train


def student(
    recipe: Recipe, segment: Segment, position: Position, place: Place
) -> Generator[Record, None, Position]:
    """Train to the end of a stage; a finetune from scratch begins anew in the shape that is left."""
    settings = recipe.training(segment.stage)
    assert isinstance(settings, Distilled)
    if isinstance(settings, Finetune) and settings.start != "pruned" and position.epoch == 0:
        network = restart(position.network, seed=recipe.seed).to(memory_format=torch.channels_last)
        position = Position(network=network, history=position.history)

    def made() -> Generator[Record, None, Task]:
        teacher = yield from distillation(recipe, settings, place)
        return task_of(recipe, segment.stage, teacher)

    return (yield from train(segment, settings, position, made, place))
