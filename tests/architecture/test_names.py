import pytest

from sweeper.space import SHIPPED, load
from trainables.data import SOURCES
from trainables.losses import LOSSES
from trainables.models import MODELS
from trainables.pruning.importance import IMPORTANCES
from trainables.recipe import Recipe

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
def test_every_distillation_loss_can_be_named_in_both_stages(name: str) -> None:
    made = recipe(sparsity={"kd": name}, finetune={"kd": name})
    assert made.kd_of("sparsity") == made.kd_of("finetune") == name


@pytest.mark.parametrize("name", IMPORTANCES)
def test_every_pruning_method_can_be_named(name: str) -> None:
    made = recipe(prune={"method": name})
    assert made.prune is not None
    assert made.prune.method == name


def test_the_shipped_space_answers_to_its_documented_names() -> None:
    assert {load(name).name for name in ("finetune", "space/finetune.yaml")} == {"finetune"}
    assert (SHIPPED / "finetune.yaml").is_file()
