import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper.cli import main
from sweeper.errors import CannotFinishError, InterruptedSweepError
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
    measured = measure(network, place.data.validation, what="test")
    assert measured["accuracy"] == trained.metrics["accuracy"]
    assert (network.architecture.mean, network.architecture.std) == (place.data.mean, place.data.std)
    assert (result["data"], result["classes"]) == (place.identity.address, list(place.data.class_names))
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


def test_training_again_replaces_what_was_written_and_nothing_else(config: Path, tmp_path: Path) -> None:
    store, file = config.parent / "store", tmp_path / "one" / "mine.txt"
    train(load(str(config)), out=tmp_path, store=store, say=quiet)
    file.write_text("mine")
    (tmp_path / "one" / NETWORK).write_bytes(b"torn")
    before = (tmp_path / "one" / RESULT).read_bytes()
    train(load(str(config)), out=tmp_path, store=store, say=quiet)
    load_network(tmp_path / "one" / NETWORK)
    assert (tmp_path / "one" / RESULT).read_bytes() == before
    assert file.read_text() == "mine"
    assert len(list((tmp_path / "one").iterdir())) == 4


@pytest.mark.parametrize(
    ("line", "with_", "match"),
    [
        ("{source: digits, val_fraction: 0.5}", "{source: npz, path: none.npz}", "data.path: must exist, got none.npz"),
        ("prune:", "teacher: {checkpoint: bad.pth}\nprune:", "teacher.checkpoint: bad.pth: checkpoint: a whole file"),
    ],
)  # fmt: skip
def test_what_is_missing_or_does_not_fit_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, with_: str, match: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.pth").write_bytes(b"no network")
    text = TEXT.replace(line, with_)
    Path("one.yaml").write_text(
        text.replace("lr: 0.02}", "lr: 0.02, kd: dist}") if "teacher" in text else text
    )
    with pytest.raises(InputError, match=rf"one\.yaml: {match}"):
        train(load("one.yaml"), out=Path("runs"), store=Path("store"), say=quiet)
    assert {path.name for path in tmp_path.iterdir()} == {"bad.pth", "one.yaml"}


def test_a_training_that_diverges_says_where(config: Path, tmp_path: Path) -> None:
    space = load(str(config), [("finetune.lr", 1e30)])
    with pytest.raises(CannotFinishError, match=r"one\.yaml: finetune: the loss is not finite in epoch 1\."):
        train(space, out=tmp_path, store=config.parent / "store", say=quiet)


@pytest.mark.parametrize(
    ("reuse", "said"),
    [
        (True, "interrupted: the same command goes on from the last epoch."),
        (False, "interrupted: nothing of it was kept."),
    ],
)
def test_ctrl_c_is_exit_130_and_says_what_was_kept(
    config: Path, tmp_path: Path, reuse: bool, said: str
) -> None:
    def stop(record: Record, recipe: Recipe) -> None:
        if record["kind"] == "epoch":
            raise KeyboardInterrupt

    store = tmp_path / "store" if reuse else None
    with pytest.raises(InterruptedSweepError) as raised:
        train(load(str(config)), out=tmp_path, store=store, say=stop)
    assert str(raised.value) == said
    assert raised.value.exit_code == 130
    if reuse:
        again = train(load(str(config)), out=tmp_path, store=store, say=quiet)
        assert (again.epochs_trained, again.epochs_reused) == (2, 1)
