"""Sparsity training: network slimming's penalty on BatchNorm scales, with or without a teacher."""

from collections.abc import Generator

from trainables.addresses import Segment, batch_size
from trainables.fit import Task
from trainables.place import Place
from trainables.recipe import Recipe
from trainables.stages.distilled import distillation
from trainables.stages.training import Position, Record, train


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
            test=recipe.tested("sparsity"),
        )

    return (yield from train(segment, settings, position, task_of, place))
