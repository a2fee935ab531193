"""Whether this machine has what a space asks for: cores, GPUs, files. Answered before torch is loaded."""

import os
from collections.abc import Iterator
from pathlib import Path

from sweeper.settings import Resources
from sweeper.space import NETWORKS, Space
from trainables.data.raw import existing
from trainables.errors import InputError


def cpus_here() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus_here() -> int:
    """GPUs of this machine, as Ray counts them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([part for part in visible.split(",") if part.strip() not in ("", "-1")])
    return len(list(Path("/proc/driver/nvidia/gpus").glob("*")))


def gpus_per_trial(resources: Resources) -> float:
    """GPUs of one trial; auto: one where there are any."""
    if resources.gpus_per_trial == "auto":
        return 1.0 if gpus_here() else 0.0
    return resources.gpus_per_trial


def fitting_workers(resources: Resources) -> int:
    """How many trials run at a time on this machine.

    Raises:
        InputError: not even one fits, or fewer than ``resources.workers``.
    """
    cpus, gpus, share = cpus_here(), gpus_here(), gpus_per_trial(resources)
    if resources.cpus_per_trial > cpus:
        raise InputError(
            f"resources.cpus_per_trial: at most the {cpus} cores of this machine, "
            f"got {resources.cpus_per_trial}. Set it to {cpus} or less."
        )
    if share > gpus:
        raise InputError(
            f"resources.gpus_per_trial: at most the {gpus} GPUs of this machine, got {share:g}. "
            "Set it to auto, or to what there is."
        )
    fits = cpus // resources.cpus_per_trial
    if share:
        fits = min(fits, _fitting_gpus(gpus, share))
    if resources.workers is not None and resources.workers > fits:
        raise InputError(
            f"resources.workers: at most {fits} trials fit on this machine, got {resources.workers}. "
            "Set it lower, or leave it out."
        )
    return resources.workers or fits


def _fitting_gpus(gpus: int, share: float) -> int:
    """Trials that fit on GPUs: a share below one is of a single GPU."""
    return gpus * int(1 / share + 1e-9) if share <= 1 else int(gpus / share)


def check_files(space: Space) -> None:
    """The images' path and the teachers' checkpoints are there; whether they fit is seen when they are read.

    Raises:
        InputError: one is not.
    """
    data = space.settings.data
    if data.path is not None and not data.download:
        try:
            existing(Path(data.path))
        except InputError as error:
            raise InputError(f"{space.file}: {error}") from None
    for key, file in files(space):
        if not Path(file).is_file():
            raise InputError(
                f'{space.file}: {key}: no such file, got "{file}". Put it there, or name it: --set {key}=PATH.'
            )


def files(space: Space) -> Iterator[tuple[str, str]]:
    """(setting, file) of every network that a trial may load."""
    for key in NETWORKS:
        knob = next((knob for knob in space.knobs if knob.key == key), None)
        for file in (space.fixed.get(key),) if knob is None else knob.values or ():
            if file is not None:
                yield key, str(file)


def checkpoints(space: Space) -> Iterator[str]:
    """The file of every teacher that a trial may load."""
    return (file for key, file in files(space) if key == "teacher.checkpoint")
