"""A plan, for people or as one JSON line."""

import json
import statistics
from collections.abc import Iterator
from dataclasses import asdict
from typing import TextIO

from analysis.text import human
from sweeper.plan import COUNTED, Plan
from sweeper.teacher_work import TeacherWork


def say_plan(planned: Plan, stream: TextIO, *, as_json: bool) -> None:
    """Write it down, a line a fact."""
    if as_json:
        stream.write(json.dumps(asdict(planned)) + "\n")
        return
    rows = list(_rows(planned))
    width = max(len(name) for name, _ in rows) + 2
    stream.write(f"{planned.name}\n")
    for name, text in rows:
        stream.write(f"  {name:{width}}{text}\n")
    for warning in planned.warnings:
        stream.write(f"  warning: {warning}\n")


def _rows(planned: Plan) -> Iterator[tuple[str, str]]:
    """(name, what is said of it), in order."""
    many = "endlessly many points" if planned.points is None else f"{planned.points:,} points in the space"
    many += " or more" if planned.points == COUNTED else ""
    count = f"about {planned.trials:,}" if planned.limit else f"{planned.trials:,}"
    why = f", {planned.limit}" if planned.limit else ""
    yield "trials", f"{count} by {planned.sampler}, {planned.workers} at a time{why}; {many}"
    if planned.counted < planned.trials:
        yield "", f"all that follows is of the first {planned.counted:,} of them"
    saved = planned.epochs_alone / max(1, planned.epochs_shared)
    epochs = f"{planned.epochs_alone:,} alone, {planned.epochs_shared:,} shared"
    yield "epochs", f"{epochs}: {saved:.2f} times fewer"
    fewer = planned.macs_alone / max(1.0, planned.macs_shared)
    macs = f"about {human(planned.macs_alone)} alone, {human(planned.macs_shared)} shared"
    yield "MACs", f"{macs}: {fewer:.2f} times fewer"
    if planned.teacher_epochs_alone:
        alone, shared = planned.teacher_epochs_alone, planned.teacher_epochs_shared
        yield "teacher", f"{alone:,} epochs alone, {shared:,} shared"
    for kind, seconds in planned.seconds_per_epoch.items():
        yield f"  {kind}", f"{seconds:.2f} s an epoch"
    if planned.teacher.views_alone:
        yield "answers", _answers(planned.teacher)
    shared_time, alone_time = _duration(planned.hours_shared), _duration(planned.hours_alone)
    yield "time", f"about {shared_time} if no trial is stopped early ({alone_time} without sharing)"
    if planned.confirm_runs:
        runs, epochs = f"{planned.confirm_runs:,} runs", f"{planned.confirm_epochs:,} epochs shared"
        yield "confirm", f"afterwards at most {runs}, {epochs}: about {_duration(planned.confirm_hours)} more"
    limit, free = f"limit {planned.store_limit_gb:g} GB", f"{planned.free_gb:.0f} GB free"
    table = (
        f" and {planned.teacher.table_gb:.2f} GB of the teacher's table" if planned.teacher.table_gb else ""
    )
    yield "disk", f"{planned.disk_gb:.2f} GB of kept states{table}, {limit}, {free}"
    if planned.infeasible:
        outside = f"about {planned.infeasible} of {planned.counted} random points are outside"
        yield "constraints", f"{outside}; they end after the cut"
    for name, counts in planned.rungs.items():
        able = sum(count >= (planned.min_peers or 0) for count in counts)
        middle = f"{statistics.median(counts):g} networks in a group (from {min(counts)} to {max(counts)})"
        reach = f"{able} of {len(counts)} groups reach the {planned.min_peers} that one can be stopped of"
        yield f"rung {name}", f"{middle}; {reach}"
    if len(planned.ranked_by) > 1:
        yield "ranks", f"by {' and '.join(planned.ranked_by)}: no one on the Pareto front is stopped"


def _answers(work: TeacherWork) -> str:
    """What the teacher looks at, and for how long."""
    took = _duration(work.seconds_shared / 3600)
    text = (
        f"of the teacher to {work.views_alone:,} views of images alone, {work.views_shared:,} shared: {took}"
    )
    return f"{text}, live, since {work.live}" if work.live else text


def _duration(hours: float) -> str:
    seconds = hours * 3600
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{hours:.1f} h"
