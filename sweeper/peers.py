"""Which trials are alike enough to be compared while they train."""

from collections.abc import Sequence

from sweeper.asha import ranked_by
from sweeper.knobs import Knob
from sweeper.settings import SpaceFile

_CHANGE_NETWORK = (
    "model",
    "prune.percent",
    "prune.keep_macs",
    "prune.keep_params",
    "prune.method",
    "prune.scope",
    "prune.like",
    "prune.protect_share",
)


def compared_within(settings: SpaceFile, knobs: Sequence[Knob]) -> tuple[str, ...]:
    """The settings whose values two trials must have in common to be compared by ASHA.

    Unless ``sweep.asha.compare_within`` names them: the searched ones among the last stage's ``kd`` and the start,
    since a distilled network or one from scratch is slower, not worse, and what changes MACs, unless networks are
    ranked by their size too.
    """
    assert settings.sweep is not None
    assert settings.sweep.asha is not None
    if settings.sweep.asha.compare_within is not None:
        return tuple(settings.sweep.asha.compare_within)
    slower = (f"{settings.last_stage}.kd", "finetune.start")
    within = slower if len(ranked_by(settings)) > 1 else (*slower, *_CHANGE_NETWORK)
    return tuple(knob.key for knob in knobs if knob.key in within)
