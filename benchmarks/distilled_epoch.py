"""A distilled epoch with the teacher's table against a live teacher.

    python benchmarks/distilled_epoch.py [--images 512] [--repeats 5]

prints a Markdown table (about five minutes on a core of its own). Images are random, 3 × 32 × 32 in 100 classes,
with 162 views each: their content takes no time. The teacher is resnet32x4, the students are preresnet8x4, whole and
cut to a half and a quarter of its MACs; DIST, batches of 64, one thread. Both arms train the same epoch from the
same weights, in turns, so that what else the machine does is shared; their losses must be equal. The epoch with a
table opens it, reads and checks its rows; filling it is told apart, and is done once for all epochs and trials that
need these views. Processor time suffers less than wall time from what else the machine does.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import said_of_this_machine
from torch import nn

from trainables.counting import complexity
from trainables.fit import Answers, sgd, train_epoch
from trainables.memory import keep_freed_memory
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

    def epoch(self, student: nn.Module, *, live: bool) -> tuple[float, float, float]:
        """Seconds, processor seconds and loss of the first epoch of a copy of the student."""
        assert self.recipe.finetune is not None
        network = copy.deepcopy(student)
        optimizer = sgd(network, self.recipe.finetune)
        began, busy = time.perf_counter(), time.process_time()
        answers = self.answers(live)
        part = distil(self.recipe.finetune, answers, macs=self.teacher.macs(self.place.data.image))
        task = task_of(self.recipe, "finetune", part)
        for _ in answers.prepare(self.place.images.pictures(**task.epoch(1))):
            pass
        told = train_epoch(network, optimizer, self.place.images, task, epoch=1, lr=1e-3)
        return time.perf_counter() - began, time.process_time() - busy, told["train_loss"]


def students(bench: Bench) -> dict[str, nn.Module]:
    """The whole student, and cuts of it."""
    architecture = Architecture(
        model=bench.recipe.model, classes=CLASSES, mean=bench.place.data.mean, std=bench.place.data.std
    )
    whole = bench.place.put(build(architecture, seed=0))
    found = {"full width": whole}
    assert bench.recipe.prune is not None
    for name, share in {"half the MACs": 0.5, "a quarter of the MACs": 0.25}.items():
        cut = bench.recipe.prune.model_copy(update={"keep_macs": share})
        recipe = bench.recipe.model_copy(update={"prune": cut})
        found[name] = bench.place.put(pruned(whole, recipe, bench.place))
    return found


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="A distilled epoch, table against live teacher.")
    parser.add_argument("--images", type=int, default=512, help="at least 100, one a class")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    keep_freed_memory()  # as in a trial
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.images)
        filled = bench.fill()
        print(
            f"{options.images} images, resnet32x4 → preresnet8x4, DIST, batch 64, one thread; "
            f"median (least); filling the epoch's rows once: {filled:.1f} s\n\n"
            f"{said_of_this_machine(options.repeats, 'torch')}\n"
        )
        print("| student | MACs | live teacher, s | table, s | ratio | of processor time | goal |")
        print("|---|--:|--:|--:|--:|--:|--:|")
        for (name, student), goal in zip(students(bench).items(), ("2.4", "4", ""), strict=True):
            took: dict[bool, list[float]] = {True: [], False: []}
            used: dict[bool, list[float]] = {True: [], False: []}
            losses = set()
            for repeat in range(options.repeats):
                for live in (True, False) if repeat % 2 == 0 else (False, True):
                    seconds, busy, loss = bench.epoch(student, live=live)
                    took[live].append(seconds)
                    used[live].append(busy)
                    losses.add(loss)
            assert max(losses) - min(losses) <= 1e-6, f"{name}: the losses differ: {losses}"
            live_s, table_s = (
                f"{statistics.median(took[live]):.1f} ({min(took[live]):.1f})" for live in (True, False)
            )
            ratio, least = _ratios(took)
            processor, _ = _ratios(used)
            macs = complexity(student).macs / 1e6
            print(
                f"| {name} | {macs:.0f} M | {live_s} | {table_s} | {ratio:.2f} ({least:.2f}) | "
                f"{processor:.2f} | {goal} |",
                flush=True,
            )


def _ratios(seconds: dict[bool, list[float]]) -> tuple[float, float]:
    """Live over table, of the medians and of the least."""
    return (
        statistics.median(seconds[True]) / statistics.median(seconds[False]),
        min(seconds[True]) / min(seconds[False]),
    )


if __name__ == "__main__":
    main()
