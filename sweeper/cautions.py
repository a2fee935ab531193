"""What a space may say and yet probably does not mean."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from sweeper.knobs import Knob
from sweeper.settings import SpaceFile
from trainables.checkpoints import metadata_of
from trainables.errors import DamagedFileError, InputError
from trainables.recipe import Teacher, Training
from trainables.schedule import every, held, plateau_ends

_CUTS: Final = {"prune.percent", "prune.keep_macs", "prune.keep_params"}
_SIZES: Final = {"macs", "params", "percent_cut"}


def cautions(settings: SpaceFile, knobs: Sequence[Knob]) -> Iterator[str]:
    """One line each, for the user to read before the sweep starts."""
    searched = {knob.key for knob in knobs}
    metrics = {metric for metric, _ in settings.objective.directions}
    if searched & _CUTS and not (metrics | settings.constraints.keys()) & _SIZES:
        mend = 'add constraints: {macs: "<= 0.5"} or objective minimize: macs'
        yield f"accuracy alone is won by pruning least: {mend}"
    for knob in knobs:
        if knob.values is None and knob.key.startswith("sparsity."):
            mend = "no two trials share a sparsity training; add points"
            yield f"search.{knob.key} has endlessly many values: {mend}"
    for stage in ("teacher", "sparsity", "finetune"):
        training = getattr(settings, stage)
        schedule = {
            f"{stage}.{key}" for key in ("epochs", "warmup", "warmup_share", "decay_every", "decay_share")
        }
        if training is not None and not schedule & searched and _never_drops(training):
            first = f"first drop after warmup {held(training)} + decay_every {every(training)}"
            yield f"{stage}: the rate never drops in {training.epochs} epochs ({first})"

    yield from _untrained_scales(settings, knobs)
    yield from _from_outside(settings)


def _untrained_scales(settings: SpaceFile, knobs: Sequence[Knob]) -> Iterator[str]:
    """A ranking by |γ| of a network as it was made, in which all are equal."""
    prune = settings.prune
    if prune is None or settings.sparsity is not None or settings.init is not None:
        return
    tried = {knob.key: knob.values or (knob.high,) for knob in knobs}
    percents = tried.get("prune.percent", (prune.percent,))
    if prune.probe is None and not prune.by_budget and not any(percents):
        return  # nothing is cut
    scopes = tried.get("prune.scope", (prune.scope,))
    rankings = (*tried.get("prune.method", (prune.method,)), *tried.get("prune.like", (prune.like,)))
    if "slimming" in rankings and "global" in scopes:
        cut = "slimming finds all scales equal and each layer is left with one channel or its protected share"
        yield f"prune: nothing is trained before the cut, so {cut}; add a sparsity section or prune.init"


def _from_outside(settings: SpaceFile) -> Iterator[str]:
    """Networks from files have seen images that the search decides on, or may have."""
    teacher = settings.teacher
    if teacher is not None and teacher.checkpoint is not None and _is_foreign(teacher.checkpoint):
        seen = "has seen the validation images if it was trained on all training images"
        yield f"the teacher {seen}, so accuracies of distilled networks may be flattered"
    if settings.seen:
        halves = "one half of the test set validates, the other half tests"
        yield f"the student comes from a network that has seen all training images: {halves}"


def _is_foreign(file: str) -> bool:
    """Whether it is there and says nothing of its data; one that is damaged is told when it is read."""
    with suppress(InputError, DamagedFileError):
        return Path(file).is_file() and not metadata_of(file)
    return False


def _never_drops(training: Training) -> bool:
    """Whether it is trained, and all of it at the full rate."""
    loaded = isinstance(training, Teacher) and training.checkpoint is not None
    return not loaded and not plateau_ends(training)
