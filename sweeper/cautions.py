"""What a space may say and yet probably does not mean."""

from collections.abc import Iterator, Sequence
from typing import Final

from sweeper.knobs import Knob
from sweeper.settings import SpaceFile
from trainables.recipe import Teacher, Training
from trainables.schedule import plateau_ends

_SIZES: Final = {"macs", "params", "percent_cut"}


def cautions(settings: SpaceFile, knobs: Sequence[Knob]) -> Iterator[str]:
    """One line each, for the user to read before the sweep starts."""
    searched = {knob.key for knob in knobs}
    metrics = {metric for metric, _ in settings.objective.directions}
    if "prune.percent" in searched and not (metrics | settings.constraints.keys()) & _SIZES:
        mend = 'add constraints: {macs: "<= 0.5"} or objective minimize: macs'
        yield f"accuracy alone is won by pruning least: {mend}"
    for knob in knobs:
        if knob.values is None and knob.key.startswith("sparsity."):
            mend = "no two trials share a sparsity training; add points"
            yield f"search.{knob.key} has endlessly many values: {mend}"
    for stage in ("teacher", "sparsity", "finetune"):
        training = getattr(settings, stage)
        schedule = {f"{stage}.{key}" for key in ("epochs", "warmup", "decay_every")}
        if training is not None and not schedule & searched and _never_drops(training):
            first = f"first drop after warmup {training.warmup} + decay_every {training.decay_every}"
            yield f"{stage}: the rate never drops in {training.epochs} epochs ({first})"


def _never_drops(training: Training) -> bool:
    """Whether it is trained, and all of it at the full rate."""
    loaded = isinstance(training, Teacher) and training.checkpoint is not None
    return not loaded and not plateau_ends(training)
