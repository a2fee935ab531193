"""The teacher's part of a stage's loss."""

from collections.abc import Generator

from trainables.addresses import distillation_weights
from trainables.fit import Distillation
from trainables.losses import LOSSES
from trainables.place import Place
from trainables.recipe import Distilled, Recipe
from trainables.stages.teacher import teacher_of
from trainables.stages.training import Record


def distillation(
    recipe: Recipe, stage: Distilled, place: Place
) -> Generator[Record, None, Distillation | None]:
    """What a stage distils with, None where it does not; the teacher is trained on the way if need be."""
    if stage.kd == "none":
        return None
    teacher = yield from teacher_of(recipe, place)
    tau, weight, ce_weight = distillation_weights(stage)
    return Distillation(
        loss=LOSSES[stage.kd].function, logits=teacher.logits, tau=tau, weight=weight, ce_weight=ce_weight
    )
