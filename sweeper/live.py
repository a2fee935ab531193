"""A trial under way, as far as its records tell, and the event that says how it ended."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sweeper.knobs import Params
from trainables.addresses import lengthened
from trainables.canonical import canonical
from trainables.recipe import Finetune, Recipe, Training
from trainables.summary import last_cut, saved_macs, summary

Event = dict[str, Any]
Rungs = dict[str, tuple[int, float]]
"""Group at a rung -> the epoch, and the accuracy or loss that was compared there."""

FINISHED_ONLY = ("accuracy", "accuracy_best_epoch", "loss")
"""Metrics that a failed or infeasible trial does not tell: they could be compared with a finished one's."""


@dataclass(kw_only=True)
class Live:
    """A trial under way; its records fill it in."""

    number: int
    params: Params
    recipe: Recipe
    began: float = field(default_factory=time.monotonic)
    started: str = field(default_factory=lambda: now())
    curve: list[dict[str, Any]] = field(default_factory=list)
    epochs_trained: int = 0
    epochs_reused: int = 0
    teacher_epochs_trained: int = 0
    stage: str = "start"
    epoch: int = 0
    waiting: bool = False
    """Whether another trial trains the epoch that it needs."""
    heard: float = field(default_factory=time.monotonic)
    """When it last said something."""
    pulse: Path | None = None
    """The file on which its worker gives signs of life."""
    waited: float = 0.0
    """Seconds that it has waited, of its worker's."""
    rungs: Rungs = field(default_factory=dict)
    violations: dict[str, float] = field(default_factory=dict)
    """Metric -> how far outside its bound, at most 0 inside."""
    audited: str | None = None
    """The rung that would have stopped it."""
    duplicate_of: int | None = None
    """The trial of this run that has finished the same recipe before."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What its events say of it besides."""

    @property
    def epochs(self) -> int:
        """Epochs of the present stage; 0 where it has none."""
        return epochs_of(self.recipe, self.stage, self.curve)

    def schedule(self, stage: str) -> Training | None:
        """The settings of a stage that trains, as long as it is for this network."""
        return schedule_of(self.recipe, stage, self.curve)

    def hear(self, kind: str) -> None:
        """Note that it said something, and whether that was only that it waits."""
        moment = time.monotonic()
        if self.waiting:
            self.waited += moment - self.heard
        self.waiting, self.heard = kind == "waiting", moment

    def begin_again(self, pulse: str | None) -> None:
        """Forget what another worker told before it died; the new one gives its signs of life on ``pulse``."""
        self.pulse = None if pulse is None else Path(pulse)
        self.curve.clear()
        self.epochs_trained = self.epochs_reused = self.teacher_epochs_trained = 0


def schedule_of(recipe: Recipe, stage: str, curve: Sequence[Mapping[str, Any]]) -> Training | None:
    """The settings of a stage that trains; its length may depend on the cut, which is in the curve by then."""
    training = recipe.training(stage)
    if isinstance(training, Finetune) and training.start == "scratch_b" and last_cut(curve) is not None:
        return lengthened(training, saved_macs(curve))
    return training


def epochs_of(recipe: Recipe, stage: str, curve: Sequence[Mapping[str, Any]]) -> int:
    """Epochs of a stage, of a gradual prune those of all its parts; 0 where it does not train."""
    training = schedule_of(recipe, stage, curve)
    if training is None:
        return 0
    return training.epochs * (recipe.cuts - 1) if stage == "gradual" else training.epochs


def end_of(live: Live, state: str, *, reason: str | None, metrics: Mapping[str, Any] | None) -> Event:
    """The event of a trial's end.

    Args:
        live: the trial.
        state: complete, stopped, infeasible or failed.
        reason: why, in words.
        metrics: of a complete trial; None: what its curve tells.
    """
    told = metrics if metrics is not None else summary(live.curve)
    untold = FINISHED_ONLY if state in ("infeasible", "failed") else ()
    return {
        "event": "end",
        "trial": live.number,
        **live.about,
        "state": state,
        "params": live.params,
        "settings": canonical(live.recipe),
        "metrics": {key: value for key, value in told.items() if key not in untold and not broken(value)},
        "violations": live.violations,
        "epochs_trained": live.epochs_trained,
        "epochs_reused": live.epochs_reused,
        "teacher_epochs_trained": live.teacher_epochs_trained,
        "seconds": round(time.monotonic() - live.began, 3),
        "seconds_waiting": round(live.waited, 3),
        "reason": reason,
        **({} if live.duplicate_of is None else {"duplicate_of": live.duplicate_of}),
        **({} if live.audited is None else {"audited": live.audited}),
        "curve": live.curve,
        "started": live.started,
        "time": now(),
    }


def now() -> str:
    """The time of day, for people; durations come from a monotonic clock."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def broken(value: Any) -> bool:
    """Whether it is a number that JSON has not."""
    return isinstance(value, float) and not math.isfinite(value)
