"""How good a search is: regret against epochs on a benchmark that no one here wrote.

    python benchmarks/search_quality.py LCBENCH [--seeds 10] [--develop] [--arms mfbo ...] [--keep] [--out FILE]

LCBENCH is a folder with the LCBench surrogate of YAHPO Gym (model.onnx, encoding.json, config_space.json). Every arm
has the epochs of 64 full trials (3,328) for each of 34 tasks and each seed; regret is what the best finished network
lacks, in points of validation accuracy, to the best that is known for the task. The sampler and the rungs are those of
`sweeper run`; with 8 workers trials end in the order of the surrogate's seconds. Before a trial is finished an arm has
the regret of a network that always guesses wrong. Needs onnxruntime. Writes FILE.csv after every arm
and FILE.png at the end, prints Markdown; with --keep the arms that FILE.csv has are not run again.
"""

import argparse
import csv
import multiprocessing
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lcbench import DEVELOPED_ON, EPOCHS, KNOBS, LcBench
from machine import said_of_this_machine
from scipy.stats import t as student
from simulated import NEVER, STOCK, Stopping, Sweep, search, shares

FULL = 64
BUDGET = FULL * EPOCHS
GRID = np.arange(1, BUDGET + 1)
SHARES = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A way to search."""

    said: str
    sampler: str
    stopping: Stopping
    workers: int = 1


FAIR = shares(0.25, 0.5)
ARMS: Mapping[str, Arm] = {
    "random": Arm(said="random, all trials full", sampler="random", stopping=NEVER),
    "tpe": Arm(said="TPE, all trials full", sampler="tpe", stopping=NEVER),
    "stock": Arm(said="TPE, stock ASHA", sampler="tpe", stopping=STOCK),
    "tpe-fair": Arm(said="TPE, our rungs", sampler="tpe", stopping=FAIR),
    "mfbo-full": Arm(said="mfbo, all trials full", sampler="mfbo", stopping=NEVER),
    "mfbo": Arm(said="mfbo, our rungs", sampler="mfbo", stopping=FAIR),
    "tpe-8": Arm(said="TPE, all trials full, 8 workers", sampler="tpe", stopping=NEVER, workers=8),
    "mfbo-8": Arm(said="mfbo, our rungs, 8 workers", sampler="mfbo", stopping=FAIR, workers=8),
}

Result = tuple[str, str, int, list[tuple[int, float]], float]
"""Arm, task, seed, (epochs, best final accuracy) as it rose, and the best that is known of the task."""

_BENCH: list[LcBench] = []


def _begin(folder: Path) -> None:
    _BENCH.append(LcBench(folder))


def one(job: tuple[str, str, int]) -> Result:
    """A sweep: its job, what it found when, and the best that is known of the task."""
    name, task, seed = job
    arm, bench = ARMS[name], _BENCH[0]
    sweep = Sweep(
        search=search(KNOBS, arm.sampler, seed),
        stopping=arm.stopping,
        course=lambda params: bench.course(task, params),
        budget=BUDGET,
        workers=arm.workers,
    ).run()
    return name, task, seed, sweep.log, bench.best(task)


def traces(results: list[Result]) -> dict[str, np.ndarray]:
    """Arm -> (sweeps, epochs) regret after every epoch; the best known is at least what any sweep has found."""
    known: dict[str, float] = {}
    for _, task, _, log, best in results:
        known[task] = max(known.get(task, 0.0), best, *(value for _, value in log))
    found: dict[str, list[np.ndarray]] = {}
    for name, task, _, log, _ in results:
        trace = np.full(BUDGET, known[task])
        for epochs, value in log:
            trace[epochs - 1 :] = known[task] - value
        found.setdefault(name, []).append(trace)
    return {name: np.stack(all_) for name, all_ in found.items()}


def write(file: Path, results: list[Result]) -> None:
    """All that was found, a row for each time that it rose."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["arm", "task", "seed", "epochs", "best_final_accuracy", "best_known"])
        for name, task, seed, log, best in results:
            writer.writerows(
                [name, task, seed, epochs, f"{value:.4f}", f"{best:.4f}"] for epochs, value in log
            )


def read(file: Path) -> list[Result]:
    """What ``write`` wrote."""
    found: dict[tuple[str, str, int], Result] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            key = (row["arm"], row["task"], int(row["seed"]))
            result = found.setdefault(key, (*key, [], float(row["best_known"])))
            result[3].append((int(row["epochs"]), float(row["best_final_accuracy"])))
    return list(found.values())


def reached(trace: np.ndarray, goal: float) -> str:
    """Epochs until the mean is at most ``goal``."""
    low = np.flatnonzero(trace.mean(axis=0) <= goal)
    return f"{low[0] + 1:,}" if len(low) else "never"


def half_width(values: np.ndarray) -> np.ndarray:
    """Of the 95 % t interval of the mean."""
    return np.asarray(student.ppf(0.975, len(values) - 1) * values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def table(found: Mapping[str, np.ndarray]) -> str:
    """Mean regret with 95 % intervals at shares of the budget, and epochs until plain TPE's final one."""
    goal = float(found["tpe"].mean(axis=0)[-1]) if "tpe" in found else 0.0
    heads = " | ".join(f"after {share:.0%}" for share in SHARES)
    lines = [f"| search | {heads} | epochs to {goal:.2f} | sweeps |", "|---|" + "--:|" * (len(SHARES) + 2)]
    for name, trace in found.items():
        spots = [trace[:, round(share * BUDGET) - 1] for share in SHARES]
        cells = " | ".join(f"{spot.mean():.2f} ± {half_width(spot):.2f}" for spot in spots)
        lines.append(f"| {ARMS[name].said} | {cells} | {reached(trace, goal)} | {len(trace)} |")
    return "\n".join(lines)


def behind(found: Mapping[str, np.ndarray], ours: str, theirs: str) -> str:
    """Where, beyond a tenth of the budget, ours is behind on average over the same tasks and seeds."""
    count = min(len(found[ours]), len(found[theirs]))
    gap = (found[ours].mean(axis=0) - found[theirs].mean(axis=0))[BUDGET // 10 :]
    worst = int(np.argmax(gap))
    return (
        f"{ARMS[ours].said} against {ARMS[theirs].said}, {count} sweeps each, beyond a tenth of the budget: "
        f"never further behind than {gap[worst]:+.2f} points (after {worst + BUDGET // 10 + 1:,} epochs)"
    )


def draw(found: Mapping[str, np.ndarray], file: Path) -> None:
    """Mean regret against epochs, with bands."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    colours = ("#999999", "#000000", "#D55E00", "#56B4E9", "#CC79A7", "#0072B2", "#E69F00", "#009E73")
    figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    for (name, trace), colour in zip(found.items(), colours, strict=False):
        mean, half = trace.mean(axis=0), half_width(trace)
        dashes = "--" if ARMS[name].workers > 1 else "-"
        axes.plot(GRID, mean, dashes, color=colour, label=ARMS[name].said, linewidth=1.4)
        axes.fill_between(GRID, mean - half, mean + half, color=colour, alpha=0.12, linewidth=0)
    axes.set(xlabel="epochs", ylabel="regret, points of validation accuracy", yscale="log")
    axes.set(xlim=(BUDGET // 20, BUDGET), ylim=(0.5, 30))
    axes.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    axes.axvline(BUDGET / 3, color="#cccccc", linewidth=0.8)
    axes.legend(frameon=False, fontsize=8, ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=160)


def main() -> None:
    """All arms on all tasks, two at a time; tables to stdout."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="LCBENCH")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--few", nargs="*", default=[], help="arms with a third of the seeds")
    parser.add_argument("--develop", action="store_true", help="only the tasks that it was developed on")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--keep", action="store_true", help="do not run again what FILE.csv has")
    parser.add_argument("--out", type=Path, default=Path("docs/search_quality"))
    options = parser.parse_args()
    tasks = DEVELOPED_ON if options.develop else LcBench(options.folder).tasks
    file = options.out.with_suffix(".csv")
    results = read(file) if options.keep and file.exists() else []
    have = {result[0] for result in results}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # of the processes below
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), _begin, [options.folder]) as pool:
        for name in (name for name in options.arms if name not in have):
            seeds = max(1, options.seeds // 3) if name in options.few else options.seeds
            began = time.perf_counter()
            results += pool.map(one, [(name, t, seed) for seed in range(seeds) for t in tasks], chunksize=1)
            write(file, results)
            print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    found = traces(results)
    found = {name: found[name] for name in options.arms}
    text = [f"{said_of_this_machine(1, 'optuna', 'scipy', 'onnxruntime')}\n"]
    groups = {
        "all tasks": tasks,
        "tasks that it was not developed on": [t for t in tasks if t not in DEVELOPED_ON],
    }
    for title, of in groups.items():
        chosen = [result for result in results if result[1] in of]
        if chosen and (title == "all tasks" or len(of) < len(tasks)):
            text.append(f"### {title.capitalize()} ({len(of)})\n\n{table(traces(chosen))}\n")
    text += [
        behind(found, ours, theirs)
        for ours, theirs in (("mfbo", "tpe"), ("mfbo-8", "tpe-8"), ("tpe-fair", "tpe"))
        if {ours, theirs} <= found.keys()
    ]
    print("\n".join(text))
    draw(found, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
