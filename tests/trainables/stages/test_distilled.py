import pytest

from trainables.errors import InputError
from trainables.losses import LOSSES
from trainables.place import Place
from trainables.recipe import Data, Finetune, Recipe, Teacher
from trainables.stages.answers import LiveAnswers
from trainables.stages.distilled import distil, distillation
from trainables.stages.teacher import LiveTeacher, untrained

DATA = {"source": "digits", "val_fraction": 0.9}


@pytest.fixture
def place() -> Place:
    return Place.prepare(Data.model_validate(DATA), store=None)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Finetune(kd="dist"), ("dist", 4.0, 2.0, 1.0)),
        (Finetune(kd="kd", kd_tau=2, kd_weight=0.5, ce_weight=0), ("kd", 2.0, 0.5, 0.0)),
        (Finetune(kd="dkd_std"), ("dkd_std", 2.0, 9.0, 1.0)),
    ],
)
def test_the_loss_and_its_weights_are_the_settings_or_the_losss_own(
    place: Place, settings: Finetune, expected: tuple[str, float, float, float]
) -> None:
    asked = Teacher(model="resnet8")
    answers = LiveAnswers(LiveTeacher(untrained(asked, place)), asked, place=place, because="")
    part = distil(settings, answers, macs=1)
    name, *weights = expected
    assert part.loss is LOSSES[name].function
    assert [part.tau, part.weight, part.ce_weight] == weights
    assert part.answers is answers


def test_a_stage_that_does_not_distil_needs_no_teacher(place: Place) -> None:
    recipe = Recipe.model_validate({"data": DATA, "model": "preresnet8", "finetune": {}})
    assert recipe.finetune is not None
    with pytest.raises(StopIteration) as end:  # at once, without a record
        next(distillation(recipe, recipe.finetune, place))
    assert end.value.value is None


def test_a_teacher_that_does_not_fit_is_told_before_a_step(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    missing = tmp_path_factory.mktemp("none") / "teacher.pth"
    missing.write_bytes(b"no network")
    settings = {
        "data": DATA,
        "model": "preresnet8",
        "teacher": {"checkpoint": str(missing)},
        "finetune": {"kd": "dist"},
    }
    recipe = Recipe.model_validate(settings)
    assert recipe.finetune is not None
    with pytest.raises(
        InputError, match=r"teacher\.pth: checkpoint: a whole file of torch\.save .* got 10 bytes"
    ):
        next(distillation(recipe, recipe.finetune, place))
