"""The teacher: trained once for all, or loaded; then it only answers with its logits."""

from collections.abc import Callable, Generator

import torch
from torch import Tensor, nn

from trainables.addresses import digest, file_digest, teacher_address, teacher_segment
from trainables.counting import complexity
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
        self._macs: dict[tuple[int, int, int], int] = {}

    def macs(self, image: tuple[int, int, int]) -> int:
        """Multiply-accumulates for one image (channels, height, width)."""
        if image not in self._macs:
            self._macs[image] = complexity(self.network, image=image).macs
        return self._macs[image]

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
    place = place.search
    if teacher.checkpoint is not None:
        return _from_file(teacher, place)
    key = _key(teacher_address(recipe, place.identity, place.arithmetic), place)
    if key not in _READY:
        _keep(key, (yield from _trained(recipe, teacher, place)))
    return _READY[key]


def _from_file(teacher: Teacher, place: Place) -> LiveTeacher:
    """The teacher of a checkpoint; read once, also where it was tried out first."""
    assert teacher.checkpoint is not None
    how = teacher.model_dump(include={"model", "weights", "normalize"})
    key = _key([file_digest(teacher.checkpoint), how], place)
    if key not in _READY:
        _keep(key, loaded(teacher, place))
    return _READY[key]


def _key(what: object, place: Place) -> str:
    return f"{digest([what, place.identity.to_json(), dict(place.arithmetic)])} {place.device}"


def _keep(key: str, network: nn.Module) -> None:
    _READY.clear()
    _READY[key] = LiveTeacher(network)


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
            made[key] = (
                LiveTeacher(untrained(teacher, place))
                if teacher.checkpoint is None
                else _from_file(teacher, place)
            )
        return made[key]

    return stand_in
