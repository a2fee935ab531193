"""What a sweep cost, and what its trials would have cost had nothing been shared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.records import LEDGER, Run, Trial, TrialState, read_ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Macs:
    """Multiply-accumulates of the students' epochs: a pass forward, two backward, the measuring, the teacher's looks.

    `alone`: had every trial run by itself with a live teacher. `shared`: had equal epochs been trained once, with a
    live teacher. `executed`: by the ledger.
    """

    alone: int
    shared: int
    executed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Seconds:
    """Where the time of the trials' workers went, all workers together; `engine` is what is left of it.

    Unfinished trials train, too, but their time is not known: `engine` is then too small.
    """

    training: float
    teacher: float
    waiting: float
    engine: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Epochs of students, of ended trials: `alone` = `trained` + `reused`.

    `executed` (None without a ledger) counts what processes really ran, unfinished trials and work lost to
    kills included; the teacher's epochs stand apart, from the ledger where there is one. `store_bytes` is what
    the store took when the run last ended, states of other runs included; None where nobody wrote it down.
    """

    alone: int
    trained: int
    reused: int
    executed: int | None
    teacher: int
    distinct: int = 0
    """Of the executed ones, different from each other."""
    views: int = 0
    """Views of images that the teacher looked at for the distilled epochs, by the ledger."""
    views_again: int = 0
    """Of these, known to have been looked at before."""
    views_live: int = 0
    """Of these, looked at anew in every epoch, since no table held them."""
    live: str = ""
    """Why there was no table."""
    macs: Macs | None = None
    """None where they were not recorded."""
    seconds: Seconds | None = None
    store_bytes: int | None = None
    """Size of the store when the run ended."""

    @property
    def views_ratio(self) -> float | None:
        """Views computed over distinct ones, of those that a table holds; None where it holds none."""
        kept = self.views - self.views_live
        return kept / (kept - self.views_again) if kept > self.views_again else None


def cost(run: Run) -> Cost:
    """Count the work of `run` from its trials and its ledger.

    Raises:
        ResultsError: a file of the ledger is damaged.
    """
    ended = [trial for trial in run.trials if trial.state is not TrialState.running]
    trained = sum(trial.epochs_trained for trial in ended)
    reused = sum(trial.epochs_reused for trial in ended)
    lines = read_ledger(run)
    looks = [line for line in lines if line.get("kind") == "views"]
    epochs = [line for line in lines if line.get("kind") != "views"]
    teacher = [line for line in epochs if line.get("stage") == "teacher"]
    student = [line for line in epochs if line.get("stage") != "teacher"]
    kept = (run.path / LEDGER).is_dir()
    store = run.manifest.get("store_bytes")
    return Cost(
        alone=trained + reused,
        trained=trained,
        reused=reused,
        executed=len(student) if kept else None,
        distinct=len({line.get("address") for line in student}),
        teacher=len(teacher) if kept else sum(trial.teacher_epochs_trained for trial in ended),
        views=sum(look["computed"] for look in looks),
        views_again=sum(look["again"] for look in looks),
        views_live=sum(look["computed"] for look in looks if look["live"]),
        live=next((look["live"] for look in looks if look["live"]), ""),
        macs=_macs(ended, [*student, *looks]),
        seconds=_seconds(ended, student, teacher, looks),
        store_bytes=store if isinstance(store, int) else None,
    )


def _macs(ended: Sequence[Trial], executed: Iterable[Mapping[str, Any]]) -> Macs | None:
    """Of the students' epochs, with what their teacher looks at."""
    alone, once = 0, dict[str, int]()
    for trial in ended:
        for entry in trial.curve:
            if "macs_trained" in entry:
                of_entry = entry["macs_trained"] + entry.get("macs_teacher", 0)
                alone += of_entry
                once[entry["address"]] = of_entry
    if not alone:
        return None
    return Macs(alone=alone, shared=sum(once.values()), executed=sum(one.get("macs", 0) for one in executed))


def _seconds(
    ended: Iterable[Trial],
    student: Iterable[Mapping[str, Any]],
    teacher: Iterable[Mapping[str, Any]],
    looks: Iterable[Mapping[str, Any]],
) -> Seconds:
    """Where the time of the trials' workers went."""
    total, waiting = sum(trial.seconds for trial in ended), sum(trial.seconds_waiting for trial in ended)
    training = sum(line.get("seconds", 0.0) for line in student)
    taught = sum(line.get("seconds", 0.0) for line in (*teacher, *looks))
    return Seconds(
        training=training,
        teacher=taught,
        waiting=waiting,
        engine=max(0.0, total - training - taught - waiting),
    )
