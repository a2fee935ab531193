"""Does a search gain that knows which prefixes are trained already?

    python benchmarks/cached_prefixes.py LCBENCH [--seeds 3] [--tasks all] [--cases ...]

Every trial has a first stage before LCBench's 52 epochs, which trials with the same first settings share: two of its
settings become lists and are the first stage's. Its epochs are paid when a point is the first with its values. Both
arms are `mfbo` with rungs at a quarter and a half of the second stage, one of them with `cost_aware`. The budget is the
epochs of 64 full second stages, one worker. Prints a Markdown table: mean regret with 95 % intervals, the paired
difference, and how many first stages were trained.
"""

import argparse
import multiprocessing
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from lcbench import DEVELOPED_ON, EPOCHS, KNOBS, LcBench
from search_quality import BUDGET, SHARES, half_width
from simulated import Course, Sweep, search, shares

from sweeper.knobs import Params

FAIR = shares(0.25, 0.5)
LISTS: Mapping[str, tuple[float, ...]] = {
    "batch_size": (16, 32, 64, 128, 256, 512),
    "learning_rate": tuple(np.geomspace(1e-4, 1e-1, 7).tolist()),
    "weight_decay": tuple(np.linspace(1e-5, 1e-1, 7).tolist()),
    "momentum": tuple(np.linspace(0.1, 0.99, 6).tolist()),
}
CASES: Mapping[str, tuple[tuple[str, ...], int]] = {
    "rates": (("batch_size", "learning_rate"), EPOCHS),
    "rates-long": (("batch_size", "learning_rate"), 3 * EPOCHS),
    "decay": (("weight_decay", "momentum"), EPOCHS),
}
"""Settings of the first stage, and its epochs."""

Job = tuple[str, bool, str, int]
"""Case, whether it knows, task, seed."""

_BENCH: list[LcBench] = []


def _begin(folder: Path) -> None:
    _BENCH.append(LcBench(folder))


def one(job: Job) -> tuple[list[tuple[int, float]], int]:
    """A sweep: its best final accuracy as it rose, and how many first stages it trained."""
    case, knows, task, seed = job
    first, length = CASES[case]
    knobs = [
        replace(knob, values=LISTS[knob.key], low=np.nan, high=np.nan, log=False)
        if knob.key in first
        else knob
        for knob in KNOBS
    ]
    trained: set[tuple[float, ...]] = set()
    asked = search(knobs, "mfbo, cost_aware: true" if knows else "mfbo", seed)

    def prefix(params: Params) -> tuple[float, ...]:
        return tuple(params[key] for key in first)

    asked.weigh(lambda params: EPOCHS + (0 if prefix(params) in trained else length))
    sweep = Sweep(search=asked, stopping=FAIR, course=lambda params: course(params), budget=BUDGET)

    def course(params: Params) -> Course:
        if prefix(params) not in trained:
            trained.add(prefix(params))
            sweep.spent += length
        return _BENCH[0].course(task, params)

    return sweep.run().log, len(trained)


def main() -> None:
    """Both arms on the same tasks and seeds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="LCBENCH")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tasks", choices=("developed", "all"), default="all")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # of the processes below
    bench = LcBench(options.folder)
    tasks = bench.tasks if options.tasks == "all" else DEVELOPED_ON
    sweeps = [(task, seed) for task in tasks for seed in range(options.seeds)]
    print(f"{len(sweeps)} sweeps a row\n")
    print(
        "| first stage | knows |" + "".join(f" after {share:.0%} |" for share in SHARES) + " first stages |"
    )
    print("|---|---|" + "--:|" * (len(SHARES) + 1))
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), _begin, [options.folder]) as pool:
        for case in options.cases:
            jobs = [(case, knows, *sweep) for knows in (False, True) for sweep in sweeps]
            found = dict(zip(jobs, pool.map(one, jobs, chunksize=1), strict=True))
            _print(case, sweeps, found, {task: bench.best(task) for task in tasks})


def _print(
    case: str,
    sweeps: list[tuple[str, int]],
    found: Mapping[Job, tuple[list[tuple[int, float]], int]],
    best: dict[str, float],
) -> None:
    for (_, _, task, _), (log, _) in found.items():
        best[task] = max(best[task], *(value for _, value in log))
    spots = [round(share * BUDGET) for share in SHARES]
    regrets = {
        knows: np.array(
            [
                [
                    best[task]
                    - max((v for e, v in found[case, knows, task, seed][0] if e <= spot), default=0.0)
                    for spot in spots
                ]
                for task, seed in sweeps
            ]
        )
        for knows in (False, True)
    }
    stages = {knows: np.mean([found[case, knows, *sweep][1] for sweep in sweeps]) for knows in regrets}
    rows = {"no": regrets[False], "yes": regrets[True], "difference": regrets[True] - regrets[False]}
    counts = (stages[False], stages[True], stages[True] - stages[False])
    for (said, values), count in zip(rows.items(), counts, strict=True):
        cells = zip(values.mean(axis=0), half_width(values), strict=True)
        text = "".join(f" {mean:.2f} ± {half:.2f} |" for mean, half in cells)
        print(f"| {case} | {said} |{text} {count:.1f} |", flush=True)


if __name__ == "__main__":
    main()
