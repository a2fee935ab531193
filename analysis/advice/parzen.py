"""Densities of few observations on a scale of cells, and how far one is from another.

Watanabe, Bansal and Hutter (2023), "PED-ANOVA", arXiv 2304.10255: Parzen estimates of the best and of all points,
compared by the Pearson divergence. As Optuna's evaluator we take Scott's (1992) bandwidth on the grid, and a prior
that weighs as much as one observation. Of categories the estimate is the share of each with that one observation
spread over all; Optuna smooths them a little more.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NARROWEST = 0.5 / 1.64
"""The least bandwidth in cells: 90 % of a kernel then lies in its own cell."""


def densities(counts: Array, *, smooth: bool) -> Array:
    """B estimates of m cells from B × m counts, each with a sum of 1; of no observations the prior.

    Args:
        counts: how many observations each cell has.
        smooth: whether neighbouring cells are alike, so that an observation speaks for them too.
    """
    cells = counts.shape[1]
    total = counts.sum(axis=1, keepdims=True)
    if not smooth:
        return cast("Array", (counts + 1 / cells) / (total + 1))
    seen = np.einsum("bi,bij->bj", counts, _kernels(_bandwidths(counts), np.arange(cells), cells))
    prior = _kernels(np.array([float(cells)]), np.array([(cells - 1) / 2]), cells)[0]
    return cast("Array", (seen + prior) / (total + 1))


def divergence(one: Array, other: Array) -> Array:
    """Pearson's divergence of B densities from B others (or one): Σ other · (one / other − 1)²."""
    return cast("Array", (other * (one / other - 1) ** 2).sum(axis=1))


def _kernels(widths: Array, centres: NDArray[np.number], cells: int) -> Array:
    """Normal kernels of B widths around k centres, as shares of the cells: B × k × cells, none beyond the ends."""
    from scipy.special import ndtr

    edges = np.arange(cells + 1) - 0.5
    below = ndtr((edges - centres[:, None]) / widths[:, None, None])
    return cast("Array", np.diff(below, axis=2) / (below[:, :, -1:] - below[:, :, :1]))


def _bandwidths(counts: Array) -> Array:
    """Scott's rule by the smaller of deviation and interquartile range of B samples; `NARROWEST` at least."""
    cells, total = np.arange(counts.shape[1]), counts.sum(axis=1)
    some = np.maximum(total, 1)
    mean = counts @ cells / some
    squares = (counts * (cells - mean[:, None]) ** 2).sum(axis=1)
    deviation = np.sqrt(squares / np.maximum(1, total - 1))
    running = counts.cumsum(axis=1)
    first = (running >= np.maximum(1, total // 4)[:, None]).argmax(axis=1)
    third = (running > (3 * total // 4)[:, None]).argmax(axis=1)
    spread = np.minimum((third - first) / 1.34, deviation)
    return cast("Array", np.maximum(1.059 * spread * some**-0.2, NARROWEST))
