"""Whether the machines have what a space asks for: cores, GPUs, files. Answered before torch is loaded."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeper.settings import Resources
from sweeper.space import NETWORKS, Space
from trainables.data.raw import existing
from trainables.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What trials can be given by one computer."""

    name: str
    """As people know it."""
    cpus: int
    gpus: int
    node: str = ""
    """Ray's name of it, in a cluster."""

    def fits(self, cpus: int, gpus: float) -> int:
        """How many trials of so many cores and GPUs run on it at a time; a share below one is of a single GPU."""
        if not gpus:
            return self.cpus // cpus
        fits = self.gpus * int(1 / gpus + 1e-9) if gpus <= 1 else int(self.gpus / gpus)
        return min(self.cpus // cpus, fits)


def this_machine() -> Machine:
    """The one that this process runs on."""
    return Machine(name="this machine", cpus=cpus_here(), gpus=gpus_here())


def cpus_here() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus_here() -> int:
    """GPUs of this machine, as Ray counts them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([part for part in visible.split(",") if part.strip() not in ("", "-1")])
    return len(list(Path("/proc/driver/nvidia/gpus").glob("*")))


def gpus_per_trial(resources: Resources, machines: Sequence[Machine] | None = None) -> float:
    """GPUs of one trial; auto: one where there are any.

    Args:
        resources: what the space says.
        machines: of the cluster; None: this one.
    """
    if resources.gpus_per_trial == "auto":
        return 1.0 if any(machine.gpus for machine in machines or [this_machine()]) else 0.0
    return resources.gpus_per_trial


def fitting_workers(resources: Resources, machines: Sequence[Machine] | None = None) -> int:
    """How many trials run at a time.

    Args:
        resources: what the space says.
        machines: of the cluster; None: this one.

    Raises:
        InputError: not even one fits, or fewer than ``resources.workers``.
    """
    found = machines or [this_machine()]
    where = "this machine" if machines is None else f"any of the cluster's {len(found)} nodes"
    cpus, share = max(machine.cpus for machine in found), gpus_per_trial(resources, machines)
    if resources.cpus_per_trial > cpus:
        raise InputError(
            f"resources.cpus_per_trial: at most the {cpus} cores of {where}, "
            f"got {resources.cpus_per_trial}. Set it to {cpus} or less."
        )
    gpus = max(machine.gpus for machine in found)
    if share > gpus:
        raise InputError(
            f"resources.gpus_per_trial: at most the {gpus} GPUs of {where}, got {share:g}. "
            "Set it to auto, or to what there is."
        )
    fits = sum(machine.fits(resources.cpus_per_trial, share) for machine in found)
    if not fits:
        raise InputError(
            f"resources: {resources.cpus_per_trial} cores and {share:g} GPUs of one node for a trial, "
            f"got no such node among the cluster's {len(found)}. Ask for less."
        )
    if resources.workers is not None and resources.workers > fits:
        place = "on this machine" if machines is None else "in this cluster"
        raise InputError(
            f"resources.workers: at most {fits} trials fit {place}, got {resources.workers}. "
            "Set it lower, or leave it out."
        )
    return resources.workers or fits


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


def needed(space: Space) -> list[str]:
    """Every file or folder that trials read, as the space names it."""
    settings = space.settings
    own = [settings.data.path] if settings.data.path is not None and not settings.data.download else []
    return [*own, *settings.evaluate.test_sets.folders.values(), *(file for _, file in files(space))]
