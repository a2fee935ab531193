"""What a sweep would cost, before it starts: epochs alone and shared, hours, disk, peers at each rung."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sweeper import asha
from sweeper.bench import Bench, quiet
from sweeper.foreseen import Foreseen, confirmation, foresee
from sweeper.plan_budget import affordable
from sweeper.resources import check_files, fitting_workers, gpus_per_trial
from sweeper.room import free_bytes, kept, too_little_room
from sweeper.settings import Asha
from sweeper.space import Space, compare_within
from sweeper.teacher_work import TeacherWork, teacher_work
from sweeper.timing import seconds_per_epoch
from trainables.errors import InputError
from trainables.place import Place

COUNTED = 1_000_000
"""Points that are counted at most."""
SECONDS_PER_TRIAL = 0.08
"""What the engine adds to a trial, by ``benchmarks/engine.py``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The cost of a sweep in which no trial is stopped early; with ASHA it is less."""

    name: str
    points: int | None
    """Distinct points of the space, counted up to ``COUNTED``; None where a setting has a range."""
    trials: int
    limit: str | None
    """What allows so many, about, where it is not their own number."""
    counted: int
    """Trials that the figures below are of: all, or the first ``foreseen.MOST``."""
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
    macs_alone: float
    """Multiply-accumulates of the student's epochs and of what a live teacher looks at for them, about."""
    macs_shared: float
    """The same where equal epochs are trained once and a table keeps the teacher's answers, if it may."""
    seconds_per_epoch: dict[str, float]
    """Of each kind of epoch, measured now on this machine, one process; without the teacher's answers."""
    teacher: TeacherWork
    hours_alone: float
    hours_shared: float
    confirm_runs: int
    """Runs that confirm the search, at most; 0 where none are asked for. They are counted apart, epochs shared."""
    confirm_epochs: int
    confirm_hours: float
    disk_gb: float
    free_gb: float
    store_limit_gb: float
    rungs: dict[str, list[int]]
    """Rung -> distinct networks that can be expected at each group of like trials."""
    min_peers: int | None
    """Networks of a group of which one can be stopped: min_peers, and more than ``protect``; None without ASHA."""
    ranked_by: tuple[str, ...]
    """Metrics that rank the networks of a rung."""
    warnings: tuple[str, ...]


def plan(space: Space, store: Path) -> Plan:
    """Count and time a sweep without running it; TPE's points are stood in for by random ones.

    Raises:
        InputError: the file has no sweep, the machine does not have what a trial asks for, or a file or data
            set is missing or does not fit.
    """
    sweep, resources = space.settings.sweep, space.settings.resources
    if sweep is None:
        raise InputError(
            f"{space.file}: sweep: is required to plan one. Add sweep: {{trials: 24}} and a search."
        )
    workers = fitting_workers(resources)
    check_files(space)
    bench = Bench.of(space, gpus=gpus_per_trial(resources))
    images = len(bench.place.images.labels)
    with quiet():
        trials = foresee(space, bench.place)
        seconds = seconds_per_epoch(trials, bench)
        trials, until = affordable(
            trials, sweep, lambda one, seen: _cost([one], seconds, images, seen), workers=workers
        )
        teacher = teacher_work(trials, bench, store, space.settings.store.max_gb)
        confirm = confirmation(space, trials, bench.place)
        again_seconds = seconds_per_epoch(confirm, bench)
        again_taught = teacher_work(confirm, bench, store, space.settings.store.max_gb)
    alone, shared = (_cost(trials, seconds, images, seen) for seen in (None, set[str]()))
    again = _cost(confirm, again_seconds, images, set())
    disk, free = sum(kept(space, trials).values()) / 1e9, free_bytes(store) / 1e9
    limit = space.settings.store.max_gb
    rungs = _rungs(space, trials)
    points = sum(1 for _ in islice(space.points(), COUNTED)) if space.finite else None
    return Plan(
        name=space.name,
        points=points,
        trials=len(trials) if until else _asked(space, points),
        limit=until,
        counted=len(trials),
        sampler=sweep.sampler,
        workers=workers,
        infeasible=sum(not trial.fits for trial in trials),
        epochs_alone=alone.student,
        epochs_shared=shared.student,
        teacher_epochs_alone=alone.teacher,
        teacher_epochs_shared=shared.teacher,
        macs_alone=alone.macs + teacher.macs_alone,
        macs_shared=shared.macs + teacher.macs_shared,
        seconds_per_epoch={kind: round(value, 3) for kind, value in seconds.items()},
        teacher=teacher,
        hours_alone=(alone.seconds + teacher.seconds_alone) / workers / 3600,
        hours_shared=(shared.seconds + teacher.seconds_shared) / workers / 3600,
        confirm_runs=len(confirm),
        confirm_epochs=again.student,
        confirm_hours=(again.seconds + again_taught.seconds_shared)
        * _longer(space, bench.place)
        / workers
        / 3600,
        disk_gb=disk,
        free_gb=free,
        store_limit_gb=limit,
        rungs=rungs,
        min_peers=needed_peers(sweep.asha) if sweep.asha else None,
        ranked_by=tuple(metric for metric, _ in asha.ranked_by(space.settings)) if sweep.asha else (),
        warnings=(
            *space.warnings,
            *_warnings(space, rungs),
            *too_little_room(space, trials, store=store, out=None, table_gb=teacher.table_gb),
        ),
    )


def _longer(space: Space, place: Place) -> float:
    """How many times an epoch of the confirmation is as long as one of the search."""
    confirm, data = space.settings.confirm, place.data
    joined = confirm is not None and confirm.data == "train+val"
    return 1 + len(data.validation) / len(data.train) if joined else 1.0


def _asked(space: Space, points: int | None) -> int:
    """Trials of the whole sweep; of a grid no more than it has points."""
    assert space.settings.sweep is not None
    trials = space.settings.sweep.trials
    if space.settings.sweep.sampler != "grid":
        assert trials is not None  # else something else limits them
        return trials
    assert points is not None
    return points if trials is None else min(points, trials)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cost:
    """Epochs, and the seconds of one process for all of them."""

    student: int
    teacher: int
    seconds: float
    macs: float
    """Of the student."""


def _cost(trials: Sequence[Foreseen], seconds: dict[str, float], images: int, seen: set[str] | None) -> _Cost:
    """What the trials cost; where equal epochs are trained once, ``seen`` are those that are there, and get more."""
    epochs = {"student": 0, "teacher": 0}
    total, macs = SECONDS_PER_TRIAL * len(trials), 0.0
    for trial in trials:
        for segment in (*trial.segments, *([trial.teacher] if trial.teacher else [])):
            for address in segment.addresses[1:] if segment.rates else ():
                if seen is not None and address in seen:
                    continue
                if seen is not None:
                    seen.add(address)
                epochs["teacher" if segment.stage == "teacher" else "student"] += 1
                total += seconds[trial.kind(segment.stage)]
                if segment.stage != "teacher":  # a pass forward, two backward
                    whole = segment.stage == "sparsity"
                    macs += 3 * images * trial.size["macs_unpruned" if whole else "macs"]
    return _Cost(**epochs, seconds=total, macs=macs)


def _rungs(space: Space, trials: Sequence[Foreseen]) -> dict[str, list[int]]:
    """Rung -> distinct networks in each group of like trials, the smallest group first."""
    sweep, stage = space.settings.sweep, space.settings.last_stage
    assert sweep is not None
    if sweep.asha is None:
        return {}
    within = compare_within(space)
    peers: dict[str, dict[str, set[str]]] = {}
    for trial in trials:
        training = trial.recipe.training(stage)
        segment = next((segment for segment in trial.segments if segment.stage == stage), None)
        if segment is None or training is None:
            continue
        group = asha.group("", within, {**space.fixed, **trial.params})
        for epoch in range(1, training.epochs):
            name = asha.rung(sweep.asha, training, epoch)
            if name is not None:
                peers.setdefault(name, {}).setdefault(group, set()).add(segment.addresses[epoch])
    return {name: sorted(len(found) for found in groups.values()) for name, groups in sorted(peers.items())}


def _warnings(space: Space, rungs: dict[str, list[int]]) -> list[str]:
    found = []
    sweep = space.settings.sweep
    assert sweep is not None
    if sweep.asha is not None and not any(
        count >= needed_peers(sweep.asha) for counts in rungs.values() for count in counts
    ):
        lower = "min_peers" if sweep.asha.min_peers > sweep.asha.protect else "protect"
        found.append(
            f"asha can stop nothing: no rung can expect {needed_peers(sweep.asha)} like networks; "
            f"lower {lower}, narrow compare_within, or ask for more trials"
        )
    return found


def needed_peers(rule: Asha) -> int:
    """Distinct networks of a group of which one can be stopped."""
    return max(rule.min_peers, rule.protect + 1)
