"""The volume that a front covers, and the reference point that it is measured from.

The hypervolume of a set of networks is the volume of all that at least one of them is at least as good as, down to
the reference point (Zitzler and Thiele 1998). It never falls when a network is added, which no other unary measure of
a front promises (Zitzler et al. 2003). Here the reference is the same for every run, and stands in no data: 0 for a
share to be maximised (accuracy, the share cut), the unpruned network for MACs and params, which count as shares of
it. All volumes are then between 0 and 1, and that of accuracy and MACs can be read: the best accuracy that fits into a
bound on MACs, averaged over all bounds from nothing to the unpruned network (0 where nothing fits). An accuracy of
chance would be a tighter reference, but runs record no number of classes, and it would change no order here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.records import Run, Trial
from analysis.select import Objective
from analysis.text import human

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZES = ("macs", "params")
"""Metrics that count as shares of the unpruned network's; names with `_unpruned` hold that."""
SHARES = ("accuracy", "accuracy_pruned", "percent_cut")
"""Metrics whose worst value is 0."""
MOST = 3
"""The most objectives: slices of slices of slices would take long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The point that a hypervolume is measured from, for some `objectives`, each with a size.

    `sizes` are what a metric is divided by: 1 for a share, the unpruned network's for MACs and params.
    """

    objectives: tuple[Objective, ...]
    sizes: tuple[float, ...]

    def gains(self, trial: Trial) -> tuple[float, ...] | None:
        """By how much a trial is better than the reference, 0 to 1 each; None where a metric is missing."""
        values = [trial.metric(objective.metric) for objective in self.objectives]
        if any(value is None for value in values):
            return None
        return tuple(
            value if objective.maximize else 1 - value / size
            for objective, value, size in zip(self.objectives, values, self.sizes, strict=True)
            if value is not None
        )

    def words(self) -> str:
        """As "accuracy 0, MACs 1 (the unpruned network's 11.1 M)"."""
        return ", ".join(
            f"{_name(objective)} 0"
            if objective.maximize
            else f"{_name(objective)} 1 (the unpruned network's {human(size)})"
            for objective, size in zip(self.objectives, self.sizes, strict=True)
        )


def reference(runs: Sequence[Run], objectives: Sequence[Objective]) -> Reference | str:
    """The one reference of several runs with the same objectives, or, in words, why there is none.

    Where unpruned networks differ the largest is taken, so that no network lies beyond the reference.
    """
    if not 2 <= len(objectives) <= MOST:
        return f"it is for 2 to {MOST} objectives, got {len(objectives)}"
    sizes = []
    for objective in objectives:
        if objective.maximize and objective.metric in SHARES:
            sizes.append(1.0)
        elif not objective.maximize and objective.metric in SIZES:
            found = (trial.metric(f"{objective.metric}_unpruned") for run in runs for trial in run.trials)
            known = [value for value in found if value is not None]
            if not known:
                return f"no trial says how many {_name(objective)} the unpruned network has"
            sizes.append(max(known))
        else:
            goal = "maximize" if objective.maximize else "minimize"
            return f"nothing is the worst that `{goal}: {objective.metric}` can be"
    return Reference(objectives=tuple(objectives), sizes=tuple(sizes))


def volume(trials: Iterable[Trial], to: Reference) -> float:
    """The hypervolume of networks, 0 to 1; a trial without one of the metrics covers nothing."""
    return hypervolume([gain for trial in trials if (gain := to.gains(trial)) is not None])


def hypervolume(gains: Sequence[Sequence[float]]) -> float:
    """The exact volume of the union of the boxes from 0 to each row; a row with a number of 0 or less has none.

    By slices along the last column, each as deep as the next row is lower (HSO, While et al. 2006): O(n log n) for
    2 columns, O(n² log n) for 3.

    Args:
        gains: of n points in d ≥ 1 columns, how much better each is than the reference; larger is better.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    import numpy as np

    for index, row in enumerate(gains):
        if not all(map(math.isfinite, row)):
            raise ValueError(f"gains[{index}]: finite numbers, got {tuple(row)}.")
    boxes = np.array([row for row in gains if min(row) > 0], dtype=np.float64)
    return _union(np.unique(boxes, axis=0)) if len(boxes) else 0.0


def _union(boxes: NDArray[np.float64]) -> float:
    """Of at least one box (n × d)."""
    import numpy as np

    if boxes.shape[1] == 1:
        return float(boxes.max())
    boxes = boxes[np.argsort(-boxes[:, -1], kind="stable")]
    depths = boxes[:, -1] - np.append(boxes[1:, -1], 0.0)
    if boxes.shape[1] == 2:
        return float(np.maximum.accumulate(boxes[:, 0]) @ depths)
    return math.fsum(depth * _union(boxes[:end, :-1]) for end, depth in enumerate(depths, 1) if depth > 0)


def _name(objective: Objective) -> str:
    return "MACs" if objective.metric == "macs" else objective.metric.replace("_", " ")
