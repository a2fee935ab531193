from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.checkpoints import save
from trainables.data.batches import Batch
from trainables.errors import InputError
from trainables.models import Architecture, build
from trainables.place import Place
from trainables.recipe import Data, Recipe, Teacher
from trainables.stages import teacher
from trainables.stages.teacher import LiveTeacher, loaded, stand_ins, teacher_of, untrained

GOLDEN = Path(__file__).parents[2] / "golden" / "repdistiller_resnet8x4_ckpt_epoch_240.pth"
DATA = {"source": "digits", "val_fraction": 0.9}


@pytest.fixture(autouse=True)
def no_other_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "_READY", {})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.prepare(Data.model_validate(DATA), store=tmp_path / "store")


def recipe(data: dict[str, Any] = DATA, **settings: Any) -> Recipe:
    return Recipe.model_validate(
        {"data": data, "model": "preresnet8", "teacher": settings, "finetune": {"kd": "dist"}}
    )


def finish(
    generator: Generator[dict[str, Any], None, LiveTeacher],
) -> tuple[list[dict[str, Any]], LiveTeacher]:
    records = []
    while True:
        try:
            records.append(next(generator))
        except StopIteration as end:
            return records, end.value


def network(channels: int = 1) -> torch.nn.Module:
    mean, std = (0.3,) * channels, (0.4,) * channels
    return build(Architecture(model="resnet8", classes=10, channels=channels, mean=mean, std=std), seed=0)


def test_logits_do_not_depend_on_who_asks_for_them(place: Place) -> None:
    live = LiveTeacher(network().to(memory_format=torch.channels_last))
    pixels, labels = place.data.validation.pixels[:150], place.data.validation.labels[:150]

    def logits(rows: torch.Tensor) -> torch.Tensor:
        return live.logits(Batch(pixels[rows], labels[rows], rows, rows))

    order = torch.randperm(150, generator=torch.Generator().manual_seed(0))
    together = logits(torch.arange(150))
    assert together.shape == (150, 10)
    assert torch.equal(together[order], logits(order))
    for size in (1, 7, 63, 64, 65):
        parts = torch.cat([logits(rows) for rows in torch.arange(150).split(size)])  # type: ignore[no-untyped-call]
        assert torch.equal(together, parts)


@pytest.mark.parametrize(
    ("model", "threads"), [("resnet8x4", 1), ("preresnet11_bottleneck", 1), ("vgg11", 1), ("preresnet8", 2)]
)
def test_neither_place_in_a_batch_nor_neighbours_move_a_bit(model: str, threads: int) -> None:
    architecture = Architecture(model=model, classes=100, channels=3, mean=(0.3,) * 3, std=(0.4,) * 3)
    live = LiveTeacher(build(architecture, seed=0).to(memory_format=torch.channels_last))
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (100, 3, 32, 32), dtype=torch.uint8, generator=generator)

    def logits(rows: torch.Tensor) -> torch.Tensor:
        return live.logits(Batch(pixels[rows], rows, rows, rows))

    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        together = logits(torch.arange(100))
        order = torch.randperm(100, generator=generator)
        assert torch.equal(together[order], logits(order))
        assert torch.equal(together[93:], logits(torch.arange(93, 100)))
        assert torch.equal(together[70:71], logits(torch.tensor([70])))
    finally:
        torch.set_num_threads(usual)


def test_a_teacher_is_frozen() -> None:
    live = LiveTeacher(network().train())
    assert not live.network.training
    assert not any(parameter.requires_grad for parameter in live.network.parameters())


def test_a_teacher_is_trained_once(place: Place) -> None:
    asked = recipe(model="resnet8", epochs=2)
    records, first = finish(teacher_of(asked, place))
    assert [(record["kind"], record["stage"], record["epoch"]) for record in records] == [
        ("epoch", "teacher", 1),
        ("epoch", "teacher", 2),
    ]
    records, same = finish(teacher_of(asked, place))
    assert (records, same is first) == ([], True)
    teacher._READY.clear()
    records, read = finish(teacher_of(asked, place))
    assert [record["kind"] for record in records] == ["reused"]
    weights = read.network.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in first.network.state_dict().items())


def test_the_students_seed_is_no_concern_of_the_teacher(place: Place) -> None:
    asked = recipe(model="resnet8", epochs=1)
    _, first = finish(teacher_of(asked, place))
    records, other = finish(teacher_of(asked.model_copy(update={"seed": 5}), place))
    assert (records, other is first) == ([], True)


def test_a_loaded_teacher_is_ours_to_the_bit_and_trains_nothing(place: Place, tmp_path: Path) -> None:
    path, trained = tmp_path / "teacher.safetensors", network()
    save(path, trained)
    records, live = finish(teacher_of(recipe(checkpoint=str(path)), place))
    assert records == []
    weights = live.network.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in trained.state_dict().items())


def test_a_teacher_that_was_tried_out_is_not_read_again(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "teacher.safetensors"
    save(path, network())
    tried = stand_ins(place)(Teacher(checkpoint=str(path)))
    _, live = finish(teacher_of(recipe(checkpoint=str(path)), place))
    assert live is tried


def test_a_loaded_teacher_of_unknown_numbers_sees_the_images_as_each_data_set_has_them(
    place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "teacher.pth"
    torch.save(network().state_dict(), path)
    over = {"checkpoint": str(path), "normalize": "data"}
    _, one = finish(teacher_of(recipe(**over), place))
    other_data = {"source": "digits", "val_fraction": 0.5}
    other_place = Place.prepare(Data.model_validate(other_data), store=None)
    _, other = finish(teacher_of(recipe(other_data, **over), other_place))
    assert one is not other
    for live, at in ((one, place), (other, other_place)):
        assert (live.network.architecture.mean, live.network.architecture.std) == (at.data.mean, at.data.std)


def test_a_loaded_teacher_of_ours_keeps_the_numbers_that_it_was_trained_with(
    place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "teacher.safetensors"
    save(path, network())
    _, live = finish(teacher_of(recipe(checkpoint=str(path)), place))
    assert (live.network.architecture.mean, live.network.architecture.std) == ((0.3,), (0.4,))
    assert place.data.mean != (0.3,)


def test_a_teacher_of_other_classes_is_refused_with_both_numbers(place: Place) -> None:
    with pytest.raises(InputError, match=r"repdistiller.*classes: 100 in this file, got 10"):
        finish(teacher_of(recipe(checkpoint=str(GOLDEN)), place))


def test_a_teacher_of_other_images_is_refused_with_both_numbers(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "colour.safetensors"
    save(path, network(channels=3))
    with pytest.raises(InputError, match=r"colour.*takes images of 3 channels, the data has 1"):
        loaded(Teacher(checkpoint=str(path)), place)


def test_a_teacher_that_is_another_network_than_said_is_refused(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "teacher.safetensors"
    save(path, network())
    with pytest.raises(InputError, match="model: resnet8 in this file, got resnet20"):
        loaded(Teacher(checkpoint=str(path), model="resnet20"), place)


def test_an_untrained_teacher_is_where_its_training_begins(place: Place) -> None:
    settings = Teacher(model="resnet8", seed=3)
    weights = build(Architecture(model="resnet8", classes=10, channels=1), seed=3).state_dict()
    begun = untrained(settings, place).state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in begun.items())


def test_stand_ins_are_the_loaded_teacher_or_an_untrained_one_each_made_once(
    place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "teacher.safetensors"
    save(path, network())
    stand_in = stand_ins(place)
    by_file, to_train = Teacher(checkpoint=str(path)), Teacher(model="resnet14")
    first = stand_in(by_file)
    path.unlink()
    assert stand_in(Teacher(checkpoint=str(path))) is first
    assert [stand_in(one).network.architecture.model for one in (by_file, to_train)] == [
        "resnet8",
        "resnet14",
    ]  # type: ignore[union-attr]
    assert not first.network.training
