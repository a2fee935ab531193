from typing import Any

import pytest
from pydantic import ValidationError

from trainables.addresses import DataIdentity, chain, teacher_address
from trainables.canonical import canonical
from trainables.recipe import Recipe

DIGITS = DataIdentity(address="d", classes=10, channels=1, pad=1, flip=False, mean=(0.3,), std=(0.4,))


def plain(**over: Any) -> dict[str, Any]:
    return {"data": {"source": "digits"}, "model": "preresnet8", "finetune": {}} | over


def recipe(**over: Any) -> Recipe:
    return Recipe.model_validate(plain(**over))


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"model": "preresnet9"}, r"(?s)model.*known network.*Did you mean preresnet.*preresnet9"),
        ({"model": "vit"}, r"(?s)model.*known network.*vit"),
        ({"data": {"source": "digit"}}, r"(?s)data\.source.*Did you mean digits"),
        ({"data": {"source": "digits", "val_fraction": 1.0}}, r"(?s)val_fraction.*1\.0"),
        ({"prune": {"percent": 20}}, r"(?s)prune\.percent.*fraction from 0 to below 1.*20"),
        ({"prune": {"percent": "0.2"}}, r"(?s)prune\.percent.*0\.2"),
        ({"prune": {"method": "slim"}}, r"(?s)prune\.method.*Did you mean slimming"),
        ({"finetune": {"kd": "dist"}}, r"(?s)finetune\.kd: needs a teacher.*dist"),
        ({"sparsity": {"kd": "kd"}}, r"(?s)sparsity\.kd: needs a teacher.*kd"),
        ({"finetune": {"kd": "dits"}}, r"(?s)finetune\.kd.*Did you mean dist"),
        ({"finetune": {"epochs": 1.5}}, r"(?s)finetune\.epochs.*1\.5"),
        ({"finetune": {"epochs": True}}, r"(?s)finetune\.epochs.*True"),
        ({"finetune": {"epochs": 0}}, r"(?s)finetune\.epochs.*0"),
        ({"finetune": {"lr": 0}}, r"(?s)finetune\.lr.*greater than 0"),
        ({"finetune": {"lr": float("nan")}}, r"(?s)finetune\.lr.*nan"),
        (
            {"finetune": {"nesterov": True, "momentum": 0}},
            r"(?s)nesterov: needs momentum above 0.*momentum: 0\.9",
        ),
        ({"finetune": {"learning_rate": 1}}, r"(?s)finetune\.learning_rate.*learning_rate|Extra"),
        ({"finetune": None}, r"nothing is trained"),
        ({"teacher": {}}, r"(?s)teacher.*needs a model to train or a checkpoint"),
        ({"seed": -1}, r"(?s)seed.*-1"),
        ({"seed": 2**63}, r"(?s)seed.*9223372036854775808"),
        (
            {"sparsity": {"init": "a"}, "teacher": {"weights": "model", "model": "resnet8"}},
            r"weights: has no effect without checkpoint",
        ),
        (
            {"teacher": {"normalize": "data", "model": "resnet8"}},
            r"normalize: has no effect without checkpoint",
        ),
        ({"finetune": {"weights": "ema_model"}}, r"(?s)finetune.*weights: has no effect without init"),
        ({"finetune": {"normalize": "cifar10"}}, r"(?s)finetune.*normalize: has no effect without init"),
        ({"prune": {"trained_on": "train"}}, r"(?s)prune.*trained_on: has no effect without init"),
        (
            {"finetune": {"init": "a", "weights": "ema"}},
            r"(?s)finetune\.weights.*'model' or 'ema_model'.*ema",
        ),
        (
            {"finetune": {"init": "a", "trained_on": "test"}},
            r"(?s)finetune\.trained_on.*'train' or 'split'.*test",
        ),
        (
            {"finetune": {"init": "a", "normalize": "cifar"}},
            r"(?s)finetune\.normalize.*Did you mean cifar10.*cifar",
        ),
        (
            {"finetune": {"init": "a", "normalize": [[0.5]]}},
            r"(?s)finetune\.normalize.*means and deviations.*\[\[0\.5\]\]",
        ),
        (
            {"finetune": {"init": "a", "normalize": [[0.5], [0]]}},
            r"(?s)finetune\.normalize.*means and deviations.*\[0\]",
        ),
        (
            {"finetune": {"init": "a", "normalize": [[0.5, 0.5], [0.1]]}},
            r"(?s)finetune\.normalize.*means and deviations.*0\.1",
        ),
        (
            {"prune": {"keep_macs": 0.5, "keep_params": 0.5}},
            r"(?s)prune.*keep_params: can't stand beside keep_macs.*0\.5",
        ),
        ({"prune": {"keep_macs": 0}}, r"(?s)prune\.keep_macs.*greater than 0"),
        ({"prune": {"keep_params": 1.5}}, r"(?s)prune\.keep_params.*less than or equal to 1.*1\.5"),
        (
            {"prune": {"keep_macs": 0.5, "gradual": {"steps": 2}}},
            r"(?s)prune.*gradual: needs percent, not a budget",
        ),
        ({"prune": {"gradual": {"steps": 0}}}, r"(?s)prune\.gradual\.steps.*greater than or equal to 1.*0"),
        (
            {"prune": {"gradual": {"steps": 2, "ratio": "square"}}},
            r"(?s)prune\.gradual\.ratio.*'linear' or 'cubic'.*square",
        ),
        ({"prune": {"gradual": {"steps": 2, "kd": "kd"}}}, r"(?s)prune\.gradual\.kd: needs a teacher"),
        ({"prune": {"probe": []}}, r"(?s)prune\.probe.*at least 1 item"),
        ({"prune": {"probe": [0.5, 30]}}, r"(?s)prune\.probe\.1.*Write 0\.3 for 30 %"),
        ({"prune": {"probe": [0.5], "keep_macs": 0.5}}, r"(?s)prune.*probe: needs percents alone"),
        ({"prune": {"probe": [0.5], "gradual": {"steps": 2}}}, r"(?s)prune.*probe: needs percents alone"),
        ({"prune": {"probe": [0.5]}}, r"prune\.probe: leaves the network whole, so nothing is finetuned"),
        ({"prune": {"like": "slimming"}}, r"prune\.like: must be another method than prune\.method"),
        ({"prune": {"like": "slim"}}, r"(?s)prune\.like.*Did you mean slimming"),
        ({"prune": {"scope": "local"}}, r"(?s)prune\.scope.*'global' or 'layer'.*local"),
        ({"prune": {"protect_share": 1}}, r"(?s)prune\.protect_share.*less than 1.*1"),
        ({"prune": {"draw": -1}}, r"(?s)prune\.draw.*-1"),
        ({"prune": {"batches": 0}}, r"(?s)prune\.batches.*0"),
        ({"finetune": {"start": "scratch_b"}}, r"finetune\.start: scratch_b needs a prune section"),
        ({"finetune": {"warmup_share": 1.5}}, r"(?s)finetune\.warmup_share.*1\.5"),
        ({"finetune": {"decay_share": 0}}, r"(?s)finetune\.decay_share.*greater than 0"),
        ({"evaluate": "some"}, r"(?s)evaluate\.trials.*'none' or 'all'.*some"),
        (
            {"evaluate": {"test_sets": {"corruptions": ["fog"]}}},
            r"(?s)evaluate\.test_sets\.corruptions.*known corruption.*fog",
        ),
        (
            {"evaluate": {"test_sets": {"corruptions": ["contrst"]}}},
            r"(?s)evaluate\.test_sets.*Did you mean contrast",
        ),
        (
            {"evaluate": {"test_sets": {"severities": [0]}}},
            r"(?s)evaluate\.test_sets\.severities.*greater than or equal to 1",
        ),
        (
            {"evaluate": {"test_sets": {"severities": [6]}}},
            r"(?s)evaluate\.test_sets\.severities.*less than or equal to 5.*6",
        ),
        ({"protocol": "best"}, r"(?s)protocol.*'validation' or 'diary'.*best"),
    ],
)
def test_what_cannot_be_run_is_refused_by_key_and_value(over: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        recipe(**over)


@pytest.mark.parametrize("stage", ["prune", "finetune"])
@pytest.mark.parametrize("earlier", ["sparsity", "prune"])
def test_a_stage_that_begins_with_a_file_has_no_stage_before_it(stage: str, earlier: str) -> None:
    if stage == earlier:
        return
    with pytest.raises(
        ValidationError,
        match=rf"{stage}\.init: begins with {stage}, so {earlier} can't run before it\. Remove the {earlier} section",
    ):
        recipe(**{earlier: {}, stage: {"init": "network.pth"}})


@pytest.mark.parametrize("stage", ["sparsity", "prune", "finetune"])
def test_the_stages_behind_a_file_run(stage: str) -> None:
    order = ["sparsity", "prune", "finetune"]
    behind = {name: {} for name in order[order.index(stage) :]}
    made = recipe(**behind | {stage: {"init": "network.pth", "trained_on": "train"}})
    assert made.init == (stage, getattr(made, stage))
    assert made.seen
    assert not recipe(**behind | {stage: {"init": "network.pth"}}).seen
    assert recipe(**behind).init is None


def test_all_is_short_for_all_trials() -> None:
    assert recipe(evaluate="all") == recipe(evaluate={"trials": "all"})
    assert recipe(evaluate="none") == recipe()
    assert not recipe(evaluate="all").evaluate.test_sets.any
    for sets in ({"corruptions": "all"}, {"corruptions": ["contrast"]}, {"folders": {"mine": "here"}}):
        assert recipe(evaluate={"test_sets": sets}).evaluate.test_sets.any


def test_a_recipe_knows_its_cuts_and_what_is_trained_between_them() -> None:
    assert (recipe().cuts, recipe().gradual) == (0, None)
    assert (recipe(prune={}).cuts, recipe(prune={}).gradual) == (1, None)
    alone, several = (recipe(prune={"gradual": {"steps": steps}}) for steps in (1, 3))
    assert (alone.cuts, alone.gradual, alone.training("gradual")) == (1, None, None)
    assert several.cuts == 3
    assert several.prune is not None
    assert several.gradual is several.training("gradual") is several.prune.gradual
    assert several.training("prune") is several.training("init") is several.training("start") is None


def test_a_teacher_is_needed_by_any_stage_that_distils() -> None:
    teacher = {"model": "resnet8"}
    for over in (
        {"sparsity": {"kd": "dist"}},
        {"prune": {"gradual": {"steps": 2, "kd": "dist"}}},
        {"finetune": {"kd": "dist"}},
    ):
        assert recipe(teacher=teacher, **over).needs_teacher
    between_no_cuts = recipe(teacher=teacher, prune={"gradual": {"steps": 1, "kd": "dist"}})
    assert not between_no_cuts.needs_teacher


def test_only_the_last_stage_is_tested_after_every_epoch_and_only_under_the_diarys_protocol() -> None:
    diary = recipe(protocol="diary", sparsity={})
    assert [stage for stage in ("sparsity", "gradual", "finetune") if diary.tested(stage)] == ["finetune"]
    assert recipe(protocol="diary", sparsity={}, finetune=None).tested("sparsity")
    assert not recipe(sparsity={}).tested("finetune")


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match=r"(?s)model.*frozen.*resnet8"):
        recipe().model = "resnet8"  # type: ignore[misc]
    with pytest.raises(ValidationError, match=r"(?s)path.*frozen.*elsewhere"):
        recipe().data.path = "elsewhere"  # type: ignore[misc]


def test_an_integer_is_a_real_number_where_one_is_asked() -> None:
    lr = recipe(finetune={"lr": 1}).finetune.lr  # type: ignore[union-attr]
    assert (lr, type(lr)) == (1.0, float)


ROUND_TRIPS = [
    {},
    {"data": {"source": "npz", "path": "x.npz", "val_fraction": None}},
    {"data": {"source": "digits", "pad": 0, "flip": True, "batch_size": 32}},
    {"sparsity": {"s": 0}, "prune": {"percent": 0}, "finetune": {"kd_tau": 3}},
    {"sparsity": {"on": "prunable"}, "finetune": None, "seed": 3},
    {"teacher": {"model": "resnet8", "seed": 5}, "finetune": {"kd": "dist", "kd_tau": 2, "ce_weight": 0}},
    {"teacher": {"model": "resnet8"}, "sparsity": {"kd": "kd"}, "prune": {"recalibrate": 3}},
    {"teacher": {"model": "resnet8"}, "finetune": {"start": "scratch"}, "evaluate": "all"},
    {"prune": {"keep_macs": 0.5, "method": "taylor", "batches": 3, "scope": "layer"}},
    {"prune": {"keep_params": 0.5, "method": "random", "like": "l1", "draw": 2, "protect": ["b", "a*"]}},
    {"prune": {"gradual": {"steps": 3, "ratio": "linear", "warmup": 1}}, "finetune": {"start": "scratch_b"}},
    {"prune": {"gradual": {"steps": 1, "ratio": "linear", "warmup": 1}}},
    {"sparsity": {"warmup_share": 0.1, "decay_every": 3}, "prune": {"probe": [0.3, 0.5]}, "finetune": None},
    {"evaluate": {"test_sets": {"corruptions": "all", "severities": [5], "folders": {"mine": "here"}}}},
    {"protocol": "diary"},
]


@pytest.mark.parametrize("over", ROUND_TRIPS)
def test_the_canonical_form_is_the_same_recipe(over: dict[str, Any]) -> None:
    before = recipe(**over)
    after = Recipe.model_validate(canonical(before))
    assert canonical(after) == canonical(before)
    assert after.data == before.data
    addresses = [
        chain(r, data=DIGITS, arithmetic={}, teacher=teacher_address(r, DIGITS, {})) for r in (before, after)
    ]
    assert addresses[0] == addresses[1]


def test_the_canonical_form_leaves_out_what_has_no_effect() -> None:
    unused = recipe(teacher={"model": "resnet8"}, finetune={"kd_tau": 3, "kd_weight": 1, "ce_weight": 1})
    assert canonical(unused) == canonical(recipe())
    loaded = recipe(teacher={"checkpoint": "t.pth", "epochs": 3, "seed": 9}, finetune={"kd": "dist"})
    assert canonical(loaded)["teacher"] == {"checkpoint": "t.pth", "table": "float32"}


@pytest.mark.parametrize(
    ("idle", "plain"),
    [
        ({"finetune": {"warmup": 3, "warmup_share": 0.9}}, {"finetune": {"warmup": 3}}),
        ({"finetune": {"decay_every": 3, "decay_share": 0.9}}, {"finetune": {"decay_every": 3}}),
        ({"finetune": {"kd_tau": 3, "kd_weight": 1, "ce_weight": 1}}, {}),
        ({"prune": {"keep_macs": 0.5, "percent": 0.9}}, {"prune": {"keep_macs": 0.5}}),
        ({"prune": {"keep_params": 0.5, "percent": 0.9}}, {"prune": {"keep_params": 0.5}}),
        ({"prune": {"batches": 3, "draw": 4}}, {"prune": {}}),
        ({"prune": {"method": "random", "batches": 3}}, {"prune": {"method": "random"}}),
        ({"prune": {"method": "taylor", "draw": 4}}, {"prune": {"method": "taylor"}}),
        ({"prune": {"gradual": {"steps": 1, "epochs": 9, "ratio": "linear"}}}, {"prune": {"gradual": {"steps": 1}}}),
        ({"prune": {"gradual": {"steps": 2, "kd_tau": 9}}}, {"prune": {"gradual": {"steps": 2}}}),
        ({"evaluate": {"test_sets": {"severities": [1]}}}, {}),
    ],
)  # fmt: skip
def test_a_key_that_does_nothing_is_not_in_the_canonical_form(
    idle: dict[str, Any], plain: dict[str, Any]
) -> None:
    assert canonical(recipe(**idle)) == canonical(recipe(**plain))


def test_the_canonical_form_of_a_probe_has_no_percent() -> None:
    probed = canonical(recipe(sparsity={}, prune={"probe": [0.5], "percent": 0.9}, finetune=None))
    assert probed["prune"]["probe"] == [0.5]
    assert "percent" not in probed["prune"]


def test_the_canonical_form_keeps_a_null_that_means_something() -> None:
    assert canonical(recipe(data={"source": "npz", "val_fraction": None}))["data"]["val_fraction"] is None
