"""The pipeline as a Ray Tune trainable: sparsity training, pruning and finetuning, one record a step. Thin.

A step raises only where there was no memory, so that a new process begins the trial again, with all of its memory free;
else an actor would be lost for nothing. It never blocks: while another worker trains the epoch that this one needs, it
returns a ``waiting`` record. Workers are reused: ``reset_config`` ends one recipe and begins the next.
Settings and records travel as JSON text, since Ray takes nested results apart.
"""

import errno
import json
import os
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import torch
from ray.tune import Trainable

from trainables.errors import DISK_FULL, InputError, TrainingFailedError
from trainables.ledger import Ledger, with_lines
from trainables.memory import keep_freed_memory
from trainables.pipeline import run
from trainables.place import Place
from trainables.pulse import PULSE
from trainables.recipe import Recipe
from trainables.warnings_file import keep_warnings

NO_MEMORY: Final = (
    "can't allocate memory",
    "bad_alloc",
    "could not create a primitive",
    "could not create a memory",
)
"""What torch on the CPU, C++ and oneDNN say, in a plain RuntimeError."""


class Pipeline(Trainable):  # type: ignore[misc]  # ray has no types
    """One trial.

    ``config`` holds its number ``trial``, whether its end is measured on the test set (``test``) and, as JSON
    text, ``recipe`` and ``place``.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Begin the first recipe."""
        keep_freed_memory()
        self.records: Generator[dict[str, Any], None, object] | None = None
        self.begun = False
        self.settings = config

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin the next recipe in the same process."""
        self.cleanup()
        self.settings = new_config
        self.begun = False
        return True

    def step(self) -> dict[str, Any]:
        """The pipeline's next record, under ``record``.

        Raises:
            MemoryError: there was no memory; says in one line what found that.
        """
        if not self.begun:
            self.begun = True
            ledger = json.loads(self.settings["place"])["ledger"]
            pulse = None if ledger is None else str(PULSE.begin(Ledger(Path(ledger)).file))
            return {"record": json.dumps({"kind": "begin", "pid": os.getpid(), "pulse": pulse})}
        try:
            if self.records is None:
                self.records = records_of(self.settings)
            record = next(self.records)
        except (TrainingFailedError, InputError) as error:
            record = {"kind": "failed", "reason": str(error)}
        except Exception as error:  # whatever a user's network raises is the trial's fault, not the sweep's
            reason = _one_line(error)
            if _out_of_memory(error):
                raise MemoryError(reason) from None
            fatal = isinstance(error, OSError) and error.errno in DISK_FULL
            record = {"kind": "failed", "reason": reason, "fatal": fatal}
        return {"record": json.dumps(record), "done": record["kind"] in ("done", "failed")}

    def cleanup(self) -> None:
        """Close what is under way."""
        if self.records is not None:
            self.records.close()
        self.records = None


def records_of(settings: dict[str, Any]) -> Generator[dict[str, Any], None, object]:
    """The records of one trial."""
    given = json.loads(settings["place"])
    store, ledger, directory = given.pop("store"), given.pop("ledger"), given.pop("directory", None)
    if directory is not None:  # where relative paths begin; what is not there is said when it is read
        with suppress(OSError):
            os.chdir(directory)
    if (warnings := given.pop("warnings", None)) is not None:
        keep_warnings(Path(warnings))
    recipe = Recipe.model_validate_json(settings["recipe"])
    place = Place.prepare(
        recipe.data,
        store=None if store is None else Path(store),
        ledger=None if ledger is None else Path(ledger),
        carried=ledger is None,
        keep={stage: frozenset(epochs) for stage, epochs in given.pop("keep").items()},
        trial=settings["trial"],
        seen=recipe.seen,
        **given,
    )
    records = run(recipe, place, test=settings["test"])
    return with_lines(records, place.ledger) if ledger is None else records


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _out_of_memory(error: BaseException) -> bool:
    """Whether there was no memory, as far as the error tells."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(some in str(error) for some in NO_MEMORY)
