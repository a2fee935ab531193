"""The same recipe gives the same bits, whatever the store holds and however often it is interrupted."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.pipeline import run
from trainables.place import Place
from trainables.recipe import Recipe


def recipe(**changes: Any) -> Recipe:
    plain: dict[str, Any] = {
        "data": {"source": "digits", "val_fraction": 0.2},
        "model": "preresnet8",
        "teacher": {"model": "resnet8", "epochs": 1, "warmup": 1, "decay_every": 1},
        "sparsity": {"s": 1e-2, "epochs": 2, "warmup": 1, "decay_every": 1, "lr": 0.05},
        "prune": {"percent": 0.5},
        "finetune": {"epochs": 3, "warmup": 1, "decay_every": 1, "lr": 0.02, "kd": "dist"},
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        plain[section] = {**plain[section], name: value} if name else value
    return Recipe.model_validate(plain)


def place(store: Path | None, ledger: Path | None = None) -> Place:
    return Place.prepare(recipe().data, store=store, ledger=ledger, keep={"finetune": frozenset({1, 2})})


def finish(one: Recipe, where: Place) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Final weights and metrics."""
    records = run(one, where)
    metrics: dict[str, Any] = {}
    while True:
        try:
            record = next(records)
        except StopIteration as end:
            return end.value.network.state_dict(), metrics
        if record["kind"] == "done":
            metrics = record["metrics"]


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def alone() -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    return finish(recipe(), place(None))


def executed(ledger: Path) -> list[str]:
    return [
        json.loads(line)["address"] for file in ledger.iterdir() for line in file.read_text().splitlines()
    ]


def test_a_store_changes_no_bit_whether_it_is_empty_or_full(alone: Any, tmp_path: Path) -> None:
    for _ in range(2):
        weights, metrics = finish(recipe(), place(tmp_path))
        assert same(weights, alone[0])
        assert metrics == alone[1]


@pytest.mark.parametrize("records", range(1, 8))
def test_a_run_that_is_closed_after_any_record_goes_on_to_the_same_bits(
    alone: Any, tmp_path: Path, records: int
) -> None:
    begun = run(recipe(), place(tmp_path / "store", tmp_path / "ledger"))
    for _ in range(records):
        next(begun)
    begun.close()
    weights, metrics = finish(recipe(), place(tmp_path / "store", tmp_path / "ledger"))
    assert same(weights, alone[0])
    assert metrics == alone[1]
    addresses = executed(tmp_path / "ledger")
    assert len(addresses) == len(set(addresses)) == 6


@pytest.mark.parametrize(
    "first",
    [{"finetune__warmup": 2}, {"finetune__epochs": 2}, {"prune__percent": 0.3}, {"finetune__kd": "none"}],
)
def test_what_another_recipe_has_trained_changes_no_bit(alone: Any, tmp_path: Path, first: Any) -> None:
    finish(recipe(**first), place(tmp_path))
    weights, metrics = finish(recipe(), place(tmp_path))
    assert same(weights, alone[0])
    assert metrics == alone[1]


def test_recipes_share_the_epochs_they_have_in_common(tmp_path: Path) -> None:
    store, ledger = tmp_path / "store", tmp_path / "ledger"
    finish(recipe(finetune__kd="none"), place(store, ledger))
    assert len(executed(ledger)) == 5
    finish(recipe(finetune__kd="none", finetune__epochs=4), place(store, ledger))
    assert len(executed(ledger)) == 6
    finish(recipe(finetune__kd="none", prune__percent=0.3), place(store, ledger))
    assert len(executed(ledger)) == 9


def test_another_seed_gives_another_network(alone: Any) -> None:
    assert not same(finish(recipe(seed=1), place(None))[0], alone[0])


def test_a_damaged_state_is_said_removed_and_made_again(
    alone: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    finish(recipe(), place(tmp_path))
    files = sorted(tmp_path.glob("??/*.state"))
    for file in files:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    weights, metrics = finish(recipe(), place(tmp_path))
    assert same(weights, alone[0])
    assert metrics == alone[1]
    assert "checksum" in caplog.text


def test_an_epoch_that_another_process_trains_is_waited_for_and_taken_over(tmp_path: Path) -> None:
    where = place(tmp_path)
    waiting = run(recipe(), where)
    assert next(waiting)["epoch"] == 1
    from trainables.addresses import chain, teacher_address

    one = recipe()
    teacher = teacher_address(one, where.identity, where.arithmetic)
    second = chain(one, data=where.identity, arithmetic=where.arithmetic, teacher=teacher)[0].addresses[2]
    with where.store.lock(second) as mine:
        assert mine
        record = next(waiting)
        assert (record["kind"], record["stage"], record["epoch"]) == ("waiting", "sparsity", 2)
    assert next(waiting)["kind"] == "epoch"
