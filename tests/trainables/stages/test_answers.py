import json
import logging
import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.fit import Pictures, TrainingImages
from trainables.models import Architecture, build
from trainables.pipeline import run
from trainables.place import Place
from trainables.recipe import Data, Recipe
from trainables.stages import teacher
from trainables.stages.answers import LiveAnswers, TableAnswers, answers_of, contents
from trainables.stages.teacher import LiveTeacher
from trainables.teacher_table import Table

DATA = {"source": "digits", "val_fraction": 0.9}  # 144 training images, pad 1, no flip: 9 views
TEACHER = {"model": "resnet8", "epochs": 1, "warmup": 0, "decay_every": 1}


def recipe(data: dict[str, Any] = DATA, **teacher: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "data": data,
            "model": "preresnet8",
            "teacher": TEACHER | teacher,
            "finetune": {"kd": "dist", "epochs": 3, "warmup": 3, "decay_every": 1, "drop_last": False},
        }
    )


@pytest.fixture(autouse=True)
def no_other_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "_READY", {})


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Place]:
    def make(data: dict[str, Any] = DATA, *, store: str | None = "store", **settings: Any) -> Place:
        folders = {"store": None if store is None else tmp_path / store, "ledger": tmp_path / "ledger"}
        return Place.prepare(Data.model_validate(data), **folders, **settings)

    return make


def network(at: Place) -> LiveTeacher:
    made = build(at.architecture("resnet8"), seed=3)
    return LiveTeacher(at.put(made))


def looks(folder: Path) -> list[dict[str, Any]]:
    """What teachers looked at, as the ledger has it."""
    lines = [line for file in (folder / "ledger").glob("*.jsonl") for line in file.read_text().splitlines()]
    return [entry for entry in map(json.loads, lines) if entry.get("kind") == "views"]


def pictures(images: TrainingImages, epoch: int = 1) -> Pictures:
    return images.pictures(seed=0, stage="finetune", epoch=epoch, batch_size=64, drop_last=False)


def told(answers: LiveAnswers | TableAnswers, images: TrainingImages, epoch: int = 1) -> torch.Tensor:
    """The logits of a whole epoch."""
    assert list(answers.prepare(pictures(images, epoch))) == []
    batches = images.epoch(seed=0, stage="finetune", epoch=epoch, batch_size=50, drop_last=False)
    return torch.cat([answers.logits(batch) for batch in batches])


@pytest.mark.parametrize(
    "data",
    [
        DATA | {"pad": 0},
        DATA | {"pad": 1, "flip": True},
        DATA | {"pad": 4},
        DATA | {"pad": 4, "flip": True},
    ],
)
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_the_table_says_what_the_live_teacher_says_to_the_bit(
    place: Callable[..., Place], data: dict[str, Any], precision: str
) -> None:
    at, asked = place(data), recipe(data, table=precision)
    assert asked.teacher is not None
    live = LiveAnswers(network(at), asked.teacher, place=at, because="asked for")
    kept = answers_of(asked, network(at), at)
    assert isinstance(kept, TableAnswers)
    for epoch in (1, 2, 1):
        assert torch.equal(told(kept, at.images, epoch), told(live, at.images, epoch))


def test_so_it_does_for_colour_images(place: Callable[..., Place]) -> None:
    at, asked = place(), recipe()
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (100, 3, 16, 16), dtype=torch.uint8, generator=generator)
    images = TrainingImages(pixels=pixels, labels=torch.arange(100) % 7, pad=2, flip=True)
    colour = Architecture(model="resnet8", classes=7, channels=3, mean=(0.3,) * 3, std=(0.4,) * 3)
    at = replace(at, images=images, identity=replace(at.identity, classes=7, channels=3, pad=2, flip=True))
    live_teacher = LiveTeacher(at.put(build(colour, seed=0)))
    kept = answers_of(asked, live_teacher, at)
    assert isinstance(kept, TableAnswers)
    assert kept.table.contents.views == 50
    assert asked.teacher is not None
    live = LiveAnswers(live_teacher, asked.teacher, place=at, because="asked for")
    assert torch.equal(told(kept, images), told(live, images))


def test_half_precision_is_near(place: Callable[..., Place]) -> None:
    at = place()
    full, half = (
        told(answers_of(recipe(table=kind), network(at), at), at.images) for kind in ("float32", "float16")
    )
    assert not torch.equal(full, half)
    torch.testing.assert_close(full, half, rtol=1e-3, atol=1e-3)


def trained(at: Place, **teacher: Any) -> tuple[list[dict[str, Any]], dict[str, torch.Tensor]]:
    records, generator = [], run(recipe(**teacher), at)
    while True:
        try:
            records.append(next(generator))
        except StopIteration as end:
            return records, end.value.network.state_dict()


def losses(records: list[dict[str, Any]]) -> list[float]:
    return [one["train_loss"] for one in records if one["kind"] == "epoch" and one["stage"] == "finetune"]


def test_a_distilled_training_has_the_same_bits_with_a_table_without_one_and_without_a_store(
    place: Callable[..., Place], tmp_path: Path
) -> None:
    ways = {
        "table": place(),
        "none": place(store="other"),
        "no store": place(store=None),
        "no room": place(store="small", max_gb=5e-5),
    }
    results = {way: trained(at, **({"table": "none"} if way == "none" else {})) for way, at in ways.items()}
    first, weights = results["table"]
    for records, others in results.values():
        assert losses(records) == losses(first)
        assert all(torch.equal(tensor, others[name]) for name, tensor in weights.items())
    said = {look["live"] for look in looks(tmp_path)}
    room = "it needs 0.06 MB, and a store of 0.05 MB leaves 0.03 MB to tables"
    assert said == {"", "teacher.table is none", "no store is used", room}


def test_half_precision_moves_the_loss_a_little_and_has_addresses_of_its_own(
    place: Callable[..., Place],
) -> None:
    full, half = trained(place())[0], trained(place(), table="float16")[0]
    assert losses(full) != losses(half)
    np.testing.assert_allclose(losses(full)[0], losses(half)[0], rtol=1e-3)
    np.testing.assert_allclose(losses(full), losses(half), rtol=0.02)  # the differences grow with training
    bare = trained(place(store=None), table="float16")[0]
    assert losses(bare) == losses(half)


def test_no_view_is_looked_at_twice_by_any_epoch_seed_or_trial(
    place: Callable[..., Place], tmp_path: Path
) -> None:
    at, teacher = place(), network(place())
    distinct: set[int] = set()
    for epoch in range(1, 7):
        answers = answers_of(recipe(), teacher, at)  # as another trial would
        told(answers, at.images, epoch)
        asked = pictures(at.images, epoch)
        distinct |= set((asked.rows * 9 + asked.views).tolist())
    assert sum(look["computed"] for look in looks(tmp_path)) == len(distinct) < 6 * 144
    assert {(look["again"], look["live"]) for look in looks(tmp_path)} == {(0, "")}


def test_what_is_damaged_is_computed_again_and_said_once(
    place: Callable[..., Place], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    at, asked = place(), recipe()
    teacher = network(at)
    right = told(answers_of(asked, teacher, at), at.images)
    (file,) = (tmp_path / "store" / "tables").glob("*.table")
    content = bytearray(file.read_bytes())
    for place_of_byte in range(contents(asked, teacher, at).rows_at, len(content), 97):
        content[place_of_byte] ^= 0x55
    file.write_bytes(content)
    assert torch.equal(told(answers_of(asked, teacher, at), at.images), right)
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    damaged = looks(tmp_path)[-1]["again"]
    assert 0 < damaged == looks(tmp_path)[-1]["computed"]
    assert warning.message.endswith(f".table: {damaged} rows are damaged; they are computed again")
    told(answers_of(asked, teacher, at), at.images)
    assert len(caplog.records) == 1


def test_who_waits_for_another_says_so_and_finds_the_rows(
    place: Callable[..., Place], tmp_path: Path
) -> None:
    at, teacher = place(), network(place())
    kept = answers_of(recipe(), teacher, at)
    assert isinstance(kept, TableAnswers)
    other = answers_of(recipe(), teacher, at)
    assert isinstance(other, TableAnswers)
    waiting = kept.prepare(pictures(at.images))
    with other.table.lock(0) as mine:
        assert mine
        assert [next(waiting), next(waiting)] == [None, None]
    assert list(other.prepare(pictures(at.images))) == []
    assert list(waiting) == []
    assert [look["computed"] for look in looks(tmp_path)] == [144]


def fill(folder: str, first: int) -> None:
    torch.set_num_threads(1)
    at = Place.prepare(
        Data(source="digits", val_fraction=0.1), store=Path(folder) / "store", ledger=Path(folder) / "ledger"
    )
    answers = answers_of(recipe(), network(at), at)
    for epoch in (first, 3 - first):
        list(answers.prepare(pictures(at.images, epoch)))


def test_processes_that_need_the_same_rows_at_once_share_the_work(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=fill, args=(str(tmp_path), first)) for first in (1, 2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert [one.exitcode for one in both] == [0, 0]
    (file,) = (tmp_path / "store" / "tables").glob("*.table")
    at = Place.prepare(Data(source="digits", val_fraction=0.1), store=tmp_path / "store")
    about = contents(recipe(), network(at), at)
    table = Table(file.parent, about)
    _, there, damaged = table.read(np.arange(about.entries))
    assert damaged == 0
    assert sum(look["computed"] for look in looks(tmp_path)) == there.sum()
    assert {look["again"] for look in looks(tmp_path)} == {0}
