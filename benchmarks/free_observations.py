"""Would a search gain if it were told of every shorter training that lies on the way of a longer one?

    python benchmarks/free_observations.py LCBENCH [--seeds 3] [--all]

With a constant rate a training of 52 epochs passes the ends of those of 13, 26 and 39: their results are free. Here
`epochs` is searched beside LCBench's settings; each arm runs with and without being told them, as complete trials that
do not count as start-up trials. The epochs of 64 full trials, one worker, the tasks that the search was developed on
(--all: every task). Prints a Markdown table: mean regret with 95 % intervals, and the paired difference.
"""

import argparse
import multiprocessing
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from lcbench import DEVELOPED_ON, EPOCHS, KNOBS, LcBench
from search_quality import BUDGET, SHARES, half_width
from simulated import NEVER, Course, Stopping, Sweep, search, shares

from sweeper.extrapolation import Curve
from sweeper.knobs import Knob, Params
from sweeper.mfbo import Observation
from sweeper.samplers import Ask
from sweeper.search import Search, distribution, inside

LENGTHS = (13, 26, 39, 52)
WITH_LENGTH = (*KNOBS, Knob(key="epochs", values=LENGTHS))
BY_KEY = {knob.key: knob for knob in WITH_LENGTH}
FAIR = shares(0.25, 0.5, within=("epochs",))
ARMS: Mapping[str, tuple[str, Stopping]] = {
    "TPE, all trials full": ("tpe", NEVER),
    "TPE, our rungs": ("tpe", FAIR),
    "mfbo, our rungs": ("mfbo", FAIR),
}
_BENCH: list[LcBench] = []


class Told(Search):
    """A search that is told what its trials pass on their way."""

    courses: dict[int, tuple[Params, Course]]
    free: bool
    known: set[tuple[Any, ...]]

    def _begin(self, number: int, sampler: optuna.samplers.BaseSampler) -> optuna.Trial:
        self._study.sampler = sampler
        self._open[number] = self._study.ask()  # its number in the study counts free observations too
        return self._open[number]

    def _asked(self, number: int) -> Ask:
        asked = super()._asked(number)
        return asked if self._learner is not None else replace(asked, startup=asked.startup + len(self.known))

    def tell(self, number: int, state: str, *given: Any, **told: Any) -> None:
        """The trial itself, then what lay on its way."""
        super().tell(number, state, *given, **told)
        params, course = self.courses[number]
        reached = (
            params["epochs"] if state == "complete" else max(epoch for epoch, _ in told["rungs"].values())
        )
        for length in LENGTHS if self.free else ():
            point = {**params, "epochs": length}
            if length <= reached and length < params["epochs"] and tuple(point.values()) not in self.known:
                self.known.add(tuple(point.values()))
                self._observe(point, float(course.values[length - 1]))

    def _observe(self, point: Params, value: float) -> None:
        if self._learner is not None:
            self._learner._ended.append(Observation(params=point, curve=Curve(rungs={}, final=value)))
            return
        self._study.add_trial(
            optuna.trial.create_trial(
                values=[value],
                params={key: inside(BY_KEY[key], value) for key, value in point.items()},
                distributions={key: distribution(BY_KEY[key]) for key in point},
            )
        )


def one(job: tuple[str, bool, str, int]) -> list[tuple[int, float]]:
    """A sweep: its best final accuracy as it rose."""
    arm, free, task, seed = job
    sampler, stopping = ARMS[arm]
    plain = search(WITH_LENGTH, sampler, seed)
    told = Told(plain.space)
    told.courses, told.free, told.known = {}, free, set()

    def course(params: Params) -> Course:
        whole = _BENCH[0].course(task, {key: params[key] for key in params if key != "epochs"})
        told.courses[len(told.courses)] = params, whole
        length = params["epochs"]
        return Course(values=whole.values[:length], seconds=whole.seconds[:length])

    return Sweep(search=told, stopping=stopping, course=course, budget=BUDGET).run().log


def _begin(folder: Path) -> None:
    _BENCH.append(LcBench(folder))


def main() -> None:
    """Every arm with and without, on the same tasks and seeds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="LCBENCH")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--all", action="store_true", help="every task, not only those it was developed on")
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # of the processes below
    bench = LcBench(options.folder)
    tasks = bench.tasks if options.all else DEVELOPED_ON
    sweeps = [(task, seed) for task in tasks for seed in range(options.seeds)]
    jobs = [(arm, free, *sweep) for arm in ARMS for free in (False, True) for sweep in sweeps]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), _begin, [options.folder]) as pool:
        logs = dict(zip(jobs, pool.map(one, jobs, chunksize=1), strict=True))
    best = {task: bench.best(task) for task in tasks}
    for (_, _, task, _), log in logs.items():
        best[task] = max(best[task], *(value for _, value in log))
    spots = [round(share * BUDGET) for share in SHARES]
    print(f"{len(sweeps)} sweeps a row, {EPOCHS} epochs at most a trial\n")
    print("| search | told |" + "".join(f" after {share:.0%} |" for share in SHARES))
    print("|---|---|" + "--:|" * len(SHARES))
    for arm in ARMS:
        regrets = {}
        for free in (False, True):
            rows = [
                [
                    best[task] - max((v for e, v in logs[arm, free, task, seed] if e <= spot), default=0.0)
                    for spot in spots
                ]
                for task, seed in sweeps
            ]
            regrets[free] = np.array(rows)
        for said, values in {
            "no": regrets[False],
            "yes": regrets[True],
            "difference": regrets[True] - regrets[False],
        }.items():
            cells = zip(values.mean(axis=0), half_width(values), strict=True)
            print(f"| {arm} | {said} |" + "".join(f" {mean:.2f} ± {half:.2f} |" for mean, half in cells))


if __name__ == "__main__":
    main()
