from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trainables.addresses import DataIdentity, Segment, chain, digest, distillation_weights, teacher_address
from trainables.recipe import Finetune, Recipe

DIGITS = DataIdentity(address="d", classes=10, channels=1, pad=1, flip=False, mean=(0.3,), std=(0.4,))
ARITHMETIC = {"device": "cpu", "threads": 1, "torch": "2.10"}
BASE: dict[str, Any] = {
    "data": {"source": "digits"},
    "model": "preresnet8",
    "teacher": {"model": "resnet8", "epochs": 3},
    "sparsity": {"epochs": 3, "warmup": 1, "decay_every": 1},
    "prune": {"percent": 0.5},
    "finetune": {"epochs": 3, "warmup": 1, "decay_every": 1},
}
WITH_KD = {"finetune": {"kd": "dist"}}


def recipe(*overs: dict[str, Any]) -> Recipe:
    values = {key: dict(value) if isinstance(value, dict) else value for key, value in BASE.items()}
    for over in overs:
        for key, value in over.items():
            values[key] = values[key] | value if isinstance(value, dict) else value
    return Recipe.model_validate(values)


def addresses(
    *overs: dict[str, Any], data: DataIdentity = DIGITS, arithmetic: dict[str, Any] = ARITHMETIC
) -> dict[str, Segment]:
    asked = recipe(*overs)
    teacher = teacher_address(asked, data, arithmetic)
    return {s.stage: s for s in chain(asked, data=data, arithmetic=arithmetic, teacher=teacher)}


def changed(over: dict[str, Any], *base: dict[str, Any]) -> list[str]:
    """The stages whose results have another address."""
    before, after = addresses(*base), addresses(*base, over)
    return [stage for stage in before if before[stage].end != after[stage].end]


ALL = ["sparsity", "prune", "finetune"]


def test_fewer_epochs_are_a_point_on_the_way_to_more() -> None:
    short, long = addresses({"sparsity": {"epochs": 2}})["sparsity"], addresses()["sparsity"]
    assert long.addresses[:3] == short.addresses
    assert len(long.addresses) == 4


def test_another_warmup_shares_the_epochs_at_equal_rates() -> None:
    one, other = addresses()["sparsity"], addresses({"sparsity": {"warmup": 2}})["sparsity"]
    equal = [a == b for a, b in zip(one.addresses, other.addresses, strict=True)]
    assert equal == [True, True, True, False]


def test_equal_rates_are_equal_addresses_whatever_led_to_them() -> None:
    one = addresses({"sparsity": {"warmup": 2, "decay_every": 7}})
    other = addresses({"sparsity": {"warmup": 9, "decay_every": 1}})
    assert one == other


@pytest.mark.parametrize(
    ("over", "stages"),
    [
        ({"seed": 1}, ALL),
        ({"model": "preresnet20"}, ALL),
        ({"data": {"batch_size": 32}}, ALL),
        ({"sparsity": {"lr": 0.01}}, ALL),
        ({"sparsity": {"s": 1e-3}}, ALL),
        ({"sparsity": {"on": "prunable"}}, ALL),
        ({"sparsity": {"momentum": 0.8}}, ALL),
        ({"sparsity": {"nesterov": True}}, ALL),
        ({"sparsity": {"weight_decay": 0}}, ALL),
        ({"sparsity": {"decay_gamma": False}}, ALL),
        ({"sparsity": {"batch_size": 32}}, ALL),
        ({"sparsity": {"drop_last": True}}, ALL),
        ({"sparsity": {"ramp": 1}}, ALL),
        ({"sparsity": {"decay_rate": 0.5}}, ALL),
        ({"sparsity": {"kd": "dist"}}, ALL),
        ({"prune": {"percent": 0.4}}, ["prune", "finetune"]),
        ({"prune": {"recalibrate": 2}}, ["prune", "finetune"]),
        ({"finetune": {"start": "scratch"}}, ["finetune"]),
        ({"finetune": {"lr": 0.01}}, ["finetune"]),
        ({"finetune": {"kd": "kd"}}, ["finetune"]),
        ({"finetune": {"drop_last": False}}, ["finetune"]),
        ({"evaluate": "all"}, []),
        ({"teacher": {"seed": 1}}, []),
        ({"finetune": {"kd_tau": 2, "kd_weight": 5, "ce_weight": 3}}, []),
        ({"sparsity": {"batch_size": 64}}, []),
        ({"data": {"path": "elsewhere", "download": True}}, []),
    ],
)
def test_a_setting_changes_its_stage_and_all_after_it(over: dict[str, Any], stages: list[str]) -> None:
    assert changed(over) == stages


@pytest.mark.parametrize(
    "over",
    [
        {"teacher": {"seed": 1}},
        {"teacher": {"epochs": 2}},
        {"teacher": {"model": "resnet14"}},
        {"finetune": {"kd_tau": 2}},
        {"finetune": {"kd_weight": 1}},
        {"finetune": {"ce_weight": 2}},
    ],
)
def test_the_teacher_and_the_loss_matter_to_a_distilled_stage_alone(over: dict[str, Any]) -> None:
    assert changed(over, WITH_KD) == ["finetune"]


def test_defaults_of_the_loss_are_its_own_whether_written_or_not() -> None:
    assert distillation_weights(Finetune(kd="dist")) == (4.0, 2.0, 1.0)
    assert distillation_weights(Finetune(kd="kd")) == (4.0, 0.9, 0.1)
    assert changed({"finetune": {"kd_tau": 4, "kd_weight": 2, "ce_weight": 1}}, WITH_KD) == []


def test_one_and_one_point_nought_are_one_number() -> None:
    assert addresses({"sparsity": {"lr": 1, "s": 1, "weight_decay": 0}}) == addresses(
        {"sparsity": {"lr": 1.0, "s": 1.0, "weight_decay": 0.0}}
    )


def test_without_a_penalty_it_does_not_matter_where_it_would_act() -> None:
    assert changed({"sparsity": {"on": "prunable"}}, {"sparsity": {"s": 0}}) == []


@pytest.mark.parametrize("over", [{"threads": 2}, {"torch": "2.11"}, {"device": "H100"}])
def test_the_arithmetic_changes_every_address(over: dict[str, Any]) -> None:
    one, other = addresses(WITH_KD), addresses(WITH_KD, arithmetic=ARITHMETIC | over)
    assert not {a for s in one.values() for a in s.addresses} & {
        a for s in other.values() for a in s.addresses
    }


@pytest.mark.parametrize(
    "over", [{"address": "e"}, {"classes": 9}, {"pad": 2}, {"flip": True}, {"mean": (0.1,)}, {"std": (0.1,)}]
)
def test_the_images_change_every_address(over: dict[str, Any]) -> None:
    one, other = addresses(WITH_KD), addresses(WITH_KD, data=replace(DIGITS, **over))
    assert all(one[stage].end != other[stage].end for stage in ALL)


def test_a_loaded_teacher_is_known_by_its_content(tmp_path: Path) -> None:
    one, copy, other = tmp_path / "one", tmp_path / "copy", tmp_path / "other"
    one.write_bytes(b"weights")
    copy.write_bytes(b"weights")
    other.write_bytes(b"Weights")

    def finetuned(path: Path) -> str:
        return addresses(WITH_KD, {"teacher": {"model": None, "checkpoint": str(path)}})["finetune"].end

    assert finetuned(one) == finetuned(copy) != finetuned(other)


def test_naming_a_loaded_teachers_network_changes_no_address(tmp_path: Path) -> None:
    path = tmp_path / "one.pth"
    path.write_bytes(b"weights")
    named, unnamed = (
        addresses(WITH_KD, {"teacher": {"model": model, "checkpoint": str(path)}})
        for model in ("resnet8", None)
    )
    assert named == unnamed


def test_a_checkpoint_that_was_replaced_is_another_teacher(tmp_path: Path) -> None:
    path = tmp_path / "one.pth"
    found = []
    for content in (b"weights", b"weights of another length"):
        path.write_bytes(content)
        over = {"teacher": {"model": None, "checkpoint": str(path)}}
        found.append(addresses(WITH_KD, over)["finetune"].end)
    assert found[0] != found[1]


def test_no_two_states_of_a_recipe_share_an_address() -> None:
    found = [address for segment in addresses(WITH_KD).values() for address in segment.addresses]
    assert len(found) == len(set(found)) == 9


def test_a_digest_is_that_of_sorted_json() -> None:
    assert digest({"a": 1, "b": [2.0]}) == digest({"b": [2.0], "a": 1})
    assert len(digest(None)) == 40
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest({"lr": float("nan")})
