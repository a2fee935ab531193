import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper.cli import main
from sweeper.space import load
from sweeper.train import NETWORK, RESULT, Trained, train
from trainables import load as load_network
from trainables.errors import InputError
from trainables.fit import measure
from trainables.place import Place
from trainables.recipe import Recipe

TEXT = """\
name: one
data: {source: digits, val_fraction: 0.5}
model: preresnet8
sparsity: {epochs: 1, warmup: 1, lr: 0.05, s: 0.01}
prune: {percent: 0.5}
finetune: {epochs: 2, warmup: 1, decay_every: 1, lr: 0.02}
"""
Record = dict[str, Any]


def quiet(record: Record, recipe: Recipe) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("config") / "one.yaml"
    file.write_text(TEXT)
    return file


@pytest.fixture(scope="module")
def trained(config: Path) -> Trained:
    return train(load(str(config)), out=config.parent / "runs", store=config.parent / "store", say=quiet)


def test_the_network_on_disk_has_the_accuracy_of_the_result(trained: Trained) -> None:
    result = json.loads((trained.folder / RESULT).read_text())
    assert result["metrics"] == trained.metrics
    recipe = load(str(trained.folder / "config.yaml")).recipe({})
    place = Place.prepare(recipe.data, store=None)
    network = load_network(trained.folder / NETWORK)
    measured = measure(network, place.data.validation, place.images.mean, place.images.std, what="test")
    assert measured["accuracy"] == trained.metrics["accuracy"]
    assert result["normalize"] == {"mean": list(place.images.mean), "std": list(place.images.std)}
    assert isinstance(network(torch.zeros(1, *place.data.image)), torch.Tensor)


def test_all_epochs_are_trained_at_first_and_all_are_reused_afterwards(
    config: Path, trained: Trained
) -> None:
    assert (trained.epochs_trained, trained.epochs_reused) == (3, 0)
    records: list[Record] = []
    keep: Callable[[Record, Recipe], None] = lambda record, _: records.append(record)  # noqa: E731
    again = train(load(str(config)), out=config.parent / "again", store=config.parent / "store", say=keep)
    assert again.epochs_trained == 0
    assert again.metrics == trained.metrics
    assert {record["kind"] for record in records} == {"reused", "prune", "done"}
    assert (again.folder / NETWORK).read_bytes() == (trained.folder / NETWORK).read_bytes()


def test_without_reuse_the_metrics_are_the_same_and_come_in_the_last_line(
    config: Path, trained: Trained, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["train", str(config), "--no-reuse", "--json", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr()
    last = json.loads(said.out.splitlines()[-1])
    assert last["metrics"] == trained.metrics
    assert last["network"] == str(tmp_path / "one" / NETWORK)
    assert "3 epochs trained, 0 from the store" in said.err
    assert len(said.out.splitlines()) == 1


def test_a_search_is_no_configuration(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "searched.yaml"
    file.write_text(TEXT + "search: {prune.percent: [0.5]}\nsweep: {trials: 1}\n")
    with pytest.raises(
        InputError, match=r"searched\.yaml: search: train takes one configuration, got a search"
    ):
        train(load(str(file)), out=tmp_path, store=None, say=quiet)


def test_a_sweeps_folder_is_left_alone(config: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "trials.jsonl").touch()
    with pytest.raises(InputError, match=r"one: is a sweep's run folder\. Give --name another name\."):
        train(load(str(config)), out=tmp_path, store=None, say=quiet)
    assert [file.name for file in (tmp_path / "one").iterdir()] == ["trials.jsonl"]
