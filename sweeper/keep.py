"""Which states the store keeps: those at which some point of the space branches off or ends.

Between two such epochs only the newest state is kept, for resuming. Where the space has very many branch
points (a wide range of ``warmup``), they are thinned out evenly: any state can be made again.
"""

import itertools
from collections.abc import Sequence

from sweeper.knobs import Knob
from sweeper.space import Space
from trainables.recipe import Training
from trainables.schedule import rate

CAP = 64
"""Branch points kept of one stage at most, besides its ends."""

SHAPE = ("epochs", "lr", "warmup", "decay_every", "decay_rate", "ramp")
"""Settings that shape the learning rate and the length of a stage."""


def branch_points(space: Space) -> dict[str, list[int]]:
    """Stage -> epochs after which a state is worth keeping."""
    return {
        stage: _of_stage(space, stage)
        for stage in ("teacher", "sparsity", "finetune")
        if getattr(space.settings, stage) is not None
    }


def _of_stage(space: Space, stage: str) -> list[int]:
    schedules = _schedules(space, stage)
    ends = {schedule.epochs for schedule in schedules}
    longest = max(ends)
    rows = [[rate(schedule, epoch) for epoch in range(1, longest + 1)] for schedule in schedules]
    forks = {
        epoch
        for epoch in range(1, longest)
        for one, other in itertools.pairwise(rows)
        if one[:epoch] == other[:epoch] and one[epoch] != other[epoch]
    }
    if len(forks) > CAP:
        ordered = sorted(forks)
        forks = {ordered[i * len(ordered) // CAP] for i in range(CAP)}
    return sorted(ends | forks)


def _schedules(space: Space, stage: str) -> list[Training]:
    """The schedules that the space can ask of a stage, so ordered that equal beginnings are neighbours."""
    own = [knob for knob in space.knobs if knob.key in {f"{stage}.{key}" for key in SHAPE}]
    training: Training = getattr(space.settings, stage)
    found = [
        training.model_copy(update=dict(zip((k.key.split(".")[1] for k in own), values, strict=True)))
        for values in itertools.product(*(_values(knob) for knob in own))
    ]
    longest = max(schedule.epochs for schedule in found)
    return sorted(found, key=lambda one: [rate(one, epoch) for epoch in range(1, longest + 1)])


def _values(knob: Knob) -> Sequence[object]:
    """All values, or a few that stand for a range."""
    if knob.values is not None:
        return knob.values
    if knob.integer:
        low, high = int(knob.low), int(knob.high)
        return range(low, high + 1, max(1, (high - low) // CAP))
    return knob.probes()
