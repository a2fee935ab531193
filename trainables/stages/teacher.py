"""The teacher: trained once for all, or loaded; then it only answers with its logits."""

from collections.abc import Generator

import torch
from torch import Tensor, nn

from trainables.addresses import DataIdentity, batch_size, digest, teacher_address, teacher_segment
from trainables.checkpoints import load
from trainables.data.batches import Batch
from trainables.errors import InputError
from trainables.fit import Task, network_input
from trainables.models import Architecture, build
from trainables.place import Place
from trainables.recipe import Recipe
from trainables.stages.training import Position, Record, train

TEACHER_BATCH = 64
"""Images in one step of the teacher, always: batches are padded to it, so that who asks changes no bit."""


class LiveTeacher:
    """Computes the teacher's logits of each batch anew."""

    def __init__(self, network: nn.Module, place: Place) -> None:
        """Freeze the network; it is never trained from here on."""
        self.network = network.eval().requires_grad_(False)
        self.mean, self.std = place.images.mean, place.images.std

    @torch.no_grad()
    def logits(self, batch: Batch) -> Tensor:
        """Logits (B, classes) of a batch of B images, in steps of one fixed shape."""
        parts = []
        for pixels in torch.split(batch.pixels, TEACHER_BATCH):
            short = TEACHER_BATCH - len(pixels)
            filled = torch.cat([pixels, pixels.new_zeros(short, *pixels.shape[1:])]) if short else pixels
            parts.append(self.network(network_input(filled, self.mean, self.std))[: len(pixels)])
        return torch.cat(parts)


_READY: dict[str, LiveTeacher] = {}
"""The last teacher of this process by address, images and device: a reused worker does not load it again."""


def teacher_of(recipe: Recipe, place: Place) -> Generator[Record, None, LiveTeacher]:
    """The recipe's teacher, trained now if no one has yet."""
    assert recipe.teacher is not None
    address = teacher_address(recipe, place.identity, place.arithmetic)
    key = f"{address} {digest(place.identity.to_json())} {place.device}"
    if key not in _READY:
        if recipe.teacher.checkpoint is not None:
            network = loaded(recipe.teacher.checkpoint, recipe.teacher.model, place.identity)
            network = network.to(place.device).to(memory_format=torch.channels_last)
        else:
            network = yield from _trained(recipe, place)
        _READY.clear()
        _READY[key] = LiveTeacher(network, place)
    return _READY[key]


def _trained(recipe: Recipe, place: Place) -> Generator[Record, None, nn.Module]:
    teacher = recipe.teacher
    assert teacher is not None
    assert teacher.model is not None
    segment = teacher_segment(recipe, place.identity, place.arithmetic)
    images = Architecture(
        model=teacher.model, classes=place.identity.classes, channels=place.identity.channels
    )
    network = build(images, seed=teacher.seed).to(place.device).to(memory_format=torch.channels_last)
    task = Task(
        stage="teacher",
        seed=teacher.seed,
        batch_size=batch_size(teacher, recipe),
        drop_last=teacher.drop_last,
    )

    def task_of() -> Generator[Record, None, Task]:
        yield from ()
        return task

    end = yield from train(segment, teacher, Position(network=network, history=()), task_of, place)
    return end.network


def loaded(checkpoint: str, model: str | None, data: DataIdentity) -> nn.Module:
    """A teacher from a file, checked against the data.

    Raises:
        InputError: it has other classes or image channels than the data.
    """
    network = load(checkpoint, model=model, classes=data.classes)
    architecture = network.architecture
    assert isinstance(architecture, Architecture)
    if architecture.channels != data.channels:
        raise InputError(
            f"{checkpoint}: takes images of {architecture.channels} channels, the data has {data.channels}. "
            "Give a teacher that was trained on this data."
        )
    return network
