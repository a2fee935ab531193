from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.addresses import (
    DataIdentity,
    Segment,
    chain,
    digest,
    distillation_weights,
    lengthened,
    share_of,
    teacher_address,
)
from trainables.recipe import Finetune, Recipe
from trainables.schedule import every, held

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
            values[key] = (values.get(key) or {}) | value if isinstance(value, dict) else value
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
CUT = ALL[1:]


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
        ({"sparsity": {"warmup": None, "warmup_share": 1.0}}, ALL),
        ({"sparsity": {"decay_every": None, "decay_share": 1.0}}, ALL),
        ({"prune": {"method": "l1"}}, CUT),
        ({"prune": {"scope": "layer"}}, CUT),
        ({"prune": {"protect_share": 0.1}}, CUT),
        ({"prune": {"protect": ["layer1.*"]}}, CUT),
        ({"prune": {"like": "l1"}}, CUT),
        ({"prune": {"keep_macs": 0.5}}, CUT),
        ({"prune": {"keep_params": 0.5}}, CUT),
        ({"prune": {"gradual": {"steps": 2}}}, CUT),
        ({"protocol": "diary"}, ["finetune"]),
        ({"evaluate": "all"}, []),
        ({"evaluate": {"test_sets": {"corruptions": "all"}}}, []),
        ({"prune": {"draw": 1}}, []),
        ({"prune": {"batches": 1}}, []),
        ({"prune": {"gradual": {"steps": 1, "epochs": 9, "ratio": "linear", "lr": 1}}}, []),
        ({"sparsity": {"warmup_share": 1.0, "decay_share": 1.0}}, []),
        ({"teacher": {"seed": 1}}, []),
        ({"teacher": {"table": "float16"}}, []),
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
        {"teacher": {"table": "float16"}},
        {"teacher": {"epochs": 2}},
        {"teacher": {"model": "resnet14"}},
        {"finetune": {"kd_tau": 2}},
        {"finetune": {"kd_weight": 1}},
        {"finetune": {"ce_weight": 2}},
    ],
)
def test_the_teacher_and_the_loss_matter_to_a_distilled_stage_alone(over: dict[str, Any]) -> None:
    assert changed(over, WITH_KD) == ["finetune"]


def test_whether_there_is_a_table_matters_to_no_stage() -> None:
    assert addresses(WITH_KD) == addresses(WITH_KD, {"teacher": {"table": "none"}})


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


@pytest.mark.parametrize(
    ("base", "over"),
    [
        ({"method": "random"}, {"draw": 1}),
        ({"method": "random", "like": "slimming"}, {"draw": 1}),
        ({"like": "random"}, {"draw": 1}),
        ({"method": "taylor"}, {"batches": 1}),
        ({"like": "taylor"}, {"batches": 1}),
        ({"keep_macs": 0.5}, {"keep_macs": 0.4}),
        ({"gradual": {"steps": 2}}, {"gradual": {"steps": 2, "ratio": "linear"}}),
        ({"gradual": {"steps": 2}}, {"gradual": {"steps": 2, "epochs": 3}}),
        ({"gradual": {"steps": 2}}, {"gradual": {"steps": 2, "lr": 1}}),
        ({"gradual": {"steps": 2}}, {"gradual": {"steps": 2, "kd": "dist"}}),
    ],
)
def test_what_has_an_effect_on_a_cut_beside_another_setting_changes_its_address(
    base: dict[str, Any], over: dict[str, Any]
) -> None:
    assert {*CUT} <= {*changed({"prune": over}, {"prune": base})}


@pytest.mark.parametrize(
    ("base", "over"),
    [
        ({"keep_macs": 0.5}, {"percent": 0.9}),
        ({"protect": ["a", "b"]}, {"protect": ["b", "a", "b"]}),
        ({"gradual": {"steps": 2}}, {"gradual": {"steps": 2, "kd_tau": 9}}),
        ({"gradual": {"steps": 2}}, {"gradual": {"steps": 2, "warmup": 1, "decay_every": 1}}),
    ],
)
def test_what_has_no_effect_beside_another_setting_changes_no_address(
    base: dict[str, Any], over: dict[str, Any]
) -> None:
    assert changed({"prune": over}, {"prune": base}) == []


def test_a_batch_size_matters_to_a_cut_that_looks_at_images() -> None:
    other = {"data": {"batch_size": 32}, "sparsity": {"batch_size": 64}}
    assert changed(other, {"finetune": {"batch_size": 64}}) == []
    for looks in ({"method": "taylor"}, {"recalibrate": 2}):
        assert changed(other, {"prune": looks, "finetune": {"batch_size": 64}}) == CUT


def test_a_probe_is_its_percents_and_nothing_else() -> None:
    def probed(**prune: Any) -> str:
        return addresses({"prune": prune, "finetune": None})["prune"].end

    assert probed(probe=[0.3, 0.5]) == probed(probe=[0.3, 0.5], percent=0.9)
    assert (
        len({probed(probe=[0.3, 0.5]), probed(probe=[0.3]), probed(probe=[0.5, 0.3]), probed(percent=0.3)})
        == 4
    )


@settings(deadline=None, max_examples=30)
@given(epochs=st.integers(1, 40), warmup=st.floats(0, 1), decay=st.floats(0.01, 1))
def test_a_share_of_the_epochs_has_the_address_of_the_number_that_it_comes_to(
    epochs: int, warmup: float, decay: float
) -> None:
    shares = {"epochs": epochs, "warmup_share": warmup, "decay_share": decay}
    unset = {"warmup": None, "decay_every": None}
    asked = recipe({"sparsity": shares | unset}).sparsity
    assert asked is not None
    numbers = {"epochs": epochs, "warmup": held(asked), "decay_every": every(asked)}
    assert addresses({"sparsity": shares | unset}) == addresses({"sparsity": numbers})


def segments(*overs: dict[str, Any], saved: float | None = None) -> tuple[Segment, ...]:
    asked = recipe(*overs)
    teacher = teacher_address(asked, DIGITS, ARITHMETIC)
    return chain(asked, data=DIGITS, arithmetic=ARITHMETIC, teacher=teacher, saved=saved)


THREE_CUTS: dict[str, Any] = {"prune": {"gradual": {"steps": 3, "epochs": 2}}}


def test_a_gradual_prune_is_cuts_with_training_between_them() -> None:
    found = segments(THREE_CUTS)
    assert [(one.stage, one.part, one.behind, len(one.rates)) for one in found] == [
        ("sparsity", 0, 0, 3),
        ("prune", 0, 0, 0),
        ("gradual", 0, 0, 2),
        ("prune", 1, 0, 0),
        ("gradual", 1, 2, 2),
        ("prune", 2, 0, 0),
        ("finetune", 0, 0, 3),
    ]
    all_of_them = [address for one in found for address in one.addresses]
    assert len(set(all_of_them)) == len(all_of_them)
    prune = recipe(THREE_CUTS).prune
    assert prune is not None
    shares = [share_of(prune, part) for part in range(3)]
    assert shares == sorted(shares)
    assert shares[-1] == prune.percent


def test_gradual_prunes_share_what_they_have_in_common_before_their_schedules_part() -> None:
    short, long = (
        segments(THREE_CUTS),
        segments({"prune": {"gradual": {"steps": 3, "epochs": 4, "warmup": 1}}}),
    )
    # epochs 2: warmup 1, decay_every 1 -> the rate holds in both; epochs 4 with decay_every 1 drops in epoch 3
    assert short[1] == long[1]
    assert short[2].addresses == long[2].addresses[:3]
    assert short[3].end != long[3].end


def test_scratch_and_scratch_b_share_their_common_prefix() -> None:
    plateau = {"epochs": 4, "warmup": 2, "decay_every": 1}
    scratch = segments({"finetune": plateau | {"start": "scratch"}})
    scaled = segments({"finetune": plateau | {"start": "scratch_b"}}, saved=1.5)
    assert scratch[:-1] == scaled[:-1]
    one, other = scratch[-1], scaled[-1]
    assert (len(one.rates), len(other.rates)) == (4, 6)
    equal = [a == b for a, b in zip(one.addresses, other.addresses, strict=False)]
    assert equal == [True] * 4 + [False]  # the start and three epochs; the longer plateau is one epoch longer
    assert segments({"finetune": plateau | {"start": "scratch_b"}}, saved=1.0) == scratch


def test_without_the_cuts_outcome_the_epochs_of_scratch_b_are_not_known() -> None:
    over = {"finetune": {"start": "scratch_b"}}
    assert [one.stage for one in segments(over)] == ["sparsity", "prune"]
    assert segments(over, saved=2.0)[:2] == segments(over)


@pytest.mark.parametrize(("saved", "epochs"), [(0.8, 10), (1.0, 10), (1.26, 13), (2.0, 20), (7.0, 20)])
def test_scratch_b_has_as_many_macs_but_at_most_twice_the_epochs(saved: float, epochs: int) -> None:
    assert lengthened(Finetune(epochs=10), saved).epochs == epochs


@pytest.fixture
def network_file(tmp_path: Path) -> Path:
    path = tmp_path / "model_best.pth.tar"
    path.write_bytes(b"weights")
    return path


def begun(stage: str, path: Path, **section: Any) -> tuple[Segment, ...]:
    order = ["sparsity", "prune", "finetune"]
    absent = dict.fromkeys(order[: order.index(stage)])
    return segments({**absent, stage: {"init": str(path), **section}})


def test_a_student_from_a_file_is_known_by_its_content_and_how_it_is_read(
    network_file: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(b"weights")
    first = begun("prune", network_file)
    assert [one.stage for one in first] == ["init", "prune", "finetune"]
    assert first == begun("prune", copy) == begun("prune", network_file, weights="model")
    others = [
        begun("prune", network_file, weights="ema_model"),
        begun("prune", network_file, normalize="cifar10"),
        begun("prune", network_file, normalize=[[0.5], [0.25]]),
    ]
    copy.write_bytes(b"Weights!")
    others.append(begun("prune", copy))
    assert len({found[0].end for found in (first, *others)}) == 5


def test_every_stage_that_begins_with_a_file_begins_at_the_same_state(network_file: Path) -> None:
    roots = {begun(stage, network_file)[0] for stage in ("sparsity", "prune", "finetune")}
    assert len(roots) == 1


def test_the_network_that_a_file_is_moved_into_and_the_seed_are_in_its_address(network_file: Path) -> None:
    absent: dict[str, Any] = {"sparsity": None, "prune": {"init": str(network_file)}}
    assert segments(absent)[0] != segments(absent, {"model": "preresnet20"})[0]
    assert segments(absent)[0] != segments(absent, {"seed": 1})[0]


def test_precision_is_the_students_alone_and_float32_leaves_addresses_as_they_were() -> None:
    half = {"precision": "bfloat16"}
    assert changed({"precision": "float32"}, WITH_KD) == []
    assert changed(half, WITH_KD) == ALL
    teachers = [teacher_address(recipe(WITH_KD, over), DIGITS, ARITHMETIC) for over in ({}, half)]
    assert teachers[0] == teachers[1]
