import pytest

from sweeper.space import SHIPPED, load
from trainables.data import SOURCES
from trainables.data.corruptions import CORRUPTIONS
from trainables.losses import LOSSES
from trainables.models import MODELS
from trainables.normalisation import NAMES as NORMALISATIONS
from trainables.pruning.importance import IMPORTANCES
from trainables.recipe import STUDENT, Recipe

TEACHER = {"model": "resnet8"}


def recipe(**settings: object) -> Recipe:
    plain = {"data": {"source": "digits"}, "model": "preresnet8", "teacher": TEACHER, "finetune": {}}
    return Recipe.model_validate(plain | settings)


@pytest.mark.parametrize("name", MODELS)
def test_every_network_can_be_student_and_teacher(name: str) -> None:
    made = recipe(model=name, teacher={"model": name})
    assert made.teacher is not None
    assert made.model == made.teacher.model == name


@pytest.mark.parametrize("name", SOURCES)
def test_every_data_source_can_be_named(name: str) -> None:
    assert recipe(data={"source": name}).data.source == name


@pytest.mark.parametrize("name", ["none", *LOSSES])
def test_every_distillation_loss_can_be_named_in_every_stage(name: str) -> None:
    between = {"gradual": {"steps": 2, "kd": name}}
    made = recipe(sparsity={"kd": name}, prune=between, finetune={"kd": name})
    assert {made.kd_of(stage) for stage in STUDENT} == {name}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption_can_be_named(name: str) -> None:
    assert recipe(evaluate={"test_sets": {"corruptions": [name]}}).evaluate.test_sets.corruptions == [name]


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_every_normalisation_can_be_named_wherever_a_file_is(name: str) -> None:
    made = recipe(
        teacher={"checkpoint": "t.pth", "normalize": name}, finetune={"init": "s.pth", "normalize": name}
    )
    assert made.teacher is not None
    assert made.finetune is not None
    assert made.teacher.normalize == made.finetune.normalize == name


@pytest.mark.parametrize("name", IMPORTANCES)
def test_every_pruning_method_can_be_named(name: str) -> None:
    like = next(other for other in IMPORTANCES if other != name)
    for made in (recipe(prune={"method": name}), recipe(prune={"method": like, "like": name})):
        assert made.prune is not None
        assert name in (made.prune.method, made.prune.like)


def test_the_shipped_space_answers_to_its_documented_names() -> None:
    assert {load(name).name for name in ("finetune", "space/finetune.yaml")} == {"finetune"}
    assert (SHIPPED / "finetune.yaml").is_file()
