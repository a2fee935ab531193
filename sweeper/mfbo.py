"""Multi-fidelity Bayesian optimisation: a Gaussian process that learns from stopped trials too.

Every ended trial has a final value: its own, or one extrapolated from the rung it was stopped at. The process is
fitted to their normal scores (the quantiles of their ranks), so that one that has diverged is merely the last, and
differences among the best are seen. The next point has the greatest expected improvement (Jones et al. 1998) over the
best finished trial, times the probability that a trial there ends at all, by a second process (the weighting of Gardner
et al. 2014); trials under way count as if they ended where the process expects them (the kriging believer of
Ginsbourger et al. 2010). Measured against other searches by ``benchmarks/search_quality.py``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri
from scipy.stats import rankdata

from sweeper.cube import Cube
from sweeper.extrapolation import Curve, finals
from sweeper.gaussian_process import Process, condition, log_expected_improvement, most_probable
from sweeper.knobs import Params

Array = NDArray[np.float64]
Cost = Callable[[Array], Array]
"""Snapped rows, (n, sides), to what each costs, (n,), above 0."""

FITTED = 80
"""Trials that the length scales are fitted to at most, half of them the best; all are learnt from."""
RANDOM, NEAR, REFINED = 500, 40, 40
"""Candidates at random, near each of the best at each width, and in each refinement."""
BEST = 3
"""Trials around which candidates are drawn."""
WIDTHS, REFINEMENTS = (0.03, 0.1, 0.25), (0.1, 0.05, 0.02, 0.01)
"""Standard deviations of the steps, as shares of a side."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """A trial that has ended."""

    params: Mapping[str, Any]
    curve: Curve | None
    """None: it failed, or lies outside a constraint."""


def propose(
    cube: Cube,
    ended: Sequence[Observation],
    running: Sequence[Mapping[str, Any]],
    rng: np.random.Generator,
    cost: Cost | None = None,
) -> Params:
    """The point to try next.

    Args:
        cube: the space.
        ended: trials that have ended, at least one of them at its own end.
        running: points of those that have not.
        rng: draws the candidates, and the trials that are fitted to.
        cost: what points would cost; then it is the improvement per cost that is greatest. None: all cost the same.
    """
    every = np.stack([cube.row(params) for params in (*(one.params for one in ended), *running)])
    inside = np.array([one.curve is not None for one in ended])
    curves = [one.curve for one in ended if one.curve is not None]
    rows, scores = every[: len(ended)][inside], normal_scores(np.array(finals(curves)))
    goal = max(score for score, curve in zip(scores, curves, strict=True) if curve.final is not None)
    process = _fit(cube.features(rows), scores, rng)
    if running:
        features = cube.features(every[len(ended) :])
        believed = np.concatenate([scores, process.predict(features)[0]])
        process = condition(np.concatenate([process.x, features]), believed, process.theta)
    ends = None
    if not inside.all():
        ends = _fit(cube.features(every[: len(ended)]), np.where(inside, 1.0, -1.0), rng)
    taken = {row.tobytes() for row in every}

    def worth(units: Array) -> tuple[Array, Array]:
        """Snapped candidates and the logarithm of what each is expected to gain; nothing if it was asked before."""
        snapped = np.unique(cube.snap(units), axis=0)
        features = cube.features(snapped)
        gain = log_expected_improvement(*process.predict(features), goal)
        if ends is not None:
            mean, sd = ends.predict(features)
            gain += log_ndtr(mean / np.hypot(sd, 0.3))
        if cost is not None:
            gain -= np.log(cost(snapped))
        new = np.array([row.tobytes() not in taken for row in snapped])
        return snapped, np.where(new, gain, -np.inf)

    best = rows[np.argsort(-scores, kind="stable")[:BEST]]
    near = [_near(row, width, NEAR, rng, moved=0.5) for row in best for width in WIDTHS]
    candidates, gains = worth(np.concatenate([rng.random((RANDOM, cube.sides)), *near]))
    point, most = candidates[np.argmax(gains)], float(gains.max())
    for width in REFINEMENTS:
        candidates, gains = worth(_near(point, width, REFINED, rng, moved=0.6))
        if gains.max() > most:
            point, most = candidates[np.argmax(gains)], float(gains.max())
    return cube.params(point)


def normal_scores(values: Array) -> Array:
    """Quantiles of the normal distribution at the ranks of ``values``, equal ones alike."""
    return np.asarray(ndtri((rankdata(values) - 0.5) / len(values)), dtype=np.float64)


def _fit(features: Array, scores: Array, rng: np.random.Generator) -> Process:
    """The process of all trials, with what is most probable for the best and some others."""
    chosen = np.arange(len(scores))
    if len(scores) > FITTED:
        order = np.argsort(-scores, kind="stable")
        half = FITTED // 2
        chosen = np.concatenate([order[:half], rng.choice(order[half:], FITTED - half, replace=False)])
    return condition(features, scores, most_probable(features[chosen], scores[chosen]))


def _near(row: Array, width: float, count: int, rng: np.random.Generator, *, moved: float) -> Array:
    """Steps from a point, each along some of the sides."""
    steps = width * rng.standard_normal((count, len(row)))
    return np.clip(row + steps * (rng.random((count, len(row))) < moved), 0.0, 1.0)
