"""The teacher: trained once for all, or loaded; then it only answers with its logits."""

from collections.abc import Callable, Generator

import torch
from torch import Tensor, nn

from trainables.addresses import digest, teacher_address, teacher_segment
from trainables.data.batches import Batch
from trainables.fit import Task, network_input
from trainables.models import build
from trainables.place import Place
from trainables.recipe import Recipe, Teacher
from trainables.stages.loading import network_from
from trainables.stages.task import task_of
from trainables.stages.training import Position, Record, train

TEACHER_BATCH = 64
"""Images in one step of the teacher, always: batches are padded to it, so that who asks changes no bit."""


class LiveTeacher:
    """Computes the teacher's logits of each batch anew."""

    def __init__(self, network: nn.Module) -> None:
        """Freeze the network; it is never trained from here on."""
        self.network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def logits(self, batch: Batch) -> Tensor:
        """Logits (B, classes) of a batch of B images, in steps of one fixed shape."""
        parts = []
        for pixels in torch.split(batch.pixels, TEACHER_BATCH):
            short = TEACHER_BATCH - len(pixels)
            filled = torch.cat([pixels, pixels.new_zeros(short, *pixels.shape[1:])]) if short else pixels
            parts.append(self.network(network_input(self.network, filled))[: len(pixels)])
        return torch.cat(parts)


_READY: dict[str, LiveTeacher] = {}
"""The last teacher of this process by address, images and device: a reused worker does not load it again."""


def teacher_of(recipe: Recipe, place: Place) -> Generator[Record, None, LiveTeacher]:
    """The recipe's teacher, trained now if no one has yet."""
    teacher = recipe.teacher
    assert teacher is not None
    address = teacher_address(recipe, place.identity, place.arithmetic)
    key = f"{address} {digest(place.identity.to_json())} {place.device}"
    if key not in _READY:
        if teacher.checkpoint is not None:
            network = loaded(teacher, place)
        else:
            network = yield from _trained(recipe, teacher, place)
        _READY.clear()
        _READY[key] = LiveTeacher(network)
    return _READY[key]


def _trained(recipe: Recipe, teacher: Teacher, place: Place) -> Generator[Record, None, nn.Module]:
    segment = teacher_segment(recipe, place.identity, place.arithmetic)
    begin = Position(network=untrained(teacher, place), history=())

    def made() -> Generator[Record, None, Task]:
        yield from ()
        return task_of(recipe, "teacher")

    end = yield from train(segment, teacher, begin, made, place)
    return end.network


def untrained(teacher: Teacher, place: Place) -> nn.Module:
    """A teacher before its first epoch."""
    assert teacher.model is not None
    return place.put(build(place.architecture(teacher.model), seed=teacher.seed))


def loaded(teacher: Teacher, place: Place) -> nn.Module:
    """A teacher from its checkpoint, checked against the data.

    Raises:
        InputError: it is another network than ``teacher.model``, or has other classes or image channels
            than the data.
        DamagedFileError: a file of ours that is not what was written.
    """
    assert teacher.checkpoint is not None
    network, _ = network_from(
        teacher.checkpoint,
        model=teacher.model,
        weights=teacher.weights,
        normalize=teacher.normalize,
        place=place,
        section="teacher",
    )
    return network


def stand_ins(place: Place) -> Callable[[Teacher], LiveTeacher]:
    """Gives the teachers that can be had at once, each made once: to try settings out.

    One from a checkpoint is the teacher itself; for one that has yet to be trained stands an untrained
    network.
    """
    made: dict[str, LiveTeacher] = {}

    def stand_in(teacher: Teacher) -> LiveTeacher:
        key = teacher.model_dump_json()
        if key not in made:
            network = untrained(teacher, place) if teacher.checkpoint is None else loaded(teacher, place)
            made[key] = LiveTeacher(network)
        return made[key]

    return stand_in
