"""The Ray trainable as Ray calls it, without Ray: set up, stepped, set up anew, cleaned up."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.addresses import chain
from trainables.canonical import canonical
from trainables.ledger import Ledger
from trainables.place import Place
from trainables.recipe import Data, Recipe
from trainables.store import Store
from trainables.tune import Pipeline

DATA = {"source": "digits", "val_fraction": 0.9}
SETTINGS: dict[str, Any] = {
    "data": DATA,
    "model": "preresnet8",
    "prune": {"percent": 0.5},
    "finetune": {"epochs": 2, "warmup": 0, "decay_every": 1, "lr": 0.02},
}
Records = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def config(folder: Path, trial: int = 0, **over: Any) -> dict[str, Any]:
    """What a worker is given, as `sweeper.engine.config_of` makes it."""
    place = {
        "store": str(folder / "store"), "ledger": str(folder / "ledger"), "max_gb": 1.0, "threads": 1,
        "gpus": 0.0, "keep": {"finetune": [2]},
    }  # fmt: skip
    recipe = Recipe.model_validate(SETTINGS | over.pop("settings", {}))
    return {
        "trial": trial,
        "test": False,
        "recipe": json.dumps(canonical(recipe)),
        "place": json.dumps(place | over),
    }


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    """One that was set up, but not by Ray's constructor, which asks the machine for its address."""
    one = Pipeline.__new__(Pipeline)
    one.setup(config(tmp_path))
    yield one
    one.cleanup()


def step(pipeline: Pipeline) -> tuple[dict[str, Any], bool]:
    """The record of one step, and whether the trial is done."""
    result = pipeline.step()
    return json.loads(result["record"]), result.get("done", False)


def finish(pipeline: Pipeline) -> Records:
    records: Records = []
    done = False
    while not done:
        record, done = step(pipeline)
        records.append(record)
        assert len(records) < 20
    return records


def kinds(records: Records) -> list[str]:
    return [record["kind"] for record in records]


def test_a_recipe_is_told_one_record_a_step_and_ends_done(pipeline: Pipeline) -> None:
    records = finish(pipeline)
    assert kinds(records) == ["begin", "prune", "epoch", "epoch", "done"]
    assert records[0]["pid"] == os.getpid()
    assert records[-1]["metrics"]["accuracy"] == records[-2]["accuracy"]


def test_a_reused_worker_ends_one_recipe_and_begins_the_next(pipeline: Pipeline, tmp_path: Path) -> None:
    for _ in range(3):
        step(pipeline)
    under_way = pipeline.records
    assert under_way is not None
    assert pipeline.reset_config(config(tmp_path, trial=1, settings={"seed": 1}))
    assert list(under_way) == []  # closed
    assert kinds(finish(pipeline)) == ["begin", "prune", "epoch", "epoch", "done"]
    assert pipeline.reset_config(config(tmp_path, trial=2))
    assert kinds(finish(pipeline)) == ["begin", "prune", "reused", "epoch", "done"]


def test_cleaning_up_frees_the_locks_and_can_be_done_twice(pipeline: Pipeline) -> None:
    step(pipeline)
    step(pipeline)
    pipeline.cleanup()
    pipeline.cleanup()
    assert pipeline.records is None


def test_a_training_that_breaks_down_is_a_failed_record_and_never_raises(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    pipeline.reset_config(config(tmp_path, settings={"finetune": SETTINGS["finetune"] | {"lr": 1e30}}))
    record = finish(pipeline)[-1]
    assert record["kind"] == "failed"
    assert record["reason"] == "finetune: the loss is not finite in epoch 1"
    assert "fatal" not in record
    pipeline.reset_config(config(tmp_path))
    assert kinds(finish(pipeline))[-1] == "done"


def test_bad_input_is_the_trials_failure(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.reset_config(config(tmp_path, settings={"data": {"source": "npz", "path": "/none.npz"}}))
    record = finish(pipeline)[-1]
    assert (record["kind"], record["reason"].split(". ")[0]) == (
        "failed",
        "data.path: must exist, got /none.npz",
    )


def test_whatever_else_goes_wrong_is_the_trials_failure_in_one_line(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    broken = config(tmp_path)
    pipeline.reset_config(broken | {"recipe": '{"model": 1,\n "data": {}}'})
    begin, failed = finish(pipeline)
    assert begin["kind"] == "begin"
    assert failed["reason"].startswith("ValidationError: ")
    assert "\n" not in failed["reason"]


WITHOUT_MEMORY = """\
import json, resource, sys
from pathlib import Path
from trainables.tune import Pipeline
pipeline = Pipeline.__new__(Pipeline)
pipeline.setup(json.loads(sys.argv[1]))
for _ in range(2):
    pipeline.step()  # begin, and the cut
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + 2**24
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    pipeline.step()
except MemoryError as error:
    print(error)
"""


def test_a_trial_without_memory_says_so_and_loses_its_worker(tmp_path: Path) -> None:
    """In a process of its own: this one may have kept enough of what earlier tests have freed."""
    stage = {"epochs": 1, "warmup": 1, "decay_every": 1, "lr": 0.02, "batch_size": 1150}
    settings = {"model": "preresnet8x4", "data": DATA | {"val_fraction": 0.2}, "finetune": stage}
    given = json.dumps(config(tmp_path, settings=settings))
    code = [sys.executable, "-c", WITHOUT_MEMORY, given]
    said = subprocess.run(code, capture_output=True, text=True, check=True).stdout
    assert re.match(r"RuntimeError: |MemoryError", said), said


def test_a_worker_says_where_its_signs_of_life_are_and_gives_them_batch_by_batch(pipeline: Pipeline) -> None:
    begin, _ = step(pipeline)
    sign = Path(begin["pulse"])
    assert not sign.exists()
    step(pipeline)  # the cut, which is measured
    assert sign.exists()
    finish(pipeline)
    assert [sign] == list(sign.parent.iterdir())  # it is the ledger of the process


@pytest.mark.parametrize("folder", ["store", "ledger"])
def test_a_folder_that_cannot_be_made_fails_the_trial_by_its_name(
    pipeline: Pipeline, tmp_path: Path, folder: str
) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    pipeline.reset_config(config(tmp_path, **{folder: str(taken / folder)}))
    record = finish(pipeline)[-1]
    assert (record["kind"], record["fatal"]) == ("failed", False)
    assert record["reason"].startswith(f"{taken / folder}")
    assert record["reason"].endswith(": Not a directory")


def test_a_full_disk_is_fatal(pipeline: Pipeline, tmp_path: Path) -> None:
    """The ledger of this process is a link to the device that is always full."""
    Ledger(tmp_path / "ledger").add(stage="sparsity", epoch=1, address="a", macs=0, seconds=0, trial=None)
    (file,) = (tmp_path / "ledger").iterdir()
    file.unlink()
    file.symlink_to("/dev/full")
    record = finish(pipeline)[-1]
    assert (record["kind"], record["fatal"]) == ("failed", True)
    assert "No space left on device" in record["reason"]


def test_while_another_trains_its_epoch_a_step_says_so_within_a_second(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    begin, _ = step(pipeline)
    cut, _ = step(pipeline)
    assert (begin["kind"], cut["kind"]) == ("begin", "prune")
    place = Place.prepare(Data.model_validate(DATA), store=None)
    recipe = Recipe.model_validate(SETTINGS)
    segments = chain(recipe, data=place.identity, arithmetic=place.arithmetic, teacher=None)
    with Store(tmp_path / "store", max_bytes=10**9).lock(segments[-1].addresses[1]) as mine:
        assert mine
        for _ in range(2):
            began = time.monotonic()
            record, done = step(pipeline)
            assert time.monotonic() - began < 1
            assert (record, done) == ({"kind": "waiting", "stage": "finetune", "epoch": 1}, False)
    assert kinds(finish(pipeline)) == ["epoch", "epoch", "done"]


def test_a_place_without_a_store_trains_all_anew(pipeline: Pipeline, tmp_path: Path) -> None:
    for trial in range(2):
        pipeline.reset_config(config(tmp_path, trial=trial, store=None))
        assert kinds(finish(pipeline)) == ["begin", "prune", "epoch", "epoch", "done"]
    lines = [line for file in (tmp_path / "ledger").iterdir() for line in file.read_text().splitlines()]
    assert [json.loads(line)["trial"] for line in lines] == [0, 0, 1, 1]


def test_a_node_without_the_runs_folder_carries_its_ledger_home(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.reset_config(config(tmp_path, ledger=None))
    records = finish(pipeline)
    carried = [json.loads(line) for record in records for line in record.get("ledger", ())]
    assert [(line["stage"], line["epoch"], line["trial"]) for line in carried] == [
        ("finetune", 1, 0),
        ("finetune", 2, 0),
    ]
    assert [line["address"] for line in carried] == [
        one["address"] for one in records if one["kind"] == "epoch"
    ]
    assert not (tmp_path / "ledger").exists()


def test_relative_paths_begin_where_the_driver_works(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    (tmp_path / "there").mkdir()
    for directory in (tmp_path / "gone", tmp_path / "there"):
        pipeline.reset_config(config(tmp_path, directory=str(directory)))
        assert finish(pipeline)[-1]["kind"] == "done"
    assert Path.cwd() == tmp_path / "there"
