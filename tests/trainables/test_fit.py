from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from trainables.data.batches import Batch
from trainables.errors import TrainingFailedError
from trainables.fit import (
    Distillation,
    Pictures,
    Task,
    TrainingImages,
    batch_loss,
    measure,
    predict,
    sgd,
    train_epoch,
)
from trainables.losses import LOSSES
from trainables.models import Architecture, build
from trainables.place import Place
from trainables.recipe import Data, Finetune

TASK = Task(stage="finetune", seed=0, batch_size=64, drop_last=False)


@pytest.fixture
def place() -> Place:
    return Place.prepare(Data(source="digits", val_fraction=0.9), store=None)


def network(seed: int = 0) -> nn.Module:
    digits = Architecture(model="preresnet8", classes=10, channels=1, mean=(0.3,), std=(0.4,))
    built = build(digits, seed=seed)
    return built.to(memory_format=torch.channels_last)


def trained(
    images: TrainingImages, task: Task = TASK, *, epochs: int = 2, lr: float = 0.1
) -> dict[str, Tensor]:
    student = network()
    optimizer = sgd(student, Finetune())
    for epoch in range(1, epochs + 1):
        train_epoch(student, optimizer, images, task, epoch=epoch, lr=lr)
    return student.state_dict()


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_the_last_batch_is_left_out_only_if_asked(place: Place) -> None:
    count = len(place.images.labels)

    def sizes(drop_last: bool) -> list[int]:
        epoch = place.images.epoch(seed=0, stage="s", epoch=1, batch_size=50, drop_last=drop_last)
        return [len(batch.labels) for batch in epoch]

    assert count % 50 != 0
    assert sizes(True) == [50] * (count // 50)
    assert sizes(False) == [*sizes(True), count % 50]


def test_the_first_images_are_a_smaller_set_of_their_own(place: Place) -> None:
    few = place.images.first(7)
    assert torch.equal(few.pixels, place.images.pixels[:7])
    assert torch.equal(few.labels, place.images.labels[:7])
    assert (few.pad, few.flip) == (place.images.pad, place.images.flip)
    (batch,) = few.epoch(seed=0, stage="s", epoch=1, batch_size=64, drop_last=False)
    assert sorted(batch.rows.tolist()) == list(range(7))


def test_every_image_comes_once_an_epoch_in_another_order(place: Place) -> None:
    def rows(epoch: int, stage: str = "s", seed: int = 0) -> list[int]:
        batches = place.images.epoch(seed=seed, stage=stage, epoch=epoch, batch_size=64, drop_last=False)
        return torch.cat([batch.rows for batch in batches]).tolist()

    first = rows(1)
    assert sorted(first) == list(range(len(place.images.labels)))
    assert first == rows(1)
    assert first not in (rows(2), rows(1, stage="t"), rows(1, seed=1))


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(place: Place) -> None:
    once = trained(place.images)
    torch.manual_seed(99)  # global random numbers are of no concern
    assert equal(once, trained(place.images))
    assert not equal(once, trained(place.images, replace(TASK, seed=1)))
    assert not equal(once, trained(place.images, replace(TASK, s=1e-3)))


def test_training_leaves_the_global_random_numbers_alone(place: Place) -> None:
    before = torch.get_rng_state()
    trained(place.images, epochs=1)
    assert torch.equal(before, torch.get_rng_state())


def test_training_learns_the_digits(place: Place) -> None:
    student = network()
    before = measure(student, place.data.validation, what="before")
    student.load_state_dict(trained(place.images, replace(TASK, batch_size=16), epochs=10))
    after = measure(student, place.data.validation, what="after")
    assert after["accuracy"] > 0.3 > before["accuracy"]
    assert after["loss"] < before["loss"]


def test_a_loss_that_is_not_finite_names_stage_and_epoch(place: Place) -> None:
    with pytest.raises(TrainingFailedError, match="finetune: the loss is not finite in epoch 1"):
        trained(place.images, lr=1e30)


def test_an_evaluation_that_is_not_finite_says_of_what(place: Place) -> None:
    broken = network()
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    with pytest.raises(
        TrainingFailedError, match="finetune, epoch 3: the loss of the evaluation is not finite"
    ):
        measure(broken, place.data.validation, what="finetune, epoch 3")


def test_an_epoch_without_a_batch_is_refused(place: Place) -> None:
    task = replace(TASK, batch_size=10_000, drop_last=True)
    with pytest.raises(TrainingFailedError, match=r"finetune: an epoch has no batch.* batch_size 10000"):
        trained(place.images, task)


def test_an_evaluation_changes_nothing_and_is_in_order(place: Place) -> None:
    student = network()
    student.train()
    before = {name: tensor.clone() for name, tensor in student.state_dict().items()}
    images = place.data.validation
    logits = predict(student, images)
    assert logits.shape == (len(images), 10)
    assert student.training
    assert equal(before, student.state_dict())
    measured = measure(student, images, what="validation")
    assert measured["accuracy"] == (logits.argmax(1) == images.labels).double().mean().item()


def test_batchnorm_scales_decay_unless_they_are_left_out() -> None:
    student = network()
    scales = {id(layer.weight) for layer in student.modules() if isinstance(layer, nn.BatchNorm2d)}
    ((every, decay),) = sgd(student, Finetune(weight_decay=0.1)).groups
    assert len(every) == len(list(student.parameters()))
    assert decay == 0.1
    (decayed, decay), (undecayed, none) = sgd(student, Finetune(weight_decay=0.1, decay_gamma=False)).groups
    assert {id(parameter) for parameter in undecayed} == scales
    assert (decay, none) == (0.1, 0.0)
    assert len(decayed) + len(scales) == len(every)


def test_the_optimizer_is_the_one_that_is_asked_for() -> None:
    optimizer = sgd(network(), Finetune(momentum=0.5, nesterov=True, weight_decay=0))
    ((_, decay),) = optimizer.groups
    assert (optimizer.momentum, optimizer.nesterov, decay) == (0.5, True, 0.0)


class Told:
    """A teacher that always says the same."""

    def __init__(self, answers: torch.Tensor) -> None:
        self.answers = answers

    def prepare(self, pictures: Pictures) -> Iterator[None]:
        yield from ()

    def logits(self, batch: Batch) -> torch.Tensor:
        return self.answers


def test_a_distilled_loss_is_the_weighted_sum_of_its_parts(place: Place) -> None:
    batch = next(place.images.epoch(seed=0, stage="s", epoch=1, batch_size=8, drop_last=False))
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(8, 10, generator=generator) for _ in range(2))
    dist = LOSSES["dist"].function
    part = Distillation(loss=dist, answers=Told(teacher), macs=1, tau=4.0, weight=2.0, ce_weight=0.5)
    hard = batch_loss(student, batch, TASK)
    torch.testing.assert_close(
        batch_loss(student, batch, replace(TASK, distillation=part)),
        0.5 * hard + 2.0 * dist(student, teacher, labels=batch.labels, tau=4.0),
    )
    torch.testing.assert_close(hard, nn.functional.cross_entropy(student, batch.labels))


def test_bfloat16_trains_other_bits_alike_each_time_and_nearly_as_well(place: Place) -> None:
    half = replace(TASK, autocast=True)
    one, again, full = trained(place.images, half), trained(place.images, half), trained(place.images)
    assert equal(one, again)
    assert not equal(one, full)
    assert {tensor.dtype for tensor in one.values()} == {torch.float32, torch.int64}
    losses = []
    for task in (half, TASK):
        student = network()
        optimizer = sgd(student, Finetune())
        losses.append(
            [
                train_epoch(student, optimizer, place.images, task, epoch=e, lr=0.1)["train_loss"]
                for e in (1, 2, 3)
            ]
        )
    assert losses[0] == pytest.approx(losses[1], rel=0.1)
    assert losses[0][-1] < losses[0][0]
