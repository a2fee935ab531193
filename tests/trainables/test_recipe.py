from typing import Any

import pytest
from pydantic import ValidationError

from trainables.addresses import DataIdentity, chain, teacher_address
from trainables.recipe import Recipe, canonical

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
    ],
)
def test_what_cannot_be_run_is_refused_by_key_and_value(over: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        recipe(**over)


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
    assert canonical(loaded)["teacher"] == {"checkpoint": "t.pth"}


def test_the_canonical_form_keeps_a_null_that_means_something() -> None:
    assert canonical(recipe(data={"source": "npz", "val_fraction": None}))["data"]["val_fraction"] is None
