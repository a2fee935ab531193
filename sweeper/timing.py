"""How long an epoch of each kind takes here: its first steps are trained, by one process.

The teacher's answers are there already in a distilled one, as from its table; what they cost is told apart.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from sweeper.bench import Bench
from sweeper.foreseen import Foreseen, cut
from trainables.data.batches import Batch
from trainables.fit import Pictures, sgd, train_epoch
from trainables.place import Place
from trainables.stages.start import first
from trainables.stages.teacher import untrained

TIMED_STEPS = 12
"""Steps that an epoch's time is told from, where an epoch has more."""


def seconds_per_epoch(trials: Sequence[Foreseen], bench: Bench) -> dict[str, float]:
    """Kind of epoch -> seconds, measured in a trial of middling size that has it."""
    found: dict[str, list[tuple[Foreseen, str]]] = {}
    for trial in trials:
        for segment in (*trial.segments, *([trial.teacher] if trial.teacher else [])):
            if segment.rates:
                found.setdefault(trial.kind(segment.stage), []).append((trial, segment.stage))
    return {
        kind: _seconds(*sorted(those, key=lambda one: one[0].size["macs"])[len(those) // 2], bench)
        for kind, those in found.items()
    }


def _seconds(trial: Foreseen, stage: str, bench: Bench) -> float:
    """Seconds of an epoch of a trial's stage."""
    training = trial.recipe.training(stage)
    assert training is not None
    images, task = bench.place.images, bench.task(trial.recipe, stage)
    if task.distillation is not None:
        task = replace(task, distillation=replace(task.distillation, answers=_Ready(bench.place)))
    size, network = task.batch_size, _network(trial, stage, bench)
    steps = max(1, len(images.labels) // size)
    timed = min(steps, TIMED_STEPS)
    optimizer = sgd(network, training)

    def train(count: int) -> None:
        train_epoch(network, optimizer, images.first(count), task, epoch=1, lr=1e-4)

    train(size)  # the first step chooses kernels and gets memory
    began = time.perf_counter()
    train(timed * size)
    return (time.perf_counter() - began) * steps / timed


class _Ready:
    """Any answers, as quick as those of a table."""

    def __init__(self, place: Place) -> None:
        rng = torch.Generator().manual_seed(0)
        shape = (len(place.images.labels), place.identity.classes)
        self.answers = torch.randn(shape, generator=rng).to(place.device)

    def prepare(self, pictures: Pictures) -> Iterator[None]:
        yield from ()

    def logits(self, batch: Batch) -> Tensor:
        return self.answers[batch.rows]


def _network(trial: Foreseen, stage: str, bench: Bench) -> nn.Module:
    """A network of the size that the stage trains."""
    recipe = trial.recipe
    if stage == "teacher":
        assert recipe.teacher is not None
        return untrained(recipe.teacher, bench.place)
    network = first(recipe, bench.place)
    smaller = stage in ("gradual", "finetune") and recipe.prune is not None
    return cut(network, recipe, bench.place) if smaller else network
