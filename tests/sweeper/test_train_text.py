import io
from pathlib import Path
from typing import Any

import pytest

from sweeper.space import Space
from sweeper.train import Trained
from sweeper.train_text import say_trained, teller
from trainables.recipe import Recipe

EPOCH = {"stage": "finetune", "epoch": 2, "lr": 0.02, "train_loss": 0.5, "accuracy": 0.75, "seconds": 1.25}


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            {"kind": "epoch", **EPOCH},
            "finetune  epoch 2/4  lr 0.02  loss 0.500  accuracy 75.0 %  1.2 s",
        ),
        (
            {"kind": "reused", "stage": "sparsity", "epochs": [EPOCH, EPOCH]},
            "sparsity  2 epochs from the store, accuracy 75.0 %",
        ),
        (
            {"kind": "prune", "percent_cut": 0.5, "params": 1_230_000, "macs": 4e7, "accuracy": 0.1},
            "prune     50.0 % of the channels cut, 1.23 M params, 40.0 M MACs, accuracy 10.0 %",
        ),
    ],
)
def test_a_record_is_a_line(space: Space, record: dict[str, Any], line: str) -> None:
    stream = io.StringIO()
    teller(stream)(record, space.recipe({}))
    assert stream.getvalue() == line + "\n"


@pytest.mark.parametrize("kind", ["waiting", "done"])
def test_what_says_nothing_new_is_no_line(space: Space, kind: str) -> None:
    stream = io.StringIO()
    teller(stream)({"kind": kind}, space.recipe({}))
    assert stream.getvalue() == ""


def test_the_result_tells_both_accuracies_the_cost_and_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    metrics = {"accuracy": 0.95125, "test_accuracy": 0.94, "params": 1_230_000, "macs": 4e7}
    stream = io.StringIO()
    trained = Trained(folder=tmp_path / "one", metrics=metrics, epochs_trained=3, epochs_reused=2)
    say_trained(trained, stream, as_json=False)
    assert stream.getvalue() == (
        "\nvalidation accuracy 95.12 %, test accuracy 94.00 %, 1.23 M params, 40.0 M MACs\n"
        "3 epochs trained, 2 from the store\n"
        "network: one/network.safetensors\n"
    )


def test_a_network_from_a_file_is_told_with_its_numbers(space: Space) -> None:
    stream = io.StringIO()
    said = "cifar10, the best of those tried on training images: 0.950 (loss 0.2), data 0.850 (loss 0.5)"
    record = {"kind": "init", "params": 1_230_000, "macs": 4e7, "normalize": said, "accuracy": 0.9}
    teller(stream)(record, space.recipe({}))
    assert stream.getvalue() == (
        f"init      1.23 M params, 40.0 M MACs, images normalised with {said}, accuracy 90.0 %\n"
    )


def test_epochs_are_counted_to_the_end_of_a_gradual_prune_and_of_scratch_b(space: Space) -> None:
    plain = space.recipe({}).model_dump(mode="json")
    plain["prune"] |= {"gradual": {"steps": 3, "epochs": 2}}
    plain["finetune"] |= {"start": "scratch_b"}
    recipe, stream = Recipe.model_validate(plain), io.StringIO()
    tell = teller(stream)
    tell({"kind": "epoch", **EPOCH, "stage": "gradual", "epoch": 3}, recipe)
    tell(
        {
            "kind": "prune",
            "stage": "prune",
            "percent_cut": 0.5,
            "params": 1e6,
            "macs": 4e7,
            "macs_unpruned": 6e7,
            "accuracy": 0.1,
        },
        recipe,
    )
    tell({"kind": "epoch", **EPOCH}, recipe)
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("gradual   epoch 3/4 ")
    assert lines[2].startswith("finetune  epoch 2/6 ")
