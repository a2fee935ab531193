"""Where settings are tried out before anything is written: the images, and the teachers that there are."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sweeper.resources import checkpoints, files
from sweeper.space import Space
from trainables.damage import check_test_sets
from trainables.errors import DamagedFileError, InputError
from trainables.fit import Task
from trainables.place import Place
from trainables.recipe import Distilled, Recipe, Teacher
from trainables.stages.answers import LiveAnswers
from trainables.stages.distilled import distil
from trainables.stages.start import loaded
from trainables.stages.task import task_of
from trainables.stages.teacher import LiveTeacher, stand_ins


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """A place without a store, and what stands in it for teachers."""

    place: Place
    teacher: Callable[[Teacher], LiveTeacher]
    """The teacher of a checkpoint, or an untrained network where it has yet to be trained; each made once."""

    def task(self, recipe: Recipe, stage: str) -> Task:
        """How a stage trains, from what stands in for its teacher, with every image that it is given."""
        settings, part = recipe.training(stage), None
        if isinstance(settings, Distilled) and settings.kd != "none":
            assert recipe.teacher is not None
            teacher = self.teacher(recipe.teacher)
            answers = LiveAnswers(teacher, recipe.teacher, place=self.place, because="tried out")
            part = distil(settings, answers, macs=teacher.macs(self.place.data.image))
        return replace(task_of(recipe, stage, part), drop_last=False)

    @classmethod
    def of(cls, space: Space, *, gpus: float = 0.0) -> "Bench":
        """Read the images and the networks of a space.

        Args:
            space: whose.
            gpus: share of a GPU; 0: the CPU.

        Raises:
            InputError: a data set or a network is missing, or does not fit; it names the space's file.
            DamagedFileError: a file of ours that is not what was written.
        """
        settings = space.settings
        with _said_of(space.file):
            place = Place.prepare(
                settings.data,
                store=None,
                threads=settings.resources.cpus_per_trial,
                gpus=gpus,
                seen=settings.seen,
            )
            check_test_sets(settings.evaluate.test_sets, place.data)
            for key, file in files(space):
                section, _, name = key.partition(".")
                if name == "init":
                    begun = getattr(settings, section).model_copy(update={name: file})
                    loaded(settings.model_copy(update={section: begun}), place)
        bench = cls(place=place, teacher=stand_ins(place))
        for checkpoint in checkpoints(space):
            assert settings.teacher is not None
            with _said_of(f"{space.file}: teacher.checkpoint"):
                bench.teacher(settings.teacher.model_copy(update={"checkpoint": checkpoint}))
        return bench


@contextmanager
def quiet() -> Iterator[None]:
    """Untrained networks are cut inside, and what pruning would warn about is no news there."""
    log = logging.getLogger("trainables")
    usual = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(usual)


@contextmanager
def _said_of(where: str) -> Iterator[None]:
    """Name the place in the user's file before what is wrong."""
    try:
        yield
    except (InputError, DamagedFileError) as error:
        raise type(error)(f"{where}: {error}") from error
