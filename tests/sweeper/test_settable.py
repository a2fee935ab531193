import pytest
from pydantic import ValidationError

from sweeper.settable import (
    NOT_SEARCHED,
    filled_in,
    fixed_settings,
    flatten,
    known_keys,
    number_kind,
    recipe_at,
    section_at,
    settable,
    value_fault,
)
from sweeper.settings import Asha, SpaceFile
from trainables.recipe import Finetune, Gradual, Prune

SPACE = SpaceFile.model_validate(
    {"data": {"source": "digits"}, "model": "preresnet8", "prune": {}, "finetune": {"lr": 1}}
)


def test_what_can_be_searched_are_the_pipelines_settings() -> None:
    known = settable()
    assert {"seed", "model", "prune.percent", "sparsity.s", "finetune.kd_weight"} <= set(known)
    assert not {"sweep.trials", "name", "prune", *NOT_SEARCHED} & set(known)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("finetune.epochs", int),
        ("finetune.batch_size", int),
        ("data.pad", int),
        ("seed", int),
        ("finetune.lr", float),
        ("finetune.kd_tau", float),
        ("prune.percent", float),
        ("finetune.kd", None),
        ("finetune.nesterov", None),
        ("data.flip", None),
        ("sparsity.on", None),
        ("model", None),
    ],
)
def test_a_setting_is_a_whole_number_or_a_real_one_or_none(key: str, kind: type | None) -> None:
    assert number_kind(key) is kind


def test_sections_and_their_keys_are_found() -> None:
    assert section_at(()) is SpaceFile
    assert section_at(("sweep", "asha")) is Asha
    assert section_at(("finetune",)) is Finetune
    assert section_at(("finetune", "lr")) is section_at(("nothing",)) is None
    assert "percent" in known_keys(("prune",))
    assert known_keys(("constraints",)) == ()


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("prune.percent", 20, "must be a fraction from 0 to below 1"),
        ("finetune.epochs", 0, "must be at least 1"),
        ("finetune.lr", "x", "must be a number"),
        ("finetune.lr", None, "must be a number"),
        ("model", "vit", "must be a known network"),
        ("seed", -1, "must be at least 0"),
    ],
)
def test_a_value_is_judged_by_itself(key: str, value: object, rule: str) -> None:
    fault = value_fault(key, value)
    assert fault is not None
    assert (fault.rule, fault.got) == (rule, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("finetune.lr", 1), ("finetune.kd_tau", None), ("finetune.kd", "dist"), ("teacher.epochs", 3)],
)
def test_a_value_may_be_right_whatever_the_rest_of_the_file(key: str, value: object) -> None:
    assert value_fault(key, value) is None


def test_a_point_makes_a_recipe() -> None:
    recipe = recipe_at(SPACE, {"prune.percent": 0.25, "seed": 3})
    assert recipe.prune is not None
    assert (recipe.prune.percent, recipe.seed) == (0.25, 3)
    with pytest.raises(
        ValidationError, match=r"finetune\.kd: needs a teacher.*dist|dist.*needs a teacher|needs a teacher"
    ):
        recipe_at(SPACE, {"finetune.kd": "dist"})


def test_fixed_settings_have_dotted_keys() -> None:
    fixed = fixed_settings(SPACE)
    assert fixed["finetune.lr"] == 1.0
    assert fixed["teacher"] is None
    assert "sweep" not in fixed
    assert dict(flatten({"a": {"b": {"c": 1}}, "d": []})) == {"a.b.c": 1, "d": []}


def test_what_a_file_gives_is_kept_and_of_the_defaults_those_that_have_an_effect() -> None:
    def finetune(**given: object) -> dict[str, object]:
        return filled_in(Finetune.model_validate(given))

    assert {"warmup_share", "decay_share", "epochs"} <= finetune().keys()
    assert "warmup_share" not in finetune(warmup=3)
    assert finetune(warmup=3, warmup_share=0.1)["warmup_share"] == 0.1
    assert "kd_tau" not in finetune()
    prune = filled_in(Prune(keep_macs=0.5, gradual=None))
    assert "percent" not in prune
    gradual = filled_in(Prune(gradual=Gradual(steps=1)))["gradual"]
    assert gradual == {"steps": 1}


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("prune.keep_macs", float),
        ("prune.gradual.steps", int),
        ("prune.gradual.lr", float),
        ("prune.draw", int),
        ("prune.like", None),
        ("finetune.warmup_share", float),
        ("prune.init", None),
    ],
)
def test_the_settings_of_a_cut_are_numbers_or_names(key: str, kind: type | None) -> None:
    assert number_kind(key) is kind


def test_sections_within_sections_are_found() -> None:
    assert section_at(("prune", "gradual")) is Gradual
    assert "ratio" in known_keys(("prune", "gradual"))
    assert "corruptions" in known_keys(("evaluate", "test_sets"))


@pytest.mark.parametrize("value", [None, "slimming"])
def test_a_setting_that_may_be_null_may_be_searched_with_it(value: object) -> None:
    assert value_fault("prune.like", value) is None
