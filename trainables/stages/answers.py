"""A teacher's answers to the views of an epoch: from its table, or live. Both are the same to the bit."""

import logging
import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.addresses import TRAINING_CODE, teacher_address
from trainables.data.augment import gather, views
from trainables.data.batches import Batch
from trainables.fit import Answers, Pictures
from trainables.models import Architecture
from trainables.place import Place
from trainables.recipe import Recipe, Teacher
from trainables.stages.teacher import TEACHER_BATCH, LiveTeacher
from trainables.teacher_table import BLOCK, Contents, Table

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.2
"""Pause between two looks at rows that another process is filling."""
SAID_SECONDS = 1.0
"""A sign of life is given so often while rows are filled."""


class LiveAnswers:
    """The teacher looks at every batch anew."""

    def __init__(self, teacher: LiveTeacher, settings: Teacher, *, place: Place, because: str) -> None:
        """Nothing is looked at yet.

        Args:
            teacher: who answers.
            settings: its ``table`` says how answers are rounded.
            place: whose ledger says what was computed.
            because: why there is no table.
        """
        self.teacher, self.place, self.because = teacher, place, because
        self.half = settings.table == "float16"
        self._next: Pictures | None = None

    def prepare(self, pictures: Pictures) -> Iterator[None]:
        """Nothing to be got ready."""
        self._next = pictures
        yield from ()

    def logits(self, batch: Batch) -> Tensor:
        """Logits (B, classes) of a batch of B images; an epoch is written down with its first one."""
        if self._next is not None:
            about, self._next = self._next, None
            self.place.ledger.views(
                stage=about.stage,
                epoch=about.epoch,
                computed=len(about.rows),
                again=0,
                live=self.because,
                macs=len(about.rows) * self.teacher.macs(self.place.images.image),
                seconds=0.0,
                trial=self.place.trial,
            )
        answers = self.teacher.logits(batch)
        return answers.half().float() if self.half else answers


class TableAnswers:
    """Each view is looked at once, by whichever process needs it first; an epoch's answers are got beforehand."""

    def __init__(self, teacher: LiveTeacher, table: Table, *, place: Place) -> None:
        """Nothing is read yet."""
        self.teacher, self.table, self.place = teacher, table, place
        self._epoch: int | None = None
        self._answers = torch.empty(0)

    def logits(self, batch: Batch) -> Tensor:
        """Logits (B, classes) of a batch of B images of the epoch that was prepared."""
        return self._answers[batch.rows]

    def prepare(self, pictures: Pictures) -> Iterator[None]:
        """Read the answers to an epoch, and fill in those that are not in the table yet."""
        if self._epoch == pictures.epoch:
            return
        contents = self.table.contents
        rows, chosen = pictures.rows.numpy(), pictures.views.numpy()
        entries = rows * contents.views + chosen
        self.table.touch()
        found, there, _ = self.table.read(entries)
        left = _blocks(rows, np.flatnonzero(~there))
        said = time.monotonic()
        while left:
            busy = {}
            for block, some in left.items():
                with self.table.lock(block) as mine:
                    if mine:
                        found[some] = self._filled(entries[some], pictures)
                    else:
                        busy[block] = some
                if time.monotonic() - said > SAID_SECONDS:
                    yield
                    said = time.monotonic()
            if len(busy) == len(left):
                time.sleep(WAIT_SECONDS)
                yield
                said = time.monotonic()
            left = busy
        answers = torch.empty(contents.images, contents.classes)
        answers[pictures.rows] = torch.from_numpy(found).float()
        self._answers = answers.to(self.place.device)
        self._epoch = pictures.epoch

    def _filled(self, entries: NDArray[np.int64], pictures: Pictures) -> NDArray[np.floating]:
        """Rows (n, classes) of some entries; what is not there is computed now, under their block's lock."""
        found, there, damaged = self.table.read(entries)
        lacking = np.flatnonzero(~there)
        if not len(lacking):
            return found
        if damaged:
            log.warning("%s: %d rows are damaged; they are computed again", self.table.path, damaged)
        began = time.monotonic()
        found[lacking] = self._looked_at(entries[lacking])
        self.place.ledger.views(
            stage=pictures.stage,
            epoch=pictures.epoch,
            computed=len(lacking),
            again=damaged,
            live="",
            macs=len(lacking) * self.teacher.macs(self.place.images.image),
            seconds=time.monotonic() - began,
            trial=self.place.trial,
        )
        self.table.write(entries[lacking], found[lacking])
        return found

    def _looked_at(self, entries: NDArray[np.int64]) -> NDArray[np.floating]:
        """What the teacher says to views of images, (n, classes)."""
        images = self.place.images
        numbers = torch.from_numpy(entries).to(images.pixels.device)
        rows, chosen = numbers // self.table.contents.views, numbers % self.table.contents.views
        pixels = gather(images.pixels, rows, chosen, pad=images.pad, flip=images.flip)
        answers = self.teacher.logits(Batch(pixels, images.labels[rows], rows, chosen))
        return answers.cpu().numpy().astype(self.table.contents.dtype)


def answers_of(recipe: Recipe, teacher: LiveTeacher, place: Place) -> Answers:
    """How the recipe's teacher answers at a place: from its table, if there may be one and it has room."""
    settings = recipe.teacher
    assert settings is not None
    found = (
        "teacher.table is none"
        if settings.table == "none"
        else place.store.table(contents(recipe, teacher, place))
    )
    if isinstance(found, Table):
        return TableAnswers(teacher, found, place=place)
    return LiveAnswers(teacher, settings, place=place, because=found)


def contents(recipe: Recipe, teacher: LiveTeacher, place: Place) -> Contents:
    """What the table of a teacher holds for the images of a place."""
    settings, architecture = recipe.teacher, teacher.network.architecture
    assert settings is not None
    assert isinstance(architecture, Architecture)
    about = {
        "code": TRAINING_CODE,
        "batch": TEACHER_BATCH,
        "teacher": teacher_address(recipe, place.search.identity, place.arithmetic),
        "normalised": [architecture.mean, architecture.std],
        "data": place.identity.to_json(),
        "arithmetic": dict(place.arithmetic),
    }
    return Contents(
        about=about,
        images=len(place.images.labels),
        views=views(place.images.pad, place.images.flip),
        classes=place.identity.classes,
        precision="float16" if settings.table == "float16" else "float32",
    )


def _blocks(rows: NDArray[np.int64], positions: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Block -> those of ``positions`` whose images are in it."""
    blocks = rows[positions] // BLOCK
    return {int(block): positions[blocks == block] for block in np.unique(blocks)}
