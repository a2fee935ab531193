"""What the teachers of a sweep look at, how long that takes, and whether tables can keep their answers."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from sweeper.bench import Bench
from sweeper.foreseen import Foreseen
from trainables.addresses import batch_size, teacher_address
from trainables.data.augment import centre
from trainables.data.batches import Batch, images_used
from trainables.place import GIGABYTE
from trainables.recipe import Recipe
from trainables.stages.answers import contents
from trainables.stages.teacher import TEACHER_BATCH, LiveTeacher
from trainables.table_room import refusal
from trainables.upkeep import TABLES

TIMED = 2
"""Steps of a teacher that its time is told from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TeacherWork:
    """Views of images that are looked at for distilled epochs, and the seconds of one process for them."""

    views_alone: int = 0
    """If every trial ran by itself, with a live teacher."""
    seconds_alone: float = 0.0
    views_shared: int = 0
    """Distinct ones, about; without tables those of all epochs that are trained."""
    seconds_shared: float = 0.0
    macs_alone: int = 0
    """Multiply-accumulates of the views."""
    macs_shared: int = 0
    table_gb: float = 0.0
    """Of full tables."""
    live: str = ""
    """Why there is no table; "" where there is, or nothing is distilled."""


def teacher_work(trials: Sequence[Foreseen], bench: Bench, store: Path, max_gb: float) -> TeacherWork:
    """What the teachers of these trials have to do.

    The number of distinct views is the expected one: an epoch that shows n of the N views of all images, and
    differs from the others in seed, stage or number, leaves each unseen with the chance 1 - n/N.
    """
    place = bench.place
    images, seen = len(place.images.labels), set[str]()
    looks: dict[str | None, _Looks] = {}
    for trial in trials:
        recipe = trial.recipe
        if not recipe.needs_teacher:
            continue
        one = looks.setdefault(
            teacher_address(recipe, place.identity, place.arithmetic), _Looks(recipe=recipe)
        )
        for segment in trial.segments:
            if not segment.rates or recipe.kd_of(segment.stage) == "none":
                continue
            used = _used(recipe, segment.stage, images)
            one.alone += used * len(segment.rates)
            one.shared += used * len(set(segment.addresses[1:]) - seen)
            seen.update(segment.addresses[1:])
            for epoch in range(segment.behind, segment.behind + len(segment.rates)):
                one.epochs[recipe.seed, segment.stage, epoch] = used
    live = next(iter(without_tables((one.recipe for one in looks.values()), bench, store, max_gb)), "")
    views_alone, views_shared, seconds_alone, seconds_shared, size = 0, 0, 0.0, 0.0, 0
    macs_alone = macs_shared = 0
    for one in looks.values():
        assert one.recipe.teacher is not None
        teacher = bench.teacher(one.recipe.teacher)
        held = contents(one.recipe, teacher, place)
        shared = one.shared
        if not live:
            unseen = math.prod(1 - used / held.entries for used in one.epochs.values())
            shared = round(held.entries * (1 - unseen))
            size += held.bytes
        each = seconds_per_view(teacher, bench)
        macs = teacher.macs(place.data.image)
        macs_alone, macs_shared = macs_alone + one.alone * macs, macs_shared + shared * macs
        views_alone, seconds_alone = views_alone + one.alone, seconds_alone + one.alone * each
        views_shared, seconds_shared = views_shared + shared, seconds_shared + shared * each
    return TeacherWork(
        views_alone=views_alone,
        seconds_alone=seconds_alone,
        views_shared=views_shared,
        seconds_shared=seconds_shared,
        macs_alone=macs_alone,
        macs_shared=macs_shared,
        table_gb=size / GIGABYTE,
        live=live,
    )


@dataclass(kw_only=True, slots=True)
class _Looks:
    """Of one teacher."""

    recipe: Recipe
    """One that has it."""
    epochs: dict[tuple[int, str, int], int] = field(default_factory=dict)
    """Distilled epochs that look at different views, (seed, stage, number) -> so many."""
    alone: int = 0
    """Views, were nothing shared."""
    shared: int = 0
    """Views, were only epochs shared."""


def _used(recipe: Recipe, stage: str, images: int) -> int:
    """Images of an epoch."""
    training = recipe.training(stage)
    assert training is not None
    return images_used(images, batch_size=batch_size(training, recipe), drop_last=training.drop_last)


def without_tables(recipes: Iterable[Recipe], bench: Bench, store: Path, max_gb: float) -> list[str]:
    """Why the teachers of some recipes answer live; each reason once.

    Args:
        recipes: whose.
        bench: what stands in for the teachers.
        store: where the tables would be; need not exist.
        max_gb: limit of the store.
    """
    found: dict[str, None] = {}
    for recipe in recipes:
        if not recipe.needs_teacher or recipe.teacher is None:
            continue
        if recipe.teacher.table == "none":
            found["teacher.table is none"] = None
            continue
        held = contents(recipe, bench.teacher(recipe.teacher), bench.place)
        reason = refusal(held, store / TABLES, max_bytes=int(max_gb * GIGABYTE))
        if reason:
            found[f"for the teacher's table there is no room: {reason}"] = None
    return list(found)


def seconds_per_view(teacher: LiveTeacher, bench: Bench) -> float:
    """How long a teacher looks at an image here, in its own steps."""
    images = bench.place.images
    rows = torch.arange(TEACHER_BATCH, device=images.pixels.device) % len(images.labels)
    views = torch.full_like(rows, centre(images.pad, images.flip))
    batch = Batch(images.pixels[rows], images.labels[rows], rows, views)
    teacher.logits(batch).cpu()  # the first step chooses kernels and gets memory
    began = time.perf_counter()
    for _ in range(TIMED):
        teacher.logits(batch).cpu()
    return (time.perf_counter() - began) / (TIMED * TEACHER_BATCH)
