"""The teacher's part of a stage's loss."""

from collections.abc import Generator

from trainables.addresses import distillation_weights
from trainables.fit import Answers, Distillation
from trainables.losses import LOSSES
from trainables.place import Place
from trainables.recipe import Distilled, Recipe
from trainables.stages.answers import answers_of
from trainables.stages.teacher import teacher_of
from trainables.stages.training import Record


def distil(settings: Distilled, answers: Answers, *, macs: int) -> Distillation:
    """The loss that a stage's settings ask for, from the answers of a teacher that takes ``macs`` an image."""
    tau, weight, ce_weight = distillation_weights(settings)
    return Distillation(
        loss=LOSSES[settings.kd].function,
        answers=answers,
        macs=macs,
        tau=tau,
        weight=weight,
        ce_weight=ce_weight,
    )


def distillation(
    recipe: Recipe, settings: Distilled, place: Place
) -> Generator[Record, None, Distillation | None]:
    """What a stage distils with, None where it does not; the teacher is trained on the way if need be."""
    if settings.kd == "none":
        return None
    teacher = yield from teacher_of(recipe, place)
    return distil(settings, answers_of(recipe, teacher, place), macs=teacher.macs(place.data.image))
