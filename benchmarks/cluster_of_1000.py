"""What a cluster of 1,000 GPUs would wait for: the driver's and the store's parts are measured, the rest simulated.

    python benchmarks/cluster_of_1000.py

Measured here: what a record costs Ray Tune (trainables that do nothing), what the book needs for a record and to
begin a trial among 1,000 that are under way, and what a process does with files for an epoch (audit hook of Python).
Simulated: workers that train epochs, each of which ends with a record to the one driver, for which the next epoch
waits, as Ray Tune has it. Every `EPOCHS` epochs a trial ends: the engine's time of a trial and an ask of TPE come on
top (benchmarks/engine.py). Epochs take ± 10 %. Prints Markdown tables; a minute on two cores.
"""

import heapq
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from machine import said_of_this_machine

from analysis.events import EventLog
from sweeper.ahead import Ahead
from sweeper.book import Book
from sweeper.space import check
from sweeper.strict_yaml import parse
from trainables.locks import LOCKS
from trainables.pipeline import run
from trainables.place import Place
from trainables.recipe import Recipe

EPOCHS, TRIAL_MS, ASK_MS = 240, 79.0, 26.0
"""Epochs of a trial (CIFAR's official length); engine's ms a trial with two workers, and of an ask of TPE after 1,000
trials, both from benchmarks/engine.py."""
RECORDS, UNDER_WAY = 3000, 1000
SIZES, SECONDS = (8, 64, 256, 1000), (0.5, 2.0, 10.0)
SPACE = """\
data: {source: digits}
model: preresnet8
sparsity: {epochs: 160, warmup: 80, decay_every: 40}
prune: {percent: 0.5}
finetune: {epochs: 240, warmup: 120, decay_every: 30}
search: {finetune.lr: {uniform: [0.01, 0.2]}, prune.percent: {uniform: [0.1, 0.9]}}
sweep: {trials: 1000000, sampler: random}
"""
TINY = {
    "model": "preresnet8",
    "data": {"source": "digits", "val_fraction": 0.9, "batch_size": 64},
    "sparsity": {"epochs": 40, "warmup": 39, "decay_every": 1},
    "prune": {"percent": 0.5},
}


def record_of_ray() -> float:
    """Milliseconds of a record through Ray Tune, of two actors that do nothing."""
    from sweeper.ray_environment import prepare

    prepare(local=True)
    import ray
    from ray import tune

    class Nothing(tune.Trainable):  # type: ignore[misc]
        def setup(self, config: dict[str, Any]) -> None:
            self.at = 0

        def step(self) -> dict[str, Any]:
            self.at += 1
            return {"record": "{}", "at": time.time(), "done": self.at >= RECORDS // 2}

    class Watch(tune.Callback):  # type: ignore[misc]
        """Notes when the driver gets a record."""

        def on_trial_result(self, **info: Any) -> None:
            came.append(time.perf_counter())

    came: list[float] = []
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    with tempfile.TemporaryDirectory() as folder:
        tune.Tuner(
            Nothing,
            param_space={"which": tune.grid_search([0, 1])},
            tune_config=tune.TuneConfig(max_concurrent_trials=2),
            run_config=tune.RunConfig(
                storage_path=folder,
                verbose=0,
                callbacks=[Watch()],
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()
    ray.shutdown()
    late = came[len(came) // 4 :]  # both actors are at work by then
    return 1000 * (late[-1] - late[0]) / (len(late) - 1)


def book_of_1000(folder: Path) -> tuple[float, float]:
    """Milliseconds of the book for a record, and to begin a trial, with 1,000 trials under way."""
    space = check(parse(SPACE, "space.yaml"), default_name="space")
    place = Place.prepare(space.settings.data, store=None)
    with EventLog(folder / "trials.jsonl") as log:
        book = Book(space, log)
        book.look_ahead(Ahead(identity=place.identity, arithmetic=place.arithmetic))
        for _ in range(UNDER_WAY):
            book.next()
        began = time.perf_counter()
        for _ in range(10):
            book.next()
        begins = 1000 * (time.perf_counter() - began) / 10
        numbers = list(book.live)
        began = time.perf_counter()
        for at in range(RECORDS):
            told = {
                "kind": "epoch",
                "stage": "sparsity",
                "epoch": at // len(numbers) + 1,
                "lr": 0.1,
                "loss": 1.0,
            }
            told |= {"accuracy": 0.5, "train_loss": 1.0, "seconds": 1.0, "address": f"{at:040x}"}
            book.record(numbers[at % len(numbers)], json.loads(json.dumps(told)))
        return 1000 * (time.perf_counter() - began) / RECORDS, begins


def files_of_an_epoch(folder: Path) -> Counter[str]:
    """What a process does with files of the store and the ledger, an epoch of a stage that it trains alone."""
    seen: Counter[str] = Counter()
    names = {"open", "os.rename", "os.remove", "os.utime", "os.mkdir", "os.scandir", "fcntl.flock"}

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in names and (event == "fcntl.flock" or str(folder) in str(arguments[0])):
            seen[event] += 1

    recipe = Recipe.model_validate(TINY)
    place = Place.prepare(recipe.data, store=folder / "store", ledger=folder / "ledger", trial=0)
    records = run(recipe, place)
    next(records)
    sys.addaudithook(hook)
    seen.clear()
    for _ in range(30):
        next(records)
    found = Counter({name: round(count / 30) for name, count in seen.items()})
    records.close()
    return found


def simulated(workers: int, seconds: float, record_ms: float, trial_ms: float) -> tuple[float, float]:
    """Share of the driver's time that it is busy, and of the workers' that they wait for it."""
    random_ = random.Random(0)
    ready = [(random_.uniform(0, seconds), worker, 1) for worker in range(workers)]
    heapq.heapify(ready)
    free = busy = waited = 0.0
    trained = 0
    end = 60 * seconds
    while ready[0][0] < end:
        at, worker, epoch = heapq.heappop(ready)
        takes = (record_ms + (trial_ms if epoch % EPOCHS == 0 else 0.0)) / 1000
        starts = max(at, free)
        free, busy, trained = starts + takes, busy + takes, trained + 1
        waited += free - at
        epoch = epoch + 1 if epoch > 1 else random_.randrange(2, EPOCHS)  # trials are at all places
        heapq.heappush(ready, (free + seconds * random_.uniform(0.9, 1.1), worker, epoch))
    return min(1.0, busy / max(end, free)), waited / (waited + trained * seconds)


def main() -> None:
    """Measure, simulate, print."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        book_ms, begin_ms = book_of_1000(Path(folder))
        files = files_of_an_epoch(Path(folder))
    ray_ms = record_of_ray()
    record_ms, trial_ms = ray_ms + book_ms, TRIAL_MS + ASK_MS + begin_ms
    operations = sum(files.values())
    kinds = ", ".join(f"{count} {name}" for name, count in files.most_common())
    print(
        f"A record takes Ray Tune {ray_ms:.2f} ms and the book {book_ms:.2f} ms; a trial {TRIAL_MS:.0f} ms, an ask "
        f"{ASK_MS:.0f} ms, to choose it with 1,000 under way {begin_ms:.0f} ms. An epoch is {operations} operations on "
        f"files of the store and the ledger ({kinds}).\n"
    )
    print(
        "| GPUs | s an epoch | driver busy | workers wait for it | file operations/s | lock taken by chance |"
    )
    print("|--:|--:|--:|--:|--:|--:|")
    for sweeps, workers, seconds in [
        *((1, size, seconds) for seconds in SECONDS for size in SIZES),
        (4, 1000, 0.5),
    ]:
        busy, waits = simulated(workers // sweeps, seconds, record_ms, trial_ms)
        rate = workers / seconds * (1 - waits) * operations
        taken = 1 - (1 - 1 / LOCKS) ** (workers - 1)
        name = f"{workers:,}" + (f", as {sweeps} sweeps" if sweeps > 1 else "")
        print(f"| {name} | {seconds:g} | {busy:.0%} | {waits:.1%} | {rate:,.0f} | {taken:.2%} |")
    print(f"\n{replace_medians(said_of_this_machine(1))}")


def replace_medians(said: str) -> str:
    """The line about this machine, of numbers that are no medians."""
    return said.replace("; medians of 1, arms interleaved.", ".")


if __name__ == "__main__":
    main()
