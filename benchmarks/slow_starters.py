"""A case in which stock early stopping loses the best configuration: distilled networks are slow at first.

    python benchmarks/slow_starters.py [--seeds 20]

Sweeps of 64 trials at random over distillation on or off and 12, 24, 36, 48 or 60 epochs. Without distillation a
network comes near its end within a few epochs; with it, it is behind for the first half of its epochs and 3 points
ahead at the end. Of the best of the 64 points it is asked whether it was trained to its end. Stock is Ray Tune's
ASHAScheduler with its defaults; ours has rungs at 25 % and 50 % of a trial's own epochs, among trials with the same
distillation. The curves are made for this: it shows what each rule does with slow starters, not how many there are.
"""

import argparse

import numpy as np
from simulated import NEVER, STOCK, Course, Stopping, Sweep, search, shares

from sweeper.knobs import Knob, Params

KNOBS = (
    Knob(key="kd", values=("none", "dist")),
    Knob(key="epochs", values=(12, 24, 36, 48, 60)),
    Knob(key="lr", values=None, low=0.01, high=0.1, log=True),
)
TRIALS = 64


def course(params: Params) -> Course:
    """More epochs and a rate near 0.03 are better; distillation is slower, and better in the end."""
    epochs, distilled = params["epochs"], params["kd"] == "dist"
    final = 70 + 3 * distilled + 2 * np.log2(epochs / 12) - 3 * np.log10(params["lr"] / 0.03) ** 2
    done = np.arange(1, epochs + 1) / epochs
    values = final * (1 - np.exp(-(5 if distilled else 14) * done)) / (1 - np.exp(-(5 if distilled else 14)))
    return Course(values=values, seconds=np.arange(1.0, epochs + 1))


def kept(stopping: Stopping, seed: int) -> tuple[bool, float, int]:
    """Whether the best of the points was finished, how much worse the best finished one is, epochs."""
    sweep = Sweep(search=search(KNOBS, "random", seed), stopping=stopping, course=course, budget=10**9)
    ends: list[float] = []

    def counted(params: Params) -> Course:
        if len(ends) == TRIALS:
            sweep.budget = 0
        ends.append(float(course(params).values[-1]))
        return course(params)

    sweep.course = counted
    sweep.run()
    best, found = max(ends[:TRIALS]), max(value for n, value in sweep.finished.items() if n < TRIALS)
    return found == best, best - found, sweep.spent


def main() -> None:
    """Both rules on the same points, then the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    rules = {
        "none": NEVER,
        "stock ASHA": STOCK,
        "ours, all compared": shares(0.25, 0.5),
        "ours": shares(0.25, 0.5, within=("kd",)),
    }
    print("| early stopping | best kept | points lost, mean | epochs, mean |\n|---|--:|--:|--:|")
    for name, rule in rules.items():
        all_ = [kept(rule, seed) for seed in range(seeds)]
        found, lost, epochs = zip(*all_, strict=True)
        print(f"| {name} | {sum(found)} of {seeds} | {np.mean(lost):.2f} | {np.mean(epochs):,.0f} |")


if __name__ == "__main__":
    main()
