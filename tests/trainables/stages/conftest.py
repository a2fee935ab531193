"""A small network that has learned the digits, and a run of the pipeline from its first record to its last."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from trainables.fit import Task, sgd, train_epoch
from trainables.models import build
from trainables.place import Place
from trainables.recipe import Data, Finetune
from trainables.stages.training import Position, Record

torch.set_num_threads(1)
Finished = tuple[list[Record], Position]


@pytest.fixture(scope="session")
def learned() -> nn.Module:
    """A preresnet8 with 90 % of the digits right, which takes them from 0 to 1, as no data set's numbers do."""
    place = Place.prepare(Data(source="digits", val_fraction=0.7), store=None)
    architecture = replace(place.architecture("preresnet8"), mean=(0.0,), std=(1.0,))
    network = place.put(build(architecture, seed=0))
    optimizer = sgd(network, Finetune())
    task = Task(stage="sparsity", seed=0, batch_size=32, drop_last=False, s=1e-3)
    for epoch in range(1, 9):
        train_epoch(network, optimizer, place.images, task, epoch=epoch, lr=0.1 if epoch < 6 else 0.01)
    return network.eval()


@pytest.fixture
def finish() -> Callable[[Generator[Record, None, Position]], Finished]:
    """Runs a pipeline to its end: all records, and where it stands then."""

    def run_on(generator: Generator[Record, None, Any]) -> Finished:
        records = []
        while True:
            try:
                records.append(next(generator))
            except StopIteration as end:
                return records, end.value

    return run_on
