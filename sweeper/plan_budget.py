"""How many trials a budget allows, as far as it is known before a sweep starts."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from analysis.text import human, show
from sweeper.budget import Spent, used_up
from sweeper.foreseen import Foreseen
from sweeper.settings import Sweep


class Costs(Protocol):
    """What a trial adds."""

    @property
    def student(self) -> int:
        """Distinct epochs."""

    @property
    def seconds(self) -> float:
        """Of one process."""

    @property
    def macs(self) -> float:
        """Multiply-accumulates of the student."""


_WORDS: Final[dict[str, Callable[[Sweep], str]]] = {
    "epochs": lambda sweep: f"as many as {show(sweep.epochs)} epochs allow",
    "hours": lambda sweep: f"as many as {show(sweep.hours)} hours allow",
    "macs": lambda sweep: f"as many as {human(sweep.macs)} MACs allow",
    "patience": lambda sweep: f"or more, until {sweep.patience} in a row are no better",
}


def affordable(
    trials: Sequence[Foreseen], sweep: Sweep, cost: Callable[[Foreseen, set[str]], Costs], *, workers: int
) -> tuple[list[Foreseen], str | None]:
    """The first of the trials, up to the one with which a budget is used up, and which one that is, in words.

    The teacher is not counted. Patience counts only where nothing else ends the sweep: then the trials are the
    fewest that it allows, all after the first being no better.

    Args:
        trials: in the order in which they are asked for.
        sweep: its budgets.
        cost: of a trial, where the epochs of these addresses are there; adds its own to them.
        workers: trials at a time.
    """
    seen: set[str] = set()
    only_patience = all(limit is None for limit in (sweep.trials, sweep.epochs, sweep.hours, sweep.macs))
    epochs, seconds, macs = 0, 0.0, 0.0
    for count, trial in enumerate(trials):
        spent = Spent(seconds=seconds / workers, epochs=epochs, macs=round(macs))
        if by := used_up(sweep, spent, count - 1 if only_patience and sweep.sampler != "grid" else 0):
            return [*trials[:count]], _WORDS[by](sweep)
        one = cost(trial, seen)
        epochs, seconds, macs = epochs + one.student, seconds + one.seconds, macs + one.macs
    endless = sweep.trials is None and sweep.sampler != "grid"
    return [*trials], "or more" if endless else None
