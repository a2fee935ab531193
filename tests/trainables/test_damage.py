"""Which classes, corruptions and images pay for the pruning."""

import base64
import io
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.checkpoints import save
from trainables.damage import SHOWN, check_test_sets, damage
from trainables.data.corruptions import applicable
from trainables.errors import InputError
from trainables.fit import measure, predict
from trainables.models import build
from trainables.pipeline import run
from trainables.place import Place
from trainables.recipe import Data, Recipe
from trainables.recipe import TestSets as Sets
from trainables.stages import teacher, training

torch.set_num_threads(1)
DATA = {"source": "digits", "val_fraction": 0.9}
SHORT = {"epochs": 1, "warmup": 1, "decay_every": 1, "lr": 0.05}
STUDY: dict[str, Any] = {
    "data": DATA,
    "model": "preresnet8",
    "sparsity": SHORT,
    "prune": {"percent": 0.5},
    "finetune": SHORT,
    "evaluate": {"trials": "all", "test_sets": {"corruptions": ["contrast"], "severities": [1, 5]}},
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "_READY", {})
    monkeypatch.setattr(training, "WAIT_SECONDS", 0.001)


@pytest.fixture
def place() -> Place:
    return Place.prepare(Data.model_validate(DATA), store=None)


def networks(place: Place, **seeds: int) -> dict[str, torch.nn.Module]:
    return {name: build(place.architecture("preresnet8"), seed=seed) for name, seed in seeds.items()}


def metrics(generator: Generator[dict[str, Any], None, Any]) -> dict[str, Any]:
    (*_, last) = generator
    return last["metrics"]  # type: ignore[no-any-return]


def test_right_answers_by_class_sum_to_the_accuracy_on_every_set(place: Place) -> None:
    given = networks(place, unpruned=0, pruned=1, final=2)
    found = damage(given, Sets(corruptions=["contrast", "gaussian_blur"], severities=[1, 5]), place)
    sets = ["clean", "contrast 1", "contrast 5", "gaussian_blur 1", "gaussian_blur 5"]
    assert list(found["images"]) == sets
    assert found["classes"] == [str(digit) for digit in range(10)]
    total = len(place.data.test)
    for name, network in given.items():
        assert list(found["right"][name]) == sets
        for one in sets:
            assert sum(found["images"][one]) == total
            assert all(r <= n for r, n in zip(found["right"][name][one], found["images"][one], strict=True))
        accuracy = measure(network, place.data.test, what="test")["accuracy"]
        assert sum(found["right"][name]["clean"]) / total == accuracy


def test_images_that_only_the_pruned_network_gets_wrong_are_shown_with_the_surest_errors_first(
    place: Place,
) -> None:
    given = networks(place, unpruned=0, final=2)
    shown = damage(given, Sets(), place)["only_pruned_wrong"]
    logits = {name: predict(network, place.data.test) for name, network in given.items()}
    labels = place.data.test.labels
    lost = (logits["unpruned"].argmax(1) == labels) & (logits["final"].argmax(1) != labels)
    assert len(shown) == min(SHOWN, int(lost.sum())) > 0
    sure = logits["final"].softmax(1).max(1).values
    assert [sure[one["row"]].item() for one in shown] == sorted(sure[lost].tolist(), reverse=True)[:SHOWN]
    for one in shown:
        assert lost[one["row"]]
        assert one["label"] == labels[one["row"]]
        assert one["answer"] == logits["final"][one["row"]].argmax() != one["label"]
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(one["png"]))))
        assert np.array_equal(picture, place.data.test.pixels[one["row"], 0].numpy())


def test_without_an_unpruned_network_nothing_is_lost_to_pruning(place: Place) -> None:
    assert "only_pruned_wrong" not in damage(networks(place, final=0), Sets(), place)


def test_all_corruptions_are_those_that_suit_the_images(place: Place) -> None:
    found = damage(networks(place, final=0), Sets(corruptions="all", severities=[3]), place)
    assert list(found["images"]) == ["clean", *(f"{name} 3" for name in applicable(1, 8))]
    assert "jpeg_compression 3" not in found["images"]


def test_the_same_set_is_made_again(place: Place) -> None:
    asked, given = Sets(corruptions=["gaussian_noise"], severities=[5]), networks(place, final=0)
    assert damage(given, asked, place) == damage(given, asked, place)


@pytest.fixture
def folder(tmp_path: Path, place: Place) -> Path:
    """Two images of the test set, of the classes 3 and 7, and one more of 7."""
    for name, digit in (("a", 3), ("b", 7), ("c", 7)):
        (tmp_path / "mine" / str(digit)).mkdir(parents=True, exist_ok=True)
        row = int((place.data.test.labels == digit).nonzero()[0])
        pixels = place.data.test.pixels[row, 0].numpy()
        Image.fromarray(pixels).save(tmp_path / "mine" / str(digit) / f"{name}.png")
    return tmp_path / "mine"


def test_a_folder_is_a_test_set_of_its_own(place: Place, folder: Path) -> None:
    asked = Sets(folders={"mine": str(folder)})
    check_test_sets(asked, place.data)
    found = damage(networks(place, final=0), asked, place)
    assert found["images"]["mine"] == [0, 0, 0, 1, 0, 0, 0, 2, 0, 0]
    assert sum(found["right"]["final"]["mine"]) <= 3


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        (
            {"corruptions": ["contrast", "saturate"]},
            r"^evaluate\.test_sets\.corruptions: must suit images of 1 x 8 x 8, got saturate\. Write all, or some",
        ),
        (
            {"corruptions": ["jpeg_compression"]},
            r"^evaluate\.test_sets\.corruptions: must suit images of 1 x 8 x 8, got jpeg_compression\.",
        ),
        (
            {"folders": {"clean": "."}},
            r"^evaluate\.test_sets\.folders: clean is the name of a set that there is",
        ),
        ({"folders": {"contrast 5": "."}}, r"folders: contrast 5 is the name of a set that there is"),
        ({"folders": {"mine": "nowhere"}}, r"^evaluate\.test_sets\.folders\.mine: must exist, got nowhere\."),
    ],
)
def test_sets_that_can_not_be_made_are_told_before_anything_is_trained(
    place: Place, asked: dict[str, Any], match: str
) -> None:
    with pytest.raises(InputError, match=match):
        check_test_sets(Sets.model_validate(asked), place.data)


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    """What a run finds that stores nothing."""
    recipe = Recipe.model_validate(STUDY)
    return metrics(run(recipe, Place.prepare(recipe.data, store=None)))


def test_the_networks_before_and_after_the_cut_are_measured_beside_the_last(alone: dict[str, Any]) -> None:
    found = alone["damage"]
    assert set(found["right"]) == {"unpruned", "pruned", "final"}
    assert set(found["images"]) == {"clean", "contrast 1", "contrast 5"}
    assert sum(found["right"]["final"]["clean"]) / alone["test_images"] == alone["test_accuracy"]


@pytest.mark.parametrize(
    "lost", ["nothing", "the finetuned", "the pruned", "the unpruned", "all but the last"]
)
def test_they_are_the_same_from_the_store_and_when_the_store_has_lost_them(
    alone: dict[str, Any], tmp_path: Path, lost: str
) -> None:
    recipe = Recipe.model_validate(STUDY)

    def place() -> Place:
        return Place.prepare(recipe.data, store=tmp_path)

    metrics(run(recipe, place()))
    states = sorted(tmp_path.glob("??/*.state"), key=lambda file: file.stat().st_mtime_ns)
    assert len(states) == 3
    gone = {
        "nothing": [],
        "the finetuned": states[2:],
        "the pruned": states[1:2],
        "the unpruned": states[:1],
        "all but the last": states[:2],
    }
    for file in gone[lost]:
        file.unlink()
    again = metrics(run(recipe, place()))
    assert again == alone


def test_of_several_cuts_the_last_is_the_pruned_one(tmp_path: Path) -> None:
    gradual = SHORT | {"steps": 2}
    recipe = Recipe.model_validate(STUDY | {"prune": {"percent": 0.5, "gradual": gradual}})
    first = metrics(run(recipe, Place.prepare(recipe.data, store=tmp_path)))
    again = metrics(run(recipe, Place.prepare(recipe.data, store=tmp_path)))
    assert first == again
    assert set(first["damage"]["right"]) == {"unpruned", "pruned", "final"}


@pytest.mark.parametrize(
    ("over", "names"),
    [
        ({"prune": None}, {"final"}),
        ({"sparsity": None}, {"unpruned", "pruned", "final"}),
        ({"finetune": None}, {"unpruned", "pruned", "final"}),
    ],
)
def test_what_there_was_is_measured(over: dict[str, Any], names: set[str]) -> None:
    recipe = Recipe.model_validate(STUDY | over)
    found = metrics(run(recipe, Place.prepare(recipe.data, store=None)))["damage"]
    assert set(found["right"]) == names
    if over == {"finetune": None}:
        assert found["right"]["pruned"] == found["right"]["final"]


def test_without_further_sets_nothing_is_measured_by_class() -> None:
    recipe = Recipe.model_validate(STUDY | {"evaluate": "all"})
    assert "damage" not in metrics(run(recipe, Place.prepare(recipe.data, store=None)))


def test_further_sets_are_for_networks_that_are_tested(place: Place) -> None:
    recipe = Recipe.model_validate(STUDY | {"evaluate": STUDY["evaluate"] | {"trials": "none"}})
    assert "damage" not in metrics(run(recipe, place))
    assert "damage" in metrics(run(recipe, place, test=True))


def test_a_pipeline_from_a_file_is_measured_too(tmp_path: Path, place: Place) -> None:
    network = networks(place, student=0)["student"]
    save(tmp_path / "network", network, metadata={"data": place.identity.address})
    begins = {"init": str(tmp_path / "network"), "percent": 0.5}
    recipe = Recipe.model_validate(STUDY | {"sparsity": None, "prune": begins})
    found = metrics(run(recipe, place))["damage"]
    right = (predict(network, place.data.test).argmax(1) == place.data.test.labels).sum()
    assert sum(found["right"]["unpruned"]["clean"]) == right
