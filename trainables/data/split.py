"""A stratified split: which images are taken out of a set, with the same share of every class."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from trainables.errors import InputError


def shares(counts: Sequence[int], fraction: float) -> list[int]:
    """How many images of each class are taken: largest remainder (Hamilton's method).

    The total is ``fraction`` of all images, rounded half up; each class gives its quota
    ``fraction * count`` rounded down, and those with the largest remainders (ties: the first class) one
    more. Computed in exact fractions of the decimal number that was written, so 0.29 of 100 is 29.

    Args:
        counts: Images of each class.
        fraction: Above 0 and below 1.
    """
    exact = Fraction(str(fraction))
    quotas = [exact * count for count in counts]
    taken = [int(quota) for quota in quotas]
    left = int(exact * sum(counts) + Fraction(1, 2)) - sum(taken)
    by_remainder = sorted(range(len(counts)), key=lambda c: taken[c] - quotas[c])
    for c in by_remainder[:left]:
        taken[c] += 1
    return taken


def stratified(
    labels: NDArray[np.int64], fraction: float, seed: int, *, names: Sequence[str] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split images into those that stay and those that are taken, class by class.

    Images are drawn by sorting the first doubles of PCG64(seed), a stream that NumPy keeps stable.

    Args:
        labels: Classes (N,), each at least 0.
        fraction: Share that is taken, above 0 and below 1.
        seed: At least 0.
        names: Of the classes, for the messages.

    Returns:
        ``(kept, taken)``: row numbers, each sorted; together 0..N-1, each once.

    Raises:
        InputError: The fraction is not in range, or a class would be left with no image on one side.
    """
    if not 0 < fraction < 1:
        raise InputError(
            f"data.val_fraction: a fraction above 0 and below 1, got {fraction}. Write 0.2 for 20 %."
        )
    classes, counts = np.unique(labels, return_counts=True)
    wanted = shares(counts.tolist(), fraction)
    order = np.argsort(np.random.Generator(np.random.PCG64(seed)).random(len(labels)), kind="stable")
    is_taken = np.zeros(len(labels), dtype=np.bool_)
    for c, count, take in zip(classes.tolist(), counts.tolist(), wanted, strict=True):
        if not 0 < take < count:
            name = names[c] if names is not None else str(c)
            raise InputError(
                f"data.val_fraction: both sides of the split need images of every class, got {fraction}, "
                f"which takes {take} of the {count} of class {name!r}. Take another fraction, or add images."
            )
        is_taken[order[labels[order] == c][:take]] = True
    return np.flatnonzero(~is_taken), np.flatnonzero(is_taken)
