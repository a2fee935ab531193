import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from trainables.checkpoints import save
from trainables.counting import complexity
from trainables.errors import InputError
from trainables.fit import Task, measure, sgd, train_epoch
from trainables.models import Architecture, build
from trainables.models.network import PrunableNetwork
from trainables.pipeline import run
from trainables.place import Place
from trainables.pruning import prune
from trainables.recipe import Data, Finetune, Recipe
from trainables.stages.start import loaded

DATA = {"source": "digits", "val_fraction": 0.7}
SHORT = {"epochs": 1, "warmup": 1, "decay_every": 1, "lr": 0.01}
BEHIND: dict[str, dict[str, Any]] = {
    "sparsity": {"sparsity": SHORT | {"s": 1e-3}, "prune": {"percent": 0.3}, "finetune": SHORT},
    "prune": {"prune": {"percent": 0.3}, "finetune": SHORT},
    "finetune": {"finetune": SHORT},
}
KINDS = {
    "sparsity": ["init", "epoch", "prune", "epoch", "done"],
    "prune": ["init", "prune", "epoch", "done"],
    "finetune": ["init", "epoch", "done"],
}


def recipe(stage: str, path: Path, **section: Any) -> Recipe:
    """What runs behind a file."""
    behind = BEHIND[stage]
    settings = behind | {stage: behind[stage] | {"init": str(path)} | section}
    return Recipe.model_validate({"data": DATA, "model": "preresnet8"} | settings)


def place_for(asked: Recipe, store: Path | None = None) -> Place:
    return Place.prepare(asked.data, store=store, seen=asked.seen)


def ours(network: nn.Module, path: Path) -> dict[str, Any]:
    """As ``sweeper train`` writes it, for this split."""
    save(
        path,
        network,
        metadata={"data": Place.prepare(Data.model_validate(DATA), store=None).identity.address},
    )
    return {}


def repdistillers(network: nn.Module, path: Path) -> dict[str, Any]:
    torch.save({"epoch": 240, "model": network.state_dict(), "best_acc": 72.5}, path)
    return {"trained_on": "train"}


def slimmings(network: nn.Module, path: Path) -> dict[str, Any]:
    state = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"epoch": 160, "state_dict": state, "best_prec1": 0.7, "optimizer": {"state": {}}}, path)
    return {"trained_on": "train", "normalize": "none"}


def dists(network: nn.Module, path: Path) -> dict[str, Any]:
    other = {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}
    torch.save({"epoch": 240, "model": other, "ema_model": network.state_dict(), "ema_decay": 0.9}, path)
    return {"trained_on": "split", "weights": "ema_model"}


FORMS = pytest.mark.parametrize("write", [ours, repdistillers, slimmings, dists])
Write = Callable[[nn.Module, Path], dict[str, Any]]


@pytest.mark.parametrize("stage", BEHIND)
@FORMS
def test_a_pipeline_begins_with_a_file_of_any_code(
    learned: nn.Module, tmp_path: Path, write: Write, stage: str, finish: Any
) -> None:
    path = tmp_path / "network"
    asked = recipe(stage, path, **write(learned, path))
    place = place_for(asked, tmp_path / "store")
    records, end = finish(run(asked, place))
    assert [record["kind"] for record in records] == KINDS[stage]
    first = records[0]
    measured = measure(learned, place.data.validation, what="test")
    assert {key: first[key] for key in measured} == measured
    assert first["normalize"].partition(",")[0] in ("none", "the file's")
    assert (first["params"], first["percent_cut"]) == (first["params_unpruned"], 0.0)
    metrics = records[-1]["metrics"]
    assert metrics["accuracy"] > (0.8 if stage == "finetune" else 0.3)
    assert (metrics["macs"] < metrics["macs_unpruned"]) == (stage != "finetune")
    assert end.network.architecture.mean == (0.0,)
    again, same = finish(run(asked, place))
    assert {record["kind"] for record in again} == {*KINDS[stage], "reused"} - {"epoch"}
    assert all(torch.equal(t, same.network.state_dict()[n]) for n, t in end.network.state_dict().items())


@pytest.fixture
def smaller(learned: nn.Module) -> PrunableNetwork:
    pruned = prune(learned, 0.5)
    assert isinstance(pruned, PrunableNetwork)
    return pruned


def pruned_slimmings(network: nn.Module, path: Path) -> dict[str, Any]:
    architecture = network.architecture
    assert isinstance(architecture, Architecture)
    assert architecture.cfg is not None
    torch.save({"cfg": list(architecture.cfg), "state_dict": network.state_dict()}, path)
    return {"trained_on": "train", "normalize": "none"}


@pytest.mark.parametrize("write", [ours, pruned_slimmings])
def test_finetuning_begins_with_a_pruned_file(
    smaller: PrunableNetwork, tmp_path: Path, write: Write, finish: Any
) -> None:
    path = tmp_path / "pruned.pth.tar"
    asked = recipe("finetune", path, **write(smaller, path))
    records, end = finish(run(asked, place_for(asked)))
    first, metrics = records[0], records[-1]["metrics"]
    assert first["percent_cut"] == pytest.approx(0.5, abs=0.01)
    assert first["macs"] < first["macs_unpruned"]
    assert {key: metrics[key] for key in ("macs", "macs_unpruned", "percent_cut")} == {
        key: first[key] for key in ("macs", "macs_unpruned", "percent_cut")
    }
    assert not {"accuracy_pruned", "accuracy_unpruned"} & metrics.keys()
    assert end.network.architecture.cfg == smaller.architecture.cfg


def test_a_pruned_file_can_be_trained_from_scratch(
    smaller: PrunableNetwork, tmp_path: Path, finish: Any
) -> None:
    path = tmp_path / "pruned"
    ours(smaller, path)
    kept, anew = (recipe("finetune", path, start=start) for start in ("pruned", "scratch"))
    _, one = finish(run(kept, place_for(kept)))
    _, other = finish(run(anew, place_for(anew)))
    assert one.network.architecture == other.network.architecture
    weights = [end.network.state_dict()["conv1.weight"] for end in (one, other)]
    before = smaller.state_dict()["conv1.weight"]
    assert (weights[0] - before).abs().mean() < (weights[1] - before).abs().mean() / 2


def test_what_a_pruned_file_has_lost_counts(smaller: PrunableNetwork, tmp_path: Path, finish: Any) -> None:
    path = tmp_path / "pruned"
    ours(smaller, path)

    def cut(**settings: Any) -> dict[str, Any]:
        asked = recipe("prune", path, **settings)
        return next(r for r in finish(run(asked, place_for(asked)))[0] if r["kind"] == "prune")

    nothing, more = cut(percent=0.3), cut(percent=0.7)
    size = complexity(smaller, image=(1, 8, 8))
    assert (nothing["params"], nothing["percent_cut"]) == (size.params, pytest.approx(0.5, abs=0.01))
    assert more["percent_cut"] == pytest.approx(0.7, abs=0.01)
    assert nothing["channels_unpruned"] == more["channels_unpruned"]
    assert sum(more["channels"]) == pytest.approx(0.3 * sum(more["channels_unpruned"]), abs=2)
    budget = cut(keep_macs=0.2)
    assert 0.15 < budget["macs"] / budget["macs_unpruned"] <= 0.2


@pytest.mark.parametrize("stage", BEHIND)
@pytest.mark.parametrize(
    ("write", "what"), [(slimmings, "unknown images"), (ours, "another split or data set")]
)
def test_what_a_network_was_trained_on_must_be_said_where_it_is_not_known(
    learned: nn.Module, tmp_path: Path, stage: str, write: Write, what: str
) -> None:
    path = tmp_path / "network.pth"
    write(learned, path)
    asked = recipe(stage, path)
    asked = asked.model_copy(update={"data": Data.model_validate(DATA | {"split_seed": 1})})
    with pytest.raises(
        InputError, match=rf"^{stage}\.trained_on: must be said, since .*network\.pth was trained on {what}\."
    ):
        loaded(asked, place_for(asked))


def test_a_network_that_has_seen_the_training_images_is_validated_on_half_of_the_test_set(
    learned: nn.Module, tmp_path: Path, finish: Any
) -> None:
    path = tmp_path / "network.pth"
    repdistillers(learned, path)
    asked = recipe("prune", path, trained_on="train")
    place = place_for(asked)
    metrics = finish(run(asked, place, test=True))[0][-1]["metrics"]
    assert (metrics["validation_images"], metrics["test_images"]) == (180, 180)
    assert len(place.data.train) == 1437


@pytest.mark.parametrize(
    ("over", "match"),
    [
        (
            {"model": "preresnet14"},
            r"^finetune\.init: .*network\.pth is a preresnet8, and model is preresnet14: ",
        ),
        (
            {"finetune": {"weights": "ema_model"}},
            r"network\.pth: weights: model, the only network in this file",
        ),
    ],
)
def test_another_network_than_asked_for_is_refused(
    learned: nn.Module, tmp_path: Path, over: dict[str, Any], match: str
) -> None:
    path = tmp_path / "network.pth"
    slimmings(learned, path)
    asked = recipe("finetune", path, trained_on="split", **over.get("finetune", {}))
    asked = asked.model_copy(update={"model": over.get("model", "preresnet8")})
    with pytest.raises(InputError, match=match):
        loaded(asked, place_for(asked))


def test_the_file_is_left_as_it_was(learned: nn.Module, tmp_path: Path, finish: Any) -> None:
    path, before = tmp_path / "network", copy.deepcopy(learned.state_dict())
    ours(learned, path)
    content = path.read_bytes()
    asked = recipe("sparsity", path)
    finish(run(asked, place_for(asked)))
    assert path.read_bytes() == content
    assert all(torch.equal(tensor, before[name]) for name, tensor in learned.state_dict().items())


@pytest.fixture
def post_activation(tmp_path: Path) -> Path:
    """A resnet8 that has learned the digits, as RepDistiller saves it."""
    place = Place.prepare(Data.model_validate(DATA), store=None)
    network = place.put(build(place.architecture("resnet8"), seed=0))
    optimizer = sgd(network, Finetune())
    task = Task(stage="teacher", seed=0, batch_size=32, drop_last=False)
    for epoch in range(1, 5):
        train_epoch(network, optimizer, place.images, task, epoch=epoch, lr=0.05)
    repdistillers(network, tmp_path / "resnet8.pth")
    return tmp_path / "resnet8.pth"


def test_a_post_activation_network_is_moved_into_the_prunable_one_and_that_is_said(
    post_activation: Path, finish: Any
) -> None:
    asked = recipe("prune", post_activation, trained_on="split", normalize="data")
    place = place_for(asked)
    records, end = finish(run(asked, place))
    first = records[0]
    assert (first["moved_from"], first["moved_exact"]) == ("resnet8", False)
    assert first["moved_accuracy"] > 0.5
    assert end.network.architecture.model == "preresnet8"
    assert end.network.architecture.mean == place.data.mean
    weight = loaded(asked, place)[0].get_parameter("layer1.0.conv1.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)
    stays = recipe("finetune", post_activation, trained_on="split", normalize="data")
    stays = stays.model_copy(update={"model": "resnet8"})
    (kept, *_), _ = finish(run(stays, place))
    assert "moved_from" not in kept
    assert kept["accuracy"] == first["moved_accuracy"]
