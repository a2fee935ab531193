"""The bits of a trained network follow from its recipe, whatever was stored, interrupted or shared before."""

import json
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables import upkeep
from trainables.addresses import chain, teacher_address, teacher_segment
from trainables.pipeline import run
from trainables.place import Place
from trainables.recipe import Data, Recipe
from trainables.stages import teacher, training
from trainables.stages.training import Position, Record

DIGITS = Data(source="digits", val_fraction=0.9)
PLAIN: dict[str, Any] = {
    "data": {"source": "digits", "val_fraction": 0.9},
    "model": "preresnet8",
    "sparsity": {"epochs": 3, "warmup": 1, "decay_every": 1, "s": 1e-3},
    "prune": {"percent": 0.5},
    "finetune": {"epochs": 2, "warmup": 0, "decay_every": 1},
}
DISTILLED: dict[str, Any] = PLAIN | {
    "teacher": {"model": "resnet8", "epochs": 2, "warmup": 0, "decay_every": 1},
    "finetune": PLAIN["finetune"] | {"kd": "dist"},
}
RECIPES = pytest.mark.parametrize("settings", [PLAIN, DISTILLED], ids=["plain", "distilled"])
Weights = dict[str, Tensor]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No teacher of another test, and short pauses."""
    monkeypatch.setattr(teacher, "_READY", {})
    monkeypatch.setattr(training, "WAIT_SECONDS", 0.001)


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Place]:
    def make(**over: Any) -> Place:
        folders = {"store": tmp_path / "store", "ledger": tmp_path / "ledger"}
        return Place.prepare(DIGITS, **folders | over)

    return make


def recipe(settings: dict[str, Any], **over: dict[str, Any]) -> Recipe:
    return Recipe.model_validate(settings | {key: settings[key] | value for key, value in over.items()})


def finish(generator: Generator[Record, None, Position]) -> tuple[list[Record], Weights]:
    records = []
    while True:
        try:
            records.append(next(generator))
        except StopIteration as end:
            return records, end.value.network.state_dict()


_ALONE: dict[str, Weights] = {}


def alone(asked: Recipe) -> Weights:
    """The weights of a run that stores nothing and is not interrupted; of several tests, made once."""
    key = asked.model_dump_json()
    if key not in _ALONE:
        teacher._READY.clear()
        _ALONE[key] = finish(run(asked, Place.prepare(DIGITS, store=None)))[1]
        teacher._READY.clear()
    return _ALONE[key]


def equal(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def executed(folder: Path) -> list[str]:
    """The addresses of all epochs that were trained, as the ledger has them."""
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    return [entry["address"] for entry in map(json.loads, lines) if entry.get("kind") != "views"]


def needed(asked: Recipe, at: Place) -> set[str]:
    """The addresses of all epochs that a recipe is made of."""
    address = teacher_address(asked, at.identity, at.arithmetic)
    segments = chain(asked, data=at.identity, arithmetic=at.arithmetic, teacher=address)
    if asked.needs_teacher:
        segments = (teacher_segment(asked, at.identity, at.arithmetic), *segments)
    return {address for segment in segments for address in segment.addresses[1:]}


@RECIPES
def test_a_stored_run_has_the_bits_of_one_alone_and_so_has_its_repetition(
    settings: dict[str, Any], place: Callable[..., Place], tmp_path: Path
) -> None:
    asked = recipe(settings)
    first, weights = finish(run(asked, place()))
    assert equal(weights, alone(asked))
    again, weights = finish(run(asked, place()))
    assert equal(weights, alone(asked))
    assert [record["kind"] for record in again] == ["reused", "prune", "reused", "done"]
    assert again[-1] == first[-1]
    assert sorted(executed(tmp_path / "ledger")) == sorted(needed(asked, place()))


def test_reused_epochs_are_told_as_they_were_when_trained(place: Callable[..., Place]) -> None:
    first, _ = finish(run(recipe(PLAIN), place()))
    again, _ = finish(run(recipe(PLAIN), place()))
    trained = [
        {k: v for k, v in record.items() if k != "kind"} for record in first if record["kind"] == "epoch"
    ]
    assert [epoch for record in again for epoch in record.get("epochs", [])] == trained
    assert [epoch["stage"] for epoch in trained] == ["sparsity"] * 3 + ["finetune"] * 2


@RECIPES
def test_a_run_that_is_closed_after_any_record_goes_on_to_the_same_bits(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    asked = recipe(settings)
    expected = alone(asked)
    steps = 8 if settings is PLAIN else 10
    for stop in range(1, steps, 1 if settings is PLAIN else 2):
        teacher._READY.clear()
        at = Place.prepare(DIGITS, store=tmp_path / f"{stop}", ledger=tmp_path / f"ledger{stop}")
        generator = run(asked, at)
        for _ in range(stop):
            next(generator, None)
        generator.close()
        teacher._READY.clear()
        assert equal(finish(run(asked, at))[1], expected), f"closed after record {stop}"
        assert sorted(executed(tmp_path / f"ledger{stop}")) == sorted(needed(asked, at))


def test_a_run_that_is_closed_after_every_record_comes_to_the_same_bits(
    place: Callable[..., Place], tmp_path: Path
) -> None:
    asked = recipe(DISTILLED)
    kinds: list[str] = []
    while "done" not in kinds:
        teacher._READY.clear()
        generator = run(asked, place())
        for record in generator:
            kinds.append(record["kind"])
            if record["kind"] == "epoch":
                break
        generator.close()
    assert equal(finish(run(asked, place()))[1], alone(asked))
    assert sorted(executed(tmp_path / "ledger")) == sorted(needed(asked, place()))


@RECIPES
def test_recipes_that_share_a_beginning_train_it_once_and_keep_their_bits(
    settings: dict[str, Any], place: Callable[..., Place], tmp_path: Path
) -> None:
    at = place(keep={"sparsity": frozenset({1, 2})})
    recipes = [
        recipe(settings, sparsity={"warmup": 2}),
        recipe(settings),
        recipe(settings, prune={"percent": 0.25}),
        recipe(settings, sparsity={"epochs": 2}),
    ]
    for asked in recipes:
        assert equal(finish(run(asked, at))[1], alone(asked))
    unique = set().union(*(needed(asked, at) for asked in recipes))
    assert sorted(executed(tmp_path / "ledger")) == sorted(unique)
    assert len(unique) == 4 + 4 * 2 + (2 if settings is DISTILLED else 0)


def test_any_stored_state_may_be_lost_or_damaged(
    place: Callable[..., Place], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = recipe(PLAIN)
    finish(run(asked, place()))
    for lost in sorted((tmp_path / "store").glob("??/*.state")):
        lost.unlink()
        assert equal(finish(run(asked, place()))[1], alone(asked))
    for file in (tmp_path / "store").glob("??/*.state"):
        file.write_bytes(file.read_bytes()[:-1])
    assert equal(finish(run(asked, place()))[1], alone(asked))
    assert "it is made again" in caplog.text


def test_between_branch_points_only_the_newest_state_is_kept(place: Callable[..., Place]) -> None:
    at = place(keep={"sparsity": frozenset({1})})
    asked = recipe(PLAIN)
    finish(run(asked, at))
    sparsity, prune, finetune = chain(asked, data=at.identity, arithmetic=at.arithmetic, teacher=None)
    kept = [at.store.get(address) is not None for address in sparsity.addresses]
    assert kept == [False, True, False, True]
    assert at.store.get(prune.end) is not None
    assert [at.store.get(address) is not None for address in finetune.addresses] == [False, False, True]


def test_two_runs_side_by_side_train_each_epoch_once(place: Callable[..., Place], tmp_path: Path) -> None:
    asked = recipe(DISTILLED)
    runs = [run(asked, place()), run(asked, place())]
    ends: list[Weights] = []
    while runs:
        for generator in list(runs):
            try:
                next(generator)
            except StopIteration as end:
                ends.append(end.value.network.state_dict())
                runs.remove(generator)
    assert all(equal(end, alone(asked)) for end in ends)
    assert len(ends) == 2
    assert sorted(executed(tmp_path / "ledger")) == sorted(needed(asked, place()))


@pytest.mark.parametrize("grace", [0.0, upkeep.IN_USE_SECONDS])
def test_a_store_of_nearly_nothing_changes_no_number(
    place: Callable[..., Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grace: float
) -> None:
    monkeypatch.setattr(upkeep, "IN_USE_SECONDS", grace)
    recipes = [recipe(DISTILLED), recipe(DISTILLED, prune={"percent": 0.25}), recipe(PLAIN)]
    keep = {"sparsity": frozenset({1, 2})}
    for number, asked in enumerate(recipes):
        tiny = place(store=tmp_path / "tiny", max_gb=1e-9, keep=keep)
        records, weights = finish(run(asked, tiny))
        usual, _ = finish(run(asked, place(store=tmp_path / f"{number}", keep=keep)))
        assert equal(weights, alone(asked))
        assert records[-1] == usual[-1]  # all metrics, and the address
        if not grace:
            assert len(list((tmp_path / "tiny").glob("??/*.state"))) == 1


@pytest.mark.parametrize("grace", [0.0, upkeep.IN_USE_SECONDS])
def test_runs_side_by_side_end_and_share_however_small_the_store_is(
    place: Callable[..., Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grace: float
) -> None:
    monkeypatch.setattr(upkeep, "IN_USE_SECONDS", grace)
    asked = [recipe(DISTILLED), recipe(DISTILLED, prune={"percent": 0.25}), recipe(PLAIN, sparsity={"s": 0})]
    runs = {number: run(one, place(max_gb=1e-9)) for number, one in enumerate(asked)}
    ends: dict[int, Weights] = {}
    for _ in range(20):  # rounds; a run alone needs nine at most
        for number in list(runs):
            try:
                next(runs[number])
            except StopIteration as end:
                ends[number] = end.value.network.state_dict()
                del runs[number]
    assert all(equal(ends[number], alone(one)) for number, one in enumerate(asked))
    needs = [needed(one, place()) for one in asked]
    trained = executed(tmp_path / "ledger")
    assert set(trained) == set().union(*needs)
    assert len(trained) <= sum(map(len, needs))
    if grace:  # what another trial waits for is in use
        assert len(trained) == len(set(trained))


def test_a_run_says_that_it_waits_while_another_has_the_lock_and_then_takes_over(
    place: Callable[..., Place], tmp_path: Path
) -> None:
    asked, at = recipe(PLAIN), place()
    first = chain(asked, data=at.identity, arithmetic=at.arithmetic, teacher=None)[0].addresses[1]
    generator = run(asked, at)
    with place().store.lock(first) as mine:
        assert mine
        assert [next(generator) for _ in range(3)] == [
            {"kind": "waiting", "stage": "sparsity", "epoch": 1}
        ] * 3
    records, weights = finish(generator)
    assert [record["kind"] for record in records] == ["epoch"] * 3 + ["prune"] + ["epoch"] * 2 + ["done"]
    assert equal(weights, alone(asked))


def test_a_run_goes_on_from_what_another_stored_while_it_waited(
    place: Callable[..., Place], tmp_path: Path
) -> None:
    asked, at = recipe(PLAIN), place()
    waiting, working = run(asked, at), run(asked, place())
    second = chain(asked, data=at.identity, arithmetic=at.arithmetic, teacher=None)[0].addresses[2]
    next(working)
    with place().store.lock(second):
        assert [next(waiting)["kind"] for _ in range(2)] == ["reused", "waiting"]
    finish(working)
    records, weights = finish(waiting)
    assert [record["kind"] for record in records] == ["reused", "prune", "reused", "done"]
    assert [epoch["epoch"] for epoch in records[0]["epochs"]] == [2, 3]
    assert equal(weights, alone(asked))
    assert sorted(executed(tmp_path / "ledger")) == sorted(needed(asked, at))


def test_a_run_holds_no_lock_between_two_records(place: Callable[..., Place]) -> None:
    at = place()
    asked = recipe(PLAIN)
    segments = chain(asked, data=at.identity, arithmetic=at.arithmetic, teacher=None)
    for _ in run(asked, at):
        for segment in segments:
            for address in segment.addresses:
                with at.store.lock(address) as free:
                    assert free


@pytest.mark.parametrize(
    ("sections", "kinds"),
    [
        (("sparsity",), ["epoch"] * 3 + ["done"]),
        (("finetune",), ["epoch"] * 2 + ["done"]),
        (("prune", "finetune"), ["prune"] + ["epoch"] * 2 + ["done"]),
        (("sparsity", "prune"), ["epoch"] * 3 + ["prune", "done"]),
        (("sparsity", "finetune"), ["epoch"] * 5 + ["done"]),
    ],
)
def test_stages_that_are_absent_do_not_run(
    sections: tuple[str, ...], kinds: list[str], place: Callable[..., Place]
) -> None:
    asked = recipe({"data": PLAIN["data"], "model": "preresnet8"} | {name: PLAIN[name] for name in sections})
    records, weights = finish(run(asked, place()))
    assert [record["kind"] for record in records] == kinds
    metrics = records[-1]["metrics"]
    assert ("accuracy_pruned" in metrics) == ("prune" in sections)
    assert metrics["params"] > 0
    assert metrics["macs"] > 0
    assert metrics["validation_images"] == len(place().data.validation)
    assert equal(finish(run(asked, place()))[1], weights)


def test_the_test_set_is_measured_only_when_that_is_asked_for(place: Callable[..., Place]) -> None:
    asked = recipe(PLAIN)
    without = finish(run(asked, place()))[0][-1]["metrics"]
    assert not {key for key in without if key.startswith("test")}
    for measured in (
        finish(run(asked, place(), test=True))[0][-1]["metrics"],
        finish(run(recipe(PLAIN | {"evaluate": "all"}), place()))[0][-1]["metrics"],
    ):
        assert set(measured) - set(without) == {"test_accuracy", "test_loss", "test_images"}
        assert {key: measured[key] for key in without} == without
        assert 0 <= measured["test_accuracy"] <= 1


def test_the_trial_that_trained_an_epoch_is_in_the_ledger(
    place: Callable[..., Place], tmp_path: Path
) -> None:
    finish(run(recipe(PLAIN), replace(place(), trial=7)))
    lines = [json.loads(line) for line in next((tmp_path / "ledger").iterdir()).read_text().splitlines()]
    assert {line["trial"] for line in lines} == {7}
    assert [(line["stage"], line["epoch"]) for line in lines] == [
        ("sparsity", 1),
        ("sparsity", 2),
        ("sparsity", 3),
        ("finetune", 1),
        ("finetune", 2),
    ]


def test_without_validation_images_only_the_test_set_is_measured_and_the_teacher_stays(
    place: Callable[..., Place],
) -> None:
    asked = recipe(DISTILLED)
    searched, _ = finish(run(asked, place()))
    records, _ = finish(run(asked, place(joined=True), test=True))
    trained = [(one["stage"], one["epoch"]) for one in records if one["kind"] == "epoch"]
    assert trained == [("sparsity", 1), ("sparsity", 2), ("sparsity", 3), ("finetune", 1), ("finetune", 2)]
    assert [
        one["kind"] for one in records if one.get("stage") == "teacher"
    ] == []  # it is ready in this process
    assert not any("accuracy" in one or "loss" in one for one in records)
    metrics = records[-1]["metrics"]
    assert set(metrics) >= {"test_accuracy", "test_loss", "macs", "params", "percent_cut"}
    assert not any(key.startswith(("accuracy", "validation")) or key == "loss" for key in metrics)
    assert metrics["address"] != searched[-1]["metrics"]["address"]


def test_a_teacher_that_the_store_lost_is_trained_again_on_the_images_of_the_search(
    place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = recipe(DISTILLED)
    first, whole = place(store=None), place(joined=True, store=None)
    segment = teacher_segment(asked, first.identity, first.arithmetic)
    finish(run(asked, first))
    (taught,) = teacher._READY.values()
    monkeypatch.setattr(teacher, "_READY", {})
    records, _ = finish(run(asked, whole))
    addresses = [one["address"] for one in records if one.get("stage") == "teacher"]
    assert addresses == [*segment.addresses[1:]]
    (again,) = teacher._READY.values()
    assert equal(again.network.state_dict(), taught.network.state_dict())
