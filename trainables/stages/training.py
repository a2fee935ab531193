"""Train one stage to its end: from the furthest stored epoch, sharing each epoch with whoever needs it too.

A lock covers one epoch and is held only inside one step: the state is stored before it is let go, and the
store is looked at again after it is taken. So of two trials that need the same epoch one trains it, the other
says that it waits, and takes over should the first one stop or die.
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from torch import nn

from trainables.addresses import Segment
from trainables.counting import complexity
from trainables.data.batches import images_used
from trainables.evaluate import evaluate
from trainables.fit import Task, measure, sgd, train_epoch
from trainables.place import Place
from trainables.recipe import Training
from trainables.snapshot import network_of, restore_momentum, snapshot
from trainables.store import State, furthest

Record = dict[str, Any]
"""What the pipeline says after each step: ``kind`` is epoch, reused, init, prune, waiting or done."""

SINGLE = ("init", "prune")
"""Stages that do not train: one record each, of their own kind."""

WAIT_SECONDS = 0.2
"""Pause between two looks at an epoch that another process is training."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Where a run stands: a network and the metrics of every epoch, and prune, that made it."""

    network: nn.Module
    history: tuple[Record, ...]
    epoch: int = 0
    """Epochs of the present stage that are behind it."""
    state: State | None = None
    """The stored state it was read from; holds the momentum in the midst of a stage."""

    @classmethod
    def read(cls, state: State, epoch: int, place: Place) -> "Position":
        """The position that a stored state holds."""
        network = network_of(state, place.device)
        return cls(network=network, history=tuple(state.header["history"]), epoch=epoch, state=state)


def train(
    segment: Segment,
    training: Training,
    start: Position,
    task_of: Callable[[], Generator[Record, None, Task]],
    place: Place,
) -> Generator[Record, None, Position]:
    """Go from ``start`` to the end of the stage, a record an epoch.

    Args:
        segment: the stage's rates and addresses.
        training: its optimizer settings.
        start: where it stands; ``epoch`` epochs of this stage are done.
        task_of: makes the task when the first epoch has to be trained; may yield records of its own (the
            teacher's training).
        place: where it runs.
    """
    position, task, optimizer, own, macs, mine = start, None, None, -1, 0, True
    stored = took = 0.0  # when this process stored an epoch, and the seconds that it took
    while position.epoch < len(segment.rates):
        ahead = segment.addresses[position.epoch + 1 :]
        # in less time than an epoch takes no one has gone past the one that was just stored, and let it go
        ahead_of_all = mine and own == position.epoch and time.monotonic() - stored < took
        found = furthest(place.store, ahead[:1] if ahead_of_all else ahead)
        if found is not None:
            jumped = Position.read(found[1], position.epoch + 1 + found[0], place)
            yield from reused(jumped.history[len(position.history) :])
            position, optimizer = jumped, None
            continue
        if task is None:
            task = yield from task_of()
        yield from _answered(segment, position, task, place)
        with place.store.lock(ahead[0]) as mine:
            fresh = mine and place.store.get(ahead[0]) is None
            if fresh:
                if optimizer is None:
                    macs = complexity(position.network, image=place.data.image).macs
                    optimizer = sgd(position.network, training)
                    if position.state is not None and position.epoch > 0:
                        restore_momentum(position.state, position.network, optimizer)
                position = _train_one(segment, position, optimizer, task, place, macs=macs)
        if fresh:
            epoch = position.epoch
            if own == epoch - 1 and segment.behind + own not in place.keep.get(segment.stage, frozenset()):
                place.store.discard(segment.addresses[own])
            own, stored, took = epoch, time.monotonic(), position.history[-1]["seconds"]
            yield {"kind": "epoch", **position.history[-1]}
        elif not mine:
            time.sleep(WAIT_SECONDS)
            yield {"kind": "waiting", "stage": segment.stage, "epoch": segment.behind + position.epoch + 1}
    return position


def _answered(
    segment: Segment, position: Position, task: Task, place: Place
) -> Generator[Record, None, None]:
    """Get the teacher's answers to the next epoch, before its lock is taken; says that it waits for them."""
    epoch = segment.behind + position.epoch + 1
    if task.distillation is not None:
        for _ in task.distillation.answers.prepare(place.images.pictures(**task.epoch(epoch))):
            yield {"kind": "waiting", "stage": segment.stage, "epoch": epoch}


def _train_one(
    segment: Segment, position: Position, optimizer: Any, task: Task, place: Place, *, macs: int
) -> Position:
    """Train the next epoch in place, write it down and store it; ``macs`` of the network for one image."""
    began = time.monotonic()
    epoch = segment.behind + position.epoch + 1
    lr = segment.rates[position.epoch]
    network, images = position.network, place.images
    trained = train_epoch(network, optimizer, images, task, epoch=epoch, lr=lr)
    measured = measure(network, place.data.validation, what=f"{segment.stage}, epoch {epoch}")
    seconds = time.monotonic() - began
    address = segment.addresses[position.epoch + 1]
    record: Record = {"stage": segment.stage, "epoch": epoch, "lr": lr, **trained, **measured}
    record |= {"seconds": seconds, "address": address} | _macs(task, place, macs)
    if task.test:
        record |= evaluate(network, place)
    history = (*position.history, record)
    place.ledger.add(
        stage=segment.stage,
        epoch=epoch,
        address=address,
        macs=record["macs_trained"],
        seconds=seconds,
        trial=place.trial,
    )
    place.store.put(address, snapshot(network, optimizer, history))
    return Position(network=network, history=history, epoch=position.epoch + 1)


def _macs(task: Task, place: Place, macs: int) -> Record:
    """Multiply-accumulates of an epoch: a pass forward and two backward, and the measuring; the teacher's if live."""
    images = images_used(len(place.images.labels), batch_size=task.batch_size, drop_last=task.drop_last)
    own = {"macs_trained": (3 * images + len(place.data.validation)) * macs}
    return own if task.distillation is None else own | {"macs_teacher": images * task.distillation.macs}


def reused(history: tuple[Record, ...]) -> Generator[Record, None, None]:
    """What is read from the store, as it would have been said when trained, but a stage in one record."""
    for stage, entries in groupby(history, key=lambda entry: entry["stage"]):
        if stage in SINGLE:
            yield from ({"kind": stage, **entry, "reused": True} for entry in entries)
        else:
            yield {"kind": "reused", "stage": stage, "epochs": list(entries)}
