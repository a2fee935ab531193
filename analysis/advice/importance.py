"""How much each knob has to do with being among the best, how sure that is, and what chance alone would show.

PED-ANOVA (arXiv 2304.10255, theorem 1) with the best quarter against all trials: γ'² · D(best ‖ all) is the variance
that a knob explains of "is among the best", and of a knob with a condition that of its active trials, weighted by how
many these are (Conditional PED-ANOVA, arXiv 2601.20800). We divide it by the whole variance γ'(1 − γ'), so that an
importance is a share between 0 and 1 that can be read by itself. The authors divide by the sum over knobs, which is 1
for pure noise too. It sees each knob by itself: one that acts only together with another may look like none.

Its interval is a bootstrap over trials, shifted by what the bootstrap is off in the middle: trials that are drawn
twice look like a knob that matters, so percentiles alone would lie too high. Chance is a permutation of
the ranks over the trials; a knob `mattered` where Holm's p over all knobs is at most 5 %. It did `not` where its whole
interval lies below `LITTLE`, which takes about a hundred trials; else it is `open`.
A sampler that learns asks where it was lucky, and knobs that it moves together share what one of them did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from analysis.advice.knobs import Knob
from analysis.advice.outcomes import Outcome, top_of
from analysis.advice.parzen import densities, divergence
from analysis.significance import holm

LEAST = 20
"""The fewest trials in which anything is looked for, and the fewest in which a knob is active: 5 best ones."""
DRAWS = 1000
"""Bootstrap samples, and permutations: the smallest p is 1/1001."""
LEVEL = 0.05
LITTLE = 0.05
"""A knob that surely explains less than this share does not matter."""

Verdict = Literal["mattered", "not", "open"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Importance:
    """The share of "is among the best" that one knob explains, by one ranking (`by`).

    `low` and `high` are its 95 % interval, `chance` the 95 % quantile without any influence, `p` by itself, `holm`
    over all knobs; `trials` is in how many it was active.
    """

    key: str
    by: str
    value: float
    low: float
    high: float
    chance: float
    p: float
    holm: float
    trials: int

    @property
    def verdict(self) -> Verdict:
        """Did it matter?"""
        if self.holm <= LEVEL:
            return "mattered"
        return "not" if self.trials >= LEAST and self.high <= LITTLE and self.p > LEVEL else "open"


def importances(knobs: Sequence[Knob], outcome: Outcome, *, seed: int = 0) -> tuple[Importance, ...]:
    """One of each knob, in their order; none of fewer than `LEAST` trials, or where all are as good.

    Args:
        knobs: the searched settings.
        outcome: the trials with their ranks.
        seed: of the bootstrap and the permutations, so that equal records give equal numbers.
    """
    top, count = outcome.top, len(outcome.trials)
    if count < LEAST or top.all() or not top.any():
        return ()
    drawer = np.random.default_rng(seed)
    all_once = np.ones((1, count), np.int64)
    shuffled = drawer.permuted(np.tile(top, (DRAWS, 1)), axis=1)
    weights = drawer.multinomial(count, np.full(count, 1 / count), size=DRAWS)
    best = weights * top_of(outcome.ranks, outcome.whole, weights)
    rows = []
    for knob in knobs:
        cells = places(knob, outcome)
        value = float(explained(knob, cells, top[None, :], all_once)[0])
        chance = explained(knob, cells, shuffled, all_once)
        again = explained(knob, cells, best, weights)
        low, middle, high = np.quantile(again, [0.025, 0.5, 0.975])
        p = (1 + int((chance >= value - 1e-12).sum())) / (1 + DRAWS)
        active = int(cells.any(axis=1).sum())
        rows.append((knob.key, value, value + low - middle, value + high - middle, chance, p, active))
    adjusted = holm([row[5] for row in rows])
    return tuple(
        Importance(
            key=key,
            by=outcome.name,
            value=value,
            low=max(0.0, float(low)),
            high=float(high),
            chance=float(np.quantile(chance, 1 - LEVEL)),
            p=p,
            holm=together,
            trials=active,
        )
        for (key, value, low, high, chance, p, active), together in zip(rows, adjusted, strict=True)
    )


def places(knob: Knob, outcome: Outcome) -> NDArray[np.float64]:
    """Trials × cells of the knob: 1 in the cell of its value, a row of zeros where the knob had no effect."""
    found = np.zeros((len(outcome.trials), knob.cells))
    for row, trial in enumerate(outcome.trials):
        cell = knob.cell(trial.params[knob.key]) if knob.key in trial.params else None
        if cell is not None:
            found[row, cell] = 1
    return found


def explained(
    knob: Knob, cells: NDArray[np.float64], top: NDArray[np.integer | np.bool_], weights: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The share of the variance of "is among the best" that a knob explains, in each of B samples.

    Args:
        knob: whose scale it is.
        cells: of n trials, as `places` gives them.
        top: B × n, how often a trial is among the best.
        weights: B × n, or 1 × n for all samples, how often it is there at all.
    """
    best, every = top @ cells, weights @ cells
    tops, trials = top.sum(axis=1), weights.sum(axis=1)
    among, active = best.sum(axis=1) / np.maximum(tops, 1), every.sum(axis=1) / trials
    apart = divergence(densities(best, smooth=knob.ordered), densities(every, smooth=knob.ordered))
    odds = tops / np.maximum(trials - tops, 1)
    return cast("NDArray[np.float64]", odds * among**2 / np.where(active > 0, active, 1) * apart)
