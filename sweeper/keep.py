"""Which states the store keeps: those at which some point of the space branches off or ends.

Between two such epochs only the newest state is kept, for resuming. Where the space has very many branch
points (a wide range of ``warmup``), they are thinned out evenly: any state can be made again.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from analysis.evenly import spread_evenly
from sweeper.knobs import Knob
from sweeper.space import Space
from trainables.recipe import KEY_OF, Training
from trainables.schedule import rate

CAP = 64
"""Branch points kept of one stage at most, besides its ends."""

SCHEDULES = 1000
"""Schedules of one stage that are looked at; of more, some that stand for all."""

SHAPE = (
    "epochs",
    "lr",
    "warmup",
    "warmup_share",
    "decay_every",
    "decay_share",
    "decay_rate",
    "ramp",
)
"""Settings that shape the learning rate and the length of a stage."""


def branch_points(space: Space) -> dict[str, list[int]]:
    """Stage -> epochs after which a state is worth keeping.

    Of a gradual prune those before the second cut: behind it, no two points with different schedules share.
    """
    return {stage: _of_stage(space, stage) for stage in KEY_OF if space.settings.training(stage) is not None}


def _of_stage(space: Space, stage: str) -> list[int]:
    schedules = _schedules(space, stage)
    ends = {schedule.epochs for schedule in schedules}
    epochs = range(1, max(ends) + 1)
    rows = sorted([rate(schedule, epoch) for epoch in epochs] for schedule in schedules)
    forks = {
        _common(one, other)
        for one, other in itertools.pairwise(rows)  # equal beginnings are neighbours
    } - {0, len(epochs)}
    if len(forks) > CAP:
        forks = set(spread_evenly(sorted(forks), CAP))
    return sorted(ends | forks)


def _common(one: Sequence[float], other: Sequence[float]) -> int:
    """Epochs that two schedules have in common before they part."""
    pairs = enumerate(zip(one, other, strict=True))
    return next((epoch for epoch, (a, b) in pairs if a != b), len(one))


def _schedules(space: Space, stage: str) -> list[Training]:
    """The schedules that the space can ask of a stage, or many that stand for all."""
    own = [knob for knob in space.knobs if knob.key in {f"{KEY_OF[stage]}.{key}" for key in SHAPE}]
    names = [knob.key.rpartition(".")[2] for knob in own]
    training = space.settings.training(stage)
    assert training is not None
    return [
        training.model_copy(update=dict(zip(names, values, strict=True)))
        for values in itertools.product(*_thinned([_values(knob) for knob in own]))
    ]


def _thinned(values: list[Sequence[Any]]) -> list[Sequence[Any]]:
    """Fewer values of the settings that have most, until their combinations can be gone through."""
    while math.prod(map(len, values)) > SCHEDULES:
        most = max(range(len(values)), key=lambda position: len(values[position]))
        values[most] = spread_evenly(values[most], len(values[most]) // 2)
    return values


def _values(knob: Knob) -> Sequence[Any]:
    """All values of a setting; of a range of numbers that are not whole the ends."""
    if knob.values is None and knob.integer:
        return range(int(knob.low), int(knob.high) + 1)
    return knob.probes()
