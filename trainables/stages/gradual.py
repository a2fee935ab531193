"""The training between two cuts of a gradual prune."""

from collections.abc import Generator

from trainables.addresses import Segment, batch_size
from trainables.fit import Task
from trainables.place import Place
from trainables.recipe import Recipe
from trainables.stages.distilled import distillation
from trainables.stages.training import Position, Record, train


def gradual(
    recipe: Recipe, segment: Segment, position: Position, place: Place
) -> Generator[Record, None, Position]:
    """Train to the next cut."""
    settings = recipe.gradual
    assert settings is not None

    def task_of() -> Generator[Record, None, Task]:
        teacher = yield from distillation(recipe, settings, place)
        return Task(
            stage="gradual",
            seed=recipe.seed,
            batch_size=batch_size(settings, recipe),
            drop_last=settings.drop_last,
            distillation=teacher,
        )

    return (yield from train(segment, settings, position, task_of, place))
