import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper.bench import Bench, quiet
from sweeper.space import Space
from trainables.checkpoints import save
from trainables.errors import DamagedFileError, InputError
from trainables.models import Architecture, build

TEXT = """\
data: {source: digits, val_fraction: 0.5}
model: preresnet8
teacher: TEACHER
prune: {method: slimming}
finetune: {epochs: 2, warmup: 0, decay_every: 1, kd: dist}
search: {prune.percent: [0.3, 0.5]}
sweep: {trials: 2}
"""
SpaceOf = Callable[[str], Space]


def checkpoint(folder: Path, *, channels: int = 1, classes: int = 10) -> Path:
    path = folder / "teacher.safetensors"
    save(path, build(Architecture(model="resnet8", classes=classes, channels=channels), seed=3))
    return path


def test_a_teacher_that_has_yet_to_be_trained_is_stood_in_for_and_made_once(space_of: SpaceOf) -> None:
    space = space_of(TEXT.replace("TEACHER", "{model: resnet8, epochs: 1, warmup: 0, decay_every: 1}"))
    bench, teacher = Bench.of(space), space.recipe({}).teacher
    assert teacher is not None
    assert bench.teacher(teacher).network.architecture.model == "resnet8"  # type: ignore[union-attr]
    assert bench.teacher(teacher) is bench.teacher(space.recipe({}).teacher)  # type: ignore[arg-type]


def test_a_teacher_from_a_checkpoint_is_read_once_and_at_once(space_of: SpaceOf, tmp_path: Path) -> None:
    path = checkpoint(tmp_path)
    space = space_of(TEXT.replace("TEACHER", f"{{checkpoint: {path}}}"))
    bench, teacher = Bench.of(space), space.recipe({"prune.percent": 0.5}).teacher
    path.unlink()
    assert teacher is not None
    assert bench.teacher(teacher).network.architecture.model == "resnet8"  # type: ignore[union-attr]


def test_every_searched_checkpoint_is_looked_at(space_of: SpaceOf, tmp_path: Path) -> None:
    path = checkpoint(tmp_path)
    (tmp_path / "other.pth").write_bytes(b"no network")
    text = TEXT.replace("TEACHER", f"{{checkpoint: {path}}}")
    space = space_of(
        text.replace("search: {", f"search: {{teacher.checkpoint: [{path}, {tmp_path}/other.pth], ")
    )
    with pytest.raises(
        InputError, match=r"f\.yaml: teacher\.checkpoint: .*other\.pth: checkpoint: a whole file"
    ):
        Bench.of(space)


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        ({"classes": 100}, r"classes: 100 in this file, got 10"),
        ({"channels": 3}, r"takes images of 3 channels, the data has 1"),
    ],
)
def test_a_teacher_of_other_images_is_told_with_the_place_in_the_file(
    space_of: SpaceOf, tmp_path: Path, shape: dict[str, int], match: str
) -> None:
    space = space_of(TEXT.replace("TEACHER", f"{{checkpoint: {checkpoint(tmp_path, **shape)}}}"))
    with pytest.raises(InputError, match=rf"f\.yaml: teacher\.checkpoint: .*teacher\.safetensors: {match}"):
        Bench.of(space)


def test_a_damaged_teacher_is_a_damaged_file(space_of: SpaceOf, tmp_path: Path) -> None:
    path = checkpoint(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedFileError, match=r"f\.yaml: teacher\.checkpoint: .*whole safetensors, got"):
        Bench.of(space_of(TEXT.replace("TEACHER", f"{{checkpoint: {path}}}")))


def test_inside_quiet_no_cut_is_news_and_outside_it_is(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("trainables")
    with quiet():
        log.warning("inside")
    log.warning("outside")
    assert [record.message for record in caplog.records] == ["outside"]


BEGINS = """\
data: {source: digits, val_fraction: 0.5}
model: preresnet8
finetune: {init: FILE, trained_on: train, epochs: 2, warmup: 0, decay_every: 1}
search: {finetune.lr: [0.3, 0.5]}
sweep: {trials: 2}
"""


def student(folder: Path, name: str = "student.pth", *, model: str = "preresnet8", classes: int = 10) -> Path:
    network = build(Architecture(model=model, classes=classes, channels=1), seed=3)
    torch.save(network.state_dict(), folder / name)
    return folder / name


def test_a_student_from_a_file_is_read_and_its_images_are_those_that_it_has_not_seen(
    space_of: SpaceOf, tmp_path: Path
) -> None:
    bench = Bench.of(space_of(BEGINS.replace("FILE", str(student(tmp_path)))))
    assert len(bench.place.data.validation) == len(bench.place.data.test) == 180
    split = space_of(BEGINS.replace("FILE", str(student(tmp_path))).replace("on: train", "on: split"))
    assert len(Bench.of(split).place.data.test) == 360


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        (
            {"model": "preresnet14"},
            r"finetune\.init: .*student\.pth is a preresnet14, and model is preresnet8: ",
        ),
        ({"classes": 7}, r"student\.pth: classes: 7 in this file, got 10"),
    ],
)
def test_a_student_that_does_not_fit_is_told_before_anything_runs(
    space_of: SpaceOf, tmp_path: Path, shape: dict[str, Any], match: str
) -> None:
    with pytest.raises(InputError, match=rf"^f\.yaml: .*{match}"):
        Bench.of(space_of(BEGINS.replace("FILE", str(student(tmp_path, **shape)))))


def test_what_a_student_was_trained_on_must_be_said(space_of: SpaceOf, tmp_path: Path) -> None:
    text = BEGINS.replace("FILE", str(student(tmp_path))).replace(" trained_on: train,", "")
    with pytest.raises(
        InputError, match=r"^f\.yaml: finetune\.trained_on: must be said, since .*student\.pth"
    ):
        Bench.of(space_of(text))


def test_every_searched_file_is_looked_at(space_of: SpaceOf, tmp_path: Path) -> None:
    good, bad = student(tmp_path), student(tmp_path, "other.pth", classes=7)
    searched = f"search: {{finetune.init: [{good}, {bad}], "
    text = BEGINS.replace("FILE", str(good)).replace("search: {", searched)
    with pytest.raises(InputError, match=r"^f\.yaml: .*other\.pth: classes: 7 in this file, got 10"):
        Bench.of(space_of(text))


@pytest.mark.parametrize(
    ("sets", "match"),
    [
        ("corruptions: [saturate]", r"corruptions: must suit images of 1 x 8 x 8, got saturate"),
        ("folders: {mine: nowhere}", r"folders\.mine: must exist, got nowhere"),
    ],
)
def test_test_sets_that_can_not_be_made_are_told_before_anything_runs(
    space_of: SpaceOf, tmp_path: Path, sets: str, match: str
) -> None:
    text = BEGINS.replace("FILE", str(student(tmp_path))) + f"evaluate: {{test_sets: {{{sets}}}}}\n"
    with pytest.raises(InputError, match=rf"^f\.yaml: evaluate\.test_sets\.{match}"):
        Bench.of(space_of(text))
