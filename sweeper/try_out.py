"""Before the trials: images and teachers are there and fit each other, and settings reach the training."""

from dataclasses import dataclass
from pathlib import Path

from sweeper.ahead import Ahead
from sweeper.resources import check_files, gpus_per_trial
from sweeper.space import Space


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What trying a space out has shown."""

    ahead: Ahead
    """What is known of its trials before they begin."""
    warnings: tuple[str, ...]
    """Of teachers whose answers can't be kept, and of disks that may be too small."""


def try_out(
    space: Space, store: Path | None, *, prove: bool, joined: bool = False, out: Path | None = None
) -> Tried:
    """Read the images and the networks of a space.

    Args:
        space: which.
        store: where a teacher's answers would be kept.
        prove: train a few steps, too.
        out: where the run folder will be made: whether all fits on the disks is foreseen; None: it is not.
        joined: of what is seen ahead, students are trained on the validation images too.

    Raises:
        InputError: a file or data set is missing or does not fit.
        TrainingFailedError: a setting does nothing.
    """
    check_files(space)
    from sweeper.bench import Bench, quiet
    from sweeper.canary import canary, samples
    from sweeper.foreseen import foresee
    from sweeper.room import may_be_tight, too_little_room
    from sweeper.teacher_work import without_tables
    from trainables.arithmetic import describe, pick_device
    from trainables.data.dataset import trained_on_all
    from trainables.place import identity
    from trainables.store import state_file

    bench = Bench.of(space)
    if prove:
        canary(space, bench)
    reasons: list[str] = []
    if store is not None:
        recipes = [space.recipe(params) for params in samples(space)]
        reasons = without_tables(recipes, bench, store, space.settings.store.max_gb)
    warnings = [f"the teacher answers live in every distilled epoch: {reason}" for reason in reasons]
    if out is not None and may_be_tight(space, store=store, out=out):
        with quiet():
            warnings += too_little_room(space, foresee(space, bench.place), store=store, out=out)
    resources = space.settings.resources
    arithmetic = describe(threads=resources.cpus_per_trial, device=pick_device(gpus_per_trial(resources)))
    return Tried(
        ahead=Ahead(
            identity=identity(trained_on_all(bench.place.data)) if joined else bench.place.identity,
            taught=bench.place.identity,
            arithmetic=arithmetic,
            stored=lambda address: store is not None and state_file(store, address).exists(),
        ),
        warnings=tuple(warnings),
    )
