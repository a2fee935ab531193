"""What a sweep would cost, before it starts: epochs alone and shared, hours, disk, peers at each rung."""

import json
import logging
import random
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from sweeper import asha
from sweeper.keep import branch_points
from sweeper.knobs import Params
from sweeper.run import check_files, fitting_workers
from sweeper.settings import violation
from sweeper.space import Space, compare_within, last_stage
from trainables.addresses import (
    Segment,
    batch_size,
    chain,
    distillation_weights,
    teacher_address,
    teacher_segment,
)
from trainables.errors import InputError
from trainables.fit import Distillation, Task, TrainingImages, sgd, train_epoch
from trainables.losses import LOSSES
from trainables.place import Place
from trainables.recipe import Recipe, Sparsity, Training

TIMED_STEPS = 12
"""Steps that an epoch's time is told from, where an epoch has more."""
SECONDS_PER_TRIAL = 0.2
"""What Ray adds to a trial with a reused worker."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The cost of a sweep in which no trial is stopped early; with ASHA it is less."""

    name: str
    points: int | None
    """Distinct points of the space; None where a setting has a range."""
    trials: int
    sampler: str
    workers: int
    infeasible: int
    """Simulated trials outside a constraint on macs or params; they end after the cut."""
    epochs_alone: int
    """Student epochs if every trial ran by itself."""
    epochs_shared: int
    """Student epochs when equal ones are trained once."""
    teacher_epochs_alone: int
    teacher_epochs_shared: int
    seconds_per_epoch: dict[str, float]
    """Of each kind of epoch, measured now on this machine, one process."""
    hours_alone: float
    hours_shared: float
    disk_gb: float
    free_gb: float
    store_limit_gb: float
    rungs: dict[str, list[int]]
    """Rung -> distinct networks that can be expected at each group of like trials."""
    min_peers: int | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trial:
    params: Params
    recipe: Recipe
    segments: tuple[Segment, ...]
    teacher: Segment | None
    fits: bool


def plan(space: Space, store: Path) -> Plan:
    """Count and time a sweep without running it; TPE's points are stood in for by random ones.

    Raises:
        InputError: the file has no sweep, or the machine does not have what a trial asks for.
    """
    sweep = space.settings.sweep
    if sweep is None:
        raise InputError(
            f"{space.file}: sweep: is required to plan one. Add sweep: {{trials: 24}} and a search."
        )
    workers = fitting_workers(space.settings.resources)
    check_files(space)
    logging.getLogger("trainables").setLevel(
        logging.ERROR
    )  # untrained networks are cut here, which is not news
    place = Place.prepare(space.settings.data, store=None, threads=space.settings.resources.cpus_per_trial)
    sizes = _Sizes(space, place)
    trials = [_trial(space, params, place, sizes) for params in _points(space)]
    kinds = _kinds(trials)
    seconds = {kind: _time(trial, kind, place) for kind, trial in kinds.items()}
    alone, shared = _student(trials, seconds), _student(trials, seconds, unique=True)
    teacher_alone, teacher_shared = _teacher(trials, seconds), _teacher(trials, seconds, unique=True)
    engine = SECONDS_PER_TRIAL * len(trials)
    hours = [
        (student[1] + teacher[1] + engine) / workers / 3600
        for student, teacher in ((alone, teacher_alone), (shared, teacher_shared))
    ]
    disk = _disk(space, trials, sizes)
    rungs = _rungs(space, trials)
    free = shutil.disk_usage(_existing(store)).free / 1e9
    return Plan(
        name=space.name,
        points=sum(1 for _ in space.points()) if space.finite else None,
        trials=len(trials),
        sampler=sweep.sampler,
        workers=workers,
        infeasible=sum(not trial.fits for trial in trials),
        epochs_alone=alone[0],
        epochs_shared=shared[0],
        teacher_epochs_alone=teacher_alone[0],
        teacher_epochs_shared=teacher_shared[0],
        seconds_per_epoch={kind: round(value, 3) for kind, value in seconds.items()},
        hours_alone=hours[0],
        hours_shared=hours[1],
        disk_gb=disk,
        free_gb=free,
        store_limit_gb=space.settings.store.max_gb,
        rungs=rungs,
        min_peers=sweep.asha.min_peers if sweep.asha else None,
        warnings=(*space.warnings, *_warnings(space, rungs, min(disk, space.settings.store.max_gb), free)),
    )


def _points(space: Space) -> Iterator[Params]:
    sweep = space.settings.sweep
    assert sweep is not None
    if sweep.sampler == "grid":
        for number, params in enumerate(space.points()):
            if sweep.trials is None or number < sweep.trials:
                yield params
        return
    rng = random.Random(sweep.seed)
    for _ in range(sweep.trials or 0):
        yield space.draw(rng)


class _Sizes:
    """Parameters and MACs of the student after a cut, from an untrained network: near, not exact."""

    def __init__(self, space: Space, place: Place) -> None:
        self.space, self.place = space, place
        self._known: dict[tuple[str, float], dict[str, float]] = {}

    def of(self, recipe: Recipe) -> dict[str, float]:
        from trainables.counting import complexity
        from trainables.stages.sparsity import start

        percent = recipe.prune.percent if recipe.prune else 0.0
        key = (recipe.model, percent)
        if key not in self._known:
            whole = start(recipe, self.place).network
            image = self.place.data.image
            before, after = complexity(whole, image=image), complexity(_cut(whole, percent), image=image)
            self._known[key] = {
                "macs": after.macs,
                "params": after.params,
                "macs_unpruned": before.macs,
                "params_unpruned": before.params,
                "percent_cut": percent,
            }
        return self._known[key]


def _cut(network: Any, percent: float) -> Any:
    """An untrained network with a share of its channels cut at random: all scales are equal before training."""
    import torch
    from torch import nn

    from trainables.pruning import prune

    rng = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            with torch.no_grad():
                layer.weight.copy_(torch.rand(layer.weight.shape, generator=rng) + 0.1)
    return prune(network, percent)


def _trial(space: Space, params: Params, place: Place, sizes: _Sizes) -> _Trial:
    recipe = space.recipe(params)
    address = teacher_address(recipe, place.identity, place.arithmetic)
    segments = chain(recipe, data=place.identity, arithmetic=place.arithmetic, teacher=address)
    size = sizes.of(recipe)
    fits = all(
        violation(bound, metric, size[metric], size.get(f"{metric}_unpruned")) <= 0
        for metric, bound in space.settings.constraints.items()
        if metric in size
    )
    if not fits and recipe.prune is not None:
        segments = tuple(segment for segment in segments if segment.stage != "finetune")
    trained = recipe.teacher is not None and recipe.teacher.checkpoint is None
    distils = any(recipe.kd_of(segment.stage) != "none" for segment in segments if segment.rates)
    teacher = teacher_segment(recipe, place.identity, place.arithmetic) if trained and distils else None
    return _Trial(params=params, recipe=recipe, segments=segments, teacher=teacher, fits=fits)


def _kind(trial: _Trial, stage: str) -> str:
    kd = trial.recipe.kd_of(stage) if stage in ("sparsity", "finetune") else "none"
    return stage if kd == "none" else f"{stage} with {kd}"


def _kinds(trials: Sequence[_Trial]) -> dict[str, _Trial]:
    """Each kind of epoch with a trial of middling size that has it."""
    found: dict[str, list[_Trial]] = {}
    for trial in trials:
        for segment in trial.segments:
            if segment.rates:
                found.setdefault(_kind(trial, segment.stage), []).append(trial)
        if trial.teacher is not None:
            found.setdefault("teacher", []).append(trial)

    def percent(trial: _Trial) -> float:
        return trial.recipe.prune.percent if trial.recipe.prune else 0.0

    return {kind: sorted(those, key=percent)[len(those) // 2] for kind, those in found.items()}


def _time(trial: _Trial, kind: str, place: Place) -> float:
    """Seconds of an epoch of a kind, from its first steps."""
    from trainables.models import Architecture, build
    from trainables.stages.sparsity import start
    from trainables.stages.teacher import LiveTeacher, loaded

    recipe, stage = trial.recipe, kind.split(" ")[0]
    training: Training = getattr(recipe, stage)
    size, count = batch_size(training, recipe), len(place.images.labels)
    steps = max(1, count // size)
    timed = min(steps, TIMED_STEPS)
    few: TrainingImages = replace(
        place.images,
        padded=place.images.padded[: timed * size].contiguous(),
        labels=place.images.labels[: timed * size],
    )

    def teacher_network() -> Any:
        assert recipe.teacher is not None
        if recipe.teacher.checkpoint is not None:
            return loaded(recipe.teacher.checkpoint, recipe.teacher.model, place.identity)
        assert recipe.teacher.model is not None
        identity = place.identity
        return build(
            Architecture(model=recipe.teacher.model, classes=identity.classes, channels=identity.channels),
            seed=0,
        )

    task = Task(stage=stage, seed=0, batch_size=size, drop_last=False)
    if stage == "teacher":
        network = teacher_network()
    else:
        network = start(recipe, place).network
        if stage == "finetune" and recipe.prune is not None:
            network = _cut(network, recipe.prune.percent)
        if isinstance(training, Sparsity):
            task = replace(task, s=training.s, on=training.on)
        if recipe.kd_of(stage) != "none":
            tau, weight, ce_weight = distillation_weights(getattr(recipe, stage))
            part = Distillation(
                loss=LOSSES[recipe.kd_of(stage)].function,
                logits=LiveTeacher(teacher_network(), place).logits,
                tau=tau,
                weight=weight,
                ce_weight=ce_weight,
            )
            task = replace(task, distillation=part)
    optimizer = sgd(network, training)
    one = replace(few, padded=few.padded[:size].contiguous(), labels=few.labels[:size])
    train_epoch(
        network, optimizer, one, task, epoch=1, lr=1e-4
    )  # first step: kernels are chosen, memory is got
    began = time.perf_counter()
    train_epoch(network, optimizer, few, task, epoch=1, lr=1e-4)
    return (time.perf_counter() - began) * steps / timed


def _student(
    trials: Sequence[_Trial], seconds: dict[str, float], *, unique: bool = False
) -> tuple[int, float]:
    """(epochs, seconds) of the student stages of all trials, or of the distinct ones."""
    seen: set[str] = set()
    epochs, total = 0, 0.0
    for trial in trials:
        for segment in trial.segments:
            for address in segment.addresses[1:] if segment.rates else ():
                if unique and address in seen:
                    continue
                seen.add(address)
                epochs += 1
                total += seconds[_kind(trial, segment.stage)]
    return epochs, total


def _teacher(
    trials: Sequence[_Trial], seconds: dict[str, float], *, unique: bool = False
) -> tuple[int, float]:
    addresses = [address for trial in trials if trial.teacher for address in trial.teacher.addresses[1:]]
    epochs = len(set(addresses)) if unique else len(addresses)
    return epochs, epochs * seconds.get("teacher", 0.0)


def _disk(space: Space, trials: Sequence[_Trial], sizes: _Sizes) -> float:
    """Gigabytes of the states that are kept: weights and momentum in float32."""
    keep = branch_points(space)
    kept: dict[str, float] = {}
    for trial in trials:
        size = sizes.of(trial.recipe)
        for segment in trial.segments:
            params = size["params_unpruned"] if segment.stage == "sparsity" else size["params"]
            if not segment.rates:
                kept[segment.end] = params * 4
            for epoch in keep.get(segment.stage, []) if segment.rates else []:
                if epoch <= len(segment.rates):
                    kept[segment.addresses[epoch]] = params * 8
    return sum(kept.values()) / 1e9


def _rungs(space: Space, trials: Sequence[_Trial]) -> dict[str, list[int]]:
    sweep, stage = space.settings.sweep, last_stage(space.settings)
    assert sweep is not None
    if sweep.asha is None:
        return {}
    within = compare_within(space)
    peers: dict[str, dict[str, set[str]]] = {}
    for trial in trials:
        training: Training = getattr(trial.recipe, stage)
        segment = next((segment for segment in trial.segments if segment.stage == stage), None)
        for epoch in range(1, training.epochs) if segment else ():
            name = asha.rung(sweep.asha, training, epoch)
            if name is not None and segment is not None:
                group = asha.group("", within, {**space.fixed, **trial.params})
                peers.setdefault(name, {}).setdefault(group, set()).add(segment.addresses[epoch])
    return {name: sorted(len(found) for found in groups.values()) for name, groups in sorted(peers.items())}


def _warnings(space: Space, rungs: dict[str, list[int]], disk: float, free: float) -> list[str]:
    found = []
    sweep = space.settings.sweep
    assert sweep is not None
    if sweep.asha is not None and not any(
        n >= sweep.asha.min_peers for counts in rungs.values() for n in counts
    ):
        found.append(
            f"asha can stop nothing: no rung can expect {sweep.asha.min_peers} like networks; "
            "lower min_peers, narrow compare_within, or ask for more trials"
        )
    if disk > free * 0.9:
        found.append(f"the store may need {disk:.1f} GB, and {free:.1f} GB are free: lower store.max_gb")
    return found


def _existing(path: Path) -> Path:
    """The nearest folder that exists, whose disk it will be."""
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return path


def say_plan(planned: Plan, stream: TextIO, *, as_json: bool) -> None:
    """The plan, for people or as one JSON line."""
    if as_json:
        stream.write(json.dumps(asdict(planned)) + "\n")
        return
    saved = planned.epochs_alone / max(1, planned.epochs_shared)
    rows = [
        (
            "trials",
            f"{planned.trials} by {planned.sampler}, {planned.workers} at a time; "
            + (
                "endlessly many points"
                if planned.points is None
                else f"{planned.points:,} points in the space"
            ),
        ),
        (
            "epochs",
            f"{planned.epochs_alone:,} alone, {planned.epochs_shared:,} shared: {saved:.2f} times fewer",
        ),
    ]
    if planned.teacher_epochs_alone:
        rows.append(
            (
                "teacher",
                f"{planned.teacher_epochs_alone:,} epochs alone, {planned.teacher_epochs_shared:,} shared",
            )
        )
    rows += [
        (f"  {kind}", f"{seconds:.2f} s an epoch") for kind, seconds in planned.seconds_per_epoch.items()
    ]
    rows += [
        (
            "time",
            f"about {_duration(planned.hours_shared)} if no trial is stopped early "
            f"({_duration(planned.hours_alone)} without sharing)",
        ),
        (
            "disk",
            f"{planned.disk_gb:.2f} GB of kept states, limit {planned.store_limit_gb:g} GB, "
            f"{planned.free_gb:.0f} GB free",
        ),
    ]
    if planned.infeasible:
        rows.append(
            (
                "constraints",
                f"about {planned.infeasible} of {planned.trials} random points are outside; they end after the cut",
            )
        )
    for name, counts in planned.rungs.items():
        able = sum(count >= (planned.min_peers or 0) for count in counts)
        rows.append(
            (
                f"rung {name}",
                f"{statistics.median(counts):g} networks in a group (from {min(counts)} to {max(counts)}); "
                f"{able} of {len(counts)} groups reach min_peers {planned.min_peers}",
            )
        )
    width = max(len(name) for name, _ in rows) + 2
    stream.write(f"{planned.name}\n")
    for name, text in rows:
        stream.write(f"  {name:{width}}{text}\n")
    for warning in planned.warnings:
        stream.write(f"  warning: {warning}\n")


def _duration(hours: float) -> str:
    seconds = hours * 3600
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{hours:.1f} h"
