"""A distilled epoch with the teacher's table against a live teacher.

    python benchmarks/distilled_epoch.py [--images 1024] [--repeats 3]

prints a Markdown table (about a quarter of an hour on one core). Images are random, 3 × 32 × 32 in 100 classes,
with 162 views each: their content takes no time. The teacher is resnet32x4, the students are preresnet8x4, whole and
cut to half of its MACs; DIST, batches of 64, one thread. Both arms train the same epoch from the same weights, in
turns, so that what else the machine does is shared; their losses must be equal. The epoch with a table opens it, reads
and checks its rows; filling it is told apart, and is done once for all epochs and trials that need these views.
"""

from __future__ import annotations

import argparse
import copy
import datetime
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from trainables.counting import complexity
from trainables.fit import Answers, sgd, train_epoch
from trainables.models import Architecture, build
from trainables.place import Place
from trainables.recipe import Data, Recipe
from trainables.stages.answers import LiveAnswers, TableAnswers, answers_of
from trainables.stages.distilled import distil
from trainables.stages.prune import pruned
from trainables.stages.task import task_of
from trainables.stages.teacher import LiveTeacher, untrained

CLASSES = 100


def random_images(folder: Path, count: int) -> Path:
    """An .npz of random images, ``count`` to train on."""
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, n in {"train": count, "val": CLASSES, "test": CLASSES}.items():
        arrays[f"{part}_images"] = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(n) % CLASSES
    np.savez(folder / "images.npz", **arrays)
    return folder / "images.npz"


class Bench:
    """The place, the teacher and the two ways to its answers."""

    def __init__(self, folder: Path, images: int) -> None:
        data = {"source": "npz", "path": str(random_images(folder, images)), "val_fraction": None}
        self.recipe = Recipe.model_validate(
            {
                "data": data | {"pad": 4, "flip": True},
                "model": "preresnet8x4",
                "teacher": {"model": "resnet32x4"},
                "prune": {"keep_macs": 0.5, "method": "l1"},
                "finetune": {"kd": "dist", "drop_last": False},
            }
        )
        self.place = Place.prepare(
            Data.model_validate(self.recipe.data.model_dump()), store=folder / "store", threads=1
        )
        assert self.recipe.teacher is not None
        self.teacher = LiveTeacher(untrained(self.recipe.teacher, self.place))

    def answers(self, live: bool) -> Answers:
        """Opened anew, as a trial would."""
        if not live:
            found = answers_of(self.recipe, self.teacher, self.place)
            assert isinstance(found, TableAnswers), "there is no room for a table"
            return found
        assert self.recipe.teacher is not None
        return LiveAnswers(self.teacher, self.recipe.teacher, place=self.place, because="measured")

    def fill(self) -> float:
        """Seconds in which the epoch's rows are filled."""
        began = time.perf_counter()
        task = task_of(self.recipe, "finetune")
        for _ in self.answers(live=False).prepare(self.place.images.pictures(**task.epoch(1))):
            pass
        return time.perf_counter() - began

    def epoch(self, student: nn.Module, *, live: bool) -> tuple[float, float]:
        """Seconds and loss of the first epoch of a copy of the student."""
        assert self.recipe.finetune is not None
        network = copy.deepcopy(student)
        optimizer = sgd(network, self.recipe.finetune)
        began = time.perf_counter()
        answers = self.answers(live)
        part = distil(self.recipe.finetune, answers, macs=self.teacher.macs(self.place.data.image))
        task = task_of(self.recipe, "finetune", part)
        for _ in answers.prepare(self.place.images.pictures(**task.epoch(1))):
            pass
        told = train_epoch(network, optimizer, self.place.images, task, epoch=1, lr=1e-3)
        return time.perf_counter() - began, told["train_loss"]


def students(bench: Bench) -> dict[str, nn.Module]:
    """The whole student, and one of half its MACs."""
    architecture = Architecture(
        model=bench.recipe.model, classes=CLASSES, mean=bench.place.data.mean, std=bench.place.data.std
    )
    whole = bench.place.put(build(architecture, seed=0))
    return {"full width": whole, "half the MACs": bench.place.put(pruned(whole, bench.recipe, bench.place))}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="A distilled epoch, table against live teacher.")
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.images)
        filled = bench.fill()
        print(
            f"{options.images} images, resnet32x4 → preresnet8x4, DIST, batch 64, one thread; "
            f"{options.repeats} repeats in turns, median (least); filling the epoch's rows once: {filled:.1f} s\n\n"
            f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
            f"{torch.backends.cpu.get_cpu_capability()}; Python {platform.python_version()}, "
            f"torch {torch.__version__}; {datetime.date.today()}\n"
        )
        print("| student | MACs | live teacher, s | table, s | ratio | goal |")
        print("|---|--:|--:|--:|--:|--:|")
        for (name, student), goal in zip(students(bench).items(), (2.4, 4.0), strict=True):
            took: dict[bool, list[float]] = {True: [], False: []}
            losses = set()
            for repeat in range(options.repeats):
                for live in (True, False) if repeat % 2 == 0 else (False, True):
                    seconds, loss = bench.epoch(student, live=live)
                    took[live].append(seconds)
                    losses.add(loss)
            assert max(losses) - min(losses) <= 1e-6, f"{name}: the losses differ: {losses}"
            live_s, table_s = (
                f"{statistics.median(took[live]):.1f} ({min(took[live]):.1f})" for live in (True, False)
            )
            ratio = statistics.median(took[True]) / statistics.median(took[False])
            least = min(took[True]) / min(took[False])
            macs = complexity(student).macs / 1e6
            print(
                f"| {name} | {macs:.0f} M | {live_s} | {table_s} | {ratio:.2f} ({least:.2f}) | {goal} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
