"""One configuration, without Ray: the same pipeline, the same bits, and the network on disk."""

import platform
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.files import write_text
from analysis.records import TRIALS, write_json
from sweeper.errors import CannotFinishError, InterruptedSweepError
from sweeper.folder import make
from sweeper.resources import check_files, fitting_workers, gpus_per_trial
from sweeper.space import Space
from trainables.canonical import canonical
from trainables.errors import InputError, TrainingFailedError
from trainables.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

    from trainables.place import Place
    from trainables.stages.training import Position

NETWORK = "network.safetensors"
CONFIG = "config.yaml"
RESULT = "result.json"

Say = Callable[[dict[str, Any], Recipe], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What a training led to."""

    folder: Path
    metrics: dict[str, Any]
    epochs_trained: int
    """Of the student; the teacher's are not counted."""
    epochs_reused: int


def train(space: Space, *, out: Path, store: Path | None, say: Say) -> Trained:
    """Run the configuration to its end and write the network; what an earlier training wrote is replaced.

    Args:
        space: a file without a search.
        out: where the run's folder goes.
        store: the shared states; None: train everything anew.
        say: is told every record.

    Raises:
        InputError: the file has a search, its folder is a sweep's, or something is missing or does not fit.
        CannotFinishError: the training broke down, or the disk is full.
        InterruptedSweepError: the user stopped it.
    """
    if space.knobs:
        raise InputError(
            f"{space.file}: search: train takes one configuration, "
            f"got a search over {len(space.knobs)} settings. Use sweeper run, or a best.yaml."
        )
    folder = out / space.name
    if (folder / TRIALS).exists():
        raise InputError(f"{folder}: is a sweep's run folder. Give --name another name.")
    fitting_workers(space.settings.resources)
    check_files(space)
    from trainables.memory import keep_freed_memory
    from trainables.pipeline import run

    keep_freed_memory()
    recipe = space.recipe({})
    place = _place(space, store, lambda text: say({"kind": "warning", "text": text}, recipe))
    make(folder, option="--out")
    try:
        trained, network = _told(run(recipe, place, test=True), folder, recipe, say)
        _write(space, recipe, place, trained, network)
    except TrainingFailedError as error:
        raise CannotFinishError(f"{space.file}: {error}.") from error
    except OSError as error:
        where, why = error.filename or folder, error.strerror or error
        raise CannotFinishError(f"{where}: {why}. Free space, or give --out and --store.") from error
    except KeyboardInterrupt:
        kept = "nothing of it was kept" if store is None else "the same command goes on from the last epoch"
        raise InterruptedSweepError(f"interrupted: {kept}.") from None
    return trained


def _place(space: Space, store: Path | None, warn: Callable[[str], None]) -> "Place":
    """Where it runs, after a look at the images and the teacher, so that nothing is written in vain."""
    from sweeper.bench import Bench
    from sweeper.teacher_work import without_tables
    from trainables.place import Place

    settings, gpus = space.settings, gpus_per_trial(space.settings.resources)
    bench = Bench.of(space, gpus=gpus)
    if store is not None:
        make(store, option="--store")
        for reason in without_tables([space.recipe({})], bench, store, settings.store.max_gb):
            warn(f"the teacher answers live in every distilled epoch: {reason}")
    return Place.prepare(
        settings.data,
        store=store,
        max_gb=settings.store.max_gb,
        threads=settings.resources.cpus_per_trial,
        gpus=gpus,
        seen=space.settings.seen,
    )


def _told(
    records: Generator[dict[str, Any], None, "Position"], folder: Path, recipe: Recipe, say: Say
) -> tuple[Trained, "nn.Module"]:
    """Run to the end, saying every record."""
    counts = {"epoch": 0, "reused": 0}
    metrics: dict[str, Any] = {}
    while True:
        try:
            record = next(records)
        except StopIteration as end:
            trained = Trained(
                folder=folder, metrics=metrics, epochs_trained=counts["epoch"], epochs_reused=counts["reused"]
            )
            return trained, end.value.network
        if record.get("stage") != "teacher" and record["kind"] in counts:
            counts[record["kind"]] += len(record.get("epochs", (None,)))
        if record["kind"] == "done":
            metrics = record["metrics"]
        say(record, recipe)


def _write(space: Space, recipe: Recipe, place: "Place", trained: Trained, network: "nn.Module") -> None:
    """The network with all that is needed to use it, and beside it what led to it."""
    from trainables.checkpoints import save

    about = {
        "recipe": canonical(recipe),
        "metrics": trained.metrics,
        "arithmetic": dict(place.arithmetic),
        "data": place.identity.address,
        "classes": list(place.data.class_names),
    }
    save(trained.folder / NETWORK, network.cpu(), metadata=about)
    write_text(trained.folder / CONFIG, space.text())
    write_json(trained.folder / RESULT, {"format": 1, "host": platform.node(), **about})
