"""One configuration, without Ray: the same pipeline, the same bits, and the network on disk."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.files import write_text
from analysis.records import TRIALS, write_json
from sweeper.run import CannotFinishError, check_files, fitting_workers, gpus_per_trial
from sweeper.space import Space
from trainables.errors import InputError, TrainingFailedError
from trainables.recipe import Recipe, canonical

NETWORK = "network.safetensors"
RESULT = "result.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What a training led to."""

    folder: Path
    metrics: dict[str, Any]
    epochs_trained: int
    epochs_reused: int


def train(
    space: Space, *, out: Path, store: Path | None, say: Callable[[dict[str, Any], Recipe], None]
) -> Trained:
    """Run the configuration to its end and write the network.

    Args:
        space: a file without a search.
        out: where the run's folder goes.
        store: the shared states; None: train everything anew.
        say: is told every record.

    Raises:
        InputError: the file has a search, or its folder is a sweep's.
        CannotFinishError: the training broke down, or the disk is full.
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
    from trainables.checkpoints import save
    from trainables.pipeline import run
    from trainables.place import Place

    recipe = space.recipe({})
    counts = {"epoch": 0, "reused": 0}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = Place.prepare(
            recipe.data,
            store=store,
            max_gb=space.settings.store.max_gb,
            threads=space.settings.resources.cpus_per_trial,
            gpus=gpus_per_trial(space.settings.resources),
        )
        records = run(recipe, place, test=True)
        metrics: dict[str, Any] = {}
        while True:
            try:
                record = next(records)
            except StopIteration as end:
                network = end.value.network
                break
            if record.get("stage") != "teacher" and record["kind"] in counts:
                counts[record["kind"]] += len(record.get("epochs", (None,)))
            if record["kind"] == "done":
                metrics = record["metrics"]
            say(record, recipe)
        about = {
            "recipe": canonical(recipe),
            "metrics": metrics,
            "arithmetic": dict(place.arithmetic),
            "normalize": {"mean": list(place.images.mean), "std": list(place.images.std)},
            "classes": list(place.data.class_names),
        }
        save(folder / NETWORK, network.cpu(), metadata=about)
        write_text(folder / "config.yaml", space.text())
        write_json(folder / RESULT, {"format": 1, "host": platform.node(), **about})
    except TrainingFailedError as error:
        raise CannotFinishError(f"{space.file}: {error}.") from error
    except OSError as error:
        raise CannotFinishError(f"{folder}: {error.strerror or error}. Free space, or give --out.") from error
    return Trained(
        folder=folder, metrics=metrics, epochs_trained=counts["epoch"], epochs_reused=counts["reused"]
    )
