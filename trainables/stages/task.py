"""How a stage of a recipe trains, as the epoch loop takes it."""

from dataclasses import replace

from trainables.addresses import batch_size
from trainables.fit import Distillation, Task
from trainables.recipe import Recipe, Sparsity, Teacher


def task_of(recipe: Recipe, stage: str, distillation: Distillation | None = None) -> Task:
    """The task of a stage that trains: teacher, sparsity, gradual or finetune.

    Args:
        recipe: whose settings.
        stage: which.
        distillation: the teacher's part of the loss, where the stage has one.
    """
    settings = recipe.training(stage)
    assert settings is not None
    task = Task(
        stage=stage,
        seed=settings.seed if isinstance(settings, Teacher) else recipe.seed,
        batch_size=batch_size(settings, recipe),
        drop_last=settings.drop_last,
        distillation=distillation,
        autocast=recipe.precision == "bfloat16" and stage != "teacher",
        test=recipe.tested(stage),
    )
    return replace(task, s=settings.s, on=settings.on) if isinstance(settings, Sparsity) else task
