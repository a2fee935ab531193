"""Pruning in several steps: how much is gone after each. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable

from trainables.errors import InputError

SCHEDULES: dict[str, Callable[[float], float]] = {
    "linear": lambda passed: passed,
    "cubic": lambda passed: 1 - (1 - passed) ** 3,
}
"""From the share of the steps that is behind, 0..1, to the share of the cut that is done."""


def cumulative(percent: float, n: int, schedule: str = "cubic") -> tuple[float, ...]:
    """The share of the original channels that is gone after each of n steps; the last is `percent`.

    `cubic` is s_f · (1 − (1 − k/n)³), Zhu & Gupta 2017 (arXiv 1710.01878), equation 1 from sparsity 0: large
    steps first, while there is much to spare. `linear` cuts alike in every step.
    """
    if not 0 <= percent < 1:
        raise InputError(f"percent: a fraction from 0 to below 1, got {percent}. Write 0.2 for 20 %.")
    if n < 1:
        raise InputError(f"steps: a number from 1 on, got {n}. Write 1 for a single cut.")
    if schedule not in SCHEDULES:
        raise InputError(f"schedule: one of {', '.join(SCHEDULES)}, got {schedule}. Write one of these.")
    return tuple(percent * SCHEDULES[schedule](step / n) for step in range(1, n + 1))


def share_of_the_rest(percent: float, *, total: int, left: int) -> float:
    """The percent for a network with `left` of `total` channels, so that `percent` of the total is gone after.

    Exact for the global rule, which takes ⌊n · percent⌋ + 1 of n channels: step by step as many go as at
    once (ties and rescued layers apart). 0 where enough is gone already. `prune(..., unpruned=...)` does the
    same for every scope.
    """
    wanted = int(total * percent) + 1 - (total - left) if percent else 0
    return (wanted - 0.5) / left if wanted > 0 else 0.0
