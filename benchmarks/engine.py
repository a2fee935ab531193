"""What the engine costs beside the training: seconds a trial, as sweeps grow, and seconds to ask each sampler.

    python benchmarks/engine.py [--repeats 3] [--asking]

runs sweeps of 8, 64 and 512 trials whose epochs are all in the store already, so that nothing is left but the
engine: Ray, the driver, the reading of states, the records, TensorBoard, the mirror of the study. Sizes and numbers
of workers take turns. The time of a trial is (time of 512 - time of 64) / 448, without what every sweep
pays once. Prints Markdown tables; about ten minutes on two cores, most of it spent on filling the store.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import said_of_this_machine

SIZES = (8, 64, 512)
WORKERS = (1, 2)
ASKED_AFTER, ASKS = (10, 100, 1000), 3
SAMPLERS = ("random", "sobol", "tpe", "nsga2", "nsga3", "cmaes", "mfbo", "gp")
SPACE = """\
data: {{source: npz, path: {images}, pad: 1, val_fraction: 0.2, batch_size: 16}}
model: preresnet8
sparsity: {{epochs: 4, lr: 0.05}}
prune: {{percent: 0.3}}
finetune: {{epochs: 4}}
search:
  finetune.lr: {{uniform: [0.01, 0.02], points: {trials}}}
sweep: {{sampler: grid}}
resources: {{workers: {workers}}}
"""


def images(file: Path) -> Path:
    """A data set so small that filling the store takes little time."""
    rng = np.random.default_rng(0)
    arrays = {
        f"{part}_{what}": rng.integers(0, 256, (40, 8, 8), dtype=np.uint8)
        if what == "images"
        else np.arange(40, dtype=np.int64) % 4
        for part in ("train", "test")
        for what in ("images", "labels")
    }
    np.savez(file, **arrays)
    return file


def sweep(folder: Path, name: str, *, trials: int, workers: int) -> tuple[float, dict[str, int]]:
    """Seconds of a whole sweep, and its epochs."""
    space = folder / "space.yaml"
    space.write_text(SPACE.format(images=folder / "images.npz", trials=trials, workers=workers))
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "sweeper", "run", str(space), "--name", name, "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - began
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts["trials"]["complete"] == trials, facts
    return seconds, facts["epochs"]


def asking_seconds(sampler: str, count: int, asks: int) -> tuple[float, float]:
    """Seconds to replay so many finished trials of the shipped space, and for one more ask."""
    from sweeper.search import Search
    from sweeper.space import load

    search = Search(load("finetune", overrides=[("sweep.trials", count + asks), ("sweep.sampler", sampler)]))
    rng, draw = np.random.default_rng(0), random.Random(0)
    points = [search.space.draw(draw) for _ in range(count)]

    def tell(number: int) -> None:
        accuracy = float(rng.uniform())
        search.tell(number, "complete", {"accuracy": accuracy}, rungs={}, violations={"macs": -0.1})

    began = time.perf_counter()
    for number, point in enumerate(points):
        search.replay(number, point)
        tell(number)
    replaying = time.perf_counter() - began
    seconds = []
    for number in range(count, count + asks):
        began = time.perf_counter()
        search.ask(number)
        seconds.append(time.perf_counter() - began)
        tell(number)
    return replaying, statistics.median(seconds)


def asking() -> None:
    """Every sampler after 10, 100 and 1,000 trials; print."""
    print(
        "\n| sampler | "
        + " | ".join(f"one more after {n:,}, ms" for n in ASKED_AFTER)
        + f" | replaying {ASKED_AFTER[-1]:,}, s |"
    )
    print("|---|" + "--:|" * (len(ASKED_AFTER) + 1))
    for sampler in SAMPLERS:
        found = [asking_seconds(sampler, n, ASKS) for n in ASKED_AFTER]
        cells = " | ".join(f"{1000 * seconds:.0f}" for _, seconds in found)
        print(f"| {sampler} | {cells} | {found[-1][0]:.1f} |", flush=True)


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--asking", action="store_true", help="nothing but the samplers")
    args = parser.parse_args()
    if args.asking:
        print(said_of_this_machine(ASKS))
        asking()
        return
    repeats = args.repeats
    times: dict[tuple[int, int], list[float]] = {(w, n): [] for w in WORKERS for n in SIZES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images(folder / "images.npz")
        for trials in SIZES:
            sweep(folder, f"fill{trials}", trials=trials, workers=max(WORKERS))
        for repeat in range(repeats):
            for trials in SIZES:
                for workers in WORKERS:
                    seconds, epochs = sweep(
                        folder, f"r{repeat}-{workers}-{trials}", trials=trials, workers=workers
                    )
                    assert epochs["trained"] == 0, epochs
                    times[workers, trials].append(seconds)
                    print(f"{trials} trials, {workers} workers: {seconds:.1f} s", file=sys.stderr, flush=True)
    print(said_of_this_machine(repeats))
    print("\n| workers | " + " | ".join(f"{n} trials, s" for n in SIZES) + " | a trial, ms | once, s |")
    print("|--:|" + "--:|" * (len(SIZES) + 2))
    for workers in WORKERS:
        medians = [statistics.median(times[workers, n]) for n in SIZES]
        each = (medians[2] - medians[1]) / (SIZES[2] - SIZES[1])
        cells = " | ".join(f"{seconds:.1f}" for seconds in medians)
        print(f"| {workers} | {cells} | {1000 * each:.0f} | {medians[1] - SIZES[1] * each:.1f} |")
    asking()


if __name__ == "__main__":
    main()
